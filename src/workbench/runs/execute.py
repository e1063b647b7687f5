"""Carrying out a plan: each notebook in a worker once what it needs is there."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core.declared import keep_declared
from workbench.core.errors import ParamError, StageError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.store import Workspace
from workbench.runs.cache import Ingredients, describe_change, find_fresh
from workbench.runs.endings import (
    describe_ended,
    describe_kept,
    describe_skipped,
    keep_failed_notebook,
    read_ending,
)
from workbench.runs.folders import (
    clear_leftovers,
    lock_quarter,
    make_beside,
    put_in_place,
)
from workbench.runs.jobs import Answer, Job
from workbench.runs.manifest import write_manifest
from workbench.runs.plan import Task, check_tasks, plan_pages, plan_quarter
from workbench.runs.pool import Pool
from workbench.runs.progress import RunProgress, show_progress
from workbench.runs.provenance import hash_package, read_commit
from workbench.runs.report import GOOD, RunReport, TaskOutcome
from workbench.runs.status import read_status

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["TIMEOUT", "run_pages", "run_quarter"]

TIMEOUT = 3600.0
"""Seconds after which a notebook is ended, unless a run is given another limit."""


def run_quarter(
    params: OrgParams,
    workspace: Workspace,
    quarter: Quarter,
    *,
    personas: Sequence[str] | None = None,
    stages: Sequence[str] | None = None,
    jobs: int | None = None,
    force: bool = False,
    timeout: float = TIMEOUT,
    console: Console | None = None,
) -> RunReport:
    """Run the stages of a quarter that are not up to date.

    Every notebook and parameter is checked before anything starts. A notebook that
    fails stops only those that need it. Results appear whole or not at all, so a run
    that was ended can be started again and goes on from what has finished.

    Parameters
    ----------
    params : OrgParams
        The organisation; its extracts must have been loaded.
    workspace : Workspace
        The project.
    quarter : Quarter
        The reported quarter.
    personas, stages : sequence of str, optional
        Only these, and whatever they need; all by default.
    jobs : int, optional
        How many notebooks at once; as many as there are cores by default.
    force : bool
        Run the chosen notebooks even if nothing they depend on has changed.
    timeout : float
        Seconds after which a notebook is ended.
    console : Console, optional
        Where progress is shown; silent by default.

    Returns
    -------
    RunReport
        How every task ended.

    Raises
    ------
    ParamError
        If a persona, stage, notebook or parameter is not right.
    SourceError
        If the extracts have not been loaded.
    StageError
        If another run of the quarter is under way.
    """
    tasks = plan_quarter(params, workspace, quarter, personas=personas, stages=stages)
    options = _Options(jobs=jobs, force=force, timeout=timeout, console=console)
    return _carry_out(tasks, params, workspace, quarter, options)


def run_pages(
    params: OrgParams,
    workspace: Workspace,
    quarter: Quarter,
    *,
    jobs: int | None = None,
    force: bool = False,
    timeout: float = TIMEOUT,
    console: Console | None = None,
) -> RunReport:
    """Run the notebooks of the brief on whatever the stages have left.

    Parameters
    ----------
    params, workspace, quarter, jobs, force, timeout, console
        As in `run_quarter`.

    Returns
    -------
    RunReport
        How every page ended.

    Raises
    ------
    StageError
        If no stage has results yet, or results do not belong to the data, parameters
        or code as they are now.
    """
    states = read_status(params, workspace, quarter)
    stale = [item for item in states if item.stale]
    command = f"workbench run {quarter} --org {params.org}"
    if stale:
        raise StageError.build(
            "Some results are out of date; a brief would mix old and new",
            where=", ".join(f"{item.stage} of {item.persona}" for item in stale),
            got=stale[0].reason,
            hint=command,
        )
    if not any(item.status in GOOD for item in states):
        ended = [f"{item.stage} {item.status}: {item.reason}" for item in states]
        raise StageError.build(
            f"There are no results of {quarter} to make pages from",
            got=ended,
            hint=command,
        )
    tasks = plan_pages(params, workspace, quarter)
    options = _Options(jobs=jobs, force=force, timeout=timeout, console=console)
    return _carry_out(tasks, params, workspace, quarter, options)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """How a run is to be carried out."""

    jobs: int | None
    force: bool
    timeout: float
    console: Console | None

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise ParamError.build(
                "A run needs at least one job", rule="1 or more", got=self.jobs
            )
        if self.timeout <= 0:
            raise ParamError.build(
                "A timeout must leave time", rule="more than 0 s", got=self.timeout
            )


def _carry_out(
    tasks: Sequence[Task],
    params: OrgParams,
    workspace: Workspace,
    quarter: Quarter,
    options: _Options,
) -> RunReport:
    """Check a plan and carry it out while holding the quarter's lock."""
    check_tasks(tasks)
    began = time.monotonic()
    folder = workspace.quarter(params.org, quarter)
    size = min(options.jobs or _count_cores(), len(tasks))
    with lock_quarter(folder), clear_leftovers(folder):
        keep_declared(folder, params.outcomes)
        ingredients = Ingredients(params, workspace)
        with (
            show_progress(options.console, len(tasks)) as progress,
            Pool(workspace.root, quarter.last_day, size=size) as pool,
        ):
            run = _Run(workspace.root, ingredients, pool, progress, options)
            outcomes = run.carry_out(tasks)
    return RunReport(
        org=params.org,
        quarter=str(quarter),
        outcomes=tuple(outcomes[task.label] for task in tasks),
        seconds=time.monotonic() - began,
    )


def _count_cores() -> int:
    """Count the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A task that a worker carries."""

    task: Task
    folder: Path
    ingredients: Mapping[str, Any]
    start: datetime


class _Run:
    """The state of a run: what has ended, and what is under way."""

    def __init__(
        self,
        root: Path,
        ingredients: Ingredients,
        pool: Pool,
        progress: RunProgress,
        options: _Options,
    ) -> None:
        self._root = root
        self._ingredients = ingredients
        self._pool = pool
        self._progress = progress
        self._options = options
        self._package = {"sha256": hash_package(), **read_commit(root)}
        self._ended: dict[str, TaskOutcome] = {}
        self._begun: dict[Future[Answer], _Begun] = {}

    def carry_out(self, tasks: Sequence[Task]) -> Mapping[str, TaskOutcome]:
        """Carry out all tasks; return how each ended, by its label."""
        waiting = list(tasks)
        while waiting or self._begun:
            waiting = self._start_ready(waiting)
            if self._begun:
                self._wait()
        return self._ended

    def _start_ready(self, waiting: Sequence[Task]) -> list[Task]:
        """Start, keep or skip what can be while a worker is idle; return the rest."""
        rest = []
        for task in waiting:
            ready = all(label in self._ended for label in task.needs)
            if not ready or len(self._begun) == self._pool.size:
                rest.append(task)
                continue
            bad = [
                self._ended[need] for need in task.needs if not self._ended[need].good
            ]
            if bad:
                self._end(task, describe_skipped(task, self._root, bad[0]))
            else:
                self._start(task, waiting)
        return rest

    def _start(self, task: Task, waiting: Sequence[Task]) -> None:
        """Keep a task's results if they still hold; else give it to a worker."""
        ingredients = self._ingredients.list_for(task)
        forced = self._options.force and task.selected
        fresh = None if forced else find_fresh(task.folder, ingredients)
        if fresh is not None:
            self._end(task, describe_kept(task, self._root, fresh))
            return
        why = "forced" if forced else describe_change(task.folder, ingredients)
        self._pool.warm(len(waiting))
        folder = make_beside(task.folder)
        job = Job(
            notebook=str(task.notebook),
            shown=task.notebook.relative_to(self._root).as_posix(),
            folder=str(folder),
            parameters=task.parameters,
            timeout=self._options.timeout,
        )
        begun = _Begun(
            task=task, folder=folder, ingredients=ingredients, start=datetime.now(UTC)
        )
        self._begun[self._pool.submit(job)] = begun
        self._progress.begin(task, why)

    def _wait(self) -> None:
        """Wait until a notebook ends, and put its results in place."""
        ended, _ = wait(self._begun, return_when=FIRST_COMPLETED)
        for future in ended:
            begun = self._begun[future]
            outcome = self._settle(begun, future.result())
            del self._begun[future]
            self._end(begun.task, outcome)

    def _settle(self, begun: _Begun, answer: Answer) -> TaskOutcome:
        """Turn what a worker has left into results in place, and say how it ended."""
        ending = read_ending(
            begun.folder, answer, start=begun.start, page=begun.task.stage.page
        )
        if ending.failure is not None:
            keep_failed_notebook(begun.folder)
        write_manifest(
            begun.folder,
            task=begun.task,
            ingredients=begun.ingredients,
            package=self._package,
            ending=ending,
        )
        put_in_place(begun.folder, begun.task.folder)
        return describe_ended(begun.task, self._root, ending)

    def _end(self, task: Task, outcome: TaskOutcome) -> None:
        self._ended[task.label] = outcome
        self._progress.end(task, outcome)
