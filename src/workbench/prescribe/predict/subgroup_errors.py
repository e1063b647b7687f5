"""Whether predictions are as good for every protected group as for the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.groups.subgroup_cells import hide_cells
from workbench.prescribe.predict.measures import Measure

__all__ = ["COLUMNS", "Gap", "GroupErrors", "measure_groups"]

BoolArray = npt.NDArray[np.bool_]

COLUMNS = [
    "target",
    "attribute",
    "group",
    "metric",
    "value",
    "low",
    "high",
    "n",
    "suppressed",
]

MeasureRows = Callable[[BoolArray], Sequence[Measure]]
"""Scores of the marked rows."""

_MISSING = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One joint test of whether a score is the same in all groups of an attribute."""

    attribute: str
    metric: str
    groups: int
    spread: float
    p_value: float
    p_adjusted: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupErrors:
    """Scores by protected group, and the tests of their differences."""

    table: pd.DataFrame
    gaps: tuple[Gap, ...]


def measure_groups(
    target: str,
    rows: pd.DataFrame,
    *,
    protected: Sequence[str],
    needed: tuple[BoolArray, BoolArray],
    measure: MeasureRows,
    min_group: int,
) -> GroupErrors:
    r"""Measure the errors of predictions in each protected group.

    Parameters
    ----------
    target : str
        Named in the table.
    rows : DataFrame
        The tested rows: ``unit`` and `protected`.
    protected : sequence of str
        Attributes; they are read here and nowhere else.
    needed : tuple of array of bool of shape (rows,)
        Two kinds of rows of which scores need enough people: those with and without
        the event, or simply all.
    measure : callable
        Scores the rows of a group, given a mark for each tested row.
    min_group : int
        Fewest people of either kind in a group of which anything is shown.

    Returns
    -------
    GroupErrors
        Table as of the stage; numbers of suppressed groups are missing, and sizes from
        which they could be told as well. Gaps are tested over the groups shown.

    Notes
    -----
    :math:`\sum_g (v_g - \bar v)^2 / s_g^2` with the precision-weighted mean, on
    :math:`\chi^2` with groups less one degrees of freedom; p-values are adjusted over
    attributes and scores of the target (Benjamini-Hochberg).
    """
    tables, gaps = [], []
    for attribute in protected:
        labels = (
            rows[attribute].astype("object").where(rows[attribute].notna(), _MISSING)
        )
        names = sorted({str(item) for item in labels})
        held = [(labels.map(str) == name).to_numpy(dtype="bool") for name in names]
        counts = _count(rows, held, needed)
        hidden = hide_cells(counts, min_group=min_group)
        found: list[tuple[str, Sequence[Measure], bool]] = []
        for at, (name, part) in enumerate(zip(names, held, strict=True)):
            if bool(hidden["suppressed"].iloc[at]):
                found.append((name, (), True))
                continue
            scores = measure(part)
            unsized = bool(hidden["unsized"].iloc[at])
            kept = [replace(item, n=0) if unsized else item for item in scores]
            found.append((name, kept, False))
        tables += _list_rows(target, attribute, found)
        gaps += _test(attribute, found)
    table = pd.DataFrame(tables, columns=COLUMNS).astype(
        {"n": "Int64", "suppressed": "bool"}
    )
    return GroupErrors(table=table, gaps=_adjust(gaps))


def _count(
    rows: pd.DataFrame, held: Sequence[BoolArray], needed: tuple[BoolArray, BoolArray]
) -> pd.DataFrame:
    """Count per group the people of either kind that must not be few."""
    return pd.DataFrame(
        {
            name: [rows.loc[part & kind, "unit"].nunique() for part in held]
            for name, kind in zip(("n_treated", "n_control"), needed, strict=True)
        }
    )


def _list_rows(
    target: str,
    attribute: str,
    found: Sequence[tuple[str, Sequence[Measure], bool]],
) -> list[dict[str, Any]]:
    head = {"target": target, "attribute": attribute}
    metrics = next((scores for _, scores, _ in found if scores), ())
    rows: list[dict[str, Any]] = []
    for group, scores, hidden in found:
        own: Mapping[str, Any] = head | {"group": group, "suppressed": hidden}
        rows += [
            {
                **own,
                "metric": item.metric,
                "value": item.value,
                "low": item.low,
                "high": item.high,
                "n": item.n or pd.NA,
            }
            for item in scores
        ]
        if hidden:
            blank = {"value": math.nan, "low": math.nan, "high": math.nan, "n": pd.NA}
            names = [item.metric for item in metrics] or [""]
            rows += [{**own, "metric": name, **blank} for name in names]
    return rows


def _test(
    attribute: str, found: Sequence[tuple[str, Sequence[Measure], bool]]
) -> list[Gap]:
    from scipy.stats import chi2

    shown = [scores for _, scores, _ in found if scores]
    gaps = []
    for items in zip(*shown, strict=True):
        values = np.array([item.value for item in items])
        errors = np.array([item.std_error for item in items])
        sound = np.isfinite(values) & np.isfinite(errors) & (errors > 0)
        if sound.sum() < 2:
            continue
        weights = 1 / errors[sound] ** 2
        centre = np.average(values[sound], weights=weights)
        statistic = float((weights * (values[sound] - centre) ** 2).sum())
        gaps.append(
            Gap(
                attribute=attribute,
                metric=items[0].metric,
                groups=int(sound.sum()),
                spread=float(np.ptp(values[sound])),
                p_value=float(chi2.sf(statistic, int(sound.sum()) - 1)),
            )
        )
    return gaps


def _adjust(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    from scipy.stats import false_discovery_control

    if not gaps:
        return ()
    adjusted = false_discovery_control([item.p_value for item in gaps])
    return tuple(
        replace(item, p_adjusted=float(value))
        for item, value in zip(gaps, adjusted, strict=True)
    )
