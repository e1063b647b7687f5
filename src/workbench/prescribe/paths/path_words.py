"""Sentences about paths: why a module stands in one, what holds a persona back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.core.path_params import PathParams
from workbench.prescribe.paths.candidates import Candidate
from workbench.prescribe.paths.constraints import (
    Party,
    find_gap_skills,
    find_uncovered,
)
from workbench.prescribe.paths.optimum import Choice
from workbench.prescribe.paths.quarter_totals import QuarterTotals, is_worthwhile

__all__ = ["give_reason", "tell_path"]

_SLACK = 1e-9


def give_reason(
    item: Candidate, path: Sequence[Candidate], party: Party, gap_at_least: float
) -> str:
    """Say in one sentence why a module stands in the path.

    Parameters
    ----------
    item : Candidate
        The module.
    path : sequence of Candidate
        All modules of the path.
    party : Party
        The persona.
    gap_at_least : float
        Gap, in points, from which on a skill must be taught.

    Returns
    -------
    str
        What is known of its effect, the gap it closes, or what it is needed for.
    """
    if item.always:
        return "Part of every completion; its own effect cannot be told apart."
    gaps = party.demand.gaps
    taught = [
        f"{skill} (mean gap {gaps[skill]:.1f} points)"
        for skill in find_gap_skills(party.demand, gap_at_least)
        if skill in item.skills
    ]
    teaches = f"Teaches {' and '.join(taught)}" if taught else ""
    if not item.explore:
        helps = f"is worth {item.impact:.2f} thresholds"
        return f"{teaches}; {helps}." if teaches else f"It {helps}."
    if teaches:
        return f"{teaches}; its effect is not shown."
    later = [other.module for other in path if item.module in other.prerequisites]
    if later:
        return f"Needed before {', '.join(later)}; its effect is not shown."
    if item.worth > 0:
        return "More likely to help than not; its effect is not shown."
    return "Makes up the modules that a path must have; its effect is not shown."


def tell_path(
    party: Party,
    choice: Choice,
    path: Sequence[Candidate],
    params: PathParams,
    quarter: QuarterTotals,
    *,
    shown: bool,
) -> Iterator[str]:
    """Yield the sentences about one persona's path: who is served, and what limits it.

    Parameters
    ----------
    party, choice : Party, Choice
        The persona, its path and seats.
    path : sequence of Candidate
        The modules of the path.
    params : PathParams
        The limits.
    quarter : QuarterTotals
        What is left of the shared ones.
    shown : bool
        Whether the interval of the whole path lies above 0.

    Yields
    ------
    str
        Sentences for ``text`` of the summary.
    """
    demand = party.demand
    limits = params.for_persona(demand.persona)
    if demand.people == 0:
        yield "Nobody of this persona has yet to learn."
    elif not is_worthwhile(party, path, params):
        yield (
            "No path is expected to bring a learner the "
            f"{params.worth_at_least:g} thresholds that seats are given for, so nobody "
            "is sent."
        )
    elif choice.people < demand.people:
        lacks = "; ".join(_name_lacks(party, choice, path, params, quarter))
        yield f"{choice.people} of {demand.people} people are served: {lacks}."
    else:
        yield f"All {demand.people} people are served."
    if choice.people and all(item.explore or item.always for item in path):
        yield (
            "No single module of it is shown to help; the path as a whole is."
            if shown
            else "None of its modules is shown to help: the whole path explores."
        )
    if len(party.usable) < limits.modules[0]:
        yield (
            f"Only {len(party.usable)} modules may be taken, fewer than the "
            f"{limits.modules[0]} of paths.yml."
        )
    yield from _name_left_out(party, path, params)
    for skill in find_uncovered(party, params.coverage.gap_at_least):
        gap = demand.gaps[skill]
        yield f"No module teaches {skill} (mean gap {gap:.1f} points)."
    if demand.covariance is None:
        yield "The interval takes the errors of the modules as independent."


def _name_lacks(
    party: Party,
    choice: Choice,
    path: Sequence[Candidate],
    params: PathParams,
    quarter: QuarterTotals,
) -> Iterator[str]:
    """Name the limits that one more learner of this path would break."""
    people = params.for_persona(party.demand.persona).people
    if people is not None and choice.people >= people:
        yield f"paths.yml allows {people} a quarter"
    for item in path:
        if quarter.places_left.get(item.module, 1) < 1:
            places = params.seats[item.module]
            yield f"the {places} places of {item.module} are taken"
    hours = sum(item.hours for item in path)
    if hours > quarter.hours_left + _SLACK:
        yield (
            f"{quarter.hours_left:.1f} of the quarter's {params.budget.hours:,.0f} "
            f"hours are left, and a path takes {hours:.1f}"
        )
    money = sum(
        item.unit_cost + (0.0 if item.module in quarter.held else item.fixed_cost)
        for item in path
    )
    if money > quarter.money_left + _SLACK:
        yield (
            f"{quarter.money_left:,.0f} of the quarter's budget of "
            f"{params.budget.money:,.0f} are left, and a path costs {money:,.0f}"
        )


def _name_left_out(
    party: Party, path: Sequence[Candidate], params: PathParams
) -> Iterator[str]:
    """Name modules shown to help that a limit of one path keeps out, and the barred."""
    limits = params.for_persona(party.demand.persona)
    taken = {item.module for item in path}
    others = [
        item
        for item in party.usable
        if item.module not in taken and not item.explore and not item.always
    ]
    if others and len(path) >= limits.modules[1]:
        names = ", ".join(item.module for item in others)
        yield f"A path holds at most {limits.modules[1]} modules, without {names}."
    elif others and limits.hours_per_person is not None:
        room = limits.hours_per_person - sum(item.hours for item in path)
        long = [item.module for item in others if item.hours > room + _SLACK]
        if long:
            yield (
                f"hours_per_person ({limits.hours_per_person:g}) leaves no room for "
                f"{', '.join(long)}."
            )
    if party.barred:
        listed = "; ".join(f"{name} ({why})" for name, why in party.barred.items())
        yield f"Left out: {listed}."
