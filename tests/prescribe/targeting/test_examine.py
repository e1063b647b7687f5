"""The whole: tables of the agreed columns, the order for people of today, words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.calibration.policy_draws import Gains, draw_people, wrap_people
from workbench.cohorts.frames import Cohort
from workbench.core.errors import MissingColumnError
from workbench.core.path_params import PathParams
from workbench.prescribe.targeting.examine import (
    Targeting,
    examine_targeting,
    rank_people,
)

PATHS = PathParams()


@pytest.fixture(scope="module")
def unlike(cohorts: list[Cohort]) -> Targeting:
    return examine_targeting(cohorts, paths=PATHS, seats=0.3, seed=4)


@pytest.fixture(scope="module")
def alike() -> Targeting:
    gains = Gains(effect=-0.6, varied=0.0)
    cohorts = wrap_people(draw_people(5, gains), gains)
    return examine_targeting(cohorts, paths=PATHS, seed=4)


def test_tables_have_the_agreed_columns(unlike: Targeting) -> None:
    assert list(unlike.policies["policy"]) == [
        "chosen",
        "random",
        "everyone",
        "top_risk",
        "current",
    ]
    columns = "policy label share value std_error low high gain_over_current"
    assert list(unlike.policies) == [*columns.split(), "gain_low", "gain_high", "unit"]
    assert list(unlike.gain_curve) == ["curve", "share", "value", "low", "high"]
    assert set(unlike.gain_curve["curve"]) == {"toc", "qini", "toc_need", "qini_need"}
    tests = ["test", "value", "std_error", "p_value", "passed", "text"]
    assert list(unlike.heterogeneity) == tests
    assert set(unlike.heterogeneity["test"]) == {
        *("autoc", "qini", "blp", "autoc_need", "qini_need"),
        *("econml_blp", "econml_calibration", "econml_autoc", "econml_qini"),
    }


def test_where_people_gain_unlike_predicted_benefit_orders_them(
    unlike: Targeting,
) -> None:
    assert unlike.ranking == "predicted"
    gains = unlike.gains.set_index("against")
    assert gains.loc["random", "low"] > 0
    people = pd.DataFrame({"skill_gap": [-12.0, 0.0, 12.0], "x2": 0.0})
    score = rank_people(unlike, people)
    assert score.is_monotonic_increasing
    with pytest.raises(MissingColumnError, match="x2"):
        rank_people(unlike, people.drop(columns="x2"))


def test_where_all_gain_alike_need_orders_them_and_harm_is_said(
    alike: Targeting,
) -> None:
    assert alike.ranking == "need"
    assert alike.words[0] == alike.ranking_text
    assert any("does harm" in sentence for sentence in alike.words)
    people = pd.DataFrame({"skill_gap": [3, None, 9]}, index=["a", "b", "c"])
    score = rank_people(alike, people)
    assert list(score.sort_values(ascending=False).index) == ["c", "a", "b"]
    with pytest.raises(MissingColumnError, match="skill_gap"):
        rank_people(alike, people.rename(columns={"skill_gap": "other"}))


def test_without_a_number_of_seats_it_is_the_share_that_learnt(
    alike: Targeting,
) -> None:
    current = alike.policies.set_index("policy").loc["current", "share"]
    assert alike.seats == pytest.approx(current)
    assert 0.1 < current < 0.3


def test_a_risk_score_and_features_may_be_named(cohorts: list[Cohort]) -> None:
    made = [
        replace(
            item,
            frame=item.frame.assign(risk=item.frame["skill_gap"]),
        )
        for item in cohorts
    ]
    asked = {"paths": PATHS, "seats": 0.3, "seed": 4}
    found = examine_targeting(made, risk="risk", features=["x2"], **asked)  # type: ignore[arg-type]
    assert "autoc_forest" not in set(found.heterogeneity["test"])
    assert found.benefit.terms.names == ["x2"]
    assert found.ranking == "need"
    gains = found.gains.set_index("against")
    assert gains.loc["top_risk", "gain"] == pytest.approx(0, abs=1e-12)
    with pytest.raises(MissingColumnError, match="no columns"):
        examine_targeting(made, features=["shoe_size"], **asked)  # type: ignore[arg-type]
    with pytest.raises(MissingColumnError, match="not there"):
        examine_targeting(made, risk="horoscope", **asked)  # type: ignore[arg-type]


def test_a_forest_may_stand_beside_and_decides_nothing(cohorts: list[Cohort]) -> None:
    few = [
        replace(item, frame=item.frame[item.frame["unit"] < "p000500"])
        for item in cohorts
    ]
    asked = {"paths": PATHS, "seats": 0.3, "seed": 4}
    plain = examine_targeting(few, **asked)  # type: ignore[arg-type]
    beside = examine_targeting(few, forest=True, **asked)  # type: ignore[arg-type]
    more = beside.heterogeneity.set_index("test")
    assert {"autoc_forest", "qini_forest"} <= set(more.index)
    assert more.loc["autoc_forest", "value"] != more.loc["autoc", "value"]
    assert beside.ranking_text == plain.ranking_text
    pd.testing.assert_frame_equal(beside.policies, plain.policies)


def test_inputs_are_left_as_they_were_and_results_are_the_same_again(
    cohorts: list[Cohort], unlike: Targeting
) -> None:
    before = [item.frame.copy() for item in cohorts]
    again = examine_targeting(cohorts, paths=PATHS, seats=0.3, seed=4)
    for item, frame in zip(cohorts, before, strict=True):
        pd.testing.assert_frame_equal(item.frame, frame)
    pd.testing.assert_frame_equal(again.policies, unlike.policies)
    pd.testing.assert_frame_equal(again.gain_curve, unlike.gain_curve)
    pd.testing.assert_frame_equal(again.heterogeneity, unlike.heterogeneity)
    assert again.words == unlike.words


def test_few_teams_and_an_outcome_that_drowns_others_are_said() -> None:
    gains = Gains(teams=30)
    good, bad = wrap_people(draw_people(2, gains, people=600), gains)
    loud = replace(bad, frame=bad.frame.assign(outcome=bad.frame["outcome"] * 20 + 100))
    made = examine_targeting([good, loud], paths=PATHS, seats=0.3, seed=1)
    failed = {item.check: item for item in made.checks if item.passed is False}
    assert failed["targeting_balance"].outcome == "bad"
    assert failed["targeting_clusters"].value == 30
    weighed = PathParams(weights={"bad": 0.01})
    calmer = examine_targeting([good, loud], paths=weighed, seats=0.3, seed=1)
    assert "targeting_balance" not in {
        item.check
        for item in calmer.checks
        if item.passed is False and item.outcome == "bad"
    }
    assert np.isfinite(calmer.policies["value"]).all()
