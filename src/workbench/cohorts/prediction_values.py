"""What happened to people after a day, for predictions made on that day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import duckdb
import pandas as pd

from workbench.cohorts.follow_values import write_exit_cause
from workbench.core.params import Outcome

__all__ = ["KINDS", "Kind", "find_kind", "read_values"]

Kind = Literal["continuous", "binary", "time"]

KINDS: Mapping[str, Kind] = {
    "performance.rating": "continuous",
    "exits.voluntary": "binary",
    "exits.any": "binary",
    "job_history.internal_move": "binary",
    "job_history.promotion": "binary",
    "proficiency_dates.days": "time",
}
"""Sources that are predicted, and what a prediction of them is."""


def find_kind(outcome: Outcome) -> Kind | None:
    """Say what kind of prediction an outcome asks for; None where there is none."""
    kind = None if outcome.negative_control else KINDS.get(outcome.source)
    return None if kind == "binary" and outcome.horizon_days is None else kind


def read_values(con: duckdb.DuckDBPyConnection, outcome: Outcome) -> pd.DataFrame:
    """Read an outcome after each day on which people are looked at.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``people``: members with ``row``, ``unit``, ``trial``, ``time_zero`` and
        ``role``, and ``cut`` (the data cut) of all days that are read.
    outcome : Outcome
        One of `KINDS`.

    Returns
    -------
    DataFrame
        ``row``, ``outcome`` and, of a time, ``time`` (days from time zero, above 0)
        and ``event`` (bool). A rating is that of the quarter that begins. A share is
        coded as in the other stages (1 for who did not leave so, or who moved, within
        the horizon, its first day counted) and missing where the horizon ends after
        the cut. A time has only
        the rows of people on the way at the end of the day; who leaves, changes role
        or is on the way still is censored, and ``outcome`` then missing.
    """
    table, field = outcome.source.split(".")
    if table == "performance":
        frame = con.execute(_RATING).df()
    elif table == "proficiency_dates":
        frame = con.execute(_RAMP).df()
    else:
        horizon = int(outcome.horizon_days or 0)
        if table == "exits":
            meant = write_exit_cause(field, row="e")
            sql = _EXITS.format(meant=meant)
        else:
            moves = ["promotion"] if field == "promotion" else ["promotion", "transfer"]
            sql = _MOVES.format(events=", ".join(f"'{item}'" for item in moves))
        frame = con.execute(sql, {"horizon": horizon}).df()
    return frame.astype({"outcome": "float64"})


_RATING = """
select p.row, f.rating as outcome
from people p left join performance f
    on f.employee_id = p.unit and f.period = p.trial
order by p.row
"""

_EXITS = """
select p.row, case when p.time_zero + cast($horizon as integer) - 1 <= p.cut then
    cast(not coalesce(e.exit_date <= p.time_zero + cast($horizon as integer) - 1
        and {meant} = 1, false) as double) end as outcome
from people p join employees e on e.employee_id = p.unit
order by p.row
"""

_MOVES = """
with moved as (
    select distinct p.row from people p join job_history j on j.employee_id = p.unit
        and j.event in ({events}) and j.effective_date > p.time_zero
        and j.effective_date <= p.time_zero + cast($horizon as integer) - 1
)
select p.row, case when p.time_zero + cast($horizon as integer) - 1 <= p.cut then
    cast(m.row is not null as double) end as outcome
from people p left join moved m using (row)
order by p.row
"""

_RAMP = """
with waiting as (
    select p.row, p.unit, p.time_zero, p.role, p.exit_date, p.cut, d.proficient_at
    from people p join proficiency_dates d
        on d.employee_id = p.unit and d.role = p.role
    where d.role_start <= p.time_zero
        and coalesce(d.proficient_at > p.time_zero, true)
),
changes as (
    select w.row, min(j.effective_date) as changed_on
    from waiting w join jobs j on j.employee_id = w.unit
        and j.effective_date > w.time_zero
        and j.event <> 'exit' and j.role is distinct from w.role
    group by all
),
ends as (
    select w.*, least(w.proficient_at, w.exit_date, c.changed_on, w.cut) as ends_on
    from waiting w left join changes c using (row)
)
select row, ends_on - time_zero as time,
    coalesce(proficient_at <= ends_on, false) as event,
    case when proficient_at <= ends_on then ends_on - time_zero end as outcome
from ends where ends_on > time_zero or time_zero > cut
order by row
"""
