"""Impact per ten hours of learning, and what a learner costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

__all__ = ["PER_HOURS", "Effort", "divide", "read_cost", "read_effort"]

PER_HOURS = 10.0
"""Hours that a ratio is per."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Hours that a module takes one learner.

    ``std_error`` is 0 where the hours are those of the catalogue; ``measured`` tells.
    """

    hours: float
    std_error: float
    measured: bool


def read_effort(course: pd.Series) -> Effort:
    """Take the hours of a module: those measured, else those of the catalogue.

    Parameters
    ----------
    course : Series
        ``effort_hours``, ``measured_hours`` (missing where too few completed it) and,
        where known, ``measured_error``, the error of the latter in hours.
    """
    measured = float(course["measured_hours"])
    if not math.isnan(measured):
        error = float(course.get("measured_error", 0.0))
        error = 0.0 if math.isnan(error) else error
        return Effort(hours=measured, std_error=error, measured=True)
    return Effort(hours=float(course["effort_hours"]), std_error=0.0, measured=False)


def read_cost(course: pd.Series) -> float:
    """Return what one learner of a module costs on average, or NaN.

    The cost per learner, and the fixed cost shared by all who completed it so far.
    """
    own, fixed = float(course["unit_cost"]), float(course["fixed_cost"])
    people = max(int(course["n_completions"]), 1)
    if math.isnan(own) and math.isnan(fixed):
        return math.nan
    return (0.0 if math.isnan(own) else own) + (
        0.0 if math.isnan(fixed) else fixed / people
    )


def divide(
    value: float, std_error: float, effort: Effort, *, quantile: float
) -> tuple[float, float, float]:
    r"""Divide an impact by its effort, with the interval of the ratio.

    Parameters
    ----------
    value, std_error : float
        Impact in thresholds, and its error.
    effort : Effort
        Hours; measured on other grounds than the impact, so independent of it.
    quantile : float
        Two-sided critical value.

    Returns
    -------
    tuple of float
        Ratio per ten hours, lower and upper end; NaN where the hours are not told from
        0.

    Notes
    -----
    Fieller's interval [1]_: the ratios r for which
    :math:`|v - r h| \le z \sqrt{s_v^2 + r^2 s_h^2}`. With hours known exactly, that of
    the impact over the hours.

    References
    ----------
    .. [1] Fieller, E. C. (1954). Some problems in interval estimation. JRSS B 16,
       175-185. doi:10.1111/j.2517-6161.1954.tb00159.x

    Examples
    --------
    >>> effort = Effort(hours=5.0, std_error=0.0, measured=False)
    >>> divide(1.0, 0.5, effort, quantile=2.0)
    (2.0, 0.0, 4.0)
    """
    hours = effort.hours
    leading = hours**2 - (quantile * effort.std_error) ** 2
    if math.isnan(hours) or math.isnan(value) or hours <= 0 or leading <= 0:
        return math.nan, math.nan, math.nan
    middle = value * hours
    last = value**2 - (quantile * std_error) ** 2
    root = math.sqrt(max(middle**2 - leading * last, 0.0))
    low, high = (middle - root) / leading, (middle + root) / leading
    return PER_HOURS * value / hours, PER_HOURS * low, PER_HOURS * high
