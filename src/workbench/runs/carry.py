"""Carrying one notebook with papermill, and saying where and why it failed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.execute import ERROR_MARKER_TAG

from workbench.core.run_params import OUTPUT_VARIABLE
from workbench.core.store import write_atomic
from workbench.runs.jobs import NOTEBOOK, Answer, Failure, Job
from workbench.runs.kernels import OwnKernelManager

__all__ = ["carry"]

_INJECTED_TAG = "injected-parameters"
_SHORTEST_WAIT = 0.05


def carry(job: Job) -> Answer:
    """Run one notebook to its end, or to the reason why it has none.

    Parameters
    ----------
    job : Job
        Notebook, parameters and the folder to fill.

    Returns
    -------
    Answer
        With the failure, if there was one, and the time each cell took. The executed
        notebook is left in the job's folder in either case.
    """
    output = Path(job.folder) / NOTEBOOK
    os.environ[OUTPUT_VARIABLE] = job.folder
    ends = time.monotonic() + job.timeout
    failure: Failure | None = None
    index: int | None = None
    try:
        papermill.execute_notebook(
            job.notebook,
            str(output),
            parameters=dict(job.parameters),
            kernel_name="python3",
            language="python",
            cwd=str(Path(job.notebook).parent),
            progress_bar=False,
            kernel_manager_class=OwnKernelManager,
            timeout_func=lambda _: max(ends - time.monotonic(), _SHORTEST_WAIT),
        )
    except PapermillExecutionError as error:
        index = error.cell_index
        failure = Failure(kind="cell", error=error.ename, text=error.evalue)
    except CellTimeoutError:
        text = f"the notebook was ended after {job.timeout:g} seconds"
        failure = Failure(kind="timeout", error="Timeout", text=text)
    except DeadKernelError as error:
        text = "the kernel ended by itself, perhaps for want of memory"
        failure = Failure(kind="kernel", error=type(error).__name__, text=text)
    notebook = nbformat.read(output, 4)  # type: ignore[no-untyped-call]
    answer = _describe(notebook, failure, index)
    _clean(notebook, job)
    text = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    write_atomic(output, lambda path: path.write_text(text + "\n", encoding="utf-8"))
    return answer


def _describe(notebook: Any, failure: Failure | None, index: int | None) -> Answer:
    """Say where a notebook failed and how long its cells took.

    papermill adds a cell after the parameters and, when a cell raised, two banners;
    numbers are those of the notebook in the project. `index` counts with the added
    parameters and without the banners; without it, the last cell begun is meant.
    """
    cells = [cell for cell in notebook.cells if not _is_tagged(cell, ERROR_MARKER_TAG)]
    numbers = list(_number(cells))
    begun = [at for at, cell in enumerate(cells) if _timing(cell).get("start_time")]
    if failure is not None:
        at = begun[-1] if index is None and begun else index
        if at is not None:
            source = str(cells[at].source).strip().split("\n")[0]
            failure = replace(failure, cell=numbers[at], source=source)
    seconds: dict[int, float] = {}
    for at in begun:
        if cells[at].cell_type == "code":
            took = float(_timing(cells[at]).get("duration") or 0.0)
            seconds[numbers[at]] = seconds.get(numbers[at], 0.0) + took
    return Answer(failure=failure, cells=seconds)


def _number(cells: Iterable[Any]) -> Iterator[int]:
    """Yield the number of each cell in the project's notebook, from 1."""
    number = 0
    for cell in cells:
        number += 0 if _is_tagged(cell, _INJECTED_TAG) else 1
        yield number


def _timing(cell: Any) -> Mapping[str, Any]:
    timing: Mapping[str, Any] = cell.metadata.get("papermill", {})
    return timing


def _is_tagged(cell: Any, tag: str) -> bool:
    return tag in cell.metadata.get("tags", ())


def _clean(notebook: Any, job: Job) -> None:
    """Take this machine's paths and the random id out of an executed notebook."""
    notebook.metadata.papermill.input_path = job.shown
    notebook.metadata.papermill.output_path = NOTEBOOK
    for cell in notebook.cells:
        if _is_tagged(cell, _INJECTED_TAG):
            cell.id = _INJECTED_TAG
