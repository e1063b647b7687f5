"""Two designs on the pages: both shown, one stands, disagreement is said."""

from __future__ import annotations

import re

import pytest

from workbench.brief.answers import count_findings
from workbench.brief.effects import select_effects
from workbench.brief.limitations import list_limitations
from workbench.brief.narrative import describe_effect
from workbench.brief.persona_evidence import (
    choose_course,
    choose_groups,
    show_groups,
    show_robustness,
    show_second_design,
)
from workbench.brief.persona_tables import tabulate_reported
from workbench.brief.scorecard import build_scorecard
from workbench.brief.triangulated import (
    describe_disagreements,
    list_overturns,
    read_triangulation,
    tabulate_triangulation,
)


def own_effects(data, persona):
    effects = select_effects(data)
    return effects[effects["persona"] == persona]


def test_the_design_that_stands_is_taken_with_the_common_grade(data):
    effects = select_effects(data)
    rating = effects[effects["outcome"] == "performance_rating"].set_index("persona")
    assert rating["method"].to_dict() == dict.fromkeys(rating.index, "psm_nn")
    grades = rating["evidence"].astype(int).to_dict()
    assert grades == {"leads": 3, "newcomers": 2, "veterans": 1}


def test_without_the_second_design_grades_stay_as_they_were(project, data):
    for persona in ("leads", "newcomers", "veterans"):
        folder = project / "outputs" / "alder" / "2026Q3" / persona / "did"
        (folder / "triangulation.parquet").unlink()
        (folder / "estimates.parquet").unlink()
    again = type(data).open(org="alder", quarter="2026Q3")
    assert read_triangulation(again).empty
    effects = select_effects(again)
    assert set(effects["evidence"].dropna().astype(int)) == {2}


def test_a_disagreement_is_said_with_both_numbers_and_the_reason(data):
    (sentence,) = describe_disagreements(data)
    assert sentence.startswith("Support, later years, performance rating: matching")
    assert "-0.30" in sentence.replace("\u2212", "-")
    assert "An odd" in sentence
    effects = select_effects(data)
    limits = list_limitations(data, effects, build_scorecard(data))
    assert sentence in limits


@pytest.mark.parametrize(
    ("persona", "word"),
    [("leads", "agree"), ("newcomers", "cannot be told"), ("veterans", "disagree")],
)
def test_the_table_shows_both_designs(data, persona, word):
    text = tabulate_triangulation(data, data.params.find_persona(persona)).text
    assert f">{word}<" in text
    assert "Before and after" in text
    assert "<b>quarter</b>" not in text
    assert not re.search(r"(?<![\w.])-\d", re.sub(r"<[^>]*>", "", text))
    between = "The effect lies between \N{MINUS SIGN}0.1 and 0.3."
    assert (between in text) == (word == "disagree")


def test_what_would_overturn_a_number_is_listed(data):
    leads = data.params.find_persona("leads")
    text = list_overturns(data, leads, own_effects(data, "leads")).text
    assert "Performance rating: A cause twice as strong" in text


def test_what_would_overturn_matching_is_not_said_of_another_design(data):
    leads = data.params.find_persona("leads")
    effects = own_effects(data, "leads")
    for stage, words in (("ab", "the experiment"), ("survival", "following people")):
        text = list_overturns(data, leads, effects.assign(stage=stage)).text
        assert "A cause twice as strong" not in text
        assert f"The reported number is that of {words}" in text
        assert "Parking permit" not in text


def test_variants_are_counted_by_how_they_read(data):
    leads = data.params.find_persona("leads")
    text = show_robustness(data, leads, own_effects(data, "leads")).text
    assert "75 % of 4 variants" in text.replace("\u202f", " ").replace("\xa0", " ")
    assert "What would overturn this" in text


def test_groups_are_compared_and_hidden_ones_are_not_shown(data):
    leads = data.params.find_persona("leads")
    text = show_groups(data, leads).text
    assert "female less male" in text
    assert "diverse" not in text
    assert len(choose_groups(data, leads).panels) == 1


def test_the_course_has_a_panel_per_outcome_with_its_finding(data):
    exhibit = choose_course(data, data.params.find_persona("leads"))
    ((title, rows),) = exhibit.panels
    assert title.startswith("Performance rating, before and after: +0.27")
    assert len(rows) == 4


def test_without_a_second_design_the_page_says_so(project, data):
    for name in ("did", "psm"):
        folder = project / "outputs" / "alder" / "2026Q3" / "leads" / name
        for path in folder.glob("*.parquet"):
            path.unlink()
    again = type(data).open(org="alder", quarter="2026Q3")
    leads = again.params.find_persona("leads")
    assert "No second design" in show_second_design(again, leads).text
    assert "not estimated" in show_groups(again, leads).text
    assert choose_course(again, leads).panels == ()
    assert choose_groups(again, leads).panels == ()
    effects = own_effects(again, "leads")
    assert "No number stands" in show_robustness(again, leads, effects).text


def test_an_effect_from_before_and_after_is_not_called_one_of_colleagues(data):
    row = select_effects(data).iloc[0].to_dict()
    gain = {**row, "finding": "gain", "stage": "did"}
    assert "against others, before to after" in describe_effect(gain)
    assert "like colleagues" not in describe_effect(gain)
    assert "like colleagues" in describe_effect({**gain, "stage": "psm"})


def test_the_table_of_reported_estimates_names_another_design(data):
    effects = select_effects(data)
    assert "before and after)" not in tabulate_reported(data, effects).text
    swapped = effects.assign(stage="did")
    assert "Performance rating (before and after)" in (
        tabulate_reported(data, swapped).text
    )


def test_hints_are_counted_apart(data):
    effects = select_effects(data)
    gain = effects["finding"] == "gain"
    effects.loc[gain, "evidence"] = 1
    assert "of them only a hint)" in count_findings(effects)
