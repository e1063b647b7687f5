"""Whether values are missing more often in some groups of people than in others."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import pandas as pd

from workbench.data.sql import quote_name

__all__ = ["GAP_COLUMNS", "describe_gaps", "pool_small_groups"]

GAP_COLUMNS = [
    "kind",
    "table",
    "columns",
    "group_by",
    "group",
    "rows",
    "missing",
    "share",
    "std_error",
    "status",
    "text",
]

_WATCHED = (
    ("performance", "rating", "true"),
    ("performance", "kpi_attainment", "true"),
    ("enrollments", "score", "status = 'completed'"),
)
"""Columns whose gaps matter most, and the rows in which a value is expected."""

_GROUPS = ("role", "location")

_TOLERANCE = 0.10
_Z = 1.96

_SUMS = ["people", "rows", "missing", "square_rows", "square_missing", "product"]


def describe_gaps(
    con: duckdb.DuckDBPyConnection, *, min_group: int
) -> list[dict[str, Any]]:
    r"""Compare the share of missing ratings and scores between roles and places.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`, consenting people only.
    min_group : int
        Groups of fewer people are pooled, see `pool_small_groups`.

    Returns
    -------
    list of dict
        Rows of kind ``group`` with the columns `GAP_COLUMNS`. ``status`` is
        ``uneven`` where a group's share lies more than ten points and 1.96 standard
        errors away from the share of all others.

    Notes
    -----
    A person has several rows, so people are the units of the error: with
    :math:`m_i` of :math:`r_i` rows missing and :math:`p = \sum m_i / \sum r_i`,
    the error is :math:`\sqrt{\sum (m_i - p r_i)^2} / \sum r_i`. The group is the
    one of the person's latest job record.
    """
    rows: list[dict[str, Any]] = []
    for table, column, where in _WATCHED:
        for group_by in _GROUPS:
            sums = con.execute(_write_sums(table, column, where, group_by)).df()
            rows += _compare(sums, (table, column, group_by), min_group=min_group)
    return rows


def pool_small_groups(groups: pd.DataFrame, *, min_group: int) -> pd.DataFrame:
    """Pool groups of fewer people than may be shown.

    Parameters
    ----------
    groups : DataFrame
        ``group``, ``people`` and further columns that may be added up; one row per
        group.
    min_group : int
        The least number of people of a group that is shown.

    Returns
    -------
    DataFrame
        The same columns, by name of the group. Small groups become one group
        ``(small groups)``; where that would still be too small, the next larger group
        joins it, so that no group can be found by subtracting the others from the
        whole. Empty if all people together are too few.
    """
    if int(groups["people"].sum()) < min_group:
        return groups.iloc[:0]
    ordered = groups.sort_values(["people", "group"], kind="stable")
    small = int((ordered["people"] < min_group).sum())
    while small and int(ordered["people"].iloc[:small].sum()) < min_group:
        small += 1
    kept = ordered.iloc[small:].sort_values("group")
    if not small:
        return kept.reset_index(drop=True)
    pool = ordered.iloc[:small].drop(columns="group").sum().to_frame().T
    pool.insert(0, "group", "(small groups)")
    return pd.concat([kept, pool], ignore_index=True)[list(groups.columns)]


def _write_sums(table: str, column: str, where: str, group_by: str) -> str:
    """Write the query of the sums per group that shares and errors are made of."""
    name = quote_name(column)
    return f"""
with latest as (
    select employee_id, arg_max({quote_name(group_by)}, effective_date) as "group"
    from job_history group by all
),
person as (
    select employee_id, cast(count(*) as double) as r,
        cast(count(*) - count({name}) as double) as m
    from {table} where {where} group by all
)
select coalesce("group", '(unknown)') as "group", count(*) as people,
    sum(r) as rows, sum(m) as missing, sum(r * r) as square_rows,
    sum(m * m) as square_missing, sum(r * m) as product
from person left join latest using (employee_id) group by 1 order by 1
"""


def _compare(
    sums: pd.DataFrame, what: tuple[str, str, str], *, min_group: int
) -> list[dict[str, Any]]:
    """Set each group against all others; nothing where all or none is missing."""
    table, column, group_by = what
    missing = float(sums["missing"].sum())
    if missing in (0.0, float(sums["rows"].sum())):
        return []
    shown = pool_small_groups(sums, min_group=min_group)
    if len(shown) < 2:
        return []
    whole = shown[_SUMS].sum()
    rows = []
    for group, own in zip(shown["group"], shown[_SUMS].to_dict("records"), strict=True):
        share, error = _measure_share(own)
        others = {name: float(whole[name]) - float(own[name]) for name in _SUMS}
        rest, rest_error = _measure_share(others)
        limit = _TOLERANCE + _Z * math.hypot(error, rest_error)
        rows.append(
            {
                "kind": "group",
                "table": table,
                "columns": column,
                "group_by": group_by,
                "group": group,
                "rows": int(own["rows"]),
                "missing": int(own["missing"]),
                "share": share,
                "std_error": error,
                "status": "uneven" if abs(share - rest) > limit else "ok",
                "text": f"{share:.1%} missing, {rest:.1%} among all others",
            }
        )
    return rows


def _measure_share(sums: dict[str, float]) -> tuple[float, float]:
    """Return the share of missing rows and its error, people being the units."""
    rows = float(sums["rows"])
    share = float(sums["missing"]) / rows
    squares = (
        float(sums["square_missing"])
        - 2 * share * float(sums["product"])
        + share**2 * float(sums["square_rows"])
    )
    return share, math.sqrt(max(squares, 0.0)) / rows
