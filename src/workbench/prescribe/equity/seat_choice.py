"""Choosing people for seats: best first, or the best mix that holds a floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ConvergenceError
from workbench.prescribe.equity.floors import Groups

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["choose_people", "holds_floor", "round_floor"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_FINEST = 10_000
_MARGIN = 1e-3
_WHOLE = 1e-6
_SECONDS = 60.0
_INFEASIBLE = 2


def round_floor(floor: float) -> Fraction:
    """Write a floor as a fraction, to the fourth decimal."""
    return Fraction(round(floor * _FINEST), _FINEST)


def holds_floor(groups: Sequence[Groups], chosen: BoolArray, floor: float) -> bool:
    """Return whether every ratio of rates is at least the floor, in whole numbers."""
    share = round_floor(floor)
    for item in groups:
        counts, sizes = item.count(chosen), item.sizes
        ours = share.denominator * np.outer(counts, sizes)
        theirs = share.numerator * np.outer(sizes, counts)
        if (ours < theirs).any():
            return False
    return True


def choose_people(
    gains: FloatArray,
    order: IntArray,
    groups: Sequence[Groups],
    *,
    seats: int,
    floor: float,
) -> BoolArray | None:
    """Choose the people with the largest sum of gains that hold the floor.

    Parameters
    ----------
    gains : array of float, shape (n,)
        What each person gains.
    order : array of int, shape (n,)
        People by falling gain, ties in the order in which they are to be taken.
    groups : sequence of Groups
        Attributes that the floor is held for.
    seats : int
        People to choose; at most n.
    floor : float
        Lowest ratio of a group's rate to another's.

    Returns
    -------
    array of bool, shape (n,), or None
        None if no choice of so many people holds the floor.

    Raises
    ------
    ConvergenceError
        If the optimum is not proven.

    Notes
    -----
    Columns are the people (0 to 1), whole counts per group, and counts per
    combination of groups. With two attributes the latter are whole of themselves (they
    are flows between the groups of one and of the other); with more they mostly are,
    and are asked to be where they are not. Whole counts per group make the proof
    short: it is these that a floor rounds.
    """
    best = np.zeros(len(gains), dtype=bool)
    best[order[:seats]] = True
    if holds_floor(groups, best, floor):
        return best
    model = _Model.build(gains[order], order, groups, seats=seats, floor=floor)
    counts = model.solve(whole_cells=False)
    if counts is not None and np.abs(counts - np.round(counts)).max() > _WHOLE:
        counts = model.solve(whole_cells=True)
    if counts is None:
        return None
    chosen = np.zeros(len(gains), dtype=bool)
    for cell, count in enumerate(np.round(counts).astype("int64")):
        chosen[order[model.cells == cell][:count]] = True
    if chosen.sum() != seats or not holds_floor(groups, chosen, floor):
        raise _fail("the solver's answer breaks the floor")
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """People in order, their combinations of groups, and the rows that bind them."""

    gains: FloatArray
    cells: IntArray
    sizes: IntArray
    matrix: csr_array
    lows: FloatArray
    highs: FloatArray

    @classmethod
    def build(
        cls,
        gains: FloatArray,
        order: IntArray,
        groups: Sequence[Groups],
        *,
        seats: int,
        floor: float,
    ) -> Self:
        from scipy.sparse import block_array, csr_array

        codes = np.column_stack([item.codes[order] for item in groups])
        kinds, cells = np.unique(codes, axis=0, return_inverse=True)
        cells = cells.ravel()
        size, many = len(gains), len(kinds)
        of_cell = csr_array((np.ones(size), (cells, np.arange(size))), (many, size))
        of_group = np.vstack(
            [
                kinds[:, place] == np.arange(len(item.names))[:, None]
                for place, item in enumerate(groups)
            ]
        ).astype("float64")
        wide = len(of_group)
        floors, limits = _list_floors(groups, floor)
        matrix = block_array(
            [
                [of_cell, -csr_array(np.eye(many)), csr_array((many, wide))],
                [None, csr_array(of_group), -csr_array(np.eye(wide))],
                [None, csr_array(np.ones((1, many))), None],
                [None, None, csr_array(floors)],
            ],
            format="csr",
        )
        fixed = np.concatenate([np.zeros(many + wide), [float(seats)]])
        return cls(
            gains=gains,
            cells=cells,
            sizes=np.concatenate([item.sizes for item in groups]),
            matrix=matrix,
            lows=np.concatenate([fixed, limits]),
            highs=np.concatenate([fixed, np.full(len(limits), np.inf)]),
        )

    def solve(self, *, whole_cells: bool) -> FloatArray | None:
        """Return how many people of each combination to choose."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        size, wide = len(self.gains), len(self.sizes)
        room = np.bincount(self.cells)
        many = len(room)
        scale = float(np.abs(self.gains).max()) or 1.0
        found = milp(
            np.concatenate([-self.gains / scale, np.zeros(many + wide)]),
            integrality=np.repeat([0, int(whole_cells), 1], [size, many, wide]),
            bounds=Bounds(0, np.concatenate([np.ones(size), room, self.sizes])),
            constraints=LinearConstraint(self.matrix, self.lows, self.highs),
            options={"mip_rel_gap": 0.0, "time_limit": _SECONDS},
        )
        if found.status == _INFEASIBLE:
            return None
        if not found.success:
            raise _fail(f"not proven within {_SECONDS:g} seconds")
        counts: FloatArray = found.x[size : size + many]
        return counts


def _list_floors(
    groups: Sequence[Groups], floor: float
) -> tuple[FloatArray, FloatArray]:
    """Return a row over the groups, and its lower limit, for every ordered pair.

    Values of a row are whole multiples of a step; limits lie half a step below 0, and
    the row is scaled so that the step is far above the solver's tolerance.
    """
    share = round_floor(floor)
    wide = sum(len(item.names) for item in groups)
    rows, limits, start = [], [], 0
    for item in groups:
        for ours, theirs in permutations(range(len(item.names)), 2):
            step = 1 / (share.denominator * int(item.sizes[theirs]))
            scale = max(1.0, _MARGIN / step)
            row = np.zeros(wide)
            row[start + ours] = scale
            row[start + theirs] = (
                -scale * share.numerator * int(item.sizes[ours]) * step
            )
            rows.append(row)
            limits.append(-0.5 * scale * step)
        start += len(item.names)
    return np.array(rows).reshape(-1, wide), np.array(limits)


def _fail(what: str) -> ConvergenceError:
    return ConvergenceError.build(
        "The best allocation of seats could not be proven",
        rule="an exact optimum, or none is shown",
        got=what,
        hint="name fewer attributes under equity in paths.yml",
    )
