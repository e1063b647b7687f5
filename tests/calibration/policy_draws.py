"""People with known gains: two outcomes, two quarters, some of them unknown.

Gain of person i on the first outcome, in thresholds:

    tau = effect (1 + varied tanh(gap / 8))

on the second, where less is better and a threshold is 2, half as much. Both outcomes
depend on what drives learning, and on a part that lasts over quarters. Who has a large
gap is worse off and learns more often; odds stay between 0.08 and 0.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.impact.simulate import make_cohort, make_outcome
from workbench.cohorts.frames import Cohort
from workbench.core.params import Threshold

FloatArray = npt.NDArray[np.float64]

SEATS = 0.3
GOOD, BAD = "good", "bad"
_LAW_PEOPLE = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """How learning works in a draw; ``teams`` 0 draws people one by one."""

    effect: float = 0.6
    varied: float = 0.5
    teams: int = 0


def draw_people(seed: int, gains: Gains, *, people: int = 700) -> pd.DataFrame:
    """Draw the rows of both quarters: ``tau``, ``good``, ``bad`` and what is known."""
    rng = np.random.default_rng(seed)
    count = gains.teams or people
    team = rng.permutation(np.arange(people) % count)
    shared = rng.normal(size=count) * (0.3 if gains.teams else 0.0)
    lasting, x2 = rng.normal(size=people), rng.normal(size=people)
    own = rng.normal(size=(2, people)) * 0.5
    learnt = np.zeros(people, dtype=bool)
    tables = []
    for trial in range(2):
        gap = 6 * lasting + 4 * rng.normal(size=people)
        pull = -1.6 + 0.06 * gap + 0.5 * np.tanh(x2)
        luck = (
            rng.logistic(size=count)[team] if gains.teams else rng.logistic(size=people)
        )
        treated = (pull + (0 if not gains.teams else -0.04 * gap) > luck) & ~learnt
        tau = gains.effect * (1 + gains.varied * np.tanh(gap / 8))
        noise = rng.normal(size=(2, people)) * 0.7
        base = 3 - 0.05 * gap + 0.3 * x2 + shared[team]
        tables.append(
            pd.DataFrame(
                {
                    "unit": np.char.add(
                        "p", np.char.zfill(np.arange(people).astype("str"), 6)
                    ),
                    "trial": f"2025Q{trial + 1}",
                    "team": np.char.add("t", team.astype("str")),
                    "site": "north",
                    "treated": treated,
                    "skill_gap": gap,
                    "x2": x2,
                    "tau": tau,
                    GOOD: base + own[0] + noise[0] + treated * tau,
                    BAD: 5 - 2 * (base + own[0] + own[1] + noise[1]) - treated * tau,
                    "known": rng.random(people) < 0.7,
                }
            )[~learnt]
        )
        learnt = learnt | treated
    return pd.concat(tables, ignore_index=True)


def wrap_people(frame: pd.DataFrame, gains: Gains) -> list[Cohort]:
    """Return one cohort per outcome; of the second, three in ten are not known."""
    clusters = ("unit", "team") if gains.teams else ("unit",)
    facts = ["unit", "trial", "team", "site", "treated", "skill_gap", "x2", "tau"]
    cohorts = []
    for name, direction, size in ((GOOD, "up", 1.0), (BAD, "down", 2.0)):
        rows = frame if name == GOOD else frame[frame["known"]]
        cohorts.append(
            make_cohort(
                rows[facts].assign(outcome=rows[name]).reset_index(drop=True),
                outcome=make_outcome(
                    id=name, direction=direction, threshold=Threshold(absolute=size)
                ),
                covariates=("skill_gap", "x2"),
                clusters=clusters,
            )
        )
    return cohorts


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """Truths of all the people that draws come from, in thresholds per person."""

    chosen: float
    random: float
    current: float
    autoc: float


@lru_cache(maxsize=8)
def find_law(gains: Gains) -> Law:
    """Compute the truths from very many people, without their outcomes.

    The composite counts 1.5 tau: tau of the first outcome, half of it of the second.
    """
    many = Gains(effect=gains.effect, varied=gains.varied, teams=gains.teams * 300)
    frame = draw_people(1, many, people=_LAW_PEOPLE)
    worth = 1.5 * frame["tau"].to_numpy()
    order = np.argsort(-frame["skill_gap"].to_numpy(), kind="stable")
    seats = round(SEATS * len(order))
    running = np.cumsum(worth[order]) / np.arange(1, len(order) + 1)
    return Law(
        chosen=float(worth[order][:seats].sum() / len(order)),
        random=SEATS * float(worth.mean()),
        current=float((worth * frame["treated"]).mean()),
        autoc=float((running - worth.mean()).mean()),
    )
