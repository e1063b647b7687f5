"""One quarter of exits, promotions, transfers, hires and changes of manager."""

from __future__ import annotations

import numpy as np

from workbench.data.demo.arrays import Array, Columns, Draws, Log
from workbench.data.demo.groups import (
    Groups,
    choose_group,
    find_vacant,
    place_of,
    replace_managers,
)
from workbench.data.demo.hazards import MOVE_DAYS, exit_hazards, move_hazard
from workbench.data.demo.merit import Merit
from workbench.data.demo.people import ROLE, People
from workbench.data.demo.settings import ROLES
from workbench.data.demo.state import NEVER, State
from workbench.data.demo.timeline import Timeline

__all__ = [
    "EVENTS",
    "EXIT_TYPES",
    "draw_exits",
    "draw_moves",
    "hand_over",
    "log_jobs",
    "log_past",
]

EVENTS = ("hire", "change", "transfer", "promotion", "exit")
EXIT_TYPES = ("voluntary", "involuntary", "other")

_RISES_TO = np.array(
    [
        ROLE["support_l2"],
        ROLE["team_lead"],
        ROLE["team_lead"],
        ROLE["team_lead"],
        ROLE["head"],
        ROLE["team_lead"],
        ROLE["team_lead"],
        ROLE["head"],
    ]
)


_CAME_FROM = {
    "support_l2": np.array([ROLE["support_l1"]] * 4),
    "team_lead": np.array(
        [
            ROLE[name]
            for name in ("support_l2", "engineer", "account_manager", "analyst")
        ]
    ),
    "head": np.array([ROLE["team_lead"]] * 4),
}


def log_past(
    people: People, timeline: Timeline, groups: Groups, state: State, jobs: Log
) -> None:
    """Write down how the people there at the start came to their jobs.

    Their managers before the warm-up are not known; on its first day everybody's job
    is written anew, with the manager.
    """
    who = np.flatnonzero(people.joins < 0)
    rose = state.role_start[who] > people.hire_date[who]
    role = state.role[who]
    before = role.copy()
    for name, origin in _CAME_FROM.items():
        mine = rose & (role == ROLE[name])
        before[mine] = origin[people.family[who[mine]]]
    top = np.array([item.levels[-1] for item in ROLES])
    level = np.where(rose, top[before], state.level[who])
    entry = _describe_jobs(people, state, who)
    unknown = np.full(who.size, -1)
    jobs.add(
        {
            **entry,
            "date": people.hire_date[who],
            "event": np.full(who.size, EVENTS.index("hire")),
            "role": before,
            "level": level,
            "manager": unknown,
        }
    )
    risen = {name: values[rose] for name, values in entry.items()}
    promoted = np.full(int(rose.sum()), EVENTS.index("promotion"))
    date = state.role_start[who[rose]]
    jobs.add({**risen, "date": date, "event": promoted, "manager": unknown[rose]})
    change = EVENTS.index("change")
    log_jobs(jobs, people, groups, state, who, date=timeline.first[0], event=change)


def draw_exits(
    people: People,
    timeline: Timeline,
    merit: Merit,
    state: State,
    draws: Draws,
    step: int,
    *,
    motivation: float,
) -> Array:
    """Draw who leaves in a quarter, and when; return the day, a large one if never.

    No exit falls on the first or the last day of a quarter.
    """
    rng = draws.stream("exits", step)
    base = exit_hazards(people, timeline, merit, step, motivation=motivation)
    voluntary = base.voluntary * np.exp(state.exit_effect[:, step])
    total = voluntary + base.involuntary + base.other
    leaves = state.active & (rng.random(people.count) < -np.expm1(-total))
    room = timeline.days[step] - 2
    day = 1 + np.floor(rng.random(people.count) * room).astype(int)
    kind = rng.random(people.count) * total
    state.exits[leaves] = step
    state.exit_date[leaves] = timeline.first[step] + day[leaves].astype(
        "timedelta64[D]"
    )
    reason = (kind > voluntary).astype(int) + (kind > voluntary + base.involuntary)
    state.exit_type[leaves] = reason[leaves]
    return np.where(leaves, day, NEVER)


def draw_moves(
    people: People,
    timeline: Timeline,
    merit: Merit,
    groups: Groups,
    state: State,
    draws: Draws,
    step: int,
    *,
    exit_day: Array,
    jobs: Log,
) -> Array:
    """Promote and transfer people; return the positions of those who moved."""
    rng = draws.stream("moves", step)
    hazard = move_hazard(
        people, timeline, merit, step, role=state.role, moved=state.moved
    ) * np.exp(state.move_effect[:, step])
    luck = rng.random((4, people.count))
    low, high = MOVE_DAYS
    day = low + np.floor(luck[1] * (high - low + 1)).astype(int)
    moves = state.active & (luck[0] < -np.expm1(-hazard)) & (day < exit_day)
    who = np.flatnonzero(moves)
    role, level = state.role[who], state.level[who]
    rises = luck[2, who] < np.array([item.promotion_share for item in ROLES])[role]
    top = np.array([item.levels[-1] for item in ROLES])[role]
    lowest = np.array([item.levels[0] for item in ROLES])
    changes = rises & (level >= top)
    new_role = np.where(changes, _RISES_TO[role], role)
    state.role[who] = new_role
    state.level[who] = np.where(changes, lowest[new_role], level + (rises & ~changes))
    sites = np.unique(people.site)
    hop = 1 + np.floor(luck[3, who] * (sites.size - 1)).astype(int)
    elsewhere = (np.searchsorted(sites, state.site[who]) + hop) % sites.size
    state.site[who] = np.where(rises, state.site[who], sites[elsewhere])
    regroup = ~rises | changes
    chosen = choose_group(
        groups, new_role, state.places(people)[who], rng.random(who.size)
    )
    state.group[who] = np.where(regroup, chosen, state.group[who])
    state.moved[who] = step
    date = timeline.first[step] + day[who].astype("timedelta64[D]")
    state.role_start[who[changes]] = date[changes]
    event = np.where(rises, EVENTS.index("promotion"), EVENTS.index("transfer"))
    log_jobs(jobs, people, groups, state, who, date=date, event=event)
    return who


def hand_over(
    people: People,
    timeline: Timeline,
    groups: Groups,
    state: State,
    draws: Draws,
    step: int,
    *,
    jobs: Log,
) -> None:
    """Give vacant groups a new manager and date the change for their members."""
    rng = draws.stream("handover", step)
    there = state.active & (state.exits > step)
    vacant = find_vacant(groups, state.role, there, state.moved == step, rng)
    before = groups.manager.copy()
    place = place_of(people.family, state.site)
    replace_managers(groups, state.role, place, there, vacant=vacant, rng=rng)
    changed = groups.manager != before
    date = timeline.handover(step)
    late = ~np.isnat(state.exit_date) & (state.exit_date > date)
    present = (there | (state.exits == step) & late) & state.active
    who = np.flatnonzero(present & changed[state.group])
    log_jobs(jobs, people, groups, state, who, date=date, event=EVENTS.index("change"))


def log_jobs(
    jobs: Log,
    people: People,
    groups: Groups,
    state: State,
    who: Array,
    *,
    date: Array | np.datetime64,
    event: Array | int,
) -> None:
    """Write down the job of people from a date on."""
    if not who.size:
        return
    manager = groups.manager[state.group[who]]
    jobs.add(
        {
            **_describe_jobs(people, state, who),
            "date": np.broadcast_to(np.asarray(date), who.size),
            "event": np.broadcast_to(np.asarray(event), who.size),
            "manager": np.where(manager == who, -1, manager),
        }
    )


def _describe_jobs(people: People, state: State, who: Array) -> Columns:
    """Give the job of people as it is now."""
    return {
        "person": who,
        "role": state.role[who],
        "level": state.level[who],
        "family": people.family[who],
        "site": state.site[who],
        "shift": people.shift[who],
        "fte": people.fte[who],
    }
