"""What is recorded of people: ratings, KPIs, skills, days to proficiency."""

from __future__ import annotations

import numpy as np

from workbench.data.demo.arrays import Array, Draws, Log, stamp
from workbench.data.demo.merit import (
    LEADERSHIP,
    NEW_ROLE,
    Merit,
    record_kpi,
    record_rating,
)
from workbench.data.demo.people import People
from workbench.data.demo.settings import ROLES
from workbench.data.demo.state import State
from workbench.data.demo.timeline import Timeline

__all__ = [
    "ASSESSMENT_KINDS",
    "EARLY",
    "LATE",
    "assess_arrivals",
    "assess_periodic",
    "draw_level",
    "limit_level",
    "log_skills",
    "log_spells",
    "rate_people",
    "start_ramp",
]

ASSESSMENT_KINDS = ("periodic", "pre", "post")
EARLY = np.timedelta64(27_000, "s")
"""Half past seven: before the hours of all other assessments."""
LATE = np.timedelta64(63_000, "s")
"""Half past five: after them."""

_DAYS_TO_RATE = 45
_UNRATED = 0.02
_EASE = 2.0
_RAMP_DAYS = np.array([role.ramp_days for role in ROLES])
_REQUIRED = np.array([[value for _, value in role.skills] for role in ROLES])
_NOVICE = np.array([role.novice_gap for role in ROLES])
_LEARNING_DAYS = 300.0


def rate_people(
    people: People,
    timeline: Timeline,
    merit: Merit,
    state: State,
    draws: Draws,
    step: int,
    *,
    exit_day: Array,
    managed: Array,
    log: Log,
) -> tuple[Array, Array]:
    """Rate everybody who worked long enough in a quarter.

    Parameters
    ----------
    people, timeline, merit, state, draws
        The organisation.
    step : int
        The quarter.
    exit_day : array
        Day of leaving, counted from the quarter's first.
    managed : array
        Position of everybody's manager on the first day.
    log : Log
        Takes ``person``, ``step``, ``rating``, ``kpi``, ``okr``.

    Returns
    -------
    tuple of arrays
        Merit of everybody in rating and KPI as it would be recorded but for rounding
        and limits, learning included.
    """
    rng = draws.stream("ratings", step)
    luck = rng.random(people.count)
    noise = rng.standard_normal(people.count)
    job = LEADERSHIP * people.leadership[managed] + NEW_ROLE * (state.moved == step - 1)
    rating = merit.rating[:, step + 1] + job + state.rating_effect
    kpi = merit.kpi[:, step + 1] + 0.2 * job + state.kpi_effect
    joined = (people.hire_date - timeline.first[step]).astype(int)
    there = state.active | ((people.joins == step) & (joined <= _DAYS_TO_RATE))
    rated = there & (exit_day >= _DAYS_TO_RATE) & (luck >= _UNRATED)
    who = np.flatnonzero(rated)
    state.rating[who] = record_rating(rating[who])
    state.kpi[who] = record_kpi(kpi[who])
    log.add(
        {
            "person": who,
            "step": step,
            "rating": state.rating[who],
            "kpi": state.kpi[who],
            "okr": np.round(np.clip(0.7 * kpi[who] + 0.08 * noise[who], 0, 1.2), 2),
        }
    )
    return rating, kpi


def assess_periodic(
    people: People,
    timeline: Timeline,
    state: State,
    draws: Draws,
    step: int,
    *,
    exit_day: Array,
    latest: Array,
    log: Log,
) -> Array:
    """Assess the skills of everybody there once in the quarter.

    Parameters
    ----------
    people, timeline, state, draws
        The organisation.
    step : int
        The quarter.
    exit_day, latest : array
        Day of leaving, and the day by which the assessment must have been: learners
        of the quarter are assessed before they complete.
    log : Log
        Takes ``person``, ``role``, ``at``, ``kind``, ``course`` and ``skill_0`` to
        ``skill_3``.

    Returns
    -------
    array
        Proficiency of everybody in the four skills of their role, noise and learning
        included, before the limits 0 and 100.
    """
    rng = draws.stream("skills", step)
    day = np.minimum(rng.integers(20, 61, people.count), latest)
    level = draw_level(people, timeline.first[step], state, rng)
    who = np.flatnonzero(state.active & (day < exit_day))
    at = stamp(timeline.first[step] + day[who].astype("timedelta64[D]"), rng)
    log_skills(log, state, who, at, level[who], "periodic")
    state.skill[who] = limit_level(level[who])
    return level


def assess_arrivals(
    people: People,
    state: State,
    draws: Draws,
    step: int,
    *,
    who: Array,
    date: Array,
    log: Log,
) -> None:
    """Assess people a few days after they came into a role."""
    rng = draws.stream("arrivals", step)
    after = date + rng.integers(2, 6, who.size).astype("timedelta64[D]")
    level = draw_level(people, date, state, rng, rows=who)
    left = state.exit_date[who]
    there = np.isnat(left) | (after < left)
    at = after[there] + EARLY
    log_skills(log, state, who[there], at, level[there], "periodic")
    state.skill[who[there]] = limit_level(level[there])


def draw_level(
    people: People,
    day: Array | np.datetime64,
    state: State,
    rng: np.random.Generator,
    rows: Array | None = None,
) -> Array:
    """Draw proficiency by role, ability, days in the role and learning in force."""
    who = np.arange(people.count) if rows is None else rows
    role = state.role[who]
    days = np.maximum((day - state.role_start[who]).astype(int), 0)
    novice = _NOVICE[role] * np.exp(-days / _LEARNING_DAYS)
    own = _EASE + people.ability[who] - novice + state.skill_effect[who]
    noise = 2.5 * rng.standard_normal((who.size, 4))
    return np.asarray(
        _REQUIRED[role] + own[:, None] + people.skill_profile[who] + noise
    )


def limit_level(level: Array) -> Array:
    """Write a level as proficiency: 0 to 100, three decimals."""
    return np.asarray(np.round(np.clip(level, 0.0, 100.0), 3))


def log_skills(
    log: Log,
    state: State,
    who: Array,
    at: Array,
    level: Array,
    kind: str,
    course: Array | int = -1,
) -> None:
    """Write down one assessment of all four skills of the role per person."""
    if who.size:
        shown = limit_level(level)
        log.add(
            {
                "person": who,
                "role": state.role[who],
                "at": at,
                "kind": np.full(who.size, ASSESSMENT_KINDS.index(kind)),
                "course": np.broadcast_to(np.asarray(course), who.size),
                **{f"skill_{slot}": shown[:, slot] for slot in range(4)},
            }
        )


def start_ramp(
    people: People, state: State, draws: Draws, step: int, who: Array
) -> None:
    """Draw the day on which people who came into a role will be proficient."""
    rng = draws.stream("ramp", step)
    days = _RAMP_DAYS[state.role[who]] * np.exp(
        0.3 * rng.standard_normal(who.size) - 0.10 * people.quality[who]
    )
    state.proficient[who] = state.role_start[who] + np.floor(days).astype(
        "timedelta64[D]"
    )


def log_spells(
    log: Log, state: State, who: Array, until: Array, role: Array, start: Array
) -> None:
    """Write down when people became proficient in a role, if they did by a day."""
    if who.size:
        reached = state.proficient[who]
        never = np.datetime64("NaT", "D")
        log.add(
            {
                "person": who,
                "role": role,
                "role_start": start,
                "proficient": np.where(reached <= until, reached, never),
            }
        )
