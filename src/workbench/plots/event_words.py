"""The words of the event study: what changed, and whether it had begun before."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

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


def describe_change(panel: pd.DataFrame, name: str) -> str:
    """Say what changed at the event time in focus, judged by its own interval.

    Which one is in focus is settled beforehand, so no allowance for the others is made.

    Parameters
    ----------
    panel : DataFrame
        Rows of one outcome from `event_study_frame`; the first series counts.
    name : str
        The outcome, for readers.
    """
    first = panel[panel["method"] == panel["method"].iloc[0]]
    focus = first[first["focus"] & ~first["reference"]]
    if focus.empty:
        return f"{name or 'Outcome'}: nothing is known of the time after learning"
    row = focus.iloc[0]
    low, high = float(row["low"]), float(row["high"])
    time = int(row["event_time"])
    when = _WHEN.get(time, f"{time} quarters after learning")
    if low <= 0 <= high:
        return f"No clear change in {_soften(name) or 'the outcome'} {when}"
    verb = "rose" if row["value"] > 0 else "fell"
    size = write_number(abs(row["value"])).lstrip("+")
    unit = f" {row['unit']}" if row["unit"] else ""
    return f"{name or 'The outcome'} {verb} by {size}{unit} {when}"


def judge_before(panel: pd.DataFrame) -> str:
    """Say whether the quarters before learning, taken together, show a trend.

    Parameters
    ----------
    panel : DataFrame
        Rows of one outcome from `event_study_frame`; a trend that only series after
        the first show is said to be theirs.
    """
    moved = {
        method: _moves(part[(part["event_time"] < 0) & ~part["reference"]])
        for method, part in panel.groupby("method", sort=False)
    }
    own, *others = moved.values()
    if own is None:
        return "no quarter before it could be looked at"
    if own:
        return "learners were already moving apart before it"
    if any(others):
        return "the other methods see learners moving apart before it"
    return "no trend before it could be seen"


def _moves(before: pd.DataFrame) -> bool | None:
    """Tell whether any quarter leaves out zero, all of them allowed for."""
    if before.empty:
        return None
    low, high = before["band_low"], before["band_high"]
    if before[["band_low", "band_high"]].isna().any(axis=None):
        law = NormalDist()
        tail = (1 - _LEVEL) / 2
        wider = law.inv_cdf(1 - tail / len(before)) / law.inv_cdf(1 - tail)
        low = before["value"] - wider * (before["value"] - before["low"])
        high = before["value"] + wider * (before["high"] - before["value"])
    return bool(((low > 0) | (high < 0)).any())


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
