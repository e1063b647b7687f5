"""What changes from quarter to quarter: jobs, exits, ratings, skills, learning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.data.demo.arrays import Array
from workbench.data.demo.catalogue import PROGRAMS
from workbench.data.demo.groups import Groups, choose_group, place_of
from workbench.data.demo.people import DIRECTOR, People
from workbench.data.demo.timeline import Timeline

__all__ = ["EFFECT_QUARTERS", "LONG_AGO", "NEVER", "State", "start_state"]

NEVER = 999
"""Quarter of something that has not happened."""

LONG_AGO = -99
"""Quarter of something that happened before the data begin."""

EFFECT_QUARTERS = 4
"""Quarters after the landmark in which learning changes exits and moves."""


@dataclass(slots=True, kw_only=True)
class State:
    """State of every person on the first day of the quarter at hand.

    ``exit_effect`` and ``move_effect`` hold the sum of log hazard ratios per quarter,
    the others the sum of effects in force; ``learnt`` the quarter in which each
    programme was completed.
    """

    active: Array
    role: Array
    level: Array
    site: Array
    group: Array
    role_start: Array
    moved: Array
    exits: Array
    exit_date: Array
    exit_type: Array
    rating: Array
    kpi: Array
    skill: Array
    learnt: Array
    rating_effect: Array
    kpi_effect: Array
    skill_effect: Array
    exit_effect: Array
    move_effect: Array
    proficient: Array
    invited: Array

    def places(self, people: People) -> Array:
        """Family and site of everybody as one number."""
        return place_of(people.family, self.site)


def start_state(
    people: People, timeline: Timeline, groups: Groups, luck: Array
) -> State:
    """Set everybody up on the first day of the warm-up quarter.

    Parameters
    ----------
    people, timeline, groups
        The organisation.
    luck : array
        Uniform numbers that choose each person's first group.
    """
    size = people.count
    place = place_of(people.family, people.site)
    group = choose_group(groups, people.role, place, luck)
    group[DIRECTOR] = 0
    horizon = timeline.count + EFFECT_QUARTERS + 1
    return State(
        active=people.joins < 0,
        role=people.role.copy(),
        level=people.level.copy(),
        site=people.site.copy(),
        group=group,
        role_start=people.role_start.copy(),
        moved=np.full(size, LONG_AGO),
        exits=np.full(size, NEVER),
        exit_date=np.full(size, np.datetime64("NaT"), dtype="datetime64[D]"),
        exit_type=np.full(size, -1),
        rating=np.full(size, np.nan),
        kpi=np.full(size, np.nan),
        skill=np.full((size, 4), np.nan),
        learnt=np.full((size, len(PROGRAMS)), NEVER),
        rating_effect=np.zeros(size),
        kpi_effect=np.zeros(size),
        skill_effect=np.zeros(size),
        exit_effect=np.zeros((size, horizon)),
        move_effect=np.zeros((size, horizon)),
        proficient=np.full(size, np.datetime64("NaT"), dtype="datetime64[D]"),
        invited=np.zeros(size, bool),
    )
