"""A small project whose notebooks take no time: plan, run and failure are real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from workbench.core.params import OrgParams, load_org_params
from workbench.core.quarters import Quarter
from workbench.core.stages import STAGES
from workbench.core.store import Workspace
from workbench.runs import cache, plan

WORKBENCH = """
name: Acme
quarter: {first: 2026Q1, last: 2026Q3}
seed: 3
privacy: {lawful_basis: research_data, public_data: true}
"""
PERSONAS = """
- {id: leads, label: Leads, where: "role = 'lead'", priority: 1}
- {id: sellers, label: Sellers, where: "role = 'seller'", priority: 2}
"""
PROGRAMS = """
- {id: leading, personas: [leads, sellers], courses: [a], complete: {at_least: 1}}
"""
OUTCOMES = """
- {id: rating, source: performance.rating, kind: continuous, unit: points}
"""

PARAMETERS = """\
org: str = "acme"  # organisation
quarter: str = "2026Q3"  # reported quarter
persona: str = "leads"  # persona
seed: int = 0  # 0 takes the organisation's seed"""

SAVE = """\
import json, os, pathlib
folder = pathlib.Path(os.environ["WORKBENCH_STAGE_FOLDER"])
(folder / "table.parquet").write_text(f"{persona} {quarter} {seed}")
status = {"status": "done", "reason": ""}
(folder / "status.json").write_text(json.dumps(status))"""


FIRST_STAGES = STAGES[:3]
"""What the small project knows: two stages for all personas and one for each."""


@pytest.fixture(autouse=True, scope="package")
def _few_stages() -> Iterator[None]:
    """Plan the first stages only: the engine is tested, not the list of stages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "STAGES", FIRST_STAGES)
        patch.setattr(cache, "STAGES", FIRST_STAGES)
        yield


class Project:
    """A project folder with its organisation, and what tests do to it."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.quarter = Quarter(2026, 3)

    @property
    def root(self) -> Path:
        return self.workspace.root

    @property
    def params(self) -> OrgParams:
        return load_org_params("acme", self.workspace.params)

    def write_notebook(
        self, name: str, *code: str, parameters: str | None = PARAMETERS
    ) -> Path:
        """Write a notebook: a title, the parameters cell, and a cell for each code."""
        cells = [nbformat.v4.new_markdown_cell("# Title")]
        if parameters is not None:
            tags = {"tags": ["parameters"]}
            cells.append(nbformat.v4.new_code_cell(parameters, metadata=tags))
        cells += [nbformat.v4.new_code_cell(text) for text in code]
        kernel = {"name": "gone", "display_name": "Gone", "language": "python"}
        notebook = nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": kernel}
        )
        path = self.workspace.notebooks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return path

    def folder(self, stage: str, persona: str = "_all") -> Path:
        return self.workspace.stage("acme", self.quarter, persona, stage)

    def manifest(self, stage: str, persona: str = "_all") -> dict:
        return json.loads((self.folder(stage, persona) / "manifest.json").read_text())


@pytest.fixture
def parameters() -> str:
    """Source of a parameters cell as every notebook has it."""
    return PARAMETERS


def make_project(folder: Path) -> Project:
    """Make a project of three stages and two personas, loaded but never run."""
    made = Project(folder / "project")
    files = made.workspace.params / "acme"
    files.mkdir(parents=True)
    (files / "workbench.yml").write_text(WORKBENCH)
    (files / "personas.yml").write_text(PERSONAS)
    (files / "programs.yml").write_text(PROGRAMS)
    (files / "outcomes.yml").write_text(OUTCOMES)
    (made.root / "requirements.lock").write_text("nothing==1\n")
    store = made.workspace.store("acme")
    store.mkdir(parents=True)
    (store / "employees.parquet").write_text("ann, bob")
    (store / "_load.json").write_text("{}")
    for stage in STAGES:
        made.write_notebook(stage.notebook, SAVE)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project that was loaded but never run."""
    return make_project(tmp_path)
