"""Performance without learning: what people would reach had nobody learnt anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.data.demo.arrays import Array, Draws
from workbench.data.demo.people import People
from workbench.data.demo.timeline import Timeline

__all__ = [
    "LEADERSHIP",
    "NEW_ROLE",
    "Merit",
    "draw_merit",
    "record_kpi",
    "record_rating",
]

LEADERSHIP = 0.08
"""Rating points per standard deviation of the manager's leadership."""

NEW_ROLE = -0.10
"""Rating points in the quarter after a move."""

_CENTRE = 3.3
_SEASON = np.array([-0.03, 0.0, -0.02, 0.05])
_CARRIED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Merit:
    """Merit of every person in every quarter, employed or not.

    ``rating`` and ``kpi`` have one column more than there are quarters: column ``t``
    is the merit of the quarter *before* quarter ``t``, known on its first day.
    """

    rating: Array
    kpi: Array


def draw_merit(
    people: People, timeline: Timeline, draws: Draws, *, motivation: float
) -> Merit:
    """Draw the paths of merit: quality, tenure, season, and a carried-over part."""
    rng = draws.stream("merit")
    size, steps = people.count, timeline.count + 1
    rating = np.empty((size, steps))
    kpi = np.empty((size, steps))
    carried = 0.30 * rng.standard_normal(size)
    kpi_carried = 0.05 * rng.standard_normal(size)
    keep = np.sqrt(1 - _CARRIED**2)
    for step in range(steps):
        shock = rng.standard_normal(size)
        own = rng.standard_normal(size)
        carried = _CARRIED * carried + 0.30 * keep * shock
        kpi_carried = _CARRIED * kpi_carried + 0.05 * keep * (0.5 * shock + 0.87 * own)
        season = _SEASON[timeline.quarters[0].shift(step - 1).number - 1]
        years = _years_of_tenure(people, timeline, step)
        rating[:, step] = (
            _CENTRE
            + 0.38 * people.quality
            + motivation * 0.40 * people.motivation
            + 0.08 * (np.log1p(years) - 1.0)
            + season
            + carried
            + 0.12 * rng.standard_normal(size)
        )
        kpi[:, step] = (
            1.0
            + 0.045 * people.quality
            + motivation * 0.06 * people.motivation
            + 0.02 * (np.log1p(years) - 1.0)
            + 0.2 * season
            + kpi_carried
            + 0.04 * rng.standard_normal(size)
        )
    return Merit(rating=rating, kpi=kpi)


def record_rating(merit: Array) -> Array:
    """Write merit as a rating: one decimal, 1 to 5."""
    return np.asarray(np.round(np.clip(merit, 1.0, 5.0), 1))


def record_kpi(merit: Array) -> Array:
    """Write merit as a share of target: three decimals, 0.3 to 2."""
    return np.asarray(np.round(np.clip(merit, 0.3, 2.0), 3))


def _years_of_tenure(people: People, timeline: Timeline, step: int) -> Array:
    """Count years since hiring on the first day of the quarter before `step`."""
    day = timeline.first[step] - np.timedelta64(91, "D")
    days = np.maximum((day - people.hire_date).astype(int), 0)
    return np.asarray(days / 365.25)
