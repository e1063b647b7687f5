"""Who the people are: drawn once, never changed by anything that happens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.data.demo.arrays import Array, Draws, pick, sigmoid
from workbench.data.demo.settings import FAMILIES, ROLES, SITES
from workbench.data.demo.timeline import Timeline

__all__ = ["DIRECTOR", "ROLE", "People", "draw_people"]

DIRECTOR = 0
"""Position of the managing director, who reports to nobody and never leaves."""

ROLE = {role.id: number for number, role in enumerate(ROLES)}
"""Position of each role in `ROLES`."""

_HIRED_SHARE = 0.28
_FAMILY_OF = {
    "support_l1": 0,
    "support_l2": 0,
    "engineer": 1,
    "account_manager": 2,
    "analyst": 3,
    "coordinator": 3,
}
_LEAD_FAMILIES = np.array([0.55, 0.21, 0.14, 0.10])
_HIRE_MARGIN = 20
_MANY_SITES = 1500
_FEW = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """One entry per person ever employed; position 0 is the managing director.

    ``quality``, ``motivation`` (unmeasured), ``leadership`` and ``push`` are standard
    normal. ``joins`` is the quarter of hiring, -1 for people there before the warm-up.
    ``role``, ``level``, ``site`` and ``role_start`` hold the state on the day of entry
    into the data.
    """

    hire_date: Array
    joins: Array
    role: Array
    level: Array
    family: Array
    site: Array
    shift: Array
    fte: Array
    role_start: Array
    birth_year: Array
    gender: Array
    quality: Array
    motivation: Array
    leadership: Array
    push: Array
    ability: Array
    skill_profile: Array
    parking: Array

    @property
    def count(self) -> int:
        """Number of people."""
        return int(self.hire_date.size)


def draw_people(size: int, timeline: Timeline, draws: Draws) -> People:
    """Draw everybody who is there at the start or will be hired."""
    rng = draws.stream("people")
    hired = round(size * _HIRED_SHARE)
    joins = np.full(size, -1)
    joins[size - hired :] = np.sort(np.arange(hired) % timeline.count)
    role = np.concatenate(
        [
            _spread([item.share for item in ROLES], size - hired, rng),
            _spread([item.hire_share for item in ROLES], hired, rng),
        ]
    )
    role[DIRECTOR] = ROLE["head"]
    family = _draw_families(role, rng)
    hire_date = _draw_hire_dates(joins, role, timeline, rng)
    site = pick(rng, _site_weights(size), size)
    quality = rng.standard_normal(size)
    shifts = (family == 0) & (role != ROLE["head"])
    shift = np.where(shifts, pick(rng, np.array([0.6, 0.25, 0.15]), size), 0)
    gender = pick(rng, np.array([0.47, 0.51, 0.02]), size)
    part_time = rng.random(size) < np.where(gender == 0, 0.3, 0.1)
    return People(
        hire_date=hire_date,
        joins=joins,
        role=role,
        level=_draw_levels(role, rng),
        family=family,
        site=site,
        shift=shift,
        fte=np.where(part_time, rng.choice([0.5, 0.6, 0.8], size), 1.0),
        role_start=_draw_role_starts(joins, role, hire_date, timeline, rng),
        birth_year=_draw_birth_years(hire_date, role, rng),
        gender=gender,
        quality=quality,
        motivation=rng.standard_normal(size),
        leadership=rng.standard_normal(size),
        push=rng.standard_normal(size),
        ability=3.5 * quality + 5.0 * rng.standard_normal(size),
        skill_profile=4.0 * rng.standard_normal((size, 4)),
        parking=rng.random(size)
        < sigmoid(np.array([item.parking for item in SITES])[site]),
    )


def _spread(shares: list[float], size: int, rng: np.random.Generator) -> Array:
    """Give roles to people in the stated shares, as exactly as whole people allow."""
    edges = np.round(np.cumsum(shares) / np.sum(shares) * size).astype(int)
    roles = np.repeat(np.arange(len(shares)), np.diff(edges, prepend=0))
    return rng.permutation(roles)


def _draw_families(role: Array, rng: np.random.Generator) -> Array:
    """Give each role its family; leads and heads are spread over all of them."""
    table = np.array([_FAMILY_OF.get(item.id, -1) for item in ROLES])
    family = table[role]
    drawn = pick(rng, _LEAD_FAMILIES, role.size) % len(FAMILIES)
    return np.where(family < 0, drawn, family)


def _site_weights(size: int) -> Array:
    """Weight the sites; a small organisation has only a few."""
    weights = np.array([item.weight for item in SITES])
    return weights if size >= _MANY_SITES else weights[:_FEW]


def _draw_hire_dates(
    joins: Array, role: Array, timeline: Timeline, rng: np.random.Generator
) -> Array:
    """Date entries: years before the warm-up, or well within the joining quarter."""
    years = np.where(role == ROLE["support_l1"], 2.2, 5.0)
    before = 20 + np.minimum(rng.exponential(years * 365.25), 20 * 365.25)
    before[DIRECTOR] = 12 * 365.25
    step = np.maximum(joins, 0)
    room = timeline.days[step] - _HIRE_MARGIN
    within = 1 + np.floor(rng.random(joins.size) * room)
    offset = np.where(joins < 0, -before, within).astype(int)
    return np.asarray(timeline.first[step] + offset.astype("timedelta64[D]"))


def _draw_levels(role: Array, rng: np.random.Generator) -> Array:
    """Draw one of the levels that a role has."""
    counts = np.array([len(item.levels) for item in ROLES])
    lowest = np.array([item.levels[0] for item in ROLES])
    return np.asarray(lowest[role] + np.floor(rng.random(role.size) * counts[role]))


def _draw_role_starts(
    joins: Array,
    role: Array,
    hire_date: Array,
    timeline: Timeline,
    rng: np.random.Generator,
) -> Array:
    """Date the start in the present role; some were promoted into it long ago."""
    tenure = (timeline.first[0] - hire_date).astype(int)
    risen = np.isin(role, [ROLE["support_l2"], ROLE["team_lead"], ROLE["head"]])
    promoted = risen & (joins < 0) & (tenure > 500) & (rng.random(role.size) < 0.6)
    waited = np.floor(tenure * (0.3 + 0.6 * rng.random(role.size))).astype(int)
    later = hire_date + waited.astype("timedelta64[D]")
    return np.where(promoted, later, hire_date)


def _draw_birth_years(hire_date: Array, role: Array, rng: np.random.Generator) -> Array:
    """Draw years of birth: 18 to about 55 on the day of hiring."""
    hired = hire_date.astype("datetime64[Y]").astype(int) + 1970
    youngest = np.where(role == ROLE["support_l1"], 18, 22)
    return np.asarray(hired - youngest - np.floor(32 * rng.beta(1.3, 2.2, role.size)))
