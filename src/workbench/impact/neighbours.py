"""Nearest neighbours on one number, in sorted arrays."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Pool"]

FloatArray = npt.NDArray[np.float64]

_TIE = 1e-9


class Pool:
    """Comparison rows of one cell, ordered by score and, where equal, by rank.

    Rows with the same score form a group. A group is left by union-find once it is
    used up, so that n draws cost about n steps.

    Parameters
    ----------
    scores : sequence of float or array
        Score of each row.
    ranks : sequence of int or array
        Place of each row's unit in the order of ids; decides ties.
    """

    def __init__(
        self,
        scores: Sequence[float] | FloatArray,
        ranks: Sequence[int] | npt.NDArray[np.int64],
    ) -> None:
        values = np.asarray(scores, dtype="float64")
        order = np.lexsort((np.asarray(ranks), values))
        ordered = values[order]
        starts = np.flatnonzero(
            np.append(True, ordered[1:] != ordered[:-1])[: len(order)]
        )
        # Plain lists: reading one element of an array costs ten times as much.
        self._rank = np.asarray(ranks).tolist()
        self._rows: list[int] = order.tolist()
        self._values: list[float] = ordered[starts].tolist()
        self._first: list[int] = [*starts.tolist(), len(order)]
        size = len(self._values)
        self._next = [0] * size
        self._up = list(range(size + 1))
        self._down = list(range(size + 1))

    def take(self, score: float, limit: float) -> tuple[int, float] | None:
        """Draw the nearest row that is left, or None if none is within `limit`.

        Returns
        -------
        tuple of int and float, or None
            Position of the row and its distance; of two rows equally near, the one of
            lower rank. The row is gone afterwards.
        """
        place = bisect_left(self._values, score)
        above = self._find(self._up, place)
        below = self._find(self._down, place) - 1
        found = self._nearer(score, below, above)
        if found is None or abs(self._values[found] - score) > limit:
            return None
        row = self._head(found)
        self._next[found] += 1
        if self._next[found] == self._first[found + 1] - self._first[found]:
            self._up[found] = found + 1
            self._down[found + 1] = found
        return row, abs(self._values[found] - score)

    def look(self, score: float, limit: float, count: int) -> list[tuple[int, float]]:
        """Return the `count` nearest rows within `limit`; none of them is used up.

        Rows of one score are handed out in turn, so that no one of them stands for
        all; which comes first is decided by rank.
        """
        found: list[tuple[int, float]] = []
        above = bisect_left(self._values, score)
        below = above - 1
        while len(found) < count:
            group = self._nearer(score, below, above)
            if group is None or abs(self._values[group] - score) > limit:
                break
            members = self._list_members(group)
            wanted = min(count - len(found), len(members))
            start = self._next[group]
            distance = abs(self._values[group] - score)
            found += [
                (members[(start + step) % len(members)], distance)
                for step in range(wanted)
            ]
            self._next[group] = (start + wanted) % len(members)
            above, below = (above + 1, below) if group == above else (above, below - 1)
        return found

    def look_all(
        self, score: float, limit: float, count: int
    ) -> list[tuple[int, float]]:
        """Return the `count` nearest rows, and all that are as near as the last."""
        found: list[tuple[int, float]] = []
        above = bisect_left(self._values, score)
        below = above - 1
        while (group := self._nearer(score, below, above)) is not None:
            distance = abs(self._values[group] - score)
            full = len(found) >= count
            if distance > limit or (full and distance > found[-1][1] + _TIE):
                break
            found += [(row, distance) for row in self._list_members(group)]
            above, below = (above + 1, below) if group == above else (above, below - 1)
        return found

    def _head(self, group: int) -> int:
        return self._rows[self._first[group] + self._next[group]]

    def _list_members(self, group: int) -> list[int]:
        return self._rows[self._first[group] : self._first[group + 1]]

    def _nearer(self, score: float, below: int, above: int) -> int | None:
        """Choose between the groups on either side; a tie goes to the lower rank."""
        if below < 0:
            return above if above < len(self._values) else None
        if above >= len(self._values):
            return below
        down, up = abs(self._values[below] - score), abs(self._values[above] - score)
        if down == up:
            first = self._rank[self._head(below)] < self._rank[self._head(above)]
            return below if first else above
        return below if down < up else above

    @staticmethod
    def _find(parent: list[int], start: int) -> int:
        """Follow a chain to its end and shorten it."""
        end = start
        while parent[end] != end:
            end = parent[end]
        while parent[start] != end:
            parent[start], start = end, parent[start]
        return end
