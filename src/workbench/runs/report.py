"""What a run has to tell: how every task ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["GOOD", "RunReport", "TaskOutcome"]

GOOD = ("done", "not_applicable")
"""Statuses that let the tasks after them go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutcome:
    """How one task ended.

    Attributes
    ----------
    stage, persona : str
        The task; ``_all`` stands for all personas together.
    status : str
        ``done``, ``not_applicable`` (the data it needs are absent), ``blocked`` (a
        required check failed), ``failed`` (the notebook raised, hung or died) or
        ``skipped`` (a task it needs did not end well).
    ran : bool
        False if unchanged results were kept, or the task was skipped.
    reason : str
        Why, for every status but ``done``.
    seconds : float
        Time the notebook took; of kept results, the time it once took.
    notebook : Path
        The notebook, from the project folder.
    cell : int or None
        Number of the failed cell in that notebook, counted from 1.
    error : str
        Name of the exception.
    source : str
        First line of the failed cell.
    opened : Path or None
        The executed notebook, from the project folder; of a failed task, the copy
        that shows the error.
    """

    stage: str
    persona: str
    status: str
    ran: bool
    notebook: Path
    reason: str = ""
    seconds: float = 0.0
    cell: int | None = None
    error: str = ""
    source: str = ""
    opened: Path | None = None

    @property
    def good(self) -> bool:
        """Whether the tasks that need this one can go on."""
        return self.status in GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How all tasks of a run ended, in the order of the plan."""

    org: str
    quarter: str
    outcomes: Sequence[TaskOutcome]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every task ended well."""
        return all(item.good for item in self.outcomes)

    @property
    def bad(self) -> list[TaskOutcome]:
        """The tasks that failed, were blocked, or were skipped for that."""
        return [item for item in self.outcomes if not item.good]

    def count(self) -> dict[str, int]:
        """Count the tasks by how they ended; kept results count as ``unchanged``."""
        words = Counter(
            "unchanged" if item.good and not item.ran else item.status
            for item in self.outcomes
        )
        return dict(words)
