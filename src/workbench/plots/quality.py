"""Figures of the data audit: scores, rows set aside, records per quarter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_quality", "plot_quarantine", "plot_volume"]

_GROUND = {
    "pass": "#dbe9f4",
    "warn": "#fbe0a8",
    "fail": "#f0a58f",
    "not_applicable": "#f4f4f4",
}
_SIGNS = {"pass": "", "warn": "! ", "fail": "✗ ", "not_applicable": ""}
_INK = "#1f2933"
_SOFT = "#5b6770"
_BAR = "#3b6c95"
_LINE = "#c3d3e0"
_GRID = "#ffffff"
_MOST_DOTS = 12
_FULL_TINT = math.log(4)


def plot_quality(quality: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of good rows per table and dimension, and each table's score.

    Parameters
    ----------
    quality : DataFrame
        ``source``, ``table``, ``dimension``, ``value``, ``status``, ``table_score``.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One row per table, one column per dimension; colour and sign give the status.
    """
    tables = list(dict.fromkeys(quality["table"]))
    dimensions = list(dict.fromkeys(quality["dimension"]))
    axes = ax or _new_axes(height=1.2 + 0.36 * len(tables), width=8.4)
    for row in quality.to_dict("records"):
        x, y = dimensions.index(row["dimension"]), tables.index(row["table"])
        status = str(row["status"])
        _draw_cell(axes, (x, y), _GROUND[status], _write_share(row["value"], status))
    scores = quality.drop_duplicates("table").set_index("table")["table_score"]
    for y, table in enumerate(tables):
        score = float(scores[table])
        text = "–" if math.isnan(score) else f"{math.floor(score)}"
        _draw_cell(axes, (len(dimensions), y), "#ffffff", text, weight="bold")
    _frame_cells(axes, tables, [*dimensions, "score of 100"])
    return _set_title(axes, _title_quality(scores))


def plot_quarantine(quarantine: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many rows were set aside on loading, per table and reason.

    Parameters
    ----------
    quarantine : DataFrame
        ``table``, ``reason``, ``rows``.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One dot per table and reason, most rows first, on a logarithmic axis; the
        twelve largest.
    """
    counts = quarantine.groupby(["table", "reason"], as_index=False)["rows"].sum()
    order = ["rows", "table", "reason"]
    counts = counts.sort_values(order, ascending=[False, True, True])
    shown = counts.head(_MOST_DOTS)
    axes = ax or _new_axes(height=1.4 + 0.34 * max(1, len(shown)), width=8.4)
    if shown.empty:
        axes.set_axis_off()
        return _set_title(axes, "No row was set aside on loading")
    labels = [f"{row.table}: {_say(row.reason)}" for row in shown.itertuples()]
    sizes = shown["rows"].astype(float).to_numpy()
    axes.hlines(range(len(shown)), 0.8, sizes, color=_LINE, lw=1.5)
    axes.plot(sizes, range(len(shown)), "o", color=_BAR, markersize=8)
    axes.set_yticks(range(len(shown)), labels=labels)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(0.8, float(shown["rows"].max()) * 4)
    axes.set_xlabel("rows set aside (logarithmic)", color=_SOFT)
    for y, rows in enumerate(shown["rows"]):
        axes.text(rows * 1.25, y, f"{rows:,}", va="center", color=_INK, fontsize=9)
    _clear_frame(axes)
    total, first = int(counts["rows"].sum()), shown.iloc[0]
    share = f"{int(first['rows']) / total:.0%}"
    return _set_title(
        axes,
        f"{total:,} rows were set aside, {share} of them for"
        f" {_say(first['reason'])} in {first['table']}",
    )


def plot_volume(volume: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the records of every dated table per quarter.

    Parameters
    ----------
    volume : DataFrame
        ``table``, ``quarter``, ``rows``; the quarters in order of time.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        One row per table, one column per quarter, the number of rows in each cell;
        the tint compares a quarter with the table's own median.
    """
    tables = list(dict.fromkeys(volume["table"]))
    quarters = sorted(set(volume["quarter"]))
    width = 3.4 + 0.72 * max(4, len(quarters))
    axes = ax or _new_axes(height=1.2 + 0.36 * max(1, len(tables)), width=width)
    if not tables:
        axes.set_axis_off()
        return _set_title(axes, "No dated records up to the data cut")
    grid = volume.pivot_table(index="table", columns="quarter", values="rows")
    for y, table in enumerate(tables):
        counts = grid.loc[table, quarters].fillna(0).to_numpy(dtype=float)
        usual = float(np.median(counts[counts > 0])) if (counts > 0).any() else 1.0
        for x, count in enumerate(counts):
            _draw_cell(axes, (x, y), _tint(count, usual), _shorten(count), size=8.5)
    _frame_cells(axes, tables, quarters)
    return _set_title(axes, _title_volume(grid.loc[tables, quarters]))


def _title_quality(scores: pd.Series) -> str:
    known = scores.dropna().astype(float)
    if known.empty:
        return "No table could be scored"
    lowest = known.sort_values(kind="stable").index[0]
    if known.min() >= 90:
        return f"All {len(known)} tables score 90 or more of 100"
    below = int((known < 90).sum())
    return (
        f"{below} of {len(known)} tables score below 90;"
        f" {lowest} is lowest with {math.floor(known[lowest])}"
    )


def _title_volume(grid: pd.DataFrame) -> str:
    if grid.shape[1] < 2:
        return "One quarter of records: nothing to compare with"
    now, before = grid.iloc[:, -1], grid.iloc[:, -2]
    known = (now > 0) & (before > 0)
    if not known.any():
        return f"No table has records in both {grid.columns[-2]} and {grid.columns[-1]}"
    change = np.log(now[known].astype(float) / before[known].astype(float))
    table = change.abs().sort_values(ascending=False, kind="stable").index[0]
    share = math.exp(float(change[table])) - 1
    moved = "rose" if share > 0 else "fell"
    if round(abs(share) * 100) == 0:
        return f"As many records in {grid.columns[-1]} as in {grid.columns[-2]}"
    return (
        f"Records of {table} {moved} by {abs(share):.0%} from {grid.columns[-2]}"
        f" to {grid.columns[-1]}, the largest change"
    )


def _new_axes(*, height: float, width: float) -> Axes:
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(width, height), layout="constrained")
    return axes


def _draw_cell(
    axes: Axes,
    at: tuple[int, int],
    color: str | tuple[float, float, float],
    text: str,
    *,
    weight: str = "normal",
    size: float = 9,
) -> None:
    from matplotlib.patches import Rectangle

    x, y = at
    axes.add_patch(
        Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=color, edgecolor=_GRID, lw=2)
    )
    axes.text(
        x, y, text, ha="center", va="center", color=_INK, fontsize=size, weight=weight
    )


def _frame_cells(axes: Axes, rows: list[str], columns: list[str]) -> None:
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), labels=columns)
    axes.set_yticks(range(len(rows)), labels=rows)
    axes.xaxis.tick_top()
    _clear_frame(axes)


def _clear_frame(axes: Axes) -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, colors=_INK, labelsize=9)


def _set_title(axes: Axes, text: str) -> Axes:
    axes.set_title(text, loc="left", fontsize=11, weight="bold", color=_INK, pad=10)
    return axes


def _write_share(value: float, status: str) -> str:
    """Write a share rounded down, so that 100 % means all."""
    if math.isnan(value):
        return "–"
    return f"{_SIGNS[status]}{math.floor(value * 1000) / 10:g}%"


def _say(reason: object) -> str:
    return str(reason).replace("_", " ")


def _tint(count: float, usual: float) -> tuple[float, float, float]:
    """Mix white with blue above the usual count, and with orange below it."""
    away = math.log(max(count, 0.25 * usual) / usual) if usual else 0.0
    part = min(abs(away) / _FULL_TINT, 1.0)
    far = (0.62, 0.77, 0.89) if away > 0 else (0.97, 0.78, 0.53)
    ground = 0.97
    mixed = [ground + (channel - ground) * part for channel in far]
    return mixed[0], mixed[1], mixed[2]


def _shorten(count: float) -> str:
    for limit, sign in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if count >= limit:
            return f"{count / (limit if sign != 'k' else 1e3):.3g}{sign}"
    return f"{int(count):,}"
