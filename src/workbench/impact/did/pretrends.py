"""Whether learners and others moved alike before learning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from workbench.core.results import Check
from workbench.impact.did.averages import (
    Aggregate,
    find_people,
    make_aggregate,
    read_effects,
    weigh_cells,
)
from workbench.impact.did.cells import find_base_period, list_observed
from workbench.impact.did.group_time import GroupTime, estimate_covariance
from workbench.impact.inference import FEW_CLUSTERS

__all__ = [
    "By",
    "PreTrend",
    "check_last_quarter",
    "check_pretrend",
    "estimate_last_quarter",
    "invert_covariance",
    "judge_pretrend",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
By = Literal["cell", "event_time"]

_RANK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTrend:
    """Joint test that all effects before the exposure are 0.

    Attributes
    ----------
    statistic : float
        Wald's W, not divided by its rank.
    rank : int
        Independent effects; degrees of freedom.
    df : float
        Of the denominator, infinite for the chi-squared law.
    p_value : float
        NaN where the test does not apply.
    by : {"cell", "event_time"}
        What is tested: effects of each group and period, or their averages.
    effects : array of shape (k,)
        The effects tested.
    covariance : array of shape (k, k)
        Theirs.
    path : array of shape (k,)
        Quarters that each effect spans, negative where it looks back.
    n_learners : float
        Clusters with learners behind the effects, their harmonic mean.
    reason : str
        Why the test does not apply; empty if it does.
    """

    statistic: float
    rank: int
    df: float
    p_value: float
    by: By
    effects: FloatArray
    covariance: FloatArray
    path: FloatArray
    n_learners: float
    reason: str = ""


def judge_pretrend(
    group_time: GroupTime,
    *,
    groups: Sequence[int] | None = None,
    by: By = "event_time",
) -> PreTrend:
    r"""Test jointly that nothing differs before the exposure.

    A small p-value speaks against parallel trends. A large one speaks for them only
    if the test could have seen a trend that matters: `find_detectable_slope`.

    Parameters
    ----------
    group_time : GroupTime
        Effects by group and period.
    groups : sequence of int, optional
        Groups whose earlier periods are tested; default all.
    by : {"event_time", "cell"}
        Test the averages by event time, or every effect of a group and period as R's
        did does. Cells need large groups: with many effects on few people the test
        rejects far too often.

    Returns
    -------
    PreTrend
        With a reason instead of a p-value if there are no earlier cells, or too many
        for the learners' clusters.

    Notes
    -----
    :math:`W = \hat\theta' \hat V^{+} \hat\theta` with the pseudo-inverse and its rank
    q. By event time Hotelling's :math:`W (m - q) / (q (m - 1))` follows F(q, m - q), m
    being the harmonic mean over the effects of the clusters with learners. By cell
    W follows the chi-squared law with q degrees of freedom if m is 40 or more,
    otherwise the same F.
    """
    from scipy.stats import chi2, f

    cells = group_time.find_cells(before=True, groups=groups)
    if not len(cells):
        return _no_test(by, "no quarter before the exposure can be compared")
    parts = _split(group_time, cells, by)
    effects, covariance = _average(group_time, parts)
    learners = _count_learners(group_time, parts)
    inverse, rank = invert_covariance(covariance)
    if rank == 0 or learners <= len(effects) + 1:
        return _no_test(
            by,
            f"learners in about {learners:.0f} clusters cannot carry a test of "
            f"{len(effects)} effects",
        )
    statistic = float(effects @ inverse @ effects)
    if by == "cell" and learners >= FEW_CLUSTERS:
        p_value, df = float(chi2(rank).sf(statistic)), math.inf
    else:
        df = learners - rank
        p_value = float(f(rank, df).sf(statistic * df / (rank * (learners - 1))))
    return PreTrend(
        statistic=statistic,
        rank=rank,
        df=df,
        p_value=p_value,
        by=by,
        effects=effects,
        covariance=covariance,
        path=_read_path(group_time, parts),
        n_learners=learners,
    )


def estimate_last_quarter(
    group_time: GroupTime, *, groups: Sequence[int] | None = None
) -> Aggregate | None:
    """Estimate how learners moved in the last quarter before the base of the effect.

    People often enter a programme just after an unusually bad (or good) quarter; what
    follows then looks like an effect of learning. The estimand is the change from the
    second to last quarter before the exposure (and its anticipation) to the last,
    learners less others: not 0 where there is such a dip.

    Parameters
    ----------
    group_time : GroupTime
        Effects by group and period, with a base that varies.
    groups : sequence of int, optional
        Groups that count; default all.

    Returns
    -------
    Aggregate or None
        None if no group has two quarters before, or the base is universal.

    References
    ----------
    .. [1] Ashenfelter, O. (1978). Estimating the effect of training programs on
       earnings. Review of Economics and Statistics 60, 47-57. doi:10.2307/1924332
    """
    if group_time.base != "varying":
        return None
    cells = group_time.find_cells(before=True, groups=groups)
    table = group_time.table.iloc[cells]
    observed = list_observed(group_time.outcomes)
    last = [
        find_base_period(
            group,
            group,
            base="universal",
            anticipation=group_time.anticipation,
            observed=observed,
        )
        for group in table["group"].tolist()
    ]
    cells = cells[(table["period"] == last).to_numpy()]
    if not len(cells):
        return None
    rule = weigh_cells(group_time, cells)
    return make_aggregate(
        group_time, cells, rule, name="change into the last quarter before exposure"
    )


def check_pretrend(test: PreTrend, *, alpha: float = 0.05) -> Check:
    """Check that the joint test does not reject equal trends before the exposure."""
    if test.reason:
        return Check(check="pretrend", passed=None, text=f"No test: {test.reason}.")
    passed = test.p_value >= alpha
    kind = "effects by group and quarter"
    if test.by == "event_time":
        kind = "effects by quarter"
    law = "" if math.isinf(test.df) else f" (F, {test.df:.0f} in the denominator)"
    return Check(
        check="pretrend",
        passed=passed,
        value=test.p_value,
        limit=alpha,
        text=f"All {len(test.effects)} {kind} before the exposure are tested to be 0 "
        f"together: W = {test.statistic:.4g}, {test.rank} degrees of freedom{law}, "
        f"p = {test.p_value:.3g}.",
        advice="" if passed else "Learners were on another path before they learnt.",
    )


def check_last_quarter(change: Aggregate | None, *, alpha: float = 0.05) -> Check:
    """Check that learners did not dip or jump just before the exposure."""
    if change is None:
        return Check(
            check="last_quarter_before",
            passed=None,
            text="There are not two quarters before the exposure to compare.",
        )
    effect = change.effect(method="did_cs")
    low, high = effect.interval(alpha)
    p_value = effect.p_value()
    passed = p_value >= alpha
    return Check(
        check="last_quarter_before",
        passed=passed,
        value=change.value,
        text=f"In the last quarter before the exposure learners moved by "
        f"{change.value:.4g} more than others ({low:.4g} to {high:.4g}, "
        f"p = {p_value:.3g}).",
        advice=""
        if passed
        else "Read the variant with an earlier base quarter: learners may have entered "
        "after an unusual quarter, and return to normal by themselves.",
    )


def _split(group_time: GroupTime, cells: IntArray, by: By) -> list[IntArray]:
    """Return the cells of each tested effect."""
    if by == "cell":
        return [cells[[place]] for place in range(len(cells))]
    event = group_time.table["event_time"].to_numpy()[cells]
    return [cells[event == term] for term in np.unique(event)]


def _average(
    group_time: GroupTime, parts: list[IntArray]
) -> tuple[FloatArray, FloatArray]:
    """Average the cells of each effect; return the effects and their covariance."""
    made = [
        weigh_cells(group_time, cells)(read_effects(group_time, cells))
        for cells in parts
    ]
    influence = np.column_stack([column for _, column in made])
    covariance = estimate_covariance(influence, group_time.clusters)
    return np.array([value for value, _ in made]), covariance


def _count_learners(group_time: GroupTime, parts: list[IntArray]) -> float:
    """Return the harmonic mean over effects of the clusters with learners."""
    people = [find_people(group_time, cells)[0] for cells in parts]
    counts = [len(np.unique(group_time.clusters[ours])) for ours in people]
    return len(counts) / sum(1 / count for count in counts)


def _read_path(group_time: GroupTime, parts: list[IntArray]) -> FloatArray:
    """Return the quarters that each effect spans, on average over its learners."""
    table = group_time.table
    span = (table["period"] - table["base_period"]).to_numpy(dtype="float64")
    size = table["n_treated"].to_numpy(dtype="float64")
    return np.array([np.average(span[part], weights=size[part]) for part in parts])


def _no_test(level: By, reason: str) -> PreTrend:
    nothing = np.empty(0)
    return PreTrend(
        statistic=math.nan,
        rank=0,
        df=math.nan,
        p_value=math.nan,
        by=level,
        effects=nothing,
        covariance=nothing.reshape(0, 0),
        path=nothing,
        n_learners=0,
        reason=reason,
    )


def invert_covariance(covariance: FloatArray) -> tuple[FloatArray, int]:
    """Return the pseudo-inverse of a covariance and its rank, free of its scales."""
    scale = np.sqrt(np.diag(covariance))
    safe = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(safe, safe))
    kept = values > _RANK * max(float(values[-1]), 0.0)
    half = (vectors[:, kept] / np.sqrt(values[kept])) / safe[:, None]
    return half @ half.T, int(kept.sum())
