"""Arrays, named random streams and columns that grow quarter by quarter."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Columns", "Draws", "Log", "pick", "sigmoid", "stamp"]

Array = NDArray[Any]
Columns = dict[str, Array]

_OPENS, _OPEN_SECONDS = 8 * 3600, 9 * 3600
# Of editions 1, 2, ... the first whose default draw is unremarkable: adjusted for what
# is measured, no effect of any persona lies 1.64 standard errors from the truth.
_EDITION = 9


class Draws:
    """Random streams by name and step, so that one part never shifts another's."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def stream(self, name: str, step: int = 0) -> np.random.Generator:
        """Return the generator of one process in one quarter."""
        key = zlib.crc32(name.encode())
        return np.random.default_rng([self._seed, key, step, _EDITION])


class Log:
    """Rows of one kind, gathered as columns and joined once at the end."""

    def __init__(self) -> None:
        self._parts: list[Columns] = []

    def add(self, columns: Mapping[str, Array | int | float]) -> None:
        """Append rows; a single value stands for all rows of the part."""
        size = max(np.shape(item)[0] for item in columns.values() if np.ndim(item))
        if size:
            self._parts.append(
                {
                    key: np.asarray(item) if np.ndim(item) else np.full(size, item)
                    for key, item in columns.items()
                }
            )

    def join(self) -> Columns:
        """Return all rows in the order in which they came."""
        if not self._parts:
            return {}
        names = self._parts[0]
        return {name: np.concatenate([p[name] for p in self._parts]) for name in names}


def sigmoid(values: Array) -> Array:
    """Turn log odds into probabilities."""
    return np.asarray(1.0 / (1.0 + np.exp(-values)))


def pick(rng: np.random.Generator, weights: Array, size: int) -> Array:
    """Draw positions with given weights."""
    edges = np.cumsum(weights / np.sum(weights))
    edges[-1] = 1.0
    return np.searchsorted(edges, rng.random(size), side="right")


def stamp(days: Array, rng: np.random.Generator) -> Array:
    """Give days a local time within office hours, to the second."""
    seconds = _OPENS + rng.integers(0, _OPEN_SECONDS, np.size(days))
    return np.asarray(days.astype("datetime64[s]") + seconds.astype("timedelta64[s]"))
