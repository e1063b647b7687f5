"""The joint optimum equals trying everything; tables and words by hand."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from tests.prescribe.paths.brute_force import (
    count_worth,
    draw_portfolio,
    is_path,
    try_everything,
)
from workbench.core.errors import ParamError
from workbench.core.managers import ManagerParams
from workbench.core.path_params import PathParams
from workbench.prescribe.paths.candidates import BASE, Candidate, PersonaDemand
from workbench.prescribe.paths.plan import PathPlan, solve_paths

INSTANCES = 200


@cache
def solve(seed: int) -> PathPlan:
    drawn = draw_portfolio(seed)
    return solve_paths(drawn.demands, drawn.candidates, drawn.params)


@pytest.mark.parametrize("start", range(0, INSTANCES, 20))
def test_the_optimum_is_that_of_trying_everything(start: int) -> None:
    """Impact to the step, then hours, people without a path, and every limit."""
    for seed in range(start, start + 20):
        portfolio = draw_portfolio(seed)
        best, hours, stuck = try_everything(portfolio)
        plan = solve(seed)
        summary = plan.path_summary.set_index("persona")
        found = 0
        for demand in portfolio.demands:
            own = [i for i in portfolio.candidates if i.persona == demand.persona]
            rows = plan.paths[plan.paths["persona"] == demand.persona]
            path = tuple(i for i in own if i.module in set(rows["module"]))
            if demand.persona in stuck:
                assert summary.loc[demand.persona, "status"] == "infeasible", seed
                assert path == (), seed
                continue
            assert is_path(demand, own, path, portfolio.params), seed
            found += summary.loc[demand.persona, "seats"] * count_worth(demand, path)
        assert found == best, seed
        assert plan.hours == pytest.approx(hours), seed
        assert plan.gap <= 1e-6


def test_the_instances_hold_every_kind_of_case() -> None:
    kinds = {"joint": 0, "stuck": 0, "scarce": 0, "nobody": 0}
    for seed in range(INSTANCES):
        summary = solve(seed).path_summary
        kinds["stuck"] += int((summary["status"] == "infeasible").any())
        kinds["nobody"] += int((summary["status"] == "nothing to learn").any())
        kinds["joint"] += int((summary["seats"] > 0).sum() > 1)
        part = (summary["seats"] > 0) & (summary["seats"] < summary["eligible"])
        kinds["scarce"] += int(part.any())
    assert min(kinds.values()) >= 20


def make(module: str, hours: float, impact: float, **more: object) -> Candidate:
    given = {"persona": "desk", "low": impact - 0.1, "high": impact + 0.1, **more}
    return Candidate(module=module, hours=hours, impact=impact, **given)  # type: ignore[arg-type]


DESK = PersonaDemand(
    persona="desk", program="first", people=40, at_least=3, gaps={"calls": 8, "tact": 9}
)
MODULES = (
    make("a", 4, 0.3, title="Calls", skills=("calls",), modality="video"),
    make("b", 5, 0.2, prerequisites=("a",)),
    make("c", 6, 0.02),
    make("e", 6, -0.2, decision="retire"),
)


def read(demands: tuple[PersonaDemand, ...], modules: tuple[Candidate, ...], **limits):
    params = PathParams.model_validate(limits)
    return solve_paths(demands, modules, params)


def test_a_path_by_hand() -> None:
    """Three of four modules remain: 4 + 5 + 6 hours; .3 + .2 + .02 of a threshold."""
    plan = read((DESK,), MODULES)
    row = plan.path_summary.iloc[0]
    assert plan.paths["module"].tolist() == ["a", "b", "c"]
    assert plan.paths["position"].tolist() == [1, 2, 3]
    assert plan.paths["explore"].tolist() == [False, False, True]
    assert (row["n_modules"], row["hours"], row["seats"]) == (3, 15, 40)
    assert row["impact"] == pytest.approx(0.52)
    assert row["impact_high"] - row["impact"] == pytest.approx(0.1 * 3**0.5)
    assert plan.impact == pytest.approx(40 * 0.52)
    assert plan.hours == 40 * 15
    assert "Left out: e (it is to be retired)." in row["text"]
    assert "No module teaches tact (mean gap 9.0 points)." in row["text"]


def test_the_joint_covariance_is_used_where_it_is_given() -> None:
    names = ["a", "b", "c", BASE]
    joint = pd.DataFrame(0.04, index=names, columns=names)
    demand = PersonaDemand(
        persona="desk", program="first", people=9, base=0.1, covariance=joint
    )
    row = read((demand,), MODULES).path_summary.iloc[0]
    assert row["impact"] == pytest.approx(0.62)
    assert row["impact_high"] - row["impact"] == pytest.approx(1.959964 * 0.8, rel=1e-6)
    assert "independent" not in row["text"]


def test_scarce_hours_go_where_they_do_most() -> None:
    """120 hours: .1 an hour for 12 deals people first, the rest to the desk."""
    deals = PersonaDemand(persona="deals", program="deal", people=10)
    own = tuple(make(f"d{n}", 2, 0.2, persona="deals") for n in range(3))
    plan = read((DESK, deals), (*MODULES, *own), budget={"hours": 120})
    summary = plan.path_summary.set_index("persona")
    assert summary["seats"].to_dict() == {"desk": 4, "deals": 10}
    told = "0.0 of the quarter's 120 hours are left, and a path takes 15.0."
    assert f"4 of 40 people are served: {told}" in summary.loc["desk", "text"]


def test_priority_turns_the_order_round() -> None:
    deals = PersonaDemand(persona="deals", program="deal", people=10)
    own = tuple(make(f"d{n}", 2, 0.2, persona="deals") for n in range(3))
    first = PersonaDemand(persona="desk", program="first", people=8, priority=3)
    plan = read((first, deals), (*MODULES, *own), budget={"hours": 120})
    assert plan.path_summary["seats"].tolist() == [8, 0]


def test_a_fixed_cost_is_paid_once_for_all_who_take_the_module() -> None:
    deals = PersonaDemand(persona="deals", program="deal", people=10)
    shared = {"fixed_cost": 50.0, "unit_cost": 1.0}
    modules = (
        make("a", 1, 0.3, **shared),
        make("a", 1, 0.3, persona="deals", **shared),
    )
    limits = {"limits": {"modules": (1, 1)}, "budget": {"money": 100}}
    plan = read((DESK_FREE, deals), modules, **limits)
    assert plan.path_summary["seats"].sum() == 50
    assert plan.money == 50 + 50


DESK_FREE = PersonaDemand(persona="desk", program="first", people=40)


def test_places_are_shared_between_personas() -> None:
    deals = PersonaDemand(persona="deals", program="deal", people=10)
    modules = (make("a", 1, 0.3), make("a", 1, 0.4, persona="deals"))
    limits = {"limits": {"modules": (1, 1)}, "seats": {"a": 12}}
    plan = read((DESK_FREE, deals), modules, **limits)
    assert plan.path_summary["seats"].tolist() == [2, 10]
    assert "the 12 places of a are taken" in plan.path_summary.loc[0, "text"]


def test_a_module_without_effect_is_dropped_for_its_hours() -> None:
    """The second goal: the same impact in fewer hours."""
    modules = (make("a", 4, 0.3), make("z", 1, 0.0), make("y", 2, 0.0))
    plan = read((DESK_FREE,), modules, limits={"modules": (2, 3)})
    assert plan.paths["module"].tolist() == ["a", "z"]


def test_nobody_is_sent_where_no_path_helps_yet_it_is_shown() -> None:
    modules = (make("a", 4, -0.05), make("b", 2, 0.01), make("h", 1, -0.3, high=-0.1))
    plan = read((DESK_FREE,), modules, limits={"modules": (2, 3)})
    row = plan.path_summary.iloc[0]
    assert (row["status"], row["seats"], row["n_modules"]) == ("nothing to learn", 0, 2)
    assert "h (it is shown to do harm)" in row["text"]
    assert "No path is expected to bring a learner the 0.25 thresholds" in row["text"]
    assert "nobody is sent" in row["text"]
    assert "explores" not in row["text"]
    assert plan.paths["explore"].all()


@pytest.mark.parametrize(("asked", "people"), [(0.25, 0), (0.06, 40), (0.0, 40)])
def test_seats_are_given_to_paths_that_are_worth_them(
    asked: float, people: int
) -> None:
    """The worth of a path is asked of what is chosen, not of the best alone."""
    modules = (make("a", 4, 0.05), make("b", 2, 0.01))
    limits = {"limits": {"modules": (2, 3)}, "worth_at_least": asked}
    plan = read((DESK_FREE,), modules, **limits)
    row = plan.path_summary.iloc[0]
    assert row["seats"] == people
    assert row["status"] == ("optimal" if people else "nothing to learn")


def test_a_shared_budget_does_not_shorten_a_path_below_its_worth() -> None:
    # four people on b alone (0.2, one hour each) would bring 0.8, one on both 0.5
    modules = (make("a", 3, 0.3), make("b", 1, 0.2))
    limits = {"limits": {"modules": (1, 2)}, "budget": {"hours": 4.0}}
    short = read((DESK_FREE,), modules, worth_at_least=0.1, **limits)
    assert short.paths["module"].tolist() == ["b"]
    assert short.path_summary.loc[0, "seats"] == 4
    whole = read((DESK_FREE,), modules, worth_at_least=0.25, **limits)
    assert sorted(whole.paths["module"]) in (["a"], ["a", "b"])
    assert whole.path_summary.loc[0, "seats"] == 1
    assert whole.path_summary.loc[0, "impact"] >= 0.25


def test_outside_modules_close_gaps_but_count_nothing() -> None:
    modules = (*MODULES[:3], make("o", 1, 9.0, outside=True, skills=("tact",)))
    plan = read((DESK,), modules, limits={"modules": (3, 4)})
    row = plan.paths.set_index("module").loc["o"]
    assert row["impact"] == 0
    assert row["explore"]
    assert (
        row["reason"] == "Teaches tact (mean gap 9.0 points); its effect is not shown."
    )
    assert plan.path_summary.loc[0, "impact"] == pytest.approx(0.52)


def test_fewer_candidates_than_the_fewest_are_said() -> None:
    plan = read((DESK_FREE,), MODULES[:2])
    assert plan.paths["module"].tolist() == ["a", "b"]
    said = "Only 2 modules may be taken, fewer than the 3 of paths.yml."
    assert said in plan.path_summary.loc[0, "text"]


def test_a_persona_without_candidates_has_nothing_to_learn() -> None:
    plan = read((DESK_FREE,), ())
    assert plan.paths.empty
    assert plan.path_summary.loc[0, "status"] == "nothing to learn"


def test_practice_and_prompt_come_from_the_managers_file() -> None:
    managers = ManagerParams.model_validate(
        {
            "behaviours": [{"id": "coaching", "label": "Talk", "coaching": True}],
            "practice": [
                {"course": "a", "task": "Take a call.", "prompt": "How did it go?",
                 "behaviour": "coaching"}
            ],
        }
    )  # fmt: skip
    plan = solve_paths((DESK_FREE,), MODULES[:2], PathParams(), managers=managers)
    first, second = plan.paths.to_dict("records")
    assert (first["practice"], first["behaviour"]) == ("Take a call.", "Talk")
    assert first["coaching_prompt"] == "How did it go?"
    assert second["practice"].startswith("managers.yml declares no practice for b")


def test_the_order_of_the_input_decides_nothing() -> None:
    drawn = draw_portfolio(7)
    turned = solve_paths(drawn.demands, drawn.candidates[::-1], drawn.params)
    pd.testing.assert_frame_equal(turned.paths, solve(7).paths)


@pytest.mark.parametrize(
    ("modules", "match"),
    [
        ((MODULES[0], MODULES[0]), "stands twice"),
        ((make("a", 1, 0.1, persona="x"),), "unknown persona"),
        (
            (
                make("a", 1, 0.1, prerequisites=("b",)),
                make("b", 1, 0.1, prerequisites=("a",)),
            ),
            "in a circle",
        ),
    ],
)
def test_faults_are_named(modules: tuple[Candidate, ...], match: str) -> None:
    with pytest.raises(ParamError, match=match):
        read((DESK_FREE,), modules)
