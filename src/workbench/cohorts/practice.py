"""What learners of a programme answered, and what their managers did afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

from workbench.core.errors import MissingColumnError
from workbench.core.managers import ManagerParams
from workbench.core.params import OrgParams, Program
from workbench.core.quarters import Quarter

__all__ = ["QUARTERS_SHOWN", "Practice", "build_practice", "list_practice_quarters"]

QUARTERS_SHOWN = 4
"""Quarters, the reported one the last, over which levels are measured."""

_ANSWERS = ("unit", "period", "score")
_COMPLETIONS = ("unit", "period", "manager", "followed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """Answers to surveys and follow-ups by managers, of one persona and programme.

    Attributes
    ----------
    program : Program
        The programme.
    periods : tuple of str
        The last quarters, oldest first.
    answers : DataFrame or None
        One row per answer to a learner survey on a course of the programme: ``unit``,
        ``period`` (quarter of the answer) and ``score`` (0 to 10). None where there
        are no surveys.
    completions : DataFrame or None
        One row per learner: ``unit``, ``period`` (quarter of the completion),
        ``manager`` (pseudonym at time zero; the person where there is none) and
        ``followed`` (bool: a coaching behaviour within the days). Only completions
        whose days had passed by the data cut, of people still employed then. None
        where managers' behaviours are not declared or not recorded.
    managers : ManagerParams or None
        What counts as following up.
    """

    program: Program
    periods: tuple[str, ...]
    answers: pd.DataFrame | None
    completions: pd.DataFrame | None
    managers: ManagerParams | None = None

    def __post_init__(self) -> None:
        for frame, wanted in (
            (self.answers, _ANSWERS),
            (self.completions, _COMPLETIONS),
        ):
            missing = [] if frame is None else sorted({*wanted} - {*frame.columns})
            if missing:
                raise MissingColumnError.build(
                    "Answers or completions lack columns",
                    where=self.program.id,
                    got=missing,
                )


def list_practice_quarters(quarter: Quarter, *, first: Quarter) -> list[Quarter]:
    """List the quarters over which levels are measured, oldest first."""
    shown = [quarter.shift(-back) for back in reversed(range(QUARTERS_SHOWN))]
    return [item for item in shown if item >= first]


def build_practice(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    quarter: Quarter,
    *,
    program: Program,
    quarters: Sequence[Quarter],
    tables: Sequence[str],
) -> Practice:
    """Collect answers and follow-ups of one persona and programme.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``at_risk`` and ``modules_done`` of the persona and programme, for all of
        `quarters`; see `prepare_program`.
    params : OrgParams
        ``managers`` says what counts as following up.
    quarter : Quarter
        The reported quarter; its last day is the data cut.
    program : Program
        The programme.
    quarters : sequence of Quarter
        From `list_practice_quarters`.
    tables : sequence of str
        Canonical tables that were loaded.

    Returns
    -------
    Practice
        Of people who were in the persona on the first day of the quarter in which they
        answered or completed the programme.
    """
    con.execute(
        "create or replace temp table practice_quarters"
        " (period varchar, first_day date, last_day date)"
    )
    rows = [(str(item), item.first_day, item.last_day) for item in quarters]
    con.executemany("insert into practice_quarters values (?, ?, ?)", rows)
    managers = params.managers if "manager_actions" in tables else None
    return Practice(
        program=program,
        periods=tuple(str(item) for item in quarters),
        answers=con.execute(_ANSWERED).df() if "surveys" in tables else None,
        completions=None
        if managers is None
        else _read_completions(con, managers, quarter),
        managers=managers,
    )


def _read_completions(
    con: duckdb.DuckDBPyConnection, managers: ManagerParams, quarter: Quarter
) -> pd.DataFrame:
    coaching = [item.id for item in managers.behaviours if item.coaching]
    return con.execute(
        _COMPLETED,
        {"days": managers.within_days, "cut": quarter.last_day, "coaching": coaching},
    ).df()


_ANSWERED = """
select a.unit, q.period, s.score
from at_risk a join practice_quarters q on q.period = a.trial
join surveys s on s.employee_id = a.unit
    and cast(s.asked_at as date) between q.first_day and q.last_day
join program_courses c on c.course_id = s.course_id
where s.instrument = 'learner_nps' and s.score is not null
order by a.unit, s.asked_at, s.course_id, s.score
"""

_COMPLETED = """
with learnt as (
    select a.unit, q.period, coalesce(a.manager_id, a.unit) as manager, l.learnt_on,
        l.learnt_on + cast($days as integer) as ends_on
    from at_risk a join practice_quarters q on q.period = a.trial
    join learners l on l.unit = a.unit
    where a.treated and not a.learnt_before
        and l.learnt_on + cast($days as integer) <= $cut
        and coalesce(a.exit_date > l.learnt_on + cast($days as integer), true)
),
moments as (
    select l.unit, max(n.completed_at) as learnt_at
    from learnt l join enrollments n on n.employee_id = l.unit
    join program_courses c on c.course_id = n.course_id
    where n.status = 'completed' and cast(n.completed_at as date) = l.learnt_on
    group by all
)
select l.unit, l.period, l.manager, exists (
    select 1 from manager_actions m
    where m.employee_id = l.unit and list_contains($coaching, m.action)
        and m.acted_at >= t.learnt_at and cast(m.acted_at as date) <= l.ends_on
        and (m.course_id is null
            or m.course_id in (select course_id from program_courses))
) as followed
from learnt l join moments t using (unit) order by l.unit
"""
