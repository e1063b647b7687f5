"""Experiments of known truth: people or whole clusters drawn into arms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tests.impact.simulate import make_outcome, make_program
from workbench.cohorts.experiment_frames import Experiment
from workbench.core.registration import Registration

BEGAN = pd.Timestamp("2026-01-05")
CORRELATION = 0.7


def draw_experiment(
    seed: int,
    *,
    people: int = 400,
    clusters: int = 0,
    icc: float = 0.2,
    sizes: float = 0.0,
    effect: float = 0.0,
    uptake: float = 1.0,
    crossover: float = 0.0,
    missing: float = 0.0,
    share: float = 0.5,
    arms: tuple[str, ...] = ("control", "treatment"),
) -> Experiment:
    """Draw an experiment whose outcome has SD 1.

    The prior value correlates 0.7 with the outcome and is missing for one in twenty.
    `effect` is that of completing the programme, which `uptake` of those offered it
    do and `crossover` of the others. With clusters, whole clusters are drawn, whose
    sizes vary by `sizes` (log SD); ``missing`` outcomes are lost at random.
    """
    rng = np.random.default_rng(seed)
    groups = clusters or people
    weights = np.exp(sizes * rng.normal(size=groups)) if clusters else np.ones(groups)
    team = np.sort(rng.choice(groups, size=people, p=weights / weights.sum()))
    if not clusters:
        team = np.arange(people)
    else:
        team[:groups] = np.arange(groups)
        team = np.sort(team)
    code = _draw_arms(rng, groups, share, len(arms))[team]
    assigned = code > 0
    learnt = rng.random(people) < np.where(assigned, uptake, crossover)
    prior = rng.normal(size=people)
    shared = rng.normal(size=groups)[team] if clusters else np.zeros(people)
    spread = icc if clusters else 0.0
    noise = np.sqrt(spread) * shared + np.sqrt(1 - spread) * rng.normal(size=people)
    outcome = CORRELATION * prior + np.sqrt(1 - CORRELATION**2) * noise
    outcome = 3 + outcome + effect * learnt
    lost = rng.random(people) < missing
    frame = pd.DataFrame(
        {
            "unit": [f"p{number:05d}" for number in range(people)],
            "trial": "2026Q1",
            "arm": np.array(arms)[code],
            "assigned": assigned,
            "cluster": [f"c{number:05d}" for number in team],
            "assigned_on": BEGAN + pd.to_timedelta(rng.integers(0, 3, people), "D"),
            "known_on": BEGAN + pd.to_timedelta(rng.integers(90, 180, people), "D"),
            "learnt": learnt,
            "outcome": np.where(lost, np.nan, outcome),
            "prior": np.where(rng.random(people) < 0.05, np.nan, prior),
            "lost": np.where(lost, "left", None),
            "team": [f"t{number % 17:02d}" for number in range(people)],
            "site": rng.choice(["Leeds", "Porto", "Ghent"], people),
            "tenure_days": rng.integers(30, 3000, people).astype("float64"),
            "gender": rng.choice(["f", "m"], people),
        }
    )
    return Experiment(
        quarter="2026Q3",
        persona="agents",
        id="exp-1",
        design="cluster" if clusters else "individual",
        program=make_program(),
        outcome=make_outcome(),
        primary=True,
        frame=frame,
        arms=arms,
        covariates=("tenure_days",),
        protected=("gender",),
        flow=pd.DataFrame(
            {
                "step": ["assigned"],
                "n_treated": [int(assigned.sum())],
                "n_control": [int((~assigned).sum())],
            }
        ),
        started_on=BEGAN,
        ended_on=BEGAN + pd.Timedelta(days=180),
    )


def change(experiment: Experiment, **columns: Any) -> Experiment:
    """Return the experiment with other columns."""
    return replace(experiment, frame=experiment.frame.assign(**columns))


def register(experiment: Experiment, **changes: Any) -> Experiment:
    """Return the experiment with a registration that fits it."""
    plan = Registration(
        experiment=experiment.id,
        written_on=BEGAN.date() - pd.Timedelta(days=10),
        design=experiment.design,
        persona=experiment.persona,
        program=experiment.program.id,
        primary_outcome=experiment.outcome.id,
        lag_quarters=experiment.outcome.lag_quarters,
        starts_on=BEGAN.date(),
        ends_on=(BEGAN + pd.Timedelta(days=180)).date(),
        people=int(experiment.frame["unit"].nunique()),
        clusters=int(experiment.frame["cluster"].nunique())
        if experiment.design != "individual"
        else None,
        smallest_effect=0.3,
        power=0.8,
    )
    return replace(experiment, registration=plan.model_copy(update=changes))


def _draw_arms(
    rng: np.random.Generator, units: int, share: float, arms: int
) -> np.ndarray:
    """Draw arm codes: 0 for control, the others in equal shares."""
    offered = round(share * units)
    codes = np.zeros(units, dtype="int64")
    codes[:offered] = 1 + np.arange(offered) % (arms - 1)
    return rng.permutation(codes)
