"""How likely people are to leave or move within a quarter, learning apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.data.demo.arrays import Array
from workbench.data.demo.merit import Merit
from workbench.data.demo.people import DIRECTOR, People
from workbench.data.demo.settings import ROLES
from workbench.data.demo.state import LONG_AGO
from workbench.data.demo.timeline import Timeline

__all__ = [
    "MOVE_DAYS",
    "ExitHazards",
    "exit_hazards",
    "move_hazard",
    "share_before_exit",
]

MOVE_DAYS = (5, 70)
"""First and last day (from the quarter's first) on which people move."""

_VOLUNTARY_PER_YEAR = np.array([0.20, 0.10, 0.12, 0.10])
_INVOLUNTARY_PER_YEAR = np.array([0.035, 0.015, 0.025, 0.02])
_OTHER_PER_YEAR = 0.004
_RETIRED_PER_YEAR = 0.12
_RETIREMENT_AGE = 63
_SEASON = np.array([0.10, 0.0, 0.05, -0.10])
_PROMOTIONS = np.array([0.25, -0.10, -0.10, 0.0])
_CENTRE = 3.3
_REST_AFTER_MOVE = 3
_REST_AFTER_HIRE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitHazards:
    """Cumulated hazards of one quarter per person, by kind of exit."""

    voluntary: Array
    involuntary: Array
    other: Array


def exit_hazards(
    people: People,
    timeline: Timeline,
    merit: Merit,
    step: int,
    *,
    motivation: float,
    rows: Array | None = None,
) -> ExitHazards:
    """Compute the hazards of leaving in one quarter, without any learning.

    They depend on family, shift, tenure, age, season, the merit of the quarter
    before and motivation: on nothing that learning, moves or managers change.
    """
    who = np.arange(people.count) if rows is None else rows
    years = timeline.days[step] / 365.25
    tenure = (timeline.first[step] - people.hire_date[who]).astype(int) / 365.25
    above = merit.rating[who, step] - _CENTRE
    number = timeline.quarters[step].number - 1
    log_ratio = (
        -0.45 * above
        + 0.5 * np.exp(-np.maximum(tenure, 0.0) / 0.8)
        + 0.15 * (people.shift[who] == 2)
        + _SEASON[number]
        - 0.4 * motivation * people.motivation[who]
    )
    age = timeline.quarters[step].year - people.birth_year[who]
    retiring = np.where(age >= _RETIREMENT_AGE, _RETIRED_PER_YEAR, _OTHER_PER_YEAR)
    stays = who != DIRECTOR
    family = people.family[who]
    return ExitHazards(
        voluntary=stays * years * _VOLUNTARY_PER_YEAR[family] * np.exp(log_ratio),
        involuntary=stays
        * years
        * _INVOLUNTARY_PER_YEAR[family]
        * np.exp(-0.7 * above),
        other=stays * years * retiring,
    )


def move_hazard(
    people: People,
    timeline: Timeline,
    merit: Merit,
    step: int,
    *,
    role: Array,
    moved: Array,
    rows: Array | None = None,
) -> Array:
    """Compute the cumulated hazard of a promotion or transfer in one quarter.

    Parameters
    ----------
    people, timeline, merit
        The organisation.
    step : int
        The quarter.
    role, moved : array
        Role on the quarter's first day, and the quarter of the last move; after a
        move or after being hired people stay put for some quarters.
    rows : array, optional
        Positions of the people in question; everybody by default.
    """
    who = np.arange(people.count) if rows is None else rows
    per_year = np.array([item.moves_per_year for item in ROLES])[role]
    above = merit.rating[who, step] - _CENTRE
    season = _PROMOTIONS[timeline.quarters[step].number - 1]
    joined = np.where(people.joins[who] < 0, LONG_AGO, people.joins[who])
    rested = (step - moved > _REST_AFTER_MOVE) & (step - joined > _REST_AFTER_HIRE)
    years = timeline.days[step] / 365.25
    hazard = per_year * years * np.exp(0.5 * above + season)
    return np.asarray(hazard * (rested & (who != DIRECTOR)))


def share_before_exit(days: int) -> float:
    """Share of moves that come before an exit in the same quarter of so many days."""
    moves = np.arange(MOVE_DAYS[0], MOVE_DAYS[1] + 1)
    exits = np.arange(1, days - 1)
    return float((moves[:, None] < exits[None, :]).mean())
