"""The cards: pooled effect, target, verdict, and why there is no number."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.brief.content.project import QUARTER, Z, make_row
from workbench.brief.pooling import pool_effects
from workbench.brief.results import BriefData
from workbench.brief.scorecard import build_scorecard
from workbench.core.results import StageResult, tabulate_estimates

KEY = ("leads", "performance_rating")


def tabulate(*rows):
    table = tabulate_estimates(rows)
    return table.assign(naive=math.nan, label=[f"P{i}" for i in range(len(table))])


def find(cards, measure):
    return next(item for item in cards if item.measure.id == measure)


def replace_outcomes(project, text):
    (project / "params" / "alder" / "outcomes.yml").write_text(text)
    return build_scorecard(BriefData.open(org="alder", quarter=QUARTER))


def test_pooling_two_personas_by_hand():
    pooled = pool_effects(
        tabulate(
            make_row(*KEY, 0.3, 0.03, n_treated=100, baseline=3.0),
            make_row(*KEY, 0.1, 0.04, n_treated=300, baseline=2.0, evidence=3),
        )
    )
    error = math.hypot(0.25 * 0.03, 0.75 * 0.04)
    assert pooled.effect == pytest.approx(0.25 * 0.3 + 0.75 * 0.1)
    assert pooled.std_error == pytest.approx(error)
    assert pooled.ci_low == pytest.approx(pooled.effect - Z * error)
    assert pooled.baseline == pytest.approx(0.25 * 3 + 0.75 * 2)
    assert pooled.relative == pytest.approx(pooled.effect / pooled.baseline)
    shares = np.array([0.25 * 3, 0.75 * 2]) / 2.25
    relative_error = math.hypot(shares[0] * 0.03 / 3, shares[1] * 0.04 / 2)
    assert pooled.relative_high - pooled.relative == pytest.approx(Z * relative_error)
    assert (pooled.n_treated, pooled.n_control) == (400, 200)
    assert pooled.evidence == 2
    assert pooled.personas == ("P0", "P1")


def test_a_single_persona_keeps_its_own_interval():
    row = make_row(*KEY, 0.3, 0.03)
    wide = {"ci_low": 0.1, "ci_high": 0.5, "p_value": 0.04, "relative_ci_low": 0.01}
    pooled = pool_effects(tabulate(row).assign(**wide))
    assert (pooled.ci_low, pooled.ci_high, pooled.p_value) == (0.1, 0.5, 0.04)
    assert pooled.relative_low == 0.01


def test_the_relative_error_falls_back_on_the_plain_one():
    rows = tabulate(make_row(*KEY, 0.3, 0.03), make_row(*KEY, 0.3, 0.03))
    blank = rows.assign(relative_ci_low=math.nan, relative_ci_high=math.nan)
    pooled, plain = pool_effects(rows), pool_effects(blank)
    assert plain.relative_low == pytest.approx(pooled.relative_low)


def test_a_small_persona_does_not_carry_the_grade():
    big = make_row(*KEY, 0.3, 0.03, n_treated=910, evidence=3)
    small = make_row(*KEY, 0.3, 0.03, n_treated=90, evidence=0)
    assert pool_effects(tabulate(big, small)).evidence == 3
    tenth = make_row(*KEY, 0.3, 0.03, n_treated=102, evidence=1)
    assert pool_effects(tabulate(big, tenth)).evidence == 1
    ungraded = make_row(*KEY, 0.3, 0.03, n_treated=500, evidence=None)
    assert pool_effects(tabulate(big, ungraded)).evidence is None


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-1, 1), st.floats(0.01, 1), st.integers(10, 1000)),
        min_size=1,
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_pooling_ignores_order_and_lies_between_the_parts(parts, random):
    rows = [make_row(*KEY, value, error, n_treated=n) for value, error, n in parts]
    pooled = pool_effects(tabulate(*rows))
    values = [value for value, _, _ in parts]
    assert min(values) - 1e-9 <= pooled.effect <= max(values) + 1e-9
    assert pooled.std_error <= max(error for _, error, _ in parts) + 1e-9
    random.shuffle(rows)
    assert pool_effects(tabulate(*rows)).effect == pytest.approx(pooled.effect)


def test_the_playbook_stands_first_and_whole(data):
    cards = build_scorecard(data)
    assert [item.measure.id for item in cards if item.measure.main] == [
        "ramp_days",
        "performance_rating",
        "retention_12m",
        "internal_mobility_12m",
    ]
    assert "parking_permit" not in [item.measure.id for item in cards]


def test_a_measured_card_has_target_verdict_and_relative_scale(data):
    card = find(build_scorecard(data), "performance_rating")
    assert card.relative
    assert card.target == (0.05, 0.10)
    assert card.shown[0] == pytest.approx((100 * 0.3 + 300 * 0.2) / 420 / 3.0)
    assert card.verdict == "unclear"
    assert card.finding == "gain"
    assert card.pooled.naive > card.pooled.effect


def test_mobility_is_held_against_zero_in_its_own_unit(data):
    card = find(build_scorecard(data), "internal_mobility_12m")
    assert not card.relative
    assert card.target == (0.0, math.inf)
    assert (card.verdict, card.finding) == ("no", "loss")
    assert card.left_out == ("Support, first year",)


def test_a_card_without_number_says_why(data):
    cards = build_scorecard(data)
    skill, ramp = find(cards, "skill_proficiency"), find(cards, "ramp_days")
    assert skill.status == "suppressed"
    assert "fewer than 10 people" in skill.reason
    assert math.isnan(skill.shown[0])
    assert ramp.status == "unmeasured"
    assert "reads proficiency_dates.days" in ramp.reason
    assert "KPI outcome in outcomes.yml" in find(cards, "kpi_attainment").reason


def test_an_outcome_that_no_stage_could_compare_gives_the_stages_reason(project):
    from workbench.core.results import Check

    folder = project / "outputs" / "alder" / QUARTER / "leads" / "psm"
    gap = Check(
        check="comparison",
        passed=None,
        outcome="kpi_attainment",
        text="performance has no column kpi_attainment",
    )
    StageResult(stage="psm", checks=(gap,)).save(folder)
    path = project / "params" / "alder" / "outcomes.yml"
    more = (
        "- {id: kpi_attainment, source: performance.kpi_attainment, kind: continuous}\n"
    )
    card = find(replace_outcomes(project, path.read_text() + more), "kpi_attainment")
    assert card.reason == "performance has no column kpi_attainment."


def test_absolute_thresholds_family_names_and_further_outcomes(project):
    row = make_row("leads", "performance_score", 0.3, 0.04, unit="points")
    folder = project / "outputs" / "alder" / QUARTER / "leads" / "psm"
    StageResult(stage="psm", estimates=(row,)).save(folder)
    cards = replace_outcomes(
        project,
        """
- {id: performance_score, label: Mean score, source: performance.rating,
   kind: continuous, threshold: {absolute: 0.1}}
- {id: error_rate, label: Error rate, source: performance.errors, direction: down,
   kind: continuous, threshold: {relative: 0.1}}
""",
    )
    card = find(cards, "performance_rating")
    assert card.label == "Mean score"
    assert not card.relative
    assert card.target == (0.1, math.inf)
    assert card.verdict == "yes"
    assert cards[-1].measure.id == "error_rate"


def test_a_downward_target_is_met_from_below(project):
    rows = [make_row("leads", "ramp_days", -14.0, 1.0, direction="down", baseline=90)]
    folder = project / "outputs" / "alder" / QUARTER / "leads" / "psm"
    StageResult(stage="psm", estimates=tuple(rows)).save(folder)
    card = find(
        replace_outcomes(
            project,
            "- {id: ramp_days, source: ramp.days, kind: continuous, direction: down}\n",
        ),
        "ramp_days",
    )
    assert card.target == (-0.10, -0.25)
    assert (card.verdict, card.finding) == ("yes", "gain")


@pytest.mark.parametrize(
    ("value", "grade", "verdict"),
    [(-14.0, 2, "yes"), (-14.0, 1, "unclear"), (0.5, 2, "no"), (0.5, 0, "unclear")],
)
def test_a_comparison_that_fails_a_check_settles_no_target(
    project, value, grade, verdict
):
    row = make_row(
        "leads", "ramp_days", value, 1.0, direction="down", baseline=90, evidence=grade
    )
    folder = project / "outputs" / "alder" / QUARTER / "leads" / "psm"
    StageResult(stage="psm", estimates=(row,)).save(folder)
    outcome = "{id: ramp_days, source: ramp.days, kind: continuous, direction: down}"
    card = find(replace_outcomes(project, f"- {outcome}\n"), "ramp_days")
    assert card.verdict == verdict


def test_personas_in_different_units_are_not_pooled(project):
    base = project / "outputs" / "alder" / QUARTER
    for persona, unit in (("leads", "points"), ("newcomers", "stars")):
        row = make_row(persona, "performance_rating", 0.1, 0.1, unit=unit)
        StageResult(stage="psm", estimates=(row,)).save(base / persona / "psm")
    cards = build_scorecard(BriefData.open(org="alder", quarter=QUARTER))
    card = find(cards, "performance_rating")
    assert card.status == "unanswered"
    assert "different units" in card.reason


def test_pooling_leaves_its_input_alone():
    rows = tabulate(make_row(*KEY, 0.3, 0.03), make_row(*KEY, 0.2, 0.03))
    before = rows.copy()
    pool_effects(rows)
    pd.testing.assert_frame_equal(rows, before)
