"""Discrimination: how often the person to whom it happens was ranked first."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from workbench.core.errors import NoVariationError
from workbench.prescribe.predict.measures import Measure, measure_value

__all__ = ["measure_auc", "measure_concordance"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_ROWS_AT_ONCE = 500


def measure_auc(
    event: BoolArray, score: FloatArray, units: IntArray, *, alpha: float
) -> Measure:
    r"""Measure the area under the ROC curve with DeLong's interval, by person.

    The probability that somebody to whom it happens has a higher score than somebody
    to whom it does not; ties count half. 0.5 is chance.

    Parameters
    ----------
    event : array of bool of shape (rows,)
        Whether it happened.
    score : array of shape (rows,)
        Higher where it is expected.
    units : array of int of shape (rows,)
        Code of the person.
    alpha : float
        One less the level.

    Returns
    -------
    Measure
        ``auc``, limits within 0 and 1.

    Raises
    ------
    NoVariationError
        If it happened to nobody, or to everybody.

    Notes
    -----
    With :math:`V_i` the share of non-events ranked below event i and :math:`V_j` the
    share of events ranked above non-event j, the variance is the sum over people of
    the squared sums of :math:`(V_i - A)/m \cdot \sqrt{M/(M-1)}` and
    :math:`(V_j - A)/n \cdot \sqrt{N/(N-1)}`, M and N being the people with events and
    with non-events [2]_. With one row per person it is DeLong's [1]_.

    References
    ----------
    .. [1] DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988). Comparing the
       areas under two or more correlated receiver operating characteristic curves.
       Biometrics 44, 837-845. doi:10.2307/2531595
    .. [2] Obuchowski, N. A. (1997). Nonparametric analysis of clustered ROC curve
       data. Biometrics 53, 567-578. doi:10.2307/2533958

    Examples
    --------
    >>> event = np.array([True, True, False, False])
    >>> score = np.array([0.9, 0.4, 0.4, 0.1])
    >>> measure_auc(event, score, np.arange(4), alpha=0.05).value
    0.875
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    cases, others = int(event.sum()), int((~event).sum())
    if not cases or not others:
        raise NoVariationError.build(
            "Ranking cannot be measured", rule="both events and people without one"
        )
    ranks = rankdata(score)
    below = np.empty(len(score))
    below[event] = (ranks[event] - rankdata(score[event])) / others
    below[~event] = 1 - (ranks[~event] - rankdata(score[~event])) / cases
    value = float(below[event].mean())
    influence = np.zeros(len(score))
    for part, size in ((event, cases), (~event, others)):
        people = len(np.unique(units[part]))
        stretch = math.sqrt(people / (people - 1)) if people > 1 else math.nan
        influence[part] = stretch * (below[part] - value) / size
    sums = np.bincount(units, weights=influence)
    error = math.sqrt(float((sums**2).sum()))
    half = float(ndtri(1 - alpha / 2)) * error
    return Measure(
        metric="auc",
        value=value,
        std_error=error,
        low=max(0.0, value - half),
        high=min(1.0, value + half),
        n=len(score),
    )


def measure_concordance(
    time: FloatArray,
    event: BoolArray,
    score: FloatArray,
    units: IntArray,
    *,
    alpha: float,
) -> Measure:
    r"""Measure Harrell's C with an interval, clustered by person.

    Of all pairs of which it is known who came first, the share whose scores have the
    same order; equal scores count half. 0.5 is chance.

    Parameters
    ----------
    time : array of shape (rows,)
        Days to the event or to the end of the follow-up.
    event : array of bool of shape (rows,)
        Whether the event ended it.
    score : array of shape (rows,)
        Higher where a longer time is expected.
    units : array of int of shape (rows,)
        Code of the person.
    alpha : float
        One less the level.

    Returns
    -------
    Measure
        ``c_index``, limits within 0 and 1.

    Raises
    ------
    NoVariationError
        If no pair can be ordered.

    Notes
    -----
    A pair is ordered if the shorter time ended with the event; of equal times, if one
    of them did. C is the ratio of two U-statistics; the influence of row i is
    :math:`2 (c_i - C d_i) / \sum d`, with its concordant and ordered pairs [1]_.

    References
    ----------
    .. [1] Kang, L., Chen, W., Petrick, N. A. and Gallas, B. D. (2015). Comparing two
       correlated C indices with right-censored survival outcome. Statistics in
       Medicine 34, 685-703. doi:10.1002/sim.6370

    Examples
    --------
    >>> time, event = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])
    >>> score = np.array([1.0, 3.0, 2.0])
    >>> measure_concordance(time, event, score, np.arange(3), alpha=0.05).value
    1.0
    """
    concordant, ordered = np.zeros(len(time)), np.zeros(len(time))
    for start in range(0, len(time), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        first = (time[rows, None] < time) & event[rows, None]
        first |= (time[rows, None] == time) & event[rows, None] & ~event
        agree = first * (
            (score[rows, None] < score) + 0.5 * (score[rows, None] == score)
        )
        ordered[rows] += first.sum(axis=1)
        ordered += first.sum(axis=0)
        concordant[rows] += agree.sum(axis=1)
        concordant += agree.sum(axis=0)
    total = float(ordered.sum())
    if total == 0:
        raise NoVariationError.build(
            "Ranking cannot be measured", rule="pairs of which one is known to be first"
        )
    value = float(concordant.sum()) / total
    influence = 2 * (concordant - value * ordered) / total
    return measure_value(
        "c_index", value, influence, units, alpha=alpha, bounds=(0.0, 1.0)
    )
