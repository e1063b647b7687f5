"""Effects by group as a forest, the differences between groups below them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.style import (
    ACCENT,
    CYCLE,
    INK,
    PAPER,
    SOFT,
    finish_axes,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = [
    "describe_subgroups",
    "describe_subgroups_alt",
    "plot_subgroups",
    "subgroup_frame",
]

_GAP = CYCLE[1]
_COLUMNS = (
    "attribute",
    "kind",
    "label",
    "value",
    "low",
    "high",
    "clear",
    "hidden",
    "n_treated",
    "n_control",
)


def subgroup_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure draws.

    Parameters
    ----------
    table : DataFrame
        Effects by group of one programme and outcome: ``kind`` (effect, difference),
        ``attribute``, ``group``, ``reference``, ``estimate``, ``ci_low``, ``ci_high``,
        ``p_adjusted``, ``n_treated``, ``n_control``, ``suppressed``, ``unit``,
        ``level``.

    Returns
    -------
    DataFrame
        ``attribute``, ``kind``, ``label``, ``value``, ``low``, ``high`` (probabilities
        in percentage points), ``clear`` (a difference whose adjusted p is below one
        less the level), ``hidden``, ``n_treated``, ``n_control``.
    """
    factor = 100.0 if (table["unit"] == "probability").any() else 1.0
    gap = table["kind"] == "difference"
    label = table["group"].where(~gap, table["group"] + " less " + table["reference"])
    frame = pd.DataFrame(
        {
            "attribute": table["attribute"],
            "kind": table["kind"],
            "label": label,
            "value": table["estimate"] * factor,
            "low": table["ci_low"] * factor,
            "high": table["ci_high"] * factor,
            "clear": gap & (table["p_adjusted"] < 1 - table["level"]),
            "hidden": table["suppressed"].astype(bool),
            "n_treated": table["n_treated"],
            "n_control": table["n_control"],
        }
    )
    return frame[list(_COLUMNS)].reset_index(drop=True)


def describe_subgroups(table: pd.DataFrame) -> str:
    """Say whether effects differ between groups; the title of the figure."""
    frame = subgroup_frame(table)
    gaps = frame[(frame["kind"] == "difference") & frame["value"].notna()]
    if gaps.empty:
        return "No two groups are large enough to compare"
    clear = gaps[gaps["clear"]]
    if len(clear):
        named = [
            f"{row.label} {_write(row.value, row.high - row.low)}"
            for row in clear.itertuples()
        ]
        return f"The effect differs between groups: {', '.join(named)}"
    names = [write_label(name) for name in gaps["attribute"].unique()]
    return f"No difference by {_join(names)} can be told from chance"


def describe_subgroups_alt(table: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    frame = subgroup_frame(table)
    shown = frame[frame["value"].notna()]
    parts = [f"{row['label']} {_write_interval(row)}" for row in _records(shown)]
    hidden = int(frame["hidden"].sum())
    tail = f" {hidden} groups are not shown because they are small." if hidden else ""
    return (
        f"Forest plot in {_name_unit(table)} by group. {describe_subgroups(table)}. "
        f"{'; '.join(parts) or 'Nothing is shown'}.{tail}"
    )


def plot_subgroups(
    table: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the effect on each group with its interval, then the differences.

    Parameters
    ----------
    table : DataFrame
        See `subgroup_frame`.
    labels : mapping, optional
        Attribute to name for readers.
    title : str, optional
        Default: `describe_subgroups`.
    ax : Axes, optional
        Axes to draw on; default: a new figure.

    Returns
    -------
    Axes
        Groups under the name of their attribute; differences as diamonds in another
        colour, filled where they are clear; numbers at the right.
    """
    frame = subgroup_frame(table)
    places, heads = _place_rows(frame)
    bottom = (places[-1] if places else 0) + 0.8
    with use_style():
        ax = open_axes(ax, height=1.7 + 0.27 * bottom, left=0.3, right=0.71)
        ax.axvline(0, color=SOFT, linewidth=1)
        for place, row in zip(places, _records(frame), strict=True):
            _draw_row(ax, place, row)
        for name, place in heads.items():
            plain = write_label(name)
            _draw_head(
                ax, place, (labels or {}).get(name, plain[:1].upper() + plain[1:])
            )
        ax.set_yticks(places, frame["label"].tolist())
        for tick, kind in zip(ax.get_yticklabels(), frame["kind"], strict=True):
            tick.set_color(INK if kind == "effect" else _GAP)
            tick.set_fontsize(9.5)
        ax.set_ylim(bottom, -0.7)
        reach = frame[["low", "high", "value"]].to_numpy(dtype="float64")
        ends = [0.0, *reach[np.isfinite(reach)].tolist()]
        pad = 0.06 * (max(ends) - min(ends) or 1.0)
        ax.set_xlim(min(ends) - pad, max(ends) + pad)
        finish_axes(ax, x_label=_name_axis(table))
        set_title(ax, describe_subgroups(table) if title is None else title)
    return ax


def _place_rows(frame: pd.DataFrame) -> tuple[list[float], dict[str, float]]:
    """Return the height of each row and of each attribute's name above its rows."""
    places: list[float] = []
    heads: dict[str, float] = {}
    at, kind = 0.0, ""
    for row in frame.itertuples():
        name = str(row.attribute)
        if name not in heads:
            at += 0.6 if heads else 0.0
            heads[name] = at
            at += 1.0
        elif row.kind != kind:
            at += 0.35
        kind = str(row.kind)
        places.append(at)
        at += 1.0
    return places, heads


def _draw_row(ax: Axes, place: float, row: Mapping[str, object]) -> None:
    value, low, high = (float(str(row[key])) for key in ("value", "low", "high"))
    effect = row["kind"] == "effect"
    colour = ACCENT if effect else _GAP
    if np.isnan(value):
        _note(ax, place, "not shown" if row["hidden"] else "no estimate", SOFT)
        return
    ax.plot([low, high], [place, place], color=colour, lw=2.2 if effect else 1.6)
    ax.plot(
        [value],
        [place],
        "o" if effect else "D",
        ms=6.5 if effect else 6,
        mfc=colour if effect or row["clear"] else PAPER,
        mec=colour,
        mew=1.5,
    )
    _note(ax, place, _write_interval(row), INK if effect else _GAP)


def _draw_head(ax: Axes, place: float, text: str) -> None:
    ax.text(
        -0.02,
        place,
        text,
        transform=ax.get_yaxis_transform(),
        ha="right",
        va="center",
        fontweight="bold",
        color=INK,
    )


def _note(ax: Axes, place: float, text: str, colour: str) -> None:
    ax.text(
        1.02,
        place,
        text,
        transform=ax.get_yaxis_transform(),
        va="center",
        color=colour,
        fontsize=9.5,
    )


def _name_unit(table: pd.DataFrame) -> str:
    units = table["unit"].unique()
    if len(units) == 0:
        return "no unit"
    return "percentage points" if units[0] == "probability" else str(units[0])


def _name_axis(table: pd.DataFrame) -> str:
    levels = sorted({round(100 * level, 1) for level in table["level"]})
    level = " and ".join(f"{level:g} %" for level in levels)
    return f"{_name_unit(table)}, {level} intervals; diamonds: differences"


def _write_interval(row: Mapping[str, object]) -> str:
    value, low, high = (float(str(row[key])) for key in ("value", "low", "high"))
    width = high - low
    return f"{_write(value, width)}  ({_write(low, width)} to {_write(high, width)})"


def _write(value: float, width: float) -> str:
    """Write a signed number as exact as its interval is narrow, with a true minus."""
    digits = 1 if width >= 2 else 2 if width >= 0.1 else 3
    rounded = round(value, digits)
    if rounded == 0:
        return f"{0:.{digits}f}"
    return f"{rounded:+.{digits}f}".replace("-", "−")


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
