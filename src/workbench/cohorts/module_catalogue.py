"""What is known of modules: their effort, cost, skills and what comes first."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd

__all__ = ["CATALOGUE", "read_catalogue"]

CATALOGUE: tuple[str, ...] = (
    "course_id",
    "title",
    "modality",
    "effort_hours",
    "measured_hours",
    "unit_cost",
    "fixed_cost",
    "prerequisites",
    "active",
    "skills",
    "n_completions",
)


def read_catalogue(
    con: duckdb.DuckDBPyConnection, courses: Sequence[str], *, min_group: int
) -> pd.DataFrame:
    """Describe courses, in the order in which they are named.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `workbench.data.cut.open_cut`.
    courses : sequence of str
        Ids. One that the catalogue does not hold is described as not active, without
        effort or cost.
    min_group : int
        Fewest people whose minutes tell how long a course takes.

    Returns
    -------
    DataFrame
        ``course_id``, ``title``, ``modality``, ``effort_hours`` (as the catalogue
        says), ``measured_hours`` (median of those who completed it; missing for fewer
        than `min_group`), ``unit_cost`` (per learner) and ``fixed_cost`` (missing
        where not known), ``prerequisites`` (list of ids), ``active`` (bool),
        ``skills`` (list, the weightiest first) and ``n_completions`` (people, of the
        whole organisation, by the data cut).
    """
    con.execute(
        "create or replace temp table wanted_courses"
        " (position integer, course_id varchar)"
    )
    rows = list(enumerate(dict.fromkeys(courses)))
    if rows:
        con.executemany("insert into wanted_courses values (?, ?)", rows)
    frame = con.execute(_CATALOGUE, [min_group]).df()
    for name in ("prerequisites", "skills"):
        frame[name] = [[str(item) for item in value] for value in frame[name]]
    numbers = ("effort_hours", "measured_hours", "unit_cost", "fixed_cost")
    return frame.astype(
        dict.fromkeys(numbers, "float64") | {"active": "bool", "n_completions": "int64"}
    )[list(CATALOGUE)]


_CATALOGUE = """
with taken as (
    select n.course_id, count(distinct n.employee_id) as people,
        count(distinct case when n.minutes is not null then n.employee_id end)
            as measured, median(n.minutes) / 60 as hours
    from enrollments n join wanted_courses w using (course_id)
    where n.status = 'completed' and n.completed_at is not null
    group by all
),
taught as (
    select s.course_id,
        list(s.skill order by s.weight desc nulls last, s.skill) as skills
    from course_skills s join wanted_courses w using (course_id) group by all
)
select w.course_id, coalesce(c.title, w.course_id) as title,
    coalesce(c.modality, 'other') as modality, c.effort_hours,
    case when t.measured >= ? then t.hours end as measured_hours,
    c.unit_cost, c.fixed_cost,
    coalesce(c.prerequisite_ids, []) as prerequisites,
    coalesce(c.active, c.course_id is not null) as active,
    coalesce(s.skills, []) as skills, coalesce(t.people, 0) as n_completions
from wanted_courses w
left join courses c using (course_id)
left join taken t using (course_id)
left join taught s using (course_id)
order by w.position
"""
