"""How a task ended: what a worker left, what was kept, what was skipped."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.runs.cache import FINISHED
from workbench.runs.jobs import NOTEBOOK, Answer, Failure
from workbench.runs.manifest import FAILED_NOTEBOOK, Ending, read_result
from workbench.runs.plan import Task
from workbench.runs.report import TaskOutcome

__all__ = [
    "describe_ended",
    "describe_kept",
    "describe_skipped",
    "keep_failed_notebook",
    "read_ending",
]


def read_ending(
    folder: Path, answer: Answer, *, start: datetime, page: str | None
) -> Ending:
    """Say how a task ended, from the worker's answer and the status it has left.

    Parameters
    ----------
    folder : Path
        What the notebook has filled.
    answer : Answer
        What the worker said.
    start : datetime
        When the task was given to the worker.
    page : str or None
        Address of the page, if the notebook makes one; a page need not leave results.

    Returns
    -------
    Ending
        ``failed`` if the notebook did not reach its end, or left no status.
    """
    failure = answer.failure
    result = read_result(folder) or (None if page is None else ("done", ""))
    if failure is None and (result is None or result[0] not in FINISHED):
        text = "the notebook reached its end without saving its results"
        failure = Failure(kind="cell", error="NoResults", text=text)
    if failure is not None or result is None:
        result = ("failed", failure.text if failure else "")
    return Ending(
        status=result[0],
        reason=result[1],
        start=start,
        end=datetime.now(UTC),
        cells=answer.cells,
        failure=failure,
    )


def keep_failed_notebook(folder: Path) -> None:
    """Leave of a failed task nothing but its notebook, under a name that says so."""
    notebook = folder / NOTEBOOK
    if notebook.is_file():
        notebook.rename(folder / FAILED_NOTEBOOK)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != FAILED_NOTEBOOK:
            path.unlink()


def describe_ended(task: Task, root: Path, ending: Ending) -> TaskOutcome:
    """Describe a task that was run and whose folder is in place."""
    failure = ending.failure
    opened = task.folder / (NOTEBOOK if failure is None else FAILED_NOTEBOOK)
    return TaskOutcome(
        stage=task.stage.name,
        persona=task.persona,
        status=ending.status,
        ran=True,
        notebook=task.notebook.relative_to(root),
        reason=ending.reason,
        seconds=(ending.end - ending.start).total_seconds(),
        cell=failure.cell if failure else None,
        error=failure.error if failure else "",
        source=failure.source if failure else "",
        opened=opened.relative_to(root) if opened.is_file() else None,
    )


def describe_kept(task: Task, root: Path, manifest: Mapping[str, Any]) -> TaskOutcome:
    """Describe a task whose results on disk still hold."""
    return TaskOutcome(
        stage=task.stage.name,
        persona=task.persona,
        status=manifest["status"],
        ran=False,
        notebook=task.notebook.relative_to(root),
        reason=manifest["reason"],
        seconds=float(manifest["seconds"]),
        opened=(task.folder / NOTEBOOK).relative_to(root),
    )


def describe_skipped(task: Task, root: Path, need: TaskOutcome) -> TaskOutcome:
    """Describe a task that cannot run; the reason names the one at the root of it."""
    reason = need.reason
    if need.status != "skipped":
        reason = f"{need.stage} of {need.persona} {need.status}: {need.reason}"
    return TaskOutcome(
        stage=task.stage.name,
        persona=task.persona,
        status="skipped",
        ran=False,
        notebook=task.notebook.relative_to(root),
        reason=reason,
    )
