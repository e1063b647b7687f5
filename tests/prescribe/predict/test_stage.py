"""The whole stage: its tables, its refusals, and what is never read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.prescribe.predict.drawn import draw_frame, replace_rows
from workbench.core.errors import ContractError, MissingColumnError, ParamError
from workbench.core.results import StageResult
from workbench.prescribe.predict.analysis import NO_BETTER
from workbench.prescribe.predict.cards import PURPOSE
from workbench.prescribe.predict.features import check_features
from workbench.prescribe.predict.stage import predict_stage

KINDS = ("continuous", "binary", "time")
TABLES = {
    "calibration": "target model bin predicted observed low high n",
    "cards": "target section text",
    "drift": "target feature psi limit status n n_previous",
    "importance": "target feature mean_abs_shap effect_words scale",
    "outlook": "persona target n expected low high unit suppressed",
    "predictions": "unit persona target prediction low high limitation",
    "scores": "target model metric value low high n chosen",
    "subgroup_errors": "target attribute group metric value low high n suppressed",
}


@pytest.fixture(scope="module")
def frames() -> list[Any]:
    return [draw_frame(kind, people=400) for kind in KINDS]


@pytest.fixture(scope="module")
def result(frames: list[Any]) -> StageResult:
    return predict_stage(frames, seed=7)


def test_every_table_has_its_columns(result: StageResult, tmp_path: Any) -> None:
    assert result.status == "done"
    assert {name: " ".join(table) for name, table in result.tables.items()} == TABLES
    result.save(tmp_path)
    read = StageResult.read(tmp_path)
    assert len(read.tables["predictions"]) == 3 * 400
    assert read.facts["purpose"] == PURPOSE


def test_no_required_check_fails_and_each_outcome_is_judged(
    result: StageResult,
) -> None:
    assert not [item for item in result.checks if item.status == "fail"]
    order = [item for item in result.checks if item.check == "time_order"]
    assert [item.outcome for item in order] == ["rating", "left", "ramp_days"]
    assert all(item.value >= 1 for item in order)


def test_predictions_follow_the_law(result: StageResult, frames: list[Any]) -> None:
    table = result.tables["predictions"]
    gap = frames[0].current.set_index("unit")["skill_gap"]
    for target, sign in (("rating", -1), ("left", 1), ("ramp_days", 1)):
        own = table[table["target"] == target].set_index("unit")["prediction"]
        assert sign * own.corr(gap, method="spearman") > 0.6
    left = table[table["target"] == "left"]
    assert left["prediction"].between(0, 1).all()
    assert left[["low", "high"]].isna().all(axis=None)
    rating = table[table["target"] == "rating"]
    width = (rating["high"] - rating["low"]) / 2
    assert width.between(0.85, 1.15).all(), "1.96 standard deviations of 0.5"
    ramp = table[table["target"] == "ramp_days"].dropna(subset=["low", "prediction"])
    assert (ramp["low"] < ramp["prediction"]).all()


def test_linear_laws_are_left_to_the_simple_model(result: StageResult) -> None:
    scores = result.tables["scores"]
    chosen = scores[scores["chosen"]].groupby("target")["model"].first()
    assert chosen.to_dict() == dict.fromkeys(("left", "ramp_days", "rating"), "simple")
    skill = scores[scores["chosen"] & (scores["metric"] == "skill")]
    assert (skill["low"] > 0).all()
    assert set(result.tables["predictions"]["limitation"]) == {""}


def test_a_law_of_steps_is_left_to_boosting(frames: list[Any]) -> None:
    rows = frames[0].frame
    rng = np.random.default_rng(1)
    steps = np.where(rows["noise"].abs() > 1, 4.0, 3.0)
    outcome = steps + rng.normal(0, 0.3, len(rows))
    found = predict_stage([replace_rows(frames[0], outcome=outcome)], seed=7)
    assert found.facts["targets"][0]["chosen"] == "boosting"
    first = found.tables["importance"].iloc[0]
    assert first["feature"] == "noise"
    assert "no single direction" in first["effect_words"]


def test_what_cannot_be_foretold_is_said_to_be_no_better(frames: list[Any]) -> None:
    rng = np.random.default_rng(2)
    outcome = rng.normal(3, 1, len(frames[0].frame))
    found = predict_stage([replace_rows(frames[0], outcome=outcome)], seed=7)
    assert set(found.tables["predictions"]["limitation"]) == {NO_BETTER}
    (check,) = [item for item in found.checks if item.check == "skill"]
    assert check.status == "warn"
    assert "use the average" in check.text


def test_protected_attributes_change_no_prediction(
    frames: list[Any], result: StageResult
) -> None:
    rng = np.random.default_rng(3)
    turned = [
        replace(
            item,
            frame=item.frame.assign(gender=rng.permutation(item.frame["gender"])),
            current=item.current.assign(gender="other"),
        )
        for item in frames[:2]
    ]
    found = predict_stage(turned, seed=7).tables["predictions"]
    first = result.tables["predictions"].head(len(found))
    pd.testing.assert_frame_equal(found, first)
    assert "gender" not in set(result.tables["importance"]["feature"])


def test_a_protected_attribute_in_any_form_is_refused(frames: list[Any]) -> None:
    frame = frames[0]
    aged = replace(
        frame,
        features=(*frame.features, "age"),
        protected=("age_band",),
        frame=frame.frame.assign(age=40.0, age_band="40 to 49"),
        current=frame.current.assign(age=40.0, age_band="40 to 49"),
    )
    with pytest.raises(ParamError, match="protected attribute"):
        predict_stage([aged], seed=7)
    with pytest.raises((ContractError, ParamError)):
        check_features(replace(frame, features=(*frame.features, "gender")))
    with pytest.raises(MissingColumnError):
        check_features(replace(frame, features=("nowhere",)))


def test_the_same_seed_gives_the_same_numbers(
    frames: list[Any], result: StageResult
) -> None:
    again = predict_stage(frames[1:], seed=7)
    for name, table in again.tables.items():
        own = result.tables[name]
        own = own[own["target"] != "rating"].reset_index(drop=True)
        if name == "outlook":
            columns = ["target", "persona"]
            table, own = (item.sort_values(columns) for item in (table, own))
        pd.testing.assert_frame_equal(
            table.reset_index(drop=True), own.reset_index(drop=True), check_dtype=False
        )


def test_cards_hold_purpose_split_numbers_and_that_nothing_is_a_cause(
    result: StageResult,
) -> None:
    cards = result.tables["cards"]
    for target in ("rating", "left", "ramp_days"):
        own = cards[cards["target"] == target].set_index("section")["text"]
        assert own["Purpose"] == PURPOSE
        assert "not be used to rank" in own["Purpose"]
        assert "Learnt from" in own["Data and split"]
        assert "none of them is shown to be a cause" in own["What goes with it"]
        assert "Protected attributes are no features" in own["Features"]
        assert own["Owner"].startswith("To be named")


def test_one_outcome_that_is_refused_does_not_stop_the_others(
    frames: list[Any],
) -> None:
    rare = frames[1].frame["outcome"] * 0
    found = predict_stage([frames[0], replace_rows(frames[1], outcome=rare)], seed=7)
    assert found.status == "done"
    assert set(found.facts["refused"]) == {"left"}
    (check,) = [item for item in found.checks if item.check == "prediction"]
    assert check.status == "not_applicable"
    card = found.tables["cards"].set_index(["target", "section"])["text"]
    assert "Leaving (in a year) is not predicted." in card["left", "Not built"]


def test_nothing_to_predict_does_not_apply(frames: list[Any]) -> None:
    rare = frames[1].frame["outcome"] * 0
    found = predict_stage([replace_rows(frames[1], outcome=rare)], seed=7)
    assert found.status == "not_applicable"
    assert "Too little happened" in found.reason
    assert {name: " ".join(table) for name, table in found.tables.items()} == TABLES
    assert predict_stage([], seed=7).status == "not_applicable"


def test_personas_get_averages_and_small_ones_none(
    frames: list[Any], result: StageResult
) -> None:
    table = result.tables["outlook"].set_index(["target", "persona"])
    rating = table.loc[("rating", "agents")]
    own = result.tables["predictions"]
    own = own[(own["target"] == "rating") & (own["persona"] == "agents")]
    assert rating["expected"] == pytest.approx(own["prediction"].mean())
    assert rating["low"] < rating["expected"] < rating["high"]
    few = frames[0].current["persona"].where(frames[0].current.index > 5, "few")
    small = replace(frames[0], current=frames[0].current.assign(persona=few))
    hidden = predict_stage([small], seed=7).tables["outlook"].set_index("persona")
    assert hidden.loc["few", "suppressed"]
    assert np.isnan(hidden.loc["few", "expected"])


def test_a_feature_without_a_year_behind_it_is_left_out(frames: list[Any]) -> None:
    rows = frames[1].frame
    late = (rows["period"] >= 4).astype("float64")
    moved = replace(
        frames[1],
        features=(*frames[1].features, "prior_courses"),
        frame=rows.assign(prior_courses=5 * late + rows["noise"]),
        current=frames[1].current.assign(prior_courses=5.0),
    )
    found = predict_stage([moved], seed=7)
    assert "prior_courses" not in set(found.tables["importance"]["feature"])
    card = found.tables["cards"].set_index("section")["text"]
    assert "Left out" in card["Features"]
    assert card["Features"].endswith("prior_courses.")


def test_a_feature_that_nobody_has_tells_nothing_and_stops_nothing():
    drawn = draw_frame("continuous")
    name = drawn.features[0]
    blank = replace(
        drawn,
        frame=drawn.frame.assign(**{name: np.nan}),
        current=drawn.current.assign(**{name: np.nan}),
    )
    found = predict_stage([blank], seed=1)
    assert found.status == "done"
    assert name not in set(found.tables["importance"]["feature"])
