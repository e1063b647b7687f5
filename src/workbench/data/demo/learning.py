"""What completing a programme changes, and what is kept of it for the truth."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from workbench.data.demo.arrays import Array, Columns, Draws, Log, sigmoid
from workbench.data.demo.attempts import COURSE, LONGEST
from workbench.data.demo.catalogue import Effects
from workbench.data.demo.outcomes import EARLY, LATE, draw_level, log_skills
from workbench.data.demo.people import ROLE, People
from workbench.data.demo.settings import PERSONAS
from workbench.data.demo.state import EFFECT_QUARTERS, State
from workbench.data.demo.timeline import Timeline
from workbench.data.demo.uptake import Uptakes

__all__ = ["COACHED", "EFFECTS", "UNCOACHED", "Learners", "apply_learning"]

UNCOACHED = 0.75
"""Part of an effect that comes without coaching."""

COACHED = 0.5
"""What coaching by the manager adds to it."""

EFFECTS = tuple(item.name for item in fields(Effects))
"""Names of the six kinds of effect."""

_MEDIATED = ("rating", "kpi", "exit", "move")
_ACTIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Learners:
    """Who met a completion rule in a quarter, and what it did to them.

    One entry per person. ``stays`` tells who was still employed at the landmark;
    ``role`` and ``moved`` hold the state at the landmark; ``strength`` is the factor of
    each person on the effects of the modules (one column per kind of effect); ``usual``
    is the chance per quarter to complete later, had they not now;
    ``earlier_exit`` and ``earlier_move`` are the effects of other programmes in the
    quarters after the landmark.
    """

    step: int
    person: Array
    program: Array
    passed: Array
    gap: Array
    coached: Array
    usual: Array
    strength: Array
    delta: dict[str, Array]
    stays: Array
    role: Array
    moved: Array
    earlier_exit: Array
    earlier_move: Array
    ramp_days: Array


def apply_learning(
    people: People,
    timeline: Timeline,
    state: State,
    draws: Draws,
    step: int,
    *,
    met: Columns,
    uptakes: Uptakes,
    managed: Array,
    scale: float,
    skills: Log,
    actions: Log,
) -> Learners | None:
    """Change the state of those who completed a programme in a quarter.

    Parameters
    ----------
    people, timeline, state, draws
        The organisation, at the end of the quarter.
    step : int
        The quarter.
    met : Columns
        From `enrol_programs`.
    uptakes : Uptakes
        Decisions of the quarter.
    managed : array
        Manager of everybody on the first day of the quarter.
    scale : float
        Factor on all effects; 0 gives the world in which nobody's learning works.
    skills, actions : Log
        Take the assessments and the manager's actions that follow.
    """
    if not met:
        return None
    rng = draws.stream("learning", step)
    who, program = met["person"], met["program"]
    coached = rng.random(who.size) < sigmoid(0.2 + 0.8 * people.push[managed[who]])
    usual = np.array([model.usual_gap for model in PERSONAS])[program]
    need = 1.0 + 0.5 * np.tanh((uptakes.gap[who] - usual) / 8.0)
    helped = need * (UNCOACHED + COACHED * coached)
    strength = np.column_stack(
        [scale * (helped if name in _MEDIATED else need) for name in EFFECTS]
    )
    sums = np.einsum("nm,nmk->nk", met["passed"].astype(float), _table()[program])
    delta = {name: (sums * strength)[:, at] for at, name in enumerate(EFFECTS)}
    ahead = slice(step + 1, step + 1 + EFFECT_QUARTERS)
    learners = Learners(
        step=step,
        person=who,
        program=program,
        passed=met["passed"],
        gap=uptakes.gap[who],
        coached=coached,
        usual=uptakes.usual[who],
        strength=strength,
        delta=delta,
        stays=state.exits[who] > step,
        role=state.role[who],
        moved=state.moved[who],
        earlier_exit=state.exit_effect[who, ahead].copy(),
        earlier_move=state.move_effect[who, ahead].copy(),
        ramp_days=_shorten_ramp(timeline, state, step, who, program, delta["ramp"]),
    )
    state.learnt[who, program] = np.minimum(state.learnt[who, program], step)
    _assess(people, timeline, state, step, met, delta["skill"], rng, skills)
    state.rating_effect[who] += delta["rating"]
    state.kpi_effect[who] += delta["kpi"]
    state.skill_effect[who] += delta["skill"]
    state.exit_effect[who, ahead] += delta["exit"][:, None]
    state.move_effect[who, ahead] += delta["move"][:, None]
    _coach(timeline, state, step, met, coached, managed, rng, actions)
    return learners


def _table() -> Array:
    """Effects by programme, module and kind."""
    table = np.zeros((len(PERSONAS), LONGEST, len(EFFECTS)))
    for row, model in enumerate(PERSONAS):
        for at, course in enumerate(model.program.courses):
            table[row, at] = [getattr(course.effects, name) for name in EFFECTS]
    return table


def _shorten_ramp(
    timeline: Timeline, state: State, step: int, who: Array, program: Array, ramp: Array
) -> Array:
    """Bring proficiency nearer for those not there at the landmark; return days."""
    left = (state.proficient[who] - timeline.landmark(step)).astype(int)
    own = np.array([ROLE[model.role] for model in PERSONAS])[program]
    waits = (left > 0) & (state.exits[who] > step) & (state.role[who] == own)
    change = np.where(waits, np.ceil(left * np.exp(ramp)) - left, 0).astype(int)
    state.proficient[who] += change.astype("timedelta64[D]")
    return np.where(waits, change.astype(float), np.nan)


def _assess(
    people: People,
    timeline: Timeline,
    state: State,
    step: int,
    met: Columns,
    gained: Array,
    rng: np.random.Generator,
    skills: Log,
) -> None:
    """Test learners before the first module, and in the weeks after the quarter."""
    who = met["person"]
    code = np.array([COURSE[model.program.courses[0].id] for model in PERSONAS])
    course = code[met["program"]]
    first, after = timeline.first[step], timeline.first[step + 1]
    begun = first + met["first_day"].astype("timedelta64[D]")
    level = draw_level(people, first, state, rng, rows=who)
    log_skills(skills, state, who, begun + EARLY, level, "pre", course)
    tested = after + rng.integers(2, 13, who.size).astype("timedelta64[D]")
    level = draw_level(people, after, state, rng, rows=who) + gained[:, None]
    kept = (state.exits[who] > step) & (tested <= timeline.end)
    at = tested[kept] + LATE
    log_skills(skills, state, who[kept], at, level[kept], "post", course[kept])


def _coach(
    timeline: Timeline,
    state: State,
    step: int,
    met: Columns,
    coached: Array,
    managed: Array,
    rng: np.random.Generator,
    actions: Log,
) -> None:
    """Let managers of coached learners follow up in the weeks after completion."""
    times = np.where(coached, rng.integers(1, 3, coached.size), 0)
    row = np.repeat(np.arange(coached.size), times)
    who = met["person"][row]
    day = met["last_day"][row] + rng.integers(1, 26, row.size)
    date = timeline.first[step] + day.astype("timedelta64[D]")
    left = state.exit_date[who]
    kept = (date <= timeline.end) & (np.isnat(left) | (date < left))
    kept &= managed[who] != who
    code = np.array([COURSE[model.program.courses[0].id] for model in PERSONAS])
    if kept.any():
        actions.add(
            {
                "manager": managed[who[kept]],
                "person": who[kept],
                "date": date[kept],
                "action": 1 + rng.integers(0, _ACTIONS, int(kept.sum())),
                "course": code[met["program"][row[kept]]],
            }
        )
