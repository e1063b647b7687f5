"""Sentences: every way a number can turn out, and nothing the numbers do not carry."""

from __future__ import annotations

import math
import re

import pandas as pd
import pytest

from tests.brief.content.project import QUARTER
from workbench.brief.decisions import list_decisions
from workbench.brief.effects import classify_effect, select_effects
from workbench.brief.formatting import MINUS
from workbench.brief.limitations import list_limitations
from workbench.brief.measures import Measure
from workbench.brief.narrative import (
    compare_naive,
    describe_contradiction,
    describe_effect,
    describe_kpi,
    join_words,
    lower_first,
    state_answer,
    state_findings,
)
from workbench.brief.pooling import Pooled
from workbench.brief.results import BriefData
from workbench.brief.scorecard import Kpi, build_scorecard

GAP = "\N{NO-BREAK SPACE}"
LOUD = r"\b(huge|great|strong|significant|dramatic|impressive|only|merely|very)\b"


def make(low, high, **more):
    row = {
        "label": "Team leads",
        "outcome_label": "Performance rating",
        "unit": "rating points",
        "estimate": (low + high) / 2,
        "ci_low": low,
        "ci_high": high,
        "direction": "up",
        "threshold": 0.1,
        "p_adjusted": 0.01,
        "meets_threshold": "unclear",
        "limitation": None,
    } | more
    return row | {"finding": classify_effect(row)}


def say(low, high, **more):
    return describe_effect(make(low, high, **more)).replace(GAP, " ")


def test_a_clear_gain_with_each_standing_to_the_threshold():
    start = (
        "Team leads: performance rating is higher by 0.20 rating points (0.15 to 0.25)"
    )
    like = " than among like colleagues"
    assert say(0.15, 0.25, meets_threshold="yes") == (
        f"{start}{like}; the whole interval reaches the threshold of 0.10 rating "
        "points."
    )
    assert say(0.15, 0.25).endswith("threshold of 0.10 rating points is open.")
    assert "stays short" in say(0.02, 0.06, meets_threshold="no")
    assert say(0.15, 0.25, threshold=math.nan) == f"{start}{like}."


def test_a_gain_downwards_is_lower_and_wanted():
    text = say(-0.25, -0.15, direction="down")
    assert "is lower by 0.20 rating points (0.15 to 0.25)" in text
    assert "against what is wanted" not in text


def test_a_clear_loss_says_it_is_not_wanted():
    text = say(-0.25, -0.15)
    assert "is lower by 0.20 rating points (0.15 to 0.25)" in text
    assert text.endswith("than among like colleagues, against what is wanted.")


def test_no_effect_is_said_with_its_interval():
    assert say(-0.05, 0.07) == (
        "Team leads: performance rating did not change by as much as matters: +0.01 "
        f"rating points ({MINUS}0.05 to +0.07) lies within 0.10 rating points either "
        "way."
    )


def test_unclear_for_both_reasons():
    assert "leaves room for more, for less and for no change" in say(-0.1, 0.3)
    text = say(0.02, 0.3, p_adjusted=0.07)
    assert "excludes zero by itself, but not once all comparisons are counted" in text
    assert "(adjusted p = 0.070)" in text


def test_withheld_and_unanswered_say_so_without_numbers():
    hidden = say(0.1, 0.2, suppressed=True)
    assert hidden.endswith("is not shown, as the comparison rests on too few people.")
    assert not re.search(r"\d", hidden)
    text = say(0.1, 0.2, estimate=math.nan, limitation="Nobody learnt.")
    assert text == (
        "Team leads: performance rating could not be answered: nobody learnt."
    )
    assert "no number could be computed" in say(0.1, 0.2, estimate=math.nan)


@pytest.mark.parametrize(
    ("low", "high"), [(0.15, 0.25), (-0.25, -0.15), (-0.05, 0.07), (-0.1, 0.3)]
)
def test_no_sentence_holds_an_adjective_of_degree(low, high):
    assert not re.search(LOUD, say(low, high))


def test_contradicting_designs_are_both_shown():
    text = describe_contradiction(
        {**make(0.1, 0.2), "matched": 0.3, "doubly_robust": -0.1}
    ).replace(GAP, " ")
    assert "matching says +0.30 rating points" in text
    assert f"the doubly robust estimate {MINUS}0.10 rating points" in text
    assert "neither should be relied on alone" in text


def test_the_plain_difference_is_called_selection_only_outside_the_interval():
    outside = compare_naive({**make(0.15, 0.25), "naive": 0.4}).replace(GAP, " ")
    assert "would have shown +0.40 rating points" in outside
    assert "it is +0.20 rating points (+0.15 to +0.25)" in outside
    assert outside.endswith("selection: who learns, not what learning did.")
    inside = compare_naive({**make(0.15, 0.25), "naive": 0.2})
    assert "selection" not in inside
    assert "lies within the interval" in inside
    assert compare_naive({**make(0.15, 0.25), "naive": math.nan}) == ""
    assert compare_naive(None) == ""


def make_card(label, finding, effect=0.05, evidence=2, verdict="unclear"):
    measure = Measure(id="m", family="m", label=label, stages=("psm",), needs="x")
    pooled = Pooled(
        effect=effect,
        std_error=0.01,
        ci_low=effect - 0.02,
        ci_high=effect + 0.02,
        p_value=0.01,
        baseline=1.0,
        relative=effect,
        relative_low=effect - 0.02,
        relative_high=effect + 0.02,
        naive=math.nan,
        evidence=evidence,
        n_treated=100,
        n_control=100,
        personas=("a",),
    )
    return Kpi(
        measure=measure,
        label=label,
        status="measured",
        pooled=pooled,
        finding=finding,
        verdict=verdict,
    )


@pytest.mark.parametrize(
    ("cards", "answer"),
    [
        (
            [make_card("Rating", "gain"), make_card("Retention", "unclear")],
            "Learners did better than like colleagues in rating (+5.0 %); retention is "
            "unclear",
        ),
        (
            [make_card("Rating", "gain", evidence=4)],
            "Learning improved rating (+5.0 %)",
        ),
        (
            [make_card("Rating", "gain", evidence=5), make_card("KPI", "gain")],
            "Learners did better than like colleagues in rating (+5.0 %) and KPI "
            "(+5.0 %)",
        ),
        (
            [make_card("Moves", "loss", -0.05), make_card("Rating", "none")],
            f"Learners did worse in moves ({MINUS}5.0 %); rating did not change enough "
            "to matter",
        ),
        (
            [make_card("Rating", "none"), make_card("Moves", "none")],
            "Learning did not change rating or moves enough to matter",
        ),
        (
            [make_card("Rating", "unclear"), make_card("Moves", "none")],
            "Whether learning paid is unclear: no measure moved beyond its error",
        ),
        ([], "What learning changed cannot be said for 2026 Q3"),
    ],
)
def test_the_title_states_the_answer(cards, answer):
    assert state_answer(cards, quarter="2026 Q3").replace(GAP, " ") == answer


def test_a_card_in_a_sentence():
    text = describe_kpi(make_card("Rating", "gain", verdict="yes")).replace(GAP, " ")
    assert text == (
        "Rating: +5.0 % (+3.0 to +7.0 %); the whole interval reaches the target."
    )
    absent = Kpi(
        measure=make_card("a", "gain").measure,
        label="ROI",
        status="unmeasured",
        reason="It needs prices.",
    )
    assert describe_kpi(absent) == "ROI: not measured. It needs prices."


def test_findings_count_locate_and_unmask(data):
    first, second, third = (
        item.replace(GAP, " ") for item in state_findings(select_effects(data))
    )
    assert first == (
        "Of 7 comparisons (3 personas, 3 outcomes), 2 show a gain, 1 a loss and 1 no "
        "change that matters; 3 are unclear."
    )
    assert "+10.0 % in performance rating of Team leads" in second
    assert "Support, later years gained in no measure beyond the error" in second
    assert "would have shown +0.79 rating points" in third
    empty = select_effects(data).iloc[:0]
    assert "No comparison" in state_findings(empty)[0]


def test_decisions_follow_the_findings(data):
    found = list_decisions(data, select_effects(data))
    verbs = [item.verb for item in found]
    assert verbs == ["Review", "Continue", "Measure again", "Repair", "Find out"]
    review, keep, again, repair, access = (
        item.text.replace(GAP, " ") for item in found
    )
    assert review.startswith("“Leading people” for Team leads before the next intake")
    assert f"Internal moves {MINUS}5.0 of 100 people" in review
    assert "it gains in Performance rating +0.30" in review
    assert "evidence 2" in keep
    ratio = (1.959963984540054 * 0.03 / (0.05 * 0.8)) ** 2
    assert f"with {ratio:.1f} times as many learners" in again
    assert "lms: it scores 55 of 100" in repair
    assert "male (gender) among Team leads learn 0.70 times as often" in access


def test_a_programme_without_effect_is_not_extended(data):
    rows = select_effects(data)
    flat = rows[rows["finding"] == "none"]
    found = list_decisions(data, flat)
    assert found[0].verb == "Do not extend"
    assert "no change that matters in Performance rating" in found[0].text


def test_limitations_name_assumption_controls_and_what_is_withheld(data):
    effects = select_effects(data)
    text = " ".join(list_limitations(data, effects, build_scorecard(data, effects)))
    assert "None of the effects rests on chance assignment" in text
    assert "did not move beyond its error in any of 3 comparisons" in text
    assert f"1{GAP}comparison on fewer than 10 people is not shown" in text
    assert "Without an answer: Internal moves of Support, first year" in text
    assert "Not measured yet: Time to proficiency" in text
    assert "920 of 1,000" in text.replace(GAP, " ")
    moved = effects.assign(ci_low=effects["ci_low"].mask(effects["control"], 0.001))
    text = " ".join(list_limitations(data, moved, ()))
    assert "moved in 3 of 3 comparisons" in text
    assert "differ in something unrecorded" in text
    chance = effects.assign(evidence=pd.array([5] * len(effects), dtype="Int64"))
    text = " ".join(list_limitations(data, chance, ()))
    assert "All effects rest on chance assignment" in text


def test_limitations_of_a_quarter_without_results(bare):
    data = BriefData.open(org="alder", quarter=QUARTER)
    effects = select_effects(data)
    text = " ".join(list_limitations(data, effects, build_scorecard(data, effects)))
    assert "The matched comparison of Team leads has not been run" in text
    assert "The audit left no count of consent" in text


def test_words():
    assert join_words([]) == ""
    assert join_words(["a"]) == "a"
    assert join_words(["a", "b", "c"]) == "a, b and c"
    assert lower_first("KPI attainment") == "KPI attainment"
    assert lower_first("Skill proficiency") == "skill proficiency"
    assert lower_first("") == ""
