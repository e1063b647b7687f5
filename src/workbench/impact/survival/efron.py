"""Sums over risk sets with Efron's treatment of ties: what Cox regression rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "EventSteps",
    "Moments",
    "build_event_steps",
    "sum_information",
    "sum_moments",
    "sum_residuals",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSteps:
    """Who is at risk at which step of an event, for n rows, m event times and d events.

    Event times are numbered stratum by stratum, in the order of time; a tie of several
    events is as many steps.

    Attributes
    ----------
    event : array of shape (n,)
        Whether the row ends with the event.
    weights : array of shape (n,)
        Case weights above 0.
    first, last : array of shape (n,)
        The row is at risk at event times ``first`` to ``last``, both included; at none
        if ``last`` is below ``first``. A row with the event has it at ``last``.
    times : array of shape (m,)
        Time of each event time.
    step : array of shape (d,)
        Event time of each step.
    share : array of shape (d,)
        0, 1/k, …, (k-1)/k over the k steps of a tie: the share of those who have the
        event that has left the risk set.
    step_weight : array of shape (d,)
        Mean weight of those who have the event at the step's time.
    """

    event: BoolArray
    weights: FloatArray
    first: IntArray
    last: IntArray
    times: FloatArray
    step: IntArray
    share: FloatArray
    step_weight: FloatArray

    def sum_at_risk(self, values: FloatArray) -> FloatArray:
        """Sum one value per row over the rows at risk, at each event time."""
        size = len(self.times)
        ends = np.bincount(self.last + 1, values, minlength=size + 1)[1:]
        if self.first.any():
            begins = np.bincount(self.first, values, minlength=size + 1)
            ends = ends - begins[1 : size + 1]
        return np.cumsum(ends[::-1])[::-1].astype("float64")

    def sum_events(self, values: FloatArray) -> FloatArray:
        """Sum one value per row over the rows with the event, at each event time."""
        own = self.event
        return np.bincount(
            self.last[own], values[own], minlength=len(self.times)
        ).astype("float64")

    def accumulate(self, steps: FloatArray) -> FloatArray:
        """Sum one value per step over the steps at which each row is at risk.

        Those who have the event take part in the steps of their own tie by the share
        that is still in the risk set.
        """
        size = len(self.times)
        summed = np.zeros(size + 1)
        np.cumsum(np.bincount(self.step, steps, minlength=size), out=summed[1:])
        total: FloatArray = summed[self.last + 1] - summed[self.first]
        gone = np.bincount(self.step, steps * self.share, minlength=size)
        total[self.event] -= gone[self.last[self.event]]
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The partial likelihood and its derivatives at given coefficients.

    Attributes
    ----------
    log_likelihood : float
        Up to a constant.
    score : array of shape (k,)
        First derivative.
    information : array of shape (k, k)
        Negative second derivative.
    risk : array of shape (n,)
        Relative hazard of each row without its weight, up to a factor.
    mean : array of shape (d, k)
        Mean covariates of the risk set, at each step.
    hazard : array of shape (d,)
        Step of the cumulative baseline hazard.
    """

    log_likelihood: float
    score: FloatArray
    information: FloatArray
    risk: FloatArray
    mean: FloatArray
    hazard: FloatArray


def build_event_steps(
    duration: FloatArray,
    event: BoolArray,
    *,
    weights: FloatArray,
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
) -> EventSteps:
    """Find at which event times each row is at risk.

    Parameters
    ----------
    duration : array of shape (n,)
        Time of the event or of the end of follow-up.
    event : array of shape (n,)
        At least one of them true.
    weights : array of shape (n,)
        Above 0.
    entry : array of shape (n,), optional
        A row is at risk after this time, up to and with its duration.
    strata : array of int, optional
        Codes from 0; only rows of one stratum are compared.
    """
    group = np.zeros(len(duration), dtype="int64") if strata is None else strata
    ranks = np.unique(duration, return_inverse=True)
    levels, rank = ranks[0], ranks[1].astype("int64")
    width = len(levels) + 1
    key = group * width + rank
    keys = np.unique(key[event])
    last = np.searchsorted(keys, key, side="right") - 1
    if entry is None:
        first = np.searchsorted(keys, group * width, side="left")
    else:
        opened = np.searchsorted(levels, entry, side="right")
        first = np.searchsorted(keys, group * width + opened, side="left")
    first = np.minimum(first, last + 1)
    tied = np.bincount(last[event], minlength=len(keys))
    step = np.repeat(np.arange(len(keys)), tied)
    begin = np.cumsum(tied) - tied
    heavy = np.bincount(last[event], weights[event], minlength=len(keys)) / tied
    return EventSteps(
        event=event,
        weights=weights,
        first=first.astype("int64"),
        last=last.astype("int64"),
        times=levels[keys % width],
        step=step,
        share=(np.arange(len(step)) - begin[step]) / tied[step],
        step_weight=heavy[step],
    )


def sum_moments(steps: EventSteps, covariates: FloatArray, coef: FloatArray) -> Moments:
    r"""Evaluate the partial likelihood with Efron's ties.

    Parameters
    ----------
    steps : EventSteps
        Of n rows.
    covariates : array of shape (n, k)
        Nothing missing.
    coef : array of shape (k,)
        Log hazard ratios.

    Notes
    -----
    The information is
    :math:`\sum_i r_i \Lambda_i x_i x_i' - \sum_s \bar w_s \bar x_s \bar x_s'`, with the
    cumulative hazard :math:`\Lambda_i` over the time that row i is at risk, so that no
    matrix is kept per event time.
    """
    linear = covariates @ coef
    linear = linear - linear.max()
    risk = np.exp(linear)
    heavy = steps.weights * risk
    below = steps.sum_at_risk(heavy)[steps.step]
    below = below - steps.share * steps.sum_events(heavy)[steps.step]
    mean = np.empty((len(steps.step), covariates.shape[1]))
    for position, column in enumerate(covariates.T):
        weighted = heavy * column
        above = steps.sum_at_risk(weighted)[steps.step]
        above = above - steps.share * steps.sum_events(weighted)[steps.step]
        mean[:, position] = above / below
    hazard = steps.step_weight / below
    heavy_event = steps.weights * steps.event
    return Moments(
        log_likelihood=float(heavy_event @ linear - steps.step_weight @ np.log(below)),
        score=heavy_event @ covariates - steps.step_weight @ mean,
        information=sum_information(steps, covariates, heavy, mean, hazard),
        risk=risk,
        mean=mean,
        hazard=hazard,
    )


def sum_information(
    steps: EventSteps,
    covariates: FloatArray,
    heavy: FloatArray,
    mean: FloatArray,
    hazard: FloatArray,
    by: FloatArray | None = None,
) -> FloatArray:
    """Sum the covariances of the risk sets, each step counted `by` times."""
    times = np.ones(len(hazard)) if by is None else by
    exposed = heavy * steps.accumulate(hazard * times)
    total: FloatArray = covariates.T @ (covariates * exposed[:, None])
    total -= mean.T @ (mean * (steps.step_weight * times)[:, None])
    return total


def sum_residuals(
    steps: EventSteps,
    covariates: FloatArray,
    moments: Moments,
    by: FloatArray | None = None,
) -> FloatArray:
    """Return the score residuals of shape (n, k), each step counted `by` times.

    Times the weights, they sum to the score; without `by` that is 0 at the estimate.
    """
    times = np.ones(len(moments.hazard)) if by is None else by
    size = len(steps.times)
    tied = np.bincount(steps.step, minlength=size)
    hazard = moments.hazard * times
    exposed = moments.risk * steps.accumulate(hazard)
    residuals: FloatArray = -covariates * exposed[:, None]
    own = steps.last[steps.event]
    counted = (np.bincount(steps.step, times, minlength=size) / tied)[own]
    for position, mean in enumerate(moments.mean.T):
        residuals[:, position] += moments.risk * steps.accumulate(hazard * mean)
        centre = (np.bincount(steps.step, times * mean, minlength=size) / tied)[own]
        residuals[steps.event, position] += (
            counted * covariates[steps.event, position] - centre
        )
    return residuals
