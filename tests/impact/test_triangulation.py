"""Two designs are compared, never averaged."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from workbench.core.results import Estimate
from workbench.impact.evidence import Findings
from workbench.impact.triangulation import (
    Answer,
    Triangulation,
    compare_designs,
    tabulate_triangulations,
)

PASSES = Findings(design="matched", largest_smd=0.03, robust=True)
TREND = Findings(design="did", pretrend_powered=True)


def _answer(
    value: float, error: float, findings: Findings, *reasons: str, overturn: str = ""
) -> Answer:
    estimate = Estimate(
        quarter="2026Q3",
        persona="team_leads",
        stage="psm",
        program="lead",
        outcome="rating",
        estimand="ATT",
        method="psm_nn",
        estimate=value,
        std_error=error,
        ci_low=value - 1.96 * error,
        ci_high=value + 1.96 * error,
        p_value=0.5,
        unit="rating points",
        n_treated=100,
        n_control=100,
        limitation="none",
    )
    return Answer(
        estimate=estimate, findings=findings, reasons=reasons, overturn=overturn
    )


def _compare(
    matched: Answer | None, did: Answer | None, **more: float
) -> Triangulation:
    return compare_designs(matched, did, program="lead", outcome="rating", **more)


def test_designs_that_agree_and_are_strong_earn_the_third_grade() -> None:
    found = _compare(_answer(0.20, 0.03, PASSES), _answer(0.22, 0.04, TREND))
    assert found.agree is True
    assert found.grade.value == 3
    assert found.stands == "matched"
    assert "agree within their errors" in found.verdict
    assert found.difference == pytest.approx(-0.02)


@pytest.mark.parametrize(
    ("matched", "did"),
    [
        (Findings(design="matched", largest_smd=0.03, robust=False), TREND),
        (Findings(design="matched", largest_smd=0.10, robust=True), TREND),
        (PASSES, Findings(design="did", pretrend_powered=False)),
    ],
)
def test_agreement_alone_does_not_earn_it(matched: Findings, did: Findings) -> None:
    found = _compare(_answer(0.20, 0.03, matched), _answer(0.22, 0.04, did))
    assert found.agree is True
    assert found.grade.value == 2


def test_a_threat_to_the_second_design_does_not_lower_the_first() -> None:
    lost = Findings(design="did", pretrend_powered=True, threats=("attrition",))
    weaker = Findings(design="matched", largest_smd=0.1, robust=True)
    found = _compare(_answer(0.20, 0.03, weaker), _answer(0.22, 0.04, lost))
    assert found.agree is True
    assert found.grade.value == 2


def test_a_failed_check_is_explained_even_where_the_designs_agree() -> None:
    weak = Findings(design="did", failed_checks=("pretrend",))
    found = _compare(_answer(0.20, 0.03, PASSES), _answer(0.22, 0.04, weak, "A trend."))
    assert found.agree is True
    assert found.explanation == "A trend."
    assert found.grade.value == 2


def test_designs_that_disagree_are_named_and_lower_the_grade() -> None:
    found = _compare(_answer(0.20, 0.03, PASSES), _answer(-0.05, 0.04, TREND))
    assert found.agree is False
    assert found.grade.value == 1
    assert "designs that disagree" in found.grade.text
    assert "disagree beyond their errors" in found.verdict
    assert "no check can see it" in found.explanation
    assert found.matched is not None
    assert found.did is not None
    assert found.matched.estimate.estimate == 0.20
    assert found.did.estimate.estimate == -0.05


def test_a_design_that_fails_its_checks_explains_the_disagreement() -> None:
    weak = Findings(design="did", failed_checks=("last_pre_quarter",))
    found = _compare(
        _answer(0.20, 0.03, PASSES),
        _answer(-0.05, 0.04, weak, "People learnt after a good quarter."),
    )
    assert found.agree is False
    assert found.grade.value == 2
    assert found.stands == "matched"
    assert found.explanation == "People learnt after a good quarter."


def test_matching_that_fails_yields_to_a_did_that_passes() -> None:
    weak = Findings(design="matched", failed_checks=("balance",), largest_smd=0.4)
    found = _compare(
        _answer(0.20, 0.03, weak, overturn="a"),
        _answer(0.10, 0.04, TREND, overturn="b"),
    )
    assert found.stands == "did"
    assert found.grade.value == 2
    assert found.overturn == "b"


def test_imprecise_designs_do_not_agree_by_being_imprecise() -> None:
    found = _compare(_answer(0.02, 0.10, PASSES), _answer(0.01, 0.12, TREND))
    assert found.agree is None
    assert "cannot tell" in found.verdict
    assert found.grade.value == 2
    table = tabulate_triangulations([found])
    assert table.loc[0, "agree"] == "unclear"


def test_an_interval_that_leaves_out_the_other_estimate_is_no_agreement() -> None:
    found = _compare(_answer(0.02, 0.056, PASSES), _answer(-0.12, 0.05, TREND), worth=1)
    assert found.ci_low < 0 < found.ci_high
    assert found.agree is None


def test_the_design_that_is_reported_is_named_with_the_reason() -> None:
    weak = Findings(design="matched", failed_checks=("balance",), largest_smd=0.4)
    found = _compare(_answer(0.20, 0.03, weak), _answer(0.10, 0.04, TREND))
    assert found.choice == (
        "Of the two, before-and-after stands, since matching fails balance."
    )
    found = _compare(_answer(0.20, 0.03, PASSES), _answer(0.20, 0.04, TREND))
    assert found.choice == "Of the two, matching stands."
    assert _compare(_answer(0.20, 0.03, PASSES), None).choice == ""


@pytest.mark.parametrize(
    ("move", "word"), [(0.3, "fall back to normal"), (-0.3, "a move that went on")]
)
def test_an_odd_last_quarter_is_read_by_the_order_of_the_designs(
    move: float, word: str
) -> None:
    weak = Findings(design="did", failed_checks=("last_quarter_before",))
    did = replace(_answer(-0.20, 0.04, weak, "A move."), last_move=move)
    found = _compare(_answer(0.20, 0.03, PASSES), did)
    assert found.agree is False
    assert word in found.explanation


def test_a_threshold_tells_how_small_a_difference_matters() -> None:
    answers = _answer(0.02, 0.05, PASSES), _answer(0.01, 0.06, TREND)
    assert _compare(*answers, worth=0.2).agree is True
    assert _compare(*answers, worth=0.1).agree is None


@pytest.mark.parametrize(
    ("matched", "did", "verdict", "stands", "grade"),
    [
        (None, None, "Neither design can answer", "none", 0),
        (_answer(math.nan, math.nan, PASSES), None, "Neither", "none", 0),
        (_answer(0.2, 0.03, PASSES), None, "Only matching", "matched", 2),
        (None, _answer(0.2, 0.03, TREND), "Only the comparison of before", "did", 2),
    ],
)
def test_a_missing_design_is_said(
    matched: Answer | None, did: Answer | None, verdict: str, stands: str, grade: int
) -> None:
    found = _compare(matched, did)
    assert found.verdict.startswith(verdict)
    assert found.stands == stands
    assert found.grade.value == grade
    assert tabulate_triangulations([found]).loc[0, "agree"] == "not compared"


@pytest.mark.parametrize(
    ("prior_gap", "matched", "did", "given"),
    [
        (0.3, 0.2, 0.1, True),
        (-0.3, 0.1, 0.2, True),
        (0.3, 0.1, 0.2, False),
        (-0.3, 0.2, 0.1, False),
        (math.nan, 0.2, 0.1, False),
    ],
)
def test_the_bracket_is_given_only_in_the_order_it_implies(
    prior_gap: float, matched: float, did: float, given: bool
) -> None:
    found = _compare(
        _answer(matched, 0.03, PASSES),
        _answer(did, 0.03, TREND),
        prior_gap=prior_gap,
    )
    assert ("lies between 0.1 and 0.2" in found.bracket) is given
