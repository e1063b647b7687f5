"""What is expected of recent learners at the horizon, kept apart from what is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import TooFewUnitsError
from workbench.impact.inference import estimate_cluster_error
from workbench.impact.survival.influence import influence_incidence
from workbench.impact.survival.matched_follow import Followed

__all__ = ["COLUMNS", "describe_extrapolation", "extrapolate_followed"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

COLUMNS = (
    "trial",
    "arm",
    "observed_days",
    "horizon",
    "observed",
    "earlier",
    "differs",
    "predicted",
    "std_error",
    "low",
    "high",
    "extrapolated",
    "suppressed",
    "note",
)

_NUMBERS = ("observed", "earlier", "predicted", "std_error", "low", "high")
_ARMS = (("learners", True), ("others", False))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Expected:
    """Shares of one trial and arm; the error is that of `predicted`."""

    observed: float
    earlier: float
    differs: bool
    predicted: float
    std_error: float
    low: float
    high: float


def extrapolate_followed(
    followed: Followed, *, alpha: float, min_group: int
) -> pd.DataFrame:
    r"""Predict the share at the horizon of trials that have not reached it yet.

    For planning, beside what was observed and part of none of it. The prediction
    assumes that who is still there goes on, from the day reached so far, as matched
    people of the same arm did in trials that are further ahead.

    Parameters
    ----------
    followed : Followed
        The matched comparison.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Fewest people of either arm in the trial, of either arm still there on the day
        reached, and of the arm further ahead on that day and at the horizon. Otherwise
        both arms of the trial are kept back.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS`, one row per recent trial and arm, in this order.
        ``observed_days`` from the landmark to the cut; ``observed`` the share on that
        day, ``earlier`` the share that trials further ahead had on it, ``differs``
        whether both lie further apart than chance explains (missing where suppressed;
        each at the level of the intervals, not adjusted for their number);
        ``predicted`` the share at the ``horizon`` with ``std_error``, ``low`` and
        ``high``, which are missing where nothing varies; ``extrapolated`` (always
        true); ``suppressed``; ``note``.

    Notes
    -----
    With :math:`d` the day reached, :math:`F_1` the cumulative incidence of the event
    and :math:`G` the share still there in the trial, and :math:`q` the incidence
    between :math:`d` and the horizon among people of trials further ahead who were
    there on day :math:`d`, the predicted incidence is
    :math:`F_1(d) + G(d)\,q`; without competing events, one less it is
    :math:`G(d)(1 - q)`. Its error adds the influence of both parts up by person (and
    team), since people serve in several trials: a difference of trials that is not due
    to chance is not in it. A trial without any event so far adds :math:`2/n^2` of the n
    people still there to its variance, as the rule of three would, also where it is
    held against earlier trials. The share expected
    is that of people like these; what a small trial turns out to have varies more. The
    interval is made on the logit scale, with Student's t.
    """
    arms = {name: followed.arm(treated=treated) for name, treated in _ARMS}
    days = _measure_reach(followed)
    rows = []
    for trial, reached in days.items():
        if reached >= followed.horizon:
            continue
        parts = {
            name: _split(followed, arm, days, trial, reached)
            for name, arm in arms.items()
        }
        hidden = any(
            _is_small(followed, *part, reached=reached, least=min_group)
            for part in parts.values()
        )
        for name, part in parts.items():
            row: dict[str, object] = {
                "trial": trial,
                "arm": name,
                "observed_days": int(reached),
                "horizon": followed.horizon,
                "suppressed": hidden,
                "note": f"Fewer than {min_group} people in an arm." if hidden else "",
            }
            if not hidden:
                row |= _write(_expect(followed, *part, reached=reached, alpha=alpha))
            rows.append(row)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).assign(extrapolated=True)
    return table.astype(
        dict.fromkeys(_NUMBERS, "float64")
        | dict.fromkeys(("observed_days", "horizon"), "int64")
        | dict.fromkeys(("extrapolated", "suppressed"), "bool")
        | {"differs": "boolean"}
        | dict.fromkeys(("trial", "arm", "note"), "str")
    )


def describe_extrapolation(table: pd.DataFrame) -> str:
    """Say what the predictions assume, and whether trials so far speak for it.

    Parameters
    ----------
    table : DataFrame
        From `extrapolate_followed`.

    Returns
    -------
    str
        Empty where nothing is predicted.
    """
    shown = table[table["predicted"].notna()]
    if shown.empty:
        return ""
    apart = int(shown["differs"].sum())
    trials = " to ".join(dict.fromkeys(shown["trial"].iloc[[0, -1]]))
    return (
        f"Expected figures for {trials} are extrapolated: they assume that people "
        "still there go on as matched people of earlier quarters did from the same "
        "day. Their intervals hold chance only, "
        f"not a change of the times. Of these {len(shown)} shares so far, "
        f"{apart or 'none'} {'lie' if apart > 1 else 'lies'} further from those of "
        "earlier quarters on the same day than chance explains."
    )


def _measure_reach(followed: Followed) -> dict[str, float]:
    """Return per trial the longest time for which anybody was followed to the cut.

    A trial in which everything is over has nothing left to predict.
    """
    frame = followed.sample.frame
    ends = np.where(followed.cause == 0, followed.duration, np.nan)
    longest = pd.Series(ends).groupby(frame["trial"].astype("str").to_numpy()).max()
    return {
        str(trial): float(days)
        for trial, days in longest.fillna(math.inf).sort_index().items()
    }


def _split(
    followed: Followed,
    arm: BoolArray,
    days: dict[str, float],
    trial: str,
    reached: float,
) -> tuple[BoolArray, BoolArray]:
    """Mark the arm's rows of a trial, and of trials that are further ahead."""
    names = followed.sample.frame["trial"].astype("str").to_numpy()
    ahead = [name for name, so_far in days.items() if so_far > reached]
    return arm & (names == trial), arm & np.isin(names, ahead)


def _is_small(
    followed: Followed,
    own: BoolArray,
    ahead: BoolArray,
    *,
    reached: float,
    least: int,
) -> bool:
    there = followed.duration >= reached
    later = followed.duration > reached
    groups = (
        own,
        own & there,
        ahead & later,
        ahead & (followed.duration >= followed.horizon),
    )
    return any(followed.sample.count_units(rows) < least for rows in groups)


def _expect(
    followed: Followed,
    own: BoolArray,
    ahead: BoolArray,
    *,
    reached: float,
    alpha: float,
) -> _Expected:
    """Join what the trial has seen with what trials further ahead saw afterwards."""
    duration, cause, weight = followed.duration, followed.cause, followed.weight
    happened, its = influence_incidence(
        duration[own], cause[own], reached, weights=weight[own]
    )
    over, ended = influence_incidence(
        duration[own], (cause[own] > 0).astype("int64"), reached, weights=weight[own]
    )
    before, theirs_before = influence_incidence(
        duration[ahead], cause[ahead], reached, weights=weight[ahead]
    )
    later = ahead & (duration > reached)
    then, theirs = influence_incidence(
        duration[later] - reached,
        cause[later],
        followed.horizon - reached,
        weights=weight[later],
    )
    gap = np.zeros(len(duration))
    gap[own], gap[ahead] = its, -theirs_before
    spread, freedom = _measure_error(followed, own | ahead, gap)
    influence = np.zeros(len(duration))
    influence[own] = its - then * ended
    influence[later] = (1 - over) * theirs
    share = happened + (1 - over) * then
    error, df = _measure_error(followed, own | later, influence)
    if not its.any():
        there = followed.sample.count_units(own & (duration >= reached))
        unseen = math.sqrt(2) / there
        spread = math.hypot(spread, unseen)
        error = math.hypot(error, (1 - then) * unseen)
    differs = abs(happened - before) > _quantile(freedom, alpha) * spread
    low, high = _bound(share, error, df, alpha)
    if followed.kept:
        happened, before, share = 1 - happened, 1 - before, 1 - share
        low, high = 1 - high, 1 - low
    return _Expected(
        observed=happened,
        earlier=before,
        differs=differs,
        predicted=share,
        std_error=error,
        low=low,
        high=high,
    )


def _measure_error(
    followed: Followed, rows: BoolArray, influence: FloatArray
) -> tuple[float, float]:
    """Return the error of a sum over rows, clustered as the comparison is, and df."""
    clusters = {
        name: np.unique(codes[rows], return_inverse=True)[1]
        for name, codes in followed.sample.clusters.items()
    }
    try:
        found = estimate_cluster_error(influence[rows, None], clusters)
    except TooFewUnitsError:
        return math.nan, math.nan
    return math.sqrt(max(float(found.covariance[0, 0]), 0.0)), found.df


def _bound(share: float, error: float, df: float, alpha: float) -> tuple[float, float]:
    """Return an interval inside 0 and 1; missing where nothing varies."""
    from scipy.special import expit, logit

    if not (error > 0 and 0 < share < 1):
        return math.nan, math.nan
    half = _quantile(df, alpha) * error / (share * (1 - share))
    middle = float(logit(share))
    return float(expit(middle - half)), float(expit(middle + half))


def _quantile(df: float, alpha: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(df, 1 - alpha / 2))


def _write(found: _Expected) -> dict[str, object]:
    unsure = math.isnan(found.low)
    return {
        "observed": found.observed,
        "earlier": found.earlier,
        "differs": found.differs,
        "predicted": found.predicted,
        "std_error": math.nan if unsure else found.std_error,
        "low": found.low,
        "high": found.high,
        "note": "The event happened to nobody or to everybody: no interval can be told."
        if unsure
        else "",
    }
