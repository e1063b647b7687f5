"""The declared causes on the methods page: table, graphs, and words for their lack."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.brief.content.project import QUARTER
from workbench.brief.causes import choose_causes, list_adjusted, show_causes
from workbench.brief.guard import check_raw_html
from workbench.brief.pages_methods import MethodsPage
from workbench.brief.results import BriefData

NODES = [
    ("tenure", "Tenure", "adjusted", True),
    ("kpi", "KPI before", "adjusted", True),
    ("drive", "Drive <b>", "unmeasured", False),
    ("learning", "Learning", "treatment", True),
    ("outcome", "Outcome", "outcome", True),
]
ARROWS = [
    ("tenure", "learning"),
    ("tenure", "outcome"),
    ("kpi", "learning"),
    ("kpi", "outcome"),
    ("drive", "learning"),
    ("drive", "outcome"),
    ("learning", "outcome"),
]
ROWS = [
    ("performance_rating", 1, False, "Tenure; KPI before", "Drive <b>", "", ""),
    ("retention_12m", 1, False, "Tenure; KPI before", "Drive <b>", "", "Season"),
    ("internal_mobility_12m", 2, True, "Tenure; KPI before", "", "fte", ""),
    ("parking_permit", 2, True, "Tenure; KPI before", "", "", ""),
]


def write_causes(root, rows=ROWS):
    folder = root / "outputs" / "alder" / QUARTER / "_all" / "personas"
    columns = ["node", "label", "kind", "measured"]
    second = [row for row in NODES if row[0] != "drive"]
    nodes = pd.concat(
        [
            pd.DataFrame(NODES, columns=columns).assign(graph=1),
            pd.DataFrame(second, columns=columns).assign(graph=2),
        ]
    )
    arrows = pd.DataFrame(ARROWS, columns=["cause", "effect"])
    names = [
        "outcome", "graph", "identified", "adjusted", "unmeasured", "left_out",
        "instruments",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=names).assign(text="", control_of="")
    table.loc[table["outcome"] == "parking_permit", "control_of"] = "performance_rating"
    tables = {
        "graph_nodes": nodes,
        "graph_arrows": pd.concat(
            [arrows.assign(graph=1), arrows[arrows["cause"] != "drive"].assign(graph=2)]
        ),
        "adjustment": table.astype({"graph": "Int64", "identified": "boolean"}),
    }
    for name, frame in tables.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)


@pytest.fixture
def declared(project):
    write_causes(project)
    return BriefData.open(org="alder", quarter=QUARTER)


def test_the_table_says_what_is_held_alike_and_what_is_missing(declared):
    text = show_causes(declared).text
    check_raw_html(text, where="test")
    assert "Performance rating and 12-month retention" in text
    assert "Internal moves and Parking permit" in text
    assert text.count("tenure and KPI before") == 2
    assert "Drive &lt;b&gt;" in text
    assert "<b>" not in text
    assert text.count("✓") == text.count('aria-hidden="true">?') == 1
    assert "Measured, but not used by choice: fte." in text
    assert "they decide on learning alone: Season." in text
    assert "A control outcome is compared as the first outcome is" in text


def test_each_distinct_graph_is_a_panel_with_its_outcomes(declared):
    exhibit = choose_causes(declared)
    assert len(exhibit.panels) == 2
    first, second = (frame for _, frame in exhibit.panels)
    outcomes = first[first["kind"] == "outcome"]
    assert outcomes["label"].tolist() == ["Performance rating", "12-month retention"]
    assert outcomes["node"].iloc[0] == "outcome"
    assert "drive" not in set(second["node"])
    words = exhibit.alt.replace("\N{NO-BREAK SPACE}", " ")
    assert "Performance rating and 12-month retention: 2 causes held" in words
    assert "nothing needed is unmeasured" in words


def test_the_trial_is_made_comparable_by_the_declared_causes(declared):
    assert list_adjusted(declared) == "tenure and KPI before"
    page = MethodsPage.create(declared)
    assert (
        "tenure and KPI before, all dated before the start" in page.show_trials().text
    )
    assert page.choose_causes().panels


def test_without_a_graph_the_page_says_so(project):
    data = BriefData.open(org="alder", quarter=QUARTER)
    assert choose_causes(data).panels == ()
    assert "No causes are declared" in show_causes(data).text
    assert list_adjusted(data) == ""


def test_a_stage_without_graph_says_so(project):
    rows = [(row[0], None, None, "", "", "", "") for row in ROWS]
    write_causes(project, rows)
    data = BriefData.open(org="alder", quarter=QUARTER)
    text = show_causes(data).text
    assert "No causes are declared" in text
    assert "table-wrap" not in text


def test_the_figure_is_drawn_from_the_exhibit(declared, monkeypatch):
    from workbench.brief import figures
    from workbench.plots.graph import plot_graph

    shown = []
    monkeypatch.setattr(
        figures, "show_figure", lambda figure, **words: shown.append((figure, words))
    )
    figures.show_exhibit(plot_graph, choose_causes(declared))
    ((figure, words),) = shown
    written = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert "Drive <b>" in written
    assert any(text.startswith("2 of 3 causes") for text in written)
    assert "Declared causes" in words["caption"]
