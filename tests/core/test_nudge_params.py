"""``nudges.yml``: clocks, hours over midnight, and faults named with their line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.core.errors import ParamError
from workbench.core.nudge_params import (
    CalendarParams,
    Hours,
    LmsFormat,
    NudgeParams,
    XapiParams,
)
from workbench.core.params import load_org_params
from workbench.core.store import find_project_root
from workbench.core.yaml_files import read_model

MINUTES = st.integers(0, 1439)


def read(tmp_path, text):
    path = tmp_path / "nudges.yml"
    path.write_text(text)
    return read_model(path, NudgeParams)


@pytest.mark.parametrize("written", ['"22:30"', "22:30", "1350"])
def test_a_clock_is_read_with_quotes_or_without(tmp_path, written):
    """YAML makes a whole number of an unquoted 22:30."""
    text = f"calendar: {{hours: {{from: {written}, to: '06:00'}}, quiet: []}}\n"
    hours = read(tmp_path, text).calendar.hours
    assert (hours.start, hours.end, hours.length) == (1350, 360, 450)


@pytest.mark.parametrize("written", ["'25:00'", "'9'", "'24:01'", "-1", "true", "1441"])
def test_what_is_no_clock_is_refused_with_its_line(tmp_path, written):
    text = f"calendar:\n  hours: {{from: {written}, to: '17:00'}}\n"
    with pytest.raises(ParamError, match=r"nudges\.yml:2: calendar\.hours\.from"):
        read(tmp_path, text)


@given(MINUTES, MINUTES, MINUTES, st.integers(1, 240))
def test_spans_meet_as_minutes_counted_one_by_one_say(start, end, moment, minutes):
    span = Hours(start=start, end=end)
    inside = {(start + step) % 1440 for step in range(span.length)}
    reminder = {(moment + step) % 1440 for step in range(minutes)}
    assert span.meets(moment, minutes) == bool(inside & reminder)
    assert 1 <= span.length <= 1440


def test_quiet_hours_that_leave_nothing_of_a_shift_are_refused(tmp_path):
    text = 'calendar:\n  shifts:\n    night: {from: "21:00", to: "06:00"}\n'
    with pytest.raises(ParamError, match="shift night: quiet hours leave no 30"):
        read(tmp_path, text)
    assert read(tmp_path, text.replace("}", ", quiet: []}")).calendar.shifts


@pytest.mark.parametrize(
    "text",
    [
        "calendar: {time_zone: Europe/Atlantis}",
        "calendar: {places: {x: {time_zone: ../etc}}}",
        "calendar: {per_week: 0}",
        "calendar: {weekdays: [monday]}",
        "chat: {format: fax}",
        "lms: [{id: a}]",
        "lms: [{id: a, preset: canvas_sis}, {id: a, preset: moodle_upload}]",
        "lms: [{id: ../a, preset: canvas_sis}]",
        "lms: [{id: a, columns: {x: '{nobody}'}}]",
        "lms: [{id: a, columns: {x: '{person'}}]",
        "lms: [{id: a, columns: {x: '{person}'}, layout: person}]",
        "xapi: {verb: recommended}",
        "xapi: {home_page: 'javascript:alert(1)'}",
        "colour: red",
    ],
)
def test_faults_are_refused(tmp_path, text):
    with pytest.raises(ParamError, match=r"nudges\.yml does not fit its model"):
        read(tmp_path, text + "\n")


def test_places_and_shifts_add_to_what_holds_everywhere():
    calendar = CalendarParams.model_validate(
        {
            "time_zone": "Europe/Berlin",
            "holidays": ["2026-12-25"],
            "places": {"a": {"holidays": ["2026-11-01"]}, "b": {"time_zone": "UTC"}},
        }
    )
    assert [day.month for day in calendar.find_place("a").holidays] == [12, 11]
    assert calendar.find_place("b").time_zone == "UTC"
    assert calendar.find_place("nowhere").time_zone == "Europe/Berlin"
    assert calendar.find_hours("no shift") == (calendar.hours, calendar.quiet)


def test_parameters_are_frozen_and_addresses_without_end():
    with pytest.raises(ValidationError):
        LmsFormat(id="a", preset="canvas_sis").role = "ta"
    assert XapiParams(home_page="https://p.example/").home_page == "https://p.example"


def test_the_demos_file_is_read():
    root = find_project_root()
    nudges = load_org_params("demo", root / "params").nudges
    assert nudges is not None
    assert set(nudges.calendar.shifts) == {"day", "late", "night"}
