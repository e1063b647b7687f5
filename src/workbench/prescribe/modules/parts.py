"""Which modules can be told apart: those that some learners passed and others not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FEWEST", "Part", "Uptake", "count_uptake", "find_parts"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

FEWEST = 15
"""Fewest learners who passed, and who skipped, for a comparison between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Modules whose effect can be told apart from that of the others.

    Attributes
    ----------
    columns : tuple of int
        Positions among the programme's courses; more than one where (nearly) everybody
        passed all of them or none, so that only their joint effect can be told.
    """

    columns: tuple[int, ...]

    @property
    def bundled(self) -> bool:
        """Tell whether only the sum of several modules can be told."""
        return len(self.columns) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptake:
    """How many learners passed and skipped each module of a programme.

    Attributes
    ----------
    n_learners : int
        Learners for whom it is known what they passed.
    n_passed, n_skipped : tuple of int
        In the order of the programme's courses.
    parts : tuple of Part
        What can be told apart.
    """

    n_learners: int
    n_passed: tuple[int, ...]
    n_skipped: tuple[int, ...]
    parts: tuple[Part, ...]

    @property
    def shares(self) -> FloatArray:
        """Share of learners who passed each module."""
        return np.asarray(self.n_passed, dtype="float64") / max(self.n_learners, 1)

    @property
    def identified(self) -> tuple[bool, ...]:
        """Whether each module's own effect can be told."""
        alone = {part.columns[0] for part in self.parts if not part.bundled}
        return tuple(column in alone for column in range(len(self.n_passed)))

    def find_bundle(self, column: int) -> tuple[int, ...]:
        """Return the modules that can only be told together with one; else none."""
        for part in self.parts:
            if part.bundled and column in part.columns:
                return part.columns
        return ()


def count_uptake(passed: BoolArray) -> Uptake:
    """Count who passed and who skipped, and find what can be told apart.

    Parameters
    ----------
    passed : array of bool of shape (learners, modules)
        One row per learner.

    Examples
    --------
    >>> rows = np.ones((100, 3), dtype=bool)
    >>> rows[:20, 1] = False
    >>> found = count_uptake(rows)
    >>> found.n_skipped, found.identified
    ((0, 20, 0), (False, True, False))
    """
    ours = passed.sum(axis=0)
    return Uptake(
        n_learners=len(passed),
        n_passed=tuple(int(count) for count in ours),
        n_skipped=tuple(int(len(passed) - count) for count in ours),
        parts=find_parts(passed),
    )


def find_parts(passed: BoolArray) -> tuple[Part, ...]:
    """Group modules by what can be told apart.

    Parameters
    ----------
    passed : array of bool of shape (learners, modules)
        One row per learner.

    Returns
    -------
    tuple of Part
        Modules that fewer than 15 learners passed or skipped are in none. Modules of
        which fewer than 15 learners passed exactly one are together in one part.

    Examples
    --------
    >>> rows = np.ones((100, 3), dtype=bool)
    >>> rows[:20, 1:] = False
    >>> [part.columns for part in find_parts(rows)]
    [(1, 2)]
    """
    count = passed.sum(axis=0)
    varied = np.flatnonzero((count >= FEWEST) & (len(passed) - count >= FEWEST))
    groups: list[set[int]] = []
    for column in varied.tolist():
        joined = {column}
        apart = []
        for group in groups:
            if _is_together(passed, column, group):
                joined |= group
            else:
                apart.append(group)
        groups = [*apart, joined]
    ordered = sorted(tuple(sorted(group)) for group in groups)
    return tuple(Part(columns=columns) for columns in ordered)


def _is_together(
    passed: BoolArray, column: int, group: Sequence[int] | set[int]
) -> bool:
    """Tell whether too few learners passed just one of a module and any of a group."""
    return any(
        int((passed[:, column] != passed[:, other]).sum()) < FEWEST for other in group
    )
