"""In which order the modules of a path are taken."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.prescribe.paths.candidates import Candidate, PersonaDemand
from workbench.prescribe.paths.constraints import find_gap_skills

__all__ = ["order_modules"]


def order_modules(
    modules: Sequence[Candidate], demand: PersonaDemand, *, gap_at_least: float
) -> tuple[Candidate, ...]:
    """Put a path's modules in order: prerequisites, then gaps, then impact per hour.

    Parameters
    ----------
    modules : sequence of Candidate
        The path; prerequisites outside of it are taken as met.
    demand : PersonaDemand
        The persona's skill gaps.
    gap_at_least : float
        Gap, in points, from which on a skill comes first.

    Returns
    -------
    tuple of Candidate
        Each after all of its prerequisites in the path; among those that may come
        next, the one that teaches the skill with the largest gap, then the one with
        the largest impact per hour, then by name.
    """
    left = {item.module: item for item in modules}
    ordered: list[Candidate] = []
    while left:
        ready = [
            item
            for item in left.values()
            if not any(name in left for name in item.prerequisites)
        ]
        first = min(ready, key=lambda item: _rank(item, demand, gap_at_least))
        ordered.append(left.pop(first.module))
    return tuple(ordered)


def _rank(
    item: Candidate, demand: PersonaDemand, gap_at_least: float
) -> tuple[float, float, str]:
    large = find_gap_skills(demand, gap_at_least)
    gap = max(
        (demand.gaps[skill] for skill in large if skill in item.skills), default=0
    )
    if item.hours > 0:
        rate = item.worth / item.hours
    else:
        rate = math.copysign(math.inf, item.worth) if item.worth else 0.0
    return -gap, -rate, item.module
