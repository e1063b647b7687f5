"""The pages: whole on whole results, and honest on none, some or damaged ones."""

from __future__ import annotations

import json
import math
import re

import pandas as pd
import pytest

from tests.brief.content.project import BEFORE, QUARTER, write_results
from workbench.brief.exhibits import compare_personas
from workbench.brief.figures import Exhibit
from workbench.brief.guard import check_raw_html
from workbench.brief.pages_actions import ActionsPage
from workbench.brief.pages_index import IndexPage
from workbench.brief.pages_methods import MethodsPage, count_matched
from workbench.brief.pages_persona import PersonaPage
from workbench.brief.pages_quality import QualityPage
from workbench.brief.persona_profile import describe_rule
from workbench.brief.results import BriefData

GAP = "\N{NO-BREAK SPACE}"
PAGES = (IndexPage, PersonaPage, ActionsPage, QualityPage, MethodsPage)


@pytest.fixture
def titles(monkeypatch):
    """Titles that pages show, as they show them."""
    shown = []
    for module in ("index", "persona", "actions", "quality"):
        monkeypatch.setattr(
            f"workbench.brief.pages_{module}.show_title",
            lambda title, **_: shown.append(title),
        )
    return shown


def open_page(page, persona="leads"):
    return page.create(BriefData.open(org="alder", quarter=QUARTER, persona=persona))


def read(page):
    """Show all parts of a page; return its text with plain spaces, and its figures."""
    texts, exhibits = [], []
    for name in [item for item in dir(page) if item.startswith(("show_", "choose_"))]:
        part = getattr(page, name)()
        if isinstance(part, Exhibit):
            exhibits.append(part)
        elif part is not None:
            texts.append(part.text)
    return "".join(texts).replace(GAP, " "), exhibits


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("state", ["whole", "none", "damaged"])
def test_a_page_stands_whatever_it_finds(page, state, request, titles):
    root = request.getfixturevalue("bare" if state == "none" else "project")
    if state == "damaged":
        for path in (root / "outputs").rglob("*.parquet"):
            path.write_bytes(b"PAR1")
    text, exhibits = read(open_page(page))
    check_raw_html(text, where="test")
    assert not re.search(r"\bnan\b|\bNone\b(?! of)|<NA>|\{\{<", text)
    anchors = re.findall(r"\{#([\w-]+)\}|id=\"([\w-]+)\"", text)
    assert len(anchors) == len(set(anchors))
    assert not re.search(r"^# ", text, re.M)
    assert "&lt;span" not in text
    assert "&lt;br" not in text
    for exhibit in exhibits:
        assert exhibit.empty if not exhibit.panels else exhibit.alt and exhibit.caption


def test_withheld_numbers_are_on_no_page(project, titles):
    for page in PAGES:
        for persona in ("leads", "veterans"):
            text, exhibits = read(open_page(page, persona))
            drawn = " ".join(
                frame.to_csv() for item in exhibits for _, frame in item.panels
            )
            assert "7.77" not in text + drawn
            assert "+7.8" not in text


def test_organisation_name_is_escaped_everywhere(project, titles):
    for page in PAGES:
        text, _ = read(open_page(page))
        assert "Aldergrove &lt;b&gt;demo&lt;/b&gt;" in text
        assert "<b>demo" not in text


def test_index_answers_first_and_holds_all_parts(project, titles):
    text, exhibits = read(open_page(IndexPage))
    assert titles[0].startswith("Learners did better than like colleagues in")
    assert "8.0 % without consent, not analysed" in text
    assert "740 of 1,000 people in 3 personas" in text
    assert "420 learners compared with colleagues" in text
    assert len(re.findall('class="kpi-card[ "]', text)) == 9
    assert "not compared" in text
    assert "Return on investment: not priced yet." in text
    assert "No earlier quarter has results" in text
    assert "fewer than 10 people" in text
    assert "(personas/leads.ipynb)" in text
    assert "internal moves without Support, first year" in text
    (figure,) = exhibits
    assert [title.split(":")[0] for title, _ in figure.panels] == [
        "Performance rating",
        "12-month retention",
        "Internal moves",
    ]
    assert figure.panels[0][0] == "Performance rating: 2 of 3 with a gain"
    assert figure.panels[2][0] == "Internal moves: none of 1 with a gain, 1 a loss"


def test_the_figure_counts_hints_apart_and_names_its_designs(project):
    page = open_page(IndexPage)
    effects = page.effects
    rating = effects["outcome"] == "performance_rating"
    first = effects.index[rating & (effects["finding"] == "gain")][0]
    effects.loc[first, ["evidence", "stage"]] = [1, "ab"]
    effects.loc[effects["finding"] == "loss", ["evidence", "stage"]] = [1, "survival"]
    figure = compare_personas(effects)
    assert figure.panels[0][0] == (
        "Performance rating: 1 of 3 with a gain, 1 a hint of one"
    )
    assert figure.panels[2][0] == (
        "Internal moves: none of 1 with a gain, 1 a hint of a loss"
    )
    caption = figure.caption.replace(GAP, " ")
    assert "against like colleagues" not in caption
    assert caption.endswith(
        "Of 7 estimates: 1 by experiment, 1 followed over time and 5 against matched "
        "colleagues."
    )


def test_index_compares_with_the_quarter_before(project, titles):
    write_results(project, BEFORE)
    text, _ = read(open_page(IndexPage))
    assert "The scorecard of 2026 Q2 beside this quarter" in text
    assert "420 learners in both; outcomes or thresholds were edited" in text


def test_a_blocked_audit_leads_its_page(project, titles):
    path = project / "outputs" / "alder" / QUARTER / "_all" / "audit" / "status.json"
    found = json.loads(path.read_text())
    path.write_text(json.dumps(found | {"status": "blocked", "reason": "no people"}))
    text, _ = read(open_page(QualityPage))
    assert titles == ["The data cannot carry this quarter's numbers"]
    assert "The data audit was stopped by a check: no people." in text


def test_quality_page_shows_scores_totals_quarantine_and_gaps(project, titles):
    text, exhibits = read(open_page(QualityPage))
    assert titles == ["lms needs repair: below 60 of 100 in quality"]
    assert "1,160 rows in 1 table could be read; 20 rows were set aside" in text
    assert '<th scope="row">hris</th><td class="num">97</td>' in text
    assert '<td class="num">1,200</td><td class="num">1,190</td>' in text
    assert "unknown id" in text
    assert '<td class="num">2</td><td class="num">1,200</td>' in text
    assert "No table surveys: learner NPS switched off." in text
    assert "Direct identifiers dropped on loading: hris: name, email." in text
    assert "mean moved" in text
    assert exhibits[0].panels


def test_persona_page_shows_who_what_and_how_sure(project, titles):
    text, exhibits = read(open_page(PersonaPage))
    assert titles == ["Team leads: gain in performance rating; loss in internal moves"]
    assert "150 people belong to this persona." in text
    assert "They need to lead their first team." in text
    assert "Rule: role is team_lead." in text
    assert "tenure 400 days and skill gap 12.0 points of 100" in text
    assert "81.0 of 100 people" in text
    assert "Performance rating is higher by 0.30" in text
    assert "Parking permit (control)" in text
    assert "Raw difference" in text
    assert "Doubly robust" in text
    assert "The effect is that of 100 of leads." in text
    assert '<th scope="row">not recorded</th><td>gender</td>' in text
    assert "not shown" in text
    assert "100 / under 10" in text
    assert "too few" in text
    assert "gather more" in text
    assert "12-month retention and Internal moves: Average over matched" in text
    designs, balance, course = (
        next(item for item in exhibits if item.alt.startswith(start))
        for start in ("Forest", "Love", "Event")
    )
    assert designs.panels[0][0] == "Performance rating: +0.30, +0.79 without adjustment"
    assert "0.60 before matching and 0.03 after" in balance.alt
    assert "Performance rating, before and after: +0.27" in course.alt


def test_persona_page_of_a_persona_without_gain(project, titles):
    open_page(PersonaPage, "veterans").show_answer()
    assert titles == ["Support, later years: no effect beyond the error"]


def test_a_small_persona_is_not_counted(project, titles):
    path = project / "outputs" / "alder" / QUARTER / "_all" / "personas"
    table = pd.read_parquet(path / "personas.parquet")
    table["people"] = [4, 500, 90]
    table.to_parquet(path / "personas.parquet")
    text, _ = read(open_page(PersonaPage))
    assert "Fewer than 10 people belong to this persona." in text


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "role = 'support_l1' and tenure_days < 365 and skill_gap > 10",
            "role is support_l1 and tenure days below 365 and skill gap above 10",
        ),
        (
            "tenure_days = 0 and role in ('CCC', 'DDD')",
            "tenure days is 0 and role is one of (CCC, DDD)",
        ),
        ("a <> 'x <= y' or b >= 2", "a is not x <= y or b at least 2"),
        ("prior_rating is not null", "prior rating is known"),
    ],
)
def test_a_rule_is_written_in_words(rule, words):
    assert describe_rule(rule) == words


def test_methods_page_explains_design_grades_and_for_whom(project, titles):
    page = open_page(MethodsPage)
    text, _ = read(page)
    assert "Nothing later than 30 September 2026 was read." in text
    assert "at least 2 of 3 courses within 92 days, each with a score of 60" in text
    assert "5 % of the baseline" in text
    assert "(control: learning cannot change it)" in text
    for grade in range(6):
        assert f"evidence {grade} of 5" in text
    assert "100 of 120, 83 %" in text
    counted = count_matched(page.data)
    assert list(counted["first"]) == [120, 120, 120]
    assert counted["share"].iloc[0].replace(GAP, " ") == "83 %"


def test_numbers_without_value_are_dashes_not_zero(project, titles):
    path = project / "outputs" / "alder" / QUARTER / "leads" / "psm"
    table = pd.read_parquet(path / "estimates.parquet")
    table.loc[:, "relative_effect"] = math.nan
    table.to_parquet(path / "estimates.parquet")
    text, _ = read(open_page(IndexPage))
    assert "Performance rating" in text
