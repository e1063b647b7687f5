"""People whose outcomes follow known laws, over eight quarters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.cohorts.prediction_frames import PredictionFrame
from workbench.core.quarters import Quarter, list_quarters

FIRST, LAST = Quarter(2024, 4), Quarter(2026, 3)
CUT = pd.Timestamp(LAST.last_day)
FEATURES = ("role", "skill_gap", "tenure_days", "noise")
PROTECTED = ("gender",)
YEAR = 364
"""Days of four quarters, so that a window closes before the same quarter a year on."""


def draw_people(people: int = 500, *, seed: int = 1) -> pd.DataFrame:
    """One row per person and quarter; the last `trial` is the one after the cut."""
    rng = np.random.default_rng(seed)
    gap = rng.normal(10, 5, people)
    role = rng.choice(["agent", "seller", "clerk"], people, p=[0.5, 0.3, 0.2])
    tenure = rng.uniform(30, 3000, people)
    gender = rng.choice(["female", "male"], people)
    tables = []
    for period, quarter in enumerate([*list_quarters(FIRST, LAST), LAST.shift(1)]):
        table = pd.DataFrame(
            {
                "unit": [f"u{number:04d}" for number in range(people)],
                "trial": str(quarter),
                "period": period,
                "time_zero": pd.Timestamp(quarter.first_day),
                "persona": np.where(role == "agent", "agents", "others"),
                "team": [f"t{number % 20}" for number in range(people)],
                "role": pd.Categorical(role),
                "skill_gap": gap + rng.normal(0, 1, people),
                "tenure_days": tenure + 91 * period,
                "noise": rng.normal(0, 1, people),
                "gender": gender,
            }
        )
        table.loc[rng.random(people) < 0.05, "skill_gap"] = np.nan
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def index_risk(rows: pd.DataFrame) -> np.ndarray:
    gap = rows["skill_gap"].fillna(10.0).to_numpy()
    agents = (rows["role"].astype("str") == "agent").to_numpy()
    return 0.15 * (gap - 10) + 0.5 * agents


def draw_frame(kind: str, *, people: int = 500, seed: int = 1) -> PredictionFrame:
    rows = draw_people(people, seed=seed)
    rng = np.random.default_rng(seed + 100)
    current = rows[rows["trial"] == str(LAST.shift(1))]
    frame = rows[rows["trial"] != str(LAST.shift(1))].copy()
    risk = index_risk(frame)
    make = {"binary": _draw_chance, "continuous": _draw_value, "time": _draw_time}
    frame, horizon = make[kind](frame, risk, rng)
    return PredictionFrame(
        target={"binary": "left", "continuous": "rating", "time": "ramp_days"}[kind],
        label={
            "binary": "Leaving (in a year)",
            "continuous": "Rating",
            "time": "Days to proficiency",
        }[kind],
        kind=kind,  # type: ignore[arg-type]
        unit={"binary": "probability", "continuous": "points", "time": "days"}[kind],
        direction="down",
        horizon_days=horizon,
        features=FEATURES,
        protected=PROTECTED,
        frame=frame.reset_index(drop=True),
        current=current.reset_index(drop=True),
    )


def _draw_chance(
    frame: pd.DataFrame, risk: np.ndarray, rng: np.random.Generator
) -> tuple[pd.DataFrame, int]:
    happened = rng.random(len(frame)) < 1 / (1 + np.exp(1.5 - risk))
    known_on = frame["time_zero"] + pd.Timedelta(days=YEAR)
    outcome = np.where(known_on <= CUT, happened.astype(float), np.nan)
    return frame.assign(outcome=outcome, known_on=known_on), YEAR


def _draw_value(
    frame: pd.DataFrame, risk: np.ndarray, rng: np.random.Generator
) -> tuple[pd.DataFrame, None]:
    outcome = 3 - 0.4 * risk + rng.normal(0, 0.5, len(frame))
    return frame.assign(outcome=outcome), None


def _draw_time(
    frame: pd.DataFrame, risk: np.ndarray, rng: np.random.Generator
) -> tuple[pd.DataFrame, int]:
    days = np.ceil(rng.exponential(120 * np.exp(risk)))
    left = (CUT - frame["time_zero"]).dt.days.to_numpy()
    time, event = np.minimum(days, left).astype("float64"), days <= left
    outcome = np.where(event, time, np.nan)
    return frame.assign(time=time, event=event, outcome=outcome), 365


def replace_rows(frame: PredictionFrame, **columns: Any) -> PredictionFrame:
    from dataclasses import replace

    return replace(frame, frame=frame.frame.assign(**columns))
