"""Figures of the data audit: shares per table, rows set aside, records per quarter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workbench.plots.style import (
    ACCENT,
    INK,
    LINE,
    PAPER,
    finish_axes,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = [
    "describe_quality",
    "describe_quality_alt",
    "describe_quarantine",
    "describe_quarantine_alt",
    "describe_volume",
    "describe_volume_alt",
    "plot_quality",
    "plot_quarantine",
    "plot_volume",
    "quarantine_frame",
    "volume_frame",
]

_GROUND = {
    "pass": "#e3f0ec",
    "warn": "#f7e3b0",
    "fail": "#efb4a4",
    "not_applicable": "#f3f5f7",
}
_SIGNS = {"pass": "", "warn": "! ", "fail": "✗ ", "not_applicable": ""}
_MORE, _LESS = (0.62, 0.80, 0.84), (0.96, 0.79, 0.56)
_PALE = 0.97
_FULL_TINT = math.log(4)
_GOOD_SCORE = 90
_MOST_DOTS = 12
_LEFT = 0.22


def describe_quality(quality: pd.DataFrame) -> str:
    """Name the table with the lowest score; the figure's title."""
    scores = _list_scores(quality)
    if scores.empty:
        return "No table could be scored"
    below = int((scores < _GOOD_SCORE).sum())
    if not below:
        return f"All {len(scores)} tables score {_GOOD_SCORE} or more of 100"
    lowest = str(scores.idxmin())
    return (
        f"{below} of {len(scores)} tables score below {_GOOD_SCORE};"
        f" {lowest} is lowest with {math.floor(scores[lowest])}"
    )


def describe_quality_alt(quality: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    flawed = quality[quality["status"].isin(["warn", "fail"])]
    parts = [
        f"{row.table} {row.dimension} {_write_share(row.value)}"
        for row in flawed.itertuples()
    ]
    named = "; ".join(parts) or "none"
    return f"{describe_quality(quality)}. Shares below their limit: {named}."


def plot_quality(quality: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of good rows per table and dimension, and each table's score.

    Parameters
    ----------
    quality : DataFrame
        ``table``, ``dimension``, ``value`` (0 to 1), ``status``, ``table_score``.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One row per table, one column per dimension and one for the score; colour and
        sign give the status (``!`` a warning, ``✗`` a failure).
    """
    tables = list(dict.fromkeys(quality["table"]))
    dimensions = list(dict.fromkeys(quality["dimension"]))
    scores = quality.drop_duplicates("table").set_index("table")["table_score"]
    with use_style():
        axes = open_axes(ax, height=1.2 + 0.34 * max(1, len(tables)), left=_LEFT)
        for row in quality.to_dict("records"):
            at = dimensions.index(row["dimension"]), tables.index(row["table"])
            status = str(row["status"])
            text = _SIGNS[status] + _write_share(row["value"])
            _draw_cell(axes, at, text, ground=_GROUND[status])
        for place, table in enumerate(tables):
            score = float(scores[table])
            text = "–" if math.isnan(score) else f"{math.floor(score)}"
            at = len(dimensions), place
            _draw_cell(axes, at, text, ground=PAPER, weight="bold")
        _frame_cells(axes, tables, [*dimensions, "score of 100"])
        set_title(axes, describe_quality(quality))
    return axes


def quarantine_frame(quarantine: pd.DataFrame) -> pd.DataFrame:
    """Return ``label`` and ``rows`` per table and reason: the twelve largest.

    Parameters
    ----------
    quarantine : DataFrame
        ``table``, ``reason``, ``rows``.
    """
    counts = quarantine.groupby(["table", "reason"], as_index=False)["rows"].sum()
    order = ["rows", "table", "reason"]
    counts = counts.sort_values(order, ascending=[False, True, True])
    labels = [
        f"{row.table}: {write_label(str(row.reason))}" for row in counts.itertuples()
    ]
    frame = pd.DataFrame({"label": labels, "rows": counts["rows"].astype(int).tolist()})
    return frame.head(_MOST_DOTS)


def describe_quarantine(quarantine: pd.DataFrame) -> str:
    """Say how many rows were set aside, and most for what; the figure's title."""
    if quarantine.empty:
        return "No row was set aside on loading"
    first = quarantine_frame(quarantine).iloc[0]
    total = int(quarantine["rows"].sum())
    share = f"{int(first['rows']) / total:.0%}"
    return f"{total:,} rows were set aside; {share} are {first['label']}"


def describe_quarantine_alt(quarantine: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    frame = quarantine_frame(quarantine)
    parts = [f"{row.label} {row.rows:,}" for row in frame.itertuples()]
    return "Rows set aside per table and reason. " + ("; ".join(parts) or "None") + "."


def plot_quarantine(quarantine: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many rows were set aside on loading, per table and reason.

    Parameters
    ----------
    quarantine : DataFrame
        See `quarantine_frame`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One dot per table and reason, most rows first, on a logarithmic axis.
    """
    frame = quarantine_frame(quarantine)
    with use_style():
        height = 1.5 + 0.32 * max(1, len(frame))
        axes = open_axes(ax, height=height, left=0.38)
        if frame.empty:
            axes.set_axis_off()
            set_title(axes, describe_quarantine(quarantine))
            return axes
        places, rows = range(len(frame)), frame["rows"].to_numpy(dtype=float)
        axes.set_xscale("log")
        axes.set_xlim(0.8, float(rows.max()) * 4)
        axes.set_ylim(len(frame) - 0.5, -0.5)
        axes.hlines(places, 0.8, rows, color=LINE, linewidth=1.5)
        axes.plot(rows, places, "o", color=ACCENT, markersize=7)
        for place, count in zip(places, frame["rows"], strict=True):
            axes.text(count * 1.3, place, f"{count:,}", va="center", fontsize=9.5)
        axes.set_yticks(places, labels=list(frame["label"]))
        axes.minorticks_off()
        axes.xaxis.set_major_formatter("{x:,.0f}")
        finish_axes(axes, x_label="Rows set aside (logarithmic)")
        set_title(axes, describe_quarantine(quarantine))
    return axes


def volume_frame(volume: pd.DataFrame) -> pd.DataFrame:
    """Return the records as a matrix: one row per table, one column per quarter.

    Parameters
    ----------
    volume : DataFrame
        ``table``, ``quarter``, ``rows``.
    """
    grid = volume.pivot_table(
        index="table", columns="quarter", values="rows", sort=False, aggfunc="sum"
    )
    return grid[sorted(grid.columns)].fillna(0).astype("int64")


def describe_volume(volume: pd.DataFrame) -> str:
    """Name the largest change in the last quarter; the figure's title."""
    grid = volume_frame(volume)
    if grid.empty:
        return "No dated records up to the data cut"
    if grid.shape[1] < 2:
        return "One quarter of records: nothing to compare with"
    before, now = grid.columns[-2:]
    both = grid[(grid[now] > 0) & (grid[before] > 0)]
    if both.empty:
        return f"No table has records in both {before} and {now}"
    change = both[now] / both[before] - 1
    table = str(np.log1p(change).abs().idxmax())
    share = float(change[table])
    if round(abs(share) * 100) == 0:
        return f"As many records in {now} as in {before}"
    moved = "rose" if share > 0 else "fell"
    return (
        f"Records of {table} {moved} by {abs(share):.0%} from {before} to {now},"
        " the largest change"
    )


def describe_volume_alt(volume: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    grid = volume_frame(volume)
    if grid.empty:
        return f"{describe_volume(volume)}."
    last = grid.columns[-1]
    parts = [f"{table} {count:,}" for table, count in grid[last].items()]
    return f"{describe_volume(volume)}. Records in {last}: {'; '.join(parts)}."


def plot_volume(volume: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the records of every dated table per quarter.

    Parameters
    ----------
    volume : DataFrame
        See `volume_frame`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        Each cell bears its number of records; the tint compares it with the table's
        own median quarter: blue is more, orange is less.
    """
    grid = volume_frame(volume)
    with use_style():
        axes = open_axes(ax, height=1.2 + 0.34 * max(1, len(grid)), left=_LEFT)
        if grid.empty:
            axes.set_axis_off()
            set_title(axes, describe_volume(volume))
            return axes
        for place, (_, counts) in enumerate(grid.iterrows()):
            known = counts[counts > 0]
            usual = float(known.median()) if len(known) else 1.0
            for column, count in enumerate(counts):
                ground = _tint(float(count), usual)
                text = _shorten(float(count))
                _draw_cell(axes, (column, place), text, ground=ground, size=8.5)
        _frame_cells(axes, list(grid.index), list(grid.columns))
        set_title(axes, describe_volume(volume))
    return axes


def _list_scores(quality: pd.DataFrame) -> pd.Series:
    scores = quality.drop_duplicates("table").set_index("table")["table_score"]
    return scores.astype(float).dropna()


def _draw_cell(
    axes: Axes,
    at: tuple[int, int],
    text: str,
    *,
    ground: str | tuple[float, float, float],
    weight: str = "normal",
    size: float = 9.5,
) -> None:
    x, y = at
    corner = (x - 0.5, y - 0.5)
    axes.add_patch(Rectangle(corner, 1, 1, facecolor=ground, edgecolor=PAPER, lw=2))
    axes.text(
        x, y, text, ha="center", va="center", color=INK, fontsize=size, weight=weight
    )


def _frame_cells(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), labels=list(columns), fontsize=9)
    axes.set_yticks(range(len(rows)), labels=list(rows), fontsize=9.5)
    axes.xaxis.tick_top()
    axes.tick_params(axis="both", length=0, labelcolor=INK)
    for side in axes.spines.values():
        side.set_visible(False)


def _write_share(value: float) -> str:
    """Write a share rounded down, so that 100% means all."""
    return "–" if math.isnan(value) else f"{math.floor(value * 1000 + 1e-9) / 10:g}%"


def _tint(count: float, usual: float) -> tuple[float, float, float]:
    """Mix a pale ground with blue above the usual count and with orange below it."""
    away = math.log(max(count, 0.25 * usual) / usual)
    part = min(abs(away) / _FULL_TINT, 1.0)
    far = _MORE if away > 0 else _LESS
    red, green, blue = (_PALE + (channel - _PALE) * part for channel in far)
    return red, green, blue


def _shorten(count: float) -> str:
    for limit, unit, sign in ((1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if count >= limit:
            return f"{count / unit:.3g}{sign}"
    return f"{int(count):,}"
