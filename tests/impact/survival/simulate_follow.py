"""People followed from a landmark, with known hazards, for tests.

Time runs in days from the first day of the first trial; trials are quarters of 92 days.
Person i leaves by own choice with the constant hazard

    rate * exp(spread * (0.5 x1 + 0.3 x2))

times ``ratio`` from the landmark on for those who learnt in that trial, and for other
reasons with the constant hazard ``other``. People learn in one trial or never, by

    P(learn in trial t) proportional to exp(start + strength * (x1 + 0.6 x2)),

against 1 for never. Never-learners serve in every trial they are there for, so that
rows repeat people. Constant hazards forget the past, so that truths are closed forms.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.impact.simulate import make_cohort, make_outcome
from workbench.cohorts.follow_frames import FollowUp, Histories
from workbench.core.params import Outcome, Program

QUARTER = 92
YEAR = 365.0


def make_retention(**more: object) -> Outcome:
    known: dict[str, object] = {
        "id": "retention_12m",
        "source": "exits.voluntary",
        "kind": "time_to_event",
        "unit": "probability",
        "horizon_days": 365,
        "direction": "up",
    }
    return make_outcome(**(known | more))


def simulate_rows(
    seed: int,
    *,
    people: int = 600,
    trials: int = 8,
    after: int = 60,
    rate: float = 0.35,
    ratio: float = 0.6,
    other: float = 0.05,
    strength: float = 0.6,
    start: float = -2.5,
    horizon: int = 365,
    teams: int = 0,
    spread: float = 1.0,
) -> pd.DataFrame:
    """Draw the rows; rates per year, ``after`` days from the last landmark to the cut.

    ``truth_share`` and ``truth_days`` are each row's own effect of learning on the
    share that has not left by choice at the horizon, and on the mean days without.
    """
    rng = np.random.default_rng(seed)
    x1, x2 = rng.normal(size=people), rng.normal(size=people)
    weights = np.exp(start + strength * (x1 + 0.6 * x2))[:, None].repeat(trials, 1)
    chances = np.column_stack([weights, np.ones(people)])
    edges = np.cumsum(chances / chances.sum(axis=1, keepdims=True), axis=1)
    chosen = (rng.random(people)[:, None] > edges).sum(axis=1)
    hazard = rate / YEAR * np.exp(spread * (0.5 * x1 + 0.3 * x2))
    leaves = rng.exponential(1 / hazard)
    out = rng.exponential(YEAR / other, people) if other else np.full(people, np.inf)
    team = rng.integers(0, teams, people) if teams else np.arange(people)
    ids = np.array([f"p{number:06d}" for number in rng.permutation(people)])
    cut = trials * QUARTER + after
    truth = _find_truth(hazard, ratio, other / YEAR, horizon)
    tables = []
    for trial in range(trials):
        landmark = (trial + 1) * QUARTER
        treated = chosen == trial
        rest = (leaves - landmark) / np.where(treated, ratio, 1.0)
        ends = np.ceil(np.column_stack([rest, out - landmark]))
        first = ends.min(axis=1)
        there = (treated | (chosen == trials)) & (first > 0)
        cause = np.where(first > cut - landmark, 0, 1 + ends.argmin(axis=1))
        table = pd.DataFrame(
            {
                "unit": ids,
                "trial": f"T{trial + 1:02d}",
                "team": np.char.add("t", team.astype(str)),
                "site": np.where(team % 2, "north", "south"),
                "treated": treated,
                "x1": x1,
                "x2": x2,
                "gender": np.where(x2 > 0, "f", "m"),
                "duration": np.minimum(first, cut - landmark),
                "cause": cause,
                "elapsed": 0.0,
                "truth_share": truth[0],
                "truth_days": truth[1],
            }
        )
        tables.append(table[there])
    return pd.concat(tables, ignore_index=True)


def make_follow_up(
    frame: pd.DataFrame,
    *,
    causes: tuple[str, ...] = ("resignation", "other exit"),
    horizon: int = 365,
    outcome: Outcome | None = None,
    origin: str = "landmark",
    **more: object,
) -> FollowUp:
    """Wrap rows, as the loader would."""
    happened = (frame["cause"] == 1) & (frame["duration"] <= horizon)
    known = {
        "outcome": outcome or make_retention(),
        "covariates": ("x1", "x2"),
        "clusters": ("unit",),
    }
    cohort = make_cohort(frame.assign(outcome=happened.astype(float)), **(known | more))
    return FollowUp(cohort=cohort, causes=causes, horizon=horizon, origin=origin)


def simulate_histories(
    seed: int,
    *,
    people: int = 500,
    rate: float = 0.6,
    ratio: float = 1.0,
    learning: float = 1.2,
    years: float = 2.0,
    program: Program,
    outcome: Outcome | None = None,
) -> Histories:
    """Draw people from their first day on; learning comes at a constant hazard.

    ``x1`` drives both leaving and learning; ``ratio`` acts from the day of learning.
    """
    rng = np.random.default_rng(seed)
    x1 = rng.normal(size=people)
    leave = rate / YEAR * np.exp(0.4 * x1)
    learnt = np.ceil(rng.exponential(YEAR / (learning * np.exp(0.4 * x1))))
    quit_day = rng.exponential(1 / leave)
    later = learnt + (quit_day - learnt) / ratio
    quit_day = np.ceil(np.where(quit_day > learnt, later, quit_day))
    entered = np.floor(rng.random(people) * YEAR)
    cut = np.ceil(years * YEAR) - entered
    length = np.minimum(quit_day, cut)
    frame = pd.DataFrame(
        {
            "unit": [f"p{number:06d}" for number in range(people)],
            "entered": entered,
            "learnt": np.where(learnt <= length, entered + learnt, np.nan),
            "ended": entered + length,
            "cause": (quit_day <= cut).astype(int),
            "x1": x1,
        }
    )
    return Histories(
        frame=frame,
        covariates=("x1",),
        causes=("resignation",),
        program=program,
        outcome=outcome or make_retention(),
    )


def _find_truth(
    hazard: np.ndarray, ratio: float, other: float, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    stay, days = [], []
    for rate in (hazard, hazard * ratio):
        total = rate + other
        stay.append(1 - rate / total * (1 - np.exp(-total * horizon)))
        days.append((1 - np.exp(-rate * horizon)) / rate)
    return stay[1] - stay[0], days[1] - days[0]
