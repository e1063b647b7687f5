"""How large an effect an experiment can see, and how many people that takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core.errors import DesignError, ParamError, TooFewUnitsError

__all__ = [
    "POWER_COLUMNS",
    "Precision",
    "calculate_power",
    "find_detectable",
    "find_size",
    "tabulate_power",
]

POWER_COLUMNS = (
    "effect",
    "power",
    "n",
    "clusters",
    "achieved_mde",
    "planned_effect",
)
"""Columns of `tabulate_power`."""

_LARGE_DF = 1e5
_STEPS = 21
_MOST = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """The error that an experiment has or will have.

    ``std_error`` is in the outcome's unit, ``df`` are the degrees of freedom of
    Student's t; infinite where the error counts as known.
    """

    std_error: float
    df: float

    def __post_init__(self) -> None:
        if not (self.std_error > 0 and math.isfinite(self.std_error)):
            raise DesignError.build(
                "An experiment without an error has no power to compute",
                rule="a standard error above 0",
                got=self.std_error,
            )
        if not self.df > 0:
            raise TooFewUnitsError.build(
                "Too few people or clusters to estimate an error",
                rule="more than the parameters of the comparison",
                got=self.df,
                hint="plan with more clusters",
            )


def calculate_power(
    effect: float, precision: Precision, *, alpha: float = 0.05
) -> float:
    """Calculate the chance that a two-sided test finds an effect.

    Parameters
    ----------
    effect : float
        True difference between the arms, in the outcome's unit; its sign is ignored.
    precision : Precision
        Error and degrees of freedom of the estimate.
    alpha : float
        Level of the test.

    Returns
    -------
    float
        Power by the noncentral t, wrong sign included; alpha where the effect is 0.

    Examples
    --------
    >>> twenty_each = Precision(std_error=(1 / 20 + 1 / 20) ** 0.5, df=38)
    >>> round(calculate_power(1.0, twenty_each), 3)
    0.869
    """
    from scipy import stats

    shift = abs(effect) / precision.std_error
    if precision.df > _LARGE_DF:
        limit = float(stats.norm.isf(alpha / 2))
        return float(stats.norm.sf(limit - shift) + stats.norm.cdf(-limit - shift))
    limit = float(stats.t.isf(alpha / 2, precision.df))
    right = float(stats.nct.sf(limit, precision.df, shift))
    left = float(np.nan_to_num(stats.nct.cdf(-limit, precision.df, shift)))
    return min(right + left, 1.0) if math.isfinite(right) else 1.0


def find_detectable(
    expect: Callable[[float], Precision],
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    highest: float = math.inf,
) -> float:
    """Find the smallest effect that a test finds with a given power.

    Parameters
    ----------
    expect : callable
        Gives the precision under an effect; the same for all where the spread of the
        outcome does not depend on the effect.
    power, alpha : float
        Power wanted, level of the test.
    highest : float
        Largest effect that there can be (a proportion ends at 1).

    Returns
    -------
    float
        Above 0, in the outcome's unit; NaN where even the largest effect would not be
        found with that power.
    """
    from scipy.optimize import brentq

    _check_levels(power=power, alpha=alpha)

    def miss(effect: float) -> float:
        return calculate_power(effect, expect(effect), alpha=alpha) - power

    top = min(expect(0.0).std_error * 4, highest)
    while miss(top) < 0:
        if top >= highest:
            return math.nan
        top = min(2 * top, highest)
    return float(brentq(miss, 0.0, top, xtol=top * 1e-10))


def find_size(
    effect: float,
    expect: Callable[[int], Precision],
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    smallest: int = 4,
) -> int | None:
    """Find the smallest size of an experiment that finds an effect.

    Parameters
    ----------
    effect : float
        Difference between the arms to be found.
    expect : callable
        Gives the precision at a total size: people, or clusters.
    power, alpha : float
        Power wanted, level of the test.
    smallest : int
        Size from which to look on.

    Returns
    -------
    int or None
        Total over the arms; None where ten million would not do.
    """
    _check_levels(power=power, alpha=alpha)
    if effect == 0:
        return None

    def enough(size: int) -> bool:
        return calculate_power(effect, expect(size), alpha=alpha) >= power

    high = smallest
    while not enough(high):
        if high >= _MOST:
            return None
        high *= 2
    low = smallest if high == smallest else high // 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high


def tabulate_power(
    precision: Precision,
    *,
    n: int,
    clusters: int,
    planned_effect: float,
    power: float = 0.8,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Tabulate what an experiment could have seen, from its observed error.

    Never evaluated at the estimate itself, which would only restate its p-value.

    Parameters
    ----------
    precision : Precision
        Observed standard error and degrees of freedom of the headline estimate.
    n, clusters : int
        People and clusters read.
    planned_effect : float
        Effect planned for or worth having; NaN where none was declared.
    power, alpha : float
        Power for the minimum detectable effect, level of the test.

    Returns
    -------
    DataFrame
        ``effect`` (from 0 to beyond planned and detectable effect), ``power``, ``n``,
        ``clusters``, ``achieved_mde`` (smallest effect found with that power) and
        ``planned_effect``, the last four the same in all rows.
    """
    achieved = find_detectable(lambda _: precision, power=power, alpha=alpha)
    top = 1.5 * np.nanmax([achieved, abs(planned_effect)])
    effects = np.linspace(0.0, top, _STEPS)
    found = [calculate_power(float(item), precision, alpha=alpha) for item in effects]
    frame = pd.DataFrame({"effect": effects, "power": found})
    frame["n"], frame["clusters"] = n, clusters
    frame["achieved_mde"], frame["planned_effect"] = achieved, abs(planned_effect)
    return frame[list(POWER_COLUMNS)]


def _check_levels(*, power: float, alpha: float) -> None:
    """Refuse a power that is no power, or that chance alone would reach."""
    if not 0 < alpha < 0.5 or not alpha < power < 1:
        raise ParamError.build(
            "Power and level do not make a test",
            rule="level between 0 and 0.5, power between level and 1",
            got=f"power {power:g}, level {alpha:g}",
        )
