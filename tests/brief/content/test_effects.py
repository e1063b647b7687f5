"""What one estimate shows, and which one stands for a persona."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.brief.content.project import QUARTER, make_row
from workbench.brief.effects import (
    adjust_p_values,
    classify_effect,
    find_contradictions,
    judge_threshold,
    select_effects,
)
from workbench.brief.results import BriefData
from workbench.core.results import StageResult


def classify(low, high, **more):
    given_row = {
        "estimate": (low + high) / 2,
        "ci_low": low,
        "ci_high": high,
        "threshold": 0.1,
        "direction": "up",
        "p_adjusted": 0.01,
    }
    return classify_effect(given_row | more)


def save_psm(project, estimates):
    folder = project / "outputs" / "alder" / QUARTER / "leads" / "psm"
    StageResult(stage="psm", estimates=tuple(estimates)).save(folder)
    return BriefData.open(org="alder", quarter=QUARTER)


@pytest.mark.parametrize(
    ("low", "high", "more", "finding"),
    [
        (0.05, 0.30, {}, "gain"),
        (-0.30, -0.05, {}, "loss"),
        (-0.30, -0.05, {"direction": "down"}, "gain"),
        (0.05, 0.30, {"direction": "down"}, "loss"),
        (-0.05, 0.09, {}, "none"),
        (-0.05, 0.30, {}, "unclear"),
        (0.05, 0.30, {"p_adjusted": 0.08}, "unclear"),
        (0.01, 0.09, {"p_adjusted": 0.08}, "none"),
        (0.01, 0.09, {}, "gain"),
        (-0.05, 0.09, {"threshold": math.nan}, "unclear"),
        (0.05, 0.30, {"p_adjusted": math.nan}, "gain"),
        (0.05, 0.30, {"suppressed": True}, "suppressed"),
        (0.05, 0.30, {"estimate": math.nan}, "unanswered"),
    ],
)
def test_an_estimate_says_only_what_its_numbers_carry(low, high, more, finding):
    assert classify(low, high, **more) == finding


@given(st.floats(-1, 1), st.floats(0.01, 1), st.sampled_from(["up", "down"]))
def test_turning_the_scale_over_turns_gain_into_loss(middle, half, direction):
    swapped = {"gain": "loss", "loss": "gain"}
    found = classify(middle - half, middle + half, direction=direction)
    mirrored = classify(-middle - half, -middle + half, direction=direction)
    assert mirrored == swapped.get(found, found)


@pytest.mark.parametrize(
    ("low", "high", "threshold", "up", "verdict"),
    [
        (0.06, 0.12, 0.05, True, "yes"),
        (0.05, 0.12, 0.05, True, "yes"),
        (0.01, 0.04, 0.05, True, "no"),
        (0.01, 0.06, 0.05, True, "unclear"),
        (-0.21, -0.11, 0.10, False, "yes"),
        (-0.09, 0.02, 0.10, False, "no"),
        (0.01, 0.02, 0.0, True, "yes"),
        (0.0, 0.02, 0.0, True, "unclear"),
        (-0.03, 0.0, 0.0, True, "no"),
        (math.nan, 1.0, 0.0, True, "unclear"),
    ],
)
def test_the_whole_interval_is_held_against_the_threshold(
    low, high, threshold, up, verdict
):
    assert judge_threshold(low, high, threshold=threshold, up=up) == verdict


def test_p_values_are_adjusted_by_hand_worked_example():
    values = pd.Series([0.01, None, 0.04, 0.03], index=list("abcd"))
    adjusted = adjust_p_values(values)
    expected = [0.03, math.nan, 0.04, 0.04]
    np.testing.assert_allclose(adjusted, expected)
    assert list(adjusted.index) == list("abcd")


def test_effects_come_in_file_order_with_labels_thresholds_and_naive(data):
    table = select_effects(data)
    first = table.iloc[0]
    assert first["label"] == "Team leads"
    assert first["outcome_label"] == "Performance rating"
    assert first["threshold"] == pytest.approx(0.05 * 3.0)
    assert first["naive"] == pytest.approx(2.5 * 0.30 + 0.04)
    assert not table.duplicated(["persona", "program", "outcome"]).any()
    skill = table[table["outcome"] == "skill_proficiency"].iloc[0]
    assert skill["finding"] == "suppressed"
    assert math.isnan(skill["naive"])


def test_negative_controls_are_kept_apart_from_the_family(data):
    table = select_effects(data)
    controls = table[table["control"]]
    assert set(controls["outcome"]) == {"parking_permit"}
    assert controls["p_adjusted"].isna().all()
    family = table[~table["control"] & table["p_value"].notna()]
    assert (family["p_adjusted"] >= family["p_value"] - 1e-15).all()


def test_the_better_grade_stands_and_then_the_stronger_design(project):
    key = ("leads", "performance_rating")
    rows = [
        make_row(*key, 0.1, 0.1, stage="psm", evidence=2),
        make_row(*key, 0.2, 0.1, stage="did", evidence=3),
        make_row(*key, 0.3, 0.1, stage="ab", evidence=3),
        make_row(*key, 0.4, 0.1, stage="ab", evidence=5, subgroup_by="a", subgroup="b"),
        make_row(*key, 0.5, 0.1, stage="did", evidence=5, period="-1"),
    ]
    table = select_effects(save_psm(project, rows))
    chosen = table[(table["persona"] == "leads")]
    assert list(chosen["estimate"]) == [0.3]


def test_designs_contradict_only_beyond_their_combined_error(project):
    key = ("leads", "performance_rating")
    plain = {"method": "aipw", "headline": False, "evidence": None}
    near = [make_row(*key, 0.3, 0.1), make_row(*key, 0.1, 0.1, **plain)]
    assert find_contradictions(save_psm(project, near)).empty
    far = [make_row(*key, 0.3, 0.05), make_row(*key, 0.1, 0.05, **plain)]
    found = find_contradictions(save_psm(project, far)).iloc[0]
    assert found["gap"] == pytest.approx(0.2)
    assert found["limit"] == pytest.approx(1.959963984540054 * 0.05 * math.sqrt(2))


def test_without_estimates_there_are_no_effects(bare):
    table = select_effects(BriefData.open(org="alder", quarter=QUARTER))
    assert table.empty
    assert {"finding", "label", "control", "naive"} <= set(table.columns)
