"""The error of matching with replacement."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "estimate_conditional_variance",
    "estimate_matching_variance",
    "pool_conditional_variance",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def estimate_matching_variance(
    gaps: FloatArray,
    *,
    used: FloatArray,
    used_squared: FloatArray,
    variance: FloatArray,
) -> float:
    r"""Estimate the variance of the mean gap between learners and their matches.

    Use it when one comparison row may serve several learners. The estimand is the ATT;
    the estimated score is taken as given.

    Parameters
    ----------
    gaps : array
        Per learner: own outcome less the weighted mean outcome of the matches.
    used, used_squared : array
        Per comparison row: sum of its weights over all sets, and sum of their squares.
    variance : array
        Per comparison row: variance of the outcome given the score; see
        `estimate_conditional_variance` and `pool_conditional_variance`.

    Returns
    -------
    float
        Variance of the mean of `gaps`, at least 0.

    Notes
    -----
    .. math:: \hat V = \frac{1}{n_1^2} \Big[ \sum_i (g_i - \bar g)^2
        + \sum_j (K_j^2 - K'_j) \hat\sigma^2_j \Big]

    with :math:`K_j` the weight of comparison row j over all sets and :math:`K'_j` the
    sum of its squared weights (Abadie and Imbens 2006, theorem 7, with ties). Without
    replacement, one to one, the second sum is zero and this is the paired variance.

    References
    ----------
    .. [1] Abadie, A. and Imbens, G. W. (2006). Large sample properties of matching
       estimators for average treatment effects. Econometrica 74, 235-267.
       doi:10.1111/j.1468-0262.2006.00655.x
    .. [2] Abadie, A. and Imbens, G. W. (2008). On the failure of the bootstrap for
       matching estimators. Econometrica 76, 1537-1557. doi:10.3982/ECTA6474

    Examples
    --------
    >>> zero = np.zeros(1)
    >>> float(estimate_matching_variance(
    ...     np.array([1.0, 3.0]), used=zero, used_squared=zero, variance=zero))
    0.5
    """
    own = float(((gaps - gaps.mean()) ** 2).sum())
    reuse = float(((used**2 - used_squared) * variance).sum())
    return max(own + reuse, 0.0) / len(gaps) ** 2


def estimate_conditional_variance(
    values: FloatArray,
    score: FloatArray,
    cells: IntArray,
    *,
    neighbours: int = 2,
) -> FloatArray:
    """Estimate each row's outcome variance from the rows most like it.

    Parameters
    ----------
    values : array
        Outcome, or residual, of each row.
    score : array
        What rows are alike in.
    cells : array of int
        Only rows of the same cell (arm and trial) are compared.
    neighbours : int
        How many nearest rows besides the own one.

    Returns
    -------
    array
        Sample variance (divisor: number of rows less one) over the row itself and its
        nearest neighbours. A row alone in its cell gets the mean over all others.

    Notes
    -----
    R's Matching takes the same sample variance when ``Var.calc`` is above 0. Abadie
    and Imbens write J/(J+1) times the squared distance to the neighbours' mean: the
    same for J = 1, and for larger J another unbiased estimate from the same rows.
    """
    variance = np.full(len(values), np.nan)
    order = np.lexsort((score, cells))
    bounds = np.flatnonzero(np.diff(cells[order])) + 1
    for rows in np.split(order, bounds):
        if len(rows) > 1:
            variance[rows] = _spread_of_nearest(values[rows], score[rows], neighbours)
    lone = np.isnan(variance)
    variance[lone] = variance[~lone].mean() if (~lone).any() else 0.0
    return variance


def pool_conditional_variance(
    differences: FloatArray, weights: FloatArray, effect: float
) -> float:
    """Estimate one outcome variance for all rows from the pairs' differences.

    Parameters
    ----------
    differences : array
        Per pair: learner's outcome less the other's.
    weights : array
        Weight of each pair.
    effect : float
        Mean difference.

    Returns
    -------
    float
        Half the weighted mean square around the effect: what R's Matching uses by
        default, right only if the variance and the effect are the same for all.
    """
    squares = (differences - effect) ** 2
    return float((weights * squares).sum() / weights.sum() / 2)


def _spread_of_nearest(
    values: FloatArray, score: FloatArray, neighbours: int
) -> FloatArray:
    """Return the variance over each row and its nearest, rows sorted by score."""
    count = len(values)
    reach = min(neighbours, count - 1)
    offsets = np.array([step for step in range(-reach, reach + 1) if step])
    places = np.arange(count)[:, None] + offsets
    outside = (places < 0) | (places >= count)
    places = np.clip(places, 0, count - 1)
    far = np.where(outside, np.inf, np.abs(score[places] - score[:, None]))
    nearest = np.argsort(far, axis=1, kind="stable")[:, :reach]
    chosen = np.take_along_axis(places, nearest, axis=1)
    group = np.column_stack([values, values[chosen]])
    spread: FloatArray = group.var(axis=1, ddof=1)
    return spread
