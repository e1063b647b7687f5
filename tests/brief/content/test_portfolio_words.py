"""Sentences on modules, paths and policies, for every way they can turn out."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from workbench.brief.prescribing.portfolio_words import (
    describe_frontier,
    describe_impact,
    describe_module,
    describe_path,
    describe_policy,
    read_impact,
    state_actions,
    write_cost,
    write_hours,
    write_impact,
)
from workbench.brief.prescribing.prescribed_methods import describe_path_draws

GAP = "\N{NO-BREAK SPACE}"
NAN = math.nan


def make_row(value=0.4, low=0.1, high=0.7, **more):
    numbers = {"impact": value, "impact_low": low, "impact_high": high}
    return {"suppressed": False, "identified": True, **numbers, **more}


@pytest.mark.parametrize(
    ("low", "high", "reading"),
    [
        (0.1, 0.7, "gain"),
        (-1.5, -0.3, "harm"),
        (-0.3, 0.5, "none"),
        (-0.3, 1.2, "unclear"),
        (-1.0, 0.2, "unclear"),
        (0.0, 2.0, "unclear"),
        (NAN, 0.2, "missing"),
        (None, None, "missing"),
    ],
)
def test_an_interval_is_read_for_what_it_leaves_open(low, high, reading):
    assert read_impact(low, high) == reading


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (make_row(), "a gain of +0.40 thresholds (+0.10 to +0.70)"),
        (make_row(-0.9, -1.5, -0.3), "harm of −0.90 thresholds (−1.50 to −0.30)"),
        (make_row(0.1, -0.3, 0.5), "no change that matters: +0.10 thresholds"),
        (make_row(0.4, -0.9, 1.7), "whether it gains anything cannot be told yet"),
        (make_row(NAN, NAN, NAN), "what it does is not known"),
    ],
)
def test_an_impact_is_described_as_it_is(row, words):
    assert describe_impact(row).startswith(words)
    assert describe_module(row) == describe_impact(row)


def test_what_is_withheld_or_not_told_apart_gives_no_number():
    hidden = describe_module(make_row(suppressed=True))
    assert hidden == "not shown, as too few people took it or went without it"
    joint = describe_module(make_row(identified=False))
    assert "cannot be told apart from the programme" in joint
    assert "0.4" not in hidden + joint


def make_summary(**changed):
    row = make_row(1.3, 0.4, 2.2, status="optimal", text="", hours=9.5, cost=1200.0)
    return {**row, "seats": 120, "eligible": 340, **changed}


def test_a_path_says_what_it_takes_and_brings():
    said = describe_path(make_summary(), ["“A”", "“B”", "“C”"], currency="EUR")
    assert said.replace(GAP, " ") == (
        "“A”, “B” and “C”: 9.5 hours and EUR 1,200 a person, a gain of +1.30 "
        "thresholds (+0.40 to +2.20) a person. Seats for 120 of 340 people who could "
        "learn."
    )
    limited = describe_path(make_summary(text="Hours bind."), ["“A”"], currency="EUR")
    assert limited.endswith("a person. Hours bind.")
    free = describe_path(make_summary(cost=NAN, seats=NAN), ["“A”"], currency="EUR")
    assert free.startswith("“A”: 9.5 hours a person")
    assert "EUR" not in free
    assert "Seats" not in free


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        ("infeasible", "Too few hours.", "No path keeps to all limits: Too few hours."),
        ("infeasible", "", "No path keeps to all limits."),
        ("nothing to learn", "", "There is nothing left to learn here."),
        (
            "nothing to learn",
            "No path is expected to help.",
            "No path is expected to help.",
        ),
        ("unknown", "stopped", "No path was found: stopped."),
    ],
)
def test_where_there_is_no_path_the_reason_is_given(status, text, words):
    row = make_summary(status=status, text=text)
    assert describe_path(row, [], currency="EUR") == words


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        ((0.3, 0.2, 0.4), "more than what was done: +0.30 (+0.20 to +0.40)."),
        ((-0.3, -0.4, -0.2), "(−0.40 to −0.20). Keep what was done."),
        ((0.1, -0.1, 0.3), "whether that beats what was done cannot be told"),
        ((0.0, -0.1, 0.1), "whether that beats what was done cannot be told"),
        ((NAN, NAN, NAN), "it could not be set against what was done."),
    ],
)
def test_a_policy_is_set_against_current_practice(gain, words):
    named = dict(zip(("gain_over_current", "gain_low", "gain_high"), gain, strict=True))
    row = {"share": 0.4, "value": 0.5, "low": 0.4, "high": 0.6, "unit": "thresholds"}
    said = describe_policy({**row, **named}).replace(GAP, " ")
    assert words in said
    assert "worth +0.50 thresholds a person of the persona (+0.40 to +0.60)" in said


def make_frontier(price):
    rows = [("gender", floor, floor * price) for floor in (0.0, 0.8, 1.0)]
    table = pd.DataFrame(rows, columns=["attribute", "floor", "price"])
    return table.assign(value=0.6 - table["price"])


def test_the_price_is_that_of_the_declared_floor():
    given = {"floor": 0.8, "unit": "points"}
    said = describe_frontier(make_frontier(0.1), **given)
    assert said == "a floor of 0.8 costs 0.08 of 0.60 points a seat by gender."
    highest = describe_frontier(make_frontier(0.1), floor=1.0, unit="points")
    assert "a floor of 1 costs 0.10 of 0.60" in highest
    free = describe_frontier(make_frontier(0.0), **given)
    assert free == "a floor of 0.8 costs nothing."


def test_a_floor_that_whole_seats_cannot_hold_has_no_price():
    given = {"floor": 0.8, "unit": "points"}
    blank = make_frontier(0.1).assign(price=NAN)
    assert "could not be computed" in describe_frontier(blank, **given)
    unheld = make_frontier(0.1)
    unheld.loc[unheld["floor"] == 0.8, "price"] = NAN
    said = describe_frontier(unheld, **given)
    assert said == "a floor of 0.8 cannot be held with whole seats."
    other = make_frontier(0.2).assign(attribute="all")
    both = pd.concat([unheld, other], ignore_index=True)
    assert describe_frontier(both, **given) == (
        "a floor of 0.8 costs 0.16 of 0.60 points a seat by all at once; by gender it "
        "cannot be held with whole seats."
    )


def make_modules(*decisions):
    rows = [
        {"label": "Leads", "title": f"M{place}", "decision": item, "suppressed": False}
        for place, item in enumerate(decisions)
    ]
    return pd.DataFrame(rows, columns=["label", "title", "decision", "suppressed"])


NO_PATHS = pd.DataFrame(columns=["status", "label"])


@pytest.mark.parametrize(
    ("decisions", "title"),
    [
        (("retire", "boost"), "Retire “M0” and boost “M1”"),
        (("boost",) * 3, f"Boost 3{GAP}modules"),
        (("watch", "keep"), "No module of 2 is clearly to boost or to retire yet"),
        ((), "Modules could not be valued this quarter"),
    ],
)
def test_the_title_names_what_is_asked_for(decisions, title):
    assert state_actions(make_modules(*decisions), NO_PATHS) == title


def test_the_title_leaves_withheld_modules_out_and_counts_paths():
    hidden = make_modules("retire", "watch").assign(suppressed=[True, False])
    paths = pd.DataFrame({"status": ["optimal", "infeasible"], "label": ["Leads", "X"]})
    assert state_actions(hidden, paths) == f"Offer 1{GAP}path to Leads"


@pytest.mark.parametrize(
    ("hours", "text"),
    [(1, "1 hour"), (9.5, "9.5 hours"), (1200, "1,200 hours"), (NAN, "–")],
)
def test_hours_are_written_with_their_noun(hours, text):
    assert write_hours(hours) == text


def test_missing_amounts_and_impacts_are_dashes():
    assert write_cost(NAN, "EUR") == "–"
    assert write_cost(1200, "EUR") == "EUR 1,200"
    assert write_cost(5, None) == "5"
    assert write_impact(NAN, NAN, NAN) == "–"
    assert write_impact(0.5, NAN, NAN) == "+0.50 thresholds"


def test_draws_of_known_truth_are_told_with_the_bad_ones():
    found = {
        "date": "2026-11-30",
        "machine": "2 cores",
        "employees": 4000,
        "summary": {
            "seeds": 4,
            "share_of_best": [0.95, 0.79, 0.99, 0.91],
            "beats_random": 4,
            "beats_top_risk": 3,
            "beats_current": 4,
            "harmful_in_path": 0,
            "harmful_retired": 2,
            "empty_boosted": 1,
        },
    }
    text = " ".join(describe_path_draws(found).replace("\xa0", " ").split())
    assert "those worst off first in 3" in text
    assert "worth 91 % of the best possible on average, 79 % at the least" in text
    assert "under 90 % in 1." in text
    assert "retired in 2; the empty one was boosted in 1." in text
