"""``nudges.yml``: how what is prescribed reaches people in the flow of their work."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from workbench.core.params import Name, Strict

__all__ = [
    "LMS_FIELDS",
    "NUDGES_FILE",
    "CalendarParams",
    "ChatParams",
    "Hours",
    "LmsFormat",
    "NudgeParams",
    "Place",
    "Shift",
    "XapiParams",
]

NUDGES_FILE = "nudges.yml"

LMS_FIELDS = (
    *("person", "course", "title", "persona", "action", "role", "days"),
    *("starts_on", "ends_on", "starts_at", "ends_at", "starts_unix", "ends_unix"),
)
"""What a column of an enrolment file may be filled with, written ``{person}``."""

_DAY = 24 * 60
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_FIELD = re.compile(r"\{(\w*)\}")


def _read_clock(value: object) -> int:
    """Read a time of day as minutes; YAML makes minutes of an unquoted 22:00."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _DAY:
        return value
    match = _CLOCK.fullmatch(str(value))
    minutes = int(match[1]) * 60 + int(match[2]) if match else _DAY + 1
    if minutes > _DAY:
        raise ValueError("a time of day is written as 09:30, from 00:00 to 24:00")
    return minutes


_list_zones = cache(available_timezones)
"""Reads the names from disk, once."""


def _check_zone(name: str) -> str:
    if name not in _list_zones():
        raise ValueError("no such time zone; a name such as Europe/Berlin")
    return name


def _check_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("an address that begins with https:// and names a host")
    return text.rstrip("/")


Address = Annotated[str, AfterValidator(_check_address)]
Clock = Annotated[int, BeforeValidator(_read_clock)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Zone = Annotated[str, AfterValidator(_check_zone)]


class Hours(Strict):
    """A span of the local clock, in minutes since midnight.

    One that ends at or before its start goes over midnight.
    """

    model_config = ConfigDict(populate_by_name=True)

    start: Clock = Field(alias="from")
    end: Clock = Field(alias="to")

    @property
    def length(self) -> int:
        """Minutes from start to end."""
        return (self.end - self.start - 1) % _DAY + 1

    def meets(self, start: int, minutes: int) -> bool:
        """Whether so many minutes from `start` on share any with this span."""
        ahead = (self.start - start) % _DAY
        return (start - self.start) % _DAY < self.length or ahead < minutes


class Shift(Hours):
    """Working hours of one shift; its own quiet hours take the place of the others."""

    quiet: tuple[Hours, ...] | None = None


class Place(Strict):
    """What is different at one location."""

    time_zone: Zone | None = None
    weekdays: tuple[Weekday, ...] | None = Field(default=None, min_length=1)
    holidays: tuple[date, ...] = ()


class CalendarParams(Strict):
    """When people may be reminded.

    ``places`` and ``shifts`` bear the names of the table ``job_history``; ``hours``
    are those of people whose shift is not among them. Nobody gets more than
    ``per_week`` reminders in a week, nor two of them less than ``days_apart`` apart.
    """

    time_zone: Zone = "UTC"
    hours: Hours = Hours(start=9 * 60, end=17 * 60)
    shifts: dict[str, Shift] = Field(default_factory=dict)
    quiet: tuple[Hours, ...] = (Hours(start=20 * 60, end=7 * 60),)
    weekdays: tuple[Weekday, ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri"), min_length=1
    )
    holidays: tuple[date, ...] = ()
    places: dict[str, Place] = Field(default_factory=dict)
    minutes: int = Field(default=30, ge=5, le=240)
    per_week: int = Field(default=2, ge=1, le=7)
    days_apart: int = Field(default=2, ge=1, le=28)

    def find_hours(self, shift: str) -> tuple[Hours, tuple[Hours, ...]]:
        """Return the working and the quiet hours of a shift."""
        found = self.shifts.get(shift)
        if found is None:
            return self.hours, self.quiet
        return found, self.quiet if found.quiet is None else found.quiet

    def find_place(self, place: str) -> Place:
        """Return the time zone, working days and holidays that hold at a location."""
        found = self.places.get(place, Place())
        return Place(
            time_zone=found.time_zone or self.time_zone,
            weekdays=found.weekdays or self.weekdays,
            holidays=(*self.holidays, *found.holidays),
        )

    @model_validator(mode="after")
    def _possible(self) -> CalendarParams:
        for name in ("", *self.shifts):
            work, quiet = self.find_hours(name)
            starts = range(work.start, work.start + work.length - self.minutes + 1)
            if all(any(q.meets(s, self.minutes) for q in quiet) for s in starts):
                raise ValueError(
                    f"{f'shift {name}' if name else 'hours'}: quiet hours leave no"
                    f" {self.minutes} minutes of the working hours"
                )
        return self


class ChatParams(Strict):
    """Messages for incoming webhooks, and how patiently they are sent.

    With the audience ``manager`` a message names no person of the team: others may
    read the channel.
    """

    format: Literal["slack", "teams"] = "slack"
    audience: Literal["manager", "person"] = "manager"
    attempts: int = Field(default=4, ge=1, le=10)
    first_wait: float = Field(default=1.0, gt=0, le=60, description="seconds")
    longest_wait: float = Field(default=60.0, gt=0, le=600, description="seconds")
    timeout: float = Field(default=10.0, gt=0, le=120, description="seconds")
    pause: float = Field(default=1.0, ge=0, le=60, description="seconds")


class LmsFormat(Strict):
    """One enrolment file: a preset, or columns of one's own.

    Each column is a text in which the names of `LMS_FIELDS` stand in braces. In the
    layout ``person`` each person has one row, and columns whose name holds ``#`` are
    repeated with the number of the course in its place. ``courses`` gives the LMS's
    own names of courses; ``lower`` and ``remove`` turn a person's id into the user
    name there, AG-0100003 into ag0100003.
    """

    id: Name
    preset: Literal["moodle_upload", "moodle_flat_file", "canvas_sis"] | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    layout: Literal["enrolment", "person"] = "enrolment"
    header: bool = True
    delimiter: Literal[",", ";", "\t", "|"] = ","
    role: str = Field(default="student", min_length=1)
    courses: dict[str, str] = Field(default_factory=dict)
    lower: bool = False
    remove: str = ""

    @model_validator(mode="after")
    def _sound(self) -> LmsFormat:
        if (self.preset is None) == (not self.columns):
            raise ValueError("give either preset or columns")
        for name, text in self.columns.items():
            known = set(_FIELD.findall(text)) <= set(LMS_FIELDS)
            if not known or set("{}") & set(_FIELD.sub("", text)):
                raise ValueError(
                    f"columns.{name}: in braces stands one of {', '.join(LMS_FIELDS)}"
                )
        if self.layout == "person" and not any("#" in name for name in self.columns):
            raise ValueError("layout person: no column repeats, as in course#")
        return self


class XapiParams(Strict):
    """Addresses that xAPI statements are made of; none of them is called."""

    home_page: Address = "https://people.example"
    activities: Address = "https://learning.example/activities"
    verb: Address = "https://w3id.org/xapi/tla/verbs/recommended"
    verb_display: str = Field(default="recommended", min_length=1)


class NudgeParams(Strict):
    """How what is prescribed reaches people: calendars, chat, LMS, statements."""

    calendar: CalendarParams = CalendarParams()
    chat: ChatParams = ChatParams()
    lms: tuple[LmsFormat, ...] = (
        LmsFormat(id="moodle", preset="moodle_upload"),
        LmsFormat(id="canvas", preset="canvas_sis"),
    )
    xapi: XapiParams = XapiParams()

    @model_validator(mode="after")
    def _unique(self) -> NudgeParams:
        names = [item.id for item in self.lms]
        if len(set(names)) < len(names):
            raise ValueError("lms: an id stands twice")
        return self
