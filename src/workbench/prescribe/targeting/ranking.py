"""What it is worth to serve people in a given order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ParamError
from workbench.prescribe.targeting.scores import Scores

__all__ = ["Order", "choose_top", "rank_rows", "weigh_autoc", "weigh_qini"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Rows of scores in an order, best first within each cell.

    Attributes
    ----------
    scores : Scores
        The rows.
    merit : array of shape (rows,)
        What they are ordered by; the highest first.
    cells : array of int
        Rows compete within a cell: an outcome, or a fold of one where a model that
        has not seen the fold predicts it.
    """

    scores: Scores
    merit: FloatArray
    cells: IntArray

    def value(self, give: FloatArray) -> tuple[float, FloatArray]:
        r"""Return a weighted sum of effects and the influence of each row on it.

        Parameters
        ----------
        give : array of shape (rows,)
            Weight that depends on the place in the order alone, such as 1 for a seat.

        Returns
        -------
        tuple
            Sum over outcomes of the mean of weight times effect, and its influence

            .. math:: w(u_i)(\Gamma_i - \tau(u_i))
                - \int_{u_i}^1 w(v) \tau'(v) \, dv + \text{const.}

            with u the place in the order from 0 (last) to 1, and the effect by place
            :math:`\tau` taken as a straight line per outcome. The terms in
            :math:`\tau` carry that places are estimated from the people at hand.

        References
        ----------
        .. [1] Yadlowsky, S. et al. (2025). Evaluating treatment prioritization rules
           via rank-weighted average treatment effects. JASA 120, 38-51.
           doi:10.1080/01621459.2024.2393466
        """
        scores = self.scores
        place = rank_rows(self.merit, self.cells)
        level, slope = _trace_line(scores, place)
        above = _sum_above(give, self.merit, self.cells)
        parts = give * (scores.effect - level - slope * place) - slope * above
        return scores.mean(give * scores.effect), scores.centre(parts)


def choose_top(merit: FloatArray, share: float, cells: IntArray) -> FloatArray:
    """Give a share of the seats to the highest in every cell.

    Parameters
    ----------
    merit : array
        Nothing missing.
    share : float
        Of the rows of each cell, from 0 to 1.
    cells : array of int
        Where rows compete.

    Returns
    -------
    array
        Probability of a seat: 1, 0, and in between for those tied at the border, so
        that each cell gives exactly its share.

    Raises
    ------
    ParamError
        If the share does not lie from 0 to 1.

    Examples
    --------
    >>> choose_top(np.array([3.0, 1.0, 1.0, 0.0]), 0.5, np.zeros(4, dtype="int64"))
    array([1. , 0.5, 0.5, 0. ])
    """
    if not 0 <= share <= 1:
        raise ParamError.build("A share of seats", rule="from 0 to 1", got=share)
    return _by_place(merit, cells, lambda count: _fill(share * count, count))


def weigh_autoc(merit: FloatArray, cells: IntArray) -> FloatArray:
    """Weigh rows so that the sum is the area under the TOC curve.

    Returns
    -------
    array
        For the r-th of n: sum of 1/j over j from r to n, less 1.
    """

    def weigh(count: int) -> FloatArray:
        parts = 1 / np.arange(1, count + 1)
        weights: FloatArray = np.cumsum(parts[::-1])[::-1] - 1
        return weights

    return _by_place(merit, cells, weigh)


def weigh_qini(merit: FloatArray, cells: IntArray) -> FloatArray:
    """Weigh rows so that the sum is the area under the Qini curve.

    Returns
    -------
    array
        For the r-th of n: (n - r + 1) / n less (n + 1) / (2 n).
    """

    def weigh(count: int) -> FloatArray:
        rank = np.arange(1, count + 1)
        return np.asarray((count - rank + 1 - (count + 1) / 2) / count)

    return _by_place(merit, cells, weigh)


def rank_rows(merit: FloatArray, cells: IntArray) -> FloatArray:
    """Return each row's place in its cell, from 0 (last) to 1 (first); ties share."""
    return _by_place(merit, cells, lambda n: 1 - (np.arange(1, n + 1) - 0.5) / n)


def _fill(seats: float, count: int) -> FloatArray:
    return np.clip(seats - np.arange(count), 0.0, 1.0)


def _by_place(
    merit: FloatArray, cells: IntArray, weigh: Callable[[int], FloatArray]
) -> FloatArray:
    """Weigh places from the first on, rows that tie sharing their mean."""
    made = np.empty(len(merit))
    for order, ties in _walk(merit, cells):
        weights = weigh(len(order))
        shared = np.bincount(ties, weights) / np.bincount(ties)
        made[order] = shared[ties]
    return made


def _walk(merit: FloatArray, cells: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the rows of each cell, best first, and codes of those that tie."""
    for cell in np.unique(cells):
        rows = np.flatnonzero(cells == cell)
        order = rows[np.argsort(-merit[rows], kind="stable")]
        steps = np.diff(merit[order]) != 0
        yield order, np.concatenate([[0], np.cumsum(steps)]).astype("int64")


def _sum_above(give: FloatArray, merit: FloatArray, cells: IntArray) -> FloatArray:
    """Average over the cell the weights of those who come before a row."""
    made = np.empty(len(merit))
    for order, ties in _walk(merit, cells):
        groups = np.bincount(ties, give[order])
        before = np.cumsum(groups) - groups / 2
        made[order] = before[ties] / len(order)
    return made


def _trace_line(scores: Scores, place: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fit the effect by place as a straight line in each outcome."""
    codes = scores.outcome_codes
    level, slope = np.empty(len(place)), np.empty(len(place))
    for code in np.unique(codes):
        rows = codes == code
        off = place[rows] - place[rows].mean()
        spread = float(off @ off)
        rise = float(off @ scores.effect[rows]) / spread if spread > 0 else 0.0
        slope[rows] = rise
        level[rows] = scores.effect[rows].mean() - rise * place[rows].mean()
    return level, slope
