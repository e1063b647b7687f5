"""How many records each quarter brought, and whether the last one is out of line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import duckdb
import pandas as pd

from workbench.core.quarters import Quarter
from workbench.data.contract import TABLES
from workbench.data.sql import quote_name

__all__ = [
    "VOLUME_COLUMNS",
    "count_volume",
    "create_quarters",
    "judge_volume",
    "match_quarter",
]

VOLUME_COLUMNS = ["table", "quarter", "rows"]

_CHANGE = 0.25
_Z = 1.96
_LEAST_ROWS = 20
_LEAST_CHANGES = 3


def create_quarters(
    con: duckdb.DuckDBPyConnection, quarters: Sequence[Quarter]
) -> None:
    """Create the table ``audit_quarters``: ``quarter``, ``first_day``, ``last_day``."""
    con.execute(
        "create or replace temp table audit_quarters"
        " (quarter varchar, first_day date, last_day date)"
    )
    rows = [(str(item), item.first_day, item.last_day) for item in quarters]
    con.executemany("insert into audit_quarters values (?, ?, ?)", rows)


def match_quarter(name: str, kind: str) -> str:
    """Write the condition that a date, or a quarter, lies in ``audit_quarters q``."""
    if kind == "quarter":
        return f"{quote_name(name)} = q.quarter"
    day = f"cast({quote_name(name)} as date)"
    return f"{day} >= q.first_day and {day} <= q.last_day"


def count_volume(
    con: duckdb.DuckDBPyConnection, quarters: Sequence[Quarter]
) -> pd.DataFrame:
    """Count the rows of every dated table per quarter.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`.
    quarters : sequence of Quarter
        Consecutive quarters, the reported one last.

    Returns
    -------
    DataFrame
        ``table``, ``quarter``, ``rows``: one row for every quarter of every table
        that has rows in any of them, in the order of the contract and of time.
    """
    create_quarters(con, quarters)
    parts = []
    for table in TABLES.values():
        dated = [column for column in table.columns if column.cut == "row"]
        if dated:
            day = dated[0].name
            counts = con.execute(
                f"with days as (select {_write_day(day, dated[0].kind)} as day,"
                f" count(*) as n from {table.name} group by all)"
                " select q.quarter, coalesce(sum(n), 0)::bigint as rows"
                " from audit_quarters q left join days on "
                + match_quarter("day", dated[0].kind)
                + " group by all order by min(q.first_day)"
            ).df()
            counts.insert(0, "table", table.name)
            if int(counts["rows"].sum()):
                parts.append(counts)
    if not parts:
        return pd.DataFrame(columns=VOLUME_COLUMNS)
    return pd.concat(parts, ignore_index=True)


def judge_volume(volume: pd.DataFrame) -> list[dict[str, Any]]:
    r"""Compare the rows of the last quarter with those of the one before.

    Parameters
    ----------
    volume : DataFrame
        As `count_volume` returns it.

    Returns
    -------
    list of dict
        One row per table: ``value`` is the logarithm of the ratio of rows, ``limit``
        what it may be, ``status`` ``pass``, ``warn`` or ``not_applicable`` (fewer
        than 20 rows in both quarters, or one quarter only).

    Notes
    -----
    The error is :math:`\sqrt{1/n_1 + 1/n_0 + s^2}`, with :math:`s` the standard
    deviation of the earlier changes from quarter to quarter where there are three or
    more, so that a table with seasons is not reported every season. The limit is
    :math:`\log 1.25` plus 1.96 errors.
    """
    found = []
    for table, part in volume.groupby("table", sort=False):
        counts = [int(count) for count in part["rows"]]
        names = [str(name) for name in part["quarter"]]
        if len(counts) < 2:
            continue
        row = {
            "kind": "volume",
            "table": str(table),
            "column": "rows",
            "quarter": names[-1],
            "previous": names[-2],
            "n": counts[-1],
            "n_previous": counts[-2],
        }
        found.append(row | _judge(counts))
    return found


def _judge(counts: Sequence[int]) -> dict[str, Any]:
    now, before = counts[-1], counts[-2]
    if max(now, before) < _LEAST_ROWS:
        text = f"fewer than {_LEAST_ROWS} rows in both quarters"
        return _state(math.nan, math.nan, math.nan, "not_applicable", text)
    if min(now, before) == 0:
        text = "the records stopped" if now == 0 else "the records began"
        return _state(math.nan, math.nan, math.nan, "warn", text)
    changes = [
        math.log(later / earlier)
        for earlier, later in pairwise(counts[:-1])
        if earlier and later
    ]
    spread = pd.Series(changes).std() if len(changes) >= _LEAST_CHANGES else 0.0
    value = math.log(now / before)
    error = math.sqrt(1 / now + 1 / before + float(spread) ** 2)
    limit = math.log1p(_CHANGE) + _Z * error
    status = "pass" if abs(value) <= limit else "warn"
    return _state(value, error, limit, status, f"{now / before - 1:+.0%} rows")


def _state(
    value: float, error: float, limit: float, status: str, text: str
) -> dict[str, Any]:
    return {
        "value": value,
        "std_error": error,
        "limit": limit,
        "status": status,
        "text": text,
    }


def _write_day(name: str, kind: str) -> str:
    column = quote_name(name)
    return column if kind == "quarter" else f"cast({column} as date)"
