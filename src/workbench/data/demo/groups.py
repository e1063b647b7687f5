"""Teams, the units that leads belong to, and who manages them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.data.demo.arrays import Array, Draws
from workbench.data.demo.people import DIRECTOR, ROLE, People
from workbench.data.demo.settings import FAMILIES, SITES
from workbench.data.demo.timeline import Timeline

__all__ = [
    "BOARD",
    "Groups",
    "build_groups",
    "choose_group",
    "find_vacant",
    "place_of",
    "replace_managers",
]

BOARD = 0
"""Position of the group that heads belong to; the managing director manages it."""

_TEAM, _UNIT, _TOP = 0, 1, 2

_TEAM_SIZE = 10
_UNIT_SIZE = 8
_REORGANISED = 0.015
_NEVER = 0.2
_STEPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """All groups; ``manager`` is the only thing that changes.

    ``wave`` is the quarter in which a unit gets ``leading_people`` (beyond the last
    quarter: not yet), ``randomised`` marks units of the stepped-wedge experiment.
    ``start`` and ``size`` find the groups of a kind at a place (family, site).
    """

    kind: Array
    place: Array
    manager: Array
    wave: Array
    randomised: Array
    start: Array
    size: Array


def place_of(family: Array, site: Array) -> Array:
    """Give each family at each site a number."""
    return np.asarray(family * len(SITES) + site)


def build_groups(people: People, timeline: Timeline, draws: Draws) -> Groups:
    """Found enough groups at every place for the people expected there."""
    places = len(FAMILIES) * len(SITES)
    there = np.where(people.joins < 0, 1.0, 0.4)
    at = place_of(people.family, people.site)
    lead = people.role == ROLE["team_lead"]
    head = people.role == ROLE["head"]
    members = np.bincount(at, weights=there * ~(lead | head), minlength=places)
    leads = np.bincount(at, weights=there * lead, minlength=places)
    size = np.stack(
        [
            np.maximum(1, np.round(members / _TEAM_SIZE)),
            np.maximum(1, np.round(leads / _UNIT_SIZE)),
        ]
    ).astype(int)
    start = 1 + (np.cumsum(size.ravel()) - size.ravel()).reshape(size.shape)
    kind = np.concatenate([[_TOP], np.repeat([_TEAM, _UNIT], size.sum(axis=1))])
    place = np.concatenate([[0], *(np.repeat(np.arange(places), row) for row in size)])
    wave, randomised = _plan_roll_out(kind, place, timeline, draws)
    groups = Groups(
        kind=kind,
        place=place,
        manager=np.full(kind.size, -1),
        wave=wave,
        randomised=randomised,
        start=start,
        size=size,
    )
    active = people.joins < 0
    replace_managers(
        groups,
        people.role,
        at,
        active,
        vacant=np.ones(kind.size, bool),
        rng=draws.stream("managers"),
    )
    return groups


def choose_group(groups: Groups, role: Array, place: Array, luck: Array) -> Array:
    """Choose a group for people of a role at a place; `luck` is uniform on 0..1."""
    kind = np.where(role == ROLE["team_lead"], _UNIT, _TEAM)
    chosen = groups.start[kind, place] + np.floor(luck * groups.size[kind, place])
    return np.where(role == ROLE["head"], BOARD, chosen).astype(int)


def find_vacant(
    groups: Groups, role: Array, active: Array, moved: Array, rng: np.random.Generator
) -> Array:
    """Find groups whose manager left, moved or is reassigned."""
    manager = groups.manager
    wanted = np.where(groups.kind == _TEAM, ROLE["team_lead"], ROLE["head"])
    vacant = ~active[manager] | moved[manager] | (role[manager] != wanted)
    vacant |= rng.random(manager.size) < _REORGANISED
    vacant[BOARD] = False
    return np.asarray(vacant)


def replace_managers(
    groups: Groups,
    role: Array,
    place: Array,
    active: Array,
    *,
    vacant: Array,
    rng: np.random.Generator,
) -> None:
    """Give vacant groups a manager: from the place, else the family, else anyone."""
    groups.manager[BOARD] = DIRECTOR
    for kind, name in ((_TEAM, "team_lead"), (_UNIT, "head")):
        free = np.flatnonzero(active & (role == ROLE[name]))
        free = rng.permutation(free[free != DIRECTOR])
        open_groups = np.flatnonzero(vacant & (groups.kind == kind))
        chosen = np.full(open_groups.size, -1)
        for scale in (1, len(SITES), place.max() + 1 + len(SITES)):
            left = np.flatnonzero(chosen < 0)
            keys = groups.place[open_groups[left]] // scale
            chosen[left] = _deal(keys, place[free] // scale, free)
        groups.manager[open_groups] = np.where(chosen < 0, DIRECTOR, chosen)


def _deal(wanted: Array, offered: Array, people: Array) -> Array:
    """Deal people to groups with the same key, in turn; -1 where nobody is there."""
    order = np.argsort(offered, kind="stable")
    keys, people = offered[order], people[order]
    low = np.searchsorted(keys, wanted, side="left")
    count = np.searchsorted(keys, wanted, side="right") - low
    ranked = np.argsort(wanted, kind="stable")
    turn = np.empty(wanted.size, int)
    same = wanted[ranked]
    turn[ranked] = np.arange(wanted.size) - np.searchsorted(same, same)
    if not people.size:
        return np.full(wanted.size, -1)
    at = np.minimum(low + turn % np.maximum(count, 1), people.size - 1)
    return np.where(count > 0, people[at], -1)


def _plan_roll_out(
    kind: Array, place: Array, timeline: Timeline, draws: Draws
) -> tuple[Array, Array]:
    """Date the programme for leads: by region, or at random in the experiment."""
    rng = draws.stream("roll_out")
    last = timeline.count - 1
    wave = np.full(kind.size, last + 1)
    randomised = np.zeros(kind.size, bool)
    units = np.flatnonzero(kind == _UNIT)
    shuffled = rng.permutation(units)
    half = shuffled[: shuffled.size // 2]
    steps = np.arange(max(1, last - _STEPS), last)
    if steps.size > 1:
        randomised[half] = True
        wave[half] = steps[np.arange(half.size) % steps.size]
    rest = units[~randomised[units]]
    regions = np.array([item.region for item in SITES])[place[rest] % len(SITES)]
    liking = rng.random(rest.size) + 0.25 * np.isin(regions, ["east", "south"])
    rank = np.argsort(np.argsort(-liking, kind="stable"), kind="stable")
    share = rank / max(rest.size, 1)
    reached = share < 1 - _NEVER
    wave[rest[reached]] = 1 + np.floor((share[reached] / (1 - _NEVER)) ** 1.4 * last)
    return wave, randomised
