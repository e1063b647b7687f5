"""Panels with a known effect, and public data as panels, for the classic designs.

Outcome of person i in period t, for a person who learns in period g:

    y = 3 + person + team + 0.1 t + slope t 1(g > 0)
        + 1(t >= g > 0) (effect + growth (t - g)) + noise
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tests.impact.simulate import make_outcome, make_program
from workbench.cohorts.frames import Panel


def make_panel(
    frame: pd.DataFrame,
    *,
    exposures: Sequence[int] | None = None,
    lag: int = 0,
    clusters: Sequence[str] = ("unit",),
    covariates: Sequence[str] = (),
) -> Panel:
    rows = frame.sort_values(["unit", "period"]).reset_index(drop=True)
    for name in ("team", "site"):
        if name not in rows:
            rows[name] = "only"
    starts = sorted(int(g) for g in rows["first_treat"].unique() if g > 0)
    return Panel(
        quarter="2026Q3",
        persona="newcomers",
        program=make_program(),
        outcome=make_outcome(),
        frame=rows,
        periods=tuple(f"Q{number}" for number in range(1, rows["period"].max() + 1)),
        exposures=tuple(starts if exposures is None else exposures),
        lag=lag,
        clusters=tuple(clusters),
        covariates=tuple(covariates),
        flow=pd.DataFrame(columns=["step", "n_treated", "n_control"]),
    )


def simulate_panel(
    seed: int,
    *,
    people: int = 400,
    periods: int = 6,
    starts: Sequence[int] = (0, 0, 3, 4, 5),
    effect: float = 0.5,
    growth: float = 0.0,
    slope: float = 0.0,
    teams: int = 40,
    by_team: bool = False,
    team_sd: float = 0.0,
    lose: float = 0.0,
) -> pd.DataFrame:
    """Draw the rows; `starts` holds the first_treat values drawn with equal chance."""
    rng = np.random.default_rng(seed)
    team = np.arange(people) % teams
    pool = np.array(starts)
    if by_team:
        first = rng.permutation(np.resize(pool, teams))[team]
    else:
        first = rng.choice(pool, people)
    person = rng.normal(size=people)
    shocks = rng.normal(size=(teams, periods)) * team_sd
    tables = []
    for period in range(1, periods + 1):
        after = (first > 0) & (period >= first)
        gain = after * (effect + growth * (period - first))
        drift = 0.1 * period + slope * period * (first > 0)
        noise = rng.normal(size=people) * 0.5
        tables.append(
            pd.DataFrame(
                {
                    "unit": [f"p{number:05d}" for number in range(people)],
                    "period": period,
                    "outcome": 3
                    + person
                    + drift
                    + shocks[team, period - 1]
                    + gain
                    + noise,
                    "first_treat": first,
                    "team": [f"t{number:03d}" for number in team],
                    "site": np.where(team % 2, "north", "south"),
                }
            )
        )
    frame = pd.concat(tables, ignore_index=True)
    return frame[rng.random(len(frame)) >= lose].reset_index(drop=True)
