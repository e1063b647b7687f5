"""Figures of the pages: what they draw, and the words that go with them.

The drawing itself is done by `workbench.plots`; a notebook passes the function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workbench.brief.components import (
    escape_markdown,
    show,
    show_figure,
    write_paragraph,
)

__all__ = ["Exhibit", "show_exhibit"]

_WIDTH = 7.2
_FRAME = 1.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One figure before it is drawn.

    Attributes
    ----------
    panels : tuple of (str, DataFrame)
        Title, which states the finding, and the numbers of each panel, from top to
        bottom. An empty title leaves the plot its own.
    caption : str
        Method, n and level of the intervals.
    alt : str
        What a reader who cannot see the figure should know.
    empty : str
        Sentence shown where there is nothing to draw.
    row_height : float
        Inches per row of a panel's frame, besides those for title and axis.
    fixed_height : float
        Inches of a panel, if not 0; its rows do not count then.
    options : mapping
        Further arguments of the plot function.
    """

    panels: tuple[tuple[str, pd.DataFrame], ...] = ()
    caption: str = ""
    alt: str = ""
    empty: str
    row_height: float = 0.34
    fixed_height: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)


def show_exhibit(plot: Callable[..., Any], exhibit: Exhibit) -> None:
    """Draw an exhibit with a plot function and show it as one figure.

    Parameters
    ----------
    plot : callable
        From `workbench.plots`; takes a frame, ``ax`` and, for panels with a title of
        their own, ``title``.
    exhibit : Exhibit
        What to draw; where it has no panel, its sentence is shown instead.
    """
    if not exhibit.panels:
        show(write_paragraph(escape_markdown(exhibit.empty)))
        return
    from matplotlib.figure import Figure

    heights = [
        exhibit.fixed_height or _FRAME + exhibit.row_height * len(frame)
        for _, frame in exhibit.panels
    ]
    figure = Figure(figsize=(_WIDTH, sum(heights)))
    if len(heights) > 1:
        figure.set_layout_engine("constrained")
    axes = figure.subplots(
        len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for (title, frame), ax in zip(exhibit.panels, axes[:, 0], strict=True):
        own = {"title": title} if title else {}
        plot(frame, ax=ax, **own, **exhibit.options)
    show_figure(figure, caption=exhibit.caption, alt=exhibit.alt)
