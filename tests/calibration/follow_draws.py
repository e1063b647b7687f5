"""People followed until they leave, move or are proficient, with known truth.

Days to the event of person i, once the landmark is behind, are exponential:

    hazard = base exp(0.4 x1 + 0.25 x2 + role + log(ratio) 1(learnt))

and learning is chosen as in `simulate_frame`, by x1, x2 and role, so that those who
learn would leave sooner. What competes has a hazard that is the same for all. The cut
comes after a time that is drawn apart from everything else. Days are counted whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.impact.simulate import (
    ROLES,
    make_cohort,
    make_outcome,
    make_program,
    simulate_frame,
)
from workbench.cohorts.follow_frames import FollowUp, Histories
from workbench.core.params import Outcome

FloatArray = npt.NDArray[np.float64]

YEAR = 365
LANDMARK = 92
_LAST = 1e5


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How things go: hazards per day, and the days until the cut.

    ``ratio`` is the hazard ratio of learning, ``rival`` the hazard of what competes,
    ``cut`` the first and last day on which the follow-up may end.
    """

    base: float = -np.log(0.75) / YEAR
    ratio: float = 0.6
    rival: float = 0.0003
    cut: tuple[float, float] = (900.0, 1000.0)


def make_leaving(**more: object) -> Outcome:
    known: dict[str, object] = {
        "id": "retention_12m",
        "source": "exits.voluntary",
        "kind": "time_to_event",
        "unit": "probability",
        "horizon_days": YEAR,
    }
    return make_outcome(**(known | more))


def make_ramp(horizon: int) -> Outcome:
    return make_outcome(
        id="ramp_days",
        source="proficiency_dates.days",
        kind="time_to_event",
        unit="days",
        direction="down",
        horizon_days=horizon,
        threshold=None,
    )


def draw_follow(
    seed: int,
    *,
    people: int = 800,
    course: Course = Course(),
    ramp: bool = False,
    start: float = -1.0,
) -> FollowUp:
    """Draw one trial followed from its landmark.

    ``share_truth`` and ``days_truth`` are each row's own effects on the share to whom
    nothing happened within the horizon, and on the mean days until it (what competes
    left out).
    """
    frame = simulate_frame(seed, people=people, effect=0.0, start=start)
    horizon = 180 if ramp else YEAR
    without, learnt = find_hazards(frame, course)
    rng = np.random.default_rng(seed + 1)
    hazard = np.where(frame["treated"], learnt, without)
    frame = _follow(frame, hazard, course, rng)
    frame["elapsed"] = np.floor(rng.uniform(0, 90, people)) if ramp else 0.0
    frame["share_truth"] = stay_chance(learnt, course.rival, horizon) - stay_chance(
        without, course.rival, horizon
    )
    frame["days_truth"] = mean_days(learnt, horizon) - mean_days(without, horizon)
    return _wrap(frame, horizon=horizon, ramp=ramp)


def draw_stacked(seed: int, *, people: int = 500, trials: int = 3) -> FollowUp:
    """Draw people in several quarters, without an effect; each leaves once."""
    frame = simulate_frame(seed, people=people, trials=trials, effect=0.0, start=-1.6)
    course = Course(ratio=1.0)
    rng = np.random.default_rng(seed + 1)
    first = frame.drop_duplicates("unit").set_index("unit")
    hazard, _ = find_hazards(first, course)
    leaves = pd.Series(rng.exponential(1 / hazard), index=first.index)
    other = pd.Series(rng.exponential(1 / course.rival, len(first)), index=first.index)
    number = frame["trial"].str[-1].astype("int64") - 1
    begin = LANDMARK * number.to_numpy(dtype="float64")
    own, rival = (
        frame["unit"].map(days).to_numpy() - begin for days in (leaves, other)
    )
    cut = 700.0 - begin
    ends = np.minimum(np.minimum(own, rival), cut)
    frame["cause"] = np.where(ends == own, 1, np.where(ends == rival, 2, 0))
    frame["duration"] = np.ceil(ends)
    frame["share_truth"] = 0.0
    frame["days_truth"] = 0.0
    there = frame[ends > 0].assign(elapsed=0.0)
    return _wrap(there.reset_index(drop=True), horizon=YEAR, ramp=False)


def draw_histories(
    seed: int, *, people: int = 1000, hazard: float = -np.log(0.65) / YEAR
) -> Histories:
    """Draw people who learn on some day of their first year, if they are still there.

    Learning changes nothing; it is chosen by x1 and x2, which drive leaving too.
    """
    rng = np.random.default_rng(seed)
    x1, x2 = rng.normal(size=(2, people))
    leaves = rng.exponential(1 / (hazard * np.exp(0.3 * x1 + 0.2 * x2)))
    cut = rng.uniform(550, 900, people)
    wants = rng.random(people) < 1 / (1 + np.exp(-0.6 - 0.4 * x1 - 0.2 * x2))
    day = np.where(wants, np.ceil(rng.uniform(0, 300, people)), np.nan)
    ended = np.ceil(np.minimum(leaves, cut))
    frame = pd.DataFrame(
        {
            "unit": [f"p{number:05d}" for number in range(people)],
            "entered": 0.0,
            "learnt": np.where(day <= ended, day, np.nan),
            "ended": ended,
            "cause": (leaves <= cut).astype("int64"),
            "x1": x1,
            "x2": x2,
        }
    )
    return Histories(
        frame=frame,
        covariates=("x1", "x2"),
        causes=("voluntary exit",),
        program=make_program(),
        outcome=make_leaving(),
    )


def follow_histories(histories: Histories) -> FollowUp:
    """Follow those still there at the landmark, by what they had learnt until then."""
    frame = histories.frame
    there = frame[frame["ended"] > LANDMARK].reset_index(drop=True)
    rows = there[["unit", "x1", "x2", "cause"]].assign(
        treated=there["learnt"] <= LANDMARK,
        duration=there["ended"] - LANDMARK,
        elapsed=0.0,
        team="only",
        site="only",
        share_truth=0.0,
        days_truth=0.0,
    )
    return _wrap(rows, horizon=YEAR, ramp=False, covariates=histories.covariates)


def count_censored(follow: FollowUp) -> float:
    """Return the share of people of whom neither the event nor the horizon was seen."""
    frame = follow.cohort.frame
    unseen = (frame["cause"] == 0) & (frame["duration"] < follow.horizon)
    return float(unseen.mean())


def find_hazards(frame: pd.DataFrame, course: Course) -> tuple[FloatArray, FloatArray]:
    """Return each row's hazard per day without learning and with it."""
    role = ROLES[frame["role"].cat.codes.to_numpy()]
    level = (0.4 * frame["x1"] + 0.25 * frame["x2"] + role).to_numpy()
    without = course.base * np.exp(level)
    return without, course.ratio * without


def _follow(
    frame: pd.DataFrame, hazard: FloatArray, course: Course, rng: np.random.Generator
) -> pd.DataFrame:
    size = len(frame)
    own = rng.exponential(1 / hazard)
    rival = (
        rng.exponential(1 / course.rival, size)
        if course.rival
        else np.full(size, _LAST)
    )
    cut = rng.uniform(*course.cut, size)
    ends = np.minimum(np.minimum(own, rival), cut)
    cause = np.where(ends == own, 1, np.where(ends == rival, 2, 0))
    return frame.assign(duration=np.ceil(ends), cause=cause)


def stay_chance(hazard: FloatArray, rival: float, horizon: int) -> FloatArray:
    """Return the chance that the event has not happened by the horizon."""
    total = hazard + rival
    stay: FloatArray = 1 - hazard / total * (1 - np.exp(-total * horizon))
    return stay


def mean_days(hazard: FloatArray, horizon: int) -> FloatArray:
    """Return the mean days up to the horizon without the event."""
    days: FloatArray = (1 - np.exp(-hazard * horizon)) / hazard
    return days


def _wrap(
    frame: pd.DataFrame,
    *,
    horizon: int,
    ramp: bool,
    covariates: tuple[str, ...] = ("x1", "x2", "role"),
) -> FollowUp:
    happened = (frame["cause"] == 1) & (frame["duration"] <= horizon)
    rows = frame.assign(
        outcome=happened.astype("float64"), cause=frame["cause"].astype("int64")
    )
    outcome = make_ramp(horizon) if ramp else make_leaving()
    return FollowUp(
        cohort=make_cohort(rows, outcome=outcome, covariates=covariates),
        causes=("proficient", "left") if ramp else ("voluntary exit", "other exit"),
        horizon=horizon,
        origin="role start" if ramp else "landmark",
    )
