"""The quarters of the demo organisation, a warm-up quarter before the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.core.quarters import Quarter, list_quarters
from workbench.data.demo.arrays import Array

__all__ = ["HANDOVER", "Timeline", "build_timeline"]

HANDOVER = 10
"""Days before the end of a quarter on which vacant teams get their new manager."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Dates of every quarter; position 0 is the warm-up, 1 the first reported one.

    Attributes
    ----------
    quarters : tuple of Quarter
        Warm-up and reported quarters.
    first : array of datetime64[D]
        First day of each quarter, and of the one after the last.
    days : array of int
        Days in each quarter.
    """

    quarters: tuple[Quarter, ...]
    first: Array
    days: Array

    @property
    def count(self) -> int:
        """Number of quarters, the warm-up included."""
        return len(self.quarters)

    @property
    def end(self) -> np.datetime64:
        """Last day of the last quarter."""
        return np.datetime64(self.quarters[-1].last_day)

    def landmark(self, step: int) -> np.datetime64:
        """Last day of a quarter."""
        return np.datetime64(self.quarters[step].last_day)

    def handover(self, step: int) -> np.datetime64:
        """Day on which vacant teams get their manager; no other job row has it."""
        return np.datetime64(self.landmark(step) - np.timedelta64(HANDOVER, "D"))


def build_timeline(last: Quarter, quarters: int) -> Timeline:
    """Date a number of quarters that ends with `last`, and the warm-up before them."""
    listed = tuple(list_quarters(last.shift(-quarters), last))
    edges = [item.first_day for item in (*listed, last.shift(1))]
    first = np.array(edges, dtype="datetime64[D]")
    return Timeline(quarters=listed, first=first, days=np.diff(first).astype(int))
