"""Stacked trials with a known effect, for tests.

Outcome of person i in trial t:

    y = 3 + 0.5 x1 + 0.3 x2 + role + 0.1 t + person + team + d * effect + noise

Learning in trial t, for those who have not learnt yet:

    logit P(d = 1) = start + strength * (x1 + 0.6 x2 + role)

so that with the default strength the raw difference exceeds the effect by about 0.5.
``person`` and ``team`` do not drive learning; they make errors correlated. ``x1``
changes from trial to trial, ``x2`` does not.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.params import Outcome, Program, Threshold

ROLES = np.array([-0.4, 0.0, 0.4])


def make_outcome(**more: object) -> Outcome:
    known: dict[str, object] = {
        "id": "performance_rating",
        "source": "performance.rating",
        "kind": "continuous",
        "unit": "rating points",
        "threshold": Threshold(relative=0.05),
    }
    return Outcome.model_validate(known | more)


def make_program(**more: object) -> Program:
    known: dict[str, object] = {
        "id": "basics",
        "personas": ("newcomers",),
        "courses": ("a", "b"),
        "complete": {"at_least": 1},
    }
    return Program.model_validate(known | more)


def make_cohort(frame: pd.DataFrame, **more: object) -> Cohort:
    """Wrap a frame, completing the columns a test did not care for."""
    filled = frame.copy()
    defaults = {
        "trial": "2026Q1",
        "time_zero": pd.Timestamp("2026-01-01"),
        "landmark": pd.Timestamp("2026-03-31"),
        "lost": pd.Series(pd.NA, index=frame.index, dtype="str"),
    }
    for name, value in defaults.items():
        if name not in filled:
            filled[name] = value
    known: dict[str, object] = {
        "quarter": "2026Q3",
        "persona": "newcomers",
        "program": make_program(),
        "outcome": make_outcome(),
        "frame": filled,
        "covariates": ("x1", "x2", "role"),
        "flow": pd.DataFrame(columns=["step", "n_treated", "n_control"]),
    }
    return Cohort(**(known | more))  # type: ignore[arg-type]


def simulate_frame(
    seed: int,
    *,
    people: int = 600,
    trials: int = 1,
    effect: float = 0.5,
    strength: float = 0.8,
    start: float = -1.0,
    person_sd: float = 0.5,
    team_sd: float = 0.0,
    teams: int = 60,
    by_team: bool = False,
    varied: float = 0.0,
) -> pd.DataFrame:
    """Draw the rows; ``truth`` is each row's own effect."""
    rng = np.random.default_rng(seed)
    role = rng.integers(0, 3, people)
    team = rng.integers(0, teams, people)
    lasting = rng.normal(size=people) * 0.7
    x2 = rng.normal(size=people)
    person = rng.normal(size=people) * person_sd
    shared = rng.normal(size=teams) * team_sd
    ids = np.array([f"p{number:06d}" for number in rng.permutation(people)])
    learnt = np.zeros(people, dtype=bool)
    tables = []
    for trial in range(trials):
        x1 = lasting + rng.normal(size=people) * 0.7
        draw = rng.logistic(size=teams)[team] if by_team else rng.logistic(size=people)
        pull = np.zeros(people) if by_team else x1 + 0.6 * x2 + ROLES[role]
        treated = (start + strength * pull > draw) & ~learnt
        own = effect + varied * x1
        level = 3 + 0.5 * x1 + 0.3 * x2 + ROLES[role] + 0.1 * trial + person
        noise = rng.normal(size=people) * 0.6
        table = pd.DataFrame(
            {
                "unit": ids,
                "trial": f"2025Q{trial + 1}",
                "team": np.char.add("t", team.astype(str)),
                "site": np.where(team % 2, "north", "south"),
                "treated": treated,
                "x1": x1,
                "x2": x2,
                "role": pd.Categorical(np.array(["a", "b", "c"])[role]),
                "outcome": level + shared[team] + treated * own + noise,
                "truth": own,
            }
        )
        tables.append(table[~learnt])
        learnt = learnt | treated
    return pd.concat(tables, ignore_index=True)
