"""The overlap figure: how likely learners and others were to learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.style import (
    ACCENT,
    INK,
    MUTED,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
)

__all__ = [
    "describe_overlap",
    "describe_overlap_alt",
    "overlap_frame",
    "plot_overlap",
]

_GROUPS = ("learners", "others", "matched others")
_NEARLY_ALL = 0.95


def overlap_frame(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what the overlap figure draws.

    Parameters
    ----------
    scores : DataFrame
        ``overlap`` table of one programme and outcome: ``group``, ``low``, ``high``,
        ``n``, ``share``.

    Returns
    -------
    DataFrame
        One row per bin: ``low``, ``high`` and the share of each group in percent.
    """
    wide = scores.pivot_table(
        index=["low", "high"], columns="group", values="share", sort=False
    )
    return (100 * wide.reindex(columns=list(_GROUPS))).fillna(0.0).reset_index()


def describe_overlap(scores: pd.DataFrame) -> str:
    """Say in one sentence how far the groups overlap; the title of the figure."""
    shared = _share_covered(scores)
    if shared >= _NEARLY_ALL:
        return "Nearly all learners have colleagues who were as likely to learn"
    return (
        f"{shared:.0%} of learners have colleagues who were as likely to learn; "
        "the others cannot be compared"
    )


def describe_overlap_alt(scores: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    frame = overlap_frame(scores)
    middle = (frame["low"] + frame["high"]) / 2
    means = {
        name: float((middle * frame[name]).sum() / max(frame[name].sum(), 1e-12))
        for name in _GROUPS
    }
    return (
        "Two mirrored histograms of the probability of learning. Learners, above, "
        f"average {means['learners']:.2f}; others, below, {means['others']:.2f}; the "
        f"others that were matched {means['matched others']:.2f}. "
        f"{_share_covered(scores):.0%} of learners lie where there are others."
    )


def plot_overlap(
    scores: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the propensity scores of learners above and of others below the line.

    Parameters
    ----------
    scores : DataFrame
        See `overlap_frame`.
    title : str, optional
        Default: `describe_overlap`.
    ax : Axes, optional
        Axes to draw on; default: a new figure.

    Returns
    -------
    Axes
        Shares of each group in percent, so that groups of any size compare.
    """
    frame = overlap_frame(scores)
    middle = (frame["low"] + frame["high"]) / 2
    width = 0.92 * (frame["high"] - frame["low"])
    with use_style():
        ax = open_axes(ax, height=3.7)
        ax.bar(middle, frame["learners"], width, color=ACCENT)
        ax.bar(middle, -frame["others"], width, color=MUTED, alpha=0.75)
        ax.bar(
            middle,
            -frame["matched others"],
            width,
            facecolor="none",
            edgecolor=INK,
            linewidth=1.2,
        )
        ax.axhline(0, color=INK, linewidth=1)
        top = max(float(frame[list(_GROUPS)].to_numpy().max()), 1.0) * 1.15
        ax.set_ylim(-top, top)
        ax.set_xlim(frame["low"].min(), frame["high"].max())
        finish_axes(ax, x_label="probability of learning, given what was known before")
        ax.set_ylabel("share of the group (%)")
        ticks = [tick for tick in ax.get_yticks() if abs(tick) <= top]
        ax.set_yticks(ticks, [f"{abs(tick):g}" for tick in ticks], color=SOFT)
        for text, place, colour in (
            ("learners", 0.95, ACCENT),
            ("others (filled), those matched (outlined)", 0.05, SOFT),
        ):
            ax.text(
                0.99,
                place,
                text,
                transform=ax.transAxes,
                ha="right",
                va="top" if place > 0.5 else "bottom",
                color=colour,
                fontweight="bold" if place > 0.5 else "normal",
            )
        ax.grid(axis="x", visible=False)
        set_title(ax, describe_overlap(scores) if title is None else title)
    return ax


def _share_covered(scores: pd.DataFrame) -> float:
    """Return the share of learners in bins that hold others."""
    wide = scores.pivot_table(index="low", columns="group", values="n", sort=False)
    learners = wide["learners"].to_numpy(dtype="float64")
    covered = learners[wide["others"].to_numpy() > 0]
    return float(covered.sum() / max(learners.sum(), 1.0)) if np.any(learners) else 0.0
