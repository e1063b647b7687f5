"""Modules that no best path needs, as better ones are always to be had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.core.path_params import PathParams
from workbench.prescribe.paths.constraints import Party, find_gap_skills
from workbench.prescribe.paths.impact_steps import count_steps

__all__ = ["narrow_party"]


def narrow_party(party: Party, params: PathParams) -> Party:
    """Leave out the modules that others surpass in everything that counts.

    Parameters
    ----------
    party : Party
        The persona.
    params : PathParams
        The limits.

    Returns
    -------
    Party
        With fewer ``usable`` modules, and the same best impact and hours.

    Notes
    -----
    A module surpasses another if its impact is no smaller, hours and cost are no
    larger, it teaches the same large gaps, counts to the programme if the other does,
    and is free of places, cost per quarter and open prerequisites. A path holds at
    most k modules. Where k modules surpass one that nothing builds on, a path with
    that one lacks one of the k; put in its place, it breaks no limit, lowers no impact
    and adds no hours. As to surpass is transitive (equals go by name), k such modules
    are among those that stay.
    """
    demand, items = party.demand, party.usable
    if not items:
        return party
    most = params.for_persona(demand.persona).modules[1]
    skills = find_gap_skills(demand, params.coverage.gap_at_least)
    needed = {name for item in items for name in item.prerequisites}
    # Larger is better in each column.
    merits = np.array(
        [
            [
                count_steps(item.worth, demand.priority),
                -item.hours,
                -item.unit_cost,
                not item.outside,
                *(skill in item.skills for skill in skills),
            ]
            for item in items
        ],
        dtype="float64",
    )
    free = np.array(
        [
            item.fixed_cost == 0
            and item.module not in params.seats
            and demand.met.issuperset(item.prerequisites)
            for item in items
        ]
    )
    kept = []
    for place, item in enumerate(items):
        better = free & (merits >= merits[place]).all(axis=1)
        equal = (merits == merits[place]).all(axis=1)
        # Of equals, the free ones surpass the bound ones, then the first by name.
        earlier = np.arange(len(items)) < place
        better &= ~equal | (earlier if free[place] else True)
        if item.always or item.module in needed or better.sum() < most:
            kept.append(item)
    return replace(party, usable=tuple(kept))
