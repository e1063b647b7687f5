"""The causal graph: what must be held alike, what nobody measured, what comes after."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Patch, PathPatch, Polygon
from matplotlib.path import Path

from workbench.plots.graph_frames import follow_arrows
from workbench.plots.graph_layout import (
    LINE,
    PAD,
    SPACE,
    Box,
    Layout,
    Link,
    Point,
    lay_out,
)
from workbench.plots.style import (
    ACCENT,
    BAD,
    BAND,
    INK,
    MUTED,
    PAPER,
    SOFT,
    UNSURE,
    WIDTH,
    open_axes,
    set_title,
    use_style,
)

__all__ = ["describe_graph", "describe_graph_alt", "plot_graph"]

_HEADS = {
    "adjusted": "Held alike",
    "left_out": "Measured, not used",
    "unmeasured": "Nobody measured",
    "spared": "Not needed",
    "learning_only": "Only for learning",
    "after": "After time zero",
}
_EDGES = {
    "adjusted": (ACCENT, "solid", 1.4, BAND),
    "left_out": (UNSURE, "dashed", 1.6, PAPER),
    "unmeasured": (BAD, "dashed", 1.8, PAPER),
    "spared": (MUTED, "solid", 1.1, PAPER),
    "learning_only": (MUTED, "dotted", 1.4, PAPER),
    "after": (UNSURE, "solid", 1.2, PAPER),
    "treatment": (INK, "solid", 1.2, INK),
    "outcome": (INK, "solid", 1.2, INK),
}
_BODY = 10.5
_HEAD = 9.5
_TIP = 0.1
_EDGE = 0.04
_TITLE = 0.7


def describe_graph(nodes: pd.DataFrame, arrows: pd.DataFrame) -> str:
    """Say what must be held alike, and what of it nobody measured; the title."""
    kinds = nodes["kind"].value_counts()
    held, hidden, left = (
        int(kinds.get(kind, 0)) for kind in ("adjusted", "unmeasured", "left_out")
    )
    needed = held + hidden + left
    if "outcome" in set(nodes["kind"]) and "outcome" not in follow_arrows(
        arrows, "learning"
    ):
        return f"Learning cannot change it; {_count(held)} held alike all the same"
    if not needed:
        return "Nothing has to be held alike: no cause drives learning and outcome"
    if held == needed:
        return f"All {_count(needed)} that must be held alike are measured"
    parts = []
    if hidden:
        parts.append(
            f"{_list(nodes, 'unmeasured')} {'is' if hidden == 1 else 'are'} not"
        )
    if left:
        parts.append(
            f"{_list(nodes, 'left_out')} {'is' if left == 1 else 'are'} not used"
        )
    return (
        f"{needed - hidden} of {_count(needed)} that must be held alike"
        f" {'is' if needed - hidden == 1 else 'are'} measured; {'; '.join(parts)}"
    )


def describe_graph_alt(nodes: pd.DataFrame, arrows: pd.DataFrame) -> str:
    """Describe the figure for readers who cannot see it."""
    parts = [
        f"{_HEADS[kind]}: {', '.join(rows['label'])}"
        for kind, rows in nodes.groupby("kind", sort=False)
        if kind in _HEADS
    ]
    return (
        "Causal graph, causes on the left, then learning, what comes after it, and the"
        f" outcome on the right. {'. '.join(parts)}. {len(arrows)} arrows."
    )


def plot_graph(
    nodes: pd.DataFrame,
    arrows: pd.DataFrame,
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a causal graph from left to right, nodes of one kind in one box.

    Parameters
    ----------
    nodes : DataFrame
        ``node``, ``label``, ``kind``, ``measured`` of one graph, and ``graph`` if
        `arrows` holds several.
    arrows : DataFrame
        ``cause``, ``effect``.
    title : str, optional
        Default: `describe_graph`.
    ax : Axes, optional
        Axes to draw on, which then span the figure's width; default: a new figure as
        high as the graph needs.

    Returns
    -------
    Axes
        Round dashed boxes are unmeasured, boxes with cut corners lie after time zero;
        arrows within a box are not drawn.
    """
    if "graph" in nodes.columns and "graph" in arrows.columns and len(nodes):
        arrows = arrows[arrows["graph"] == nodes["graph"].iloc[0]]
    layout = lay_out(nodes, arrows, width=WIDTH - 2 * _EDGE)
    with use_style():
        own = ax is None
        ax = open_axes(ax, height=layout.height + _TITLE)
        scale = _fit(ax, layout, own=own)
        for link in layout.links:
            _draw_link(ax, link)
        for box in layout.boxes:
            _draw_box(ax, box, scale)
        set_title(ax, describe_graph(nodes, arrows) if title is None else title)
    return ax


def _fit(ax: Axes, layout: Layout, *, own: bool) -> float:
    """Span the figure's width, in inches; return what text is shrunk by."""
    figure = ax.get_figure(root=True)
    if figure is None:
        return 1.0
    wide, high = figure.get_size_inches()
    place = ax.get_position()
    low, tall = (0.0, layout.height / high) if own else (place.y0, place.height)
    ax.set_position((0.0, low, 1.0, tall))
    scale = min(wide / (layout.width + 2 * _EDGE), tall * high / layout.height, 1.0)
    ax.set_xlim(-_EDGE, wide / scale - _EDGE)
    ax.set_ylim(tall * high / scale, 0.0)
    ax.set_axis_off()
    return float(scale)


def _draw_box(ax: Axes, box: Box, scale: float) -> None:
    colour, line, thick, fill = _EDGES[box.kind]
    if not box.measured and box.kind in ("spared", "learning_only"):
        line = "dotted" if box.kind == "learning_only" else "dashed"
    ax.add_patch(_shape(box, colour, line, thick, fill))
    head = _HEADS.get(box.kind, "")
    middle = box.x + box.width / 2
    lines = sum(len(item) for item in box.lines)
    tall = LINE * lines + SPACE * (len(box.lines) - 1)
    top = box.y - box.height / 2 + PAD
    if head:
        ax.text(
            middle,
            top + LINE / 2,
            head,
            ha="center",
            va="center",
            color=BAD if box.kind == "unmeasured" else SOFT,
            fontsize=_HEAD * scale,
            fontstyle="italic",
        )
    y = box.y + box.height / 2 - PAD - tall if head else box.y - tall / 2
    for item in box.lines:
        for text in item:
            ax.text(
                middle,
                y + LINE / 2,
                text,
                ha="center",
                va="center",
                color=PAPER if fill == INK else INK,
                fontsize=_BODY * scale,
                fontweight="bold" if fill == INK else "normal",
            )
            y += LINE
        y += SPACE


def _shape(box: Box, colour: str, line: str, thick: float, fill: str) -> Patch:
    """Return the outline: round if unmeasured, cut corners if after time zero."""
    left, top = box.x, box.y - box.height / 2
    right, bottom = box.x + box.width, box.y + box.height / 2
    if box.kind == "after":
        shape: Patch = Polygon(_cut_corners(left, top, right, bottom), closed=True)
    else:
        size = 0.03 if box.measured else min(0.24, box.height / 2)
        shape = FancyBboxPatch(
            (left, top),
            box.width,
            box.height,
            boxstyle=f"round,pad=0,rounding_size={size}",
        )
    shape.set(
        edgecolor=colour, facecolor=fill, linestyle=line, linewidth=thick, zorder=3
    )
    return shape


def _cut_corners(left: float, top: float, right: float, bottom: float) -> list[Point]:
    cut = 0.14
    return [
        (left + cut, top),
        (right - cut, top),
        (right, top + cut),
        (right, bottom - cut),
        (right - cut, bottom),
        (left + cut, bottom),
        (left, bottom - cut),
        (left, top + cut),
    ]


def _draw_link(ax: Axes, link: Link) -> None:
    """Draw an arrow: the line, dashed or not, and a whole tip."""
    colour, line, thick = _style_link(link.kind)
    (x0, y0), (x1, y1) = link.points[-2:]
    across = x0 != x1
    sign = 1.0 if (x1 > x0 if across else y1 > y0) else -1.0
    foot = (x1 - sign * _TIP, y1) if across else (x1, y1 - sign * _TIP)
    ax.add_patch(
        PathPatch(
            _bend((*link.points[:-1], foot)),
            facecolor="none",
            edgecolor=colour,
            linestyle=line,
            linewidth=thick,
            zorder=2,
        )
    )
    wing = 0.4 * _TIP
    sides = (
        [(foot[0], y1 - wing), (foot[0], y1 + wing)]
        if across
        else [(x1 - wing, foot[1]), (x1 + wing, foot[1])]
    )
    tip = Polygon([(x1, y1), *sides], closed=True, color=colour, linewidth=0, zorder=2)
    ax.add_patch(tip)


def _style_link(kind: str) -> tuple[str, str, float]:
    """Return colour, line and width of the arrows that leave a kind of box."""
    if kind in ("unmeasured", "left_out"):
        return BAD, "dashed", 1.5
    if kind in ("treatment", "after", "outcome"):
        return INK, "solid", 2.0
    return (MUTED if kind in ("spared", "learning_only") else SOFT), "solid", 0.9


def _bend(points: tuple[Point, ...]) -> Path:
    """Join points by curves that are level at each of them."""
    vertices = [points[0]]
    codes = [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        if y0 == y1 or x0 == x1:
            vertices.append((x1, y1))
            codes.append(Path.LINETO)
            continue
        half = (x0 + x1) / 2
        vertices += [(half, y0), (half, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    return Path(vertices, codes)


def _count(number: int) -> str:
    return f"{number} cause{'' if number == 1 else 's'}"


def _list(nodes: pd.DataFrame, kind: str) -> str:
    labels = list(nodes.loc[nodes["kind"] == kind, "label"])
    labels = [label[:1].lower() + label[1:] for label in labels]
    if len(labels) < 2:
        return "".join(labels)
    return f"{', '.join(labels[:-1])} and {labels[-1]}"
