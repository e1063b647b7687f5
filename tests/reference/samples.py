"""Public samples as the estimators take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.impact.sample import Sample

HERE = Path(__file__).parent


def read_expected(case: str) -> dict[str, Any]:
    """Read the stored values of a case."""
    found: dict[str, Any] = json.loads(
        (HERE / case / "expected.json").read_text(encoding="utf-8")
    )
    return found


def make_sample(frame: pd.DataFrame, *, treated: str, outcome: str) -> Sample:
    """Treat every row as a person of its own in one trial."""
    rows = frame.reset_index(drop=True).copy()
    rows["unit"] = [f"{number:05d}" for number in range(len(rows))]
    rows["trial"] = "2026Q1"
    learns = rows[treated].to_numpy() == 1
    rows["treated"] = learns
    return Sample(
        frame=rows,
        treated=learns,
        outcome=rows[outcome].to_numpy(dtype="float64"),
        clusters={"unit": np.arange(len(rows))},
        flow=pd.DataFrame(),
    )
