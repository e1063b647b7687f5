"""What passes between a run and its workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["NOTEBOOK", "Answer", "Failure", "Job"]

NOTEBOOK = "notebook.ipynb"
"""Name of an executed notebook in its stage folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One notebook for a worker to carry.

    Attributes
    ----------
    notebook : str
        Path of the notebook.
    shown : str
        The same path as it is written into the executed notebook.
    folder : str
        Existing folder, new for this job, in which the executed notebook and the
        results are left.
    parameters : mapping
        What is injected; checked before.
    timeout : float
        Seconds after which the notebook is ended.
    """

    notebook: str
    shown: str
    folder: str
    parameters: Mapping[str, Any]
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a notebook did not reach its end.

    Attributes
    ----------
    kind : str
        ``cell``: a cell raised; ``timeout``: the notebook took too long; ``kernel``:
        the kernel ended by itself; ``worker``: the worker did.
    error : str
        Name of the exception, or a short name of what happened.
    text : str
        The exception's message.
    cell : int or None
        Number of the cell in the notebook of the project, counted from 1 with all
        kinds of cells; None if no cell was reached.
    source : str
        First line of code of that cell.
    """

    kind: Literal["cell", "timeout", "kernel", "worker"]
    error: str
    text: str
    cell: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a worker says when a notebook has ended.

    Attributes
    ----------
    failure : Failure or None
        None if the notebook reached its end.
    cells : mapping of int to float
        Seconds that each code cell took, by its number in the project's notebook.
    """

    failure: Failure | None = None
    cells: Mapping[int, float] = field(default_factory=dict)
