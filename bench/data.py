"""The data that every contender gets; numpy and pandas only."""

from __future__ import annotations

import numpy as np
import pandas as pd

COVARIATES = [f"x{number}" for number in range(10)]
EFFECT = 0.5


def make_people(rows: int) -> pd.DataFrame:
    """Draw people of whom a fifth learn, by the first five of ten covariates."""
    rng = np.random.default_rng(2026)
    values = rng.normal(size=(rows, 10))
    values[:, 8:] = values[:, 8:] > 0
    pull = values[:, :5].sum(axis=1)
    treated = rng.random(rows) < 1 / (1 + np.exp(1.49 - 0.27 * pull))
    outcome = 0.5 * pull + EFFECT * treated + rng.normal(size=rows)
    frame = pd.DataFrame(values, columns=COVARIATES)
    frame["treated"] = treated.astype("int64")
    frame["outcome"] = outcome
    return frame


def make_panel(units: int) -> pd.DataFrame:
    """Draw units over ten periods who start in period 4, 6, 8 or never."""
    rng = np.random.default_rng(2026)
    first = rng.choice([0, 4, 6, 8], units)
    x = rng.normal(size=units)
    level = rng.normal(size=units)
    tables = []
    for period in range(1, 11):
        after = (first > 0) & (period >= first)
        gain = EFFECT * after + 0.1 * after * (period - first)
        noise = rng.normal(size=units) * 0.5
        tables.append(
            pd.DataFrame(
                {
                    "unit": np.arange(units),
                    "period": period,
                    "outcome": level + 0.1 * period * (1 + x) + gain + noise,
                    "first_treat": first,
                    "x": x,
                }
            )
        )
    frame = pd.concat(tables, ignore_index=True)
    return frame.sort_values(["unit", "period"], ignore_index=True)
