"""Reminders: where they fall, and the files read back with the library icalendar."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil.tz import tzical
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prescribe.delivery.project import HOSTILE, STAMP, vary
from workbench.core.nudge_params import CalendarParams
from workbench.prescribe.delivery.calendar_files import (
    fold_line,
    format_calendar,
    make_calendars,
)
from workbench.prescribe.delivery.reminder_times import (
    Reminder,
    ReminderTimes,
    list_slots,
)
from workbench.prescribe.delivery.safe_text import clean_text
from workbench.prescribe.delivery.whereabouts import Person, Whereabouts

CALENDAR = CalendarParams.model_validate(
    {
        "time_zone": "Europe/Berlin",
        "hours": {"from": "09:00", "to": "17:00"},
        "quiet": [
            {"from": "20:00", "to": "07:00"},
            {"from": "12:00", "to": "13:00"},
        ],
        "shifts": {
            "late": {"from": "14:00", "to": "22:00"},
            "night": {
                "from": "22:00",
                "to": "06:00",
                "quiet": [{"from": "00:30", "to": "01:30"}],
            },
        },
        "holidays": [date(2026, 12, 25)],
        "places": {
            "york": {"time_zone": "America/New_York", "holidays": [date(2026, 11, 26)]},
            "dubai": {
                "time_zone": "Asia/Dubai",
                "weekdays": ["sun", "mon", "tue", "wed", "thu"],
            },
            "lord_howe": {"time_zone": "Australia/Lord_Howe"},
        },
    }
)
PERSONS = st.builds(
    Person,
    st.sampled_from(["", "york", "dubai", "lord_howe", "unknown"]),
    st.sampled_from(["", "late", "night", "unknown"]),
)
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
HALF_HOUR = timedelta(minutes=30)


def lies_within(moment: int, start: int, end: int) -> bool:
    """Whether a minute of the day lies in a span that may go over midnight."""
    return start <= moment < end if start < end else moment >= start or moment < end


@settings(max_examples=120, deadline=None)
@given(PERSONS, DAYS)
def test_every_moment_lies_in_the_shift_and_outside_quiet_hours(person, day):
    """Judged minute by minute, on the clock that the person sees."""
    work, quiet = CALENDAR.find_hours(person.shift)
    place = CALENDAR.find_place(person.place)
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    for start in list_slots(CALENDAR, person, day):
        for minute in range(30):
            # counted in UTC, so that nothing is skipped where the clocks change
            instant = start.astimezone(UTC) + timedelta(minutes=minute)
            local = instant.astimezone(start.tzinfo)
            clock = local.hour * 60 + local.minute
            assert lies_within(clock, work.start, work.end)
            assert not any(lies_within(clock, q.start, q.end) for q in quiet)
            assert names[local.weekday()] in place.weekdays
            assert local.date() not in place.holidays
        assert (start.date() - day).days in (0, 1)
        assert start.tzinfo == ZoneInfo(place.time_zone)
        ends = (start.astimezone(UTC) + HALF_HOUR).astimezone(start.tzinfo)
        assert ends.replace(tzinfo=None) == start.replace(tzinfo=None) + HALF_HOUR


def test_a_night_shift_goes_over_midnight_and_stops_at_the_weekend():
    night = Person(shift="night")
    clocks = [slot.strftime("%a %H:%M") for slot in list_slots(CALENDAR, night, STAMP)]
    assert STAMP.strftime("%a") == "Thu"
    assert clocks[0] == "Thu 22:00"
    assert clocks[-1] == "Fri 05:30"
    assert not {"Fri 00:15", "Fri 00:30", "Fri 01:15"} & set(clocks)
    assert {"Fri 00:00", "Fri 01:30"} <= set(clocks)
    friday = list_slots(CALENDAR, night, STAMP + timedelta(days=1))
    assert {slot.strftime("%a") for slot in friday} == {"Fri"}
    assert list_slots(CALENDAR, night, STAMP + timedelta(days=2)) == []


@pytest.mark.parametrize(
    ("day", "missing"),
    [
        # clocks go from 02:00 to 03:00: that hour does not exist
        (date(2026, 3, 29), {"01:45", "02:00", "02:15", "02:30", "02:45"}),
        # clocks go from 03:00 back to 02:00: that hour comes twice
        (date(2026, 10, 25), {"01:45", "02:00", "02:15", "02:30", "02:45"}),
    ],
)
def test_no_reminder_falls_where_the_clocks_change(day, missing):
    week = CALENDAR.model_copy(
        update={"weekdays": ("sat", "sun"), "quiet": (), "places": {}}
    )
    before = list_slots(week, Person(shift="night"), day - timedelta(days=1))
    clocks = {slot.strftime("%H:%M") for slot in before if slot.date() == day}
    assert not missing & clocks
    assert {"03:15", "05:30"} <= clocks


def test_half_an_hour_of_daylight_saving_is_handled_too():
    """Lord Howe moves its clocks by thirty minutes, at 02:00 on 4 October 2026."""
    week = CALENDAR.model_copy(update={"weekdays": ("sat", "sun")})
    found = list_slots(week, Person("lord_howe", "night"), date(2026, 10, 3))
    clocks = {slot.strftime("%H:%M") for slot in found if slot.day == 4}
    assert not {"01:45", "02:00", "02:15"} & clocks
    assert "02:30" in clocks


@settings(max_examples=80, deadline=None)
@given(
    st.text(min_size=1, max_size=8),
    PERSONS,
    st.integers(1, 12),
    st.integers(1, 3),
    st.integers(1, 6),
    st.integers(0, 100),
)
def test_nobody_is_reminded_too_often(name, person, count, per_week, apart, length):
    limits = CALENDAR.model_copy(update={"per_week": per_week, "days_apart": apart})
    last = STAMP + timedelta(days=length)
    steps = [vary(action_id=str(number), ends_on=last) for number in range(count)]
    made = ReminderTimes(limits).place(name, person, steps)
    days = sorted(item.start.date() for item in made)
    weeks = Counter(day.isocalendar()[:2] for day in days)
    assert max(weeks.values(), default=0) <= per_week
    assert all((b - a).days >= apart for a, b in pairwise(days))
    assert all(STAMP <= day <= last for day in days)
    assert len({item.step.action_id for item in made}) == len(made)
    again = ReminderTimes(limits).place(name, person, steps)
    assert again == made


def test_a_step_with_a_working_day_before_it_expires_is_placed():
    """The spread over two weeks gives way where there is no time for it."""
    short = [vary(ends_on=STAMP)]
    for name in map(str, range(20)):
        made = ReminderTimes(CALENDAR).place(name, Person(), short)
        assert [item.start.date() for item in made] == [STAMP]


def test_people_are_not_all_reminded_on_one_day_or_at_one_hour():
    times = ReminderTimes(CALENDAR)
    starts = [
        times.place(str(number), Person(), [vary()])[0].start for number in range(500)
    ]
    days = Counter(start.date() for start in starts)
    assert len(days) >= 7
    assert max(days.values()) < 200
    assert len({start.time() for start in starts}) >= 20


def make(*steps, people=None):
    where = Whereabouts(people=people or {}, team_sizes={})
    return list(
        make_calendars(
            steps, calendar=CALENDAR, whereabouts=where, org="small", stamp=STAMP
        )
    )


def test_steps_beside_take_up_room_and_are_not_written():
    beside = [vary(action_id=f"a{i}", persona="leads") for i in range(9)]
    calendars = make_calendars(
        [vary(action_id="b")],
        beside=beside,
        calendar=CALENDAR,
        whereabouts=Whereabouts(people={}, team_sizes={}),
        org="small",
        stamp=STAMP,
    )
    (own,) = calendars
    (alone,) = make(vary(action_id="b"))
    assert (own.reminders, own.dropped) == (1, 0)
    assert own.content.count(b"BEGIN:VEVENT") == 1
    assert own.content != alone.content


def test_a_calendar_is_read_back_by_the_library():
    steps = [
        vary(action_id=str(i), title=clean_text(title), reason=clean_text(title))
        for i, title in enumerate(HOSTILE)
    ]
    reminders = [
        Reminder(step, datetime(2026, 10, 1, 10, tzinfo=ZoneInfo("Europe/Berlin")))
        for step in steps
    ]
    content = format_calendar(reminders, org="small", stamp=STAMP, minutes=30)
    found = icalendar.Calendar.from_ical(content)
    assert found.errors == []
    written = found.to_ical(sorted=False)
    assert written.replace(b"\r\n ", b"") == content.replace(b"\r\n ", b"")
    events = found.walk("VEVENT")
    assert len(events) == len(HOSTILE)
    for event, step in zip(events, steps, strict=True):
        assert event.errors == []
        assert str(event["SUMMARY"]) == f"Learn: {step.title}"
        assert step.reason in str(event["DESCRIPTION"])
        assert event["CLASS"] == "PRIVATE"
        assert event.decoded("DTSTAMP") == datetime(2026, 10, 1, tzinfo=UTC)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))


@pytest.mark.parametrize(
    "zone",
    [
        *("Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns"),
        *("Asia/Dubai", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"),
    ],
)
def test_the_time_zone_in_the_file_says_the_same_as_the_database(zone):
    """Read by dateutil from the file's own VTIMEZONE, at each hour of two years."""
    start = datetime(2026, 1, 2, 10, tzinfo=ZoneInfo(zone))
    reminders = [Reminder(vary(), start), Reminder(vary(), start.replace(year=2027))]
    content = format_calendar(reminders, org="small", stamp=STAMP, minutes=30)
    own = tzical(io.StringIO(content.decode())).get(zone)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    while moment < datetime(2028, 1, 1, tzinfo=UTC):
        local = moment.astimezone(ZoneInfo(zone))
        if not is_doubtful(local):
            assert local.replace(tzinfo=own).utcoffset() == local.utcoffset(), local
        moment += timedelta(hours=1)
    event = icalendar.Calendar.from_ical(content).walk("VEVENT")[0]
    assert event["DTSTART"].params["TZID"] == zone
    assert event.decoded("DTSTART") == start
    assert event.decoded("DURATION") == HALF_HOUR


def is_doubtful(local: datetime) -> bool:
    """Whether the clock shows this moment twice; no reminder falls there."""
    return local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()


def test_coaching_goes_to_the_manager_and_the_rest_to_the_person():
    task = vary(action_id="t", kind="coaching_task", prompt="What helped?")
    calendars = make(vary(), task)
    by_name = {item.recipient: item for item in calendars}
    assert set(by_name) == {"p" * 32, "m" * 32}
    manager = icalendar.Calendar.from_ical(by_name["m" * 32].content)
    event = manager.walk("VEVENT")[0]
    assert str(event["SUMMARY"]) == f"Coach: First steps ({'p' * 32})"
    assert "A gap of" not in str(event["DESCRIPTION"])
    assert "What helped?" in str(event["DESCRIPTION"])


def test_ids_stay_when_a_title_changes_and_differ_between_actions():
    def find(*steps):
        content = make(*steps)[0].content
        events = icalendar.Calendar.from_ical(content).walk("VEVENT")
        return [str(event["UID"]) for event in events]

    assert find(vary()) == find(vary(title="other"))
    assert len(set(find(vary(), vary(action_id="a2")))) == 2


def test_what_finds_no_room_is_counted_and_no_empty_file_is_made():
    weekend = vary(starts_on=date(2026, 10, 3), ends_on=date(2026, 10, 4))
    (made,) = make(weekend)
    assert (made.reminders, made.dropped, made.content) == (0, 1, b"")
    crowd = [vary(action_id=str(i), ends_on=date(2026, 10, 9)) for i in range(10)]
    (made,) = make(*crowd)
    assert made.reminders + made.dropped == 10
    assert 1 <= made.reminders <= 4


def test_working_hours_are_those_of_the_place():
    people = {"p" * 32: Person("york", "late"), "m" * 32: Person("dubai", "")}
    for item in make(vary(), vary(action_id="t", kind="coaching_task"), people=people):
        event = icalendar.Calendar.from_ical(item.content).walk("VEVENT")[0]
        start = event.decoded("DTSTART")
        zone = "America/New_York" if item.recipient == "p" * 32 else "Asia/Dubai"
        assert str(start.tzinfo) == zone
        assert (14 if zone[0] == "A" and "York" in zone else 9) <= start.hour < 20


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=300))
def test_folded_lines_are_short_and_come_back(text):
    folded = fold_line(text)
    assert folded.replace("\r\n ", "") == text
    assert all(len(line.encode()) <= 75 for line in folded.split("\r\n"))
