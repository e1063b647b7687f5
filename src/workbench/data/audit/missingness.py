"""What is missing, what is missing together, and among whom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import duckdb
import pandas as pd

from workbench.data.audit.gaps import GAP_COLUMNS, describe_gaps
from workbench.data.contract import TABLES
from workbench.data.sql import quote_name

__all__ = [
    "EVENT_COLUMNS",
    "describe_missingness",
    "measure_completeness",
]

EVENT_COLUMNS: dict[str, tuple[str, ...]] = {
    "employees": ("exit_date", "exit_type", "regrettable"),
    "job_history": (),
    "courses": ("prerequisite_ids", "fixed_cost"),
    "enrollments": (
        "session_id",
        "started_at",
        "completed_at",
        "score",
        "minutes",
        "instructor_id",
    ),
    "skill_assessments": ("course_id",),
    "role_skills": ("level",),
    "proficiency_dates": ("proficient_at",),
    "surveys": ("course_id", "comment"),
    "manager_actions": ("course_id",),
    "experiments": ("persona", "ended_on"),
    "assignments": ("cluster_id", "exposed_from"),
    "costs": ("course_id",),
}
"""Columns in which no value says "has not happened" or "does not apply"."""

_PATTERNS = 8


def describe_missingness(
    con: duckdb.DuckDBPyConnection, *, min_group: int
) -> pd.DataFrame:
    """Count missing values per column, by pattern and by group of people.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`, consenting people only.
    min_group : int
        Groups with fewer people are pooled until the pool holds as many.

    Returns
    -------
    DataFrame
        ``kind`` is ``column`` (one row per column that may be empty), ``pattern``
        (the commonest sets of columns missing together, ``columns`` naming them) or
        ``group`` (gaps of ratings and scores by role and place); ``rows``,
        ``missing``, ``share`` (0 to 1), ``std_error`` of a group's share with people
        as units; ``status`` is ``event`` where an empty cell has a meaning,
        ``not_supplied`` where no row has a value, ``uneven`` where a group's share
        differs from the rest by more than ten points beyond its error, else ``ok``;
        ``text``.
    """
    rows: list[dict[str, Any]] = []
    for table in TABLES:
        columns = _describe_columns(con, table)
        rows += columns
        supplied = [
            str(row["columns"])
            for row in columns
            if row["status"] != "not_supplied" and row["missing"]
        ]
        if supplied:
            rows += _describe_patterns(con, table, supplied)
    rows += describe_gaps(con, min_group=min_group)
    return pd.DataFrame(rows, columns=GAP_COLUMNS)


def measure_completeness(missingness: pd.DataFrame) -> pd.DataFrame:
    """Return the share of cells filled per table.

    Parameters
    ----------
    missingness : DataFrame
        As `describe_missingness` returns it.

    Returns
    -------
    DataFrame
        ``table``, ``value`` (NaN where no column can have gaps) and ``rows``; columns
        that were not supplied at all, or whose gaps have a meaning, do not count.
    """
    columns = missingness[missingness["kind"] == "column"]
    counted = columns[columns["status"].isin(["ok", "required"])]
    sums = counted.groupby("table", as_index=False)[["missing", "rows"]].sum()
    heights = counted.groupby("table")["rows"].max()
    value = 1 - sums["missing"] / sums["rows"].where(sums["rows"] > 0)
    return pd.DataFrame(
        {"table": sums["table"], "value": value, "rows": sums["table"].map(heights)}
    )


def _describe_columns(
    con: duckdb.DuckDBPyConnection, table: str
) -> list[dict[str, Any]]:
    """Count missing values per column, the further columns of open tables included."""
    found = [str(row[0]) for row in con.execute(f"describe {table}").fetchall()]
    counts = ", ".join(f"count({quote_name(name)})" for name in found)
    total, *filled = con.execute(f"select count(*), {counts} from {table}").fetchall()[
        0
    ]
    if not total:
        return []
    return [
        _column_row(table, name, total, total - count)
        for name, count in zip(found, filled, strict=True)
    ]


def _column_row(table: str, column: str, rows: int, missing: int) -> dict[str, Any]:
    spec = TABLES[table]
    required = column in spec.names and not spec.column(column).nullable
    if required:
        status, text = "required", "every row needs a value"
    elif missing == rows:
        status, text = "not_supplied", "no row has a value"
    elif column in EVENT_COLUMNS.get(table, ()):
        status, text = "event", "no value means: not (yet), or does not apply"
    else:
        status, text = "ok", ""
    return {
        "kind": "column",
        "table": table,
        "columns": column,
        "group_by": "",
        "group": "",
        "rows": rows,
        "missing": missing,
        "share": missing / rows,
        "std_error": math.nan,
        "status": status,
        "text": text,
    }


def _describe_patterns(
    con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> list[dict[str, Any]]:
    """Count the commonest sets of columns that are missing in the same row."""
    names = ", ".join(f"{quote_name(name)} is null" for name in columns)
    found = con.execute(
        f"select [{names}] as pattern, count(*) as n, sum(count(*)) over () as total"
        f" from {table} group by 1 order by n desc, pattern limit {_PATTERNS}"
    ).fetchall()
    rows = []
    for pattern, count, total in found:
        gone = [name for name, null in zip(columns, pattern, strict=True) if null]
        rows.append(
            {
                "kind": "pattern",
                "table": table,
                "columns": ", ".join(gone) or "(nothing missing)",
                "group_by": "",
                "group": "",
                "rows": int(total),
                "missing": int(count),
                "share": int(count) / int(total),
                "std_error": math.nan,
                "status": "ok",
                "text": f"{len(gone)} columns missing together"
                if len(gone) > 1
                else "",
            }
        )
    return rows
