"""The words of the event study: what changed, and whether it had begun before."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import pandas as pd

from workbench.plots.style import write_label

__all__ = [
    "describe_change",
    "judge_before",
    "name_outcome",
    "write_number",
    "write_time",
]

_WHEN = {
    0: "in the quarter of learning",
    1: "one quarter after learning",
    2: "two quarters after learning",
    3: "three quarters after learning",
    4: "a year after learning",
}
_LEVEL = 0.95
_LARGE = 100


def describe_change(first: pd.DataFrame, name: str) -> str:
    """Say what changed at the event time in focus.

    Parameters
    ----------
    first : DataFrame
        Rows of one series from `event_study_frame`.
    name : str
        The outcome, for readers.
    """
    focus = first[first["focus"] & ~first["reference"]]
    if focus.empty:
        return f"{name or 'Outcome'}: nothing is known of the time after learning"
    row = focus.iloc[0]
    low, high = _take_ends(row)
    time = int(row["event_time"])
    when = _WHEN.get(time, f"{time} quarters after learning")
    if low <= 0 <= high:
        return f"No clear change in {_soften(name) or 'the outcome'} {when}"
    verb = "rose" if row["value"] > 0 else "fell"
    size = write_number(abs(row["value"])).lstrip("+")
    unit = f" {row['unit']}" if row["unit"] else ""
    return f"{name or 'The outcome'} {verb} by {size}{unit} {when}"


def judge_before(first: pd.DataFrame) -> str:
    """Say whether the quarters before learning, taken together, show a trend."""
    before = first[(first["event_time"] < 0) & ~first["reference"]]
    if before.empty:
        return "no quarter before it could be looked at"
    low, high = before["band_low"], before["band_high"]
    if before[["band_low", "band_high"]].isna().any(axis=None):
        law = NormalDist()
        tail = (1 - _LEVEL) / 2
        wider = law.inv_cdf(1 - tail / len(before)) / law.inv_cdf(1 - tail)
        low = before["value"] - wider * (before["value"] - before["low"])
        high = before["value"] + wider * (before["high"] - before["value"])
    if ((low > 0) | (high < 0)).any():
        return "learners were already moving apart before it"
    return "no trend before it could be seen"


def _take_ends(row: pd.Series) -> tuple[float, float]:
    """Return the band where there is one, otherwise the interval."""
    low, high = float(row["band_low"]), float(row["band_high"])
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    return float(row["low"]), float(row["high"])


def name_outcome(outcome: str, labels: Mapping[str, str] | None) -> str:
    """Return the label of an outcome, or its id written for readers."""
    plain = write_label(outcome)
    return (labels or {}).get(outcome, plain[:1].upper() + plain[1:])


def _soften(name: str) -> str:
    """Start a name with a small letter, unless it starts with an abbreviation."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def write_number(value: float) -> str:
    """Write a signed number with two figures and a true minus."""
    if not value:
        return "0"
    text = f"{value:+,.0f}" if abs(value) >= _LARGE else f"{value:+.2g}"
    return text.replace("-", "−")


def write_time(time: int) -> str:
    """Write quarters since learning: −1, 0, +1."""
    return f"{time:+d}".replace("-", "−") if time else "0"
