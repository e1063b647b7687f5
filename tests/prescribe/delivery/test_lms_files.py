"""Enrolment files, read back with the csv module."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest

from tests.prescribe.delivery.project import HOSTILE, vary
from workbench.core.nudge_params import LmsFormat
from workbench.prescribe.delivery.lms_files import (
    format_csv,
    list_enrolments,
    make_enrolment_file,
)

TWO = (
    vary(action_id="a", person="AG-01", key="1", course_id="c1"),
    vary(action_id="b", person="AG-01", key="1", course_id="c2"),
    vary(action_id="c", person="AG-02", key="2", course_id="c1"),
)


def read(content: bytes, delimiter: str = ",") -> list[list[str]]:
    text = io.StringIO(content.decode(), newline="")
    return list(csv.reader(text, delimiter=delimiter, strict=True))


def test_moodle_upload_has_one_row_per_person_and_numbered_courses():
    form = LmsFormat(id="m", preset="moodle_upload", lower=True, remove="-")
    made = make_enrolment_file(TWO, form)
    assert read(made.content) == [
        [
            "username",
            "course1",
            "role1",
            "enrolperiod1",
            "course2",
            "role2",
            "enrolperiod2",
        ],
        ["ag01", "c1", "student", "92", "c2", "student", "92"],
        ["ag02", "c1", "student", "92", "", "", ""],
    ]
    assert made.enrolments == 3


def test_moodle_flat_file_has_no_header_and_unix_times():
    form = LmsFormat(id="m", preset="moodle_flat_file", role="editingteacher")
    rows = read(make_enrolment_file(TWO[:1], form).content)
    begins, ends = (
        str(int(datetime(*day, tzinfo=UTC).timestamp()))
        for day in ((2026, 10, 1), (2027, 1, 1))
    )
    assert rows == [["add", "editingteacher", "AG-01", "c1", begins, ends]]


def test_canvas_has_the_columns_of_its_enrollments_file():
    form = LmsFormat(id="c", preset="canvas_sis", courses={"c1": "SIS-7"})
    rows = read(make_enrolment_file(TWO[:1], form).content)
    zero = "T00:00:00Z"
    assert rows == [
        ["course_id", "user_id", "role", "status", "start_date", "end_date"],
        [
            "SIS-7",
            "AG-01",
            "student",
            "active",
            f"2026-10-01{zero}",
            f"2027-01-01{zero}",
        ],
    ]


def test_columns_of_ones_own_are_filled_and_guarded():
    form = LmsFormat(
        id="o",
        columns={"user": "{person}", "name": "{title}", "by": "Rule {persona}"},
        delimiter=";",
    )
    steps = [
        vary(action_id=str(i), key=str(i), title=title)
        for i, title in enumerate(HOSTILE)
    ]
    rows = read(make_enrolment_file(steps, form).content, ";")
    assert len(rows) == len(HOSTILE) + 1
    assert {row[2] for row in rows[1:]} == {"Rule sellers"}
    assert not [row for row in rows if row[1][:1] in ("=", "+", "-", "@", "＝", "\t")]


@pytest.mark.parametrize("course", ["=cmd|'/C calc'!A0", "../\n", "-1x", "é"])
def test_an_odd_id_is_refused_and_not_changed(course):
    """Enrolment in a course whose id was altered would be in another course."""
    odd = vary(action_id="odd", key="9", course_id=course)
    form = LmsFormat(id="c", preset="canvas_sis")
    made = make_enrolment_file([*TWO, odd], form)
    assert made.refused == (odd,)
    assert (made.enrolments, len(read(made.content))) == (3, 4)


def test_only_courses_are_enrolments_each_once_and_none_of_coaching():
    steps = [
        *TWO,
        vary(action_id="d", key="1", course_id="c1"),
        vary(action_id="e", key="1", course_id=""),
        vary(action_id="f", key="3", course_id="c1", kind="coaching_task"),
    ]
    assert [step.action_id for step in list_enrolments(steps)] == ["a", "b", "c"]


def test_a_file_without_enrolments_is_its_header():
    for preset in ("moodle_upload", "canvas_sis"):
        form = LmsFormat(id="x", preset=preset)
        assert len(read(make_enrolment_file([], form).content)) == 1


def test_cells_with_delimiters_quotes_and_breaks_come_back():
    cells = ['a,"b"', "c\r\nd", "e;f", ""]
    assert read(format_csv([cells])) == [cells]


def test_days_count_both_ends():
    form = LmsFormat(id="o", columns={"d": "{days}", "e": "{ends_on}"})
    step = vary(starts_on=date(2026, 10, 1), ends_on=date(2026, 10, 1))
    assert read(make_enrolment_file([step], form).content)[1] == ["1", "2026-10-01"]
