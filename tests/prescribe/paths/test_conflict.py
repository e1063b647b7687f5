"""Conflicts: the smallest there are, and said with their numbers."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from tests.prescribe.paths.brute_force import draw_portfolio
from workbench.core.path_params import PathParams
from workbench.prescribe.paths.candidates import Candidate, PersonaDemand
from workbench.prescribe.paths.conflict import describe_conflict, find_conflict
from workbench.prescribe.paths.constraints import Constraint, Party, build_party
from workbench.prescribe.paths.optimum import choose_alone

FIVE = tuple(
    Candidate(persona="desk", module=f"m{n}", hours=hours, impact=0.1)
    for n, hours in enumerate((4, 5, 6, 6, 8))
)


def hold_together(party: Party, rules: tuple[Constraint, ...]) -> bool:
    names = [item.module for item in party.candidates]
    for flags in product((0, 1), repeat=len(names)):
        chosen = dict(zip(names, flags, strict=True))
        sums = [sum(w * chosen[n] for n, w in rule.weights.items()) for rule in rules]
        if all(r.low <= s <= r.high for r, s in zip(rules, sums, strict=True)):
            return True
    return False


def test_conflicts_are_smallest_by_trying_every_set() -> None:
    seen = 0
    for seed in range(60):
        drawn = draw_portfolio(seed)
        for demand in drawn.demands:
            party = build_party(demand, drawn.candidates, drawn.params)
            conflict = find_conflict(party)
            assert (conflict == ()) == (choose_alone(party) is not None)
            if not conflict:
                continue
            seen += 1
            assert not hold_together(party, conflict)
            smaller = combinations(party.constraints, len(conflict) - 1)
            assert all(hold_together(party, rules) for rules in smaller)
    assert seen >= 20


def say(modules: tuple[Candidate, ...], *, at_least: int = 0, **limits: object) -> str:
    demand = PersonaDemand(
        persona="desk",
        program="first",
        people=10,
        at_least=at_least,
        gaps={"calls": 8.0},
        currency="GBP",
    )
    party = build_party(demand, modules, PathParams.model_validate(limits))
    return describe_conflict(party, find_conflict(party))


def test_hours_per_person_against_the_completion_rule() -> None:
    said = say(FIVE, at_least=4, limits={"hours_per_person": 18})
    assert said == (
        "The path needs at least 4 of the programme's 5 modules (21 hours at the "
        "least), but hours_per_person allows 18."
    )


def test_money_with_the_fixed_cost_of_the_first_learner() -> None:
    dear = tuple(
        Candidate(persona="desk", module=f"m{n}", hours=1, unit_cost=20, fixed_cost=100)
        for n in range(3)
    )
    assert say(dear, budget={"money": 300}) == (
        "The path needs at least 3 modules (360 GBP at the least), but the quarter's "
        "budget of money allows 300."
    )


def test_the_most_modules_against_the_completion_rule() -> None:
    assert say(FIVE, at_least=4, limits={"modules": (2, 3)}) == (
        "The path needs at least 4 of the programme's 5 modules (4 modules at the "
        "least), but a path may hold 3."
    )


def test_exclusions_against_the_completion_rule() -> None:
    assert say(FIVE, at_least=4, exclude=("m0", "m1")) == (
        "The path needs at least 4 of the programme's 5 modules, m0 left out (it is "
        "excluded in paths.yml) and m1 left out (it is excluded in paths.yml), which "
        "cannot hold together."
    )


def test_a_persona_whose_modules_are_all_barred() -> None:
    assert say(FIVE[:1], exclude=("m0",)) == (
        "The path needs at least 1 module and m0 left out (it is excluded in "
        "paths.yml), which cannot hold together."
    )


def test_a_rule_that_no_programme_can_hold() -> None:
    assert say(FIVE[:3], at_least=4) == (
        "The path needs at least 4 of the programme's 3 modules, which cannot be had."
    )


def test_coverage_and_a_prerequisite_against_the_hours() -> None:
    modules = (
        Candidate(persona="desk", module="base", hours=7),
        Candidate(
            persona="desk",
            module="calls",
            hours=6,
            skills=("calls",),
            prerequisites=("base",),
        ),
        *FIVE,
    )
    said = say(modules, limits={"modules": (1, 3), "hours_per_person": 12})
    assert said == (
        "The path needs base before calls and a module that teaches calls (mean gap "
        "8.0 points) (13 hours at the least), but hours_per_person allows 12."
    )


@pytest.mark.parametrize("place", [0, 2])
def test_a_prerequisite_that_nobody_may_take_bars_what_builds_on_it(place: int) -> None:
    chain = (
        Candidate(persona="desk", module="a", hours=1, active=place != 0),
        Candidate(persona="desk", module="b", hours=1, prerequisites=("a",)),
        Candidate(
            persona="desk", module="c", hours=1, prerequisites=("b",), active=place != 2
        ),
    )
    demand = PersonaDemand(persona="desk", program="first", people=10)
    party = build_party(demand, chain, PathParams())
    assert sorted(party.barred) == ["a", "b", "c"][place:]
    met = PersonaDemand(
        persona="desk", program="first", people=10, met=frozenset({"a"})
    )
    left = build_party(met, chain, PathParams()).barred
    assert sorted(left) == {0: ["a"], 2: ["c"]}[place]
