from __future__ import annotations

from pathlib import Path

import pytest

from workbench.core.errors import ParamError
from workbench.core.params import load_org_params

GOOD = {
    "workbench.yml": (
        "name: Small\nquarter: {first: 2025Q1, last: 2026Q3}\n"
        "privacy: {lawful_basis: consent}\n"
    ),
    "personas.yml": (
        "- {id: agents, label: Agents, where: \"role = 'a'\", priority: 1}\n"
    ),
    "programs.yml": (
        "- {id: talk, personas: [agents], courses: [c1], complete: {at_least: 1}}\n"
    ),
    "outcomes.yml": "- {id: rating, source: performance.rating, kind: continuous}\n",
}


def write(root: Path, **changes: str) -> Path:
    folder = root / "small"
    folder.mkdir(parents=True)
    for name, text in GOOD.items():
        (folder / name).write_text(changes.get(name.split(".")[0], text))
    return root


def test_good_files_are_read(tmp_path: Path) -> None:
    params = load_org_params("small", write(tmp_path))
    assert params.workbench.privacy.min_group == 10
    assert str(params.parse_quarter("2026Q3")) == "2026Q3"
    assert [item.id for item in params.find_programs("agents")] == ["talk"]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "workbench",
            GOOD["workbench.yml"] + "curency: EUR\n",
            r"workbench.yml:4: curency: unknown key",
        ),
        (
            "workbench",
            "name: X\nquarter: {first: 2026Q5, last: 2026Q3}\n"
            "privacy: {lawful_basis: consent}\n",
            r"workbench.yml:2: quarter.first",
        ),
        (
            "workbench",
            "name: X\nquarter: {first: 2026Q3, last: 2025Q3}\n"
            "privacy: {lawful_basis: consent}\n",
            "last lies before first",
        ),
        (
            "workbench",
            GOOD["workbench.yml"].replace("consent", "consent, min_group: 3"),
            "greater than or equal to 5",
        ),
        (
            "personas",
            "- {id: a b, label: x, where: y, priority: 1}\n",
            "personas.yml:1",
        ),
        ("personas", "id: agents\n", "valid list"),
        ("personas", "", "A parameter file is empty"),
        ("personas", "- {id: a, id: b}\n", "stands twice"),
        ("personas", "- &x {id: a}\n- *x\n", "aliases are not read"),
        ("personas", "- {id: [\n", "not valid YAML"),
        ("personas", "- !!python/object:os.system {}\n", "personas.yml"),
        (
            "personas",
            GOOD["personas.yml"] * 2,
            "The id 'agents' stands twice",
        ),
        (
            "programs",
            GOOD["programs.yml"].replace("[agents]", "[agent]"),
            "personas that do not exist",
        ),
        (
            "programs",
            GOOD["programs.yml"].replace("at_least: 1", "at_least: 2"),
            "exceeds the number of courses",
        ),
        (
            "outcomes",
            "- {id: stay, source: exits.voluntary, kind: time_to_event}\n",
            "needs horizon_days",
        ),
        (
            "outcomes",
            GOOD["outcomes.yml"].replace("continuous", "continuous, threshold: {}"),
            "either relative or absolute",
        ),
    ],
)
def test_faults_are_named_with_their_place(
    tmp_path: Path, file: str, text: str, message: str
) -> None:
    root = write(tmp_path, **{file: text})
    with pytest.raises(ParamError, match=message):
        load_org_params("small", root)


def test_all_faults_of_a_file_are_reported_together(tmp_path: Path) -> None:
    text = "- {id: A, label: x, where: y, priority: 1}\n- {id: b, labl: x}\n"
    with pytest.raises(ParamError, match="faults") as caught:
        load_org_params("small", write(tmp_path, personas=text))
    assert "personas.yml:1: 0.id" in str(caught.value)
    assert "personas.yml:2: 1.labl: unknown key" in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    root = write(tmp_path)
    (root / "small" / "outcomes.yml").unlink()
    with pytest.raises(ParamError, match="parameter file is missing"):
        load_org_params("small", root)
    with pytest.raises(ParamError, match="no organisation 'other'"):
        load_org_params("other", root)
    with pytest.raises(ParamError, match="cannot be the name"):
        load_org_params("../small", root)


def test_unknown_persona_outcome_and_quarter(tmp_path: Path) -> None:
    params = load_org_params("small", write(tmp_path))
    with pytest.raises(ParamError, match="no persona 'agent'"):
        params.find_persona("agent")
    with pytest.raises(ParamError, match="no outcome 'joy'"):
        params.find_outcome("joy")
    with pytest.raises(ParamError, match="not a quarter of small"):
        params.parse_quarter("2024Q4")
