"""The price of equal access: what a path is worth by how equal access must be."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.style import (
    CYCLE,
    LINE,
    PAPER,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = [
    "describe_frontier",
    "describe_frontier_alt",
    "frontier_frame",
    "plot_frontier",
]

_ALL = "all"
_MARKS = ("o", "s", "^", "D", "v", "P", "X")


def frontier_frame(frontier: pd.DataFrame) -> pd.DataFrame:
    """Return the points of the frontier, attribute by attribute.

    Parameters
    ----------
    frontier : DataFrame
        ``attribute``, ``floor`` (lowest ratio between groups' shares that is asked
        for, 0 to 1), ``value``, ``value_low``, ``value_high``, ``price`` (value lost
        against no floor), ``selection_ratio`` (the ratio that is reached).

    Returns
    -------
    DataFrame
        ``attribute``, ``floor``, ``value``, ``low``, ``high``, ``price``, ``reached``,
        from the lowest floor up; rows without a value left out.
    """
    names = {"value_low": "low", "value_high": "high", "selection_ratio": "reached"}
    columns = ["attribute", "floor", "value", "low", "high", "price", "reached"]
    frame = frontier[frontier["value"].notna()].rename(columns=names)[columns]
    place = {name: number for number, name in enumerate(frame["attribute"].unique())}
    return (
        frame.assign(_place=frame["attribute"].map(place))
        .sort_values(["_place", "floor"], kind="stable")
        .drop(columns="_place")
        .reset_index(drop=True)
    )


def describe_frontier(frontier: pd.DataFrame) -> str:
    """Say what the highest floor costs; the figure's title."""
    frame = frontier_frame(frontier)
    if frame.empty:
        return "The price of equal access could not be computed"
    highest = frame[frame["floor"] == frame["floor"].max()]
    worst = highest.loc[highest["price"].fillna(0).idxmax()]
    if not worst["price"] > 0:
        return f"A floor of {worst['floor']:.3g} under equal access costs nothing"
    return (
        f"A floor of {worst['floor']:.3g} by {_name(worst['attribute'])} costs "
        f"{_write(worst['price'])} of {_write(worst['value'] + worst['price'])} a seat"
    )


def describe_frontier_alt(frontier: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    parts = [
        f"{_name(row.attribute)}, floor {row.floor:.3g}: {_write(row.value)}"
        f"{_within(row.low, row.high)}, price {_write(row.price)}"
        for row in frontier_frame(frontier).itertuples()
    ]
    return (
        f"{describe_frontier(frontier)}. Mean per seat by floor: "
        f"{'; '.join(parts) or 'none'}."
    )


def plot_frontier(
    frontier: pd.DataFrame,
    *,
    declared: float | None = None,
    unit: str = "",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw value against the floor under equal access, one line per attribute.

    Parameters
    ----------
    frontier : DataFrame
        See `frontier_frame`.
    declared : float, optional
        The floor that is declared; marked.
    unit : str
        Unit of the value, for the axis.
    title : str, optional
        The finding; by default that of `describe_frontier`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        With bands; lines are told apart by mark and colour.
    """
    frame = frontier_frame(frontier)
    with use_style():
        axes = open_axes(ax, height=3.4)
        for place, (attribute, rows) in enumerate(
            frame.groupby("attribute", sort=False)
        ):
            colour = CYCLE[place % len(CYCLE)]
            axes.fill_between(
                rows["floor"], rows["low"], rows["high"], color=colour, alpha=0.12,
                linewidth=0,
            )  # fmt: skip
            axes.plot(
                rows["floor"], rows["value"], color=colour, linewidth=1.6,
                marker=_MARKS[place % len(_MARKS)], markersize=6,
                label=_name(attribute),
            )  # fmt: skip
        if declared is not None:
            axes.axvline(declared, color=SOFT, linewidth=1, linestyle=":")
        finish_axes(
            axes,
            x_label="Floor: lowest ratio between groups' shares"
            + (" (95 % bands)" if frame["low"].notna().any() else ""),
            y_label=f"{unit} a seat" if unit else "Mean per seat",
        )
        axes.grid(axis="y", color=LINE, linewidth=0.7)
        if len(frame):
            axes.legend(
                labelcolor=SOFT, fontsize=9.5, loc="lower left", facecolor=PAPER,
                edgecolor=PAPER, framealpha=0.85,
            )  # fmt: skip
        set_title(axes, title or describe_frontier(frontier))
    return axes


def _name(attribute: object) -> str:
    return "all at once" if attribute == _ALL else write_label(str(attribute))


def _within(low: float, high: float) -> str:
    if pd.isna(low) or pd.isna(high):
        return ""
    return f" (95 % interval {_write(low)} to {_write(high)})"


def _write(value: float) -> str:
    return f"{value:.2f}"
