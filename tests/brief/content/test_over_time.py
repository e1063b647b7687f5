"""Outcomes that take time: which design stands, curves, what is expected, levels."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from tests.brief.content.later_stages import (
    RETENTION,
    make_curves,
    make_experiment,
    make_survival,
    save,
)
from tests.brief.content.project import (
    BEFORE,
    PROGRAM_OF,
    QUARTER,
    make_row,
    write_results,
)
from tests.brief.content.test_pages import open_page, read
from workbench.brief.cards import draw_cards, tabulate_cards
from workbench.brief.changes import tabulate_changes
from workbench.brief.effects import select_effects
from workbench.brief.levels import pool_level, read_levels
from workbench.brief.limitations import list_limitations
from workbench.brief.pages_index import IndexPage
from workbench.brief.pages_methods import MethodsPage
from workbench.brief.pages_persona import PersonaPage
from workbench.brief.results import BriefData
from workbench.brief.rivals import describe_rivals, find_rivals
from workbench.brief.scorecard import build_scorecard
from workbench.brief.stage_exhibits import exhibit_first
from workbench.core.results import StageResult


@pytest.fixture(autouse=True)
def _no_titles(monkeypatch):
    for module in ("pages_index", "pages_persona"):
        monkeypatch.setattr(
            f"workbench.brief.{module}.show_title", lambda *_, **__: None
        )


def open_data(persona="leads"):
    return BriefData.open(org="alder", quarter=QUARTER, persona=persona)


def make_read(*estimates):
    tables = make_experiment(outcome=RETENTION).tables
    return StageResult(
        stage="ab",
        estimates=estimates,
        tables={"experiments": tables["experiments"]},
    )


def find_row(data, persona="leads", outcome=RETENTION):
    table = select_effects(data)
    rows = table[(table["persona"] == persona) & (table["outcome"] == outcome)]
    assert len(rows) == 1, "one number per outcome and persona"
    return rows.iloc[0]


def test_people_followed_stand_before_closed_windows_of_the_same_grade(project):
    save(project, "leads", make_survival())
    row = find_row(open_data())
    assert (row["stage"], row["method"]) == ("survival", "km")
    assert row["naive"] == pytest.approx(0.11), "that of its own stage"


def test_a_check_that_fails_for_the_followed_only_lets_matching_stand(project):
    save(project, "leads", make_survival(evidence=1))
    assert find_row(open_data())["stage"] == "psm"


def test_where_both_fail_a_check_the_followed_stand_whatever_the_grades(project):
    key = ("leads", RETENTION)
    save(project, "leads", make_survival(evidence=0))
    closed = make_row(*key, 0.12, 0.1, evidence=1)
    save(project, "leads", StageResult(stage="psm", estimates=(closed,)))
    row = find_row(open_data())
    assert (row["stage"], row["evidence"]) == ("survival", 0)


def test_an_invitation_stands_behind_learning_of_the_same_grade(project):
    key = ("leads", RETENTION)
    invited = make_row(*key, 0.02, 0.03, stage="ab", method="ab_itt", evidence=2)
    save(project, "leads", make_read(invited))
    assert find_row(open_data())["stage"] == "psm"
    learnt = make_row(
        *key, 0.04, 0.06, stage="ab", method="ab_iv", evidence=2, headline=False
    )
    save(project, "leads", make_read(invited, learnt))
    row = find_row(open_data())
    assert (row["method"], row["estimate"]) == ("ab_iv", 0.04)


def test_an_invitation_is_in_no_mean_of_effects_of_learning(project):
    key = ("leads", RETENTION)
    invited = make_row(*key, 0.20, 0.03, stage="ab", method="ab_itt", evidence=5)
    save(project, "leads", make_read(invited))
    data = open_data()
    assert find_row(data)["method"] == "ab_itt"
    cards = {item.measure.id: item for item in build_scorecard(data)}
    card = cards[RETENTION]
    assert card.pooled.effect == pytest.approx(0.03)
    assert card.left_out == ("Team leads",)


def test_designs_that_disagree_are_named_and_both_shown(project):
    save(project, "leads", make_survival(effect=-0.09))
    data = open_data()
    effects = select_effects(data)
    found = find_rivals(data, effects)
    assert list(found["agree"]) == ["no"]
    assert found["gap"].iloc[0] == pytest.approx(0.12)
    said = describe_rivals(data, effects)[0].replace("\xa0", " ")
    assert said.startswith("Team leads, 12-month retention: following everybody")
    assert "−9.0 of 100 people, matching says +3.0 of 100 people" in said
    assert "The first is reported, as it also reads learners whose time" in said
    assert said.replace(" ", "\xa0") in "".join(
        list_limitations(data, effects, ())
    ).replace(" ", "\xa0")
    text, _ = read(open_page(PersonaPage))
    assert "12-month retention: following everybody over time says" in text


@pytest.mark.parametrize(
    ("effect", "error", "agree"), [(0.031, 0.02, "yes"), (0.08, 0.012, "unclear")]
)
def test_agreement_needs_each_interval_to_hold_the_other(project, effect, error, agree):
    save(project, "leads", make_survival(effect=effect, error=error))
    data = open_data()
    assert list(find_rivals(data, select_effects(data))["agree"]) == [agree]
    assert describe_rivals(data, select_effects(data)) == []


def test_the_section_shows_horizon_days_ratio_curves_and_levels(project):
    save(project, "leads", make_survival())
    page = open_page(PersonaPage)
    text = page.show_over_time().text.replace("\xa0", " ")
    assert "+6.1 of 100" in text
    assert "+9 days, mean<br>" in text
    assert ">Days until then differ by</th>" in text
    assert ">0.62<br>" in text
    assert "hazard ratio of 0.38 (0.28 to 0.48), part of which is only" in text
    assert "from the day they had learnt it is 0.71 (0.61 to 0.81)" in text
    assert "Learner NPS" in text
    assert "35 to 49 %" in text
    shown = page.choose_curves()
    assert shown.panels[0][0].replace("\xa0", " ") == (
        "12-month retention: 92 % of learners, 86 % of matched others after 365 days"
    )
    assert set(shown.panels[0][1]["cause"]) == {"resignation"}


def test_days_that_are_medians_say_so_under_the_same_head(project):
    made = make_survival()
    days = tuple(
        replace(item, method="km_median") if item.method == "rmst" else item
        for item in made.estimates
    )
    save(project, "leads", replace(made, estimates=days))
    text = open_page(PersonaPage).show_over_time().text.replace("\xa0", " ")
    assert "+9 days, median<br>" in text
    assert "Mean days until then" not in text


def test_what_is_predicted_is_marked_and_in_no_other_number(project):
    save(project, "leads", make_survival())
    page = open_page(PersonaPage)
    text = page.show_over_time().text.replace("\xa0", " ")
    assert "Predicted, not observed" in text
    assert "78 %" in text
    assert "73 to 83 %" in text
    assert "Others, predicted" not in text, "kept back"
    index, _ = read(open_page(IndexPage))
    assert "78 %" not in index
    assert "77.7" not in index
    title, curve = page.choose_curves().panels[0]
    assert "78" not in title
    assert not curve["extrapolated"].any()
    guessed = make_curves({"program": "leading", "outcome": RETENTION})
    guessed.loc[guessed["time"] > 182, "extrapolated"] = True
    save(project, "leads", make_survival(curves=guessed))
    title, curve = open_page(PersonaPage).choose_curves().panels[0]
    assert curve["time"].max() == 182
    assert title.endswith("after 182 days; later too few are left")


def test_a_curve_that_ends_early_says_so(project):
    short = make_curves({"program": "leading", "outcome": RETENTION}, last=274.0)
    save(project, "leads", make_survival(curves=short))
    title, _ = open_page(PersonaPage).choose_curves().panels[0]
    assert title.endswith("after 274 days; later too few are left")


def test_withheld_and_refused_outcomes_have_no_number(project):
    own = {"stage": "survival", "method": "km"}
    small = make_row("leads", RETENTION, 0.4444, 0.1, n_treated=4, **own)
    nothing = dict.fromkeys(("ci_low", "ci_high", "p_value"), math.nan)
    refused = make_row(
        "leads",
        "internal_mobility_12m",
        math.nan,
        math.nan,
        **own,
        **nothing,
        limitation="Not answerable: nobody was followed for a year.",
    )
    result = StageResult(stage="survival", estimates=(small, refused))
    save(project, "leads", result)
    page = open_page(PersonaPage)
    text = page.show_over_time().text
    assert "not shown" in text
    assert "no answer" in text
    assert "44.4" not in text
    assert not page.choose_curves().panels
    assert "Neither surveys nor" in text


def test_a_persona_without_the_stage_says_why(project):
    none = StageResult(
        stage="survival", status="not_applicable", reason="no programme names it"
    )
    save(project, "leads", none)
    text = open_page(PersonaPage).show_over_time().text
    assert "The comparison over time does not apply this quarter: no prog" in text


def test_levels_are_cards_without_grade_and_hold_against_their_target(project):
    save(project, "leads", make_survival())
    save(project, "newcomers", make_survival("newcomers"))
    data = open_data()
    assert len(read_levels(data)) == 4
    nps, share = (pool_level(data, name) for name in ("learner_nps", "manager_actions"))
    assert nps.value == pytest.approx(31.0)
    assert nps.high - nps.low == pytest.approx(14 / math.sqrt(2), rel=0.01)
    assert (nps.verdict, share.verdict) == ("", "no")
    cards = build_scorecard(data)
    text = draw_cards(cards).text.replace("\xa0", " ")
    assert "a level, not an effect" in text
    assert "Target: 50 % or more" in text
    table = tabulate_cards(cards).text
    assert "Learner NPS (a level, not an effect)" in table
    findings, _ = read(open_page(IndexPage))
    assert "31 points" in findings.replace("\xa0", " ")


def test_levels_stand_beside_those_of_the_quarter_before(project):
    write_results(project, BEFORE)
    before = project / "outputs" / "alder" / BEFORE / "leads" / "survival"
    made = make_survival()
    fewer = made.tables["levels"].assign(value=[20.0, 0.3], n=[100, 80])
    make_survival(levels=fewer).save(before)
    save(project, "leads", made)
    data = open_data()
    rows = {
        item["label"]: item for item in tabulate_changes(data, build_scorecard(data))
    }
    nps, share = rows["Learner NPS"], rows["Managers who follow up"]
    assert (nps["before"], nps["now"]) == ("20 points", "31 points")
    assert nps["why"] == "a level; answers: 100, now 210"
    assert share["why"] == "a level; learners: 80, now 150"


def test_a_level_of_too_few_is_in_no_mean(project):
    made = make_survival()
    hidden = made.tables["levels"].assign(value=math.nan, std_error=math.nan)
    save(project, "leads", make_survival(levels=hidden))
    assert pool_level(open_data(), "learner_nps") is None
    assert pool_level(open_data(), "unknown") is None


def test_skills_before_and_after_stand_beside(project):
    path = project / "outputs" / "alder" / QUARTER / "leads" / "psm"
    key = {"program": PROGRAM_OF["leads"], "outcome": "skill_proficiency"}
    rows = [
        {**key, "arm": arm, "before": 40.0, "after": after, "people": 100}
        | {"change": after - 40, "low": after - 41, "high": after - 39}
        for arm, after in (("learners", 52.0), ("others", 46.0))
    ]
    pd.DataFrame(rows).to_parquet(path / "changes.parquet")
    text = open_page(PersonaPage).show_over_time().text
    assert "+12.0 (11.0 to 13.0)" in text


def test_a_gain_on_weak_evidence_is_a_hint_in_the_title(project, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "workbench.brief.pages_persona.show_title",
        lambda title, **_: shown.append(title),
    )
    closed = StageResult(stage="psm", estimates=())
    save(project, "leads", closed)
    save(project, "leads", StageResult(stage="did"))
    save(project, "leads", make_survival(evidence=1))
    open_page(PersonaPage).show_answer()
    assert shown == ["Team leads: hint of a gain in 12-month retention"]


def test_the_methods_page_says_why_a_training_date_is_never_time_zero(project):
    text, _ = read(open_page(MethodsPage))
    assert "The day of a course is never the start" in text
    assert "Below p = 0.001 nothing of the experiment is read or shown" in text
    for term in (
        "Always-valid interval",
        "Censoring",
        "Competing risk",
        "Compliance",
        "CUPED",
        "Hazard ratio",
        "Intention to treat",
        "Landmark",
        "Restricted mean",
        "Sample ratio",
    ):
        assert f"<dt>{term}</dt>" in text


def test_the_figure_of_the_notebook_grows_with_its_panels():
    words = {"describe": str, "alt": str, "caption": "Curves."}
    made = make_survival()
    one = exhibit_first(made, "curves", **words)
    two = exhibit_first(made, "curves", panels="cause", **words)
    assert two.fixed_height > one.fixed_height
    assert list(two.panels[0][1]["cause"].unique()) == ["resignation", "other exit"]
