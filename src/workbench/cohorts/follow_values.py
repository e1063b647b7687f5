"""What ends a follow-up and when, one SQL query per kind of source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from workbench.cohorts.outcomes import date_windows
from workbench.cohorts.trials import Trial
from workbench.core.params import Outcome

__all__ = [
    "DETAILS",
    "ROLE_START",
    "Followable",
    "build_follow_values",
    "takes_time",
    "write_exit_cause",
]

ROLE_START = "role start"
DETAILS = (
    "regrettable resignation",
    "other resignation",
    "resignation not judged",
    "left otherwise",
)
"""Causes of leaving where it is known which resignations were regretted."""

_LANDMARK = "landmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Followable:
    """What can end the follow-up of a source, the event of interest first.

    ``counted`` holds, for the table of exclusions, what a person needs besides being
    there at the landmark: the step in words, and its column of ``follow_values``.
    """

    causes: tuple[str, ...]
    origin: str = _LANDMARK
    counted: tuple[tuple[str, str], ...] = ()


_SOURCES: Mapping[str, Followable] = {
    "exits.voluntary": Followable(causes=("resigned", "left otherwise")),
    "exits.any": Followable(causes=("left",)),
    "job_history.internal_move": Followable(causes=("promoted or transferred", "left")),
    "job_history.promotion": Followable(causes=("promoted", "left")),
    "proficiency_dates.days": Followable(
        causes=("became proficient", "left", "changed role"),
        origin=ROLE_START,
        counted=(
            ("on the way to proficiency on the first day", "on_the_way"),
            ("still in the role at the landmark", "in_role"),
            ("not yet proficient at the landmark", "followed"),
        ),
    ),
}


def takes_time(outcome: Outcome) -> bool:
    """Tell whether an outcome is something that happens, sooner or later."""
    return outcome.source in _SOURCES


def build_follow_values(
    con: duckdb.DuckDBPyConnection, outcome: Outcome, trials: Sequence[Trial]
) -> Followable:
    """Build ``follow_values``: one row per person at the landmark and trial.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``at_risk``.
    outcome : Outcome
        One that `takes_time`.
    trials : sequence of Trial
        From `plan_follow_ups`; left as the table ``windows``.

    Returns
    -------
    Followable
        Causes and clock of the source.

    Notes
    -----
    ``duration`` counts days from the landmark to what ended the follow-up, or to the
    data cut; ``cause`` is 0 for the cut, else the position in ``causes`` plus 1, and
    ``detail`` the same of `DETAILS`, 0 where the source has none. Of two things on one
    day the event of interest counts. ``elapsed`` counts days from the origin to the
    landmark. ``followed`` tells who is at risk at the landmark.
    """
    date_windows(con, trials)
    table, field = outcome.source.split(".")
    _READERS[table](con, field)
    return _SOURCES[outcome.source]


def write_exit_cause(field: str, *, row: str) -> str:
    """Write the SQL of the cause of an exit, of a row with exit date and type."""
    return (
        f"case when {row}.exit_date is null then 0"
        f" when {_is_meant(field, row)} then 1 else 2 end"
    )


def _is_meant(field: str, row: str) -> str:
    if field == "any":
        return "true"
    return f"coalesce({row}.exit_type = 'voluntary', false)"


def _read_exits(con: duckdb.DuckDBPyConnection, field: str) -> None:
    cause = write_exit_cause(field, row="a")
    con.execute(_EXITS.format(cause=cause))


def _read_moves(con: duckdb.DuckDBPyConnection, field: str) -> None:
    events = "('promotion')" if field == "promotion" else "('promotion', 'transfer')"
    con.execute(_MOVES.format(events=events))


def _read_ramp(con: duckdb.DuckDBPyConnection, _field: str) -> None:
    con.execute(_RAMP)


_READERS: Mapping[str, Callable[[duckdb.DuckDBPyConnection, str], None]] = {
    "exits": _read_exits,
    "job_history": _read_moves,
    "proficiency_dates": _read_ramp,
}

_EXITS = """
create or replace temp table follow_values as
with ends as (
    select a.unit, a.trial, a.landmark, {cause} as cause, e.regrettable,
        coalesce(a.exit_date, w.window_ends) as ends_on
    from at_risk a join windows w using (trial)
    join employees e on e.employee_id = a.unit
    where a.stayed
)
select unit, trial, ends_on - landmark as duration, cause,
    case when cause = 0 then 0 when cause = 2 then 4 when regrettable then 1
        when not regrettable then 2 else 3 end as detail,
    0 as elapsed, true as followed
from ends
"""

_MOVES = """
create or replace temp table follow_values as
with moves as (
    select a.unit, a.trial, min(j.effective_date) as moved_on
    from at_risk a join windows w using (trial)
    join job_history j on j.employee_id = a.unit
    where a.stayed and j.event in {events} and j.effective_date > a.landmark
    group by all
),
ends as (
    select a.unit, a.trial, a.landmark, m.moved_on,
        least(m.moved_on, a.exit_date, w.window_ends) as ends_on, a.exit_date
    from at_risk a join windows w using (trial)
    left join moves m on m.unit = a.unit and m.trial = a.trial
    where a.stayed
)
select unit, trial, ends_on - landmark as duration,
    case when moved_on <= ends_on then 1 when exit_date <= ends_on then 2 else 0 end
        as cause, 0 as detail, 0 as elapsed, true as followed
from ends
"""

_RAMP = """
create or replace temp table follow_values as
with waiting as (
    select a.unit, a.trial, a.time_zero, a.landmark, a.role, a.exit_date, a.stayed,
        w.window_ends, p.role_start, p.proficient_at
    from at_risk a join windows w using (trial)
    join proficiency_dates p on p.employee_id = a.unit and p.role = a.role
    where a.stayed and p.role_start <= a.landmark
        and coalesce(p.proficient_at >= a.time_zero, true)
),
changes as (
    select b.unit, b.trial, min(j.effective_date) as changed_on
    from waiting b join jobs j on j.employee_id = b.unit
        and j.effective_date > b.time_zero
        and j.event <> 'exit' and j.role is distinct from b.role
    group by all
),
ends as (
    select b.*, c.changed_on, coalesce(c.changed_on > b.landmark, true) as in_role,
        least(b.proficient_at, b.exit_date, c.changed_on, b.window_ends) as ends_on
    from waiting b left join changes c on c.unit = b.unit and c.trial = b.trial
)
select unit, trial, ends_on - landmark as duration,
    case when proficient_at <= ends_on then 1 when exit_date <= ends_on then 2
        when changed_on <= ends_on then 3 else 0 end as cause,
    0 as detail, landmark - role_start as elapsed, true as on_the_way, in_role,
    in_role and coalesce(proficient_at > landmark, true) as followed
from ends
"""
