"""Skill gaps of the personas: what each lacks, and how much."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from workbench.plots.style import (
    ACCENT,
    INK,
    MUTED,
    PAPER,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = ["describe_gaps", "describe_gaps_alt", "gap_frame", "plot_gaps"]

_DARK_FROM = 0.55


def gap_frame(profile: pd.DataFrame) -> pd.DataFrame:
    """Return mean gaps as a matrix: one row per skill, one column per persona.

    Parameters
    ----------
    profile : DataFrame
        ``persona``, ``skill``, ``mean_gap`` in points of 100, ``suppressed``.

    Returns
    -------
    DataFrame
        Missing where a persona does not need the skill, or is too small to show.
    """
    return _list_shown(profile).pivot_table(
        index="skill", columns="persona", values="mean_gap"
    )


def describe_gaps(
    profile: pd.DataFrame, *, labels: Mapping[str, str] | None = None
) -> str:
    """Name the largest mean gap; the figure's title."""
    shown = _list_shown(profile)
    if shown.empty:
        return "No skill gap can be shown"
    widest = shown.loc[shown["mean_gap"].idxmax()]
    name = (labels or {}).get(widest["persona"], write_label(widest["persona"]))
    skill, points = write_label(widest["skill"]), widest["mean_gap"]
    return f"The widest gap: {name} in {skill}, {points:.0f} of 100 points"


def describe_gaps_alt(profile: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    parts = [
        f"{write_label(row.persona)}, {write_label(row.skill)} {row.mean_gap:.0f}"
        for row in _list_shown(profile).itertuples()
    ]
    return "Mean skill gaps in points of 100. " + "; ".join(parts) + "."


def plot_gaps(
    profile: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the matrix of mean gaps, darker where they are wider.

    Parameters
    ----------
    profile : DataFrame
        See `gap_frame`.
    labels : mapping of str to str, optional
        Names of the personas for readers.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Each cell bears its gap in points of 100; empty cells need no such skill.
    """
    frame = gap_frame(profile)
    with use_style():
        axes = open_axes(ax, height=1.8 + 0.36 * len(frame))
        ramp = LinearSegmentedColormap.from_list("gap", [PAPER, ACCENT])
        values = frame.to_numpy()
        top = float(frame.max().max()) if values.size else 1.0
        if values.size:
            axes.imshow(values, cmap=ramp, vmin=0, vmax=max(top, 1.0), aspect="auto")
        for (row, column), value in _cells(frame):
            dark = value > _DARK_FROM * top
            axes.text(
                column, row, f"{value:.0f}", ha="center", va="center",
                color=PAPER if dark else INK, fontsize=9.5,
            )  # fmt: skip
        names = [(labels or {}).get(item, write_label(item)) for item in frame.columns]
        axes.set_xticks(
            range(len(names)), [_wrap(name) for name in names], fontsize=9.5
        )
        axes.set_yticks(range(len(frame)), [write_label(item) for item in frame.index])
        axes.set_xlabel("Mean gap in points of 100", color=MUTED)
        set_title(axes, describe_gaps(profile, labels=labels))
    return axes


def _list_shown(profile: pd.DataFrame) -> pd.DataFrame:
    shown = profile[~profile["suppressed"].astype(bool)]
    return shown.dropna(subset=["mean_gap"])


def _cells(frame: pd.DataFrame) -> list[tuple[tuple[int, int], float]]:
    values = frame.to_numpy()
    return [
        ((row, column), float(values[row, column]))
        for row in range(values.shape[0])
        for column in range(values.shape[1])
        if pd.notna(values[row, column])
    ]


def _wrap(name: str) -> str:
    return "\n".join(name.split(" ", 1)) if len(name) > 12 else name
