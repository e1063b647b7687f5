"""Sentences: every way a number can turn out, and nothing the numbers do not carry."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from tests.brief.content.project import QUARTER
from workbench.brief.answers import (
    count_findings,
    state_answer,
    state_findings,
    state_measures,
)
from workbench.brief.decisions import list_decisions
from workbench.brief.effects import classify_effect, select_effects
from workbench.brief.formatting import MINUS
from workbench.brief.limitations import list_limitations, report_redeclared
from workbench.brief.measures import Measure
from workbench.brief.narrative import (
    compare_naive,
    describe_contradiction,
    describe_effect,
    join_words,
    lower_first,
)
from workbench.brief.pages_persona import PersonaPage
from workbench.brief.pooling import Pooled
from workbench.brief.results import BriefData
from workbench.brief.scorecard import Kpi, build_scorecard
from workbench.core.declared import keep_declared

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


def test_a_sentence_may_begin_with_the_outcome():
    text = describe_effect(make(0.15, 0.25), subject="")
    assert text.startswith("Performance rating is higher by")


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


def make_rows(*findings):
    """Make rows of effects: persona, finding, evidence."""
    columns = ["persona", "finding", "evidence", "control"]
    return pd.DataFrame([(*item, False) for item in findings], columns=columns)


def make_main(verdict):
    card = make_card("Rating", "gain", verdict=verdict)
    return replace(card, measure=replace(card.measure, main=True))


@pytest.mark.parametrize(
    ("findings", "verdicts", "answer"),
    [
        (
            [("a", "gain", 2), ("a", "none", 2), ("b", "unclear", 2)],
            ["no", "unclear"],
            "Learners did better than like colleagues in 1 of 2 personas; no target is "
            "met yet",
        ),
        (
            [("a", "gain", 2), ("b", "gain", 2), ("b", "loss", 2)],
            ["yes", "no"],
            "Learners did better than like colleagues in 2 of 2 personas, worse in 1; "
            "1 of 2 targets is met",
        ),
        (
            [("a", "gain", 4)],
            ["yes"],
            "Learning helped in 1 of 1 persona; 1 of 1 target is met",
        ),
        (
            [("a", "gain", 1), ("b", "none", 2)],
            ["no"],
            "In none of 2 personas did learners do better beyond the error; no target "
            "is met yet",
        ),
        (
            [("a", "loss", 2)],
            [],
            "Learners did worse than like colleagues in 1 of 1 persona; no target "
            "could be judged",
        ),
        (
            [("a", "suppressed", 2)],
            [],
            "What learning changed cannot be said for 2026 Q3",
        ),
    ],
)
def test_the_title_states_the_answer(findings, verdicts, answer):
    cards = [make_main(item) for item in verdicts]
    assert state_answer(make_rows(*findings), cards, quarter="2026 Q3") == answer


@pytest.mark.parametrize(
    ("cards", "sentence"),
    [
        (
            [make_card("Rating", "gain"), make_card("Retention", "unclear")],
            "Over all personas learners did better in rating (+5.0 %); retention is "
            "unclear.",
        ),
        (
            [make_card("Rating", "gain", evidence=1), make_card("KPI", "gain")],
            "Over all personas learners did better in KPI (+5.0 %); a gain in rating "
            "(+5.0 %) is a hint only, as part of the comparison fails a check or has "
            "too few people.",
        ),
        (
            [make_card("Moves", "loss", -0.05), make_card("Rating", "none")],
            f"Over all personas learners did worse in moves ({MINUS}5.0 %); rating did "
            "not change enough to matter.",
        ),
        ([], ""),
    ],
)
def test_measures_over_all_personas_in_a_sentence(cards, sentence):
    assert state_measures(cards).replace(GAP, " ") == sentence


def test_findings_sum_up_locate_and_unmask(data):
    effects = select_effects(data)
    first, second, third = (
        item.replace(GAP, " ")
        for item in state_findings(effects, build_scorecard(data, effects))
    )
    assert first.startswith("Over all personas learners did better in performance rat")
    largest = "+10.0 % (+7.4 to +12.6 %) in performance rating of Team leads"
    assert f"The largest gain against its baseline is {largest}" in second
    assert "Support, later years gained in no measure beyond the error" in second
    assert f"Team leads did worse in internal moves ({MINUS}5.0 of 100" in second
    losses = effects[effects["finding"].isin(["loss", "unclear"])]
    assert "No persona gained in any measure" in state_findings(losses, ())[0]
    assert "would have shown +0.79 rating points" in third
    assert count_findings(effects) == (
        "Of 7 comparisons (3 personas, 3 outcomes), 2 show a gain, 1 a loss and 1 no "
        "change that matters; 3 are unclear."
    )
    assert "No comparison" in state_findings(effects.iloc[:0], ())[0]
    assert count_findings(effects.iloc[:0]) == ""


def test_a_hint_is_the_largest_gain_only_where_there_is_no_other(data):
    effects = select_effects(data)
    gains = effects.index[effects["finding"] == "gain"]
    effects.loc[gains[0], "evidence"] = 1
    second = state_findings(effects, ())[0]
    assert "is +6.7 % (+3.4 to +9.9 %) in performance rating of Support, first" in (
        second.replace(GAP, " ")
    )
    effects.loc[gains, "evidence"] = 1
    second = state_findings(effects, ())[0].replace(GAP, " ")
    assert "The largest gain against its baseline, a hint only, is +10.0 %" in second


def test_a_false_alarm_of_the_plain_difference_goes_before_a_larger_one(data):
    effects = select_effects(data)
    flat = effects.index[effects["finding"] == "none"][0]
    effects.loc[flat, ["naive", "naive_low", "naive_high"]] = [0.3, 0.2, 0.4]
    text = state_findings(effects, ())[-1]
    assert "of Support, later years would have shown" in text


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


def test_a_gain_on_a_failed_check_is_to_be_confirmed(data):
    rows = select_effects(data)
    gains = rows[(rows["finding"] == "gain") & (rows["persona"] == "leads")]
    weak = gains.assign(evidence=1)
    found = list_decisions(data, weak)[0]
    assert found.verb == "Confirm"
    assert "with a second design before it is extended" in found.text
    assert "only a hint of a gain in Performance rating +0.30" in found.text


def test_decisions_name_hints_as_hints(data):
    rows = select_effects(data)
    leads = rows[rows["persona"] == "leads"]
    gain = leads[leads["finding"] == "gain"]
    other = gain.assign(outcome_label="KPI", evidence=1)
    found = list_decisions(data, pd.concat([gain, other]))[0]
    assert found.verb == "Continue"
    assert "evidence 3); only a hint of a gain in KPI +0.30" in found.text
    loss = leads[leads["finding"] == "loss"]
    found = list_decisions(data, pd.concat([loss, other]))[0]
    assert found.verb == "Review"
    assert "against what is wanted; only a hint of a gain in KPI" in found.text
    weak = list_decisions(data, loss.assign(evidence=1))[0]
    assert "only a hint of a loss in Internal moves" in weak.text


def test_unequal_access_counts_only_beyond_chance(data):
    access = data.stage("personas").table("access")
    wide = access.assign(ratio_ci_low=0.3, ratio_ci_high=1.6)
    tables = dict(data.stage("personas").tables) | {"access": wide}
    groups = replace(data.stage("personas"), tables=tables)
    stages = dict(data.stages) | {("personas", "_all"): groups}
    verbs = [
        item.verb
        for item in list_decisions(replace(data, stages=stages), select_effects(data))
    ]
    assert "Find out" not in verbs


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
    assert "moved beyond its error in 3 of 3 comparisons, which may be chance" in text
    sure = moved.assign(p_value=moved["p_value"].mask(moved["control"], 0.01))
    text = " ".join(list_limitations(data, sure, ()))
    assert "learners and their matches differ in something unrecorded" in text
    chance = effects.assign(stage="ab")
    text = " ".join(list_limitations(data, chance, ()))
    assert "All effects rest on chance assignment" in text
    controls = effects["control"].astype(bool)
    some = effects.assign(stage=effects["stage"].mask(controls, "ab"))
    text = " ".join(list_limitations(data, some, ()))
    assert "None of the effects rests on chance" in text, "controls are not counted"
    first = effects.index[effects["estimate"].notna() & ~controls][0]
    effects.loc[first, "stage"] = "ab"
    text = " ".join(list_limitations(data, effects, ()))
    assert "1 of 7 effects rest on chance assignment" in text


def test_a_threshold_changed_after_the_first_run_is_a_limitation(project):
    folder = project / "outputs" / "alder" / QUARTER
    params = BriefData.open(org="alder", quarter=QUARTER).params
    keep_declared(folder, params.outcomes)
    path = params.folder / "outcomes.yml"
    text = path.read_text(encoding="utf-8")
    assert "relative: 0.05" in text
    path.write_text(text.replace("relative: 0.05", "relative: 0.01", 1))
    data = BriefData.open(org="alder", quarter=QUARTER)
    said = list_limitations(data, select_effects(data), ())
    assert "declared otherwise after the data of this quarter had been seen" in said[1]
    assert "relative 0.05, now relative 0.01" in said[1]
    for persona in ("leads", "veterans"):
        own = BriefData.open(org="alder", quarter=QUARTER, persona=persona)
        text = PersonaPage.create(own).show_designs().text
        assert "Declared anew." in text
        assert said[1] in text
        assert text.index("Declared anew.") < text.index("tbl-reported")


def test_the_own_threshold_of_a_persona_counts_as_declared_anew(project):
    folder = project / "outputs" / "alder" / QUARTER
    params = BriefData.open(org="alder", quarter=QUARTER).params
    keep_declared(folder, params.outcomes)
    page = PersonaPage.create(
        BriefData.open(org="alder", quarter=QUARTER, persona="leads")
    )
    assert "Declared anew." not in page.show_designs().text
    path = params.folder / "outcomes.yml"
    text = path.read_text(encoding="utf-8")
    own = "personas: {leads: {relative: 0.01}},\n   target: [0.05, 0.10]"
    path.write_text(text.replace("target: [0.05, 0.10]", own, 1))
    data = BriefData.open(org="alder", quarter=QUARTER, persona="leads")
    (said,) = report_redeclared(data, ["performance_rating"])
    assert "thresholds of personas" in said
    assert report_redeclared(data, ["retention_12m"]) == []
    assert "thresholds of personas" in PersonaPage.create(data).show_designs().text


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
