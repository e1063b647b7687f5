"""What is prescribed, on the pages: actions, personas, index, methods."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from tests.brief.content.later_stages import save
from tests.brief.content.prescribed_stages import (
    HIDDEN,
    PERSON,
    make_portfolio,
    make_prescription,
)
from tests.brief.content.project import QUARTER
from workbench.brief.pages_actions import ActionsPage
from workbench.brief.prescribing.persona_path import show_path
from workbench.brief.prescribing.predictions import (
    describe_calibration,
    describe_sorting,
    show_cards,
    show_predictions,
)
from workbench.brief.prescribing.prescribed_methods import show_prescribing
from workbench.brief.prescribing.prescribed_next import list_prescribed, show_prescribed
from workbench.brief.prescribing.recommendations import (
    show_adherence,
    show_calendar,
    show_counts,
)
from workbench.brief.results import BriefData
from workbench.core.results import StageResult

GAP = "\N{NO-BREAK SPACE}"


def open_data(persona=None):
    return BriefData.open(org="alder", quarter=QUARTER, persona=persona)


def open_page():
    return ActionsPage.create(open_data())


def read(block):
    """Return a block's words: without tags, and with plain spaces."""
    text = re.sub(r"<[^>]+>", " ", block.text).replace(GAP, " ")
    return re.sub(r"\s+", " ", text)


def show_own(persona):
    data = open_data()
    return read(show_path(data, data.params.find_persona(persona)))


def leave(root, persona, stage, **more):
    save(root, persona, StageResult(stage=stage, **more))


def change(root, stage, name, **columns):
    """Change columns of a table that a stage left for all personas."""
    path = root / "outputs" / "alder" / QUARTER / "_all" / stage / f"{name}.parquet"
    pd.read_parquet(path).assign(**columns).to_parquet(path)


def test_the_portfolio_says_what_to_do_with_each_module(project):
    page = open_page()
    text = read(page.show_portfolio())
    assert "Retire “Hard &lt;b&gt;closing&lt;/b&gt;” for Team leads: harm of −0.90" in (
        text
    )
    assert "Boost “Giving feedback” for Team leads: a gain of +1.20" in text
    assert "1 module on under 10 people on one side: not shown." in text
    assert "boost" not in read(page.show_paths()).split("Support, later years")[-1]


def test_modules_stand_with_numbers_reasons_and_counts(project):
    text = read(open_page().show_paths())
    assert "✓ boost +4.80 +2.00 to +7.60 +1.20 +0.50 to +1.90 boost: invented" in text
    assert "? watch explore +0.40 −1.20 to +2.00" in text
    assert "2.5 hours, EUR 120; 150 / 40" in text
    assert "– keep – – keep: invented for c." in text
    assert "190 / 0" in text
    assert "Not shown, as too few people took it or went without it." in text


def test_paths_say_order_practice_prompt_and_why_there_is_none(project):
    text = read(open_page().show_paths())
    assert "Giving feedback → Planning a week +1.30 +0.40 to +2.20 5 hours" in text
    assert "1. Giving feedback self paced" in text
    assert "On the job: Try a on &lt;i&gt;Monday&lt;/i&gt;" in text
    assert "The manager (coaching talk): “How did a go?”" in text
    assert "There is nothing left to learn here." in text
    assert "No path keeps to all limits: 2 hours are too few for d." in text


def test_what_is_withheld_stands_nowhere(project):
    data = open_data()
    page = ActionsPage.create(data)
    exhibits = [
        page.choose_modules(),
        page.choose_policies(),
        page.choose_access(),
        page.choose_frontier(),
    ]
    drawn = [frame.to_csv() for item in exhibits for _, frame in item.panels]
    shown = [
        getattr(page, name)().text
        for name in dir(page)
        if name.startswith("show_") and name != "show_answer"
    ]
    shown += [show_path(data, item).text for item in data.params.personas]
    shown += [show_prescribing(data).text, show_prescribed(data).text]
    text = " ".join([*drawn, *shown, *(item.alt for item in exhibits)])
    assert str(HIDDEN) not in text
    assert f"{4 * HIDDEN:.2f}" not in text
    assert PERSON[:-6] not in text
    assert "boss" not in text


def test_figures_state_their_finding_and_read_aloud(project):
    page = open_page()
    modules = page.choose_modules()
    assert "5 modules of 7 have a number" in modules.caption.replace(GAP, " ")
    assert "Support, later years, Ticket tools −0.80 (watch)" in modules.alt
    assert "Team leads, chosen +0.70" in page.choose_policies().alt
    access = [title for title, _ in page.choose_access().panels]
    assert access == ["Prescribed: 3 more, 3 less", "Taken up: 3 more, 3 less"]
    ((title, rows),) = page.choose_frontier().panels
    assert title == (
        "Team leads: a floor of 1 costs 0.06 of 0.70 thresholds a seat by gender and "
        "0.06 of 0.70 thresholds a seat by shift"
    )
    assert set(rows["attribute"]) == {"gender", "shift"}


def test_policies_are_words_and_a_table(project):
    text = read(open_page().show_policies())
    assert (
        "Team leads. Seats for 40 % of people on this path are worth +0.70 thresholds"
        in text
    )
    assert "Seats go by &lt;b&gt;need&lt;/b&gt;." in text
    # newcomers and veterans are offered no path, so no order of seats is spoken of
    assert "less than what was done" not in text
    assert "cannot be told" not in text
    assert "Team leads +0.30 +0.20 to +0.40 +0.70 +0.60 to +0.80 +0.40" in text


def test_access_names_groups_that_differ_and_the_price_of_the_floor(project):
    text = read(open_page().show_access())
    assert "below 0.8 or above 1.25 times the largest group's: prescribed 3 of 6" in (
        text
    )
    assert "taken up 0 of 6 groups" in text
    assert "female gender Team leads 70 29 % 0.70 0.55 to 0.85" in text
    assert "diverse" not in text
    assert "Support, first year: a floor of" in text
    assert "costs nothing." in text


def test_people_prescribed_and_quarters_taken_up_are_not_taken_for_each_other(project):
    result = make_prescription("leads")
    access = result.tables["access"]
    rows = access["n"] + (access["kind"] == "taken_up") * 900
    tables = {**result.tables, "access": access.assign(n=rows)}
    save(project, "leads", StageResult(stage="prescription", tables=tables))
    text = read(open_page().show_access())
    assert "Among People Prescribed Ratio Person-quarters Taken up Ratio" in text
    ours = "female gender Team leads 70 29 % 0.70 0.55 to 0.85 970 29 % 0.80"
    assert ours in text


def test_where_all_groups_are_alike_there_is_no_figure(project):
    for persona in ("leads", "newcomers", "veterans"):
        result = make_prescription(persona)
        access = result.tables["access"].assign(ratio_low=0.5, ratio_high=2.0)
        frontier = result.tables["frontier"].assign(price=0.0)
        save(
            project,
            persona,
            StageResult(
                stage="prescription",
                tables={**result.tables, "access": access, "frontier": frontier},
            ),
        )
    page = open_page()
    assert page.choose_access().empty.startswith("No group's access differs")
    assert "costs nothing: no figure" in page.choose_frontier().empty
    assert "price of a floor" in read(page.show_access()).lower()


def test_actions_are_counted_by_persona_and_reason(project):
    text = read(show_counts(open_data()))
    assert "Module of the path gap persists 45 45 45" in text
    assert "Coaching task no follow up 12 12 12" in text
    assert "Other, each under the limit – not shown not shown not shown" in text
    assert "not assessed" not in text
    assert "proposed for 75 people and approved for 117 people" in text


def test_the_calendar_counts_weeks_and_says_what_it_leaves_out(project):
    text = read(show_calendar(open_data()))
    assert "5 October 2026 135 36 not shown not shown" in text
    assert "12 October 2026 135 36 not shown not shown" in text
    assert "19 October 2026" not in text
    assert "No limits on reminders are declared" in text
    (project / "params" / "alder" / "nudges.yml").write_text(
        "calendar: {per_week: 3, days_apart: 1}"
    )
    text = read(show_calendar(open_data()))
    assert "Nobody gets more than 3 reminders in a week" in text
    assert "less than 1 day apart" in text


def test_a_week_with_small_groups_is_a_lower_bound(project):
    result = make_prescription("leads")
    actions = result.tables["actions"]
    rare = actions[actions["reason_code"] == "gap_persists"].head(5)
    tables = {**result.tables, "actions": rare}
    save(project, "leads", StageResult(stage="prescription", tables=tables))
    text = read(show_calendar(open_data()))
    assert "5 October 2026 90 or more" in text


def test_follow_up_by_managers_is_a_level_by_persona(project):
    assert "were not read this quarter" in read(show_adherence(open_data()))
    levels = pd.DataFrame(
        [
            {
                "program": "leading",
                "measure": "manager_actions",
                "period": "",
                "value": 0.5,
                "low": 0.4,
                "high": 0.6,
                "std_error": 0.05,
                "n": 80,
                "unit": "share",
                "target": 0.7,
                "note": "of completions",
            }
        ]
    )
    leave(project, "leads", "survival", tables={"levels": levels})
    text = read(show_adherence(open_data()))
    assert "50 % (40 to 60 %) of completions were followed up by the manager" in text
    assert "Target: 70 % or more." in text
    assert "Team leads Leading people 50 % 40 to 60 % 80" in text


def test_predictions_are_for_planning_and_say_how_good_they_are(project):
    text = read(show_predictions(open_data()))
    assert "never used to rank, judge, pay, promote or dismiss anybody" in text
    assert "of two people the right one is named in 71 % of cases (66 to 76 %" in text
    assert "Staying a year. By the simple model" in text
    assert "70 %" not in text
    assert "Team leads 90.0 of 100 people 86.0 to 94.0 3.20 rating points" in text
    assert "Support, later years" not in text
    assert "agrees with what came in all 3 groups" in text
    assert "no better than chance: do not plan by it" in text
    assert "it foretells too high in 1 of 3 groups" in text
    assert "share of the spread foretold 0.31 (0.25 to 0.36)" in text
    assert "higher tenure days goes with &lt;b&gt;more&lt;/b&gt;" in text
    assert "differ from those it learnt from in 1 fact: prior kpi." in text
    cards = read(show_cards(open_data()))
    assert "Intended use. Planning &amp; nothing else." in cards


def test_a_prediction_without_scores_says_so():
    columns = ["metric", "value", "low", "high"]
    assert describe_sorting(pd.DataFrame(columns=columns)) == "its quality is not known"
    columns = ["predicted", "observed", "low", "high"]
    unknown = describe_calibration(pd.DataFrame(columns=columns))
    assert "could not be tested" in unknown
    both = pd.DataFrame([[0.5, 0.2, 0.1, 0.3], [0.1, 0.4, 0.3, 0.5]], columns=columns)
    assert describe_calibration(both) == (
        "it foretells too high in 1 and too low in 1 of 2 groups"
    )


def test_a_missing_practice_is_said_once(project):
    missing = "managers.yml declares no practice for a or its skills"
    change(project, "portfolio", "paths", practice=missing, coaching_prompt=missing)
    text = show_own("leads")
    assert f"Giving feedback. {missing}." in text
    assert "On the job" not in text
    assert "“managers" not in text


def test_a_persona_page_holds_path_practice_and_decisions(project):
    text = show_own("leads")
    assert "“Giving feedback” and “Planning a week”: 5 hours and EUR 240" in text
    assert "The manager (coaching talk): “How did c go?”" in text
    assert "Retire “Hard &lt;b&gt;closing&lt;/b&gt;”: harm of" in text
    assert "(../actions.ipynb)" in text
    assert "Who should come first" in text
    assert "Give it to people with skill gap above 9 points." in text
    assert "less than what was done" in show_own("newcomers")
    assert "nothing left to learn here" in show_own("newcomers")
    assert "No path keeps to all limits" in show_own("veterans")


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        ("not_applicable", "no programme has modules", "does not apply this quarter"),
        ("blocked", "no overlap", "was stopped by a check: no overlap"),
    ],
)
def test_without_a_portfolio_pages_give_the_reason(project, status, reason, words):
    result = StageResult(stage="portfolio", status=status, reason=reason)
    save(project, "_all", result)
    page = open_page()
    assert words in read(page.show_opening())
    assert words in read(page.show_paths())
    assert words in show_own("leads")
    assert not page.choose_modules().panels
    assert show_prescribed(open_data()) is None
    gaps = " ".join(open_data().list_gaps())
    assert gaps.count(words) == 1
    assert "The prescription of" not in gaps


def test_results_from_before_prescription_are_read(bare):
    page = open_page()
    assert "has not been run for this quarter" in read(page.show_opening())
    assert "has not been run" in read(page.show_access())
    assert show_prescribed(page.data) is None
    page.show_answer()


def test_the_index_asks_for_what_the_portfolio_shows(project):
    asked = list_prescribed(open_data())
    assert [verb for verb, _ in asked] == ["Retire", "Offer", "Settle", "Boost"]
    offer = dict(asked)["Offer"].replace(GAP, " ")
    assert offer == (
        "the path of “Giving feedback” and “Planning a week” to 120 people (Team "
        "leads): 5 hours each, a gain of +1.30 thresholds (+0.40 to +2.20) a person."
    )
    assert "2 hours are too few for d." in dict(asked)["Settle"]
    assert "(actions.ipynb)" in show_prescribed(open_data()).text


def test_a_path_without_clear_gain_is_tried_out(project):
    change(project, "portfolio", "path_summary", impact_low=-0.1)
    verbs = dict(list_prescribed(open_data()))
    assert "Offer" not in verbs
    assert "cannot be told yet" in verbs["Try out"]


def test_estimates_of_stages_that_prescribe_are_no_effects(project):
    before = len(open_data().estimates())
    psm = project / "outputs" / "alder" / QUARTER / "leads" / "psm"
    stage = project / "outputs" / "alder" / QUARTER / "_all" / "portfolio"
    table = pd.read_parquet(psm / "estimates.parquet")
    table.assign(stage="portfolio").to_parquet(stage / "estimates.parquet")
    assert len(open_data().estimates()) == before


def test_methods_say_whether_people_gain_differently(project):
    text = read(show_prescribing(open_data()))
    assert "beat lot in " in text
    assert "Team leads autoc 0.20 (0.05) 0.001 ✓ holds" in text
    assert "−0.01 (0.05) 0.800 ? no sign of it It sorts nobody." in text
    assert "Model cards of the predictions" in text


def test_a_second_programme_of_a_persona_has_its_own_path(project):
    result = make_portfolio()
    other = {
        name: table[table["persona"] == "leads"].assign(program="basics")
        for name, table in result.tables.items()
    }
    tables = {
        name: pd.concat([table, other[name]], ignore_index=True)
        for name, table in result.tables.items()
    }
    save(project, "_all", StageResult(stage="portfolio", tables=tables))
    page = open_page()
    text = page.show_paths().text
    anchors = re.findall(r"\{#([\w-]+)\}|id=\"([\w-]+)\"", text)
    assert ("", "tbl-path-leads-2") in anchors
    assert len(anchors) == len(set(anchors))
