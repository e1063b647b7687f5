"""Programmes of known module effects, with so many learners skipping a module."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.prescribe.modules.draw_modules import EFFECTS, draw_frame
from workbench.prescribe.modules.shrinkage import Observed

_LEARNERS = 0.45
_SKIPS = 0.45
_OPTIONAL = len(EFFECTS) - 1


def draw_skipped(
    seed: int,
    *,
    skipped: int,
    pull: float = 0.0,
    bend: float = 0.0,
    effects: tuple[float, ...] = EFFECTS,
) -> pd.DataFrame:
    """Draw so many people that about `skipped` learners skip each optional module."""
    people = round(skipped * _OPTIONAL / _SKIPS / _LEARNERS)
    return draw_frame(
        seed, people=people, effects=(effects,), pull=pull, bend=bend, skips=_SKIPS
    )


def draw_events(seed: int, *, skipped: int, share: float = 0.12) -> pd.DataFrame:
    """Draw an event that no module has to do with; it follows the first covariate."""
    frame = draw_skipped(seed, skipped=skipped)
    chance = share + 0.04 * frame["x1"].clip(-2.5, 2.5)
    rng = np.random.default_rng([seed, 2])
    return frame.assign(y0=(rng.random(len(frame)) < chance).astype("float64"))


def draw_estimates(
    seed: int, *, programmes: int, spread: float, mean: float
) -> tuple[list[Observed], list[np.ndarray]]:
    """Draw estimates of modules and programmes with known errors, and their truth.

    The first of four modules is passed by everybody: only the programme tells of it.
    """
    rng = np.random.default_rng(seed)
    shares = np.array([1.0, 0.85, 0.85, 0.85])
    design = np.vstack([shares, np.eye(4)[1:]])
    found, truths = [], []
    for _ in range(programmes):
        truth = mean + spread * rng.normal(size=4)
        errors = np.append(0.15, rng.uniform(0.3, 0.6, 3))
        root = np.diag(errors) + 0.05 * rng.normal(size=(4, 4))
        values = design @ truth + root @ rng.normal(size=4)
        found.append(Observed(values=values, covariance=root @ root.T, design=design))
        truths.append(truth)
    return found, truths
