"""The causal graph: what stands where, what is drawn, and the words that go with it."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import matplotlib as mpl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon

from workbench.plots.graph import describe_graph, describe_graph_alt, plot_graph
from workbench.plots.graph_frames import KINDS, box_frame, link_frame
from workbench.plots.graph_layout import lay_out

NODES = [
    ("tenure", "Tenure", "adjusted", True),
    ("site", "Site", "adjusted", True),
    ("results", "Results so far", "adjusted", True),
    ("drive", "Drive", "unmeasured", False),
    ("ability", "Ability", "spared", False),
    ("invited", "Invitation", "learning_only", True),
    ("coached", "Coaching by the manager", "after", False),
    ("learning", "Learning", "treatment", True),
    ("outcome", "Outcome", "outcome", True),
]
ARROWS = [
    *(("tenure", to) for to in ("results", "learning", "outcome")),
    ("site", "learning"),
    ("site", "outcome"),
    ("results", "learning"),
    ("results", "outcome"),
    *(("drive", to) for to in ("results", "learning", "outcome")),
    ("ability", "results"),
    ("ability", "outcome"),
    ("invited", "learning"),
    ("learning", "coached"),
    ("learning", "outcome"),
    ("coached", "outcome"),
]


def frame_nodes(rows=NODES) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["node", "label", "kind", "measured"])


def frame_arrows(rows=ARROWS) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["cause", "effect"])


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


def test_boxes_stand_in_the_order_of_time() -> None:
    boxes = box_frame(frame_nodes(), frame_arrows())
    columns = boxes.set_index("node")["column"]
    assert columns["tenure"] == columns["drive"] == 0
    assert columns["results"] == 1
    assert (columns["learning"], columns["coached"], columns["outcome"]) == (2, 3, 4)
    shared = boxes.set_index("node")["box"]
    assert shared["tenure"] == shared["site"]
    assert shared["results"] != shared["site"]


def test_arrows_of_a_box_are_drawn_once() -> None:
    boxes = box_frame(frame_nodes(), frame_arrows())
    links = link_frame(boxes, frame_arrows()).set_index(["source", "target"])["arrows"]
    roots = "0/adjusted/measured"
    assert links[roots, "4/outcome/measured"] == 2
    assert links[roots, "1/adjusted/measured"] == 1
    assert not links.index.duplicated().any()


def overlaps(box, x: float, y: float) -> bool:
    inside = abs(y - box.y) < box.height / 2 - 1e-9
    return inside and box.x + 1e-9 < x < box.x + box.width - 1e-9


@st.composite
def drawings(draw):
    """Draw graphs with every kind of node and any arrows forward in time."""
    rows = list(NODES)
    more = draw(st.lists(st.sampled_from(KINDS[:5]), max_size=8))
    rows[:0] = [
        (f"n{number}", "some words of a label" * (number % 2) or "Word", kind, True)
        for number, kind in enumerate(more)
    ]
    order = [row[0] for row in rows]
    pairs = [
        (first, second)
        for at, first in enumerate(order)
        for second in order[at + 1 :]
        if draw(st.integers(0, 3)) == 0
        and not (first in ("coached",) and second == "learning")
    ]
    return rows, [*ARROWS, *pairs]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(drawings())
def test_boxes_keep_apart_and_arrows_clear_of_them(drawing) -> None:
    nodes, arrows = frame_nodes(drawing[0]), frame_arrows(drawing[1]).drop_duplicates()
    layout = lay_out(nodes, arrows)
    boxes = {box.name: box for box in layout.boxes}
    for box in layout.boxes:
        assert box.x >= -1e-9
        assert box.x + box.width <= layout.width + 1e-9
        assert box.y - box.height / 2 >= 0
        assert box.y + box.height / 2 <= layout.height
        for other in layout.boxes:
            if other is not box and abs(other.x - box.x) < 1e-9:
                least = (box.height + other.height) / 2
                assert abs(box.y - other.y) >= least
    for link in layout.links:
        for x, y in link.points[1:-1]:
            assert not any(overlaps(box, x, y) for box in boxes.values())
        (x0, y0), (x1, y1) = link.points[0], link.points[-1]
        assert x0 <= x1 + 1e-9
        if len(link.points) == 2 and x0 == x1:
            assert not any(overlaps(box, x0, (y0 + y1) / 2) for box in boxes.values())
    assert layout == lay_out(nodes, arrows)


def test_kinds_are_told_apart_by_shape_and_line() -> None:
    ax = plot_graph(frame_nodes(), frame_arrows())
    boxes = [item for item in ax.patches if isinstance(item, FancyBboxPatch)]
    rounded = [item for item in boxes if item.get_boxstyle().rounding_size > 0.1]
    assert len(rounded) == 2
    assert all(item.get_linestyle() in ("--", "dashed") for item in rounded)
    cut = [
        item
        for item in ax.patches
        if isinstance(item, Polygon) and len(item.get_xy()) == 9
    ]
    assert len(cut) == 1
    lines = [item for item in ax.patches if isinstance(item, PathPatch)]
    assert sum(item.get_linestyle() in ("--", "dashed") for item in lines) == 3
    written = " ".join(text.get_text() for text in ax.texts)
    for head in ("Held alike", "Nobody measured", "Not needed", "After time zero"):
        assert head in written
    assert "Results so far" in written


def test_text_stays_in_its_box() -> None:
    ax = plot_graph(frame_nodes(), frame_arrows())
    ax.figure.canvas.draw()
    shapes = [
        item
        for item in ax.patches
        if isinstance(item, FancyBboxPatch)
        or (isinstance(item, Polygon) and len(item.get_xy()) == 9)
    ]
    for text in ax.texts:
        extent = text.get_window_extent()
        assert any(
            shape.get_window_extent().x0 <= extent.x0 + 1
            and extent.x1 <= shape.get_window_extent().x1 + 1
            and shape.get_window_extent().y0 <= extent.y0 + 2
            and extent.y1 <= shape.get_window_extent().y1 + 2
            for shape in shapes
        ), text.get_text()


def test_one_of_several_graphs_is_drawn_on_given_axes() -> None:
    figure = Figure(figsize=(7.2, 9.0))
    figure.set_layout_engine("constrained")
    axes = figure.subplots(2, 1)
    both = pd.concat(
        [frame_arrows().assign(graph=1), frame_arrows(ARROWS[:3]).assign(graph=2)]
    )
    for number, ax in enumerate(axes, start=1):
        plot_graph(
            frame_nodes().assign(graph=number), both, ax=ax, title=f"No {number}"
        )
    counts = [sum(isinstance(item, PathPatch) for item in ax.patches) for ax in axes]
    assert counts[0] > counts[1] > 0
    files = []
    for _ in range(2):
        stream = BytesIO()
        figure.savefig(stream, format="png")
        files.append(stream.getvalue())
    assert files[0] == files[1]


def test_the_title_states_what_is_missing() -> None:
    nodes, arrows = frame_nodes(), frame_arrows()
    assert describe_graph(nodes, arrows) == (
        "3 of 4 causes that must be held alike are measured; drive is not"
    )
    known = nodes.assign(kind=nodes["kind"].replace("unmeasured", "adjusted"))
    assert describe_graph(known, arrows) == (
        "All 4 causes that must be held alike are measured"
    )
    left = nodes.assign(kind=nodes["kind"].mask(nodes["node"] == "site", "left_out"))
    assert describe_graph(left, arrows).endswith("drive is not; site is not used")
    free = nodes[~nodes["kind"].isin(["adjusted", "unmeasured"])]
    assert describe_graph(free, arrows).startswith("Nothing has to be held alike")
    away = arrows[~arrows["cause"].isin(["learning", "coached"])]
    assert describe_graph(nodes, away).startswith("Learning cannot change it; 3 causes")


def test_the_alternative_text_names_every_node() -> None:
    text = describe_graph_alt(frame_nodes(), frame_arrows())
    for label in (
        "Tenure",
        "Drive",
        "Ability",
        "Invitation",
        "Coaching by the manager",
    ):
        assert label in text
    assert "Nobody measured: Drive" in text
    assert "16 arrows" in text
