"""Whether learners and others moved alike before learning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.results import Check
from workbench.impact.did.averages import Aggregate, make_aggregate, weigh_cells
from workbench.impact.did.group_time import GroupTime
from workbench.impact.inference import FEW_CLUSTERS

__all__ = [
    "PreTrend",
    "check_last_quarter",
    "check_pretrend",
    "estimate_last_quarter",
    "invert_covariance",
    "judge_pretrend",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_RANK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTrend:
    """Joint test that all effects before the exposure are 0.

    Attributes
    ----------
    statistic : float
        Wald's W, not divided by its rank.
    rank : int
        Independent effects among the cells; degrees of freedom.
    df : float
        Of the denominator, infinite for the chi-squared law.
    p_value : float
        NaN where the test does not apply.
    cells : array of int
        Rows of `GroupTime.table` that are tested.
    reason : str
        Why the test does not apply; empty if it does.
    """

    statistic: float
    rank: int
    df: float
    p_value: float
    cells: IntArray
    reason: str = ""


def judge_pretrend(
    group_time: GroupTime, *, groups: Sequence[int] | None = None
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

    Returns
    -------
    PreTrend
        With a reason instead of a p-value if there are no earlier cells, or no fewer
        of them than clusters.

    Notes
    -----
    :math:`W = \hat\theta' \hat V^{+} \hat\theta` with the pseudo-inverse and its rank
    q. Chi-squared with q degrees of freedom; below 40 clusters G, Hotelling's
    :math:`W (G - q) / (q (G - 1))` follows F(q, G - q).
    """
    from scipy.stats import chi2, f

    cells = group_time.find_cells(before=True, groups=groups)
    if not len(cells):
        return _no_test(cells, "no quarter before the exposure can be compared")
    effects = group_time.table["att"].to_numpy(dtype="float64")[cells]
    inverse, rank = invert_covariance(group_time.covariance[np.ix_(cells, cells)])
    clusters = group_time.n_clusters
    if rank == 0 or len(cells) >= clusters:
        return _no_test(
            cells, f"{clusters} clusters cannot carry a test of {len(cells)} effects"
        )
    statistic = float(effects @ inverse @ effects)
    if clusters >= FEW_CLUSTERS:
        p_value, df = float(chi2(rank).sf(statistic)), math.inf
    else:
        df = float(clusters - rank)
        p_value = float(f(rank, df).sf(statistic * df / (rank * (clusters - 1))))
    return PreTrend(statistic=statistic, rank=rank, df=df, p_value=p_value, cells=cells)


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
    event = group_time.table["event_time"].to_numpy()[cells]
    cells = cells[event == -1 - group_time.anticipation]
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
    law = "" if math.isinf(test.df) else f" (F, {test.df:.0f} in the denominator)"
    return Check(
        check="pretrend",
        passed=passed,
        value=test.p_value,
        limit=alpha,
        text=f"All {len(test.cells)} differences before the exposure are tested to be "
        f"0 together: W = {test.statistic:.4g}, {test.rank} degrees of freedom{law}, "
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


def _no_test(cells: IntArray, reason: str) -> PreTrend:
    return PreTrend(
        statistic=math.nan,
        rank=0,
        df=math.nan,
        p_value=math.nan,
        cells=cells,
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
