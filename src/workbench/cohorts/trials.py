"""Dating target trials: which exposure quarters a reported quarter may read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from workbench.core.params import Outcome
from workbench.core.quarters import Quarter, list_quarters

__all__ = ["Trial", "list_trials", "plan_follow_ups", "plan_trials"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One target trial of one outcome.

    Attributes
    ----------
    exposure : Quarter
        Quarter in which learners complete the programme; its first day is time zero,
        its last day the landmark.
    period : Quarter
        Performance period in which the outcome is read.
    window_ends : date
        Last day on which the outcome may be dated; never after the data cut.
    """

    exposure: Quarter
    period: Quarter
    window_ends: date


def plan_trials(outcome: Outcome, quarter: Quarter, *, first: Quarter) -> list[Trial]:
    """List the trials of an outcome whose window has closed by the end of a quarter.

    Parameters
    ----------
    outcome : Outcome
        With ``horizon_days``, the window is so many days after the landmark;
        without, it is the quarter ``lag_quarters`` after the exposure quarter.
    quarter : Quarter
        The reported quarter; its last day is the data cut.
    first : Quarter
        First quarter with data; no earlier exposure is read.

    Returns
    -------
    list of Trial
        Oldest first, at most ``exposure_window_quarters``; empty when no window has
        closed yet.
    """
    closed = [
        trial
        for trial in (
            _date_trial(outcome, exposure) for exposure in _exposures(first, quarter)
        )
        if trial.window_ends <= quarter.last_day
    ]
    return closed[-outcome.exposure_window_quarters :]


def plan_follow_ups(
    outcome: Outcome, quarter: Quarter, *, first: Quarter
) -> list[Trial]:
    """List the trials whose people can be followed until the data cut.

    Parameters
    ----------
    outcome : Outcome
        With ``horizon_days``.
    quarter : Quarter
        The reported quarter; its last day is the data cut.
    first : Quarter
        First quarter with data; no earlier exposure is read.

    Returns
    -------
    list of Trial
        Oldest first, each with the data cut as the end of its window: those of
        `plan_trials`, and all exposure quarters since, whose people have been followed
        for less than the horizon. Where no window has closed yet, the last
        ``exposure_window_quarters``. The reported quarter is none of them, as its
        landmark is the cut.
    """
    exposures = _exposures(first, quarter)[:-1]
    closed = plan_trials(outcome, quarter, first=first)
    if closed:
        kept = [item for item in exposures if item >= closed[0].exposure]
    else:
        kept = exposures[-outcome.exposure_window_quarters :]
    cut = quarter.last_day
    return [Trial(exposure=item, period=quarter, window_ends=cut) for item in kept]


def list_trials(
    outcomes: Iterable[Outcome], quarter: Quarter, *, first: Quarter
) -> list[Quarter]:
    """List every exposure quarter that any of the outcomes reads, oldest first."""
    exposures = {
        trial.exposure
        for outcome in outcomes
        for trial in plan_trials(outcome, quarter, first=first)
    }
    return sorted(exposures)


def _exposures(first: Quarter, quarter: Quarter) -> list[Quarter]:
    return list_quarters(first, quarter) if first <= quarter else []


def _date_trial(outcome: Outcome, exposure: Quarter) -> Trial:
    period = exposure.shift(outcome.lag_quarters)
    window_ends = (
        period.last_day
        if outcome.horizon_days is None
        else exposure.last_day + timedelta(days=outcome.horizon_days)
    )
    return Trial(exposure=exposure, period=period, window_ends=window_ends)
