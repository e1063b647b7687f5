"""Experiments on the pages: read, stopped, without answer, unregistered, absent."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.brief.content.later_stages import (
    NUMBER,
    RATING,
    RETENTION,
    TEST,
    make_experiment,
    save,
)
from tests.brief.content.project import QUARTER, make_row
from tests.brief.content.test_pages import PAGES, open_page, read
from workbench.brief.effects import select_effects
from workbench.brief.experiments import describe_invitations, state_next_test
from workbench.brief.figures import Exhibit
from workbench.brief.pages_persona import PersonaPage
from workbench.brief.results import BriefData
from workbench.brief.stage_exhibits import exhibit_first, note_experiments
from workbench.brief.stopped import blank_stopped
from workbench.core.results import StageResult

SKILL, MOVES = "skill_proficiency", "internal_mobility_12m"
STOPPED = {
    "status": "stopped",
    "sample_ratio_p": 2e-5,
    "text": "The imbalance differs by site and is largest at north: look there.",
}


@pytest.fixture(autouse=True)
def _no_titles(monkeypatch):
    for module in ("pages_index", "pages_persona", "pages_quality"):
        monkeypatch.setattr(
            f"workbench.brief.{module}.show_title", lambda *_, **__: None
        )


def open_data():
    return BriefData.open(org="alder", quarter=QUARTER, persona="leads")


def show_section(root, stage):
    save(root, "leads", stage)
    return open_page(PersonaPage).show_experiments().text.replace("\xa0", " ")


def gather(page):
    """Gather all that a page shows: its text, and the numbers of its figures."""
    text, exhibits = read(page)
    drawn = [
        panel.to_csv() + title
        for item in exhibits
        if isinstance(item, Exhibit)
        for title, panel in item.panels
    ]
    words = [item.alt + item.caption for item in exhibits]
    return "\n".join([text, *drawn, *words])


def test_sizes_that_chance_hardly_gives_are_said(project):
    text = show_section(project, make_experiment(sample_ratio_p=0.0014))
    assert "Chance hardly gives arms of these sizes (p = 0.001)" in text
    assert "sizes that chance gives" not in text


def test_a_sound_experiment_shows_both_effects_and_what_they_stand_on(project):
    text = show_section(project, make_experiment())
    assert (
        "Chance decided team by team who was invited to “Leading people”, from "
        "1 January 2026 to 30 June 2026. People: 104 in control and 104 in invited."
    ) in text
    assert "+0.44" in text
    assert "+0.88" in text
    assert "The arms have the sizes that chance gives (p = 0.410)." in text
    assert "It was registered before it began and is read as registered." in text
    assert "Completed the programme: 4 % of control and 51 % of invited." in text
    assert "evidence 5 of 5" in text
    assert "2.0 of 100 people" in text
    assert "unclear" in text
    assert "by between +0.34 and +0.54 rating points among people who would" in text
    assert "four chances in five to see 0.18 rating points" in text
    assert "needs 2.2 times as many teams: about 54, where this one had 24." in text
    assert "note warn" not in text


def test_the_effect_of_learning_stands_and_says_so(project):
    save(project, "leads", make_experiment())
    row = select_effects(open_data()).iloc[0]
    assert (row["outcome"], row["method"], row["evidence"]) == (RATING, "ab_iv", 5)
    assert row["estimate"] == pytest.approx(2 * NUMBER)
    text, exhibits = read(open_page(PersonaPage))
    assert "than it would be without learning, by chance assignment" in text
    assert "Performance rating (experiment)" in text
    forest = next(item for item in exhibits if item.alt.startswith("Forest plot by d"))
    designs = forest.panels[0][1]
    assert list(designs.loc[designs["headline"], "method"]) == ["ab_iv"]
    assert (designs["method"] == "naive").sum() == 1


def test_an_experiment_without_compliance_shows_what_the_invitation_did(project):
    made = make_experiment()
    kept = [item for item in made.estimates if item.method != "ab_iv"]
    arms = made.tables["arms"].assign(learnt=float("nan"))
    less = StageResult(
        stage="ab", estimates=tuple(kept), tables={**made.tables, "arms": arms}
    )
    text = show_section(project, less)
    assert "Completed the programme" not in text
    assert "+0.88" not in text
    assert select_effects(open_data()).iloc[0]["method"] == "ab_itt"
    words, _ = read(open_page(PersonaPage))
    assert "among those invited by chance than among the others" in words


@pytest.mark.parametrize("leaky", [False, True])
def test_a_stopped_experiment_shows_no_effect_on_any_page(project, leaky):
    save(project, "leads", make_experiment(leaky=leaky, **STOPPED))
    effects = {f"{factor * NUMBER:.2f}" for factor in (1, 2)}
    effects |= {str(NUMBER), f"{100 * NUMBER:.1f}", "0.18 rating", "+0.34"}
    for page in PAGES:
        shown = gather(open_page(page))
        assert not [item for item in effects if item in shown], page.__name__
        assert "ab_itt" not in shown
    text = open_page(PersonaPage).show_experiments().text.replace("\xa0", " ")
    assert "Stopped: not read." in text
    assert "(p &lt; 0.001). Then nothing is read" in text
    assert "largest at north" in text
    assert text.index(">Everybody</th>") < text.index(">site: north</th>")
    assert "site: south" not in text, "a cell below the privacy floor"
    row = select_effects(open_data()).iloc[0]
    assert row["stage"] == "psm", "another design still has its number"


def test_a_stopped_experiment_is_named_where_limits_are(project):
    save(project, "leads", make_experiment(**STOPPED))
    index, _ = read(open_page(PAGES[0]))
    assert "is not read: its arms do not have the sizes that chance gives" in index
    assert "neither that learning helped nor that it did not" in index
    assert "shows no effect" not in index, "that would read as a null result"
    assert "Draw again" in index


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("No site, team, week, group or covariate stands out: look at the draw.", 0),
        ("The imbalance differs by site and is largest at north: look there.", 1),
        ("The imbalance differs by region and is largest at east: look there.", 0),
    ],
)
def test_only_groups_that_are_named_as_the_cause_are_shown(project, said, shown):
    made = make_experiment(**(STOPPED | {"text": said}))
    text = show_section(project, made)
    assert said in text
    assert text.count(">site: north</th>") == shown
    assert text.count(">Everybody</th>") == 2
    assert "p of groups is adjusted for all groups looked at" in text


def test_what_being_invited_changed_is_said_on_the_first_page(project):
    made = make_experiment()
    weak = make_row(
        "leads", SKILL, 0.5, 1.0, stage="ab", method="ab_itt", estimand="ITT"
    )
    hidden = make_row(
        "leads", MOVES, 0.3, 0.1, stage="ab", method="ab_itt", n_treated=4
    )
    more = StageResult(
        stage="ab", estimates=(weak, hidden, *made.estimates), tables=made.tables
    )
    save(project, "leads", more)
    (said,) = describe_invitations(open_data())
    index, _ = read(open_page(PAGES[0]))
    said = said.replace("\xa0", " ")
    assert said in index
    assert said == (
        "The experiment on “Leading people” for Team leads: being invited changed "
        "performance rating by +0.44 rating points (+0.32 to +0.56, evidence 5); in "
        "other outcomes skill proficiency by +0.5 points (\N{MINUS SIGN}1.5 to +2.5, "
        "not beyond the error, evidence 2) and 12-month retention by +43.9 of 100 "
        "people (+32.2 to +55.7). That is the effect of the invitation, whoever came, "
        "not that of learning."
    )
    save(project, "leads", make_experiment(**STOPPED, leaky=True))
    assert describe_invitations(open_data()) == []


def test_the_grade_of_an_experiment_is_explained(project):
    made = make_experiment()
    answers = [
        {"experiment": experiment, "outcome": outcome, "evidence": reason}
        for experiment, outcome, reason in (
            (TEST, RATING, "2: randomised, with several weaknesses: too few teams"),
            (TEST, RETENTION, "2: randomised, with several weaknesses: too few teams"),
            (TEST, SKILL, "4: randomised; attrition of 10 % or more"),
            ("another", MOVES, "5: randomised, complete and powered"),
        )
    ]
    explained = StageResult(
        stage="ab",
        estimates=made.estimates,
        tables=made.tables,
        facts={"answers": answers},
    )
    text = show_section(project, explained)
    assert (
        "Performance rating and 12-month retention: evidence grade 2: randomised, with "
        "several weaknesses: too few teams."
    ) in text
    assert "Skill proficiency: evidence grade 4: randomised; attrition" in text
    assert "complete and powered" not in text


def test_the_size_of_the_next_test_says_what_it_counts(project):
    power = [{"outcome": RATING, "achieved_mde": 0.2, "planned_effect": 0.1, "n": 210}]
    said = state_next_test(open_data(), power, "rating points")
    assert said.endswith(
        "4.0 times as many people with a known outcome: about 840, where this one had "
        "210."
    )


def test_an_experiment_is_overturned_by_other_things_than_matching(project):
    save(project, "leads", make_experiment())
    page = open_page(PersonaPage)
    text = page.show_robustness().text
    assert "A cause twice as strong" not in text, "that is said of the matched number"
    assert "Performance rating: The reported number is that of the experiment" in text


def test_if_it_cannot_be_told_what_was_stopped_nothing_is_shown():
    tables = dict(make_experiment().tables)
    del tables["experiments"]
    blanked = blank_stopped(tables)
    assert blanked["looks"].empty
    assert blanked["guardrails"].empty
    whole = dict(make_experiment().tables)
    assert blank_stopped(whole).keys() == whole.keys()
    assert len(blank_stopped(whole)["looks"]) == 2


def test_one_stopped_experiment_leaves_another_of_the_programme_alone():
    first = make_experiment(**STOPPED, leaky=True)
    both = {
        name: pd.concat([table, table.assign(experiment="second")], ignore_index=True)
        for name, table in first.tables.items()
    }
    both["experiments"]["status"] = ["stopped", "read"]
    rows = {"program": ["leading", "basics"], "estimate": [0.3, 0.4]}
    blanked = blank_stopped({**both, "estimates": pd.DataFrame(rows)})
    assert set(blanked["power"]["experiment"]) == {"second"}
    assert blanked["arms"].set_index("experiment").loc[TEST, "observed"].isna().all()
    assert blanked["estimates"]["estimate"].notna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"deviations": "the outcome was read one quarter later"},
            "It differs from its registration: the outcome was read one quarter later.",
        ),
        ({"registered": False}, "It was not registered before it began"),
    ],
)
def test_what_differs_from_the_registration_comes_first(project, changed, words):
    made = make_experiment(**changed)
    text = show_section(project, made)
    assert "note warn" in text
    assert text.index(words) < text.index("tbl-experiment")
    assert words in note_experiments(made).text
    index, _ = read(open_page(PAGES[0]))
    assert words[3:] in index


def test_an_experiment_without_answer_says_why(project):
    reason = "One cluster per arm: nothing tells the arms from the clusters."
    made = make_experiment(status="not_answerable", text=reason)
    text = show_section(project, made)
    assert "No answer:" in text
    assert reason in text
    assert "tbl-experiment" not in text
    assert reason in note_experiments(made).text
    index, _ = read(open_page(PAGES[0]))
    assert "has no answer: one cluster per arm" in index


def test_no_experiment_is_no_gap(project):
    text = open_page(PersonaPage).show_experiments().text
    assert "No experiment tested this persona." in text
    index, _ = read(open_page(PAGES[0]))
    assert "No experiment tested what Team leads, Support, first year and" in index
    assert "The reading of experiments" not in index
    none = StageResult(stage="ab", status="not_applicable", reason="none was made")
    assert "none was made" in note_experiments(none).text


def test_small_arms_and_withheld_effects_are_not_shown(project):
    made = make_experiment()
    arms = made.tables["arms"].assign(people=[104, 4])
    small = make_row(
        "leads", RATING, 0.2222, 0.1, stage="ab", method="ab_itt", n_treated=4
    )
    text = show_section(
        project,
        StageResult(
            stage="ab",
            estimates=(small,),
            tables={"arms": arms} | {"experiments": made.tables["experiments"]},
        ),
    )
    assert "under 10 in invited" in text
    assert "not shown" in text
    assert "0.22" not in text


def test_missing_tables_leave_what_is_there(project):
    made = make_experiment()
    text = show_section(
        project,
        StageResult(stage="ab", tables={"experiments": made.tables["experiments"]}),
    )
    assert "The experiment left no estimate." in text
    assert "The arms have the sizes" in text


def test_figures_of_the_notebook_bear_the_unit_and_stay_empty_when_stopped():
    words = {"describe": len, "alt": len, "caption": "Looks."}
    shown = exhibit_first(
        make_experiment(), "looks", **(words | {"describe": str, "alt": str})
    )
    assert set(shown.panels[0][1]["unit"]) == {"rating points"}
    halted = exhibit_first(make_experiment(**STOPPED), "looks", **words)
    assert not halted.panels
    assert halted.empty


def test_the_record_of_numbers_holds_none_of_a_stopped_experiment(project):
    from workbench.brief.numbers import collect_numbers
    from workbench.core.store import Workspace

    save(project, "leads", make_experiment(**STOPPED))
    data = open_data()
    numbers = collect_numbers(data.params, Workspace(project), data.quarter)
    own = [row for row in numbers.rows if row["stage"] == "ab"]
    assert own
    assert all(row["estimate"] is None for row in own)
    assert str(NUMBER) not in json.dumps(own)
    assert RETENTION not in {row["outcome"] for row in own}
