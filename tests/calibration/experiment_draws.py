"""Experiments of known effect: people, teams, and teams that start in waves.

Outcome of person i: 0.6 prior + 0.8 noise + cluster + effect 1(learnt), less 0.5 for
those who would never learn; so that what those who learn have more is not the effect.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.impact.simulate import make_outcome, make_program
from workbench.cohorts.experiment_frames import Experiment, ExperimentDesign

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

FIRST_DAY = pd.Timestamp("2026-01-05")
TAKEN = 0.7


def draw_people(
    seed: int,
    *,
    people: int = 400,
    share: float = 0.5,
    effect: float = 0.4,
    taken: float = TAKEN,
    always: float = 0.0,
    varied: float = 0.0,
    spread: float = 1.0,
    lost: float = 0.0,
) -> Experiment:
    """Draw people one by one.

    ``taken`` is the share that learns if offered and not otherwise, ``always`` that
    which learns anyway; effects differ between people by ``varied`` times the prior
    value, and the noise of those offered is ``spread`` times as large. Of those not
    offered it whose outcome is below 0, the share ``lost`` leaves before it is known.
    """
    rng = np.random.default_rng(seed)
    assigned = rng.permutation(people) < round(share * people)
    drawn = rng.random(people)
    learnt = (drawn < always) | (assigned & (drawn < always + taken))
    prior, noise = rng.normal(size=(2, people))
    outcome = 0.6 * prior + 0.8 * noise * np.where(assigned, spread, 1.0)
    outcome -= 0.5 * (drawn >= always + taken)
    outcome += learnt * (effect + varied * prior)
    gone = ~assigned & (outcome < 0) & (rng.random(people) < lost)
    outcome = np.where(gone, np.nan, outcome)
    frame = _list_people(assigned, outcome, prior, learnt, np.arange(people))
    return wrap(frame)


def draw_teams(
    seed: int,
    *,
    teams: int,
    effect: float = 0.0,
    taken: float = 1.0,
    team_sd: float = 0.4,
    smallest: int = 10,
    largest: int = 40,
) -> Experiment:
    """Draw half of the teams; sizes differ, and people of a team are alike."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(smallest, largest + 1, teams)
    team = np.repeat(np.arange(teams), sizes)
    people = len(team)
    offered = rng.permutation(teams) < teams // 2
    level = rng.normal(size=teams) * team_sd
    drawn, (prior, noise) = rng.random(people), rng.normal(size=(2, people))
    learnt = offered[team] & (drawn < taken)
    prior = prior + level[team]
    outcome = 0.6 * prior + 0.8 * noise + 0.4 * level[team]
    outcome += rng.normal(size=teams)[team] * team_sd / 2
    outcome += learnt * effect - 0.5 * (drawn >= taken)
    frame = _list_people(offered[team], outcome, prior, learnt, team)
    return wrap(frame, design="cluster")


def draw_waves(
    seed: int,
    *,
    teams: int = 12,
    people: int = 15,
    waves: int = 4,
    effect: float = 0.3,
    team_sd: float = 0.4,
    wobble: float = 0.0,
    growth: float = 0.0,
) -> Experiment:
    """Draw teams that start in waves, the same people in every period.

    Everybody is better by 0.15 a period, which a comparison of before with after takes
    for an effect. ``wobble`` is the SD of what a team has in one period only,
    ``growth`` what the effect gains with every further period of exposure.
    """
    rng = np.random.default_rng(seed)
    periods = waves + 1
    first = rng.permutation(np.resize(np.arange(2, periods + 1), teams))
    team = np.repeat(np.arange(teams), people)
    own = rng.normal(size=teams)[team] * team_sd + rng.normal(size=len(team)) * 0.5
    shocks = rng.normal(size=(teams, periods)) * wobble
    person = np.repeat(np.arange(len(team)), periods)
    period = np.tile(np.arange(1, periods + 1), len(team))
    starts = first[team][person]
    exposed = period >= starts
    outcome = own[person] + 0.15 * period + shocks[team[person], period - 1]
    outcome += rng.normal(size=len(person)) * 0.7
    outcome += exposed * (effect + growth * (period - starts))
    nothing = np.full(len(person), np.nan)
    frame = _list_people(exposed, outcome, nothing, exposed, team[person])
    frame["unit"] = np.char.add("p", np.char.zfill(person.astype("str"), 5))
    frame["arm"] = np.char.add("wave ", (starts - 1).astype("str"))
    frame = frame.assign(period=period, starts=starts, exposed=exposed)
    return wrap(
        frame,
        design="stepped_wedge",
        arms=tuple(sorted(frame["arm"].unique())),
        periods=tuple(f"2026 month {number}" for number in range(1, periods + 1)),
    )


def wrap(
    frame: pd.DataFrame, *, design: ExperimentDesign = "individual", **more: object
) -> Experiment:
    """Make an experiment of a frame."""
    known: dict[str, object] = {
        "quarter": "2026Q3",
        "persona": "newcomers",
        "id": "exp-1",
        "design": design,
        "program": make_program(),
        "outcome": make_outcome(),
        "primary": True,
        "frame": frame,
        "arms": ("control", "treatment"),
        "flow": pd.DataFrame(columns=["step", "n_treated", "n_control"]),
        "started_on": FIRST_DAY,
        "ended_on": FIRST_DAY + pd.Timedelta(days=90),
    }
    return Experiment(**(known | more))  # type: ignore[arg-type]


def _list_people(
    assigned: BoolArray,
    outcome: npt.NDArray[np.float64],
    prior: npt.NDArray[np.float64],
    learnt: BoolArray,
    cluster: IntArray,
) -> pd.DataFrame:
    size = len(outcome)
    return pd.DataFrame(
        {
            "unit": [f"p{number:05d}" for number in range(size)],
            "trial": "2026Q1",
            "arm": np.where(assigned, "treatment", "control"),
            "assigned": assigned,
            "cluster": [f"c{number:05d}" for number in cluster],
            "assigned_on": FIRST_DAY,
            "known_on": FIRST_DAY + pd.Timedelta(days=90),
            "learnt": learnt,
            "outcome": outcome,
            "prior": prior,
            "lost": pd.Series(pd.NA, index=range(size), dtype="str"),
            "team": [f"c{number:05d}" for number in cluster],
            "site": "only",
        }
    )
