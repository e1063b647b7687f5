"""Experiments whose outcomes become known week by week, for tests and calibration."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.impact.simulate import make_outcome, make_program
from workbench.cohorts.experiment_frames import Experiment

FIRST_DAY = pd.Timestamp("2026-01-05")
CORRELATION = 0.6


def draw_running(
    seed: int,
    *,
    weeks: int = 30,
    people: int = 600,
    effect: float = 0.0,
    share: float = 0.5,
    clusters: int = 0,
    icc: float = 0.1,
    skewed: bool = False,
    binary: bool = False,
) -> Experiment:
    """Draw an experiment of which the same number becomes known each week.

    The outcome has SD 1 and a correlation of 0.6 with the prior value, which is missing
    for one in ten. ``skewed`` draws it from an exponential distribution, ``binary`` is
    1 for one in ten. With clusters, whole clusters are drawn and become known.
    """
    rng = np.random.default_rng(seed)
    size = people
    team = np.arange(size) * clusters // size if clusters else np.arange(size)
    groups = clusters or size
    drawn = rng.permutation(groups) < round(share * groups)
    assigned = drawn[team]
    shared = rng.normal(size=groups)[team] * np.sqrt(icc) if clusters else 0.0
    own = rng.exponential(size=size) - 1 if skewed else rng.normal(size=size)
    noise = shared + own * np.sqrt(1 - icc) if clusters else own
    prior = rng.normal(size=size)
    outcome = CORRELATION * prior + np.sqrt(1 - CORRELATION**2) * noise
    outcome = outcome + effect * assigned
    if binary:
        outcome = (rng.random(size) < 0.1 + effect * assigned).astype("float64")
    week = (
        (np.arange(size) if not clusters else team * (size // groups)) * weeks // size
    )
    frame = pd.DataFrame(
        {
            "unit": [f"p{number:05d}" for number in range(size)],
            "trial": "2026Q1",
            "arm": np.where(assigned, "treatment", "control"),
            "assigned": assigned,
            "cluster": [f"c{number:05d}" for number in team],
            "assigned_on": FIRST_DAY,
            "known_on": FIRST_DAY + pd.to_timedelta(7 * week, unit="D"),
            "learnt": assigned,
            "outcome": outcome,
            "prior": np.where(rng.random(size) < 0.1, np.nan, prior),
            "lost": pd.Series(pd.NA, index=range(size), dtype="str"),
            "team": "only",
            "site": "only",
        }
    )
    return wrap(frame, design="cluster" if clusters else "individual")


def wrap(frame: pd.DataFrame, **more: object) -> Experiment:
    """Make an experiment of a frame, completing what a test did not care for."""
    known: dict[str, object] = {
        "quarter": "2026Q3",
        "persona": "newcomers",
        "id": "exp-1",
        "design": "individual",
        "program": make_program(),
        "outcome": make_outcome(),
        "primary": True,
        "frame": frame,
        "arms": ("control", "treatment"),
        "flow": pd.DataFrame(columns=["step", "n_treated", "n_control"]),
        "started_on": FIRST_DAY,
    }
    return Experiment(**(known | more))  # type: ignore[arg-type]
