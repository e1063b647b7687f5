"""Showing a run while it goes on."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from workbench.runs.plan import Task
from workbench.runs.report import TaskOutcome

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

__all__ = ["LineProgress", "LiveProgress", "RunProgress", "show_progress"]


class RunProgress(Protocol):
    """What a run tells while it goes on."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def begin(self, task: Task, why: str) -> None:
        """Tell that a notebook starts, and why its results do not hold."""

    def end(self, task: Task, outcome: TaskOutcome) -> None:
        """Tell how a task ended."""


def show_progress(console: Console | None, total: int) -> RunProgress:
    """Return live bars for a terminal, lines for anything else, or silence.

    Parameters
    ----------
    console : Console or None
        Where to write; None writes nothing.
    total : int
        Number of tasks.
    """
    if console is not None and console.is_terminal:
        return LiveProgress(console, total)
    return LineProgress(console, total)


class LineProgress:
    """One line when a task ends."""

    def __init__(self, console: Console | None, total: int) -> None:
        self._console = console
        self._total = total
        self._ended = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def begin(self, task: Task, why: str) -> None:
        """Stay silent: the line at the end says it."""

    def end(self, task: Task, outcome: TaskOutcome) -> None:
        """Write the task, how it ended and how long it took."""
        self._ended += 1
        if self._console is not None:
            self._console.print(
                f"[{self._ended}/{self._total}] {_describe(task, outcome)}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


class LiveProgress:
    """Bars: one for the whole with the time left, one for each running notebook."""

    def __init__(self, console: Console, total: int) -> None:
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._total = total
        self._ended = 0
        self._whole = self._bars.add_task("all notebooks", total=total, count="")
        self._running: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def begin(self, task: Task, why: str) -> None:
        """Add a bar for the notebook."""
        text = f"{task.stage.name} {task.persona} ({why})"
        self._running[task.label] = self._bars.add_task(text, total=None, count="")

    def end(self, task: Task, outcome: TaskOutcome) -> None:
        """Take the notebook's bar away and write a line above the bars.

        What is kept takes no time: it is taken off the whole, lest the time left look
        short.
        """
        bar = self._running.pop(task.label, None)
        if bar is not None:
            self._bars.remove_task(bar)
        self._bars.console.print(
            _describe(task, outcome), markup=False, highlight=False, soft_wrap=True
        )
        self._ended += outcome.ran
        self._total -= not outcome.ran
        self._bars.update(
            self._whole,
            completed=self._ended,
            total=self._total,
            count=f"{self._ended} of {self._total}",
        )


def _describe(task: Task, outcome: TaskOutcome) -> str:
    """Write one ended task on one line."""
    status = outcome.status.replace("_", " ")
    if outcome.good and not outcome.ran:
        status = f"{status}, unchanged"
    parts = [f"{task.stage.name:<18} {task.persona:<24} {status}"]
    if outcome.ran:
        parts.append(f"{outcome.seconds:.1f} s")
    if outcome.reason:
        parts.append(outcome.reason.split("\n")[0])
    return "  ".join(parts)
