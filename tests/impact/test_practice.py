"""Learner NPS and managers' follow-up on answers and completions made by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.impact.simulate import make_program
from workbench.cohorts.practice import Practice
from workbench.core.errors import MissingColumnError
from workbench.core.managers import ManagerParams
from workbench.impact.practice import FOLLOW_UP, LEARNER_NPS, measure_practice

MANAGERS = ManagerParams.model_validate(
    {
        "within_days": 30,
        "target": 0.7,
        "behaviours": [{"id": "coaching", "label": "Coaching", "coaching": True}],
    }
)


def make_practice(**more: object) -> Practice:
    answers = pd.DataFrame(
        {
            "unit": [f"p{number}" for number in range(24)],
            "period": ["2026Q2"] * 12 + ["2026Q3"] * 12,
            "score": [10.0] * 6 + [5.0] * 6 + [9.0] * 9 + [8.0] * 3,
        }
    )
    completions = pd.DataFrame(
        {
            "unit": [f"p{number}" for number in range(24)],
            "period": ["2026Q2"] * 20 + ["2026Q3"] * 4,
            "manager": [f"m{number % 6}" for number in range(24)],
            "followed": [True] * 12 + [False] * 12,
        }
    )
    known: dict[str, object] = {
        "program": make_program(),
        "periods": ("2026Q2", "2026Q3"),
        "answers": answers,
        "completions": completions,
        "managers": MANAGERS,
    }
    return Practice(**(known | more))  # type: ignore[arg-type]


def find(table: pd.DataFrame, measure: str, period: str) -> pd.Series:
    rows = table[(table["measure"] == measure) & (table["period"] == period)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_nps_is_measured_over_all_quarters_and_in_each() -> None:
    table = measure_practice([make_practice()])
    assert find(table, LEARNER_NPS, "")["value"] == pytest.approx(100 * (15 - 6) / 24)
    assert find(table, LEARNER_NPS, "2026Q2")["value"] == pytest.approx(0.0)
    row = find(table, LEARNER_NPS, "2026Q3")
    assert row["value"] == pytest.approx(75.0)
    assert row["low"] < 75.0 < row["high"]
    assert (row["unit"], row["n"]) == ("points", 12)
    assert math.isnan(row["target"])


def test_follow_up_is_a_share_with_the_target_of_managers_yml() -> None:
    row = find(measure_practice([make_practice()]), FOLLOW_UP, "")
    assert row["value"] == 0.5
    assert 0 < row["low"] < 0.5 < row["high"] < 1
    assert (row["unit"], row["target"], row["n"]) == ("share", 0.7, 24)
    assert "within 30 days" in row["note"]


def test_managers_who_all_act_alike_widen_the_interval() -> None:
    alike = make_practice()
    assert alike.completions is not None
    frame = alike.completions.assign(manager=["m1", "m2"] * 12)
    frame["followed"] = frame["manager"] == "m1"
    wide = find(measure_practice([make_practice(completions=frame)]), FOLLOW_UP, "")
    narrow = find(measure_practice([alike]), FOLLOW_UP, "")
    assert wide["high"] - wide["low"] > 1.5 * (narrow["high"] - narrow["low"])


def test_few_people_leave_neither_value_nor_count() -> None:
    row = find(measure_practice([make_practice()]), FOLLOW_UP, "2026Q3")
    assert pd.isna(find(measure_practice([make_practice()]), FOLLOW_UP, "2026Q2")["n"])
    assert math.isnan(row["value"])
    assert pd.isna(row["n"])


def test_a_small_quarter_cannot_be_told_from_the_total() -> None:
    frame = pd.DataFrame(
        {
            "unit": [f"p{number}" for number in range(65)],
            "period": ["a"] * 19 + ["b"] * 27 + ["c"] * 14 + ["d"] * 5,
            "manager": [f"m{number % 9}" for number in range(65)],
            "followed": [True, False, True, False, True] * 13,
        }
    )
    practice = make_practice(
        completions=frame, answers=None, periods=("a", "b", "c", "d", "e")
    )
    table = measure_practice([practice]).set_index("period")
    shown = table["n"].notna()
    assert shown.to_dict() == {
        "": True,
        "a": True,
        "b": True,
        "c": False,
        "d": False,
        "e": False,
    }
    assert (table["value"].notna() == shown).all()


def test_nothing_is_kept_back_where_all_quarters_are_large() -> None:
    table = measure_practice([make_practice(completions=None)])
    assert table["n"].notna().all()


def test_what_was_not_loaded_has_no_rows() -> None:
    table = measure_practice([make_practice(answers=None)])
    assert set(table["measure"]) == {FOLLOW_UP}
    table = measure_practice([make_practice(completions=None, managers=None)])
    assert set(table["measure"]) == {LEARNER_NPS}
    assert measure_practice([]).empty


def test_practice_refuses_frames_without_their_columns() -> None:
    with pytest.raises(MissingColumnError, match="lack columns"):
        make_practice(answers=pd.DataFrame({"unit": ["p1"]}))
