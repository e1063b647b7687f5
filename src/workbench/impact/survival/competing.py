"""Competing events: the share to whom one of several events has happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ParamError
from workbench.impact.survival.kaplan_meier import choose_error
from workbench.impact.survival.risk_sets import (
    ErrorKind,
    Martingale,
    RiskSets,
    accumulate_covariance,
    build_risk_sets,
    divide_hazard,
)
from workbench.impact.survival.steps import (
    find_normal_quantile,
    limit_survival,
    read_steps,
)

__all__ = ["Incidence", "estimate_incidence"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incidence:
    """The cumulative incidence of one of several events.

    Attributes
    ----------
    time : array of shape (times,)
        Days on which an event or the end of a follow-up lies, ascending.
    value : array of shape (times,)
        Share to whom the event of interest has happened up to each day.
    std_error : array of shape (times,)
        Of `value`.
    low, high : array of shape (times,)
        Interval of `value`.
    free : array of shape (times,)
        Share to whom none of the events has happened.
    level : float
        Of the intervals.
    """

    time: FloatArray
    value: FloatArray
    std_error: FloatArray
    low: FloatArray
    high: FloatArray
    free: FloatArray
    level: float

    def at(self, grid: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Read the incidence on given days.

        Parameters
        ----------
        grid : array
            Days.

        Returns
        -------
        tuple of array
            Value, low and high; missing beyond the last day of follow-up unless one of
            the events has happened to everybody by then.
        """
        days = np.asarray(grid, dtype="float64")
        values, lows, highs = (
            read_steps(self.time, steps, days, start=0.0, closed=self.free[-1] <= 0)
            for steps in (self.value, self.low, self.high)
        )
        return values, lows, highs


def estimate_incidence(
    duration: npt.ArrayLike,
    causes: npt.ArrayLike,
    *,
    of: int = 1,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    alpha: float = 0.05,
    error: ErrorKind = "auto",
) -> Incidence:
    r"""Estimate the share to whom one of several events has happened by each day.

    The estimand is the cumulative incidence (Aalen-Johansen): the share that would be
    seen had everybody been followed, other events being what they are. One less the
    Kaplan-Meier share with other events as censoring is larger: it describes a world
    without them. Those whose follow-up ended early are taken to go on like those who
    were followed for longer.

    Parameters
    ----------
    duration : array of shape (rows,)
        Days to the first event or to the end of the follow-up.
    causes : array of int of shape (rows,)
        0 censored, else the number of the event.
    of : int
        The event of interest, at least 1.
    entry : array, optional
        Day after which a row is under observation.
    weights, alpha, error
        As in `estimate_survival`.

    Returns
    -------
    Incidence
        The incidences of all events and `free` sum to 1.

    Raises
    ------
    ParamError
        If `of` is below 1, or `alpha` or `error` is not allowed.
    RangeError, TooFewUnitsError
        As in `build_risk_sets`.

    Notes
    -----
    Variance by the infinitesimal jackknife, as in the R package survival; see
    `influence_incidence`. Intervals on the scale of :math:`\log\{-\log(1 - F)\}`, so
    that without other events they are those of `estimate_survival`.

    Examples
    --------
    >>> found = estimate_incidence([1.0, 2.0, 3.0, 4.0], [1, 2, 1, 0])
    >>> found.value.tolist(), found.free.tolist()
    ([0.25, 0.25, 0.5, 0.5], [0.75, 0.5, 0.25, 0.25])
    """
    if of < 1:
        raise ParamError.build("No event has this number", rule="1 or more", got=of)
    numbers = np.asarray(causes).astype("int64")
    kinds = np.where(numbers == of, 1, np.where(numbers > 0, 2, numbers))
    sets = build_risk_sets(duration, kinds, entry=entry, weights=weights)
    counts = choose_error(sets, error) == "counts"
    ours = sets.count(1)
    hazard, inverse = divide_hazard(ours + sets.count(2), sets.at_risk)
    free = np.cumprod(1 - hazard, dtype=np.float64)
    before = np.append(1.0, free[:-1])
    value = np.minimum(np.cumsum(before * ours / sets.at_risk), 1.0)
    std_error = _measure_error(sets, value, before, hazard, inverse, counts=counts)
    low, high = limit_survival(1 - value, std_error, find_normal_quantile(alpha))
    return Incidence(
        time=sets.time,
        value=value,
        std_error=std_error,
        low=1 - high,
        high=1 - low,
        free=free,
        level=1 - alpha,
    )


def _measure_error(
    sets: RiskSets,
    value: FloatArray,
    before: FloatArray,
    hazard: FloatArray,
    inverse: FloatArray,
    *,
    counts: bool,
) -> FloatArray:
    """Return the error at each time, from two sums that do not depend on the time.

    The influence on F(t) is that of the first sum less F(t) times that of the second.
    """
    own = before / sets.at_risk
    gone = value * inverse
    first = Martingale(
        jump=(own + gone, gone),
        drift=own * sets.count(1) / sets.at_risk + gone * hazard,
    )
    second = Martingale(jump=(inverse, inverse), drift=inverse * hazard)
    variance = accumulate_covariance(sets, first, first, counts=counts)
    variance -= 2 * value * accumulate_covariance(sets, first, second, counts=counts)
    variance += value**2 * accumulate_covariance(sets, second, second, counts=counts)
    error: FloatArray = np.sqrt(np.maximum(variance, 0.0))
    return error
