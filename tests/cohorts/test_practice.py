"""Answers and managers' actions of the hand-made organisation, row by row."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from tests.cohorts.follow import TABLES, Rows, complete, follow
from workbench.cohorts.practice import Practice
from workbench.core.params import OrgParams


def act(
    unit: str, day: str, action: str = "coaching", course: str | None = None
) -> Rows:
    row = {
        "manager_id": "m1",
        "employee_id": unit,
        "acted_at": day,
        "action": action,
        "course_id": course,
    }
    return {"manager_actions": [row]}


def answer(unit: str, day: str, score: float, course: str = "c2") -> dict[str, object]:
    return {
        "employee_id": unit,
        "asked_at": day,
        "instrument": "learner_nps",
        "score": score,
        "course_id": course,
    }


def collect(tmp_path: Path, params: OrgParams, changes: Rows | None = None) -> Practice:
    (only,) = follow(tmp_path / "store", complete(params), changes).practice
    return only


def is_followed(practice: Practice, unit: str) -> bool:
    assert practice.completions is not None
    return bool(practice.completions.set_index("unit").loc[unit, "followed"])


def test_learners_of_the_last_four_quarters_are_asked_about(
    tmp_path: Path, params: OrgParams
) -> None:
    practice = collect(tmp_path, params)
    assert practice.periods == ("2025Q4", "2026Q1", "2026Q2", "2026Q3")
    assert practice.completions is not None
    # p4 learnt in 2025Q3; p3 learnt on 6 January and left on 15 February
    assert practice.completions[["unit", "period", "manager"]].values.tolist() == [
        ["p1", "2026Q1", "m1"],
        ["p3", "2026Q1", "m1"],
    ]
    assert not practice.completions["followed"].any()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (act("p1", "2026-03-20 10:00"), True),
        (act("p1", "2026-03-20 10:00", course="c1"), True),
        (act("p1", "2026-03-20 10:00", course="other"), False),
        (act("p1", "2026-03-20 10:00", action="one_to_one"), False),
        (act("p1", "2026-03-01 23:00"), False),  # the day before the completion
        (act("p1", "2026-04-01 18:00"), True),  # the thirtieth day after it
        (act("p1", "2026-04-02 09:00"), False),
        (act("p2", "2026-03-20 10:00"), False),
    ],
)
def test_coaching_within_the_days_is_following_up(
    tmp_path: Path, params: OrgParams, rows: Rows, expected: bool
) -> None:
    assert is_followed(collect(tmp_path, params, rows), "p1") is expected


def test_completions_whose_days_have_not_passed_do_not_count(
    tmp_path: Path, params: OrgParams
) -> None:
    def done(day: str) -> Rows:
        rows: list[dict[str, object]] = [
            {
                "enrollment_id": f"x{course}",
                "employee_id": "p2",
                "course_id": course,
                "enrolled_at": "2026-07-01",
                "completed_at": day,
                "score": 99.0,
                "status": "completed",
            }
            for course in ("c1", "c2")
        ]
        return {"enrollments": rows}

    closed = collect(tmp_path / "closed", params, done("2026-08-31"))
    assert closed.completions is not None
    assert "p2" in set(closed.completions["unit"])
    still = collect(tmp_path / "open", params, done("2026-09-01"))
    assert still.completions is not None
    assert "p2" not in set(still.completions["unit"])


def test_who_left_within_the_days_does_not_count(
    tmp_path: Path, params: OrgParams
) -> None:
    managers = complete(params).managers
    assert managers is not None
    longer = managers.model_copy(update={"within_days": 40})
    made = dataclasses.replace(complete(params), managers=longer)
    (practice,) = follow(tmp_path / "store", made).practice
    assert practice.completions is not None
    # the fortieth day after 6 January is the day on which p3 left
    assert practice.completions["unit"].tolist() == ["p1"]


def test_answers_are_those_of_the_persona_on_the_programme(
    tmp_path: Path, params: OrgParams
) -> None:
    rows: Rows = {
        "surveys": [
            answer("p1", "2026-03-05", 9.0),
            answer("p1", "2026-03-06", 3.0, course="other"),
            answer("m1", "2026-03-05", 1.0),
            answer("p5", "2026-02-10", 2.0),
            answer("p1", "2025-08-05", 4.0),
            answer("p2", "2026-08-05", 7.0),
            answer("p2", "2026-08-05", 0.0) | {"instrument": "engagement"},
        ]
    }
    practice = collect(tmp_path, params, rows)
    expected = pd.DataFrame(
        {"unit": ["p1", "p2"], "period": ["2026Q1", "2026Q3"], "score": [9.0, 7.0]}
    )
    assert practice.answers is not None
    assert practice.answers.values.tolist() == expected.values.tolist()


def test_absent_tables_and_behaviours_leave_nothing(
    tmp_path: Path, params: OrgParams
) -> None:
    tables = tuple(x for x in TABLES if x not in ("surveys", "manager_actions"))
    (practice,) = follow(tmp_path / "a", complete(params), tables=tables).practice
    assert practice.answers is None
    assert practice.completions is None
    undeclared = dataclasses.replace(complete(params), managers=None)
    (practice,) = follow(tmp_path / "b", undeclared).practice
    assert practice.completions is None
    assert practice.answers is not None
