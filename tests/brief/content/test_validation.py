"""Tables and sentences on designs of known truth."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.brief.validation import (
    describe_calibration,
    describe_nonexperimental,
    judge_cells,
    read_calibration,
    read_nonexperimental,
    show_calibration,
    show_nonexperimental,
    tabulate_nonexperimental,
)


def _row(**more: object) -> dict[str, object]:
    known: dict[str, object] = {
        "cell": "one",
        "design": "people choose by what is measured",
        "expect": "covers",
        "must_warn": False,
        "runs": 500,
        "failed": 0,
        "coverage": 0.95,
        "coverage_error": 0.01,
        "false_positives": float("nan"),
        "bias": 0.0,
        "se_ratio": 1.0,
        "removed": 0.99,
        "warned": 0.0,
        "date": "2026-11-24",
        "machine": "2 cores, 24 GiB",
    }
    return known | more


@pytest.mark.parametrize(
    ("more", "verdict", "fine"),
    [
        ({}, "holds", True),
        ({"coverage": 0.92}, "holds", True),
        ({"coverage": 0.90}, "intervals too narrow", False),
        (
            {"coverage": 1.0, "coverage_error": 0.0},
            "intervals wider than needed",
            False,
        ),
        (
            {"coverage": 1.0, "coverage_error": 0.0, "expect": "at_least"},
            "holds",
            True,
        ),
        ({"coverage": 0.9, "expect": "at_least"}, "intervals too narrow", False),
        (
            {"false_positives": 0.08, "size_limit": 0.055},
            "too many false positives",
            False,
        ),
        ({"false_positives": 0.07, "size_limit": 0.055}, "holds", True),
        ({"false_positives": 0.09}, "too many false positives", False),
        ({"removed": 0.8}, "bias left", False),
        (
            {"coverage": 0.8, "removed": 0.7},
            "intervals too narrow and bias left",
            False,
        ),
        ({"removed": float("nan")}, "holds", True),
        ({"expect": "fails", "coverage": 0.4}, "lost, as it must be", True),
        (
            {"expect": "fails", "coverage": 0.94},
            "should have lost the truth, and did not",
            False,
        ),
        (
            {"expect": "fails", "coverage": 0.4, "must_warn": True, "warned": 0.3},
            "lost, and too seldom warned of",
            False,
        ),
        (
            {"expect": "fails", "coverage": 0.4, "must_warn": True, "warned": 0.97},
            "lost, as it must be",
            True,
        ),
    ],
)
def test_verdicts(more: dict[str, object], verdict: str, fine: bool) -> None:
    judged = judge_cells(pd.DataFrame([_row(**more)]))
    assert judged["verdict"].tolist() == [verdict]
    assert judged["fine"].tolist() == [fine]


def test_bad_cells_are_said_before_those_that_must_fail() -> None:
    table = pd.DataFrame(
        [
            _row(),
            _row(design="eight teams", coverage=0.85),
            _row(
                design="learners moved apart", expect="fails", coverage=0.3, warned=1.0
            ),
        ]
    )
    said = describe_calibration(table)
    first = said[0].replace("\N{NO-BREAK SPACE}", " ")
    assert first.startswith(
        "On 2 designs of known truth, drawn 500 times each, 1 holds"
    )
    assert said[1].startswith("It does not hold for eight teams: intervals too narrow")
    assert said[2].startswith("Learners moved apart. The interval held the truth in 30")


def test_the_usual_way_is_named_where_it_fools() -> None:
    known = {"usual": "the plain error", "false_positives": 0.04}
    table = pd.DataFrame(
        [
            _row(design="eight teams", usual_false_positives=0.13, **known),
            _row(design="forty teams", usual_false_positives=0.055, **known),
        ]
    )
    said = describe_calibration(table)
    assert len(said) == 2
    assert said[1].replace("\N{NO-BREAK SPACE}", " ") == (
        "Eight teams: the plain error finds an effect in 13.0 % of the draws, the "
        "workbench in 4.0 %."
    )


def test_every_cell_of_the_published_table_is_shown() -> None:
    table = read_calibration()
    text = show_calibration().text
    assert len(table) >= 10
    for row in judge_cells(table).to_dict("records"):
        assert row["design"].split(":")[0].replace("'", "") in text.replace(
            "&#x27;", ""
        )
        assert row["verdict"] in text


def test_survey_groups_stand_beside_the_experiment() -> None:
    table = tabulate_nonexperimental()
    assert table["truth"].unique() == pytest.approx([1794.34])
    rows = table.set_index(["comparison", "method"])
    raw = rows.xs("raw difference", level="method")
    assert raw["estimate"].tolist() == pytest.approx([1794.34, -8497.52, -15204.78])
    matched = rows.xs("matching, the headline", level="method")
    assert "few others alike" in matched.loc["population survey (CPS)", "warnings"]
    assert "few others alike" in matched.loc["panel survey (PSID)", "warnings"]
    assert "few others alike" not in matched.loc["the experiment's own", "warnings"]
    assert matched["holds"].all()


def test_sentences_say_the_placebo_fails() -> None:
    said = " ".join(describe_nonexperimental())
    assert "1,794" in said
    assert "where 0 is right" in said
    assert "−15,205" in said


def test_the_table_is_drawn() -> None:
    text = show_nonexperimental().text
    assert "tbl-nonexperimental" in text
    assert text.count("<tr>") == 1 + len(tabulate_nonexperimental())


def test_every_failed_check_has_words_of_its_own() -> None:
    found = read_nonexperimental()["failed_checks"]
    named = tabulate_nonexperimental()["warnings"]
    assert len(found)
    assert not named.str.contains("_").any()
