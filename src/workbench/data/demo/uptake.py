"""Who takes up learning in a quarter: decided on its first day, plus chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.data.demo.arrays import Array, Draws, Log, sigmoid
from workbench.data.demo.groups import Groups
from workbench.data.demo.people import ROLE, People
from workbench.data.demo.settings import PERSONAS, ROLES, SITES, PersonaModel
from workbench.data.demo.state import NEVER, State
from workbench.data.demo.timeline import Timeline

__all__ = [
    "INTAKES",
    "NEWCOMER_DAYS",
    "NEWCOMER_GAP",
    "Uptakes",
    "assign_wedge",
    "decide_uptake",
    "find_persona",
    "measure_gap",
]

NEWCOMER_DAYS = 365
NEWCOMER_GAP = 10.0

INTAKES = (4, 3, 2)
"""Intakes of the individual experiment, in quarters before the last one."""

_CENTRE = 3.3
_SEASON = np.array([0.2, 0.0, -0.2, 0.05])
_EXPERIMENT_SHARE = 0.45
_INVITED = 0.4
_NOT_INVITED = -2.8
_IN_WAVE = -0.3
_PARTLY = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptakes:
    """Decisions of one quarter.

    Attributes
    ----------
    persona : array
        Position of each person's persona on the first day, -1 for none.
    gap : array
        Mean skill gap on the first day; missing before the first assessment.
    completes, tries : array of bool
        Who will complete the persona's programme if still there, and who will only
        begin it.
    channel : array
        Position in ``CHANNELS`` of what led to the decision.
    usual : array
        Chance of completing without roll-out or experiment, for members who have not
        learnt yet: what it will be about in the quarters after.
    """

    persona: Array
    gap: Array
    completes: Array
    tries: Array
    channel: Array
    usual: Array


def decide_uptake(
    people: People,
    timeline: Timeline,
    groups: Groups,
    state: State,
    draws: Draws,
    step: int,
    *,
    motivation: float,
    assignments: Log,
) -> Uptakes:
    """Decide who learns what in a quarter; invitations go to `assignments`."""
    rng = draws.stream("uptake", step)
    luck = rng.random((3, people.count))
    gap = measure_gap(state)
    persona = find_persona(people, timeline, state, gap, step)
    completes = np.zeros(people.count, bool)
    tries = np.zeros(people.count, bool)
    channel = np.where(luck[2] < 0.6, 0, 1)
    usual = np.zeros(people.count)
    for number, model in enumerate(PERSONAS):
        who = np.flatnonzero((persona == number) & (state.learnt[:, number] == NEVER))
        odds = _log_odds(
            model, people, timeline, groups, state, who, step, motivation=motivation
        )
        usual[who] = sigmoid(odds)
        if model.role == "team_lead":
            odds += _follow_roll_out(model, groups.wave[state.group[who]], step)
            channel[who] = 1
        if model.newcomers and timeline.count - 1 - step in INTAKES:
            odds, invited = _experiment(odds, state, who, step, draws)
            channel[who[invited == 1]] = 4
            chosen = invited >= 0
            state.invited[who[chosen]] = True
            if chosen.any():
                assignments.add(
                    {
                        "experiment": 0,
                        "person": who[chosen],
                        "arm": invited[chosen],
                        "group": state.group[who[chosen]],
                        "step": step,
                    }
                )
        chance = sigmoid(odds)
        completes[who] = luck[0, who] < chance
        tries[who] = ~completes[who] & (luck[1, who] < _PARTLY)
    return Uptakes(
        persona=persona,
        gap=gap,
        completes=completes,
        tries=tries,
        channel=channel,
        usual=usual,
    )


def measure_gap(state: State) -> Array:
    """Mean over the role's skills of what is missing to the required level."""
    required = np.array([[value for _, value in role.skills] for role in ROLES])
    missing = np.maximum(0.0, required[state.role] - state.skill)
    return np.asarray(missing.mean(axis=1))


def find_persona(
    people: People, timeline: Timeline, state: State, gap: Array, step: int
) -> Array:
    """Find each person's persona on the first day, as ``personas.yml`` rules it."""
    tenure = (timeline.first[step] - people.hire_date).astype(int)
    persona = np.full(people.count, -1)
    for number, model in enumerate(PERSONAS):
        holds = state.active & (state.role == ROLE[model.role])
        if model.newcomers is True:
            holds &= (tenure < NEWCOMER_DAYS) & (gap > NEWCOMER_GAP)
        elif model.newcomers is False:
            holds &= tenure >= NEWCOMER_DAYS
        persona[holds & (persona < 0)] = number
    return persona


def _log_odds(
    model: PersonaModel,
    people: People,
    timeline: Timeline,
    groups: Groups,
    state: State,
    who: Array,
    step: int,
    *,
    motivation: float,
) -> Array:
    """Log odds of completing, from what is known on the first day and motivation."""
    terms = model.uptake
    rating = state.rating[who]
    years = (timeline.first[step] - people.hire_date[who]).astype(int) / 365.25
    site = np.array([item.learning for item in SITES])[state.site[who]]
    manager = groups.manager[state.group[who]]
    return np.asarray(
        terms.base
        + np.where(np.isnan(rating), terms.unrated, terms.rating * (rating - _CENTRE))
        + terms.tenure * (np.log1p(years) - 1.0)
        + terms.push * people.push[manager]
        + terms.night * (people.shift[who] == 2)
        + terms.part_time * (people.fte[who] < 0.9)
        + site
        + _SEASON[timeline.quarters[step].number - 1]
        + 1.2 * motivation * people.motivation[who]
    )


def _follow_roll_out(model: PersonaModel, wave: Array, step: int) -> Array:
    """Shift the odds by team: none before the wave, most within it, few after."""
    within = _IN_WAVE - model.uptake.base
    return np.where(wave > step, -np.inf, np.where(wave == step, within, 0.0))


def _experiment(
    odds: Array, state: State, who: Array, step: int, draws: Draws
) -> tuple[Array, Array]:
    """Invite half of a random sample; invitations are not always followed.

    Returns the odds, and 1 for invited, 0 for not invited, -1 for not in the sample.
    """
    rng = draws.stream("experiment", step)
    sampled = (rng.random(who.size) < _EXPERIMENT_SHARE) & ~state.invited[who]
    arm = np.full(who.size, -1)
    chosen = rng.permutation(np.flatnonzero(sampled))
    arm[chosen] = np.arange(chosen.size) % 2
    rating = np.nan_to_num(state.rating[who] - _CENTRE)
    own = -1.0 * rating
    shifted = np.where(arm == 1, _INVITED + own, _NOT_INVITED + own)
    return np.where(arm < 0, odds, shifted), arm


def assign_wedge(groups: Groups, state: State, step: int, log: Log) -> None:
    """Assign the leads of randomised units, on the day the stepped wedge begins.

    ``arm`` numbers the waves from 1; ``step`` is the quarter of each unit's wave.
    """
    waves = np.unique(groups.wave[groups.randomised])
    if not waves.size or step != waves[0]:
        return
    lead = state.active & (state.role == ROLE["team_lead"])
    who = np.flatnonzero(lead & groups.randomised[state.group])
    wave = groups.wave[state.group[who]]
    if who.size:
        log.add(
            {
                "experiment": 1,
                "person": who,
                "arm": 1 + np.searchsorted(waves, wave),
                "group": state.group[who],
                "step": wave,
            }
        )
