"""Who got to learn: uptake by group, with intervals and small cells blanked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import duckdb
import pandas as pd

__all__ = ["compare_access", "tabulate_access"]

_COLUMNS = [
    "persona",
    "program",
    "group_by",
    "group",
    "n_eligible",
    "n_learners",
    "uptake",
    "ratio",
    "ratio_ci_low",
    "ratio_ci_high",
    "suppressed",
]


def tabulate_access(
    con: duckdb.DuckDBPyConnection,
    *,
    persona: str,
    program: str,
    groups: Sequence[str],
    min_group: int,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Compare uptake of a programme between groups of the people eligible for it.

    Parameters
    ----------
    con : DuckDBPyConnection
        Holds ``at_risk`` of the persona and programme.
    persona, program : str
        Written into the table.
    groups : sequence of str
        Columns of ``at_risk``, such as ``gender`` or ``shift``.
    min_group : int
        Groups with fewer eligible people are blanked.
    alpha : float
        One minus the level of the intervals.

    Returns
    -------
    DataFrame
        One row per group: ``n_eligible`` people who were eligible in at least one
        exposure quarter, ``n_learners`` of them who learnt in one, ``uptake`` (a
        share) and its ``ratio`` to everybody else's, with interval. An attribute
        that all people share is left out.
    """
    tables = []
    for column in groups:
        counts = con.execute(_COUNTS.format(column=column)).df()
        if len(counts) < 2:
            continue
        tables.append(
            compare_access(counts, min_group=min_group, alpha=alpha).assign(
                group_by=column
            )
        )
    if not tables:
        return pd.DataFrame(columns=_COLUMNS)
    table = pd.concat(tables, ignore_index=True)
    return table.assign(persona=persona, program=program)[_COLUMNS]


def compare_access(
    counts: pd.DataFrame, *, min_group: int, alpha: float = 0.05
) -> pd.DataFrame:
    """Compute uptake and ratio per group, blanking small cells.

    Parameters
    ----------
    counts : DataFrame
        ``group``, ``n_eligible``, ``n_learners``; one row per group.
    min_group : int
        Smallest group that is shown. Where just one group is smaller, the next
        smallest is blanked with it, so that it cannot be had by subtraction.
    alpha : float
        One minus the level of the intervals.

    Returns
    -------
    DataFrame
        `counts` with ``uptake``, ``ratio``, ``ratio_ci_low``, ``ratio_ci_high`` and
        ``suppressed``; numbers of suppressed rows are missing.

    Notes
    -----
    The interval is that of the log risk ratio (Katz and others, 1978) between the
    group and all others; it is missing where either has no learner.
    """
    table = counts.sort_values("group", ignore_index=True)
    eligible = table["n_eligible"].sum()
    learners = table["n_learners"].sum()
    rows = [
        _ratio(row.n_learners, row.n_eligible, learners, eligible, alpha)
        for row in table.itertuples()
    ]
    columns = ["uptake", "ratio", "ratio_ci_low", "ratio_ci_high"]
    table[columns] = pd.DataFrame(rows, columns=columns, index=table.index)
    table["suppressed"] = _find_small(table["n_eligible"], min_group)
    blank = ["n_eligible", "n_learners", *columns]
    table[blank] = table[blank].astype("float64")
    table.loc[table["suppressed"], blank] = math.nan
    return table


def _ratio(
    learners: int, eligible: int, all_learners: int, all_eligible: int, alpha: float
) -> tuple[float, float, float, float]:
    """Return uptake, its ratio to the others' and the interval of the ratio."""
    from scipy.stats import norm

    uptake = learners / eligible if eligible else math.nan
    others, others_learners = all_eligible - eligible, all_learners - learners
    if not (others and others_learners and learners):
        return uptake, math.nan, math.nan, math.nan
    ratio = uptake / (others_learners / others)
    error = math.sqrt(1 / learners - 1 / eligible + 1 / others_learners - 1 / others)
    reach = float(norm.ppf(1 - alpha / 2)) * error
    return uptake, ratio, ratio * math.exp(-reach), ratio * math.exp(reach)


def _find_small(sizes: pd.Series, min_group: int) -> pd.Series:
    """Mark groups below the floor, and one more where only one would be hidden."""
    small = sizes < min_group
    if small.sum() == 1 and len(sizes) > 1:
        small = small.copy()
        small[sizes[~small].idxmin()] = True
    return small


_COUNTS = """
select coalesce(cast("{column}" as varchar), 'not recorded') as "group",
    count(*) as n_eligible, count(*) filter (learnt) as n_learners
from (
    select unit, any_value("{column}" order by trial) as "{column}",
        bool_or(treated) as learnt
    from at_risk where stayed group by unit
) group by all order by 1
"""
