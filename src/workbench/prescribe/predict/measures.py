"""A number with its interval, clustered by person, as all scores are given."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.impact.inference import estimate_cluster_error

__all__ = ["Measure", "measure_mean", "measure_ratio", "measure_value"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One score: value, standard error, interval and number of rows.

    Attributes
    ----------
    metric : str
        Its name.
    value, std_error, low, high : float
        In the unit of the metric; NaN where it cannot be computed.
    n : int
        Rows it was computed from.
    """

    metric: str
    value: float
    std_error: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int


def measure_value(
    metric: str,
    value: float,
    influence: FloatArray,
    units: IntArray,
    *,
    alpha: float,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Measure:
    """Return a score with an interval from the influence of its rows.

    Parameters
    ----------
    metric : str
        Name of the score.
    value : float
        The score.
    influence : array of shape (rows,)
        Influence of each row on it; summed over rows, the estimation error.
    units : array of int of shape (rows,)
        Code of the person; rows of one person may be correlated.
    alpha : float
        One less the level.
    bounds : tuple of float
        What the score can be; limits beyond are cut.

    Returns
    -------
    Measure
        With Student's t at people less one degrees of freedom; no interval where there
        is one person only.
    """
    from scipy.stats import t

    size = len(influence)
    if len(np.unique(units)) < 2 or not np.isfinite(value):
        return Measure(metric=metric, value=float(value), n=size)
    found = estimate_cluster_error(influence[:, None], {"unit": units})
    error = math.sqrt(float(found.covariance[0, 0]))
    half = float(t.ppf(1 - alpha / 2, found.df)) * error
    low, high = max(value - half, bounds[0]), min(value + half, bounds[1])
    return Measure(
        metric=metric, value=float(value), std_error=error, low=low, high=high, n=size
    )


def measure_mean(
    metric: str,
    values: FloatArray,
    units: IntArray,
    *,
    alpha: float,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Measure:
    """Return the mean of rows with an interval; parameters as in `measure_value`."""
    mean = float(values.mean())
    influence = (values - mean) / len(values)
    return measure_value(metric, mean, influence, units, alpha=alpha, bounds=bounds)


def measure_ratio(
    metric: str,
    above: FloatArray,
    below: FloatArray,
    units: IntArray,
    *,
    alpha: float,
    complement: bool = False,
) -> Measure:
    r"""Return the ratio of two sums of rows, or one less it, with an interval.

    Parameters
    ----------
    metric, units, alpha
        As in `measure_value`.
    above, below : array of shape (rows,)
        Numerator and denominator of each row.
    complement : bool
        Give :math:`1 - \sum a / \sum b`, such as a share of error saved.

    Notes
    -----
    The influence of a row is :math:`(a_i - R b_i) / \sum b` (delta method).
    """
    total = float(below.sum())
    if total == 0:
        return Measure(metric=metric, value=math.nan, n=len(above))
    ratio = float(above.sum()) / total
    influence = (above - ratio * below) / total
    sign = -1.0 if complement else 1.0
    value = 1 - ratio if complement else ratio
    return measure_value(metric, value, sign * influence, units, alpha=alpha)
