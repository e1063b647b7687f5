"""People followed over time, drawn at random, and plain estimators to hold ours to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Follow:
    """Rows with ties, causes 0 to 2, weights and days of entry below the durations."""

    duration: FloatArray
    cause: IntArray
    weights: FloatArray
    entry: FloatArray
    group: IntArray

    def take(self, rows: Any) -> Follow:
        return Follow(
            self.duration[rows],
            self.cause[rows],
            self.weights[rows],
            self.entry[rows],
            self.group[rows],
        )


def draw_follow(seed: int, size: int, *, last: int = 12) -> Follow:
    """Draw rows in whole days; the longest row is censored, so that curves stay up."""
    rng = np.random.default_rng(seed)
    duration = rng.integers(1, last, size).astype(float)
    cause = rng.choice([0, 1, 1, 2], size)
    duration[0], cause[0] = last, 0
    entry = np.floor(duration * rng.choice([0, 0, 0.5, 0.9], size))
    entry[0] = 0.0
    return Follow(
        duration=duration,
        cause=cause.astype("int64"),
        weights=rng.choice([0.5, 1.0, 1.5, 3.0], size),
        entry=entry,
        group=rng.integers(0, 2, size),
    )


follows = st.builds(
    draw_follow, st.integers(0, 10**6), st.integers(min_value=4, max_value=40)
)


def plain_incidence(rows: Follow, day: float, *, of: int | None = 1) -> float:
    """Aalen-Johansen by loops; with `of` None, Kaplan-Meier over all events."""
    free, share = 1.0, 0.0
    for time in np.unique(rows.duration):
        if time > day:
            break
        there = (rows.entry < time) & (rows.duration >= time)
        total = rows.weights[there].sum()
        now = (rows.duration == time) & (rows.cause > 0)
        ours = now & (rows.cause == of)
        share += free * rows.weights[ours].sum() / total
        free *= 1 - rows.weights[now].sum() / total
    return free if of is None else share


def plain_mean(rows: Follow, tau: float) -> float:
    """Area under the Kaplan-Meier curve of all events, interval by interval."""
    edges = [0.0, *[time for time in np.unique(rows.duration) if time < tau], tau]
    return sum(
        (end - begin) * plain_incidence(rows, begin, of=None)
        for begin, end in pairwise(edges)
    )
