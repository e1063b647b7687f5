"""The before-and-after stage: known truth is found, and what is wrong is said."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from tests.impact.did.classic_panels import make_panel, simulate_panel
from workbench.cohorts.frames import Panel
from workbench.cohorts.target_trial import Gap
from workbench.core.errors import TooFewUnitsError
from workbench.core.params import Threshold
from workbench.core.results import Estimate, StageResult, tabulate_estimates
from workbench.impact.did.analysis import DidResult, estimate_did
from workbench.impact.did.checks import check_lost, list_reasons, measure_prior_gap
from workbench.impact.did.stage import estimate_did_stage
from workbench.impact.did.two_by_two import estimate_two_by_two
from workbench.impact.evidence import Findings
from workbench.impact.findings_table import tabulate_findings

NOTHING = StageResult(stage="psm", status="not_applicable", reason="no programme")


def make_worthy(frame: pd.DataFrame, **more: object) -> Panel:
    """Make a panel whose outcome has a threshold of 0.3."""
    panel = make_panel(frame, lag=1, **more)  # type: ignore[arg-type]
    outcome = panel.outcome.model_copy(update={"threshold": Threshold(absolute=0.3)})
    return replace(panel, outcome=outcome)


@pytest.fixture(scope="module")
def sound() -> DidResult:
    frame = simulate_panel(5, people=600, periods=7, starts=(0, 0, 4, 5, 6))
    return estimate_did(make_worthy(frame), seed=1)


def test_the_headline_finds_the_effect(sound: DidResult) -> None:
    item = sound.headline
    assert item.method == "did_cs"
    assert item.headline
    assert abs(item.estimate - 0.5) < 3 * item.std_error
    assert item.ci_low > 0


def test_every_design_is_published_beside_it(sound: DidResult) -> None:
    overall = [item.method for item in sound.estimates if item.period is None]
    assert overall[0] == "did_cs"
    wanted = {"did_cs_earlier", "did_cs_never", "did_2x2", "did_twfe"}
    wanted |= {"did_sun_abraham", "did_cs_simple", "did_cs_dynamic", "did_cs_group"}
    assert wanted | {"did_cs_calendar"} <= set(overall)
    assert len(overall) == len(set(overall))
    assert sum(item.headline for item in sound.estimates) == 1


def test_event_times_and_quarters_have_rows_of_their_own(sound: DidResult) -> None:
    times = {
        item.period for item in sound.estimates if item.method == "did_cs_dynamic"
    } - {None}
    assert {"-3", "-2", "+0", "+1"} <= times
    assert "-1" not in times
    quarters = {
        item.period for item in sound.estimates if item.method == "did_cs_calendar"
    } - {None}
    assert quarters == {"Q4", "Q5", "Q6", "Q7"}


def test_a_sound_comparison_passes_its_checks(sound: DidResult) -> None:
    status = {check.check: check.passed for check in sound.checks}
    assert status["pretrend"] is True
    assert status["last_quarter_before"] is True
    assert status["computed_twice"] is True
    assert status["power"] is True
    assert sound.findings.failed_checks == ()
    assert sound.headline.evidence == 2
    assert sound.reasons == ()


def test_the_course_has_bands_no_narrower_than_intervals(sound: DidResult) -> None:
    curve = sound.tables["curves"]
    own = curve[(curve["method"] == "did_cs") & ~curve["reference"].astype(bool)]
    assert (own["band_low"] <= own["ci_low"]).all()
    assert (own["band_high"] >= own["ci_high"]).all()
    assert own["focus"].sum() == 1
    assert set(curve["method"]) == {"did_cs", "did_event_study", "did_sun_abraham"}


def test_other_trends_are_noticed_and_lower_the_evidence() -> None:
    frame = simulate_panel(6, people=600, periods=7, starts=(0, 0, 5, 6), slope=0.2)
    found = estimate_did(make_worthy(frame), seed=1)
    assert "pretrend" in found.findings.failed_checks
    assert found.headline.evidence == 1
    assert found.reasons


def test_a_good_last_quarter_is_noticed_and_explained() -> None:
    frame = simulate_panel(7, people=600, periods=7, starts=(0, 0, 5, 6))
    before = frame["first_treat"] - frame["period"] == 1
    frame.loc[before, "outcome"] += 0.3
    found = estimate_did(make_worthy(frame), seed=1)
    assert "last_quarter_before" in found.findings.failed_checks
    (reason,) = found.reasons
    assert re.search(r"moved by \+0\.[23]\d* against others", reason)
    assert "fall back, before-and-after is too low" in reason
    earlier = next(x for x in found.estimates if x.method == "did_cs_earlier")
    assert abs(earlier.estimate - 0.5) < 3 * earlier.std_error
    assert found.headline.estimate < 0.35


def test_a_programme_given_by_team_gets_errors_by_team() -> None:
    frame = simulate_panel(
        8, people=480, teams=24, periods=6, by_team=True, team_sd=0.2
    )
    found = estimate_did(make_worthy(frame, clusters=("unit", "team")), seed=1)
    assert found.headline.n_clusters == 24
    assert {"cr2", "wild", "permutation"} <= set(found.tables["errors"]["method"])


def test_too_few_learners_are_refused() -> None:
    frame = simulate_panel(9, people=40, starts=(0,) * 12 + (3,))
    with pytest.raises(TooFewUnitsError, match="before and after"):
        estimate_did(make_worthy(frame), seed=1)


def test_the_same_panel_gives_the_same_numbers_in_any_order(sound: DidResult) -> None:
    frame = simulate_panel(5, people=600, periods=7, starts=(0, 0, 4, 5, 6))
    mixed = frame.sample(frac=1, random_state=3)
    again = estimate_did(make_worthy(mixed), seed=1)
    pd.testing.assert_frame_equal(
        tabulate_estimates(again.estimates), tabulate_estimates(sound.estimates)
    )
    pd.testing.assert_frame_equal(again.tables["curves"], sound.tables["curves"])


def _matched(value: float, error: float) -> StageResult:
    item = Estimate(
        quarter="2026Q3",
        persona="newcomers",
        stage="psm",
        program=make_panel(simulate_panel(1, people=40)).program.id,
        outcome=make_panel(simulate_panel(1, people=40)).outcome.id,
        estimand="ATT",
        method="psm_nn",
        headline=True,
        estimate=value,
        std_error=error,
        ci_low=value - 1.96 * error,
        ci_high=value + 1.96 * error,
        p_value=0.01,
        unit="points",
        n_treated=100,
        n_control=100,
        evidence=2,
    )
    findings = Findings(design="matched", largest_smd=0.02, robust=True)
    return StageResult(
        stage="psm",
        tables={
            "estimates": tabulate_estimates([item]),
            "findings": tabulate_findings([(item.program, item.outcome, findings)]),
        },
        facts={
            "answers": [
                {"program": item.program, "outcome": item.outcome, "overturn": "Much."}
            ]
        },
    )


@pytest.mark.parametrize(
    ("value", "agree", "grade"), [(0.5, "yes", 3), (-0.5, "no", 1)]
)
def test_the_stage_holds_its_headline_against_matching(
    value: float, agree: str, grade: int
) -> None:
    frame = simulate_panel(5, people=600, periods=7, starts=(0, 0, 4, 5, 6))
    result = estimate_did_stage(
        [make_worthy(frame)], matched=_matched(value, 0.04), seed=1
    )
    both = result.tables["triangulation"].iloc[0]
    assert both["agree"] == agree
    assert both["grade"] == grade
    assert both["stands"] == "matched"
    assert both["overturn"] == "Much."
    check = next(x for x in result.checks if x.check == "designs_agree")
    assert check.passed is (agree == "yes")


def test_a_refused_panel_is_an_answer_without_number() -> None:
    frame = simulate_panel(9, people=40, starts=(0,) * 12 + (3,))
    gap = Gap(program="p", outcome="stays", reason="Read once.")
    result = estimate_did_stage(
        [make_worthy(frame)], matched=NOTHING, gaps=[gap], seed=1
    )
    (item,) = result.estimates
    assert math.isnan(item.estimate)
    assert item.suppressed
    assert item.n_treated is None
    assert item.limitation.startswith("Not answerable: Too few people")
    assert result.tables["curves"].empty
    assert {check.check for check in result.checks} >= {
        "comparison",
        "designs_agree",
    } - {"designs_agree"}


def test_without_panels_and_matching_the_stage_does_not_apply() -> None:
    gap = Gap(program="p", outcome="stays", reason="Read once.")
    result = estimate_did_stage([], matched=NOTHING, gaps=[gap], seed=1)
    assert (result.status, result.reason) == ("not_applicable", "Read once.")


def test_matching_alone_is_still_graded() -> None:
    result = estimate_did_stage([], matched=_matched(0.4, 0.05), seed=1)
    both = result.tables["triangulation"].iloc[0]
    assert both["agree"] == "not compared"
    assert both["grade"] == 2
    assert not result.estimates


def test_losing_one_group_more_is_a_warning() -> None:
    panel = make_worthy(simulate_panel(1, people=40))
    names = (
        "outcome seen in the quarter before",
        "outcome seen in the quarter of the outcome",
    )
    flow = pd.DataFrame(
        {"step": names, "n_treated": [400, 300], "n_control": [800, 780]}
    )
    found = check_lost(replace(panel, flow=flow))
    assert found.passed is False
    assert found.value == pytest.approx(0.25 - 0.025)
    assert check_lost(panel).passed is None


def test_reasons_name_the_direction() -> None:
    (reason,) = list_reasons(-0.2, pretrend_failed=True, jumped=True)
    assert "fall back, before-and-after is too high" in reason
    assert "moving apart" in list_reasons(0.0, pretrend_failed=True, jumped=False)[0]
    assert list_reasons(0.2, pretrend_failed=False, jumped=False) == ()


def test_the_prior_gap_is_that_of_the_quarter_before() -> None:
    assert math.isnan(measure_prior_gap(None))
    frame = simulate_panel(5, people=200, starts=(0, 4))
    before = frame[frame["period"] == 3]
    means = before.groupby(before["first_treat"] > 0)["outcome"].mean()
    found = estimate_two_by_two(make_panel(frame, lag=1))
    assert measure_prior_gap(found) == pytest.approx(means[True] - means[False])
