"""Rows of a figure that stand together by persona, each under the persona's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from workbench.plots.style import PAPER, SOFT, write_label

__all__ = ["draw_heads", "find_height", "list_places", "name_rows"]

_FRAME = 1.6


def find_height(frame: pd.DataFrame, row: float) -> float:
    """Return the inches of a figure of these rows, `row` each, with names between."""
    return _FRAME + row * (len(frame) + int(frame["persona"].nunique()))


def list_places(frame: pd.DataFrame) -> list[float]:
    """List the heights of rows, with one more before each group of a persona."""
    gaps = frame["persona"].ne(frame["persona"].shift()).cumsum()
    return [
        float(number + gap) for number, gap in zip(range(len(frame)), gaps, strict=True)
    ]


def draw_heads(
    axes: Axes,
    frame: pd.DataFrame,
    places: Sequence[float],
    labels: Mapping[str, str] | None,
) -> None:
    """Write the name of each persona above its rows."""
    first = ~frame["persona"].duplicated()
    for persona, place, head in zip(frame["persona"], places, first, strict=True):
        if head:
            name = (labels or {}).get(str(persona), write_label(str(persona)))
            axes.text(
                0, place - 0.85, name, transform=axes.get_yaxis_transform(),
                color=SOFT, fontsize=9.5, va="center", ha="left",
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5},
            )  # fmt: skip


def name_rows(axes: Axes, places: Sequence[float], labels: Iterable[str]) -> None:
    """Write the labels of the rows, the first row on top, its head below the title."""
    axes.set_yticks(places, list(labels))
    if len(places):
        axes.set_ylim(places[-1] + 0.6, places[0] - 1.4)
