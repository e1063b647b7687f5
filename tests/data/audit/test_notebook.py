"""The notebook of the stage, run on a tiny project."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from tests.data.audit.stores import build_rows, write_store
from workbench.core.run_params import OUTPUT_VARIABLE, PROJECT_VARIABLE

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "01_data_audit.ipynb"
FILES = {
    "workbench.yml": """
name: Small
quarter: {first: 2024Q4, last: 2026Q3}
privacy: {lawful_basis: consent, min_group: 5}
""",
    "personas.yml": """
- {id: agents, label: Agents, where: "role = 'agent'", priority: 1}
""",
    "programs.yml": """
- {id: talking, personas: [agents], courses: [c1], complete: {at_least: 1}}
""",
    "outcomes.yml": """
- {id: performance_rating, source: performance.rating, kind: continuous}
""",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "params" / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "notebooks").mkdir()
    write_store(tmp_path / "outputs" / "small" / "store", build_rows())
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    monkeypatch.setenv(OUTPUT_VARIABLE, str(tmp_path / "left"))
    return tmp_path


def test_the_notebook_runs_on_a_tiny_project(project: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace('"demo"', '"small"')
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    left = project / "left"
    assert json.loads((left / "status.json").read_text())["status"] == "done"
    assert pd.read_parquet(left / "quality.parquet")["source_score"].min() > 99
    kinds = {
        kind
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    }
    # a publisher answers text/html with scripts from elsewhere
    assert kinds == {"text/plain", "text/markdown", "image/svg+xml"}
    figures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/svg+xml" in output.get("data", {})
    ]
    assert len(figures) == 3
