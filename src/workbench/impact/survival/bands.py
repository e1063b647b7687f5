"""Bands that hold a whole survival curve at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ParamError
from workbench.impact.survival.kaplan_meier import Survival
from workbench.impact.survival.steps import find_normal_quantile, limit_survival

__all__ = ["Band", "band_survival", "find_band_quantile"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A band around a survival curve between two days.

    Attributes
    ----------
    time, value, low, high : array of shape (times,)
        The curve's days from the first to the last, its shares, and the band.
    critical : float
        Errors between curve and band; more than pointwise intervals have.
    level : float
        Share of samples in which the whole true curve lies inside.
    """

    time: FloatArray
    value: FloatArray
    low: FloatArray
    high: FloatArray
    critical: float
    level: float


def band_survival(curve: Survival, *, start: float, end: float) -> Band:
    r"""Draw a band that holds the whole curve between two days.

    Read it where the question is about the course of the curve; pointwise intervals
    are about one day chosen beforehand.

    Parameters
    ----------
    curve : Survival
        From `estimate_survival`; rows are taken for independent.
    start, end : float
        First and last day. The first must not lie before the first event, nor the last
        beyond the follow-up, or where the curve has come to 0. The band is wide if few
        events lie before `start`: choose it before looking.

    Returns
    -------
    Band
        Of equal precision [1]_: everywhere as many errors wide, on the log-log scale.
        It has the level of the curve's intervals.

    Raises
    ------
    ParamError
        If the days are not as described.

    Notes
    -----
    See `find_band_quantile`. The ratio of variances of :math:`\log S` at both ends is
    all that the quantile depends on.

    References
    ----------
    .. [1] Nair, V. N. (1984). Confidence bands for survival functions with censored
       data: a comparative study. Technometrics 26, 265-275.
       doi:10.1080/00401706.1984.10487964
    """
    first = int(np.searchsorted(curve.time, start, side="right")) - 1
    last = int(np.searchsorted(curve.time, end, side="right")) - 1
    known = 0 <= first <= last and end <= curve.time[-1]
    if not known or curve.value[last] <= 0 or curve.std_error[first] <= 0:
        raise ParamError.build(
            "No band can be drawn there",
            rule="from the first event on, to where somebody is left without it",
            got=(start, end),
        )
    error = curve.std_error / np.where(curve.value > 0, curve.value, 1.0)
    critical = find_band_quantile(
        float(error[last] / error[first]) ** 2, alpha=1 - curve.level
    )
    low, high = limit_survival(curve.value, curve.std_error, critical)
    inside = slice(first, last + 1)
    return Band(
        time=curve.time[inside],
        value=curve.value[inside],
        low=low[inside],
        high=high[inside],
        critical=critical,
        level=curve.level,
    )


def find_band_quantile(ratio: float, *, alpha: float) -> float:
    r"""Return how many errors wide a band of equal precision is.

    Parameters
    ----------
    ratio : float
        Variance of the log curve at the last day over that at the first, at least 1.
    alpha : float
        One less the level.

    Returns
    -------
    float
        At least the pointwise normal quantile.

    Raises
    ------
    ParamError
        If `alpha` is not between 0 and 1, or `ratio` is below 1.

    Notes
    -----
    Solves :math:`4\varphi(e)/e + \varphi(e)(e - 1/e) \log(\text{ratio}) = \alpha`,
    the tail of the largest standardised value of a Brownian motion [1]_.

    References
    ----------
    .. [1] Miller, R. and Siegmund, D. (1982). Maximally selected chi square statistics.
       Biometrics 38, 1011-1016. doi:10.2307/2529881

    Examples
    --------
    >>> round(find_band_quantile(13.5, alpha=0.05), 3)
    2.883
    """
    from scipy.optimize import brentq

    pointwise = find_normal_quantile(alpha)
    if not ratio >= 1 - 1e-9:
        raise ParamError.build("Variances cannot fall", rule="at least 1", got=ratio)
    stretch = math.log(max(ratio, 1.0))

    def surplus(e: float) -> float:
        density = math.exp(-(e**2) / 2) / math.sqrt(2 * math.pi)
        return density * (4 / e + (e - 1 / e) * stretch) - alpha

    if surplus(pointwise) <= 0:
        return pointwise
    return float(brentq(surplus, pointwise, 40.0, xtol=1e-10))
