"""Who had learnt a programme, and when: the completion rule in SQL."""

from __future__ import annotations

import duckdb

from workbench.core.params import Program
from workbench.data.sql import quote_text

__all__ = ["build_exposure"]


def build_exposure(con: duckdb.DuckDBPyConnection, program: Program) -> None:
    """Build ``learners`` and ``modules_done`` for one programme.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`.
    program : Program
        A person has learnt it on the first day on which ``complete.at_least``
        different courses were completed within the last ``within_days`` days, each
        with at least ``min_score`` where the rule asks for a score. A completion
        without a score then does not count.

    Notes
    -----
    ``learners`` has ``unit`` and ``learnt_on``; ``modules_done`` has one row per
    person, course and day of a completion that counts.
    """
    con.execute("create or replace temp table program_courses (course_id varchar)")
    con.executemany(
        "insert into program_courses values (?)",
        [(course,) for course in sorted(set(program.courses))],
    )
    # written out, so that the scan of the table leaves the others aside
    listed = ", ".join(quote_text(item) for item in sorted(set(program.courses)))
    con.execute(_MODULES.format(courses=listed), [program.complete.min_score] * 2)
    con.execute(_LEARNERS, [program.complete.within_days, program.complete.at_least])


_MODULES = """
create or replace temp table modules_done as
select distinct n.employee_id as unit, n.course_id,
    cast(n.completed_at as date) as done_on
from enrollments n
where n.course_id in ({courses})
    and n.status = 'completed' and n.completed_at is not null
    and (cast(? as double) is null or n.score >= cast(? as double))
"""

_LEARNERS = """
create or replace temp table learners as
with reached as (
    select a.unit, a.done_on
    from (select distinct unit, done_on from modules_done) a
    join modules_done b on a.unit = b.unit
        and b.done_on <= a.done_on
        and b.done_on > a.done_on - cast(? as integer)
    group by all having count(distinct b.course_id) >= ?
)
select unit, min(done_on) as learnt_on from reached group by all
"""
