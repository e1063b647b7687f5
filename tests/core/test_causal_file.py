"""Declared causes: what is read, and every fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.core.causal_file import read_causes
from workbench.core.errors import ParamError
from workbench.core.params import Outcome, load_org_params

ROOT = Path(__file__).resolve().parents[2]
OUTCOMES = (
    Outcome(id="rating", source="performance.rating", kind="continuous"),
    Outcome(id="stay", source="exits.any", kind="binary"),
    Outcome(
        id="permit",
        source="employees.permit",
        kind="binary",
        negative_control=True,
    ),
)
GOOD = """
nodes:
  - {id: tenure, label: Tenure, measured_by: [tenure_days]}
  - {id: drive, label: Drive}
  - {id: practice, label: Practice, when: after}
arrows:
  tenure: [learning, outcome]
  drive: [learning, rating]
  learning: [practice]
for_outcomes:
  - outcomes: [rating, stay]
    nodes: [{id: commute, label: Commute}]
    arrows:
      practice: [outcome]
      commute: [stay]
"""


def read(tmp_path: Path, text: str = GOOD, outcomes=OUTCOMES):
    path = tmp_path / "graph.yml"
    path.write_text(text)
    return read_causes(path, outcomes)


def test_each_outcome_has_its_own_graph(tmp_path: Path) -> None:
    declared = read(tmp_path)
    rating = declared.for_outcome("rating")
    assert rating.arrows == (
        ("tenure", "learning"),
        ("tenure", "rating"),
        ("drive", "learning"),
        ("drive", "rating"),
        ("learning", "practice"),
        ("practice", "rating"),
    )
    assert rating.ids == (
        "tenure",
        "drive",
        "practice",
        "commute",
        "learning",
        "rating",
    )
    stay = declared.for_outcome("stay")
    assert stay.list_causes("stay") == ("tenure", "practice", "commute")
    assert stay.list_causes("learning") == ("tenure", "drive")
    permit = declared.for_outcome("permit")
    assert permit.list_causes("permit") == ("tenure",)
    assert permit.find("commute") is None


def test_paths_follow_arrows(tmp_path: Path) -> None:
    graph = read(tmp_path).for_outcome("rating")
    assert graph.find_path("learning", "rating") == ("learning", "practice", "rating")
    assert graph.find_path("rating", "learning") == ()
    assert graph.find_path("tenure", "tenure") == ()


FAULTS = [
    (
        "tenure: [learning",
        "tenur: [learning",
        r"graph.yml:7: there is no node tenur; t",
    ),
    ("drive: [learning", "drive: [learnin", "graph.yml:8: there is no node learnin; l"),
    ("drive: [learning", "drive: [drive", "graph.yml:8: drive has an arrow to itself"),
    (
        "learning: [practice]",
        "learning: [practice]\n  practice: [tenure]",
        r"graph.yml:10: practice \(after time zero\) cannot cause tenure \(before time",
    ),
    (
        "learning: [practice]",
        "learning: [practice]\n  rating: [learning]",
        r"graph.yml:10: rating \(after time zero\) cannot cause learning \(learning\)",
    ),
    (
        "learning: [practice]",
        "learning: [practice, drive]",
        r"graph.yml:9: learning \(learning\) cannot cause drive \(before time zero\)",
    ),
    (
        "tenure: [learning, outcome]\n  drive: [learning, rating]",
        "tenure: [learning, outcome, drive]\n  drive: [learning, rating, tenure]",
        "graph.yml:7: a cycle: drive -> tenure -> drive",
    ),
    (
        "tenure: [learning, outcome]",
        "tenure: [learning]",
        "arrow to the outcome permit",
    ),
    (
        "practice: [outcome]",
        "drive: [outcome]",
        "graph.yml:11: no arrows lead from learning to the outcome rating",
    ),
    (
        "learning: [practice]",
        "learning: [practice, outcome]",
        "permit is a negative control, but learning causes it: learning -> permit",
    ),
    ("{id: drive, label: Drive}", "{id: learning, label: L}", "5?: learning is the tr"),
    ("{id: drive, label: Drive}", "{id: stay, label: L}", "4: stay is an outcome: it"),
    ("{id: drive, label: Drive}", "{id: tenure, label: L}", "node tenure stands twice"),
    (
        "{id: drive, label: Drive}",
        "{id: drive, label: Drive, measured_by: [tenure_days]}",
        "graph.yml:4: the column tenure_days measures tenure already",
    ),
    (
        "when: after}",
        "when: after, past_outcome: true}",
        "graph.yml:5: practice cannot be a past outcome and lie after time zero",
    ),
    (
        "[rating, stay]\n",
        "[rating, stays]\n",
        "stays is not an outcome of outcomes.yml; st",
    ),
    (
        "for_outcomes:",
        "adjust_also: [drive]\nfor_outcomes:",
        "drive cannot be adjusted",
    ),
    ("for_outcomes:", "adjust_also: [age]\nfor_outcomes:", "10: there is no node age"),
    ("commute: [stay]", "rating: [stay]", "graph.yml:15: a graph holds one outcome"),
    ("label: Drive", "lable: Drive", "graph.yml:4: nodes.1.lable: unknown key"),
]


@pytest.mark.parametrize(("old", "new", "message"), FAULTS)
def test_a_fault_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(ParamError, match=message):
        read(tmp_path, GOOD.replace(old, new))


def test_all_faults_of_a_kind_are_told_together(tmp_path: Path) -> None:
    text = GOOD.replace("tenure: [learning", "tenur: [lerning").replace(
        "commute: [stay]", "comute: [stay]"
    )
    with pytest.raises(ParamError, match="3 faults") as caught:
        read(tmp_path, text)
    assert str(caught.value).count("there is no node") == 3


def test_an_outcome_that_nothing_causes_is_refused(tmp_path: Path) -> None:
    text = GOOD.replace("[learning, outcome]", "[learning, rating, permit]").replace(
        "outcomes: [rating, stay]", "outcomes: [rating]"
    )
    with pytest.raises(ParamError, match="nothing has an arrow to the outcome stay"):
        read(tmp_path, text)


@pytest.mark.parametrize("org", ["demo", "oulad"])
def test_the_graphs_of_the_project_are_sound(org: str) -> None:
    params = load_org_params(org, ROOT / "params")
    assert params.causes is not None
    for outcome in params.outcomes:
        graph = params.causes.for_outcome(outcome.id)
        assert graph.list_causes(outcome.id)


def test_an_organisation_may_do_without(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "workbench.yml").write_text(
        "name: Small\nquarter: {first: 2025Q1, last: 2026Q3}\n"
        "privacy: {lawful_basis: consent}\n"
    )
    (folder / "personas.yml").write_text(
        "- {id: agents, label: Agents, where: 'true', priority: 1}\n"
    )
    (folder / "programs.yml").write_text(
        "- {id: talk, personas: [agents], courses: [c], complete: {at_least: 1}}\n"
    )
    (folder / "outcomes.yml").write_text(
        "- {id: rating, source: performance.rating, kind: continuous}\n"
    )
    assert load_org_params("small", tmp_path).causes is None
    (folder / "graph.yml").write_text("nodes: []\narrows: {}\n")
    with pytest.raises(ParamError, match=r"graph.yml:1: nodes"):
        load_org_params("small", tmp_path)
