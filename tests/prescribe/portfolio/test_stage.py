"""The portfolio stage, whole, on people and modules of known effect."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.prescribe.drawn_stage import draw_records, make_params, make_people
from workbench.core.results import StageResult, tabulate_estimates
from workbench.prescribe.portfolio.demands import choose_programmes, list_demands
from workbench.prescribe.portfolio.stage import estimate_portfolio_stage


@pytest.fixture(scope="module")
def result() -> StageResult:
    records = draw_records()
    people, params = make_people(records), make_params(Path(), records)
    return estimate_portfolio_stage([records], people, params=params, seed=3)


def test_the_harmful_module_is_retired_and_in_no_path(result: StageResult) -> None:
    modules = result.tables["modules"].set_index("module")
    assert modules.loc["m-4", "decision"] == "retire"
    assert modules.loc["m-2", "decision"] == "boost"
    assert result.tables["paths"]["module"].iloc[0] == "m-1"
    assert set(result.tables["paths"]["module"]) == {"m-1", "m-2", "m-3"}


def test_who_has_learnt_is_not_counted_as_eligible(result: StageResult) -> None:
    summary = result.tables["path_summary"].iloc[0]
    assert summary["status"] == "optimal"
    assert (summary["seats"], summary["eligible"]) == (20, 55)


def test_a_path_is_worth_what_completion_with_its_modules_changes(
    result: StageResult,
) -> None:
    # (0.2 + 0.5 + 0.3) over a threshold of 0.2
    summary = result.tables["path_summary"].iloc[0]
    assert summary["impact_low"] < 5.0 < summary["impact_high"]
    assert summary["impact"] > 3.5


def test_effects_of_modules_stand_among_the_estimates(
    result: StageResult, tmp_path: Path
) -> None:
    table = tabulate_estimates(result.estimates)
    assert set(table["subgroup_by"]) == {"module"}
    assert not table["headline"].any()
    aipw = table[(table["method"] == "aipw")].set_index("subgroup")
    assert aipw.loc["m-4", "ci_high"] < 0
    assert aipw.loc["m-1", "limitation"]
    result.save(tmp_path)
    back = StageResult.read(tmp_path)
    assert list(back.tables["paths"]["module"]) == list(
        result.tables["paths"]["module"]
    )


def test_without_learners_the_stage_says_so() -> None:
    records = draw_records()
    cohorts = tuple(
        replace(item, frame=item.frame[~item.frame["treated"]])
        for item in records.cohorts
    )
    nobody = replace(records, cohorts=cohorts)
    found = estimate_portfolio_stage(
        [nobody], make_people(records), params=make_params(Path(), records), seed=1
    )
    assert found.status == "not_applicable"
    assert "nobody completed" in found.reason
    assert found.tables["paths"].empty


def test_a_persona_has_one_path_and_the_first_programme_makes_it() -> None:
    records = draw_records()
    other = replace(
        records, program=records.program.model_copy(update={"id": "second"})
    )
    chosen, left = choose_programmes([records, other])
    assert [item.program.id for item in chosen] == [records.program.id]
    assert [item.program.id for item in left] == ["second"]


def test_needs_are_those_of_people_who_have_yet_to_learn(result: StageResult) -> None:
    from workbench.prescribe.modules.portfolio import value_modules

    records = draw_records()
    people, params = make_people(records), make_params(Path(), records)
    learnt = people.frame.loc[people.frame["learnt"], "unit"]
    gaps = people.gaps.assign(
        gap=people.gaps["gap"].where(~people.gaps["unit"].isin(learnt), 100.0)
    )
    values = value_modules(
        [records], paths=params.paths, alpha=0.05, min_group=10, seed=1
    )
    demand = list_demands([records], values, replace(people, gaps=gaps), params)[0]
    assert demand.gaps == {"coding": 12.0}
    assert demand.people == 55
    assert demand.met == frozenset()
