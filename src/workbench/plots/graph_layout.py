"""Where the boxes and arrows of a causal graph stand: columns from left to right."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from workbench.plots.graph_frames import (
    AFTER,
    LAST,
    OUTCOME,
    TREATMENT,
    box_frame,
    link_frame,
)

__all__ = [
    "LINE",
    "PAD",
    "SPACE",
    "Box",
    "Layout",
    "Link",
    "Point",
    "lay_out",
]

_WIDTHS = {
    0: 1.46,
    1: 1.46,
    TREATMENT: 0.94,
    AFTER: 1.16,
    OUTCOME: 1.22,
    LAST: 1.16,
}
LINE = 0.19
"""Inches from one line of text to the next."""

PAD = 0.09
"""Inches between text and the edge of its box."""

SPACE = 0.05
"""Inches between the lines of one node and those of the next."""

_HEAD = 0.21
_LANE = 0.13
_APART = 0.17
_GAP = 0.21
_SWEEPS = 6
_AROUND = 0.12
_CHARACTER = 0.086
_BOLD_CHARACTER = 0.098
_BOLD = (TREATMENT, OUTCOME)

Point = tuple[float, float]
Item = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Nodes of one kind and column; lengths in inches, `y` of the middle, downward."""

    name: str
    kind: str
    measured: bool
    lines: tuple[tuple[str, ...], ...]
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An arrow between boxes through points that keep clear of the boxes between."""

    source: str
    target: str
    kind: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A whole drawing of a width and height in inches."""

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    width: float
    height: float


def lay_out(nodes: pd.DataFrame, arrows: pd.DataFrame, *, width: float = 7.2) -> Layout:
    """Place the boxes of a graph in columns, and lead its arrows around them.

    Nothing is drawn at random: equal frames give equal places.

    Parameters
    ----------
    nodes, arrows : DataFrame
        See `workbench.plots.graph_frames.box_frame`.
    width : float
        Inches from the left edge to the right one.
    """
    boxes = box_frame(nodes, arrows)
    links = link_frame(boxes, arrows)
    column = dict(zip(boxes["box"], boxes["column"], strict=True))
    used = sorted(set(column.values()))
    rank = {name: used.index(place) for name, place in column.items()}
    left, widths = _place_columns(used, width)
    written = {
        name: tuple(
            _wrap(label, widths[rank[name]], bold=column[name] in _BOLD)
            for label in rows["label"]
        )
        for name, rows in boxes.groupby("box", sort=False)
    }
    heights = {name: _measure(lines, name) for name, lines in written.items()}
    chains = {
        (row.source, row.target): _chain(row.source, row.target, rank)
        for row in links.itertuples()
    }
    order = _order(list(column), rank, chains, heights)
    middle = _stack(order, heights)
    height = max(sum(_tall(item, heights) + _APART for item in row) for row in order)
    first = boxes.groupby("box", sort=False).first()
    drawn = tuple(
        Box(
            name=name,
            kind=str(first.loc[name, "kind"]),
            measured=bool(first.loc[name, "measured"]),
            lines=written[name],
            x=left[rank[name]],
            y=middle["box", name, rank[name]],
            width=widths[rank[name]],
            height=heights[name],
        )
        for name in column
    )
    return Layout(
        boxes=drawn,
        links=tuple(_draw_links(drawn, chains, middle, left, widths)),
        width=width,
        height=height,
    )


def _place_columns(
    used: Sequence[int], width: float
) -> tuple[list[float], list[float]]:
    """Return left edge and width of each column; gaps share what is left over."""
    widths = [_WIDTHS[place] for place in used]
    gap = (width - sum(widths)) / max(len(used) - 1, 1)
    if gap < _GAP:
        scale = (width - _GAP * (len(used) - 1)) / sum(widths)
        widths, gap = [item * scale for item in widths], _GAP
    left = [sum(widths[:at]) + gap * at for at in range(len(used))]
    return left, widths


def _wrap(label: str, width: float, *, bold: bool) -> tuple[str, ...]:
    """Break a label into lines that fit a box; bold boxes have narrower edges."""
    room = (width - PAD) / _BOLD_CHARACTER if bold else (width - 2 * PAD) / _CHARACTER
    lines = textwrap.wrap(label, max(int(room), 6), break_long_words=False)
    return tuple(lines) or ("",)


def _measure(lines: Sequence[Sequence[str]], name: str) -> float:
    """Return the height of a box: its head, and lines with a space between nodes."""
    text = sum(LINE * len(item) for item in lines) + SPACE * (len(lines) - 1)
    plain = "/treatment/" in name or "/outcome/" in name
    return text + 2 * PAD + (0.12 if plain else _HEAD)


def _chain(source: str, target: str, rank: dict[str, int]) -> tuple[Item, ...]:
    """List the boxes and lanes that an arrow passes, from column to column."""
    low, high = rank[source], rank[target]
    key = f"{source}>{target}"
    between = [("lane", key, at) for at in range(low + 1, high)]
    return (("box", source, low), *between, ("box", target, high))


def _order(
    names: Iterable[str],
    rank: dict[str, int],
    chains: dict[tuple[str, str], tuple[Item, ...]],
    heights: dict[str, float],
) -> list[list[Item]]:
    """Order each column by the means of what its items are joined to."""
    rows: list[list[Item]] = [[] for _ in range(max(rank.values()) + 1)]
    for name in names:
        rows[rank[name]].append(("box", name, rank[name]))
    joined: dict[Item, list[Item]] = defaultdict(list)
    for chain in chains.values():
        for item in chain[1:-1]:
            rows[item[2]].append(item)
        for first, second in pairwise(chain):
            joined[first].append(second)
            joined[second].append(first)
    for sweep in range(_SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        places = range(len(rows)) if step == 1 else range(len(rows) - 1, -1, -1)
        for at in places:
            middle = _stack(rows, heights)
            means = {
                item: _mean(
                    [middle[other] for other in joined[item] if other[2] == at - step],
                    middle[item],
                )
                for item in rows[at]
            }
            rows[at].sort(key=means.__getitem__)
    return rows


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _tall(item: Item, heights: dict[str, float]) -> float:
    return heights[item[1]] if item[0] == "box" else _LANE


def _stack(
    rows: Sequence[Sequence[Item]], heights: dict[str, float]
) -> dict[Item, float]:
    """Stack each column around a common middle; return the middle of each item."""
    totals = [sum(_tall(item, heights) + _APART for item in row) for row in rows]
    middle: dict[Item, float] = {}
    for row, total in zip(rows, totals, strict=True):
        top = (max(totals) - total) / 2
        for item in row:
            tall = _tall(item, heights)
            middle[item] = top + (tall + _APART) / 2
            top += tall + _APART
    return middle


def _draw_links(
    boxes: Sequence[Box],
    chains: dict[tuple[str, str], tuple[Item, ...]],
    middle: dict[Item, float],
    left: Sequence[float],
    widths: Sequence[float],
) -> Iterable[Link]:
    """Lead every arrow from a place of its own on one box to one on another."""
    by_name = {box.name: box for box in boxes}
    across = [pair for pair, chain in chains.items() if chain[0][2] != chain[-1][2]]
    leaves = _share_edges(by_name, chains, middle, across, end=0)
    enters = _share_edges(by_name, chains, middle, across, end=-1)
    for pair, chain in chains.items():
        source, target = by_name[pair[0]], by_name[pair[1]]
        if pair not in leaves:
            yield Link(
                source=pair[0],
                target=pair[1],
                kind=source.kind,
                points=_go_within(source, target, boxes),
            )
            continue
        points: list[Point] = [(source.x + source.width, leaves[pair])]
        for item in chain[1:-1]:
            level = middle[item]
            points += [
                (left[item[2]], level),
                (left[item[2]] + widths[item[2]], level),
            ]
        points.append((target.x, enters[pair]))
        yield Link(
            source=pair[0], target=pair[1], kind=source.kind, points=tuple(points)
        )


def _share_edges(
    boxes: dict[str, Box],
    chains: dict[tuple[str, str], tuple[Item, ...]],
    middle: dict[Item, float],
    pairs: Sequence[tuple[str, str]],
    *,
    end: int,
) -> dict[tuple[str, str], float]:
    """Give each arrow its own place on the edge of a box, sorted by where it goes."""
    at_box: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pair in pairs:
        at_box[pair[end]].append(pair)
    places: dict[tuple[str, str], float] = {}
    near = 1 if end == 0 else -2
    for name, mine in at_box.items():
        mine.sort(key=lambda pair: (middle[chains[pair][near]], pair))
        box = boxes[name]
        room = min(0.74 * box.height, 0.3 * len(mine))
        for number, pair in enumerate(mine):
            share = (number + 0.5) / len(mine) - 0.5
            places[pair] = box.y + share * room
    return places


def _go_within(source: Box, target: Box, boxes: Sequence[Box]) -> tuple[Point, ...]:
    """Lead an arrow within a column: straight on, or around the boxes between."""
    low, high = sorted((source.y, target.y))
    if any(box.x == source.x and low < box.y < high for box in boxes):
        right = source.x + source.width
        return (
            (right, source.y),
            (right + _AROUND, (source.y + target.y) / 2),
            (right, target.y),
        )
    sign = 1 if target.y > source.y else -1
    x = source.x + source.width / 2 + sign * _AROUND
    return (
        (x, source.y + sign * source.height / 2),
        (x, target.y - sign * target.height / 2),
    )
