"""Stepped wedges of known truth.

Outcome of person i of group c in period t, groups starting at different times:

    y = 3 + group + person + trend * t + effect(t - start) * exposed + noise
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from tests.impact.simulate import make_outcome, make_program
from workbench.cohorts.experiment_frames import Experiment


def draw_wedge(
    seed: int,
    *,
    clusters: int = 12,
    steps: int = 4,
    people: int = 8,
    effect: float | Callable[[np.ndarray], np.ndarray] = 0.5,
    trend: float = 0.0,
    group_sd: float = 0.5,
    shock_sd: float = 0.0,
    noise_sd: float = 0.5,
    before: float = 0.0,
) -> Experiment:
    """Draw an experiment; `shock_sd` is that of groups within periods.

    `before` is what changes in the last period before the start.
    """
    rng = np.random.default_rng(seed)
    periods = steps + 1
    starts = rng.permutation(2 + np.arange(clusters) % steps)
    cluster, unit, period = (
        part.ravel()
        for part in np.meshgrid(
            np.arange(clusters), np.arange(people), np.arange(1, periods + 1)
        )
    )
    person = cluster * people + unit
    since = period - starts[cluster]
    size = effect(since) if callable(effect) else np.full(len(since), effect)
    shocks = shock_sd * rng.standard_normal((clusters, periods + 1))
    outcome = (
        3.0
        + group_sd * rng.standard_normal(clusters)[cluster]
        + 0.5 * rng.standard_normal(clusters * people)[person]
        + trend * period
        + np.where(since >= 0, size, 0.0)
        + np.where(since == -1, before, 0.0)
        + shocks[cluster, period]
        + noise_sd * rng.standard_normal(len(period))
    )
    return wrap_wedge(
        pd.DataFrame(
            {
                "unit": [f"p{number:05d}" for number in person],
                "cluster": [f"g{number:03d}" for number in cluster],
                "period": period,
                "starts": starts[cluster],
                "outcome": outcome,
            }
        )
    )


def wrap_wedge(
    frame: pd.DataFrame, *, periods: Sequence[str] | None = None, **more: object
) -> Experiment:
    """Wrap rows of people and periods as an experiment."""
    frame = frame.sort_values(["unit", "period"]).reset_index(drop=True)
    exposed = (frame["starts"] > 0) & (frame["period"] >= frame["starts"])
    defaults: dict[str, object] = {
        "trial": "2025Q2",
        "arm": "wave_" + frame["starts"].astype("str"),
        "assigned": exposed,
        "exposed": exposed,
        "assigned_on": pd.Timestamp("2025-04-01"),
        "known_on": pd.Timestamp("2026-06-30"),
        "learnt": exposed,
        "prior": np.nan,
        "lost": pd.Series(pd.NA, index=frame.index, dtype="str"),
    }
    for name, value in defaults.items():
        if name not in frame:
            frame[name] = value
    number = int(frame["period"].max())
    known: dict[str, object] = {
        "quarter": "2026Q3",
        "persona": "newcomers",
        "id": "exp-1",
        "design": "stepped_wedge",
        "program": make_program(),
        "outcome": make_outcome(),
        "primary": True,
        "frame": frame,
        "arms": tuple(sorted(set(frame["arm"]))),
        "periods": tuple(periods or [f"period {n}" for n in range(1, number + 1)]),
        "flow": pd.DataFrame(columns=["step", "n_treated", "n_control"]),
        "started_on": pd.Timestamp("2025-04-01"),
        "ended_on": pd.Timestamp("2026-03-31"),
    }
    return Experiment(**(known | more))  # type: ignore[arg-type]
