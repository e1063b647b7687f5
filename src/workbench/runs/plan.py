"""The graph of a run: which notebooks, for whom, after which others."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core.errors import ParamError, WorkbenchError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.run_params import check_stage_params, derive_seed
from workbench.core.stages import PAGES, STAGES, Stage
from workbench.core.store import ALL_PERSONAS, Workspace
from workbench.runs.libraries import load_papermill

__all__ = ["Task", "check_tasks", "plan_pages", "plan_quarter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One notebook for one persona, or for all of them together.

    Attributes
    ----------
    stage : Stage
        The stage or page that the notebook belongs to.
    org : str
        The organisation.
    quarter : Quarter
        The reported quarter.
    persona : str
        Id of the persona, or ``_all``.
    parameters : mapping
        What is injected into the notebook.
    seed : int
        The stage's own seed, derived from the organisation's.
    notebook : Path
        The notebook as it lies in the project.
    folder : Path
        Where its results belong.
    needs : tuple of str
        Labels of the tasks that must have finished before.
    selected : bool
        False if the task is planned only because a selected one needs it.
    """

    stage: Stage
    org: str
    quarter: Quarter
    persona: str
    parameters: Mapping[str, Any]
    seed: int
    notebook: Path
    folder: Path
    needs: tuple[str, ...]
    selected: bool = True

    @property
    def label(self) -> str:
        """Name of the task within its quarter, such as ``psm/team_leads``."""
        return f"{self.stage.name}/{self.persona}"


def plan_quarter(
    params: OrgParams,
    workspace: Workspace,
    quarter: Quarter,
    *,
    personas: Sequence[str] | None = None,
    stages: Sequence[str] | None = None,
) -> tuple[Task, ...]:
    """Plan the stages of a quarter, each after those it needs.

    Parameters
    ----------
    params : OrgParams
        The organisation's parameters.
    workspace : Workspace
        The project.
    quarter : Quarter
        The reported quarter.
    personas : sequence of str, optional
        Only these personas; all by default.
    stages : sequence of str, optional
        Only these stages, and whatever they need; all by default.

    Returns
    -------
    tuple of Task
        In an order in which they could be run one by one.

    Raises
    ------
    ParamError
        If a persona or a stage does not exist.
    """
    wanted = _find_stages(stages)
    chosen = {params.find_persona(item).id for item in personas or ()}
    planned: dict[str, Task] = {}
    for stage in STAGES:
        for persona in _list_personas(params, stage):
            among = _is_chosen(stage, persona, chosen, named=bool(stages))
            task = _make_task(
                params, workspace, quarter, stage, persona, stage in wanted and among
            )
            planned[task.label] = task
    return _keep_needed(planned)


def plan_pages(
    params: OrgParams, workspace: Workspace, quarter: Quarter
) -> tuple[Task, ...]:
    """Plan the pages of the brief, one task for each page; they need no other page."""
    return tuple(
        _make_task(params, workspace, quarter, page, persona, selected=True)
        for page in PAGES
        for persona in _list_personas(params, page)
    )


def check_tasks(tasks: Iterable[Task]) -> None:
    """Check every notebook and parameter of a plan before any of it starts.

    A notebook must exist and hold a cell tagged ``parameters``; that cell must hold
    every parameter the task passes, and nothing that the stage does not know.

    Raises
    ------
    ParamError
        All faults of all tasks together.
    """
    faults: dict[str, None] = {}
    inspected: dict[Path, Mapping[str, Any]] = {}
    for task in tasks:
        try:
            check_stage_params(task.stage.name, task.parameters)
            if task.notebook not in inspected:
                inspected[task.notebook] = _inspect(task.notebook)
            held = inspected[task.notebook]
            check_stage_params(task.stage.name, held)
            _check_passed(task, held)
        except WorkbenchError as error:
            faults.setdefault(str(error))
    if faults:
        raise ParamError("\n".join(faults))


def _find_stages(names: Sequence[str] | None) -> set[Stage]:
    known = {stage.name: stage for stage in STAGES}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ParamError.build(
            f"There is no stage {unknown[0]!r}", rule="one of " + ", ".join(known)
        )
    return {known[name] for name in names or known}


def _list_personas(params: OrgParams, stage: Stage) -> list[str]:
    if stage.per_persona:
        return [item.id for item in params.personas]
    return [ALL_PERSONAS]


def _is_chosen(stage: Stage, persona: str, chosen: set[str], *, named: bool) -> bool:
    """Say whether a choice of personas takes in a task.

    A stage for all personas together is taken in when it is named itself; asked for
    one persona only, it is run if that persona's stages need it.
    """
    if not chosen:
        return True
    return persona in chosen if stage.per_persona else named


def _make_task(
    params: OrgParams,
    workspace: Workspace,
    quarter: Quarter,
    stage: Stage,
    persona: str,
    selected: bool,
) -> Task:
    parameters: dict[str, Any] = {
        "org": params.org,
        "quarter": str(quarter),
        "seed": params.workbench.seed,
    }
    if stage.per_persona:
        parameters["persona"] = persona
    return Task(
        stage=stage,
        org=params.org,
        quarter=quarter,
        persona=persona,
        parameters=parameters,
        seed=derive_seed(params.workbench.seed, quarter, persona, stage.name),
        notebook=workspace.notebooks / stage.notebook,
        folder=workspace.stage(params.org, quarter, persona, stage.name),
        needs=tuple(_list_needs(params, stage, persona)),
        selected=selected,
    )


def _list_needs(params: OrgParams, stage: Stage, persona: str) -> Iterable[str]:
    """Name the tasks a task needs: of its persona, of all, or of every persona."""
    known = {item.name: item for item in STAGES}
    for name in stage.needs:
        if stage.per_persona and known[name].per_persona:
            yield f"{name}/{persona}"
        else:
            for each in _list_personas(params, known[name]):
                yield f"{name}/{each}"


def _keep_needed(planned: Mapping[str, Task]) -> tuple[Task, ...]:
    """Drop the tasks that are neither selected nor needed by one that is."""
    kept: set[str] = set()
    for label, task in reversed(list(planned.items())):
        if task.selected or label in kept:
            kept |= {label, *task.needs}
    return tuple(task for label, task in planned.items() if label in kept)


def _inspect(notebook: Path) -> Mapping[str, Any]:
    """Read the names and default values of a notebook's parameters cell."""
    if not notebook.is_file():
        raise ParamError.build("A notebook is missing", where=str(notebook))
    inspect_notebook = load_papermill().inspect_notebook
    from nbformat.reader import NotJSONError

    try:
        found = inspect_notebook(str(notebook))
        held = {name: ast.literal_eval(item["default"]) for name, item in found.items()}
    except (NotJSONError, ValueError, SyntaxError, KeyError, AttributeError) as error:
        raise ParamError.build(
            "A notebook's parameters cannot be read",
            where=str(notebook),
            rule="a notebook of the Python language; in its cell tagged parameters "
            "one literal to a line",
            got=str(error).split("\n")[0][:200],
        ) from error
    if not held:
        raise ParamError.build(
            "A notebook has no parameters",
            where=str(notebook),
            rule="its first code cell is tagged parameters",
        )
    return held


def _check_passed(task: Task, held: Mapping[str, Any]) -> None:
    missing = [name for name in task.parameters if name not in held]
    if missing:
        raise ParamError.build(
            f"A notebook does not take {', '.join(missing)}, which it would be given",
            where=f"{task.notebook}, cell tagged parameters",
            rule="it holds " + ", ".join(task.parameters),
            got=list(held),
            hint="add the parameter; if it is there, take a second = out of its line, "
            "which papermill cannot read",
        )
