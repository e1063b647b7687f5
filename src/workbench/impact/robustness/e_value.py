"""The E-value: how strong a hidden cause must be to explain an effect away."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.core.errors import DesignError

__all__ = ["EValue", "approximate_ratio", "compute_e_value", "measure_e_value"]

_LOG_RATIO_PER_SD = 0.91
_MOST = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EValue:
    """How strong a hidden cause must be.

    Attributes
    ----------
    ratio, ratio_low, ratio_high : float
        The effect as a risk ratio, with its interval.
    point : float
        Risk ratio, at least 1, that a hidden cause would need with both learning and
        the outcome, beyond the covariates, to explain the estimate.
    limit : float
        The same for the end of the interval nearer to no effect; 1 if it holds 1.
    """

    ratio: float
    ratio_low: float
    ratio_high: float
    point: float
    limit: float


def compute_e_value(ratio: float) -> float:
    r"""Compute the E-value of a risk ratio.

    Parameters
    ----------
    ratio : float
        Above 0; a ratio below 1 is turned round.

    Returns
    -------
    float
        :math:`RR + \sqrt{RR (RR - 1)}`.

    Raises
    ------
    DesignError
        If `ratio` is not above 0.

    References
    ----------
    .. [1] VanderWeele, T. J. and Ding, P. (2017). Sensitivity analysis in
       observational research: introducing the E-value. Annals of Internal Medicine
       167, 268-274. doi:10.7326/M16-2607

    Examples
    --------
    >>> round(compute_e_value(3.9), 2), round(compute_e_value(0.80), 2)
    (7.26, 1.81)
    """
    if not ratio > 0:
        raise DesignError.build("A risk ratio is not above 0", got=ratio)
    larger = max(ratio, 1 / ratio)
    return larger + math.sqrt(larger * (larger - 1))


def measure_e_value(ratio: float, low: float, high: float) -> EValue:
    """Compute the E-value of a risk ratio and of its interval.

    Parameters
    ----------
    ratio, low, high : float
        Risk ratio and its interval; a lower end of 0 or less means that the ratio
        cannot be told from 0 and is read as an interval that reaches that far.

    Returns
    -------
    EValue
        ``limit`` is 1 where the interval holds 1.

    Raises
    ------
    DesignError
        If `ratio` is not above 0.
    """
    nearer = low if ratio > 1 else high
    held = low <= 1 <= high
    return EValue(
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
        point=compute_e_value(ratio),
        limit=1.0 if held else compute_e_value(nearer),
    )


def approximate_ratio(effect: float, *, deviation: float) -> float:
    r"""Turn a difference of means into an approximate risk ratio.

    Parameters
    ----------
    effect : float
        Difference on the outcome's scale.
    deviation : float
        Standard deviation of the outcome, above 0.

    Returns
    -------
    float
        :math:`\exp(0.91 d)` with :math:`d` the difference in standard deviations.

    Raises
    ------
    DesignError
        If `deviation` is not above 0.

    Notes
    -----
    The risk ratio of being above a cut near the middle of the distribution. Ends of an
    interval are turned one by one, which is the published
    :math:`\exp(0.91 d \pm 1.78 s_d)` where the interval is the normal one.

    References
    ----------
    .. [1] VanderWeele, T. J. and Ding, P. (2017), see `compute_e_value`.
    """
    if not deviation > 0:
        raise DesignError.build("The outcome does not vary", got=deviation)
    size = _LOG_RATIO_PER_SD * effect / deviation
    return math.exp(min(max(size, -_MOST), _MOST))
