"""The event study: the effect by quarter before and after learning."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workbench.plots.event_words import (
    describe_change,
    judge_before,
    name_outcome,
    write_number,
    write_time,
)
from workbench.plots.style import (
    BAND,
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
    "SERIES_LABELS",
    "describe_event_study",
    "describe_event_study_alt",
    "event_study_frame",
    "plot_event_study",
]

SERIES_LABELS: Mapping[str, str] = {
    "did_cs": "group-time",
    "did_cs_never": "never-learners only",
    "did_cs_earlier": "earlier base",
    "did_event_study": "two-way regression",
    "did_twfe": "two-way regression",
    "did_sun_abraham": "Sun-Abraham",
}
"""Names of the series for readers, the headline first."""

_COLUMNS = (
    "outcome",
    "unit",
    "method",
    "event_time",
    "value",
    "low",
    "high",
    "band_low",
    "band_high",
    "reference",
    "focus",
    "n_treated",
)
_NUMBERS = ("value", "low", "high", "band_low", "band_high")
_APART = 0.17
_PANEL = 3.6
_CROWDED = 12


def event_study_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure draws.

    Parameters
    ----------
    frame : DataFrame
        One row per series and event time. ``method`` (the series, such as ``did_cs``),
        ``event_time`` (whole quarters since the quarter of learning), ``estimate``,
        ``ci_low``, ``ci_high`` (pointwise), ``reference`` (the quarter that others are
        measured from; its estimate is 0; a series without one shows, before learning,
        changes from each quarter to the next, and the axis says so). Optional:
        ``band_low``, ``band_high`` (simultaneous over all event times, missing where a
        method has none),
        ``n_treated`` (learners behind the estimate), ``outcome`` (one panel each),
        ``unit`` (``probability`` is drawn in percentage points), ``focus`` (true at
        the event time of the headline; default: one quarter after learning, or the
        last one before that).

    Returns
    -------
    DataFrame
        ``outcome``, ``unit``, ``method``, ``event_time``, ``value``, ``low``, ``high``,
        ``band_low``, ``band_high``, ``reference``, ``focus``, ``n_treated``; outcomes
        in the order of the table, series in that of `SERIES_LABELS`, estimates that
        could not be made left out.
    """
    made = frame.rename(
        columns={"estimate": "value", "ci_low": "low", "ci_high": "high"}
    )
    made = made.reindex(columns=[name for name in _COLUMNS if name != "focus"])
    for name in ("outcome", "unit"):
        made[name] = made[name].astype("object").fillna("").astype("str")
    made["reference"] = made["reference"].fillna(False).astype(bool)
    share = made["unit"] == "probability"
    factor = np.where(share, 100.0, 1.0)
    made[list(_NUMBERS)] = made[list(_NUMBERS)].astype("float64").mul(factor, axis=0)
    made.loc[share, "unit"] = "percentage points"
    made["n_treated"] = made["n_treated"].astype("float64")
    made["focus"] = _find_focus(frame, made)
    order = {name: place for place, name in enumerate(SERIES_LABELS)}
    outcomes = {name: place for place, name in enumerate(made["outcome"].unique())}
    made["_outcome"] = made["outcome"].map(outcomes)
    made["_method"] = made["method"].map(order).fillna(len(order))
    made = made[made["value"].notna()].astype({"event_time": "int64"})
    made = made.sort_values(["_outcome", "_method", "method", "event_time"])
    return made[list(_COLUMNS)].reset_index(drop=True)


def describe_event_study(
    frame: pd.DataFrame, *, labels: Mapping[str, str] | None = None
) -> str:
    """Say what changed and whether it had begun before; the title of the figure.

    The first series speaks; where only others show a trend before learning, that is
    said. The event time in focus is judged by its own interval, the
    quarters before learning together: by the simultaneous bands, or by Bonferroni's
    rule where there are none.
    """
    drawn = event_study_frame(frame)
    if drawn.empty:
        return "No comparison over time could be made"
    panels = {
        name_outcome(str(name), labels): panel
        for name, panel in drawn.groupby("outcome", sort=False)
    }
    changes = [describe_change(panel, name) for name, panel in panels.items()]
    before = [judge_before(panel) for panel in panels.values()]
    if len(set(before)) == 1:
        return "; ".join([*changes, before[0]])
    each = zip(changes, before, strict=True)
    return "; ".join(f"{change} ({word})" for change, word in each)


def describe_event_study_alt(
    frame: pd.DataFrame, *, labels: Mapping[str, str] | None = None
) -> str:
    """Describe the figure for readers who cannot see it."""
    drawn = event_study_frame(frame)
    if drawn.empty:
        return "No comparison over time could be made."
    parts = []
    for name, panel in drawn.groupby("outcome", sort=False):
        first = panel[panel["method"] == panel["method"].iloc[0]]
        points = [
            f"{write_time(row.event_time)} {write_number(row.value)}"
            f" ({write_number(row.low)} to {write_number(row.high)})"
            for row in first[~first["reference"]].itertuples()
        ]
        title = name_outcome(str(name), labels)
        head = ", ".join(part for part in (title, first["unit"].iloc[0]) if part)
        parts.append(f"{head + ': ' if head else ''}{'; '.join(points)}")
    series = drawn["method"].nunique()
    return (
        f"Effect by quarter since learning, {series} "
        f"{'methods' if series > 1 else 'method'}, pointwise intervals. "
        f"{describe_event_study(frame, labels=labels)}. "
        f"{'. '.join(parts)}."
    )


def plot_event_study(
    frame: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the effect by quarter since learning, the time before it shaded.

    Parameters
    ----------
    frame : DataFrame
        See `event_study_frame`.
    labels : mapping, optional
        Outcome id to label.
    title : str, optional
        Default: `describe_event_study`.
    ax : Axes, optional
        Axes to draw on; default: a new figure.

    Returns
    -------
    Axes
        Thick lines are pointwise intervals, thin ones simultaneous bands; the reference
        quarter is a hollow diamond. With several outcomes the axes hold one inner panel
        each and have no marks of their own.
    """
    drawn = event_study_frame(frame)
    names = list(drawn["outcome"].unique())
    with use_style():
        ax = open_axes(ax, height=0.8 + _PANEL * max(len(names), 1), left=0.12)
        panels = _split(ax, len(names))
        for panel, name in zip(panels, names, strict=True):
            rows = drawn[drawn["outcome"] == name]
            _draw_panel(panel, rows)
            if len(names) > 1:
                panel.set_title(
                    name_outcome(name, labels), loc="left", fontsize=10.5, pad=6
                )
        for panel in panels[:-1]:
            panel.set_xlabel("")
        set_title(
            ax, describe_event_study(frame, labels=labels) if title is None else title
        )
    return ax


def _split(ax: Axes, count: int) -> list[Axes]:
    """Return the axes themselves, or inner ones below each other."""
    if count < 2:
        return [ax] * count
    ax.set_axis_off()
    share = 1 / count
    return [
        ax.inset_axes((0.0, 1 - (place + 1) * share + 0.07, 1.0, share - 0.14))
        for place in range(count)
    ]


def _draw_panel(ax: Axes, rows: pd.DataFrame) -> None:
    unit = str(rows["unit"].iloc[0])
    series = list(rows["method"].unique())
    times = rows["event_time"]
    first, last = int(times.min()), int(times.max())
    low, high = _find_reach(rows)
    ax.axvspan(first - 0.6, -0.5, color=BAND, alpha=0.6, linewidth=0)
    ax.axhline(0, color=SOFT, linewidth=1)
    ax.axvline(-0.5, ymax=0.91, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    for place, method in enumerate(series):
        shift = _APART * (place - (len(series) - 1) / 2)
        part = rows[rows["method"] == method]
        _draw_series(ax, part, shift, CYCLE[place % len(CYCLE)], main=place == 0)
    ax.set_xlim(first - 0.6, last + 0.6)
    ax.set_ylim(low - 0.16 * (high - low), high + 0.2 * (high - low))
    counted = "; below, learners" if rows["n_treated"].notna().any() else ""
    based = rows.groupby("method")["reference"].any()
    free = [
        SERIES_LABELS.get(name, write_label(name)) for name in series if not based[name]
    ]
    note = f"\n{' and '.join(free)} before learning: change on the quarter before"
    x_label = f"quarters since the quarter of learning{counted}{note if free else ''}"
    finish_axes(ax, x_label=x_label)
    ax.set_ylabel(f"effect ({unit})" if unit else "effect")
    ax.grid(axis="x", visible=False)
    ax.grid(axis="y", color=LINE, linewidth=0.7)
    ax.yaxis.set_major_locator(MaxNLocator(6))
    ax.tick_params(axis="y", labelcolor=SOFT)
    _label_times(ax, rows[rows["method"] == series[0]], first, last)
    _label_series(ax, series, before=-0.5 - (first - 0.6), span=last - first + 1.2)


def _draw_series(
    ax: Axes, part: pd.DataFrame, shift: float, colour: str, *, main: bool
) -> None:
    made, base = part[~part["reference"]], part[part["reference"]]
    place = made["event_time"] + shift
    ax.vlines(place, made["band_low"], made["band_high"], color=colour, lw=1)
    ax.vlines(
        place, made["low"], made["high"], color=colour, lw=3.2 if main else 2, alpha=0.9
    )
    ax.plot(place, made["value"], "o", ms=7 if main else 5, color=colour, ls="")
    ax.plot(
        base["event_time"] + shift,
        base["value"],
        "D",
        ms=6.5 if main else 5,
        mfc=PAPER,
        mec=colour,
        mew=1.6,
        ls="",
    )


def _label_times(ax: Axes, part: pd.DataFrame, first: int, last: int) -> None:
    """Name the quarters, and how many learners each estimate stands on."""
    counts = part.set_index("event_time")["n_treated"]
    ticks = list(range(first, last + 1))
    every = 1 if len(ticks) <= _CROWDED else 2
    texts = []
    for place, tick in enumerate(ticks):
        n = counts.get(tick, np.nan) if place % every == 0 else np.nan
        texts.append(write_time(tick) + (f"\n{n:.0f}" if np.isfinite(n) else ""))
    ax.set_xticks(ticks, texts)
    ax.tick_params(axis="x", labelsize=9.5 if len(ticks) <= 9 else 8.5)


def _label_series(ax: Axes, series: list[str], *, before: float, span: float) -> None:
    """Name the two sides of time zero below, and the series in their colours above."""
    for text, side in ((" after", "left"), ("before ", "right")):
        ax.text(
            before / span,
            0.015,
            text,
            transform=ax.transAxes,
            ha=side,
            va="bottom",
            color=SOFT,
            fontsize=9.5,
        )
    if len(series) < 2:
        return
    left = 0.01
    for place, method in enumerate(series):
        shown = ax.text(
            left,
            0.985,
            f"● {SERIES_LABELS.get(method, write_label(method))}",
            transform=ax.transAxes,
            va="top",
            color=CYCLE[place % len(CYCLE)],
            fontsize=9.5,
            fontweight="bold" if place == 0 else "normal",
        )
        box = shown.get_window_extent()
        left = float(ax.transAxes.inverted().transform((box.x1, 0.0))[0]) + 0.03


def _find_reach(rows: pd.DataFrame) -> tuple[float, float]:
    ends = rows[list(_NUMBERS)].to_numpy(dtype="float64")
    inside = [0.0, *ends[np.isfinite(ends)].tolist()]
    low, high = min(inside), max(inside)
    return (low, high) if high > low else (-1.0, 1.0)


def _find_focus(frame: pd.DataFrame, made: pd.DataFrame) -> pd.Series:
    if "focus" in frame:
        return frame["focus"].fillna(False).astype(bool)
    after = made.loc[made["value"].notna() & made["event_time"].between(0, 1)]
    return made["event_time"] == (after["event_time"].max() if len(after) else 0)
