"""Leaving modules out beforehand changes no optimum, and bounds are bounds."""

from __future__ import annotations

import pytest

from tests.prescribe.paths.brute_force import draw_portfolio
from workbench.core.path_params import PathParams
from workbench.prescribe.paths import optimum
from workbench.prescribe.paths.candidates import Candidate, PersonaDemand
from workbench.prescribe.paths.constraints import Party, build_party
from workbench.prescribe.paths.impact_steps import count_steps
from workbench.prescribe.paths.joint_model import JointModel
from workbench.prescribe.paths.linear_model import STEP
from workbench.prescribe.paths.module_bounds import bound_modules
from workbench.prescribe.paths.narrowing import narrow_party
from workbench.prescribe.paths.optimum import Choice, choose_alone, choose_together

SHAPE = (3, 12)


def gather(seed: int) -> tuple[list[Party], list[Choice], PathParams]:
    """Three personas of twelve modules, those without a path left out."""
    drawn = draw_portfolio(seed, SHAPE)
    found = [
        (party, path)
        for demand in drawn.demands
        if (
            path := choose_alone(
                party := build_party(demand, drawn.candidates, drawn.params)
            )
        )
    ]
    return [party for party, _ in found], [path for _, path in found], drawn.params


def add_up(parties: list[Party], choices: tuple[Choice, ...]) -> tuple[int, float]:
    steps, hours = 0, 0.0
    for party, choice in zip(parties, choices, strict=True):
        weight = party.demand.priority
        path = [item for item in party.usable if item.module in choice.modules]
        each = count_steps(party.demand.base, weight)
        each += sum(count_steps(item.worth, weight) for item in path)
        steps += choice.people * each
        hours += choice.people * sum(item.hours for item in path)
    return steps, hours


def test_the_optimum_is_that_of_the_whole_programme(monkeypatch) -> None:
    """One solve with every module against bounds from a quick choice among two."""
    monkeypatch.setattr(optimum, "_PROMISING", 2)
    dropped = 0
    for seed in range(30):
        parties, alone, params = gather(seed)
        if not parties:
            continue
        whole = JointModel.build(parties, params)
        best = whole.model.solve(whole.steps, whole.hours)
        found = choose_together(parties, alone, params)
        assert best is not None
        assert add_up(parties, found.choices) == (
            best.steps,
            pytest.approx(best.effort),
        )
        limits = bound_modules(parties, params)
        dropped += sum(
            len(item.modules) - len(item.pick_above(best.steps * STEP))
            for item in limits
        )
    assert dropped > 100


def test_no_choice_with_a_module_exceeds_its_bound() -> None:
    """Each module forced upon somebody in turn; people within their bounds."""
    for seed in range(6):
        parties, _, params = gather(seed)
        if not parties:
            continue
        limits = bound_modules(parties, params)
        whole = JointModel.build(parties, params)
        best = whole.model.reach(whole.steps)
        assert best is not None
        for bounds, at in zip(limits, whole.places, strict=True):
            fewest, most = bounds.bound_people(best.steps * STEP)
            assert fewest <= best.values[at.people] <= most
            for name, highest in zip(bounds.modules, bounds.highest, strict=True):
                forced = JointModel.build(parties, params)
                forced.model.add_row({at.taken[name]: 1.0}, low=1.0)
                found = forced.model.reach(forced.steps)
                if found is not None:
                    assert found.steps * STEP <= highest + 1e-6


def make(name: str, hours: float, impact: float, **more: object) -> Candidate:
    return Candidate(persona="desk", module=name, hours=hours, impact=impact, **more)  # type: ignore[arg-type]


def test_only_what_enough_others_surpass_is_left_out() -> None:
    modules = (
        make("best", 1, 0.5),
        make("good", 2, 0.4),
        make("dull", 3, 0.1),
        make("base", 3, 0.1),
        make("late", 3, 0.1, prerequisites=("base",)),
        make("tact", 3, 0.1, skills=("tact",)),
        make("short", 0.5, 0.1),
        make("bound", 1, 0.5),
    )
    demand = PersonaDemand(persona="desk", program="x", people=9, gaps={"tact": 9})
    params = PathParams.model_validate(
        {"limits": {"modules": (1, 2)}, "seats": {"bound": 3}}
    )
    left = narrow_party(build_party(demand, modules, params), params).usable
    kept = {item.module for item in left}
    assert kept == {"best", "good", "base", "tact", "short", "bound"}


def test_of_equal_modules_as_many_stay_as_a_path_may_hold() -> None:
    modules = tuple(make(f"m{number}", 1, 0.2) for number in range(9))
    demand = PersonaDemand(persona="desk", program="x", people=9)
    party = build_party(demand, modules, PathParams())
    left = narrow_party(party, PathParams()).usable
    assert [item.module for item in left] == ["m0", "m1", "m2", "m3", "m4"]
