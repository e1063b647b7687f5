"""One look for every figure: colours, sizes, and files that come out the same."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbench.core.store import write_atomic

__all__ = [
    "ACCENT",
    "BAD",
    "BAND",
    "CYCLE",
    "GOOD",
    "INK",
    "LINE",
    "MUTED",
    "PAPER",
    "SOFT",
    "UNSURE",
    "WIDTH",
    "apply_style",
    "finish_axes",
    "open_axes",
    "save_svg",
    "set_title",
    "use_style",
    "write_label",
]

INK = "#14202b"
SOFT = "#51606e"
MUTED = "#8090a0"
LINE = "#d9e0e6"
PAPER = "#ffffff"
ACCENT = "#0b6577"
BAND = "#e3f0ec"
GOOD = "#0f6b4f"
BAD = "#9b2c2c"
UNSURE = "#6b5b1f"
CYCLE = (ACCENT, "#b5541a", "#5b4b9a", "#2f7d3b", "#a8326b", "#6b5b1f", "#3a6ea5")
"""For personas, in their order; told apart also with reduced colour vision."""

WIDTH = 7.2
"""Width of every figure in inches; text of 10.5 points stays readable on a phone."""

_TITLE_POINTS = 12.5
_CHARACTER = 0.58
_EDGE = 0.05

_SETTINGS: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.facecolor": PAPER,
    "axes.grid": False,
    "axes.labelcolor": SOFT,
    "axes.labelsize": 10,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.titlesize": _TITLE_POINTS,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.dpi": 110,
    "figure.facecolor": PAPER,
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "lines.solid_capstyle": "round",
    "savefig.bbox": "tight",
    "savefig.facecolor": PAPER,
    "svg.fonttype": "path",
    "svg.hashsalt": "workbench",
    "text.color": INK,
    "xtick.color": SOFT,
    "xtick.labelsize": 10,
    "xtick.major.size": 0,
    "ytick.color": INK,
    "ytick.labelsize": 10.5,
    "ytick.major.size": 0,
}


def apply_style() -> None:
    """Set the look for the whole session; in a notebook, also make figures SVG.

    The SVG files hold no date and no random ids, so that a second run gives the same
    bytes.
    """
    mpl.rcParams.update(_SETTINGS)
    try:
        from IPython import get_ipython
    except ImportError:
        return
    if get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats(  # type: ignore[no-untyped-call]
            "svg", metadata={"Date": None}, bbox_inches="tight"
        )


@contextmanager
def use_style() -> Iterator[None]:
    """Draw what is inside in the common look, whatever the session's settings."""
    with mpl.rc_context(_SETTINGS):
        yield


def open_axes(
    ax: Axes | None, *, height: float, left: float = 0.1, right: float = 0.98
) -> Axes:
    """Return the axes given, or new ones in a figure of the common width.

    Parameters
    ----------
    ax : Axes or None
        Axes to draw on.
    height : float
        Height of a new figure in inches.
    left, right : float
        Where the axes start and end, as shares of the width; the rest is for labels.
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(WIDTH, height))
    figure.subplots_adjust(left=left, right=right)
    return figure.add_subplot()


def set_title(ax: Axes, text: str) -> None:
    """Write the finding above the axes, from the left edge of the figure.

    Call it last: without a layout engine the edge is that of everything drawn so far.
    """
    figure = ax.get_figure(root=True)
    box = ax.get_tightbbox()
    if figure is None or box is None:
        ax.set_title(text, loc="left")
        return
    engine = figure.get_layout_engine()
    points = 72 * (figure.get_figwidth() if engine else box.width / figure.dpi)
    room = max(int(points / (_TITLE_POINTS * _CHARACTER)), 20)
    lines = textwrap.fill(text, room)
    if engine is None:
        left = float(ax.transAxes.inverted().transform((box.x0, 0.0))[0])
        ax.set_title(lines, loc="left", x=left)
        return
    apart = len(figure.axes) > 1
    ax.set_title("\n" * (lines.count("\n") + apart) + " ", loc="left")
    ax.annotate(
        lines,
        (_EDGE / figure.get_figwidth(), 1.0),
        xycoords=(figure.transFigure, ax.transAxes),
        xytext=(0, mpl.rcParams["axes.titlepad"]),
        textcoords="offset points",
        va="baseline",
        fontsize=_TITLE_POINTS,
        fontweight="bold",
        annotation_clip=False,
    ).set_in_layout(False)


def finish_axes(ax: Axes, *, x_label: str, y_label: str = "") -> None:
    """Name the axes and draw the faint lines that values are read against."""
    ax.set_xlabel(x_label, labelpad=8)
    ax.set_ylabel(y_label, labelpad=8)
    ax.grid(axis="x", color=LINE, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", length=0)
    ax.tick_params(axis="x", labelcolor=SOFT)
    ax.xaxis.label.set_color(SOFT)
    ax.yaxis.label.set_color(SOFT)
    for name, spine in ax.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(LINE)


def write_label(name: str) -> str:
    """Write an id or a term for readers: ``skill_gap=low`` as skill gap: low."""
    return name.replace("=", ": ").replace("_", " ")


def save_svg(figure: Figure, path: Path) -> None:
    """Save a figure as SVG, atomically and byte for byte repeatable.

    Parameters
    ----------
    figure : Figure
        What to save; it is not closed.
    path : Path
        The file to write.
    """
    with use_style():
        write_atomic(
            path,
            lambda temporary: figure.savefig(
                temporary, format="svg", metadata={"Date": None}
            ),
        )
