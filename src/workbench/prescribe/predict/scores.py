"""How good predictions were on people and quarters that taught them nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.prescribe.predict.calibration import measure_slope
from workbench.prescribe.predict.measures import Measure, measure_mean, measure_ratio
from workbench.prescribe.predict.models import Kind, lose
from workbench.prescribe.predict.ranking import measure_auc, measure_concordance
from workbench.prescribe.predict.time_models import lose_time

__all__ = [
    "accumulate_hazard",
    "find_middle",
    "list_errors",
    "measure_gain",
    "rank_times",
    "score_times",
    "score_values",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST_PAIRED = 5000
_TINY = 1e-12


def score_values(
    kind: Kind,
    outcome: FloatArray,
    predicted: FloatArray,
    units: IntArray,
    *,
    base: float,
    alpha: float,
) -> list[Measure]:
    """Score predictions of a chance or of a value.

    Parameters
    ----------
    kind : {"binary", "continuous"}
        What is predicted.
    outcome, predicted : array of shape (rows,)
        Observed and predicted; for a chance 0 or 1, and a probability.
    units : array of int
        Code of the person; intervals are clustered by it.
    base : float
        Mean outcome among the rows that taught: what one would say of everybody.
    alpha : float
        One less the level.

    Returns
    -------
    list of Measure
        Of a chance ``auc``, ``brier``, ``log_loss``; of a value ``r2`` (share of the
        variance among the tested), ``mae``, ``rmse``. Of both ``skill``, the share of
        the loss saved against `base`, and ``calibration_slope`` and
        ``calibration_intercept``.
    """
    zero = np.zeros(len(outcome))
    losses = lose(kind, outcome, predicted)
    blank = lose(kind, outcome, np.full(len(outcome), base))
    skill = measure_ratio("skill", losses, blank, units, alpha=alpha, complement=True)
    if kind == "binary":
        linear = np.log(predicted / (1 - predicted))
        first = [
            measure_auc(outcome > 0, predicted, units, alpha=alpha),
            measure_mean("brier", (outcome - predicted) ** 2, units, alpha=alpha),
            measure_mean("log_loss", losses, units, alpha=alpha),
        ]
    else:
        linear = predicted
        spread = (outcome - outcome.mean()) ** 2
        first = [
            measure_ratio("r2", losses, spread, units, alpha=alpha, complement=True),
            measure_mean("mae", np.abs(outcome - predicted), units, alpha=alpha),
            _root(measure_mean("rmse", losses, units, alpha=alpha)),
        ]
    slopes = measure_slope(kind, outcome, linear, zero, units, alpha=alpha)
    return [*first, skill, *slopes]


def score_times(
    time: FloatArray,
    event: BoolArray,
    survival: FloatArray,
    units: IntArray,
    *,
    edges: FloatArray,
    base: FloatArray,
    alpha: float,
) -> list[Measure]:
    """Score predictions of a time.

    Parameters
    ----------
    time, event : array of shape (rows,)
        Days to the event or to the end of the follow-up, and which it was.
    survival : array of shape (rows, edges)
        Predicted.
    units : array of int
        Code of the person.
    edges : array
        Ends of the steps in days; the last is the horizon.
    base : array of shape (edges,)
        One curve for everybody, from the rows that taught.
    alpha : float
        One less the level.

    Returns
    -------
    list of Measure
        ``c_index`` (of at most 5,000 rows), ``log_score``, ``skill`` (share of it saved
        against `base`), ``calibration_slope``, ``calibration_intercept`` (log of
        observed over expected events within the horizon).
    """
    losses = lose_time(time, event, survival, edges)
    blank = lose_time(time, event, np.tile(base, (len(time), 1)), edges)
    happened, until = _stop_at(time, event, float(edges[-1]))
    at = find_middle(base)
    linear = np.log(-np.log(np.minimum(survival[:, at], 1 - _TINY)))
    hazard = np.maximum(accumulate_hazard(survival, edges, until), _TINY)
    few = _thin(len(time))
    return [
        measure_concordance(
            time[few], event[few], rank_times(survival)[few], units[few], alpha=alpha
        ),
        measure_mean("log_score", losses, units, alpha=alpha),
        measure_ratio("skill", losses, blank, units, alpha=alpha, complement=True),
        *measure_slope(
            "time",
            happened.astype("float64"),
            linear,
            np.log(hazard) - linear,
            units,
            alpha=alpha,
        ),
    ]


def measure_gain(
    simple: FloatArray, boosting: FloatArray, units: IntArray, *, alpha: float
) -> Measure:
    """Measure how much less boosting loses than the simple model, row by row.

    Above 0 boosting is better. Both are tested on the same rows, so that the error is
    that of the difference; it is clustered by person.
    """
    return measure_mean("gain_over_simple", simple - boosting, units, alpha=alpha)


def find_middle(base: FloatArray) -> int:
    """Return the edge at which about half have had the event: most to tell apart."""
    return int(np.abs(base - 0.5).argmin())


def rank_times(survival: FloatArray) -> FloatArray:
    """Return a score that is higher the longer something is expected to take."""
    return np.asarray(survival.mean(axis=1), dtype="float64")


def accumulate_hazard(
    survival: FloatArray, edges: FloatArray, until: FloatArray
) -> FloatArray:
    """Return the cumulative hazard predicted until a day of each row.

    Straight lines between the edges, from 0 on day 0; nothing beyond the last edge.
    """
    hazard = np.column_stack([np.zeros(len(survival)), -np.log(survival)])
    days = np.concatenate([[0.0], edges])
    known = np.minimum(until, edges[-1])
    at = np.clip(np.searchsorted(days, known, side="left"), 1, len(edges))
    rows = np.arange(len(survival))
    part = (known - days[at - 1]) / (days[at] - days[at - 1])
    below = hazard[rows, at - 1]
    return np.asarray(below + part * (hazard[rows, at] - below), dtype="float64")


def list_errors(
    time: FloatArray, event: BoolArray, survival: FloatArray, edges: FloatArray
) -> FloatArray:
    """Return by row the events that happened less those expected while followed."""
    happened, until = _stop_at(time, event, float(edges[-1]))
    return happened - accumulate_hazard(survival, edges, until)


def _stop_at(
    time: FloatArray, event: BoolArray, horizon: float
) -> tuple[BoolArray, FloatArray]:
    """Follow everybody to the horizon and no further."""
    return event & (time <= horizon), np.minimum(time, horizon)


def _thin(size: int) -> IntArray:
    """Choose evenly spread rows where pairs of all rows would be too many."""
    return np.unique(np.linspace(0, size - 1, min(size, _MOST_PAIRED)).astype("int64"))


def _root(mean: Measure) -> Measure:
    """Turn a mean of squares into its root; the error follows by the delta method."""
    value = float(np.sqrt(mean.value))
    half = value and 1 / (2 * value)
    return Measure(
        metric=mean.metric,
        value=value,
        std_error=mean.std_error * half,
        low=float(np.sqrt(max(mean.low, 0.0))),
        high=float(np.sqrt(max(mean.high, 0.0))),
        n=mean.n,
    )
