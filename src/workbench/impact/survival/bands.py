"""How wide a band is that holds a whole survival curve at once."""

from __future__ import annotations

import math

from workbench.core.errors import ParamError
from workbench.impact.survival.steps import find_normal_quantile

__all__ = ["find_band_quantile"]


def find_band_quantile(ratio: float, *, alpha: float) -> float:
    r"""Return how many errors wide a band of equal precision [1]_ is.

    Such a band is everywhere as many errors wide, and holds the whole curve between two
    days with the level given; pointwise intervals are about one day chosen beforehand.

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
    the tail of the largest standardised value of a Brownian motion [2]_.

    References
    ----------
    .. [1] Nair, V. N. (1984). Confidence bands for survival functions with censored
       data: a comparative study. Technometrics 26, 265-275.
       doi:10.1080/00401706.1984.10487964
    .. [2] Miller, R. and Siegmund, D. (1982). Maximally selected chi square statistics.
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
