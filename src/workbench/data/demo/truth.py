"""The true effects, computed from the potential outcomes of the very same draws.

Records (ratings, KPIs, skills) are compared with what the same draws would have left
without the person's learning. Exits and moves are compared by their probabilities,
given everything but chance: the hazards of the four quarters after the landmark, with
involuntary exits (and, for moves, all exits) as competing events.

``effect`` is against staying untreated throughout the horizon. A comparison of learners
with others who have not learnt *yet* sees a little less of it over twelve months, since
some of those learn later: ``effect_diluted``, the same for outcomes of one quarter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.data.demo.arrays import Array
from workbench.data.demo.attempts import LONGEST
from workbench.data.demo.consent import Consent
from workbench.data.demo.hazards import (
    exit_hazards,
    move_hazard,
    share_before_exit,
)
from workbench.data.demo.ids import name_people
from workbench.data.demo.learning import EFFECTS, Learners
from workbench.data.demo.settings import PERSONAS
from workbench.data.demo.state import EFFECT_QUARTERS, NEVER
from workbench.data.demo.uptake import NEWCOMER_DAYS
from workbench.data.demo.world import World

__all__ = [
    "OUTCOMES",
    "Risk",
    "expect_after",
    "expect_later",
    "list_learners",
    "tabulate_effects",
    "tabulate_modules",
    "tabulate_people",
]

OUTCOMES = {
    "performance_rating": "rating points",
    "kpi_attainment": "share of target",
    "retention_12m": "probability",
    "internal_mobility_12m": "probability",
    "skill_proficiency": "points of 100",
    "ramp_days": "days",
    "parking_permit": "probability",
}
"""Outcomes of the truth and their units."""

_RECORDS = {
    "performance_rating": "rating",
    "kpi_attainment": "kpi",
    "skill_proficiency": "skill",
}
_LONG = {"retention_12m": "retained", "internal_mobility_12m": "moved"}
_WINDOW = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Probabilities over the year after the landmark, one entry per learner."""

    retained: Array
    moved: Array


def expect_after(world: World, learners: Learners, *, begins: int | None) -> Risk:
    """Compute the chances of staying and of moving within the year after the landmark.

    Parameters
    ----------
    world : World
        What happened.
    learners : Learners
        Of one quarter; four more quarters must follow it.
    begins : int or None
        Quarters after the landmark before the programme begins to work: 0 as it was,
        more had they completed so much later, None had they not learnt within the
        year.

    Returns
    -------
    Risk
        ``retained``: probability of no voluntary exit; ``moved``: of a promotion or
        transfer before any exit.
    """
    who = learners.person
    works = np.arange(EFFECT_QUARTERS) >= (NEVER if begins is None else begins)
    exit_effect = learners.earlier_exit + works * learners.delta["exit"][:, None]
    move_effect = learners.earlier_move + works * learners.delta["move"][:, None]
    employed, unmoved = np.ones(who.size), np.ones(who.size)
    left, moved = np.zeros(who.size), np.zeros(who.size)
    for ahead in range(EFFECT_QUARTERS):
        step = learners.step + 1 + ahead
        base = exit_hazards(
            world.people,
            world.timeline,
            world.merit,
            step,
            motivation=world.motivation,
            rows=who,
        )
        voluntary = base.voluntary * np.exp(exit_effect[:, ahead])
        total = voluntary + base.involuntary + base.other
        leaves = -np.expm1(-total)
        left += employed * leaves * voluntary / np.where(total > 0, total, 1.0)
        employed *= 1 - leaves
        hazard = move_hazard(
            world.people,
            world.timeline,
            world.merit,
            step,
            role=learners.role,
            moved=learners.moved,
            rows=who,
        )
        moves = -np.expm1(-hazard * np.exp(move_effect[:, ahead]))
        before = share_before_exit(int(world.timeline.days[step]))
        moved += unmoved * moves * (1 - leaves * (1 - before))
        unmoved *= (1 - leaves) * (1 - moves)
    return Risk(retained=1 - left, moved=moved)


def expect_later(world: World, learners: Learners) -> Risk:
    """Compute the same chances for people who may still learn within the year.

    Each of the next three quarters brings them to complete with their usual chance, as
    long as they are in the persona by role and tenure.
    """
    waiting = np.ones(learners.person.size)
    retained, moved = np.zeros(learners.person.size), np.zeros(learners.person.size)
    hired = world.people.hire_date[learners.person]
    newcomers = np.array([bool(model.newcomers) for model in PERSONAS])
    for begins in range(1, EFFECT_QUARTERS):
        tenure = (world.timeline.first[learners.step + begins] - hired).astype(int)
        still = ~newcomers[learners.program] | (tenure < NEWCOMER_DAYS)
        share = waiting * learners.usual * still
        risk = expect_after(world, learners, begins=begins)
        retained += share * risk.retained
        moved += share * risk.moved
        waiting -= share
    never = expect_after(world, learners, begins=None)
    return Risk(
        retained=retained + waiting * never.retained,
        moved=moved + waiting * never.moved,
    )


def list_learners(world: World, consent: Consent) -> pd.DataFrame:
    """List everybody who met a completion rule.

    Returns
    -------
    DataFrame
        ``employee_id`` (as in the HRIS), ``exposure_quarter``, ``persona``,
        ``program``, ``stayed`` (employed at the landmark), ``consented`` (at the end
        of the last quarter), ``coached``, ``skill_gap`` (on the first day).
    """
    held = consent.held_on(world.timeline.end)
    parts = [
        pd.DataFrame(
            {
                "employee_id": name_people(item.person),
                "exposure_quarter": str(world.timeline.quarters[item.step]),
                "persona": _names(item)[0],
                "program": _names(item)[1],
                "stayed": item.stays,
                "consented": held[item.person],
                "coached": item.coached,
                "skill_gap": item.gap,
            }
        )
        for item in world.learners
    ]
    return _concat(parts, ["exposure_quarter", "persona", "employee_id"])


def tabulate_people(world: World, consent: Consent) -> pd.DataFrame:
    """Give the effect on every consenting learner employed at the landmark.

    Returns
    -------
    DataFrame
        ``employee_id``, ``exposure_quarter``, ``persona``, ``program``, ``outcome``,
        ``effect``, ``effect_diluted``, ``untreated`` (the outcome without learning; a
        probability for exits and moves) and ``reported`` (whether the exposure belongs
        to the report of the last quarter). Outcomes whose window has not closed by then
        are absent.
    """
    held = consent.held_on(world.timeline.end)
    parts = []
    for item in world.learners:
        keep = item.stays & held[item.person]
        persona, program = _names(item)
        for outcome, (effect, diluted, untreated) in _measure(world, item).items():
            rows = keep & ~np.isnan(effect)
            parts.append(
                pd.DataFrame(
                    {
                        "employee_id": name_people(item.person[rows]),
                        "exposure_quarter": str(world.timeline.quarters[item.step]),
                        "persona": persona[rows],
                        "program": program[rows],
                        "outcome": outcome,
                        "effect": effect[rows],
                        "effect_diluted": diluted[rows],
                        "untreated": untreated[rows],
                        "reported": _is_reported(world, item.step, outcome),
                    }
                )
            )
    order = ["outcome", "exposure_quarter", "persona", "employee_id"]
    return _concat(parts, order)


def tabulate_effects(people: pd.DataFrame) -> pd.DataFrame:
    """Average person-level effects by exposure quarter and over the reported ones.

    Parameters
    ----------
    people : DataFrame
        From `tabulate_people`.

    Returns
    -------
    DataFrame
        ``persona``, ``program``, ``outcome``, ``unit``, ``exposure_quarter``
        (``reported`` for the pooled row), ``n_learners``, ``att``,
        ``att_diluted``, ``untreated`` and ``relative`` (effect as a share of the
        untreated mean).
    """
    pooled = people[people["reported"]].assign(exposure_quarter="reported")
    both = pd.concat([people, pooled], ignore_index=True)
    keys = ["persona", "program", "outcome", "exposure_quarter"]
    table = (
        both.groupby(keys, sort=True)
        .agg(
            n_learners=("effect", "size"),
            att=("effect", "mean"),
            att_diluted=("effect_diluted", "mean"),
            untreated=("untreated", "mean"),
        )
        .reset_index()
    )
    table.insert(3, "unit", table["outcome"].map(OUTCOMES))
    base = table["untreated"].where(table["untreated"] != 0)
    return table.assign(relative=table["att"] / base)


def tabulate_modules(world: World, consent: Consent) -> pd.DataFrame:
    """Give what each module changes, as set and as it was among those who passed it.

    Returns
    -------
    DataFrame
        ``persona``, ``program``, ``course_id``, ``effect`` (kind), ``parameter`` (as
        in the settings), ``n_learners`` and ``att`` (parameter times the mean personal
        factor among consenting learners who passed the module).
    """
    held = consent.held_on(world.timeline.end)
    rows = []
    for number, model in enumerate(PERSONAS):
        strength, passed = _gather(world, number, held)
        for at, course in enumerate(model.program.courses):
            mine = strength[passed[:, at]]
            for kind, name in enumerate(EFFECTS):
                parameter = getattr(course.effects, name)
                factor = float(mine[:, kind].mean()) if len(mine) else float("nan")
                rows.append(
                    {
                        "persona": model.id,
                        "program": model.program.id,
                        "course_id": course.id,
                        "effect": name,
                        "parameter": parameter,
                        "n_learners": len(mine),
                        "att": parameter * factor,
                    }
                )
    return pd.DataFrame(rows)


def _gather(world: World, number: int, held: Array) -> tuple[Array, Array]:
    """Collect personal factors and passed modules of one programme's learners."""
    strength, passed = [np.empty((0, len(EFFECTS)))], [np.empty((0, LONGEST), bool)]
    for item in world.learners:
        rows = (item.program == number) & item.stays & held[item.person]
        strength.append(item.strength[rows])
        passed.append(item.passed[rows])
    return np.concatenate(strength), np.concatenate(passed)


def _measure(world: World, item: Learners) -> dict[str, tuple[Array, Array, Array]]:
    """Effect, diluted effect and untreated value where the window has closed."""
    nothing = np.zeros(item.person.size)
    found = {"ramp_days": (item.ramp_days, item.ramp_days, nothing)}
    permit = world.people.parking[item.person].astype(float)
    found["parking_permit"] = (nothing, nothing, permit)
    after = world.followed.get(item.step)
    if after is not None:
        for outcome, name in _RECORDS.items():
            effect, without = getattr(after, name), getattr(after, f"{name}_without")
            found[outcome] = (effect, effect, without)
    if item.step + EFFECT_QUARTERS < world.timeline.count:
        with_it = expect_after(world, item, begins=0)
        never = expect_after(world, item, begins=None)
        later = expect_later(world, item)
        for outcome, name in _LONG.items():
            value, without = getattr(with_it, name), getattr(never, name)
            found[outcome] = (value - without, value - getattr(later, name), without)
    return found


def _is_reported(world: World, step: int, outcome: str) -> bool:
    """Tell whether the report of the last quarter reads an exposure quarter."""
    last = world.timeline.count - 1
    closes = last - EFFECT_QUARTERS if outcome in _LONG else last - 1
    return closes - _WINDOW < step <= closes


def _names(item: Learners) -> tuple[Array, Array]:
    """Persona and programme of each learner."""
    persona = np.array([model.id for model in PERSONAS])[item.program]
    program = np.array([model.program.id for model in PERSONAS])[item.program]
    return persona, program


def _concat(parts: list[pd.DataFrame], order: list[str]) -> pd.DataFrame:
    """Join parts in a fixed order; without any learner the table is empty."""
    if not parts:
        return pd.DataFrame(columns=order)
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(order, kind="stable", ignore_index=True)
