"""What a quarter's folder holds, and whether it is up to date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.core.errors import SourceError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.store import Workspace
from workbench.runs.cache import FINISHED, Ingredients, describe_change, find_fresh
from workbench.runs.manifest import read_manifest
from workbench.runs.plan import Task, plan_pages, plan_quarter

__all__ = ["TaskState", "read_status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """What is known of one task without running anything.

    Attributes
    ----------
    stage, persona : str
        The task; ``_all`` stands for all personas together.
    status : str
        ``missing``, ``failed``, ``done``, ``not_applicable`` or ``blocked``.
    stale : bool
        True if there are results, made from other data, parameters or code than
        those of now.
    reason : str
        Why there are none, why they are stale, or the reason the stage gave.
    end : str
        When the notebook ended (UTC, ISO); empty if it never did.
    seconds : float
        How long it took.
    """

    stage: str
    persona: str
    status: str
    stale: bool = False
    reason: str = ""
    end: str = ""
    seconds: float = 0.0


def read_status(
    params: OrgParams, workspace: Workspace, quarter: Quarter, *, pages: bool = False
) -> tuple[TaskState, ...]:
    """Read what every stage of a quarter has left, in the order of the plan.

    Parameters
    ----------
    params : OrgParams
        The organisation.
    workspace : Workspace
        The project.
    quarter : Quarter
        The reported quarter.
    pages : bool
        Whether the pages of the brief are listed after the stages.

    Returns
    -------
    tuple of TaskState
        One for each stage and persona.
    """
    tasks: Iterable[Task] = plan_quarter(params, workspace, quarter)
    if pages:
        tasks = (*tasks, *plan_pages(params, workspace, quarter))
    try:
        ingredients = Ingredients(params, workspace)
    except SourceError:
        ingredients = None
    return tuple(_read_state(task, ingredients) for task in tasks)


def _read_state(task: Task, ingredients: Ingredients | None) -> TaskState:
    manifest = read_manifest(task.folder)
    name, persona = task.stage.name, task.persona
    if manifest is None:
        return TaskState(
            stage=name, persona=persona, status="missing", reason="never run"
        )
    stale, reason = False, manifest["reason"]
    if manifest["status"] in FINISHED:
        change = _find_change(task, ingredients)
        stale, reason = bool(change), change or reason
    return TaskState(
        stage=name,
        persona=persona,
        status=manifest["status"],
        stale=stale,
        reason=reason,
        end=manifest["end"],
        seconds=float(manifest["seconds"]),
    )


def _find_change(task: Task, ingredients: Ingredients | None) -> str:
    """Say why a task's results do not hold any more; empty if they do."""
    if ingredients is None:
        return "the data are not loaded any more"
    if not task.notebook.is_file():
        return "its notebook is gone"
    now = ingredients.list_for(task)
    if find_fresh(task.folder, now) is not None:
        return ""
    return describe_change(task.folder, now)
