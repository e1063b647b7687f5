"""An experiment over its weekly looks, and how large an effect it could have seen."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from workbench.plots.style import (
    ACCENT,
    BAND,
    CYCLE,
    INK,
    LINE,
    PAPER,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
)

__all__ = [
    "describe_looks",
    "describe_looks_alt",
    "describe_power",
    "describe_power_alt",
    "looks_frame",
    "plot_looks",
    "plot_power",
    "power_frame",
]

_LOOKS = ("day", "n", "value", "low", "high", "fixed_low", "fixed_high", "unit")
_POWER = ("effect", "power", "n", "clusters", "achieved_mde", "planned_effect", "unit")
_TARGET = 80.0
_HEIGHT = 3.9
_WEEK = pd.Timedelta(days=7)


def looks_frame(looks: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure of looks draws.

    Parameters
    ----------
    looks : DataFrame
        One row per look at one outcome: ``day`` (ISO date), ``n`` (people known by
        then), ``estimate``, ``low``, ``high`` (always-valid), ``fixed_low``,
        ``fixed_high`` (valid for one look only). Optional: ``unit``
        (``probability`` is drawn in percentage points).

    Returns
    -------
    DataFrame
        ``day`` (date), ``n``, ``value``, ``low``, ``high``, ``fixed_low``,
        ``fixed_high``, ``unit``; in order of days, looks without estimate left out.
    """
    made = looks.rename(columns={"estimate": "value"}).reindex(columns=_LOOKS)
    made["day"] = pd.to_datetime(made["day"])
    numbers = ["value", "low", "high", "fixed_low", "fixed_high"]
    made = _rescale(made, numbers)
    made = made[made["value"].notna()].sort_values("day", kind="stable")
    return made.reset_index(drop=True)


def describe_looks(looks: pd.DataFrame) -> str:
    """Say when the always-valid interval left out zero; the title of the figure."""
    drawn = looks_frame(looks)
    if drawn.empty:
        return "There was nothing to look at"
    clear = (drawn["low"] > 0) | (drawn["high"] < 0)
    fixed = (drawn["fixed_low"] > 0) | (drawn["fixed_high"] < 0)
    many = f"{len(drawn)} look{'s' if len(drawn) > 1 else ''}"
    if clear.any():
        first = drawn.loc[clear.idxmax(), "day"]
        since = _write_day(first)
        return f"The interval that holds at every look left out zero from {since}"
    early = int(fixed.sum())
    said = f"In {many}, the interval that holds at every look never left out zero"
    if early:
        times = "once" if early == 1 else f"{early} times"
        return f"{said}; the one for a single look did {times}"
    return said


def describe_looks_alt(looks: pd.DataFrame) -> str:
    """Describe the figure of looks for readers who cannot see it."""
    drawn = looks_frame(looks)
    if drawn.empty:
        return "There was nothing to look at."
    last = drawn.iloc[-1]
    unit = f" {last['unit']}" if last["unit"] else ""
    return (
        f"The estimate over {len(drawn)} looks, with an interval that holds at every "
        f"look and one that holds at a single look. {describe_looks(looks)}. At the "
        f"last look, {_write_day(last['day'])}, with {last['n']:,.0f} people: "
        f"{_write(last['value'])}{unit}, {_write(last['low'])} to "
        f"{_write(last['high'])}; for a single look {_write(last['fixed_low'])} to "
        f"{_write(last['fixed_high'])}."
    )


def plot_looks(
    looks: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the estimate over the looks, with both intervals.

    Parameters
    ----------
    looks : DataFrame
        See `looks_frame`.
    title : str, optional
        Default: `describe_looks`.
    ax : Axes, optional
        Axes to draw on; default: a new figure.

    Returns
    -------
    Axes
        The band holds at every look; the dashed lines hold at a single one.
    """
    drawn = looks_frame(looks)
    with use_style():
        ax = open_axes(ax, height=_HEIGHT, left=0.12)
        if len(drawn):
            _draw_looks(ax, drawn)
        else:
            ax.set_axis_off()
        set_title(ax, describe_looks(looks) if title is None else title)
    return ax


def power_frame(power: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure of power draws.

    Parameters
    ----------
    power : DataFrame
        One row per effect: ``effect``, ``power`` (share), ``n``, ``clusters``,
        ``achieved_mde`` (the smallest effect seen with 80 % power, the same in every
        row), ``planned_effect`` (missing if none was registered). Optional: ``unit``.

    Returns
    -------
    DataFrame
        The same columns and ``unit``; ``power`` in per cent, effects from 0 up.
    """
    made = power.reindex(columns=list(_POWER))
    numbers = ["effect", "achieved_mde", "planned_effect"]
    made = _rescale(made, numbers)
    made["power"] = made["power"].astype("float64") * 100
    made = made[made["power"].notna() & made["effect"].notna()]
    return made.sort_values(["n", "effect"], kind="stable").reset_index(drop=True)


def describe_power(power: pd.DataFrame) -> str:
    """Say which effect the experiment could have seen; the title of the figure."""
    drawn = power_frame(power)
    if drawn.empty or math.isnan(float(drawn["achieved_mde"].iloc[0])):
        return "What the experiment could have seen is not known"
    first = drawn.iloc[0]
    unit = f" {first['unit']}" if first["unit"] else ""
    reached, planned = float(first["achieved_mde"]), float(first["planned_effect"])
    said = f"The smallest effect it could well have seen is {_plain(reached)}{unit}"
    if math.isnan(planned):
        return said
    judged = "as planned" if reached <= planned else "more than planned"
    return f"{said}, {judged} ({_plain(planned)})"


def describe_power_alt(power: pd.DataFrame) -> str:
    """Describe the figure of power for readers who cannot see it."""
    drawn = power_frame(power)
    if drawn.empty:
        return "What the experiment could have seen is not known."
    curve = drawn[drawn["n"] == drawn["n"].iloc[0]]
    step = max(len(curve) // 4, 1)
    points = [
        f"{_plain(row.effect)}: {row.power:.0f} %"
        for row in curve.iloc[::step].itertuples()
    ]
    return (
        f"Chance to see an effect, by its size. {describe_power(power)}. "
        f"{'; '.join(points)}."
    )


def plot_power(
    power: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the chance to see an effect by its size, and what was planned and reached.

    Parameters
    ----------
    power : DataFrame
        See `power_frame`.
    title : str, optional
        Default: `describe_power`.
    ax : Axes, optional
        Axes to draw on; default: a new figure.

    Returns
    -------
    Axes
        One curve per number of people; a solid line at the effect that could well have
        been seen, a dashed one at the planned effect.
    """
    drawn = power_frame(power)
    with use_style():
        ax = open_axes(ax, height=_HEIGHT, left=0.12)
        if len(drawn):
            _draw_power(ax, drawn)
        else:
            ax.set_axis_off()
        set_title(ax, describe_power(power) if title is None else title)
    return ax


def _draw_looks(ax: Axes, drawn: pd.DataFrame) -> None:
    day = drawn["day"]
    ax.axhline(0, color=SOFT, linewidth=1)
    ax.fill_between(day, drawn["low"], drawn["high"], color=BAND, linewidth=0)
    for name in ("fixed_low", "fixed_high"):
        ax.plot(day, drawn[name], color=CYCLE[1], lw=1.3, ls=(0, (4, 2)))
    ax.plot(day, drawn["value"], color=ACCENT, lw=2, marker="o", ms=3.5)
    low, high = _find_reach(drawn)
    ax.set_ylim(low, high)
    if len(drawn) == 1:
        ax.set_xlim(day.iloc[0] - _WEEK, day.iloc[0] + _WEEK)
    locator = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(
        ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
    )
    last = f"{drawn['n'].iloc[-1]:,.0f}" if drawn["n"].notna().any() else ""
    counted = f"; {last} people at the last" if last else ""
    finish_axes(ax, x_label=f"day of the look{counted}")
    unit = str(drawn["unit"].iloc[0])
    ax.set_ylabel(f"effect ({unit})" if unit else "effect")
    _finish_grid(ax)
    _write_keys(
        ax,
        (
            ("● estimate", ACCENT),
            ("■ holds at every look", "#4f8f7d"),
            ("-- at one look only", CYCLE[1]),
        ),
    )


def _draw_power(ax: Axes, drawn: pd.DataFrame) -> None:
    for place, (_, curve) in enumerate(drawn.groupby("n", sort=True, dropna=False)):
        colour = CYCLE[place % len(CYCLE)]
        ax.plot(curve["effect"], curve["power"], color=colour, lw=2.2)
    ax.axhline(_TARGET, color=SOFT, lw=1, ls=(0, (2, 2)))
    first = drawn.iloc[0]
    right = float(drawn["effect"].max())
    marks = {"could be seen": first["achieved_mde"], "planned": first["planned_effect"]}
    ends = [float(item) for item in marks.values() if not math.isnan(float(item))]
    right = max([right, *(1.1 * item for item in ends)])
    ax.set_xlim(0, right)
    ax.set_ylim(0, 104)
    _mark_effects(ax, marks, right)
    unit = str(first["unit"])
    finish_axes(ax, x_label=f"true effect ({unit})" if unit else "true effect")
    ax.set_ylabel("chance to see it, %")
    _finish_grid(ax)


def _mark_effects(ax: Axes, marks: Mapping[str, object], right: float) -> None:
    """Mark effects by lines; their names stand apart when they lie close."""
    heights = (8.0, 18.0)
    styles = ("-", (0, (4, 2)))
    colours = (INK, CYCLE[1])
    known = [float(str(item)) for item in marks.values()]
    smaller = min(known)
    each = zip(marks, known, heights, styles, colours, strict=True)
    for name, at, height, style, colour in each:
        if math.isnan(at):
            continue
        ax.axvline(at, ymax=0.96, color=colour, lw=1.4, ls=style)
        late = at > 0.75 * right or (at == smaller and at > 0.3 * right)
        ax.annotate(
            f"{name}: {_plain(at)}",
            (at, height),
            xytext=(-5 if late else 5, 0),
            textcoords="offset points",
            ha="right" if late else "left",
            va="center",
            color=colour,
            fontsize=9.5,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1},
        )


def _write_keys(ax: Axes, *lines: tuple[tuple[str, str], ...]) -> None:
    """Name the series in their colours above the data."""
    top = 0.985
    for line in lines:
        left = 0.01
        for text, colour in line:
            shown = ax.text(
                left,
                top,
                text,
                transform=ax.transAxes,
                va="top",
                color=colour,
                fontsize=9.5,
            )
            box = shown.get_window_extent()
            ends = ax.transAxes.inverted().transform((box.x1, 0.0))
            left = float(ends[0]) + 0.03
        top -= 0.075


def _finish_grid(ax: Axes) -> None:
    ax.grid(axis="x", visible=False)
    ax.grid(axis="y", color=LINE, linewidth=0.7)
    ax.tick_params(axis="y", labelcolor=SOFT)


def _find_reach(drawn: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis: the first, very wide intervals may leave it."""
    last = drawn.iloc[len(drawn) // 3 :]
    ends = last[["low", "high", "fixed_low", "fixed_high"]].to_numpy(dtype="float64")
    inside = [0.0, *ends[np.isfinite(ends)].tolist(), *drawn["value"].tolist()]
    low, high = min(inside), max(inside)
    span = high - low or 1.0
    return low - 0.06 * span, high + 0.22 * span


def _rescale(made: pd.DataFrame, numbers: list[str]) -> pd.DataFrame:
    """Write effects on probabilities in percentage points; name the unit."""
    made = made.assign(unit=made["unit"].astype("object").fillna("").astype("str"))
    share = made["unit"] == "probability"
    factor = np.where(share, 100.0, 1.0)
    made[numbers] = made[numbers].astype("float64").mul(factor, axis=0)
    made.loc[share, "unit"] = "percentage points"
    return made


def _write(value: float) -> str:
    """Write a signed number with two figures and a true minus."""
    return f"{value:+.2g}".replace("-", "−") if value else "0"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}"


def _write_day(day: pd.Timestamp) -> str:
    return f"{day.day} {day:%B %Y}"
