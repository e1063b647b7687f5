"""Programmes with modules of known effect, for tests.

Outcome of person i at risk in trial t:

    y = 3 + 0.5 x1 + 0.3 x2 + bend + 0.1 t + person + learnt * sum_m passed_m effect_m

Learning: logit P = -1.2 + 0.8 x1. A learner passes every module, or skips one of the
second to last (chance ``skips``, shared among them by a multinomial logit on x1 of
strength ``pull``); then the completion rule leaves no choice of a second one.
``bend`` times x1 squared is what a linear regression does not see.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tests.impact.simulate import make_cohort, make_outcome, make_program
from workbench.cohorts.frames import Cohort
from workbench.cohorts.module_records import ModuleRecords
from workbench.core.params import Outcome, Threshold

MODULES = ("m-1", "m-2", "m-3", "m-4")
EFFECTS = (0.1, 0.3, 0.0, -0.2)


def draw_frame(
    seed: int,
    *,
    people: int = 900,
    trials: int = 2,
    effects: Sequence[Sequence[float]] = (EFFECTS,),
    skips: float = 0.45,
    pull: float = 0.0,
    bend: float = 0.0,
    teams: int = 40,
    noise: float = 0.6,
    shared: float = 0.5,
) -> pd.DataFrame:
    """Draw rows with one column per module and ``y0``, ``y1``, … per outcome."""
    rng = np.random.default_rng(seed)
    count = len(effects[0])
    x2 = rng.normal(size=people)
    lasting = rng.normal(size=people) * 0.7
    ids = np.array([f"p{number:06d}" for number in rng.permutation(people)])
    team = rng.integers(0, teams, people)
    own = rng.normal(size=(people, len(effects))) * 0.3
    learnt = np.zeros(people, dtype=bool)
    tables = []
    for trial in range(trials):
        x1 = lasting + rng.normal(size=people) * 0.7
        treated = (-1.2 + 0.8 * x1 > rng.logistic(size=people)) & ~learnt
        passed = draw_passed(rng, x1, count, skips=skips, pull=pull)
        passed &= treated[:, None]
        level = 3 + 0.5 * x1 + 0.3 * x2 + bend * x1**2 + 0.1 * trial
        common = rng.normal(size=people) * noise * np.sqrt(shared)
        single = rng.normal(size=own.shape) * noise * np.sqrt(1 - shared)
        gains = passed @ np.asarray(effects, dtype="float64").T
        outcomes = level[:, None] + own + gains + common[:, None] + single
        table = pd.DataFrame(
            {
                "unit": ids,
                "trial": f"2025Q{trial + 1}",
                "team": np.char.add("t", team.astype(str)),
                "treated": treated,
                "x1": x1,
                "x2": x2,
            }
        )
        table = table.assign(
            **{name: passed[:, at] for at, name in enumerate(MODULES[:count])},
            **{f"y{at}": outcomes[:, at] for at in range(len(effects))},
        )
        tables.append(table[~learnt])
        learnt = learnt | treated
    return pd.concat(tables, ignore_index=True)


def draw_passed(
    rng: np.random.Generator, x1: np.ndarray, count: int, *, skips: float, pull: float
) -> np.ndarray:
    """Draw what each person would pass as a learner."""
    passed = np.ones((len(x1), count), dtype=bool)
    chance = np.log(skips / (1 - skips)) - pull * x1
    skipping = np.flatnonzero(chance > rng.logistic(size=len(x1)))
    passed[skipping, rng.integers(1, count, len(skipping))] = False
    return passed


def list_outcomes(count: int, **more: object) -> list[Outcome]:
    return [
        make_outcome(id=f"y{at}", threshold=Threshold(absolute=0.2), **more)
        for at in range(count)
    ]


def make_module_cohort(frame: pd.DataFrame, outcome: Outcome, **more: object) -> Cohort:
    courses = tuple(name for name in MODULES if name in frame)
    known: dict[str, object] = {
        "program": make_program(
            courses=courses, complete={"at_least": len(courses) - 1}
        ),
        "outcome": outcome,
        "covariates": ("x1", "x2"),
    }
    return make_cohort(frame.assign(outcome=frame[outcome.id]), **(known | more))


def make_records(
    frame: pd.DataFrame, *, outcomes: Sequence[Outcome] | None = None, **more: object
) -> ModuleRecords:
    """Wrap drawn rows as the records of a programme."""
    names = [name for name in frame if name.startswith("y")]
    chosen = list_outcomes(len(names)) if outcomes is None else outcomes
    cohorts = tuple(make_module_cohort(frame, item, **more) for item in chosen)
    courses = cohorts[0].program.courses
    keys = frame[["unit", "trial"]]
    return ModuleRecords(
        quarter="2026Q3",
        persona=cohorts[0].persona,
        program=cohorts[0].program,
        catalogue=make_catalogue(courses),
        passed=frame[["unit", "trial", *courses]],
        hours=keys.assign(hours=1.0),
        cohorts=cohorts,
    )


def make_catalogue(courses: Sequence[str]) -> pd.DataFrame:
    count = len(courses)
    return pd.DataFrame(
        {
            "course_id": list(courses),
            "title": [f"Module {course}" for course in courses],
            "modality": "elearning",
            "effort_hours": np.arange(count) + 2.0,
            "measured_hours": np.nan,
            "unit_cost": 10.0,
            "fixed_cost": 100.0,
            "prerequisites": [[] if not at else [courses[0]] for at in range(count)],
            "active": True,
            "skills": [["coding"]] * count,
            "n_completions": 50,
        }
    )
