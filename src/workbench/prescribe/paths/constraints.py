"""What a path must hold: each constraint with its words and its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.core.errors import ParamError
from workbench.core.path_params import PathParams
from workbench.prescribe.paths.candidates import Candidate, PersonaDemand
from workbench.prescribe.paths.impact_steps import count_steps
from workbench.prescribe.paths.linear_model import STEP

__all__ = [
    "Constraint",
    "Party",
    "ask_worth",
    "build_party",
    "find_fewest_steps",
    "find_gap_skills",
    "find_uncovered",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A weighted sum of the modules in a path, between two limits.

    ``weights`` are per module. ``words`` say what is asked for; of a ``resource``
    (something that runs out) they say what it allows, and ``unit`` what it is counted
    in. A ``shared`` constraint is what a quarter's limit for all leaves to a single
    learner were nobody else served.
    """

    words: str
    weights: Mapping[str, float]
    low: float = -math.inf
    high: float = math.inf
    resource: bool = False
    unit: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A persona at the table: what it may choose from and must hold.

    ``usable`` are the modules that may stand in its path; ``barred`` the others, each
    with the reason; ``most`` the people that may be served in the quarter, ``fewest``
    those who are served in any best choice, as far as that is known.
    """

    demand: PersonaDemand
    candidates: tuple[Candidate, ...]
    usable: tuple[Candidate, ...]
    barred: Mapping[str, str]
    constraints: tuple[Constraint, ...]
    most: int
    fewest: int = 0


def build_party(
    demand: PersonaDemand, candidates: Sequence[Candidate], params: PathParams
) -> Party:
    """Gather one persona's modules and constraints.

    Parameters
    ----------
    demand : PersonaDemand
        The persona.
    candidates : sequence of Candidate
        Its modules; those of other personas are passed over.
    params : PathParams
        Limits of the organisation.

    Returns
    -------
    Party
        Modules by name, so that the order they came in decides nothing.

    Raises
    ------
    ParamError
        If a module stands twice or prerequisites run in a circle.
    """
    own = sorted(
        (item for item in candidates if item.persona == demand.persona),
        key=lambda item: item.module,
    )
    names = [item.module for item in own]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ParamError.build(
            "A module stands twice", where=f"persona {demand.persona}", got=twice
        )
    _check_circles(own, demand)
    barred = _bar(own, demand, params)
    usable = tuple(item for item in own if item.module not in barred)
    limits = params.for_persona(demand.persona)
    most = demand.people if limits.people is None else min(demand.people, limits.people)
    return Party(
        demand=demand,
        candidates=tuple(own),
        usable=usable,
        barred=barred,
        constraints=(
            *_ask_modules(demand, own, usable, limits.modules),
            *_ask_prerequisites(demand, usable),
            *_ask_skills(demand, usable, params.coverage.gap_at_least),
            *_allow_hours(usable, limits.hours_per_person, params.budget.hours),
            *_allow_money(usable, params.budget.money, demand.currency),
            *_forbid(own, barred),
        ),
        most=most,
    )


def find_fewest_steps(priority: float, params: PathParams) -> int:
    """Return the steps of impact, weighed by priority, that a path must bring."""
    return max(1, count_steps(params.worth_at_least, priority))


def ask_worth(party: Party, params: PathParams) -> Party:
    """Ask of a persona that its path is worth the seats it is given.

    Parameters
    ----------
    party : Party
        The persona; some path of it must be worth them.
    params : PathParams
        ``worth_at_least``.
    """
    demand = party.demand
    weights = {
        item.module: count_steps(item.worth, demand.priority) * STEP
        for item in party.usable
    }
    fewest = find_fewest_steps(demand.priority, params)
    fewest -= count_steps(demand.base, demand.priority)
    # half a step below, as sums of whole steps are not exact
    asked = Constraint(
        words=f"worth of {params.worth_at_least:g} thresholds",
        weights=weights,
        low=(fewest - 0.5) * STEP,
    )
    return replace(party, constraints=(*party.constraints, asked))


def find_gap_skills(demand: PersonaDemand, gap_at_least: float) -> tuple[str, ...]:
    """Return the skills whose mean gap is large enough, the largest first."""
    large = [skill for skill, gap in demand.gaps.items() if gap >= gap_at_least]
    return tuple(sorted(large, key=lambda skill: (-demand.gaps[skill], skill)))


def find_uncovered(party: Party, gap_at_least: float) -> tuple[str, ...]:
    """Return the skills with a large gap that no module open to the persona teaches."""
    taught = {skill for item in party.usable for skill in item.skills}
    wanted = find_gap_skills(party.demand, gap_at_least)
    return tuple(skill for skill in wanted if skill not in taught)


def _check_circles(own: Sequence[Candidate], demand: PersonaDemand) -> None:
    needs = {item.module: set(_list_open(item, demand)) for item in own}
    while True:
        free = [name for name, before in needs.items() if not before & needs.keys()]
        if not free:
            break
        for name in free:
            del needs[name]
    if needs:
        raise ParamError.build(
            "Prerequisites run in a circle",
            where=f"persona {demand.persona}",
            got=sorted(needs),
            hint="correct the prerequisites in the catalogue",
        )


def _list_open(item: Candidate, demand: PersonaDemand) -> tuple[str, ...]:
    """Prerequisites that the persona has yet to pass."""
    return tuple(name for name in item.prerequisites if name not in demand.met)


def _bar(
    own: Sequence[Candidate], demand: PersonaDemand, params: PathParams
) -> dict[str, str]:
    barred: dict[str, str] = {}
    for item in own:
        reason = _find_reason(item, params)
        if reason:
            barred[item.module] = reason
    known = {item.module for item in own}
    while True:
        blocked = {
            item.module: f"it needs {name}, which may not be taken either"
            for item in own
            for name in reversed(_list_open(item, demand))
            if item.module not in barred and (name in barred or name not in known)
        }
        if not blocked:
            return barred
        barred |= blocked


def _find_reason(item: Candidate, params: PathParams) -> str:
    reasons = (
        (item.decision == "retire", "it is to be retired"),
        (item.high < 0, "it is shown to do harm"),
        (item.module in params.exclude, "it is excluded in paths.yml"),
        (not item.active, "it is no longer offered"),
        (params.seats.get(item.module) == 0, "it has no places this quarter"),
        (math.isnan(item.hours), "its hours are not known"),
        (
            params.budget.money is not None
            and math.isnan(item.unit_cost + item.fixed_cost),
            "its cost is not known and money is limited",
        ),
    )
    return next((words for holds, words in reasons if holds), "")


def _ask_modules(
    demand: PersonaDemand,
    own: Sequence[Candidate],
    usable: Sequence[Candidate],
    bounds: tuple[int, int],
) -> Iterator[Constraint]:
    """Ask for enough modules, not too many, the programme's rule and its fixed part."""
    everything = {item.module: 1.0 for item in own}
    fewest = max(1, min(bounds[0], len(usable)))
    many = "modules" if fewest > 1 else "module"
    yield Constraint(words=f"at least {fewest} {many}", weights=everything, low=fewest)
    yield Constraint(
        words=f"a path may hold {bounds[1]}",
        weights=everything,
        high=bounds[1],
        resource=True,
        unit="modules",
    )
    courses = {item.module: 1.0 for item in own if not item.outside}
    if demand.at_least:
        yield Constraint(
            words=f"at least {demand.at_least} of the programme's {len(courses)} "
            "modules",
            weights=courses,
            low=demand.at_least,
        )
    for item in own:
        if item.always:
            yield Constraint(
                words=f"{item.module}, which is part of every completion",
                weights={item.module: 1.0},
                low=1.0,
            )


def _ask_prerequisites(
    demand: PersonaDemand, usable: Sequence[Candidate]
) -> Iterator[Constraint]:
    known = {item.module for item in usable}
    for item in usable:
        for name in _list_open(item, demand):
            if name in known:
                yield Constraint(
                    words=f"{name} before {item.module}",
                    weights={name: 1.0, item.module: -1.0},
                    low=0.0,
                )


def _ask_skills(
    demand: PersonaDemand, usable: Sequence[Candidate], gap_at_least: float
) -> Iterator[Constraint]:
    for skill in find_gap_skills(demand, gap_at_least):
        teaching = {item.module: 1.0 for item in usable if skill in item.skills}
        if teaching:
            gap = demand.gaps[skill]
            yield Constraint(
                words=f"a module that teaches {skill} (mean gap {gap:.1f} points)",
                weights=teaching,
                low=1.0,
            )


def _allow_hours(
    usable: Sequence[Candidate], per_person: float | None, budget: float | None
) -> Iterator[Constraint]:
    hours = {item.module: item.hours for item in usable}
    named = (
        (per_person, "hours_per_person", False),
        (budget, "the quarter's budget of hours", True),
    )
    for allowed, name, shared in named:
        if allowed is not None:
            yield Constraint(
                words=f"{name} allows {allowed:g}",
                weights=hours,
                high=allowed,
                resource=True,
                unit="hours",
                shared=shared,
            )


def _allow_money(
    usable: Sequence[Candidate], budget: float | None, currency: str
) -> Iterator[Constraint]:
    if budget is not None:
        yield Constraint(
            words=f"the quarter's budget of money allows {budget:g}",
            weights={item.module: item.unit_cost + item.fixed_cost for item in usable},
            high=budget,
            resource=True,
            unit=currency or "units of money",
            shared=True,
        )


def _forbid(
    own: Sequence[Candidate], barred: Mapping[str, str]
) -> Iterator[Constraint]:
    for item in own:
        if item.module in barred:
            yield Constraint(
                words=f"{item.module} left out ({barred[item.module]})",
                weights={item.module: 1.0},
                high=0.0,
            )
