"""How old the last record of each table is, against how often records come."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any

import duckdb
import pandas as pd

from workbench.core.quarters import Quarter
from workbench.data.contract import TABLES, Column
from workbench.data.sql import quote_name

__all__ = ["CADENCE_DAYS", "FRESHNESS_COLUMNS", "measure_freshness"]

CADENCE_DAYS: Mapping[str, int] = {
    "job_history": 92,
    "enrollments": 31,
    "lms_events": 7,
    "performance": 92,
    "skill_assessments": 31,
    "proficiency_dates": 92,
    "surveys": 92,
    "manager_actions": 31,
    "costs": 92,
}
"""Days that may usually lie between two records; other tables have no rhythm."""

_QUANTILE = 0.95
_EARLIER_QUARTERS = 4

FRESHNESS_COLUMNS = [
    "table",
    "rows",
    "rows_after_cut",
    "first_day",
    "last_day",
    "lag_days",
    "cadence_days",
    "value",
    "status",
    "text",
]


def measure_freshness(
    con: duckdb.DuckDBPyConnection,
    *,
    stored: Mapping[str, int],
    quarter: Quarter,
) -> pd.DataFrame:
    """Measure the days from the last record of each dated table to the data cut.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`, everybody: only rows and their dates are counted.
    stored : mapping of str to int
        Rows of each stored table, those after the cut included.
    quarter : Quarter
        The reported quarter; its last day is the cut.

    Returns
    -------
    DataFrame
        One row per stored table: ``rows`` up to the cut, ``rows_after_cut`` (not
        read), ``first_day``, ``last_day`` (a quarter counts with its last day),
        ``lag_days``, ``cadence_days``, ``value`` (cadence over lag, at most 1; NaN
        for tables without a rhythm), ``status`` and ``text``.

    Notes
    -----
    The cadence is the longest of the table's usual one, the 95 % quantile of the gaps
    between its own days with records, and the lags at the ends of the four quarters
    before: seasons are not lateness.
    """
    found = []
    for name, total in stored.items():
        rows = int(con.execute(f"select count(*) from {name}").fetchall()[0][0])
        dated = [column for column in TABLES[name].columns if column.cut == "row"]
        row = {"table": name, "rows": rows, "rows_after_cut": total - rows}
        found.append(row | _judge(con, name, dated, quarter))
    return pd.DataFrame(found, columns=FRESHNESS_COLUMNS).astype(
        {"lag_days": "Int64", "cadence_days": "Int64", "value": float}
    )


def _judge(
    con: duckdb.DuckDBPyConnection, table: str, dated: list[Column], quarter: Quarter
) -> dict[str, Any]:
    blank: dict[str, Any] = {
        "first_day": None,
        "last_day": None,
        "lag_days": None,
        "cadence_days": None,
        "value": math.nan,
        "status": "not_applicable",
    }
    if not dated:
        return blank | {"text": "its rows are not dated"}
    days = _list_days(con, table, dated[0], quarter)
    if not days:
        return blank | {"text": "no row up to the cut"}
    known = blank | {"first_day": str(days[0]), "last_day": str(days[-1])}
    if table not in CADENCE_DAYS:
        return known | {"text": "its records follow no rhythm"}
    lag = max((quarter.last_day - days[-1]).days, 0)
    cadence = max(
        CADENCE_DAYS[table], _find_usual_gap(days), _find_usual_lag(days, quarter)
    )
    value = min(1.0, cadence / lag) if lag else 1.0
    status = "pass" if value == 1.0 else "warn" if value >= 0.5 else "fail"
    return known | {
        "lag_days": lag,
        "cadence_days": cadence,
        "value": value,
        "status": status,
        "text": f"last record {lag} days before the cut, usual gap {cadence}",
    }


def _list_days(
    con: duckdb.DuckDBPyConnection, table: str, column: Column, quarter: Quarter
) -> list[date]:
    """List the days with records, in order."""
    name = quote_name(column.name)
    value = name if column.kind == "quarter" else f"cast({name} as date)"
    sql = f"select distinct {value} as day from {table} where {name} is not null"
    found = [row[0] for row in con.execute(f"{sql} order by day").fetchall()]
    if column.kind != "quarter":
        return found
    starts = quarter.year_starts
    return [Quarter.parse(item, year_starts=starts).last_day for item in found]


def _find_usual_lag(days: list[date], quarter: Quarter) -> int:
    """Return the longest lag at the ends of the four quarters before, 0 if unknown."""
    ends = [quarter.shift(-step).last_day for step in range(1, _EARLIER_QUARTERS + 1)]
    known = [(end, bisect_right(days, end)) for end in ends]
    lags = [(end - days[place - 1]).days for end, place in known if place]
    return max(lags, default=0)


def _find_usual_gap(days: list[date]) -> int:
    """Return the 95 % quantile of the gaps between days with records, 0 if unknown."""
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    return int(pd.Series(gaps).quantile(_QUANTILE)) if len(gaps) > 1 else 0
