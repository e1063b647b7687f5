"""Does predicted benefit sort people: gain by share treated, most promising first."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from workbench.plots.style import (
    ACCENT,
    LINE,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
)

__all__ = [
    "describe_gain_curve",
    "describe_gain_curve_alt",
    "gain_frame",
    "plot_gain_curve",
]

_FIRST = "Effect on those first in line, less the mean effect"
_QINI = "Gain per person over giving seats by lot"
_NAMES: Mapping[str, tuple[str, str, str]] = {
    "toc": ("TOC", "predicted benefit", _FIRST),
    "toc_need": ("TOC", "declared need", _FIRST),
    "qini": ("Qini", "predicted benefit", _QINI),
    "qini_need": ("Qini", "declared need", _QINI),
}


def gain_frame(curves: pd.DataFrame, curve: str | None = None) -> pd.DataFrame:
    """Return one curve, from the fewest to all people.

    Parameters
    ----------
    curves : DataFrame
        ``curve``, ``share`` (0 to 1), ``value``, ``low``, ``high``.
    curve : {"toc", "toc_need", "qini", "qini_need"}, optional
        Which one; by default the first of these that is there.

    Returns
    -------
    DataFrame
        ``share``, ``value``, ``low``, ``high``, rows without a value left out.
    """
    chosen = curve or _choose(curves)
    rows = curves[(curves["curve"] == chosen) & curves["value"].notna()]
    frame = rows[["share", "value", "low", "high"]].sort_values("share")
    return frame.reset_index(drop=True)


def describe_gain_curve(curves: pd.DataFrame, curve: str | None = None) -> str:
    """Say whether the first in line gain clearly more; the figure's title."""
    frame = gain_frame(curves, curve)
    if frame.empty:
        return "Whether an order sorts people could not be tested"
    order = _NAMES[curve or _choose(curves)][1]
    clear = frame[frame["low"] > 0]
    if clear.empty:
        return f"The order by {order} is not shown to sort people by their gain"
    return (
        f"By {order}: up to {100 * clear['share'].max():.0f} % of people, those first "
        "in line gain more than the mean"
    )


def describe_gain_curve_alt(curves: pd.DataFrame, curve: str | None = None) -> str:
    """Describe the figure for readers who cannot see it."""
    frame = gain_frame(curves, curve)
    if frame.empty:
        return f"{describe_gain_curve(curves, curve)}."
    points = [
        frame.iloc[(frame["share"] - share).abs().argmin()]
        for share in (0.1, 0.25, 0.5, 1.0)
    ]
    parts = [
        f"{100 * point['share']:.0f} % {point['value']:.2f} ({point['low']:.2f} to "
        f"{point['high']:.2f})"
        for point in points
    ]
    name = _NAMES[curve or _choose(curves)][0]
    return f"{name} curve. {describe_gain_curve(curves, curve)}: {'; '.join(parts)}."


def plot_gain_curve(
    curves: pd.DataFrame,
    *,
    curve: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a curve of gain by share treated, with its band and the zero line.

    Parameters
    ----------
    curves, curve
        See `gain_frame`.
    title : str, optional
        The finding; by default that of `describe_gain_curve`.
    ax : Axes, optional
        Where to draw.
    """
    frame = gain_frame(curves, curve)
    with use_style():
        axes = open_axes(ax, height=3.4)
        axes.axhline(0, color=SOFT, linewidth=1)
        axes.fill_between(
            frame["share"], frame["low"], frame["high"], color=ACCENT, alpha=0.18,
            linewidth=0,
        )  # fmt: skip
        axes.plot(frame["share"], frame["value"], color=ACCENT, linewidth=2)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        finish_axes(
            axes,
            x_label="Share of people given a seat, first in line first (95 % band)",
            y_label="thresholds",
        )
        axes.grid(axis="y", color=LINE, linewidth=0.7)
        axes.annotate(
            _NAMES[curve or _choose(curves)][2], (0.99, 0.97),
            xycoords="axes fraction",
            ha="right", va="top", color=SOFT, fontsize=9.5,
        )  # fmt: skip
        set_title(axes, title or describe_gain_curve(curves, curve))
    return axes


def _choose(curves: pd.DataFrame) -> str:
    """Choose the first curve that is there."""
    there = set(curves["curve"])
    return next((name for name in _NAMES if name in there), "toc")
