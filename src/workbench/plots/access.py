"""Access to learning: each group's uptake against everybody else's, with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from workbench.plots.persona_rows import (
    draw_heads,
    find_height,
    list_places,
    name_rows,
)
from workbench.plots.style import (
    ACCENT,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = ["access_frame", "describe_access", "describe_access_alt", "plot_access"]

_ROW = 0.3
_TICKS = (0.25, 0.5, 1.0, 2.0, 4.0)


def access_frame(access: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of an access table that have an interval, in its order.

    Parameters
    ----------
    access : DataFrame
        ``persona``, ``group_by``, ``group``, ``ratio``, ``ratio_ci_low``,
        ``ratio_ci_high``, ``suppressed``.

    Returns
    -------
    DataFrame
        ``persona``, ``label``, ``ratio``, ``low``, ``high``, ``differs`` (whether the
        interval leaves out 1). Groups that share an attribute with one other group
        show the mirror image of each other, so only the first of two is kept.
    """
    columns = ["persona", "label", "ratio", "low", "high", "differs"]
    shown = access[~access["suppressed"].astype(bool)].dropna(subset=["ratio_ci_low"])
    if shown.empty:
        return pd.DataFrame(columns=columns)
    keys = ["persona", "program", "group_by"]
    size = shown.groupby(keys)["group"].transform("size")
    place = shown.groupby(keys).cumcount()
    shown = shown[(size != 2) | (place == 0)]
    table = pd.DataFrame(
        {
            "persona": shown["persona"],
            "label": shown["group_by"].map(write_label) + ": " + shown["group"],
            "ratio": shown["ratio"],
            "low": shown["ratio_ci_low"],
            "high": shown["ratio_ci_high"],
        }
    ).reset_index(drop=True)
    return table.assign(differs=(table["low"] > 1) | (table["high"] < 1))


def describe_access(access: pd.DataFrame) -> str:
    """Say how many groups had clearly more or less access; the figure's title."""
    frame = access_frame(access)
    if frame.empty:
        return "No group is large enough to compare access"
    differs = int(frame["differs"].sum())
    if not differs:
        return f"No group had clearly more or less access ({len(frame)} compared)"
    return f"{differs} of {len(frame)} groups had clearly more or less access"


def describe_access_alt(access: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    frame = access_frame(access)
    parts = [
        f"{write_label(row.persona)}, {row.label} {row.ratio:.2f}"
        f" ({row.low:.2f} to {row.high:.2f})"
        for row in frame[frame["differs"]].itertuples()
    ]
    listed = "; ".join(parts) if parts else "none"
    return f"{describe_access(access)}. Ratios whose interval leaves out 1: {listed}."


def plot_access(
    access: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
    x_label: str = "Uptake relative to everybody else (95 % interval)",
    ax: Axes | None = None,
) -> Axes:
    """Draw access ratios with their intervals around 1, on a logarithmic axis.

    Parameters
    ----------
    access : DataFrame
        See `access_frame`.
    labels : mapping of str to str, optional
        Names of the personas for readers.
    title : str, optional
        The finding; by default that of `describe_access`.
    x_label : str
        What the ratio is of, and its level.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One row per group, grouped by persona; filled where the interval leaves out 1.
    """
    frame = access_frame(access)
    with use_style():
        places = list_places(frame)
        axes = open_axes(ax, height=find_height(frame, _ROW))
        axes.set_xscale("log")
        axes.axvline(1, color=SOFT, linewidth=1)
        axes.hlines(places, frame["low"], frame["high"], color=ACCENT, linewidth=2)
        faces = [ACCENT if value else "white" for value in frame["differs"]]
        axes.scatter(frame["ratio"], places, c=faces, edgecolors=ACCENT, s=34, zorder=3)
        draw_heads(axes, frame, places, labels)
        name_rows(axes, places, frame["label"])
        axes.set_xticks(_TICKS)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(which="minor", length=0)
        finish_axes(axes, x_label=x_label)
        set_title(axes, title or describe_access(access))
    return axes
