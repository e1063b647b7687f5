"""Whether a programme is measured by outcomes, or by completions alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from workbench.core.params import Outcome, Program
from workbench.core.quarters import Quarter
from workbench.data.sql import quote_name

__all__ = ["PAIRED_SHARE", "PAIRING_COLUMNS", "pair_outcomes"]

PAIRED_SHARE = 0.20
"""Least share of learners with a value afterwards for an outcome to count as read."""

PAIRING_COLUMNS = [
    "program",
    "outcome",
    "source",
    "learners",
    "with_outcome",
    "share",
    "limit",
    "paired",
    "suppressed",
    "text",
]


def pair_outcomes(
    con: duckdb.DuckDBPyConnection,
    programs: Sequence[Program],
    outcomes: Sequence[Outcome],
    *,
    quarter: Quarter,
    min_group: int,
) -> pd.DataFrame:
    """Count, per programme and outcome, the learners who have a value afterwards.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`, consenting people only.
    programs, outcomes : sequences
        As declared; negative controls are left out.
    quarter : Quarter
        The reported quarter. Learners who reached the completion rule before its
        first day are looked at, so that a quarter has passed since.
    min_group : int
        Below this number of learners the counts are left blank.

    Returns
    -------
    DataFrame
        ``learners``, ``with_outcome`` (of them with a value dated after the programme
        was learnt), ``share``, ``limit``, ``paired`` (missing where there are too few
        learners to tell), ``suppressed`` and ``text``. Retention and mobility are read
        where the organisation records any exit, or any move.
    """
    wanted = [item for item in outcomes if not item.negative_control]
    rows: list[dict[str, Any]] = []
    for program in programs:
        _create_learners(con, program, quarter.first_day)
        learners = _count(con, "select count(*) from audit_learners")
        for outcome in wanted:
            head = {
                "program": program.id,
                "outcome": outcome.id,
                "source": outcome.source,
            }
            found = _count_paired(con, outcome, quarter)
            rows.append(head | _judge(learners, found, min_group))
    table = pd.DataFrame(rows, columns=PAIRING_COLUMNS)
    return table.astype(
        {"learners": "Int64", "with_outcome": "Int64", "paired": "boolean"}
    )


def _judge(learners: int, found: int | None, min_group: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "learners": learners,
        "with_outcome": found,
        "share": math.nan,
        "limit": PAIRED_SHARE,
        "paired": None,
        "suppressed": False,
        "text": "",
    }
    if found is None:
        return row | {"paired": False, "text": "the data hold nothing to read it from"}
    if learners == 0:
        return row | {"text": "nobody has completed the programme a quarter ago"}
    if learners < min_group:
        text = f"fewer than {min_group} learners"
        blank = {"learners": None, "with_outcome": None, "suppressed": True}
        return row | blank | {"text": text}
    share = found / learners
    text = f"{share:.0%} of the learners have a value afterwards"
    return row | {"share": share, "paired": share >= PAIRED_SHARE, "text": text}


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0] or 0)


def _create_learners(
    con: duckdb.DuckDBPyConnection, program: Program, before: date
) -> None:
    """Create ``audit_learners``: who reached the completion rule, and when first."""
    rule = program.complete
    con.execute(
        "create or replace temp table audit_learners as"
        " with done as (select distinct employee_id as unit, course_id,"
        " cast(completed_at as date) as day from enrollments"
        " where list_contains($courses, course_id) and status = 'completed'"
        " and completed_at is not null"
        " and (cast($score as double) is null or score >= cast($score as double))),"
        " reached as (select a.unit, a.day from (select distinct unit, day from done) a"
        " join done b on a.unit = b.unit and b.day <= a.day"
        " and b.day > a.day - cast($days as integer)"
        " group by all having count(distinct b.course_id) >= $least)"
        " select unit, min(day) as learnt_on from reached"
        " where day < $before group by all",
        {
            "courses": sorted(set(program.courses)),
            "score": rule.min_score,
            "days": rule.within_days,
            "least": rule.at_least,
            "before": before,
        },
    )


def _count_paired(
    con: duckdb.DuckDBPyConnection, outcome: Outcome, quarter: Quarter
) -> int | None:
    """Count learners with a value afterwards; None where there is nothing to read."""
    table, field = outcome.source.split(".")
    found = _write_values(con, table, field, quarter)
    if found is None or not _count(con, f"select count(*) from ({found})"):
        return None
    if table in _FOLLOWED:
        return _count(con, "select count(*) from audit_learners")
    return _count(
        con,
        "select count(*) from audit_learners l where exists"
        f" (select 1 from ({found}) v where v.unit = l.unit and v.day > l.learnt_on)",
    )


_FOLLOWED = ("exits", "job_history", "employees")
"""Sources that say something of every person once they are kept at all."""


def _write_values(
    con: duckdb.DuckDBPyConnection, table: str, field: str, quarter: Quarter
) -> str | None:
    """Write the query of ``unit`` and ``day`` of all values of an outcome's source."""
    if table == "exits":
        kind = "" if field == "any" else " and exit_type = 'voluntary'"
        return (
            "select employee_id as unit, exit_date as day from employees"
            f" where exit_date is not null{kind}"
        )
    if table == "job_history":
        return (
            "select employee_id as unit, effective_date as day from job_history"
            " where event in ('promotion', 'transfer')"
        )
    if table == "proficiency_dates":
        return (
            "select employee_id as unit,"
            " coalesce(proficient_at, date '9999-12-31') as day from proficiency_dates"
        )
    dates = {"performance": "period", "skill_assessments": "assessed_at"}
    columns = [row[0] for row in con.execute("describe employees").fetchall()]
    if table == "employees" and field in columns:
        return (
            "select employee_id as unit, hire_date as day from employees"
            f" where {quote_name(field)} is not null"
        )
    if table not in dates:
        return None
    if table == "performance":
        return _write_performance(con, field, quarter)
    return "select employee_id as unit, cast(assessed_at as date) as day from " + table


def _write_performance(
    con: duckdb.DuckDBPyConnection, field: str, quarter: Quarter
) -> str | None:
    """Date every period by its last day; None where the column does not exist."""
    columns = [row[0] for row in con.execute("describe performance").fetchall()]
    if field not in columns:
        return None
    periods = con.execute("select distinct period from performance").fetchall()
    starts = quarter.year_starts
    dated = ", ".join(
        f"('{period}', date '{Quarter.parse(period, year_starts=starts).first_day}')"
        for (period,) in sorted(periods)
    )
    if not dated:
        return None
    return (
        "select p.employee_id as unit, d.day from performance p"
        f" join (values {dated}) d(period, day) on p.period = d.period"
        f" where p.{quote_name(field)} is not null"
    )
