"""Who could still learn a programme at time zero, and who did by the landmark."""

from __future__ import annotations

import duckdb

__all__ = ["build_at_risk"]


def build_at_risk(con: duckdb.DuckDBPyConnection, persona: str) -> None:
    """Build ``at_risk``: the members of a persona with their exposure.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``members``, and ``learners`` and ``modules_done`` of the programme.
    persona : str
        Persona in force at time zero.

    Notes
    -----
    One row per person and trial, with ``learnt_before`` (no longer eligible),
    ``treated`` (learnt between time zero and landmark), ``partly`` (completed a module
    in that time), ``stayed`` (eligible and employed at the landmark) and the
    covariates that depend on the programme.
    """
    con.execute(_AT_RISK, [persona])


_AT_RISK = """
create or replace temp table at_risk as
with chosen as (select * from members where persona = ?),
earlier as (
    select m.unit, m.trial, count(distinct d.course_id) as prior_modules
    from chosen m join modules_done d on d.unit = m.unit and d.done_on < m.time_zero
    group by all
),
within as (
    select distinct m.unit, m.trial from chosen m
    join modules_done d on d.unit = m.unit
        and d.done_on between m.time_zero and m.landmark
),
wanted as (
    select m.unit, m.trial, m.time_zero, t.skill from chosen m, (
        select distinct skill from course_skills join program_courses using (course_id)
    ) t
),
skills as (
    select w.unit, w.trial,
        avg(s.proficiency order by w.skill) as prior_program_skill
    from wanted w asof join skill_days s
        on w.unit = s.employee_id and w.skill = s.skill and w.time_zero > s.known_on
    group by all
)
select m.*, coalesce(e.prior_modules, 0) as prior_modules, s.prior_program_skill,
    coalesce(l.learnt_on < m.time_zero, false) as learnt_before,
    coalesce(l.learnt_on between m.time_zero and m.landmark, false) as treated,
    w.unit is not null as partly,
    coalesce(m.exit_date > m.landmark, true) as stayed_to_landmark,
    stayed_to_landmark and not learnt_before as stayed
from chosen m
left join learners l on l.unit = m.unit
left join earlier e on e.unit = m.unit and e.trial = m.trial
left join within w on w.unit = m.unit and w.trial = m.trial
left join skills s on s.unit = m.unit and s.trial = m.trial
"""
