"""The module portfolio: what ten hours of each module bring, with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.persona_rows import (
    draw_heads,
    find_height,
    list_places,
    name_rows,
)
from workbench.plots.style import (
    ACCENT,
    BAD,
    GOOD,
    PAPER,
    SOFT,
    UNSURE,
    finish_axes,
    open_axes,
    set_title,
    use_style,
    write_label,
)

__all__ = [
    "describe_modules",
    "describe_modules_alt",
    "module_frame",
    "plot_modules",
]

_ROW = 0.3
_LOOKS: Mapping[str, tuple[str, str, str]] = {
    "boost": ("boost", GOOD, "^"),
    "keep": ("keep", ACCENT, "o"),
    "retire": ("retire", BAD, "v"),
    "watch": ("watch", UNSURE, "D"),
}
_COLUMNS: Mapping[str, str] = {
    "persona": "persona",
    "label": "title",
    "value": "ratio",
    "low": "ratio_low",
    "high": "ratio_high",
    "decision": "decision",
}


def module_frame(modules: pd.DataFrame) -> pd.DataFrame:
    """Return what the portfolio figure draws.

    Parameters
    ----------
    modules : DataFrame
        ``persona``, ``title``, ``decision``, ``ratio``, ``ratio_low``, ``ratio_high``
        in thresholds per 10 hours; missing where a module cannot be told apart.

    Returns
    -------
    DataFrame
        ``persona``, ``label``, ``value``, ``low``, ``high``, ``decision``; rows of a
        persona together, in the order of the table.
    """
    frame = pd.DataFrame({name: modules[given] for name, given in _COLUMNS.items()})
    place = {name: number for number, name in enumerate(frame["persona"].unique())}
    order = frame["persona"].map(place).argsort(kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def describe_modules(modules: pd.DataFrame) -> str:
    """Say how many modules to boost and retire; the figure's title."""
    frame = module_frame(modules)
    if frame.empty:
        return "No module could be valued"
    chosen = {name: frame[frame["decision"] == name] for name in _LOOKS}
    parts = [
        f"{len(chosen[name])} to {name}{_name_few(chosen[name])}"
        for name in ("boost", "retire")
        if len(chosen[name])
    ]
    if not parts:
        return f"No module of {len(frame)} is clearly to boost or to retire"
    return f"Of {len(frame)} modules {' and '.join(parts)}"


def describe_modules_alt(
    modules: pd.DataFrame, *, labels: Mapping[str, str] | None = None
) -> str:
    """Describe the figure for readers who cannot see it."""
    frame = module_frame(modules)
    parts = []
    for row in frame.itertuples():
        name = (labels or {}).get(str(row.persona), write_label(str(row.persona)))
        size = (
            "without a number"
            if pd.isna(row.value)
            else f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f})"
        )
        parts.append(f"{name}, {row.label}: {size}, {row.decision}")
    return (
        f"{describe_modules(modules)}. Thresholds per 10 hours with 95 % intervals: "
        f"{'; '.join(parts) or 'none'}."
    )


def plot_modules(
    modules: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw impact per ten hours with intervals, grouped by persona.

    Parameters
    ----------
    modules : DataFrame
        See `module_frame`.
    labels : mapping of str to str, optional
        Names of the personas for readers.
    title : str, optional
        The finding; by default that of `describe_modules`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
        One row per module; mark, colour and word tell the decision. A module without
        a number has a row that says so.
    """
    frame = module_frame(modules)
    with use_style():
        places = list_places(frame)
        axes = open_axes(ax, height=find_height(frame, _ROW))
        axes.axvline(0, color=SOFT, linewidth=1)
        for place, row in zip(places, frame.to_dict("records"), strict=True):
            _draw_row(axes, place, {str(key): value for key, value in row.items()})
        draw_heads(axes, frame, places, labels)
        name_rows(axes, places, frame["label"].astype(str))
        finish_axes(axes, x_label="Impact per 10 hours in thresholds (95 % interval)")
        set_title(axes, title or describe_modules(modules))
    return axes


def _draw_row(axes: Axes, place: float, row: Mapping[str, object]) -> None:
    word, colour, mark = _LOOKS.get(
        str(row["decision"]), (str(row["decision"]), SOFT, "o")
    )
    value, low, high = (float(str(row[name])) for name in ("value", "low", "high"))
    if pd.isna(value):
        axes.text(
            0.5, place, "no number", transform=axes.get_yaxis_transform(),
            color=SOFT, fontsize=9.5, va="center", ha="center",
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    else:
        axes.hlines(place, low, high, color=colour, linewidth=2)
        clear = low > 0 or high < 0
        axes.scatter(
            [value], [place], marker=mark, s=40, zorder=3,
            facecolors=colour if clear else PAPER, edgecolors=colour,
        )  # fmt: skip
    axes.text(
        1.01, place, word, transform=axes.get_yaxis_transform(),
        color=colour, fontsize=9.5, va="center", ha="left",
    )  # fmt: skip


def _name_few(rows: pd.DataFrame) -> str:
    """Name modules where they are few."""
    if len(rows) > 2:
        return ""
    return f" ({' and '.join(rows['label'].astype(str))})"
