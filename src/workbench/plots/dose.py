"""Dose and response: what one more module does, where enough people stopped there."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workbench.plots.style import (
    ACCENT,
    LINE,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
)

__all__ = ["describe_dose", "describe_dose_alt", "dose_frame", "plot_dose"]


def dose_frame(dose: pd.DataFrame) -> pd.DataFrame:
    """Return the effects by number of modules passed, for one outcome.

    Parameters
    ----------
    dose : DataFrame
        ``dose`` (modules passed), ``estimate``, ``ci_low``, ``ci_high``, ``n``, of one
        persona, programme and outcome.

    Returns
    -------
    DataFrame
        ``dose``, ``value``, ``low``, ``high``, ``n``; rows without a number left out.
    """
    names = {"estimate": "value", "ci_low": "low", "ci_high": "high"}
    rows = dose[dose["estimate"].notna()].rename(columns=names)
    frame = rows[["dose", "value", "low", "high", "n"]].sort_values("dose")
    return frame.reset_index(drop=True)


def describe_dose(dose: pd.DataFrame) -> str:
    """Say from how many modules on the effect is clear; the figure's title."""
    frame = dose_frame(dose)
    if frame.empty:
        return "Too few people stopped at different numbers of modules"
    clear = frame[(frame["low"] > 0) | (frame["high"] < 0)]
    if clear.empty:
        return "No number of modules differs clearly from none"
    first = clear.iloc[0]
    way = "more" if first["value"] > 0 else "less"
    modules = "module" if first["dose"] == 1 else "modules"
    return f"Clearly {way} from {first['dose']:.0f} {modules} on"


def describe_dose_alt(dose: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    parts = [
        f"{row.dose:.0f}: {row.value:.2f} ({row.low:.2f} to {row.high:.2f})"
        for row in dose_frame(dose).itertuples()
    ]
    return (
        f"{describe_dose(dose)}. Effect by modules passed, with 95 % intervals: "
        f"{'; '.join(parts) or 'none'}."
    )


def plot_dose(
    dose: pd.DataFrame,
    *,
    unit: str = "",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the effect by number of modules passed, with intervals.

    Parameters
    ----------
    dose : DataFrame
        See `dose_frame`.
    unit : str
        Unit of the effect, for the axis.
    title : str, optional
        The finding; by default that of `describe_dose`.
    ax : Axes, optional
        Where to draw.
    """
    frame = dose_frame(dose)
    with use_style():
        axes = open_axes(ax, height=3.2)
        axes.axhline(0, color=SOFT, linewidth=1)
        axes.vlines(frame["dose"], frame["low"], frame["high"], color=ACCENT, lw=2)
        clear = (frame["low"] > 0) | (frame["high"] < 0)
        faces = [ACCENT if value else "white" for value in clear]
        axes.scatter(
            frame["dose"], frame["value"], c=faces, edgecolors=ACCENT, s=44, zorder=3
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        finish_axes(
            axes,
            x_label="Modules passed (95 % intervals)",
            y_label=f"Effect in {unit}" if unit else "Effect",
        )
        axes.grid(axis="y", color=LINE, linewidth=0.7)
        set_title(axes, title or describe_dose(dose))
    return axes
