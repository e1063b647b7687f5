"""Calibration: whether it happens as often as was predicted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.survival.kaplan_meier import estimate_survival
from workbench.prescribe.predict.measures import (
    Measure,
    measure_mean,
    measure_value,
)
from workbench.prescribe.predict.models import Kind

__all__ = [
    "bin_calibration",
    "bin_time_calibration",
    "cut_quantiles",
    "limit_share",
    "measure_slope",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_BINS = 10
_FEWEST_IN_BIN = 30
_MOST_STEPS = 50
_TIGHT = 1e-10
_LARGEST = 30.0


def measure_slope(
    kind: Kind,
    outcome: FloatArray,
    linear: FloatArray,
    offset: FloatArray,
    units: IntArray,
    *,
    alpha: float,
) -> tuple[Measure, Measure]:
    r"""Measure calibration slope and intercept; 1 and 0 are ideal.

    Parameters
    ----------
    kind : {"binary", "continuous", "time"}
        Which regression: logistic, linear, or Poisson.
    outcome : array of shape (rows,)
        0 or 1; the value; or whether the event happened while followed.
    linear : array of shape (rows,)
        Log odds predicted; the value predicted; or the log of the cumulative hazard
        predicted at one and the same day.
    offset : array of shape (rows,)
        0; for times the log of the cumulative hazard predicted until the follow-up
        ended, less `linear`.
    units : array of int
        Code of the person.
    alpha : float
        One less the level.

    Returns
    -------
    tuple of Measure
        ``calibration_slope``: of `linear` in a regression with it; below 1, predictions
        are too far apart. ``calibration_intercept``: the constant where the slope is
        held at 1 (calibration in the large); above 0, more happened than was predicted.
        In log odds, in units, or as log of observed over expected events.

    Notes
    -----
    Errors are sandwich errors clustered by person. The Poisson regression is that of
    Crowson et al. for survival models [2]_.

    References
    ----------
    .. [1] Van Calster, B. et al. (2016). A calibration hierarchy for risk models was
       defined. Journal of Clinical Epidemiology 74, 167-176.
       doi:10.1016/j.jclinepi.2015.12.005
    .. [2] Crowson, C. S., Atkinson, E. J. and Therneau, T. M. (2016). Assessing
       calibration of prognostic risk scores. Statistical Methods in Medical Research
       25, 1692-1706. doi:10.1177/0962280213497434
    """
    ones = np.ones((len(outcome), 1))
    shift = float(linear.mean())
    both = np.column_stack([ones, linear - shift])
    found = []
    for name, design, known, at in (
        ("calibration_slope", both, offset, 1),
        ("calibration_intercept", ones, linear + offset, 0),
    ):
        solved = _solve(kind, design, outcome, known)
        if solved is None:
            found.append(Measure(metric=name, value=math.nan, n=len(outcome)))
            continue
        coef, influence = solved
        found.append(
            measure_value(name, float(coef[at]), influence[:, at], units, alpha=alpha)
        )
    return found[0], found[1]


def cut_quantiles(predicted: FloatArray) -> IntArray:
    """Cut rows into at most ten groups of about the same size, by what is predicted.

    Groups hold at least 30 rows each; equal predictions are never apart.
    """
    groups = int(np.clip(len(predicted) // _FEWEST_IN_BIN, 1, _BINS))
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, groups + 1)[1:-1]))
    found = np.searchsorted(edges, predicted, side="left")
    return np.unique(found, return_inverse=True)[1].astype("int64")


def bin_calibration(
    kind: Kind,
    outcome: FloatArray,
    predicted: FloatArray,
    units: IntArray,
    *,
    alpha: float,
) -> pd.DataFrame:
    """Compare what was predicted with what was observed, by tenths of predictions.

    Parameters
    ----------
    kind : {"binary", "continuous"}
        Shares have Wilson's interval, means Student's, both clustered by person.
    outcome, predicted : array of shape (rows,)
        Observed, and predicted.
    units : array of int
        Code of the person.
    alpha : float
        One less the level.

    Returns
    -------
    DataFrame
        ``bin`` from 1, ``predicted`` (mean), ``observed`` (mean), ``low``, ``high``,
        ``n`` rows.
    """
    bins = cut_quantiles(predicted)
    rows = []
    for item in range(int(bins.max()) + 1):
        held = bins == item
        mean = measure_mean("observed", outcome[held], units[held], alpha=alpha)
        low, high = (
            limit_share(mean, alpha=alpha)
            if kind == "binary"
            else (mean.low, mean.high)
        )
        rows.append(_row(item, predicted[held], mean.value, low, high))
    return pd.DataFrame(rows)


def bin_time_calibration(
    time: FloatArray,
    event: BoolArray,
    predicted: FloatArray,
    *,
    day: float,
    alpha: float,
) -> pd.DataFrame:
    """Compare the share expected to be there by a day with the share that was.

    Parameters
    ----------
    time, event : array of shape (rows,)
        Days to the event or to the end of the follow-up, and which it was.
    predicted : array of shape (rows,)
        Probability of the event by that day.
    day : float
        Which day.
    alpha : float
        One less the level.

    Returns
    -------
    DataFrame
        As of `bin_calibration`; observed is one less Kaplan-Meier on that day, its
        interval on the log-log scale (Wilson's where it is 0 or 1).
    """
    bins = cut_quantiles(predicted)
    rows = []
    for item in range(int(bins.max()) + 1):
        held = bins == item
        curve = estimate_survival(time[held], event[held], alpha=alpha)
        at = int(np.searchsorted(curve.time, day, side="right")) - 1
        left = float(curve.value[at]) if at >= 0 else 1.0
        if 0 < left < 1:
            low, high = 1 - float(curve.high[at]), 1 - float(curve.low[at])
        else:
            size = curve.count_at_risk([day])[0] if left else held.sum()
            share = Measure(metric="share", value=1 - left, n=max(int(size), 1))
            low, high = limit_share(share, alpha=alpha)
        rows.append(_row(item, predicted[held], 1 - left, low, high))
    return pd.DataFrame(rows)


def limit_share(mean: Measure, *, alpha: float) -> tuple[float, float]:
    """Return Wilson's interval of a share, of as many rows as its error is worth.

    Where rows of one person agree, the share counts as one of fewer, independent rows.

    Examples
    --------
    >>> share = Measure(metric="share", value=0.5, n=100)
    >>> [round(item, 4) for item in limit_share(share, alpha=0.05)]
    [0.4038, 0.5962]
    """
    from scipy.special import ndtri

    share, z = mean.value, float(ndtri(1 - alpha / 2))
    plain = share * (1 - share) / mean.n
    error = mean.std_error
    known = plain > 0 and math.isfinite(error)
    effect = error**2 / plain * (mean.n - 1) / mean.n if known else 1.0
    size = mean.n / max(1.0, effect)
    centre = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    spread = math.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    half = z / (1 + z**2 / size) * spread
    return max(0.0, centre - half), min(1.0, centre + half)


def _row(
    item: int, predicted: FloatArray, observed: float, low: float, high: float
) -> dict[str, Any]:
    return {
        "bin": item + 1,
        "predicted": float(predicted.mean()),
        "observed": observed,
        "low": low,
        "high": high,
        "n": len(predicted),
    }


def _solve(
    kind: Kind, design: FloatArray, outcome: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """Solve a canonical regression by Newton; None where it has no finite answer."""
    invert, weigh = _LINKS[kind]
    coef = np.zeros(design.shape[1])
    if design.shape[1] == 2:
        coef[1] = 1.0
    for _ in range(_MOST_STEPS):
        fitted = invert(design @ coef + offset)
        slope = (design * weigh(fitted)[:, None]).T @ design
        if np.linalg.cond(slope) > 1 / _TIGHT:
            return None
        step = np.linalg.solve(slope, design.T @ (outcome - fitted))
        coef = coef + step
        if np.abs(step).max() < _TIGHT:
            influence = (design * (outcome - fitted)[:, None]) @ np.linalg.inv(slope)
            return coef, influence
    return None


def _expit(linear: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-np.clip(linear, -_LARGEST, _LARGEST)))


def _exp(linear: FloatArray) -> FloatArray:
    return np.exp(np.clip(linear, -_LARGEST, _LARGEST))


def _same(values: FloatArray) -> FloatArray:
    return values


_Curve = Callable[[FloatArray], FloatArray]
_LINKS: Mapping[str, tuple[_Curve, _Curve]] = {
    "binary": (_expit, lambda mean: mean * (1 - mean)),
    "continuous": (_same, np.ones_like),
    "time": (_exp, _same),
}
