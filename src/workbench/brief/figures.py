"""Figures of the pages: what they draw, and the words that go with them.

The drawing itself is done by `workbench.plots`; a notebook passes the function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.brief.components import show, show_figure, write_paragraph

__all__ = ["Exhibit", "show_exhibit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One figure before it is drawn.

    Attributes
    ----------
    panels : tuple of (str, DataFrame)
        Title, which states the finding, and the numbers of each panel, from top to
        bottom.
    caption : str
        Method, n and level of the intervals.
    alt : str
        What a reader who cannot see the figure should know.
    empty : str
        Sentence shown where there is nothing to draw.
    row_height : float
        Inches per row of a panel's frame.
    label : str
        Label of the horizontal axis, empty to keep that of the plot.
    """

    panels: tuple[tuple[str, pd.DataFrame], ...]
    caption: str
    alt: str
    empty: str
    row_height: float = 0.34
    fixed_height: float = 0.0
    label: str = ""


def show_exhibit(plot: Callable[..., Any], exhibit: Exhibit, **options: Any) -> None:
    """Draw an exhibit with a plot function and show it as one figure.

    Parameters
    ----------
    plot : callable
        From `workbench.plots`; takes a frame and ``ax``.
    exhibit : Exhibit
        What to draw; where it has no panel, its sentence is shown instead.
    **options
        Passed on to `plot`.
    """
    if not exhibit.panels:
        show(write_paragraph(exhibit.empty))
        return
    from matplotlib.figure import Figure

    heights = [
        exhibit.fixed_height or 1.0 + exhibit.row_height * len(frame)
        for _, frame in exhibit.panels
    ]
    figure = Figure(figsize=(7.2, sum(heights)), layout="constrained")
    axes = figure.subplots(
        len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for (title, frame), ax in zip(exhibit.panels, axes[:, 0], strict=True):
        plot(frame, ax=ax, **options)
        ax.set_title(title, loc="left")
        if exhibit.label:
            ax.set_xlabel(exhibit.label)
    show_figure(figure, caption=exhibit.caption, alt=exhibit.alt)
