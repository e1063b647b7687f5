"""Every error the workbench raises on purpose.

WorkbenchError
├── ParamError (ValueError)          a parameter in a file, a command or a notebook
├── ContractError (ValueError)       a table that does not hold the data contract
│   ├── MissingColumnError
│   ├── DuplicateKeyError
│   └── RangeError
├── SourceError                      an extract that cannot be found or read
├── DesignError                      a comparison that cannot be made
│   ├── NoOverlapError
│   ├── NoVariationError
│   └── TooFewUnitsError
├── ConvergenceError                 a numerical method that did not reach its answer
├── StageError                       a notebook that failed in a run
└── PublishError                     a brief that may not or cannot be published
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

__all__ = [
    "ContractError",
    "ConvergenceError",
    "DesignError",
    "DuplicateKeyError",
    "MissingColumnError",
    "NoOverlapError",
    "NoVariationError",
    "ParamError",
    "PublishError",
    "RangeError",
    "SourceError",
    "StageError",
    "TooFewUnitsError",
    "WorkbenchError",
]

_FIRST_ROWS = 5


class WorkbenchError(Exception):
    """Base of all errors raised on purpose; its text is written for the analyst."""

    @classmethod
    def build(
        cls,
        what: str,
        *,
        where: str = "",
        rule: str = "",
        got: object = None,
        hint: str = "",
    ) -> Self:
        """Join the parts of a message in the one order used everywhere.

        Parameters
        ----------
        what : str
            What is wrong, in one clause.
        where : str
            File and line, table and column, or persona and quarter.
        rule : str
            What would have been right.
        got : object
            The offending value or values; a long sequence is cut after five.
        hint : str
            What to do next.

        Returns
        -------
        WorkbenchError
            An instance of the class it is called on, not yet raised.
        """
        lines = [what.rstrip(".") + "."]
        if where:
            lines.append(f"  where: {where}")
        if rule:
            lines.append(f"  rule:  {rule}")
        if got is not None:
            lines.append(f"  got:   {_shorten(got)}")
        if hint:
            lines.append(f"  try:   {hint}")
        return cls("\n".join(lines))


class ParamError(WorkbenchError, ValueError):
    """A parameter is unknown, missing, ill-typed or contradicts another."""


class ContractError(WorkbenchError, ValueError):
    """A table does not hold the data contract."""


class MissingColumnError(ContractError):
    """A required column is absent."""


class DuplicateKeyError(ContractError):
    """A key that must be unique is not."""


class RangeError(ContractError):
    """A value lies outside the range the contract allows."""


class SourceError(WorkbenchError):
    """An extract is missing, empty, damaged or unreadable."""


class DesignError(WorkbenchError):
    """The comparison asked for cannot be made with these data."""


class NoOverlapError(DesignError):
    """Learners and others have no propensity range in common."""


class NoVariationError(DesignError):
    """Treatment or outcome takes one value only."""


class TooFewUnitsError(DesignError):
    """Fewer people than the comparison, or the privacy floor, needs."""


class ConvergenceError(WorkbenchError):
    """A numerical method stopped before reaching its answer."""


class StageError(WorkbenchError):
    """A notebook failed while a run carried it."""


class PublishError(WorkbenchError):
    """A brief may not, or cannot, be published."""


def _shorten(value: object) -> str:
    """Write a value on one line, a long sequence cut after five entries."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        shown = ", ".join(repr(item) for item in value[:_FIRST_ROWS])
        rest = len(value) - _FIRST_ROWS
        return f"{shown}, … and {rest} more" if rest > 0 else shown
    return repr(value)
