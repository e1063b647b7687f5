"""A large organisation as a store of canonical tables, made by code; DuckDB only."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb

from workbench.core.params import OrgParams, load_org_params

__all__ = ["CUT", "PERSONA", "load_params", "make_store"]

FIRST = date(2021, 10, 1)
CUT = date(2026, 9, 30)
PERSONA = "support_l1_experienced"
"""The largest persona: a fifth of the people, less their first year."""


def load_params(root: Path) -> OrgParams:
    """Take the parameters of the demo organisation, from five years back on."""
    from dataclasses import replace

    params = load_org_params("demo", root / "params")
    span = params.workbench.quarter.model_copy(update={"first": "2021Q4"})
    workbench = params.workbench.model_copy(update={"quarter": span})
    return replace(params, workbench=workbench)


def make_store(folder: Path, people: int) -> Path:
    """Write the tables once; each draw is a hash of the person's number and a name.

    Parameters
    ----------
    folder : Path
        Where to put them; what is there already is taken as it is.
    people : int
        Rows of ``employees``. Of ten people six were there before the five years
        began; about one in five leaves within a year. Everybody is rated and assessed
        in four skills every quarter, and completes a course in most of them.

    Returns
    -------
    Path
        The store.
    """
    if (folder / "_load.json").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(":memory:", config={"memory_limit": "4GB"})
    con.execute("create macro u(i, name) as hash(i || name) / 18446744073709551616.0")
    con.execute("create macro person(i) as md5(cast(i as varchar))")
    con.execute("create macro day(x) as cast(floor(x) as integer)")
    con.execute(_PEOPLE, {"people": people, "first": FIRST, "cut": CUT})
    con.execute(_QUARTERS, {"first": FIRST})
    con.execute(_SPELLS)
    for table, query in _TABLES.items():
        con.execute(f"copy ({query}) to '{folder / table}.parquet' (format parquet)")
    con.close()
    content = {"tables": sorted(_TABLES), "year_starts": 1}
    (folder / "_load.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


_PEOPLE = """
create table people as
with drawn as (
    select i, case when u(i, 'old') < 0.6
        then $first - day(1 + 3650 * u(i, 'hire'))
        else $first + day(1790 * u(i, 'hire')) end as hire_date
    from range($people) t(i)
),
dated as (
    select *, greatest(hire_date, $first)
        + day(30 - 1700 * ln(1 - u(i, 'exit'))) as left_on
    from drawn
)
select i, person(i) as employee_id, hire_date,
    case when left_on <= $cut then left_on end as exit_date,
    list_value('support_l1', 'team_lead', 'engineer', 'account_manager', 'analyst')
        [1 + case when u(i, 'apart') < 0.02 then i % 5 else i // 12 % 5 end] as role,
    person(i - i % 12) as manager_id,
    u(i, 'learns') as learns
from dated
"""

_QUARTERS = """
create table quarters as
select k, $first + to_months(3 * cast(k as integer)) as start,
    cast($first + to_months(3 * cast(k as integer)) as date) as first_day,
    year(start) || 'Q' || quarter(start) as period
from range(20) t(k)
"""

_SPELLS = """
create table spells as
select p.i, p.employee_id, p.role, p.manager_id, q.k, q.first_day, q.period
from people p join quarters q on p.hire_date <= q.first_day + 45
    and (p.exit_date is null or p.exit_date > q.first_day + 85)
"""

_LEVEL = "case when u(i, 'level') < 0.5 then 'L1' else 'L2' end"
_PLACE = """list_value('berlin', 'hamburg', 'koeln', 'leipzig')[1 + i % 4] as location,
    'east' as region, case when i % 3 = 0 then 'late' else 'day' end as shift"""

_TABLES = {
    "employees": """
        select employee_id, hire_date, exit_date,
            case when exit_date is null then null when u(i, 'type') < 0.85
                then 'voluntary' when u(i, 'type') < 0.96 then 'involuntary'
                else 'other' end as exit_type,
            case when exit_date is not null and u(i, 'type') < 0.85
                then u(i, 'regret') < 0.25 end as regrettable,
            cast(1960 + floor(40 * u(i, 'born')) as bigint) as birth_year,
            case when u(i, 'gender') < 0.5 then 'female' else 'male' end as gender,
            u(i, 'permit') < 0.2 as parking_permit
        from people""",
    "job_history": f"""
        select employee_id, hire_date as effective_date, 'hire' as event, role,
            {_LEVEL} as level, 'service' as job_family, {_PLACE}, manager_id,
            cast(1 as double) as fte from people
        union all
        select employee_id, first_day + day(60 * u(i, 'when')) as effective_date,
            case when u(i, 'event ' || k) < 0.3 then 'promotion' else 'change' end,
            role, {_LEVEL}, 'service', {_PLACE}, manager_id, 1.0
        from spells where u(i, 'job ' || k) < 0.12""",
    "courses": """
        select unnest(['l1x-1', 'l1x-2', 'l1x-3', 'l1x-4', 'other']) as course_id,
            'Course' as title, 'elearning' as modality,
            cast(2 as double) as effort_hours""",
    "course_skills": """
        select unnest(['l1x-1', 'l1x-2', 'l1x-3', 'l1x-4']) as course_id,
            unnest(['talk', 'tools', 'calm', 'product']) as skill""",
    "role_skills": """
        select role, skill, cast(70 as double) as required
        from (select distinct role from people),
            (select unnest(['talk', 'tools', 'calm', 'product']) as skill)""",
    "enrollments": """
        select 'E' || i || '-' || k as enrollment_id, employee_id,
            'other' as course_id, cast(first_day as timestamp) as enrolled_at,
            cast(first_day + day(80 * u(i, 'other ' || k)) as timestamp)
                as completed_at,
            cast(80 as double) as score, 'completed' as status
        from spells where u(i, 'takes ' || k) < 0.85
        union all
        select 'P' || i || '-' || c, employee_id, 'l1x-' || c,
            cast(first_day as timestamp),
            cast(first_day + day(20 * c - 10 * u(i, 'part ' || c)) as timestamp),
            60 + 40 * u(i, 'score ' || c), 'completed'
        from spells, range(1, 5) t(c)
        where role = 'support_l1' and day(40 * u(i, 'learns')) = k""",
    "performance": """
        select employee_id, period, round(3 + u(i, 'rating ' || k), 1) as rating,
            cast(5 as double) as rating_scale_max,
            round(0.8 + 0.4 * u(i, 'kpi ' || k), 3) as kpi_attainment
        from spells""",
    "skill_assessments": """
        select employee_id, skill,
            cast(first_day + day(20 + 40 * u(i, 'test ' || k)) as timestamp)
                as assessed_at,
            round(50 + 40 * u(i, skill || ' ' || k), 3) as proficiency,
            'periodic' as kind
        from spells, (select unnest(['talk', 'tools', 'calm', 'product']) as skill)""",
    "proficiency_dates": """
        select employee_id, role, hire_date as role_start,
            case when hire_date + day(120 + 500 * u(i, 'ramp'))
                <= coalesce(exit_date, date '2026-09-30')
                then hire_date + day(120 + 500 * u(i, 'ramp')) end as proficient_at
        from people""",
    "surveys": """
        select employee_id, cast(first_day + 80 as timestamp) as asked_at,
            'learner_nps' as instrument, floor(11 * u(i, 'nps')) as score,
            'l1x-4' as course_id
        from spells
        where role = 'support_l1' and day(40 * u(i, 'learns')) = k
            and u(i, 'answers') < 0.3""",
    "manager_actions": """
        select manager_id, employee_id,
            cast(first_day + day(80 * u(i, 'acts ' || k)) as timestamp) as acted_at,
            case when u(i, 'how ' || k) < 0.5 then 'one_to_one' else 'coaching' end
                as action
        from spells where u(i, 'does ' || k) < 0.6""",
    "consent": """
        select employee_id, 'learning_impact' as purpose, true as granted,
            cast(hire_date as timestamp) as decided_at
        from people where u(i, 'consent') < 0.97""",
}
