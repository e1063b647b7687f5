"""Curves of learners and matched others over time, with numbers at risk below."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.style import (
    CYCLE,
    INK,
    LINE,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
)

__all__ = [
    "describe_survival",
    "describe_survival_alt",
    "plot_survival",
    "survival_frame",
]

_COLUMNS = (
    "cause",
    "kind",
    "arm",
    "time",
    "value",
    "low",
    "high",
    "band_low",
    "band_high",
    "at_risk",
    "horizon",
    "extrapolated",
)
_ARMS = {"learners": ("learners", CYCLE[0]), "others": ("matched others", CYCLE[1])}
_PANEL = 3.1
_MONTH = 365.25 / 12
_LONG = 270.0
_WHOLE = 0.12
_NEAR = 0.15


def survival_frame(curves: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure draws.

    Parameters
    ----------
    curves : DataFrame
        Curves of one programme and outcome: ``arm`` (learners, others), ``cause``,
        ``kind`` (``survival``: share to whom it did not happen; ``incidence``: share to
        whom it did), ``time`` (days since the landmark), ``estimate``, ``low``,
        ``high`` (shares; missing where too few people are left), ``at_risk`` (missing
        where it is not given), ``horizon`` (days), ``extrapolated``. Optional:
        ``band_low``, ``band_high`` (a band that holds the whole curve).

    Returns
    -------
    DataFrame
        ``cause``, ``kind``, ``arm``, ``time``, ``value``, ``low``, ``high``,
        ``band_low``, ``band_high`` (per cent), ``at_risk``, ``horizon``,
        ``extrapolated``; causes and arms in the order of the
        table, rows without a value left out, so that a curve ends where its table does.
    """
    made = curves.rename(columns={"estimate": "value"}).reindex(columns=_COLUMNS)
    numbers = ["value", "low", "high", "band_low", "band_high"]
    made[numbers] = made[numbers].astype("float64") * 100
    made["at_risk"] = made["at_risk"].astype("Float64")
    made["extrapolated"] = made["extrapolated"].astype("boolean").fillna(False)
    places = {
        name: {item: place for place, item in enumerate(made[name].unique())}
        for name in ("cause", "arm")
    }
    made["_cause"] = made["cause"].map(places["cause"])
    made["_arm"] = made["arm"].map(places["arm"])
    made = made[made["value"].notna()]
    made = made.sort_values(["_cause", "_arm", "time"], kind="stable")
    return made[list(_COLUMNS)].reset_index(drop=True)


def describe_survival(curves: pd.DataFrame) -> str:
    """Say what share of either arm stayed, or to whom it happened; the title.

    The first cause speaks. Where a curve ends before the horizon, the shares are those
    of the last day on which both are known, and that is said.
    """
    drawn = survival_frame(curves)
    if drawn.empty:
        return "Nobody could be followed for long enough"
    cause = drawn["cause"].iloc[0]
    first = drawn[(drawn["cause"] == cause) & ~drawn["extrapolated"]]
    ends = first.groupby("arm")["time"].max()
    if len(ends) < 2:
        return f"Only {_name_arm(str(ends.index[0]))} could be followed"
    last, horizon = float(ends.min()), float(first["horizon"].iloc[0])
    at = first[first["time"] == last].set_index("arm")["value"]
    shares = [f"{_write(at[arm])} of {_name_arm(arm)}" for arm in at.index]
    when = _write_span(last, first)
    if str(first["kind"].iloc[0]) == "survival":
        said = f"After {when}, {shares[0]} and {shares[1]} had stayed"
    else:
        said = f"{_capitalise(str(cause))} within {when}: {shares[0]}, {shares[1]}"
    if last < horizon:
        said += f"; too few were followed to {_write_span(horizon, first)}"
    return said


def describe_survival_alt(curves: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    drawn = survival_frame(curves)
    if drawn.empty:
        return "Nobody could be followed for long enough."
    parts = []
    for (cause, kind), panel in drawn.groupby(["cause", "kind"], sort=False):
        head = f"not {cause}" if kind == "survival" else str(cause)
        marked = panel[panel["at_risk"].notna()]
        told = [
            f"{_name_arm(str(arm))} "
            + ", ".join(
                f"{_write(row.value)} ({_write(row.low)} to {_write(row.high)}) "
                f"at {row.time:.0f} days with {row.at_risk:.0f} people"
                for row in rows.itertuples()
            )
            for arm, rows in marked.groupby("arm", sort=False)
        ]
        parts.append(f"{head}: {'; '.join(told)}")
    return (
        "Step curves of learners and matched others with pointwise intervals, and the "
        f"number of people still followed. {describe_survival(curves)}. "
        f"{'. '.join(parts)}."
    )


def plot_survival(
    curves: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the curves of both arms, their bands, and who is still followed.

    Parameters
    ----------
    curves : DataFrame
        See `survival_frame`.
    title : str, optional
        Default: `describe_survival`.
    ax : Axes, optional
        Axes to draw on; default: a new figure.

    Returns
    -------
    Axes
        Dark: pointwise intervals; pale: a band for the whole curve. With several causes
        the axes hold one inner panel each and have no marks of their own. What is
        extrapolated is dotted and has no band.
    """
    drawn = survival_frame(curves)
    causes = list(drawn["cause"].unique())
    with use_style():
        ax = open_axes(ax, height=1.5 + _PANEL * max(len(causes), 1), left=0.14)
        panels = _split(ax, len(causes))
        for panel, cause in zip(panels, causes, strict=True):
            rows = drawn[drawn["cause"] == cause]
            _draw_panel(panel, rows, small=len(causes) > 1)
            if len(causes) > 1:
                _head_panel(panel, rows)
        for panel in panels[:-1]:
            panel.set_xlabel("")
        if panels:
            _write_counts(panels[-1], drawn[drawn["cause"] == causes[0]])
        else:
            ax.set_axis_off()
        set_title(ax, describe_survival(curves) if title is None else title)
    return ax


def _split(ax: Axes, count: int) -> list[Axes]:
    """Return the axes themselves, or inner ones below each other."""
    if count < 2:
        return [ax] * count
    ax.set_axis_off()
    share = 1 / count
    return [
        ax.inset_axes((0.0, 1 - (place + 1) * share + 0.06, 1.0, share - 0.12))
        for place in range(count)
    ]


def _draw_panel(ax: Axes, rows: pd.DataFrame, *, small: bool) -> None:
    horizon = float(rows["horizon"].iloc[0])
    for arm, part in rows.groupby("arm", sort=False):
        _draw_arm(ax, part, _ARMS.get(str(arm), (str(arm), INK))[1])
    bottom, top = _find_reach(rows)
    ax.set_xlim(0, horizon)
    ax.set_ylim(bottom, top)
    _label_ends(ax, rows, horizon, span=top - bottom, small=small)
    ticks = _list_marks(rows)
    ax.set_xticks(ticks, [_write_tick(tick, ticks) for tick in ticks])
    unit = "months" if _in_months(ticks) else "days"
    finish_axes(ax, x_label=f"{unit} since the end of the quarter of learning")
    kept = str(rows["kind"].iloc[0]) == "survival"
    cut = f"\n(axis from {bottom:.0f} %)" if bottom > 0 else ""
    ax.set_ylabel(f"{'still there' if kept else 'to whom it happened'}, %{cut}")
    ax.grid(axis="x", visible=False)
    ax.grid(axis="y", color=LINE, linewidth=0.7)
    ax.tick_params(axis="y", labelcolor=SOFT)


def _draw_arm(ax: Axes, part: pd.DataFrame, colour: str) -> None:
    guessed = part["extrapolated"].to_numpy(dtype=bool)
    seen = part[~guessed]
    for low, high, shade in (("band_low", "band_high", 0.08), ("low", "high", 0.14)):
        ax.fill_between(
            seen["time"],
            seen[low],
            seen[high],
            step="post",
            color=colour,
            alpha=shade,
            linewidth=0,
        )
    ax.step(seen["time"], seen["value"], where="post", color=colour, lw=2.2)
    if guessed.any():
        ax.plot(
            part.loc[guessed, "time"],
            part.loc[guessed, "value"],
            color=colour,
            lw=1.6,
            ls=(0, (1, 2)),
        )


def _label_ends(
    ax: Axes, rows: pd.DataFrame, horizon: float, *, span: float, small: bool
) -> None:
    """Name the curves at their ends, apart where they end close to each other."""
    between = "\N{NO-BREAK SPACE}" if small else "\n"
    last = rows.groupby("arm", sort=False).tail(1).sort_values("value")
    heights = last["value"].to_numpy(dtype="float64").copy()
    for place in range(1, len(heights)):
        heights[place] = max(heights[place], heights[place - 1] + _NEAR * span)
    over = max(heights.max(initial=-math.inf) - (ax.get_ylim()[1] - 0.03 * span), 0.0)
    for height, row in zip(heights - over, last.itertuples(), strict=True):
        name, colour = _ARMS.get(str(row.arm), (str(row.arm), INK))
        ax.annotate(
            f"{_write(row.value)}{between}{name}",
            (1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=9.5,
            fontweight="bold",
            annotation_clip=False,
        )
        if row.time < horizon:
            ax.plot([row.time], [row.value], "|", ms=9, mew=1.6, color=colour)


def _head_panel(ax: Axes, rows: pd.DataFrame) -> None:
    cause = str(rows["cause"].iloc[0])
    kept = str(rows["kind"].iloc[0]) == "survival"
    ax.set_title(
        f"Not {cause}" if kept else _capitalise(cause), loc="left", fontsize=10.5, pad=6
    )


def _write_counts(ax: Axes, rows: pd.DataFrame) -> None:
    """Write below the axis how many of each arm are still followed."""
    marked = rows[rows["at_risk"].notna()]
    if marked.empty:
        return
    _write_below(ax, 0.0, 0, "still followed", SOFT, left=True)
    for line, (arm, part) in enumerate(marked.groupby("arm", sort=False), start=1):
        name, colour = _ARMS.get(str(arm), (str(arm), INK))
        _write_below(ax, 0.0, line, name.removeprefix("matched "), colour, left=True)
        for row in part.itertuples():
            _write_below(ax, float(row.time), line, f"{row.at_risk:,.0f}", colour)


def _write_below(
    ax: Axes, time: float, line: int, text: str, colour: str, *, left: bool = False
) -> None:
    ax.annotate(
        text,
        (0.0 if left else time, 0.0),
        xycoords=("axes fraction" if left else "data", "axes fraction"),
        xytext=(-16 if left else 0, -46 - 15 * line),
        textcoords="offset points",
        ha="right" if left else "center",
        va="top",
        color=colour,
        fontsize=9.5,
        annotation_clip=False,
    )


def _find_reach(rows: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis: never beyond 0 and 100, in whole fives."""
    low = rows[["value", "low", "band_low"]].min(axis=None, skipna=True)
    high = rows[["value", "high", "band_high"]].max(axis=None, skipna=True)
    if str(rows["kind"].iloc[0]) == "survival":
        return max(0.0, 5 * math.floor(low / 5 - 0.2)), 100.0
    return 0.0, min(100.0, max(5.0, 5 * math.ceil(high / 5 + 0.2)))


def _list_marks(rows: pd.DataFrame) -> list[float]:
    """Return the days with numbers at risk, and the horizon."""
    horizon = float(rows["horizon"].iloc[0])
    marks = rows.loc[rows["at_risk"].notna(), "time"].astype("float64")
    found = {*marks.tolist(), 0.0, horizon}
    known = sorted(found)
    quarters = np.round(np.linspace(0, horizon, 5)).tolist()
    return known if len(known) > 2 else quarters


def _in_months(ticks: Sequence[float]) -> bool:
    """Tell whether the marks fall on whole months of a long time."""
    months = np.asarray(ticks) / _MONTH
    whole = bool((np.abs(months - np.round(months)) < _WHOLE).all())
    return max(ticks) >= _LONG and whole


def _write_tick(tick: float, ticks: Sequence[float]) -> str:
    return f"{round(tick / _MONTH) if _in_months(ticks) else tick:.0f}"


def _write_span(days: float, rows: pd.DataFrame) -> str:
    """Write a time as the axis counts it."""
    months = days / _MONTH
    if _in_months(_list_marks(rows)) and abs(months - round(months)) < _WHOLE:
        return f"{round(months)} months"
    return f"{days:,.0f} days"


def _name_arm(arm: str) -> str:
    return _ARMS.get(arm, (arm, ""))[0]


def _write(value: float) -> str:
    return f"{value:.0f} %"


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]
