from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from tests.data.audit.conftest import Opener
from tests.data.audit.stores import Rows
from workbench.data.audit.faults import count_faults, find_dimension

NOBODY = "f" * 32


def _set(table: str, index: int, **values: Any) -> Callable[[Rows], None]:
    return lambda rows: rows[table][index].update(values)


def _repeat(table: str, index: int, **values: Any) -> Callable[[Rows], None]:
    return lambda rows: rows[table].append({**rows[table][index], **values})


CASES = {
    "range": (
        _set("enrollments", 0, score=101.0),
        ("enrollments", "out_of_range", "score", "above 100"),
    ),
    "negative": (
        _set("enrollments", 0, minutes=-1.0),
        ("enrollments", "out_of_range", "minutes", "below 0"),
    ),
    "not a number": (
        _set("lms_events", 0, duration_s=float("nan")),
        ("lms_events", "out_of_range", "duration_s", "not a finite number"),
    ),
    "score is no number": (
        _set("enrollments", 0, score=float("nan")),
        ("enrollments", "out_of_range", "score", "not a finite number"),
    ),
    "rating above scale": (
        _set("performance", 0, rating=6.0),
        ("performance", "out_of_range", "rating", "breaks: rating is not above"),
    ),
    "closed list": (
        _set("job_history", 0, event="moved"),
        ("job_history", "out_of_list", "event", "not in the closed list"),
    ),
    "missing": (
        _set("courses", 0, title=None),
        ("courses", "null_required", "title", "no value"),
    ),
    "duplicate key": (
        _repeat("enrollments", 0),
        ("enrollments", "duplicate_key", "enrollment_id", "stands more than once"),
    ),
    "two ratings": (
        _repeat("performance", 0, rating=2.0),
        ("performance", "duplicate_key", "employee_id, period", "stands more"),
    ),
    "repeated row": (
        _repeat("lms_events", 0),
        ("lms_events", "repeated_row", "whole row", "stands more than once"),
    ),
    "unknown person": (
        _set("performance", 0, employee_id=NOBODY),
        ("performance", "unknown_employee", "employee_id", "employee_id is not in"),
    ),
    "unknown manager": (
        _set("job_history", 0, manager_id=NOBODY),
        ("job_history", "unknown_employee", "manager_id", "manager_id is not in"),
    ),
    "instructor from outside": (_set("enrollments", 0, instructor_id=NOBODY),),
    "unknown course": (
        _set("lms_events", 0, course_id="c9"),
        ("lms_events", "unknown_course", "course_id", "course_id is not in courses"),
    ),
    "unknown prerequisite": (
        _set("courses", 1, prerequisite_ids=["c1", "c9", "c8"]),
        ("courses", "unknown_course", "prerequisite_ids", "names courses that do not"),
    ),
    "completed before enrolled": (
        _set("enrollments", 0, enrolled_at=datetime(2025, 6, 1)),
        ("enrollments", "impossible_date", "completed_at", "before enrolled_at"),
    ),
    "exit before hire": (
        _set("employees", 0, exit_date=date(2023, 1, 1)),
        ("employees", "impossible_date", "exit_date", "exit_date before hire_date"),
        ("job_history", "contradiction", "effective_date", "before hire or after"),
    ),
    "own manager": (
        lambda rows: rows["job_history"][0].update(
            manager_id=rows["job_history"][0]["employee_id"]
        ),
        ("job_history", "contradiction", "manager_id", "own manager"),
    ),
    "job before hire": (
        _set("job_history", 10, effective_date=date(2024, 1, 1)),
        ("job_history", "contradiction", "effective_date", "before hire or after"),
    ),
    "completed without date": (
        _set("enrollments", 0, completed_at=None),
        ("enrollments", "contradiction", "completed_at", "without a date"),
    ),
    "date without completion": (
        _set("enrollments", 0, status="in_progress"),
        ("enrollments", "contradiction", "status", "was not completed"),
    ),
    "enrolled after exit": (
        lambda rows: rows["enrollments"][-1].update(
            employee_id=rows["employees"][0]["employee_id"]
        ),
        ("enrollments", "contradiction", "enrolled_at", "enrolled after exit"),
    ),
    "active after exit": (
        lambda rows: rows["lms_events"][-1].update(
            employee_id=rows["employees"][0]["employee_id"]
        ),
        ("lms_events", "contradiction", "event_at", "activity after exit"),
    ),
    "no job record": (
        lambda rows: rows["job_history"].pop(30),
        ("employees", "contradiction", "employee_id", "without any job record"),
    ),
}


def _find(faults: pd.DataFrame) -> list[tuple[str, str, str, str, int]]:
    broken = faults[faults["faults"] > 0]
    names = ["table", "reason", "column", "text", "faults"]
    return list(broken[names].itertuples(index=False, name=None))


def test_a_sound_store_has_none(rows: Rows, opened: Opener) -> None:
    faults = count_faults(opened(rows))
    assert _find(faults) == []
    assert set(faults["table"]) == set(rows)
    assert (faults["rows"] > 0).all()


@pytest.mark.parametrize("name", list(CASES))
def test_one_fault_is_counted_once(rows: Rows, opened: Opener, name: str) -> None:
    change, *expected = CASES[name]
    change(rows)
    found = _find(count_faults(opened(rows)))
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    for row, (_, _, _, text) in zip(found, expected, strict=True):
        assert text in row[3]
        assert row[4] == 1


def test_same_day_without_a_time_is_no_fault(rows: Rows, opened: Opener) -> None:
    day = rows["enrollments"][0]["completed_at"].replace(hour=0)
    rows["enrollments"][0]["completed_at"] = day
    rows["enrollments"][0]["enrolled_at"] = day.replace(hour=9)
    assert _find(count_faults(opened(rows))) == []


def test_large_tables_are_searched_for_repeats_by_person(
    rows: Rows, opened: Opener
) -> None:
    rows["lms_events"] *= 2
    con = opened(rows)
    whole = count_faults(con).query("reason == 'repeated_row'").iloc[0]
    assert (whole["rows"], whole["faults"]) == (864, 432)
    part = count_faults(con, sample_above=100).query("reason == 'repeated_row'").iloc[0]
    assert 0 < part["rows"] < 864
    assert part["faults"] * 2 == part["rows"]
    assert "one person in 9" in part["text"]


def test_dimensions_of_reasons() -> None:
    assert find_dimension("unknown_course") == "consistency"
    assert find_dimension("duplicate_key") == "uniqueness"
    assert find_dimension("a reason of a later version") == "validity"
    assert find_dimension("repeated_row") == ""
