"""What people of today have learnt, are learning, and were helped with."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd

from workbench.cohorts.at_risk import build_at_risk
from workbench.cohorts.exposure import build_exposure
from workbench.cohorts.facts import FACT_COLUMNS
from workbench.core.params import OrgParams
from workbench.data.sql import quote_name

__all__ = [
    "OPEN_DAYS",
    "build_chosen",
    "read_actions",
    "read_done",
    "read_people",
    "read_standing",
]

OPEN_DAYS = 180
"""Days after which an enrolment without an end counts as given up."""

_RECENT_DAYS = 90


def build_chosen(con: duckdb.DuckDBPyConnection, persona: str | None) -> None:
    """Build ``chosen``: the members of one day, or those of a persona among them."""
    con.execute(
        "create or replace temp table chosen as select * from members"
        " where cast(? as varchar) is null or persona = ?",
        [persona, persona],
    )


def read_standing(
    con: duckdb.DuckDBPyConnection, params: OrgParams, *, persona: str | None
) -> pd.DataFrame:
    """Read how far people are in the programmes of their persona.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``members`` and ``chosen``. Leaves ``standing``.
    params : OrgParams
        Names the programmes.
    persona : str, optional
        Only this one.

    Returns
    -------
    DataFrame
        See `PeopleNow`.
    """
    con.execute(
        "create or replace temp table standing (unit varchar, program varchar,"
        " learnt_on date, prior_modules bigint, prior_program_skill double)"
    )
    for item in params.personas:
        if persona not in (None, item.id):
            continue
        for program in params.find_programs(item.id):
            build_exposure(con, program)
            build_at_risk(con, item.id)
            con.execute(_STANDING, [program.id])
    frame = con.execute("select * from standing order by program, unit").df()
    return frame.astype({"prior_modules": "float64", "prior_program_skill": "float64"})


def read_people(
    con: duckdb.DuckDBPyConnection, params: OrgParams, *, tables: Sequence[str]
) -> pd.DataFrame:
    """Read one row per person, as `PeopleNow` describes it.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``chosen`` and ``standing``.
    params : OrgParams
        ``managers`` says which actions are coaching; without it that is missing.
    tables : sequence of str
        Canonical tables that were loaded.
    """
    logged = "manager_actions" in tables
    managers = params.managers
    coaching = (
        [item.id for item in managers.behaviours if item.coaching] if managers else []
    )
    protected = params.workbench.privacy.protected
    listed = dict.fromkeys((*FACT_COLUMNS, *protected))
    facts = "".join(
        f", c.{quote_name(name)}" for name in listed if name != "manager_id"
    )
    frame = con.execute(
        _PEOPLE.format(
            facts=facts,
            open=OPEN_DAYS,
            recent=_RECENT_DAYS,
            zero="0" if logged else "null",
        ),
        {"coaching": coaching, "knows": bool(coaching) and logged},
    ).df()
    frame["in_progress"] = [
        [str(item) for item in value] for value in frame["in_progress"]
    ]
    numbers = frame.select_dtypes("number").columns
    counted = ("coaching_90d", "manager_actions_90d", "one_to_one_days")
    return frame.astype(
        dict.fromkeys([*numbers, *counted], "float64") | {"learnt": "bool"}
    )


def read_done(con: duckdb.DuckDBPyConnection, params: OrgParams) -> pd.DataFrame:
    """Read which courses people have passed, and when last.

    Where several programmes hold a course, the lowest score that one of them asks for
    is enough; a course of no programme needs none.
    """
    con.execute(
        "create or replace temp table pass_marks (course_id varchar, mark double)"
    )
    marks = [
        (course, program.complete.min_score)
        for program in params.programs
        for course in program.courses
    ]
    if marks:
        con.executemany("insert into pass_marks values (?, ?)", marks)
    return con.execute(_DONE).df()


def read_actions(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Read how often and how lately managers took each behaviour; see `PeopleNow`."""
    frame = con.execute(_ACTIONS.format(recent=_RECENT_DAYS)).df()
    return frame.astype({"count_90d": "int64", "days": "float64"})


_STANDING = """
insert into standing
select a.unit, ?, l.learnt_on, a.prior_modules, a.prior_program_skill
from at_risk a semi join chosen c on c.unit = a.unit
left join learners l on l.unit = a.unit
"""

_PEOPLE = """
with programs as (
    select unit, bool_and(learnt_on is not null) as learnt from standing group by all
),
completed as (
    select n.employee_id as unit, n.course_id, n.completed_at,
        cast(n.completed_at as date) as done_on
    from enrollments n semi join chosen c on c.unit = n.employee_id
    where n.status = 'completed' and n.completed_at is not null
),
learning as (
    select c.unit, c.time_zero - max(d.done_on) as last_completed_days,
        count(*) filter (d.done_on >= c.time_zero - {recent}) as completions_90d
    from chosen c join completed d using (unit) group by c.unit, c.time_zero
),
begun as (
    select c.unit, list(distinct n.course_id order by n.course_id) as courses
    from chosen c join enrollments n on n.employee_id = c.unit
    where n.status in ('enrolled', 'in_progress')
        and cast(n.enrolled_at as date) >= c.time_zero - {open}
        and not exists (
            select 1 from completed d where d.unit = n.employee_id
                and d.course_id = n.course_id and d.completed_at >= n.enrolled_at)
    group by all
),
helped as (
    select c.unit, c.time_zero - max(cast(m.acted_at as date)) as since,
        count(*) filter (cast(m.acted_at as date) >= c.time_zero - {recent}) as actions,
        count(*) filter (list_contains($coaching, m.action)
            and cast(m.acted_at as date) >= c.time_zero - {recent}) as coaching
    from chosen c join manager_actions m on m.employee_id = c.unit
    group by c.unit, c.time_zero
)
select c.unit, c.persona, c.trial, c.manager_id as team, c.location as site{facts},
    coalesce(p.learnt, false) as learnt, coalesce(b.courses, []) as in_progress,
    l.last_completed_days, coalesce(l.completions_90d, 0) as completions_90d,
    coalesce(h.actions, {zero}) as manager_actions_90d,
    case when $knows then coalesce(h.coaching, 0) end as coaching_90d,
    h.since as one_to_one_days
from chosen c
left join programs p using (unit) left join learning l using (unit)
left join begun b using (unit) left join helped h using (unit)
order by c.unit
"""

_DONE = """
with marks as (
    select course_id, case when count(mark) = count(*) then min(mark) end as mark
    from pass_marks group by all
)
select n.employee_id as unit, n.course_id,
    max(cast(n.completed_at as date)) as passed_on
from enrollments n semi join chosen c on c.unit = n.employee_id
left join marks m on m.course_id = n.course_id
where n.status = 'completed' and n.completed_at is not null
    and (m.mark is null or n.score >= m.mark)
group by all order by unit, n.course_id
"""

_ACTIONS = """
select c.unit, m.action, c.time_zero - max(cast(m.acted_at as date)) as days,
    count(*) filter (cast(m.acted_at as date) >= c.time_zero - {recent}) as count_90d
from chosen c join manager_actions m on m.employee_id = c.unit
group by c.unit, m.action, c.time_zero order by c.unit, m.action
"""
