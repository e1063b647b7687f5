"""How far the sources reach: people known, courses tagged, consent given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import duckdb
import pandas as pd

from workbench.core.params import Privacy
from workbench.data.audit.faults import UNKNOWN
from workbench.data.contract import TABLES

__all__ = [
    "COVERAGE_COLUMNS",
    "LEAST_JOINED",
    "SWITCHED_OFF",
    "measure_consent",
    "measure_joins",
    "measure_tags",
]

LEAST_JOINED = 0.50
"""Least share of rows with a known person, below which nothing may be compared."""

_JOINED = 0.98
_TAGGED = 0.90
_CONSENTING = 0.70
SWITCHED_OFF: Mapping[str, str] = {
    "course_skills": "skill gaps by course, and paths that close them",
    "lms_events": "measures of activity within courses",
    "performance": "outcomes and prior values of performance and targets",
    "skill_assessments": "skill proficiency and skill gaps",
    "role_skills": "skill gaps and personas that are defined by them",
    "proficiency_dates": "ramp time",
    "surveys": "net promoter scores and engagement",
    "manager_actions": "manager enablement",
    "consent": "reading people's data where the lawful basis is consent",
    "experiments": "experiments",
    "assignments": "experiments",
    "costs": "costs beyond those of the courses",
}
"""What an absent table switches off."""

COVERAGE_COLUMNS = [
    "kind",
    "table",
    "of",
    "rows",
    "covered",
    "share",
    "limit",
    "status",
    "text",
]


def measure_joins(faults: pd.DataFrame, quarantined: pd.DataFrame) -> pd.DataFrame:
    """Measure the share of rows whose person, or course, is known.

    Parameters
    ----------
    faults : DataFrame
        As `count_faults` returns it: its unknown ids are rows without a match.
    quarantined : DataFrame
        ``table``, ``column``, ``reason``, ``rows``: what the loader set aside; rows
        with an unknown id count as rows without a match, too.

    Returns
    -------
    DataFrame
        ``kind`` ``join``, ``table``, ``of`` (the column), ``rows``, ``covered``,
        ``share``, ``limit``, ``status`` (``fail`` below one half) and ``text``.
    """
    ids = [
        (table.name, column.name, column.refers)
        for table in TABLES.values()
        for column in table.columns
        if column.refers
    ]
    lost = _sum_rows(quarantined, "rows")
    looked, unknown = _sum_rows(faults, "rows"), _sum_rows(faults, "faults")
    found = []
    for table, column, refers in ids:
        rows = looked.get((table, column), 0)
        known = rows - unknown.get((table, column), 0)
        rows += lost.get((table, column), 0)
        if rows:
            text = f"{column} known in {refers}"
            row = _row("join", table, rows, known, (_JOINED, LEAST_JOINED), text)
            found.append(row | {"of": column})
    return pd.DataFrame(found, columns=COVERAGE_COLUMNS)


def _sum_rows(counts: pd.DataFrame, what: str) -> dict[tuple[str, str], int]:
    """Sum the rows with unknown ids per table and column."""
    unknown = counts[counts["reason"].isin(list(UNKNOWN.values()))]
    sums = unknown.groupby(["table", "column"], as_index=False)[what].sum()
    return {
        (str(row["table"]), str(row["column"])): int(row[what])
        for row in sums.to_dict("records")
    }


def measure_tags(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Measure the share of courses, and of enrolments, that lead to a tagged skill.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`, everybody: only rows are counted.

    Returns
    -------
    DataFrame
        As `measure_joins`, of kind ``tags``; empty where there are no courses.
    """
    found = []
    for table, text in (
        ("courses", "courses with a skill tag"),
        ("enrollments", "enrolments in courses with a skill tag"),
    ):
        rows, tagged = con.execute(
            "select count(*), count(s.course_id) from"
            f" {table} t left join (select distinct course_id from course_skills) s"
            " on s.course_id = t.course_id"
        ).fetchall()[0]
        if rows:
            row = _row("tags", table, rows, tagged, (_TAGGED, 0.0), text)
            found.append(row | {"of": "course_id"})
    return pd.DataFrame(found, columns=COVERAGE_COLUMNS)


def measure_consent(counts: Mapping[str, int], privacy: Privacy) -> pd.DataFrame:
    """Put the counts of consent into the form of the other coverages.

    Parameters
    ----------
    counts : mapping of str to int
        ``people``, ``granted``, ``refused``, ``undecided``, as `count_consent` gives.
    privacy : Privacy
        Says whether consent is the lawful basis.

    Returns
    -------
    DataFrame
        One row of kind ``consent``; its status is ``not_applicable`` under another
        lawful basis.
    """
    people, granted = counts["people"], counts["granted"]
    text = (
        f"{granted:,} granted, {counts['refused']:,} refused,"
        f" {counts['undecided']:,} without a decision"
    )
    row = _row("consent", "consent", people, granted, (_CONSENTING, 0.0), text)
    if privacy.lawful_basis != "consent":
        basis = privacy.lawful_basis.replace("_", " ")
        row |= {"status": "not_applicable", "text": f"lawful basis: {basis}"}
    return pd.DataFrame([row | {"of": privacy.purpose}], columns=COVERAGE_COLUMNS)


def _row(
    kind: str,
    table: str,
    rows: int,
    covered: int,
    limits: tuple[float, float],
    text: str,
) -> dict[str, Any]:
    limit, floor = limits
    share = covered / rows if rows else math.nan
    status = "warn"
    if math.isnan(share):
        status = "not_applicable"
    elif share >= limit:
        status = "pass"
    elif share < floor:
        status = "fail"
    return {
        "kind": kind,
        "table": table,
        "rows": rows,
        "covered": covered,
        "share": share,
        "limit": limit,
        "status": status,
        "text": text,
    }
