"""People who learn in different periods, with effects that differ and are known.

Outcome of person i, who learns in period g, in period t:

    y = person + 0.2 t + drift x t + (t >= g > 0) gain(g, t - g)
        + (t = g - 1) early + slope t 1(g > 0) + noise

``x`` is standard normal and raises the chance to learn by `choice` log-odds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tests.impact.did.classic_panels import make_panel
from workbench.cohorts.frames import Panel


def gain(group: int, since: int) -> float:
    """Return the true effect of a group, so many periods after it learnt."""
    return 0.5 + 0.1 * group + 0.2 * since


def make_staggered(
    seed: int,
    *,
    people: int = 600,
    periods: int = 7,
    groups: Sequence[int] = (4, 5, 6),
    never: bool = True,
    drift: float = 0.0,
    choice: float = 0.0,
    early: float = 0.0,
    slope: float = 0.0,
    noise: float = 0.5,
    lose: float = 0.0,
    teams: int = 0,
    **more: object,
) -> Panel:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=people)
    learns = rng.random(people) < 1 / (1 + np.exp(-choice * x))
    first = np.where(learns | (not never), rng.choice(groups, people), 0)
    person = rng.normal(size=people)
    team = rng.integers(0, teams, people) if teams else np.zeros(people, dtype=int)
    shocks = rng.normal(size=(max(teams, 1), periods)) * (0.3 if teams else 0.0)
    tables = []
    for period in range(1, periods + 1):
        gains = np.array(
            [gain(g, period - g) if 0 < g <= period else 0.0 for g in first.tolist()]
        )
        outcome = (
            person
            + 0.2 * period
            + drift * x * period
            + gains
            + early * (period == first - 1)
            + slope * period * (first > 0)
            + shocks[team, period - 1]
            + noise * rng.normal(size=people)
        )
        tables.append(
            pd.DataFrame(
                {
                    "unit": [f"p{number:05d}" for number in range(people)],
                    "period": period,
                    "outcome": outcome,
                    "first_treat": first,
                    "x": x,
                    "kind": pd.Categorical(np.where(x > 0.5, "high", "low")),
                    "team": [f"t{number:03d}" for number in team],
                }
            )
        )
    frame = pd.concat(tables, ignore_index=True)
    frame = frame[rng.random(len(frame)) >= lose]
    return make_panel(frame, **more)  # type: ignore[arg-type]
