"""Rosenbaum bounds: how much hidden bias a matched comparison would withstand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from workbench.core.errors import DesignError

__all__ = [
    "HIGHEST_GAMMA",
    "bound_discordant",
    "bound_hodges_lehmann",
    "bound_sets",
    "bound_signed_rank",
    "find_critical_gamma",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

HIGHEST_GAMMA = 100.0
"""No larger odds ratio is looked at."""

_STEPS = 60


def bound_signed_rank(differences: FloatArray, *, gamma: float) -> tuple[float, float]:
    r"""Bound the signed-rank test's p-value under hidden bias of a given size.

    For matched pairs and a measured outcome. A cause nobody measured may make one of
    two people matched with each other up to `gamma` times as likely (in odds) to learn.

    Parameters
    ----------
    differences : array
        Learner less match, one per pair; ties share their rank, zeros take the lowest
        ranks and count for neither side.
    gamma : float
        Odds ratio, at least 1; 1 means no hidden bias.

    Returns
    -------
    tuple of float
        Smallest and largest one-sided p-value against "learners have more".

    Raises
    ------
    DesignError
        If `gamma` is below 1 or every difference is 0.

    Notes
    -----
    Normal approximation: with ranks :math:`q_s` and
    :math:`p^+ = \Gamma / (1 + \Gamma)`, the largest p-value takes the mean
    :math:`p^+ \sum q_s` and the variance :math:`p^+ (1 - p^+) \sum q_s^2`.

    References
    ----------
    .. [1] Rosenbaum, P. R. (2002). Observational Studies, 2nd ed., section 4.3.
       Springer. doi:10.1007/978-1-4757-3692-2

    Examples
    --------
    >>> low, high = bound_signed_rank(np.arange(1.0, 11.0), gamma=2.0)
    >>> round(low, 5), round(high, 5)
    (4e-05, 0.02374)
    """
    from scipy.stats import norm, rankdata

    _check_gamma(gamma)
    if not differences.any():
        raise DesignError.build("All matched differences are 0", rule="one that is not")
    kept = differences != 0
    ranks = rankdata(np.abs(differences))[kept]
    statistic = float(ranks[differences[kept] > 0].sum())
    total, squares = float(ranks.sum()), float((ranks**2).sum())
    likely = gamma / (1 + gamma)
    spread = math.sqrt(likely * (1 - likely) * squares)
    ends = [
        float(norm.sf((statistic - chance * total) / spread))
        for chance in (1 - likely, likely)
    ]
    return ends[0], ends[1]


def bound_discordant(ours: int, theirs: int, *, gamma: float) -> tuple[float, float]:
    """Bound McNemar's exact p-value under hidden bias of a given size.

    For matched pairs and a yes-or-no outcome.

    Parameters
    ----------
    ours, theirs : int
        Pairs in which only the learner, and only the match, has the outcome.
    gamma : float
        Odds ratio, at least 1.

    Returns
    -------
    tuple of float
        Smallest and largest one-sided p-value against "learners have more".

    Raises
    ------
    DesignError
        If `gamma` is below 1 or the two never differ.

    References
    ----------
    .. [1] Rosenbaum, P. R. (2002). Observational Studies, 2nd ed., section 4.3.2.
       Springer. doi:10.1007/978-1-4757-3692-2

    Examples
    --------
    >>> [round(p, 5) for p in bound_discordant(110, 12, gamma=5.0)]
    [0.0, 0.02317]
    """
    from scipy.stats import binom

    _check_gamma(gamma)
    pairs = ours + theirs
    if pairs == 0:
        raise DesignError.build(
            "The outcome is the same in both members of every pair",
            rule="at least one pair that differs",
        )
    likely = gamma / (1 + gamma)
    low, high = (
        float(binom.sf(ours - 1, pairs, chance)) for chance in (1 - likely, likely)
    )
    return low, high


def bound_sets(
    scores: FloatArray, treated: BoolArray, sets: IntArray, *, gamma: float
) -> tuple[float, float]:
    """Bound the p-value of a sum of scores in matched sets under hidden bias.

    For one learner matched with several others. With the outcome itself as the score
    of a yes-or-no outcome this is the Mantel-Haenszel test; with ranks of the distance
    from the set's mean (aligned ranks) it is a test for measured outcomes.

    Parameters
    ----------
    scores : array
        One score per row, fixed if learning changed nothing.
    treated : array of bool
        One learner in each set.
    sets : array of int
        Code of each row's set.
    gamma : float
        Odds ratio, at least 1.

    Returns
    -------
    tuple of float
        Smallest and largest one-sided p-value against "learners score more".

    Raises
    ------
    DesignError
        If `gamma` is below 1, a set does not hold one learner, or no set's scores
        differ.

    Notes
    -----
    Normal approximation with the separable choice of the hidden cause: in each set the
    split of the ordered scores that makes the expectation largest, and of several
    the one with the largest variance.

    References
    ----------
    .. [1] Gastwirth, J. L., Krieger, A. M. and Rosenbaum, P. R. (2000). Asymptotic
       separability in sensitivity analysis. JRSS B 62, 545-555.
       doi:10.1111/1467-9868.00249
    """
    from scipy.stats import norm

    _check_gamma(gamma)
    blocks = _split_sets(scores, treated, sets)
    statistic = float(scores[treated].sum())
    high_mean, high_variance = _sum_moments(blocks, gamma)
    low_mean, low_variance = _sum_moments([-block for block in blocks], gamma)
    if high_variance <= 0:
        raise DesignError.build(
            "The outcome is the same within every matched set",
            rule="at least one set that differs",
        )
    low = float(norm.sf((statistic + low_mean) / math.sqrt(low_variance)))
    high = float(norm.sf((statistic - high_mean) / math.sqrt(high_variance)))
    return low, high


def bound_hodges_lehmann(
    differences: FloatArray, *, gamma: float, doses: FloatArray | None = None
) -> tuple[float, float]:
    """Bound the Hodges-Lehmann estimate of an effect under hidden bias.

    Parameters
    ----------
    differences : array
        Learner less match, one per pair.
    gamma : float
        Odds ratio, at least 1.
    doses : array, optional
        What an effect of 1 adds to each difference; default 1. Differences that were
        adjusted by a regression take those of learning, adjusted likewise.

    Returns
    -------
    tuple of float
        Smallest and largest estimate; equal to each other without hidden bias.

    Raises
    ------
    DesignError
        If `gamma` is below 1.

    References
    ----------
    .. [1] Rosenbaum, P. R. (1993). Hodges-Lehmann point estimates of treatment effect
       in observational studies. JASA 88, 1250-1253.
       doi:10.1080/01621459.1993.10476405
    """
    _check_gamma(gamma)
    steps = np.ones(len(differences)) if doses is None else doses
    count = len(differences)
    likely = gamma / (1 + gamma)
    total = count * (count + 1) / 2
    low, high = (
        _cross(differences, steps, chance * total) for chance in (likely, 1 - likely)
    )
    return low, high


def find_critical_gamma(
    bound: Callable[[float], float], *, alpha: float, highest: float = HIGHEST_GAMMA
) -> float:
    """Find the hidden bias at which the largest p-value reaches a level.

    Parameters
    ----------
    bound : callable
        Largest p-value for a given odds ratio; never falls as the ratio grows.
    alpha : float
        Level to reach.
    highest : float
        Largest odds ratio to look at.

    Returns
    -------
    float
        The odds ratio; NaN if the level is exceeded without hidden bias, infinite if
        it is not reached at `highest`.
    """
    if bound(1.0) > alpha:
        return math.nan
    if bound(highest) <= alpha:
        return math.inf
    low, high = 0.0, math.log(highest)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if bound(math.exp(middle)) <= alpha:
            low = middle
        else:
            high = middle
    return math.exp(low)


def _check_gamma(gamma: float) -> None:
    if not gamma >= 1:
        raise DesignError.build("gamma is too small", rule="at least 1", got=gamma)


def _split_sets(
    scores: FloatArray, treated: BoolArray, sets: IntArray
) -> list[FloatArray]:
    """Return the sorted scores of all sets of one size as one array per size."""
    codes = np.unique(sets, return_inverse=True)[1]
    sizes = np.bincount(codes)
    if (np.bincount(codes, treated) != 1).any():
        raise DesignError.build(
            "A matched set does not hold exactly one learner",
            rule="one learner and at least one other",
        )
    ordered = scores[np.lexsort((scores, codes))]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return [
        ordered[starts[sizes == size][:, None] + np.arange(size)]
        for size in np.unique(sizes)
        if size > 1
    ]


def _sum_moments(blocks: list[FloatArray], gamma: float) -> tuple[float, float]:
    """Sum the largest expectation, and its variance, over sets."""
    mean = variance = 0.0
    for block in blocks:
        ordered = np.sort(block, axis=1)
        size = ordered.shape[1]
        weights = np.where(np.arange(size) >= np.arange(1, size)[:, None], gamma, 1.0)
        weights /= weights.sum(axis=1, keepdims=True)
        means = ordered @ weights.T
        variances = ordered**2 @ weights.T - means**2
        top = means.max(axis=1, keepdims=True)
        tied = means >= top - 1e-12 * np.maximum(1.0, np.abs(top))
        mean += float(top.sum())
        variance += float(np.where(tied, variances, -np.inf).max(axis=1).sum())
    return mean, variance


def _cross(differences: FloatArray, doses: FloatArray, level: float) -> float:
    """Find the effect at which the signed-rank statistic falls through a level."""
    from scipy.stats import rankdata

    def exceed(effect: float, *, strictly: bool) -> bool:
        rest = differences - effect * doses
        ranks = rankdata(np.abs(rest))
        statistic = float(ranks[rest > 0].sum()) + float(ranks[rest == 0].sum()) / 2
        gap = statistic - level
        return gap > 1e-9 * level if strictly else gap >= -1e-9 * level

    reach = float(np.abs(differences).max()) / float(np.abs(doses).min()) + 1
    ends = []
    for strictly in (True, False):
        low, high = -reach, reach
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if exceed(middle, strictly=strictly):
                low = middle
            else:
                high = middle
        ends.append((low + high) / 2)
    return sum(ends) / 2
