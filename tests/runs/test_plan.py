from __future__ import annotations

import pytest

from workbench.core.errors import ParamError
from workbench.runs import execute
from workbench.runs.execute import run_quarter
from workbench.runs.plan import check_tasks, plan_pages, plan_quarter

PSM = "03_psm.ipynb"


def plan(project, **choice):
    return plan_quarter(project.params, project.workspace, project.quarter, **choice)


def labels(tasks):
    return [task.label for task in tasks]


def test_every_task_comes_after_those_it_needs(project):
    tasks = plan(project)
    assert labels(tasks) == ["audit/_all", "personas/_all", "psm/leads", "psm/sellers"]
    assert tasks[2].needs == ("personas/_all",)
    assert all(task.selected for task in tasks)


def test_a_task_holds_parameters_seed_and_folder(project):
    task = plan(project)[3]
    assert task.parameters == {
        "org": "acme",
        "quarter": "2026Q3",
        "seed": 3,
        "persona": "sellers",
    }
    assert task.folder == project.folder("psm", "sellers")
    assert "persona" not in plan(project)[0].parameters
    assert len({item.seed for item in plan(project)}) == 4


def test_a_persona_brings_what_its_stages_need_unselected(project):
    tasks = plan(project, personas=["leads"])
    assert labels(tasks) == ["audit/_all", "personas/_all", "psm/leads"]
    assert [task.selected for task in tasks] == [False, False, True]


def test_a_stage_leaves_out_what_comes_after_it(project):
    tasks = plan(project, stages=["personas"], personas=["leads"])
    assert labels(tasks) == ["audit/_all", "personas/_all"]
    assert [task.selected for task in tasks] == [False, True]


def test_pages_stand_for_themselves(project):
    tasks = plan_pages(project.params, project.workspace, project.quarter)
    assert all(task.needs == () and task.stage.page for task in tasks)
    assert "brief_persona/leads" in labels(tasks)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"personas": ["ghosts"]}, r"no persona 'ghosts'[\s\S]*one of leads, sellers"),
        ({"stages": ["pms"]}, r"no stage 'pms'[\s\S]*one of audit, personas, psm"),
        ({"stages": ["brief_index"]}, "no stage 'brief_index'"),
    ],
)
def test_unknown_choices_are_named(project, choice, message):
    with pytest.raises(ParamError, match=message):
        plan(project, **choice)


def test_a_whole_plan_passes_its_check(project):
    tasks = plan(project)
    check_tasks(tasks)
    assert not project.folder("audit").exists()


FAULTY_CELLS = {
    "no cell": (None, r"no parameters[\s\S]*03_psm"),
    "missing": ('org: str = "a"', "does not take quarter, seed, persona"),
    "unknown": ("+calliper: float = 0.2", "calliper: unknown parameter"),
    "ill-typed": ('+ratio: int = "1"', "ratio: must be int, got '1'"),
    "computed": ("+ratio: int = 1 + len(org)", r"cannot be read[\s\S]*one literal"),
}


@pytest.mark.parametrize("fault", FAULTY_CELLS)
def test_a_faulty_parameters_cell_is_refused(project, parameters, fault):
    cell, message = FAULTY_CELLS[fault]
    if cell is not None and cell.startswith("+"):
        cell = parameters + "\n" + cell[1:]
    project.write_notebook(PSM, "x = 1", parameters=cell)
    with pytest.raises(ParamError, match=message):
        check_tasks(plan(project))


def test_a_line_that_papermill_cannot_read_is_explained(project, parameters):
    project.write_notebook(PSM, parameters=parameters.replace("0 takes", "0 ="))
    with pytest.raises(ParamError, match=r"does not take seed[\s\S]*second = out of"):
        check_tasks(plan(project))


def test_a_notebook_that_is_missing_or_damaged_is_named_with_all_others(project):
    (project.workspace.notebooks / "01_data_audit.ipynb").unlink()
    (project.workspace.notebooks / PSM).write_text("{half")
    with pytest.raises(ParamError) as caught:
        check_tasks(plan(project))
    text = str(caught.value)
    assert "notebook is missing" in text
    assert "01_data_audit" in text
    assert text.count("03_psm.ipynb") == 1


def test_a_fault_is_found_before_any_worker_starts(project, monkeypatch):
    def refuse(*_args, **_more):
        raise AssertionError("a worker pool was made")

    monkeypatch.setattr(execute, "Pool", refuse)
    project.write_notebook(PSM, "x = 1", parameters='org: str = "a"')
    with pytest.raises(ParamError, match="does not take quarter"):
        run_quarter(project.params, project.workspace, project.quarter)
    assert not (project.workspace.outputs / "acme" / "2026Q3").exists()
