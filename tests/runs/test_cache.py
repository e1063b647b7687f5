from __future__ import annotations

import json

import pytest

from workbench.core.errors import SourceError
from workbench.runs.cache import Ingredients, describe_change, find_fresh
from workbench.runs.jobs import NOTEBOOK
from workbench.runs.manifest import MANIFEST, hash_outputs, make_key
from workbench.runs.plan import plan_pages, plan_quarter
from workbench.runs.provenance import ROOMS, find_rooms, hash_package, list_versions


def list_ingredients(project, stage="psm", persona="leads"):
    tasks = plan_quarter(project.params, project.workspace, project.quarter)
    task = next(item for item in tasks if item.label == f"{stage}/{persona}")
    return Ingredients(project.params, project.workspace).list_for(task)


def leave_results(project, stage, persona, **more):
    """Write what a finished task leaves, with a manifest that fits."""
    folder = project.folder(stage, persona)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NOTEBOOK).write_text("executed")
    (folder / "table.parquet").write_text("1")
    ingredients = list_ingredients(project, stage, persona)
    manifest = {
        "schema": 1,
        "status": "done",
        "reason": "",
        "key": make_key(ingredients),
        "outputs": hash_outputs(folder),
        "seconds": 1.0,
        "end": "",
        **ingredients,
        **more,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def test_unchanged_results_are_fresh(project):
    folder = leave_results(project, "psm", "leads")
    assert find_fresh(folder, list_ingredients(project)) is not None


def edit_parameters(project):
    path = project.params.folder / "outcomes.yml"
    path.write_text(path.read_text() + "# a remark\n")


def edit_a_folder_of_parameters(project):
    folder = project.params.folder / "templates"
    folder.mkdir()
    (folder / "checklist.md").write_text("# Checklist\n")


def edit_data(project):
    (project.workspace.store("acme") / "employees.parquet").write_text("ann, bob, eve")


def add_data(project):
    (project.workspace.store("acme") / "courses.parquet").write_text("a")


def edit_notebook(project):
    project.write_notebook("03_psm.ipynb", "x = 2")


def edit_lock(project):
    (project.root / "requirements.lock").write_text("nothing==2\n")


def edit_needed(project):
    leave_results(project, "personas", "_all")


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (edit_parameters, "parameter files"),
        (edit_a_folder_of_parameters, "parameter files"),
        (edit_data, "inputs"),
        (add_data, "inputs"),
        (edit_notebook, "notebook"),
        (edit_lock, "environment"),
        (edit_needed, "inputs"),
    ],
)
def test_every_ingredient_counts_and_is_named(project, edit, word):
    folder = leave_results(project, "psm", "leads")
    edit(project)
    now = list_ingredients(project)
    assert find_fresh(folder, now) is None
    assert describe_change(folder, now) == f"changed: {word}"


def test_the_code_of_the_package_counts(project, monkeypatch):
    folder = leave_results(project, "psm", "leads")
    monkeypatch.setattr("workbench.runs.cache.hash_package", lambda _: "other")
    now = list_ingredients(project)
    assert find_fresh(folder, now) is None
    assert describe_change(folder, now) == "changed: code"


@pytest.mark.parametrize("name", ["table.parquet", NOTEBOOK])
def test_results_edited_or_gone_are_not_fresh(project, name):
    folder = leave_results(project, "psm", "leads")
    (folder / name).write_text("edited")
    now = list_ingredients(project)
    assert find_fresh(folder, now) is None
    assert describe_change(folder, now) == "its files were changed"
    (folder / name).unlink()
    assert find_fresh(folder, now) is None


def test_failed_results_are_never_fresh_and_blocked_ones_are(project):
    now = list_ingredients(project)
    failed = leave_results(project, "psm", "leads", status="failed")
    assert find_fresh(failed, now) is None
    assert describe_change(failed, now) == "it failed"
    blocked = leave_results(project, "psm", "leads", status="blocked", reason="r")
    assert find_fresh(blocked, now) is not None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 9}'])
def test_a_damaged_manifest_means_never_run(project, text):
    folder = leave_results(project, "psm", "leads")
    (folder / MANIFEST).write_text(text)
    now = list_ingredients(project)
    assert find_fresh(folder, now) is None
    assert describe_change(folder, now) == "never run"


def test_data_that_were_never_loaded_are_asked_for(project):
    (project.workspace.store("acme") / "_load.json").unlink()
    with pytest.raises(SourceError, match=r"not been loaded[\s\S]*workbench load"):
        Ingredients(project.params, project.workspace)


def test_executed_notebooks_are_no_ingredients_of_what_comes_after(project):
    leave_results(project, "personas", "_all")
    inputs = list_ingredients(project)["inputs"]
    assert "_all/personas/table.parquet" in inputs
    assert not [name for name in inputs if name.endswith(".ipynb")]


def test_a_page_depends_on_the_results_of_every_persona(project):
    leave_results(project, "psm", "sellers")
    project.write_notebook("brief/index.ipynb", "x = 1")
    tasks = plan_pages(project.params, project.workspace, project.quarter)
    inputs = Ingredients(project.params, project.workspace).list_for(tasks[0])["inputs"]
    assert "sellers/psm/table.parquet" in inputs


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ("import pandas", None),
        ("from workbench.core.run_params import RunParams", None),
        ("from workbench.data.cut import open_cut", "data"),
        ("from workbench.impact.aipw import x\nimport workbench.cohorts.y", "impact"),
        ("from workbench import cohorts", "cohorts"),
        ("import myworkbench.brief", None),
    ],
)
def test_a_notebook_reaches_the_rooms_up_to_the_last_it_names(source, last):
    expected = ROOMS[: ROOMS.index(last) + 1] if last else ()
    assert find_rooms(source) == ("core", "plots", *expected)


def test_the_hash_of_rooms_is_stable_and_distinguishes_them():
    assert hash_package(["core"]) == hash_package(["core"])
    assert len({hash_package(), hash_package(["core"]), hash_package(["runs"])}) == 3


def test_versions_are_of_installed_requirements_without_extras():
    wanted = ["typer>=0.20", "ruff>=0; extra == 'test'", "no-such-package==1"]
    assert set(list_versions(wanted)) == {"python", "typer"}
