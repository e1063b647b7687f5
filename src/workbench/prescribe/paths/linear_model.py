"""Whole-number programmes: built row by row, solved for one goal after another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ConvergenceError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["STEP", "LinearModel", "Prices", "Solution"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

STEP = 1e-4
"""Values of the first goal are whole numbers of these steps, so that two of them are
equal or differ by far more than the solver's tolerance."""

_SLACK = 1e-6
_TIME_OUT = 1
_INFEASIBLE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """What a programme was solved to.

    ``values`` of all columns are whole; ``steps`` is the first goal in `STEP`,
    ``effort`` the second one; ``gap`` how far, relatively, the proof of either goal
    leaves room for a better solution.
    """

    values: IntArray
    steps: int
    effort: float
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What is left of a goal's columns once some rows are paid for.

    No solution's goal exceeds ``constant`` plus the sum of ``values`` over columns,
    whatever the prices (Lagrange).
    """

    constant: float
    values: FloatArray


class LinearModel:
    """Columns with bounds and rows with limits, for `scipy.optimize.milp` (HiGHS).

    All columns are whole in every solution; those not declared so must follow to be
    whole from the rows.
    """

    def __init__(self, *, seconds: float = 120.0) -> None:
        self._seconds = seconds
        self._highs: list[float] = []
        self._lows: list[float] = []
        self._whole: list[bool] = []
        self._at: list[tuple[int, int, float]] = []
        self._row_lows: list[float] = []
        self._row_highs: list[float] = []

    def add_column(
        self, *, low: float = 0.0, high: float = 1.0, whole: bool = True
    ) -> int:
        """Add a column and return its place."""
        self._lows.append(low)
        self._highs.append(high)
        self._whole.append(whole)
        return len(self._whole) - 1

    def add_row(
        self,
        entries: Mapping[int, float],
        *,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> None:
        """Hold a weighted sum of columns between two limits."""
        row = len(self._row_lows)
        self._at.extend((row, place, value) for place, value in entries.items())
        self._row_lows.append(low)
        self._row_highs.append(high)

    def count_rows(self) -> int:
        """Count the rows so far."""
        return len(self._row_lows)

    def solve(
        self, steps: Mapping[int, int], effort: Mapping[int, float]
    ) -> Solution | None:
        """Maximise the first goal; among its solutions, minimise the second.

        Parameters
        ----------
        steps : mapping of int to int
            What one unit of a column adds to the first goal, in `STEP`.
        effort : mapping of int to float
            What it adds to the second.

        Returns
        -------
        Solution or None
            None if no values hold all rows.

        Raises
        ------
        ConvergenceError
            If a goal is not proven within the time, or rounding to whole values
            breaks a row.
        """
        best = self.reach(steps)
        return None if best is None else self.shorten(steps, best.steps, effort)

    def reach(self, steps: Mapping[int, int], *, gap: float = 0.0) -> Solution | None:
        """Maximise the first goal, with a gap to the proven bound if one is allowed.

        The second goal of the solution is not looked at and stands as 0.
        """
        goal = self._spread(steps)
        found = self._run(-goal * STEP, gap=gap)
        if found is None:
            return None
        values, bound = found
        reached = round(float(goal @ values))
        room = -bound / STEP - reached
        if room >= 1 and gap == 0:
            raise _fail(f"{room:.3g} steps of {STEP:g} short of the proven bound")
        return Solution(
            values=values.astype("int64"),
            steps=reached,
            effort=0.0,
            gap=max(0.0, room / max(1.0, abs(reached))),
        )

    def shorten(
        self, steps: Mapping[int, int], reached: int, effort: Mapping[int, float]
    ) -> Solution:
        """Minimise the second goal while the first is as large as it can be.

        Notes
        -----
        A row holds the first goal at no less than its optimum less half a step. As
        every value of it is a whole number of steps, that row keeps its solutions and
        no others: the order of the goals is exact.
        """
        goal, cost = self._spread(steps), self._spread(effort)
        held = {place: value * STEP for place, value in steps.items() if value}
        self.add_row(held, low=(reached - 0.5) * STEP)
        found = self._run(cost)
        if found is None:
            raise _fail("the second goal has no solution where the first has one")
        values, least = found
        if round(float(goal @ values)) != reached:
            raise _fail("the second goal gave up some of the first")
        spent = float(cost @ values)
        return Solution(
            values=values.astype("int64"),
            steps=reached,
            effort=spent,
            gap=max(0.0, (spent - least) / max(1.0, spent)),
        )

    def price_rows(self, steps: Mapping[int, int], first: int) -> Prices:
        """Relax whole numbers and price the rows from one on, all upper limits.

        Returns
        -------
        Prices
            Of the relaxed programme.
        """
        from scipy.optimize import linprog
        from scipy.sparse import vstack

        goal = self._spread(steps) * STEP
        matrix = self._gather()
        lows, highs = np.array(self._row_lows), np.array(self._row_highs)
        above, below = np.isfinite(highs), np.isfinite(lows)
        found = linprog(
            -goal,
            A_ub=vstack([matrix[above], -matrix[below]]),
            b_ub=np.concatenate([highs[above], -lows[below]]),
            bounds=np.column_stack([self._lows, self._highs]),
            method="highs",
        )
        if found.x is None:
            raise _fail("the relaxed programme has no solution")
        prices = np.zeros(len(highs))
        prices[above] = np.maximum(0.0, -found.ineqlin.marginals[: above.sum()])
        kept = prices[first:]
        return Prices(
            constant=float(kept @ highs[first:]) if len(kept) else 0.0,
            values=goal - matrix[first:].T @ kept,
        )

    def _spread(self, entries: Mapping[int, int] | Mapping[int, float]) -> FloatArray:
        spread = np.zeros(len(self._whole))
        for place, value in entries.items():
            spread[place] = value
        return spread

    def _gather(self) -> csr_array:
        from scipy.sparse import csr_array

        rows, places, values = zip(*self._at, strict=True) if self._at else ((),) * 3
        shape = (len(self._row_lows), len(self._whole))
        return csr_array((values, (rows, places)), shape=shape)

    def _run(
        self, cost: FloatArray, *, gap: float = 0.0
    ) -> tuple[FloatArray, float] | None:
        """Minimise once; return the whole values and the proven bound."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        matrix = self._gather()
        found = milp(
            cost,
            integrality=np.asarray(self._whole, dtype="int64"),
            bounds=Bounds(self._lows, self._highs),
            constraints=LinearConstraint(matrix, self._row_lows, self._row_highs),
            options={"mip_rel_gap": gap, "time_limit": self._seconds},
        )
        if found.status == _INFEASIBLE:
            return None
        if found.status == _TIME_OUT or found.x is None:
            raise _fail(f"not proven within {self._seconds:g} seconds")
        best = np.round(found.x)
        sums = matrix @ best
        slack = _SLACK * np.maximum(1.0, np.abs(sums))
        if (sums < self._row_lows - slack).any() or (
            sums > self._row_highs + slack
        ).any():
            raise _fail("whole values break a limit that the solver's hold")
        return best, float(found.mip_dual_bound)


def _fail(what: str) -> ConvergenceError:
    return ConvergenceError.build(
        "The best paths could not be proven",
        rule="an exact optimum, or none is shown",
        got=what,
        hint="limit the modules or people of a persona in paths.yml",
    )
