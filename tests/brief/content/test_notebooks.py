"""The notebooks of the brief run from top to bottom and show Markdown and SVG only."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from papermill import execute_notebook

from tests.brief.content.project import QUARTER
from workbench.brief.cleaning import clean_notebook
from workbench.brief.notebook_files import read_notebook

NOTEBOOKS = Path(__file__).parents[3] / "notebooks" / "brief"
NAMES = ("index", "personas", "actions", "data_quality", "methods")


def run(name, tmp_path):
    parameters = {"org": "alder", "quarter": QUARTER, "seed": 1}
    if name == "personas":
        parameters["persona"] = "leads"
    path = tmp_path / "executed.ipynb"
    execute_notebook(
        NOTEBOOKS / f"{name}.ipynb",
        path,
        parameters=parameters,
        progress_bar=False,
        kernel_name="python3",
    )
    return path


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_of_the_brief_runs(name, project, tmp_path):
    path = run(name, tmp_path)
    notebook = nbformat.read(path, as_version=4)
    outputs = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    assert {item.output_type for item in outputs} == {"display_data"}
    forms = {form for item in outputs for form in item.data}
    assert forms <= {"text/markdown", "text/plain", "image/svg+xml"}
    clean = clean_notebook(read_notebook(path), where=name)
    assert not clean.failed
    if name == "index":
        assert clean.front["title"].startswith("Learners did better")
    if name == "personas":
        figures = [cell for cell in clean.cells if "fig-cap" in cell["source"]]
        assert len(figures) == 4
    if name == "actions":
        figures = [cell for cell in clean.cells if "fig-cap" in cell["source"]]
        assert len(figures) == 4
        assert clean.front["title"].startswith("Retire")


def test_the_notebooks_run_on_a_quarter_without_results(bare, tmp_path):
    path = run("personas", tmp_path)
    text = path.read_text()
    assert "has not been run for this quarter" in text
    assert "image/svg+xml" not in text
    clean = clean_notebook(read_notebook(path), where="personas")
    assert not any("fig-" in cell["source"] for cell in clean.cells)
    text = run("actions", tmp_path).read_text()
    assert "The portfolio of modules has not been run for this quarter" in text
    assert "image/svg+xml" not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_of_the_brief_is_thin(name):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    first, second, *rest = notebook.cells
    assert first.cell_type == "raw"
    assert first.source.startswith("---\ntitle:")
    assert second.metadata.tags == ["parameters"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) <= 12
    assert sum(len(cell.source.splitlines()) for cell in code) <= 80
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    labels = [
        line for cell in rest for line in cell.source.splitlines() if "#| label" in line
    ]
    assert len(labels) == len(set(labels))
