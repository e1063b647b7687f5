"""All ways in which the same starts could have fallen on clusters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt

__all__ = ["count_orders", "list_orders"]

IntArray = npt.NDArray[np.int64]


def count_orders(starts: IntArray) -> int:
    """Count the ways of placing the same starts on the clusters.

    Parameters
    ----------
    starts : array of int of shape (clusters,)
        When each cluster starts.

    Examples
    --------
    >>> count_orders(np.array([1, 1, 2, 3]))
    12
    """
    ways = math.factorial(len(starts))
    for count in np.unique(starts, return_counts=True)[1]:
        ways //= math.factorial(int(count))
    return ways


def list_orders(starts: IntArray) -> Iterator[IntArray]:
    """Give every way of placing the same starts once, in a fixed order.

    Parameters
    ----------
    starts : array of int of shape (clusters,)
        When each cluster starts.

    Yields
    ------
    array of int of shape (clusters,)
        As many as `count_orders` tells.
    """
    values, counts = np.unique(starts, return_counts=True)

    def place(free: tuple[int, ...], at: int, made: IntArray) -> Iterator[IntArray]:
        if at == len(values) - 1:
            made[list(free)] = values[at]
            yield made.copy()
            return
        for chosen in combinations(free, int(counts[at])):
            made[list(chosen)] = values[at]
            rest = tuple(item for item in free if item not in chosen)
            yield from place(rest, at + 1, made)

    yield from place(tuple(range(len(starts))), 0, np.zeros(len(starts), dtype="int64"))
