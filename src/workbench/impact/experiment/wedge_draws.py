"""What a stepped wedge would have shown had its groups started in another order."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.impact.experiment.wedge_cells import Cells
from workbench.impact.orders import count_orders, list_orders
from workbench.impact.wild_bootstrap import invert_test

__all__ = ["WedgeTest", "redraw_starts"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST_LISTED = 20_000
_AT_ONCE = 500
_TIES = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class WedgeTest:
    """Result of drawing again which group starts when.

    Attributes
    ----------
    p_value : float
        Two-sided, of no effect on anybody.
    ci_low, ci_high : float
        Effects, the same in every exposed period, that are not rejected; infinite
        where nothing is.
    smallest_p : float
        The smallest p-value that so many draws allow.
    assignments : int
        Orders in which the groups could have started.
    listed : bool
        True if all of them were tried.
    """

    p_value: float
    ci_low: float
    ci_high: float
    smallest_p: float
    assignments: int
    listed: bool


def redraw_starts(
    cells: Cells, *, seed: int, alpha: float = 0.05, draws: int = 4999
) -> WedgeTest:
    """Test no effect by giving the groups each other's starts.

    Parameters
    ----------
    cells : Cells
        The observed cells; people lost are taken as lost whatever the draw.
    seed : int
        Of the draws; without effect where all orders are tried.
    alpha : float
        One less the level of the interval.
    draws : int
        Orders drawn where there are more than 20,000; one is then added to both
        counts of the p-value.

    Returns
    -------
    WedgeTest
        Its statistic is the effect with effects of groups and periods.

    References
    ----------
    .. [1] Wang, R. and De Gruttola, V. (2017). The use of permutation tests for the
       analysis of parallel and stepped-wedge cluster-randomized trials. Statistics in
       Medicine 36, 2831-2843. doi:10.1002/sim.7329
    """
    assignments = count_orders(cells.starts)
    listed = assignments <= _MOST_LISTED
    if listed:
        others = np.array(list(list_orders(cells.starts)))
    else:
        rng = np.random.default_rng(seed)
        others = rng.permuted(np.tile(cells.starts, (draws, 1)), axis=1)
    own = _compare(cells, cells.starts[None, :])
    drawn = _compare(cells, others)
    kept = np.isfinite(drawn[0])
    found, unit = drawn[0][kept], drawn[1][kept]
    extra = 0 if listed else 1

    def test(effect: float) -> float:
        gap = abs(own[0][0] - effect * own[1][0])
        larger = np.abs(found - effect * unit) >= gap * (1 - _TIES) - 1e-12
        return (int(larger.sum()) + extra) / (len(found) + extra)

    low, high = invert_test(
        test,
        start=float(own[0][0]),
        step=float(np.std(found)) or 1.0,
        alpha=alpha,
    )
    return WedgeTest(
        p_value=test(0.0),
        ci_low=low,
        ci_high=high,
        smallest_p=1 / (len(found) + extra),
        assignments=assignments,
        listed=listed,
    )


def _compare(cells: Cells, starts: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return each draw's effect, and what a real effect of 1 would add to it.

    NaN where a draw leaves nothing to compare.
    """
    root = np.sqrt(cells.size)
    base = cells.center(cells.periods) * root[:, None]
    left, size, _ = np.linalg.svd(base, full_matrices=False)
    weight = np.bincount(cells.cluster, cells.size)[cells.cluster]
    own = np.equal.outer(cells.cluster, np.arange(len(cells.starts)))
    groups = own * np.sqrt(cells.size / weight)[:, None]
    space = np.column_stack([groups, left[:, size > _TIES * size[0]]])
    targets = np.column_stack([cells.mean, cells.exposed]) * root[:, None]
    targets -= space @ (space.T @ targets)
    parts = [
        _solve(cells.expose(starts[at : at + _AT_ONCE]), root, space, targets)
        for at in range(0, len(starts), _AT_ONCE)
    ]
    values = np.concatenate(parts)
    return values[:, 0], values[:, 1]


def _solve(
    chosen: BoolArray, root: FloatArray, space: FloatArray, targets: FloatArray
) -> FloatArray:
    exposed: FloatArray = np.where(chosen, root, 0.0)
    total = np.einsum("dc,dc->d", exposed, exposed)
    spread = total - ((exposed @ space) ** 2).sum(axis=1)
    usable = spread > _TIES * np.maximum(total, 1.0)
    solved = exposed @ targets / np.where(usable, spread, 1.0)[:, None]
    values: FloatArray = np.where(usable[:, None], solved, math.nan)
    return values
