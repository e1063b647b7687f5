"""What a hidden cause as strong as each covariate would leave of an effect."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.style import (
    ACCENT,
    BAND,
    INK,
    MUTED,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = [
    "describe_sensitivity",
    "describe_sensitivity_alt",
    "plot_sensitivity",
    "sensitivity_frame",
]

_MAX_ROWS = 7
_FAR = 10.0
_STEP = 0.2
_COLOURS: Mapping[float, str] = {1.0: ACCENT, 2.0: "#b5541a", 3.0: MUTED}
_COLUMNS = ("name", "times", "value", "low", "high", "breaking")


def sensitivity_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure draws.

    Parameters
    ----------
    table : DataFrame
        ``sensitivity`` table of one programme and outcome: ``kind``, ``name``,
        ``strength``, ``estimate``, ``ci_low``, ``ci_high``, ``unit``.

    Returns
    -------
    DataFrame
        ``name`` (covariate; empty for the estimate as it is), ``times`` (0 for it),
        ``value``, ``low``, ``high`` (probabilities in percentage points), ``breaking``
        (multiple at which the interval holds 0). The covariate whose like would take
        most comes first.
    """
    factor = 100.0 if (table["unit"] == "probability").any() else 1.0
    rows = table[table["kind"].isin(["headline", "benchmark"])]
    limits = table[table["kind"] == "breaking"].set_index("name")["strength"]
    frame = pd.DataFrame(
        {
            "name": rows["name"].astype("str"),
            "times": rows["strength"].astype("float64"),
            "value": rows["estimate"] * factor,
            "low": rows["ci_low"] * factor,
            "high": rows["ci_high"] * factor,
            "breaking": rows["name"].map(limits).astype("float64"),
        }
    )
    return frame[list(_COLUMNS)].reset_index(drop=True)


def describe_sensitivity(table: pd.DataFrame) -> str:
    """Say how strong a hidden cause would have to be; the title of the figure."""
    frame = sensitivity_frame(table)
    own, moved = frame[frame["times"] == 0], frame[frame["times"] > 0]
    if own.empty or moved.empty:
        return "There is no covariate to compare a hidden cause with"
    if own["low"].iloc[0] <= 0 <= own["high"].iloc[0]:
        return "The interval holds 0 as it is: no hidden cause is needed"
    name = write_label(moved["name"].iloc[0])
    times = float(moved["breaking"].iloc[0])
    if times > _FAR:
        return f"Not even a hidden cause ten times as strong as {name} would undo it"
    if times > 1:
        return f"A hidden cause {times:.1f} times as strong as {name} would undo it"
    return f"Fragile: a hidden cause {times:.1f} times as strong as {name} undoes it"


def describe_sensitivity_alt(table: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    frame = sensitivity_frame(table)
    own = frame[frame["times"] == 0]
    if own.empty:
        return "No hidden cause was compared."
    once = frame[frame["times"] == 1]
    shown = once.head(3)
    parts = [
        f"{write_label(name)} {_write_interval(value, low, high)}"
        for name, value, low, high in shown[
            ["name", "value", "low", "high"]
        ].itertuples(index=False)
    ]
    first = own.iloc[0]
    estimate = _write_interval(first["value"], first["low"], first["high"])
    return (
        f"Dot plot in {_name_unit(table)} of the effect left if a hidden cause were 1, "
        f"2 or 3 times as strong as each of {len(once)} covariates. The estimate is "
        f"{estimate}; left by a cause as strong as {'; '.join(parts) or 'none'}. "
        f"{describe_sensitivity(table)}."
    )


def plot_sensitivity(
    table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the effect left by hidden causes as strong as each covariate.

    Parameters
    ----------
    table : DataFrame
        See `sensitivity_frame`.
    title : str, optional
        Default: `describe_sensitivity`.
    ax : Axes, optional
        Axes to draw on; default: a new figure.

    Returns
    -------
    Axes
        The estimate and its interval as a line and a band; per covariate, up to seven,
        three points with intervals (once, twice, three times as strong), and at the
        right the multiple that brings the interval to 0. Points further past 0 than
        the estimate reaches are arrows at the edge; a point that no cause can reach is
        left out.
    """
    frame = sensitivity_frame(table)
    own, moved = frame[frame["times"] == 0], frame[frame["times"] > 0]
    names = list(dict.fromkeys(moved["name"]))
    shown = names[:_MAX_ROWS]
    drawn = moved[moved["name"].isin(shown)]
    with use_style():
        ax = open_axes(ax, height=1.9 + 0.5 * max(len(shown), 2), left=0.25, right=0.8)
        for low, high, value in own[["low", "high", "value"]].itertuples(index=False):
            ax.axvspan(low, high, color=BAND, linewidth=0)
            ax.axvline(value, color=ACCENT, linewidth=1, linestyle=(0, (4, 3)))
        ax.axvline(0, color=SOFT, linewidth=1)
        ends = _find_reach(own, drawn)
        ax.set_xlim(*ends)
        for place, name in enumerate(shown):
            _draw_cause(ax, place, drawn[drawn["name"] == name], ends)
        ax.set_yticks(range(len(shown)), [write_label(name) for name in shown])
        ax.set_ylim(max(len(shown), 1) - 0.4, -0.75)
        _label_points(ax, drawn, shown)
        more = len(names) - len(shown)
        note = f"\n{more} weaker covariates are not shown" if more > 0 else ""
        label = f"effect left, {_name_unit(table)}; band: the estimate as it is{note}"
        finish_axes(ax, x_label=label)
        set_title(ax, describe_sensitivity(table) if title is None else title)
    return ax


def _draw_cause(
    ax: Axes, place: int, rows: pd.DataFrame, ends: tuple[float, float]
) -> None:
    """Draw the three points of one covariate and the multiple beside them."""
    for times, value, low, high in rows[["times", "value", "low", "high"]].itertuples(
        index=False
    ):
        if math.isnan(value):
            continue
        height = place + _STEP * (times - 2)
        colour = _COLOURS[times]
        if not ends[0] < value < ends[1]:
            edge, mark = (ends[0], "<") if value <= ends[0] else (ends[1], ">")
            ax.plot(edge, height, mark, ms=6, color=colour, clip_on=False)
            continue
        ax.hlines(height, low, high, color=colour, linewidth=2)
        ax.plot(value, height, "o", ms=6 if times == 1 else 5, color=colour)
    ax.annotate(
        _write_times(float(rows["breaking"].iloc[0])),
        (1, place),
        xycoords=("axes fraction", "data"),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        color=INK,
        fontsize=9.5,
        annotation_clip=False,
    )


def _label_points(ax: Axes, drawn: pd.DataFrame, shown: list[str]) -> None:
    """Name the kinds of point above the first row, and the column at the right."""
    if not shown:
        return
    first = drawn[drawn["name"] == shown[0]].dropna(subset=["value"])
    for position, times in enumerate(first["times"]):
        ax.annotate(
            f"{times:g}×" + (" as strong" if position == len(first) - 1 else ""),
            (0, 1),
            xycoords="axes fraction",
            xytext=(4 + 28 * position, -3),
            textcoords="offset points",
            va="top",
            color=_COLOURS[times],
            fontsize=9.5,
        )
    ax.annotate(
        "holds 0 at",
        (1, 1),
        xycoords="axes fraction",
        xytext=(8, -3),
        textcoords="offset points",
        va="top",
        color=SOFT,
        fontsize=9.5,
        annotation_clip=False,
    )


def _find_reach(own: pd.DataFrame, drawn: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis: no further past 0 than the estimate reaches."""
    far = own[["low", "high"]].abs().to_numpy(dtype="float64").max(initial=0.0)
    reach = pd.concat([own, drawn])[["low", "high"]].to_numpy(dtype="float64")
    kept = np.clip(reach[np.isfinite(reach)], -far, far)
    ends = [0.0, *kept.tolist()]
    pad = 0.06 * (max(ends) - min(ends) or 1.0)
    return min(ends) - pad, max(ends) + pad


def _write_times(times: float) -> str:
    if times == 0:
        return "as it is"
    if times > _FAR:
        return "more than 10×"
    return f"{times:.1f}×"


def _write_interval(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return "impossible"
    return f"{value:.3g} ({low:.3g} to {high:.3g})"


def _name_unit(table: pd.DataFrame) -> str:
    unit = str(table["unit"].iloc[0]) if len(table) else ""
    return (
        "percentage points" if unit == "probability" else unit or "the outcome's unit"
    )
