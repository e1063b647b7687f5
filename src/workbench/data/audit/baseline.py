"""Where every outcome stands at the data cut, over all people who may be read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from workbench.core.params import Outcome

__all__ = ["BASELINE_COLUMNS", "describe_baselines"]

_HORIZON_DAYS = 365

BASELINE_COLUMNS = [
    "outcome",
    "label",
    "kind",
    "unit",
    "direction",
    "negative_control",
    "n",
    "missing",
    "mean",
    "sd",
    "read",
    "suppressed",
]

_EMPLOYED = (
    "select employee_id as unit from employees"
    " where hire_date <= $day and (exit_date is null or exit_date > $day)"
)


def describe_baselines(
    con: duckdb.DuckDBPyConnection,
    outcomes: Sequence[Outcome],
    *,
    cut: date,
    min_group: int,
) -> pd.DataFrame:
    """Return the mean and spread of each outcome before any comparison is made.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`, consenting people only.
    outcomes : sequence of Outcome
        As `outcomes.yml` declares them.
    cut : date
        Last day of the reported quarter.
    min_group : int
        Below this number of people, mean, spread and counts are left blank.

    Returns
    -------
    DataFrame
        One row per outcome: ``outcome``, ``label``, ``kind``, ``unit``,
        ``direction``, ``negative_control``, ``n`` (people with a value),
        ``missing`` (people without), ``mean``, ``sd`` (of single people), ``read``
        (which values were read) and ``suppressed``.

    Notes
    -----
    Performance and skills are the latest value of people employed at the cut;
    retention and mobility look back over the outcome's horizon from the cut, at those
    employed when it began. Days to proficiency are those of people employed at the cut
    who became proficient within the horizon before it.
    """
    rows = [_describe(con, item, cut=cut, min_group=min_group) for item in outcomes]
    table = pd.DataFrame(rows, columns=BASELINE_COLUMNS)
    return table.astype({"n": "Int64", "missing": "Int64", "mean": float, "sd": float})


def _describe(
    con: duckdb.DuckDBPyConnection, outcome: Outcome, *, cut: date, min_group: int
) -> dict[str, Any]:
    table, field = outcome.source.split(".")
    row = {
        "outcome": outcome.id,
        "label": outcome.label or outcome.id.replace("_", " "),
        "kind": outcome.kind,
        "unit": outcome.unit,
        "direction": outcome.direction,
        "negative_control": outcome.negative_control,
    }
    reader = _READERS.get(table)
    if reader is None:
        text = f"the audit has no reading of {outcome.source}"
        return row | _blank(text, suppressed=False)
    horizon = outcome.horizon_days or _HORIZON_DAYS
    query, read, day = reader(con, field, cut, horizon)
    if not query:
        return row | _blank(read, suppressed=False)
    sql = (
        f"select count(v.value), count(*) - count(v.value), avg(v.value),"
        f" stddev_samp(v.value) from ({_EMPLOYED}) e left join ({query}) v using (unit)"
    )
    n, missing, mean, sd = con.execute(sql, {"day": day}).fetchall()[0]
    if n == 0:
        return row | _blank(f"{read}: nobody has a value", suppressed=False)
    if n < min_group:
        return row | _blank(read, suppressed=True)
    found = {"n": n, "missing": missing, "mean": mean, "read": read}
    return row | found | {"sd": math.nan if sd is None else sd, "suppressed": False}


def _blank(read: str, *, suppressed: bool) -> dict[str, Any]:
    blank = dict.fromkeys(["mean", "sd"], math.nan) | dict.fromkeys(["n", "missing"])
    return blank | {"read": read, "suppressed": suppressed}


Reading = tuple[str, str, date]
"""Query for ``unit`` and ``value``, what it reads, and whose day of employment."""


def _read_performance(
    con: duckdb.DuckDBPyConnection, field: str, cut: date, _horizon: int
) -> Reading:
    if field not in _list_columns(con, "performance"):
        return "", f"performance has no column {field}", cut
    sql = f'select max(period) from performance where "{field}" is not null'
    period = con.execute(sql).fetchall()[0][0]
    if period is None:
        return "", f"performance holds no {field} up to the cut", cut
    query = (
        f'select employee_id as unit, cast("{field}" as double) as value'
        f" from performance where period = '{period}'"
    )
    return query, f"period {period}, people employed at the cut", cut


def _read_exits(
    _con: duckdb.DuckDBPyConnection, field: str, cut: date, horizon: int
) -> Reading:
    kind = "true" if field == "any" else "exit_type = 'voluntary'"
    query = (
        "select employee_id as unit, cast(coalesce("
        f"not (exit_date is not null and {kind}), true) as double) as value"
        " from employees"
    )
    start = _back(cut, horizon)
    return query, f"still there {horizon} days after {start:%Y-%m-%d}", start


def _read_moves(
    _con: duckdb.DuckDBPyConnection, field: str, cut: date, horizon: int
) -> Reading:
    events = "('promotion')" if field == "promotion" else "('promotion', 'transfer')"
    start = _back(cut, horizon)
    query = (
        "select e.employee_id as unit, cast(count(j.employee_id) > 0 as double)"
        " as value from employees e left join job_history j"
        f" on j.employee_id = e.employee_id and j.event in {events}"
        " and j.effective_date > $day group by all"
    )
    return query, f"moved within {horizon} days after {start:%Y-%m-%d}", start


def _read_skills(
    _con: duckdb.DuckDBPyConnection, _field: str, cut: date, _horizon: int
) -> Reading:
    query = (
        "select unit, avg(proficiency) as value from (select employee_id as unit,"
        " skill, arg_max(proficiency, assessed_at) as proficiency"
        " from skill_assessments group by all) group by all"
    )
    return query, "mean of each person's latest assessments, one per skill", cut


def _read_ramp(
    _con: duckdb.DuckDBPyConnection, _field: str, cut: date, horizon: int
) -> Reading:
    start = _back(cut, horizon)
    query = (
        "select employee_id as unit, avg(proficient_at - role_start) as value"
        f" from proficiency_dates where proficient_at > date '{start}' group by all"
    )
    read = f"days of those proficient since {start:%Y-%m-%d}, employed at the cut"
    return query, read, cut


def _read_employees(
    con: duckdb.DuckDBPyConnection, field: str, cut: date, _horizon: int
) -> Reading:
    if field not in _list_columns(con, "employees"):
        return "", f"employees has no column {field}", cut
    query = (
        f'select employee_id as unit, try_cast("{field}" as double) as value'
        " from employees"
    )
    return query, "people employed at the cut", cut


_READERS: dict[str, Callable[[duckdb.DuckDBPyConnection, str, date, int], Reading]] = {
    "performance": _read_performance,
    "exits": _read_exits,
    "job_history": _read_moves,
    "skill_assessments": _read_skills,
    "proficiency_dates": _read_ramp,
    "employees": _read_employees,
}


def _list_columns(con: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return {row[0] for row in con.execute(f"describe {table}").fetchall()}


def _back(cut: date, days: int) -> date:
    """Return the day so many days before the cut."""
    return date.fromordinal(cut.toordinal() - days)
