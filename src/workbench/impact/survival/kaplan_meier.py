"""Survival curves: the share to whom an event has not yet happened."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ParamError, RangeError
from workbench.impact.survival.influence import (
    influence_restricted_mean,
    measure_areas,
)
from workbench.impact.survival.risk_sets import (
    ErrorKind,
    Martingale,
    RiskSets,
    accumulate_covariance,
    build_risk_sets,
    divide_hazard,
)
from workbench.impact.survival.steps import (
    cross_steps,
    find_normal_quantile,
    limit_survival,
    read_steps,
)

__all__ = [
    "RestrictedMean",
    "Survival",
    "choose_error",
    "estimate_restricted_mean",
    "estimate_survival",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """A survival curve with its pointwise intervals.

    Attributes
    ----------
    time : array of shape (times,)
        Days on which an event or the end of a follow-up lies, ascending.
    value : array of shape (times,)
        Share without the event after each day.
    std_error : array of shape (times,)
        Of `value`.
    low, high : array of shape (times,)
        Interval of `value`, made on the log-log scale.
    at_risk : array of int of shape (times,)
        Rows under observation just before each day's events.
    events : array of shape (times,)
        Weight of the events on each day.
    level : float
        Of the intervals.
    error : str
        How the error was made, in words.
    """

    time: FloatArray
    value: FloatArray
    std_error: FloatArray
    low: FloatArray
    high: FloatArray
    at_risk: IntArray
    events: FloatArray
    level: float
    error: str

    def at(self, grid: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Read the curve on given days.

        Parameters
        ----------
        grid : array
            Days.

        Returns
        -------
        tuple of array
            Value, low and high; missing beyond the last day of follow-up unless the
            event has happened to everybody by then.
        """
        days = np.asarray(grid, dtype="float64")
        values, lows, highs = (
            read_steps(self.time, steps, days, start=1.0, closed=self.value[-1] <= 0)
            for steps in (self.value, self.low, self.high)
        )
        return values, lows, highs

    def quantile(self, share: float) -> tuple[float, float, float]:
        """Read off the day by which the event has happened to a share.

        Parameters
        ----------
        share : float
            Between 0 and 1; 0.5 for the median.

        Returns
        -------
        tuple of float
            Day, and its interval by inversion of the curve's (Brookmeyer and Crowley);
            NaN where the curve, or the limit, does not get there. Where the curve
            stays exactly at the share, the middle of that time.

        Raises
        ------
        RangeError
            If `share` is not between 0 and 1.
        """
        if not 0 < share < 1:
            raise RangeError.build(
                "No quantile can be read", rule="a share between 0 and 1", got=share
            )
        day, low, high = (
            cross_steps(self.time, steps, 1 - share)
            for steps in (self.value, self.low, self.high)
        )
        return day, low, high

    def count_at_risk(self, grid: npt.ArrayLike) -> IntArray:
        """Count the rows under observation just before given days."""
        days = np.asarray(grid, dtype="float64")
        places = np.searchsorted(self.time, days, side="left")
        counted: IntArray = np.append(self.at_risk, 0)[places]
        return counted


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedMean:
    """Mean days without the event up to `tau`, with error and interval."""

    value: float
    std_error: float
    low: float
    high: float
    tau: float


def estimate_survival(
    duration: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    alpha: float = 0.05,
    error: ErrorKind = "auto",
) -> Survival:
    r"""Estimate the share to whom an event has not happened by each day.

    The estimand is the survival function. Those whose follow-up ended early are taken
    to go on like those who were followed for longer (independent censoring).

    Parameters
    ----------
    duration : array of shape (rows,)
        Days to the event or to the end of the follow-up, at least 0.
    event : array of bool of shape (rows,)
        Whether the event happened then; an event comes before a censoring of the same
        day.
    entry : array, optional
        Day after which a row is under observation. Early risk sets may then be small,
        and a curve that falls to 0 there stays there.
    weights : array, optional
        Above 0; default 1.
    alpha : float
        One less the level of the pointwise intervals.
    error : {"auto", "counts", "robust"}
        "counts" takes a weight of 2 for two people (Greenwood's error), "robust" for
        one who counts double (infinitesimal jackknife); "auto" is robust where weights
        other than 1 are given.

    Returns
    -------
    Survival
        The curve.

    Raises
    ------
    ParamError
        If `alpha` or `error` is not allowed.
    RangeError, TooFewUnitsError
        As in `build_risk_sets`.

    Notes
    -----
    :math:`S(t) = \prod_{s \le t} (1 - d/n)`, with Greenwood's variance
    :math:`S^2 \sum d / \{n (n - d)\}`, which the robust one equals for weights of 1
    without late entry. Intervals on the scale of :math:`\log(-\log S)` [1]_. Before the
    first event they have no width. Where the curve has come to 0 the lower limit is 0
    and the upper one that of the day before, which holds since survival cannot rise.

    References
    ----------
    .. [1] Kalbfleisch, J. D. and Prentice, R. L. (2002). The Statistical Analysis of
       Failure Time Data, 2nd ed. Wiley. doi:10.1002/9781118032985

    Examples
    --------
    >>> curve = estimate_survival([2.0, 3.0, 4.0, 5.0], [True, False, True, False])
    >>> curve.value.round(3).tolist(), curve.quantile(0.5)[0]
    ([0.75, 0.75, 0.375, 0.375], 4.0)
    """
    sets = build_risk_sets(
        duration, np.asarray(event, dtype="bool"), entry=entry, weights=weights
    )
    kind = choose_error(sets, error)
    events = sets.count(1)
    hazard, inverse = divide_hazard(events, sets.at_risk)
    value = np.cumprod(1 - hazard, dtype=np.float64)
    if kind == "counts":
        log_variance = np.cumsum(hazard * inverse)
    else:
        process = Martingale(jump=(-inverse,), drift=-inverse * hazard)
        log_variance = accumulate_covariance(sets, process, process)
    std_error: FloatArray = value * np.sqrt(np.maximum(log_variance, 0.0))
    low, high = limit_survival(value, std_error, find_normal_quantile(alpha))
    return Survival(
        time=sets.time,
        value=value,
        std_error=std_error,
        low=low,
        high=high,
        at_risk=np.rint(sets.sum_at_risk(np.ones(len(sets.kind)))).astype("int64"),
        events=events,
        level=1 - alpha,
        error="Greenwood" if kind == "counts" else "infinitesimal jackknife",
    )


def estimate_restricted_mean(
    duration: npt.ArrayLike,
    event: npt.ArrayLike,
    tau: float,
    *,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    alpha: float = 0.05,
    error: ErrorKind = "auto",
) -> RestrictedMean:
    r"""Estimate the mean days without the event up to a horizon.

    Parameters
    ----------
    duration, event, entry, weights, alpha, error
        As in `estimate_survival`.
    tau : float
        Horizon in days, above 0; see `influence_restricted_mean`.

    Returns
    -------
    RestrictedMean
        With the error of the mean, not the spread of the times.

    Raises
    ------
    DesignError
        If nobody was followed to `tau` while somebody could still have had the event.
    ParamError, RangeError, TooFewUnitsError
        As in `estimate_survival`; and if `tau` is not above 0.

    Notes
    -----
    The variance is :math:`\sum A(s)^2 d / \{n (n - d)\}` over the event times up to
    `tau`, :math:`A(s)` being the area under the curve from s to `tau`; with weights,
    that of the infinitesimal jackknife.

    Examples
    --------
    >>> found = estimate_restricted_mean([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1], 4.0)
    >>> found.value, round(found.std_error, 4)
    (2.5, 0.559)
    """
    happened = np.asarray(event, dtype="bool")
    sets = build_risk_sets(duration, happened, entry=entry, weights=weights)
    if choose_error(sets, error) == "counts":
        hazard, inverse = divide_hazard(sets.count(1), sets.at_risk)
        survival = np.cumprod(1 - hazard, dtype=np.float64)
        mean, areas = measure_areas(sets, survival, tau)
        variance = float((areas**2 * hazard * inverse).sum())
    else:
        mean, influence = influence_restricted_mean(
            duration, happened, tau, entry=entry, weights=weights
        )
        variance = float((influence**2).sum())
    half = find_normal_quantile(alpha) * math.sqrt(variance)
    return RestrictedMean(
        value=mean,
        std_error=math.sqrt(variance),
        low=mean - half,
        high=mean + half,
        tau=tau,
    )


def choose_error(sets: RiskSets, error: ErrorKind) -> ErrorKind:
    """Return how weights are read: as ``counts`` or as ``robust``.

    Raises
    ------
    ParamError
        If `error` is unknown.
    """
    if error not in ("auto", "counts", "robust"):
        raise ParamError.build(
            "Unknown kind of error", rule="auto, counts or robust", got=error
        )
    if error == "auto":
        return "counts" if (sets.weights == 1).all() else "robust"
    return error
