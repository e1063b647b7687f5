"""Intervals of a share, and of the ratio of two shares."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["interval_koopman", "interval_wilson"]

_FAR = 1e6
_CLOSE = 1e-12


def interval_wilson(
    selected: float, size: float, *, alpha: float = 0.05
) -> tuple[float, float]:
    r"""Return the score interval of a share.

    Parameters
    ----------
    selected, size : float
        Counts; those of an effective sample need not be whole.
    alpha : float
        One minus the level.

    Returns
    -------
    tuple of float
        Both ends, between 0 and 1; missing for a size of 0.

    Notes
    -----
    :math:`(\hat p + z^2/2n \pm z \sqrt{\hat p (1 - \hat p)/n + z^2/4n^2}) /
    (1 + z^2/n)` [1]_.

    References
    ----------
    .. [1] Wilson, E. B. (1927). Probable inference, the law of succession, and
       statistical inference. Journal of the American Statistical Association 22,
       209-212. doi:10.1080/01621459.1927.10502953
    """
    if size <= 0:
        return math.nan, math.nan
    square = _find_normal(alpha) ** 2
    share = selected / size
    middle = share + square / (2 * size)
    reach = math.sqrt(square * (share * (1 - share) / size + square / (4 * size**2)))
    bottom = 1 + square / size
    return max(0.0, (middle - reach) / bottom), min(1.0, (middle + reach) / bottom)


def interval_koopman(
    selected: float,
    size: float,
    other_selected: float,
    other_size: float,
    *,
    alpha: float = 0.05,
) -> tuple[float, float]:
    r"""Return the score interval of a ratio of two shares.

    Use it for independent people; it also works where a group has nobody selected, or
    everybody.

    Parameters
    ----------
    selected, size : float
        Of the group above the line.
    other_selected, other_size : float
        Of the group below it.
    alpha : float
        One minus the level.

    Returns
    -------
    tuple of float
        From 0 to infinity; missing where nobody is selected in either group.

    Notes
    -----
    The ratios :math:`\phi` that the score test does not reject [1]_:

    .. math:: \frac{(\hat p - \phi \hat p')^2}
        {\tilde p (1 - \tilde p) / n + \phi^2 \tilde p' (1 - \tilde p') / n'} \le z^2,

    where :math:`\tilde p = \phi \tilde p'` and

    .. math:: \tilde p' = \frac{b - \sqrt{b^2 - 4 N \phi (x + x')}}{2 N \phi}, \quad
        b = \phi (n + x') + x + n', \quad N = n + n',

    maximise the likelihood at that ratio.

    References
    ----------
    .. [1] Koopman, P. A. R. (1984). Confidence intervals for the ratio of two binomial
       proportions. Biometrics 40, 513-517. doi:10.2307/2531405
    """
    if not (selected or other_selected):
        return math.nan, math.nan
    limit = _find_normal(alpha) ** 2

    def miss(ratio: float) -> float:
        return _score(ratio, selected, size, other_selected, other_size) - limit

    if other_selected == 0:
        return _cross(miss, _CLOSE, _FAR), math.inf
    point = (selected / size) / (other_selected / other_size)
    low = 0.0 if selected == 0 else _cross(miss, point / _FAR, point)
    start = point or 1 / _FAR
    return low, _cross(miss, start, max(start, 1.0) * _FAR)


def _score(
    ratio: float, selected: float, size: float, other: float, other_size: float
) -> float:
    """Score statistic of a ratio, squared."""
    people = size + other_size
    middle = ratio * (size + other) + selected + other_size
    root = math.sqrt(max(0.0, middle**2 - 4 * people * ratio * (selected + other)))
    # The smaller root, written so that a small ratio does not cancel it away.
    below = min(1.0, 2 * (selected + other) / (middle + root))
    above = min(1.0, ratio * below)
    variance = above * (1 - above) / size + ratio**2 * below * (1 - below) / other_size
    gap = selected / size - ratio * other / other_size
    if variance <= 0:
        return 0.0 if abs(gap) < _CLOSE else math.inf
    return gap**2 / variance


def _cross(miss: Callable[[float], float], low: float, high: float) -> float:
    """Find where the statistic crosses its limit, on the scale of logarithms."""
    from scipy.optimize import brentq

    def follow(place: float) -> float:
        return min(miss(math.exp(place)), 1e6)

    found: float = brentq(follow, math.log(low), math.log(high), xtol=1e-12)
    return math.exp(found)


def _find_normal(alpha: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(1 - alpha / 2))
