"""Step curves: read off at a day or a level, and the limits around them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ParamError

__all__ = ["cross_steps", "find_normal_quantile", "limit_survival", "read_steps"]

FloatArray = npt.NDArray[np.float64]

_SAME = 1e-9
"""Shares closer than this are the same: products of fractions differ by rounding."""


def limit_survival(
    value: FloatArray, std_error: FloatArray, distance: float
) -> tuple[FloatArray, FloatArray]:
    """Return the limits of a survival curve on the log-log scale.

    Parameters
    ----------
    value, std_error : array of shape (times,)
        Of a curve that never rises.
    distance : float
        Errors between the curve and a limit, on that scale.

    Returns
    -------
    tuple of array
        Low and high. Where the curve is at 1 both are 1; where it is at 0, the low is 0
        and the high that of the time before.
    """
    inside = (value > _SAME) & (value < 1)
    logs = np.log(np.where(inside, value, 0.5))
    width = distance * std_error / np.where(inside, -value * logs, 1.0)
    low = np.where(inside, np.exp(logs * np.exp(width)), value)
    high = np.where(inside, np.exp(logs * np.exp(-width)), value)
    done = value <= _SAME
    if done.any():
        first = int(done.argmax())
        high[first:] = high[first - 1] if first else 1.0
        low[first:] = 0.0
    return low, high


def find_normal_quantile(alpha: float) -> float:
    """Return the two-sided normal quantile; refuse a level outside 0 to 1."""
    from scipy.special import ndtri

    if not 0 < alpha < 1:
        raise ParamError.build(
            "No interval has this level", rule="alpha between 0 and 1", got=alpha
        )
    return float(ndtri(1 - alpha / 2))


def read_steps(
    time: FloatArray,
    steps: FloatArray,
    days: FloatArray,
    *,
    start: float,
    closed: bool,
) -> FloatArray:
    """Read a step function; missing beyond its last time unless `closed`."""
    places = np.searchsorted(time, days, side="right")
    read: FloatArray = np.append(start, steps)[places]
    if not closed:
        read[days > time[-1]] = math.nan
    return read


def cross_steps(time: FloatArray, steps: FloatArray, level: float) -> float:
    """Return where a falling curve comes to a level; NaN if it never does.

    Where it rests exactly at the level, the middle of that time.
    """
    reached = steps <= level + _SAME
    if not reached.any():
        return math.nan
    first = int(reached.argmax())
    below = steps < level - _SAME
    if below[first]:
        return float(time[first])
    left = int(below.argmax()) if below.any() else len(time) - 1
    return float(time[first] + time[left]) / 2
