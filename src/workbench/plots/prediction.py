"""Predictions held against what came, and what goes with them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.style import (
    ACCENT,
    INK,
    LINE,
    MUTED,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = [
    "calibration_frame",
    "describe_calibration",
    "describe_calibration_alt",
    "describe_importance",
    "describe_importance_alt",
    "importance_frame",
    "plot_calibration",
    "plot_importance",
]

Labels = Mapping[str, str] | None

_COLUMNS = 2
_PANEL_HEIGHT = 2.9
_EDGE = 0.06
_MOST_FEATURES = 4
_ROW_HEIGHT = 0.42
_BAR_HEIGHT = 0.34
_WORDS_ABOVE = 0.3


def calibration_frame(calibration: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Return what the calibration figure draws: the bins of the chosen models.

    Parameters
    ----------
    calibration : DataFrame
        ``target``, ``model``, ``bin``, ``predicted``, ``observed``, ``low``, ``high``,
        ``n``.
    scores : DataFrame
        ``target``, ``model``, ``chosen``.

    Returns
    -------
    DataFrame
        Also ``agrees``: whether the prediction lies within the interval of what came.
    """
    chosen = scores[scores["chosen"].astype("bool")]
    pairs = set(zip(chosen["target"], chosen["model"], strict=True))
    named = zip(calibration["target"], calibration["model"], strict=True)
    mine = pd.Series([pair in pairs for pair in named], calibration.index, dtype="bool")
    drawn = calibration[mine].dropna(subset=["predicted", "observed"])
    inside = drawn["predicted"].between(drawn["low"], drawn["high"])
    return drawn.assign(agrees=inside).reset_index(drop=True)


def describe_calibration(calibration: pd.DataFrame, scores: pd.DataFrame) -> str:
    """Say in how many groups predictions agree with what came; the title."""
    drawn = calibration_frame(calibration, scores)
    if drawn.empty:
        return "Nothing could be predicted and tested"
    return (
        f"In {int(drawn['agrees'].sum())} of {len(drawn)} groups what was predicted "
        "lies within the interval of what came"
    )


def describe_calibration_alt(
    calibration: pd.DataFrame, scores: pd.DataFrame, *, labels: Labels = None
) -> str:
    """Describe the figure for readers who cannot see it."""
    drawn = calibration_frame(calibration, scores)
    parts = []
    for target, rows in drawn.groupby("target", sort=False):
        told = ", ".join(
            f"{_write(row.predicted)} predicted and {_write(row.observed)} observed "
            f"({_write(row.low)} to {_write(row.high)})"
            for row in (rows.iloc[0], rows.iloc[-1])
        )
        parts.append(f"{_name(str(target), labels)}: from the lowest group, {told}")
    return (
        "Points with intervals around a diagonal on which predicted and observed are "
        f"the same. {describe_calibration(calibration, scores)}. {'. '.join(parts)}."
    )


def plot_calibration(
    calibration: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    labels: Labels = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what was observed against what was predicted, one panel per outcome.

    Parameters
    ----------
    calibration, scores : DataFrame
        See `calibration_frame`.
    labels : mapping of str to str, optional
        Names of the outcomes for readers.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Holds one inner panel per outcome; a group whose interval leaves out the
        prediction is hollow.
    """
    drawn = calibration_frame(calibration, scores)
    targets = list(drawn["target"].unique())
    rows = max(math.ceil(len(targets) / _COLUMNS), 1)
    with use_style():
        ax = open_axes(ax, height=0.8 + _PANEL_HEIGHT * rows)
        ax.set_axis_off()
        for place, target in enumerate(targets):
            panel = ax.inset_axes(_place(place, rows))
            part = drawn[drawn["target"] == target]
            _draw_bins(panel, part, _name(str(target), labels))
        set_title(ax, describe_calibration(calibration, scores))
    return ax


def importance_frame(importance: pd.DataFrame) -> pd.DataFrame:
    """Return what the importance figure draws: the strongest features per outcome.

    Parameters
    ----------
    importance : DataFrame
        ``target``, ``feature``, ``mean_abs_shap``, ``effect_words``.

    Returns
    -------
    DataFrame
        Also ``share``, percent of all that features of that outcome add or take away.
    """
    total = importance.groupby("target")["mean_abs_shap"].transform("sum")
    shares = 100 * importance["mean_abs_shap"] / total.where(total > 0)
    ranked = importance.assign(share=shares).sort_values(
        "mean_abs_shap", ascending=False, kind="stable"
    )
    order = {name: at for at, name in enumerate(importance["target"].unique())}
    kept = ranked.groupby("target", sort=False).head(_MOST_FEATURES)
    kept = kept[kept["share"] > 0]
    return kept.sort_values(
        "target", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def describe_importance(importance: pd.DataFrame) -> str:
    """Say what goes with the first outcome most; the title."""
    drawn = importance_frame(importance)
    if drawn.empty:
        return "No feature goes with any prediction"
    words = str(drawn["effect_words"].iloc[0])
    return f"{words[:1].upper()}{words[1:]}, which need not be a cause"


def describe_importance_alt(importance: pd.DataFrame, *, labels: Labels = None) -> str:
    """Describe the figure for readers who cannot see it."""
    parts = []
    for target, rows in importance_frame(importance).groupby("target", sort=False):
        told = "; ".join(
            f"{row.effect_words}, {row.share:.0f} %" for row in rows.itertuples()
        )
        parts.append(f"{_name(str(target), labels)}: {told}")
    return (
        "Bars of the strongest features of each prediction, as shares of what all "
        f"features add or take away. {'. '.join(parts)}. None is shown to be a cause."
    )


def plot_importance(
    importance: pd.DataFrame, *, labels: Labels = None, ax: Axes | None = None
) -> Axes:
    """Draw the strongest features of each outcome, with their direction in words.

    Parameters
    ----------
    importance : DataFrame
        See `importance_frame`.
    labels : mapping of str to str, optional
        Names of the outcomes for readers.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One bar per feature, below its words; outcomes stand below each other.
    """
    drawn = importance_frame(importance)
    with use_style():
        targets = drawn["target"].nunique()
        ax = open_axes(ax, height=1.3 + _ROW_HEIGHT * (len(drawn) + targets), left=0.02)
        at, last = 0.0, ""
        for row in drawn.itertuples():
            if row.target != last:
                at += 0.6 if last else 0.0
                _head(ax, at, _name(str(row.target), labels))
                at, last = at + 1, str(row.target)
            ax.barh(at, row.share, height=_BAR_HEIGHT, color=ACCENT)
            ax.text(
                0, at - _WORDS_ABOVE, str(row.effect_words), color=SOFT, fontsize=9,
                va="bottom",
            )  # fmt: skip
            at += 1
        ax.set_ylim(max(at - 0.4, 0.5), -0.8)
        ax.set_yticks([])
        finish_axes(ax, x_label="share of what all features add or take away (%)")
        set_title(ax, describe_importance(importance))
    return ax


def _place(place: int, rows: int) -> tuple[float, float, float, float]:
    """Return left, bottom, width and height of an inner panel."""
    width, height = 1 / _COLUMNS, 1 / rows
    left = (place % _COLUMNS) * width + _EDGE
    bottom = 1 - (place // _COLUMNS + 1) * height + _EDGE * 2 / rows
    return left, bottom, width - 1.5 * _EDGE, height - 5 * _EDGE / rows


def _draw_bins(ax: Axes, rows: pd.DataFrame, name: str) -> None:
    ends = rows[["predicted", "observed", "low", "high"]]
    low, high = float(ends.min(axis=None)), float(ends.max(axis=None))
    room = 0.05 * max(high - low, 1e-6)
    ax.plot([low, high], [low, high], color=MUTED, lw=1.2, zorder=1)
    ax.vlines(rows["predicted"], rows["low"], rows["high"], color=ACCENT, lw=1.6)
    for agrees, part in rows.groupby("agrees"):
        ax.plot(
            part["predicted"],
            part["observed"],
            "o",
            markersize=5,
            markeredgecolor=ACCENT,
            markerfacecolor=ACCENT if agrees else "white",
        )
    ax.set_xlim(low - room, high + room)
    ax.set_ylim(low - room, high + room)
    finish_axes(ax, x_label="predicted", y_label="observed")
    ax.grid(axis="y", color=LINE, linewidth=0.7)
    ax.tick_params(axis="both", labelsize=9, labelcolor=SOFT)
    ax.set_title(name, loc="left", fontsize=9.5, color=INK, pad=6)


def _head(ax: Axes, at: float, name: str) -> None:
    ax.text(0, at, name, color=INK, fontsize=10.5, fontweight="bold", va="center")


def _name(target: str, labels: Labels) -> str:
    name = (labels or {}).get(target, write_label(target))
    return name.split(" (")[0]


def _write(value: float) -> str:
    return f"{value:.2f}"
