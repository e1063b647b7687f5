"""Reminders as iCalendar files, one per recipient (RFC 5545)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from workbench.core.nudge_params import CalendarParams
from workbench.prescribe.delivery.reminder_times import Reminder, ReminderTimes
from workbench.prescribe.delivery.safe_text import escape_calendar, find_file_name
from workbench.prescribe.delivery.steps import Step, format_hours
from workbench.prescribe.delivery.time_zones import format_time_zone
from workbench.prescribe.delivery.whereabouts import Person, Whereabouts

__all__ = ["Calendar", "fold_line", "format_calendar", "make_calendars"]

_NAMESPACE = uuid.UUID("6f0e3f0c-0d6b-5f0e-9a57-0f6f3c1d2b61")
_LINE = 75
_REMEMBERED = 16_384
_UTC = "UTC"
_WORDS = {
    "micro_module": "Learn",
    "path_module": "Learn",
    "practice": "Practise",
    "assessment": "Assess",
    "coaching_task": "Coach",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The reminders of one recipient.

    Attributes
    ----------
    recipient, path : str
        Who gets it, and the file's place; both empty where a manager's id is wanted
        and not known.
    reminders, dropped : int
        Events in it, and steps for which there was no room.
    content : bytes
        The file; empty where there is no event.
    """

    recipient: str
    path: str
    reminders: int
    dropped: int
    content: bytes


def make_calendars(
    steps: Sequence[Step],
    *,
    calendar: CalendarParams,
    whereabouts: Whereabouts,
    org: str,
    stamp: date,
    beside: Sequence[Step] = (),
) -> Iterator[Calendar]:
    """Make a calendar for everyone who is to be reminded of something.

    Parameters
    ----------
    steps : sequence of Step
        Coaching tasks go to the manager, all others to the person.
    calendar : CalendarParams
        Hours, days and limits.
    whereabouts : Whereabouts
        Location and shift of people.
    org : str
        Part of what the ids of events are made of.
    stamp : date
        Day, in UTC, on which the events were written (DTSTAMP).
    beside : sequence of Step
        Steps of other personas that reach the same recipients: they are placed too, so
        that the limits hold over all personas, but not written.

    Yields
    ------
    Calendar
        By recipient's pseudonym; those for whom there is no room have no content.
    """
    times = ReminderTimes(calendar)
    found, others = _group(steps), _group(beside)
    for key in sorted(found):
        own = found[key]
        first = next((item for item in own if item.key == key), None)
        shown = first.person if first else own[0].team
        if not shown:
            yield Calendar(
                recipient="", path="", reminders=0, dropped=len(own), content=b""
            )
            continue
        person = whereabouts.people.get(key, Person())
        crowd = [*own, *others.get(key, [])]
        crowd.sort(key=lambda item: (item.starts_on, item.ends_on, item.action_id))
        written = {item.action_id for item in own}
        placed = times.place(key, person, crowd)
        reminders = [item for item in placed if item.step.action_id in written]
        name = find_file_name(shown)
        content = format_calendar(
            reminders, org=org, stamp=stamp, minutes=calendar.minutes
        )
        yield Calendar(
            recipient=shown,
            path=f"{name[:2]}/{name}.ics",
            reminders=len(reminders),
            dropped=len(own) - len(reminders),
            content=content if reminders else b"",
        )


def _group(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """Group steps by the pseudonym of the recipient."""
    found: dict[str, list[Step]] = {}
    for step in steps:
        key = step.team_key if step.for_manager else step.key
        found.setdefault(key, []).append(step)
    return found


def format_calendar(
    reminders: Sequence[Reminder], *, org: str, stamp: date, minutes: int
) -> bytes:
    """Write reminders as one iCalendar object, with the time zones they need.

    Each event's id follows from the organisation and the action alone, so that an
    event sent again takes the place of the earlier one.
    """
    zones = sorted({_name_zone(item.start) for item in reminders} - {_UTC})
    years = [item.start.year for item in reminders] or [stamp.year]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//workbench//next steps//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
    ]
    parts = [
        "".join(f"{line}\r\n" for line in lines),
        *(format_time_zone(zone, min(years), max(years)) for zone in zones),
        *(_format_event(item, org, stamp, minutes) for item in reminders),
        "END:VCALENDAR\r\n",
    ]
    return "".join(parts).encode()


def _format_event(reminder: Reminder, org: str, stamp: date, minutes: int) -> str:
    step, start = reminder.step, reminder.start
    zone = _name_zone(start)
    moment = start.strftime("%Y%m%dT%H%M%S")
    when = f":{moment}Z" if zone == _UTC else f";TZID={zone}:{moment}"
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uuid.uuid5(_NAMESPACE, f'{org}/{step.action_id}')}",
        f"DTSTAMP:{stamp:%Y%m%d}T000000Z",
        f"DTSTART{when}",
        f"DURATION:PT{minutes}M",
        fold_line(f"SUMMARY:{escape_calendar(_write_summary(step))}"),
        fold_line(f"DESCRIPTION:{escape_calendar(_write_description(step))}"),
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]
    return "\r\n".join(lines) + "\r\n"


def _write_summary(step: Step) -> str:
    word = _WORDS.get(step.kind, "Next step")
    whom = f" ({step.person})" if step.for_manager else ""
    return f"{word}: {step.title}{whom}"


def _write_description(step: Step) -> str:
    """Write what to do and by when; the reason goes to the person alone."""
    effort = (
        f"About {format_hours(step.effort_hours)} hours" if step.effort_hours else ""
    )
    lines = [
        f"{effort}, by {step.ends_on}." if effort else f"By {step.ends_on}.",
        step.prompt if step.for_manager else step.practice,
        "" if step.for_manager else step.reason,
    ]
    return "\n".join(line for line in lines if line)


@lru_cache(_REMEMBERED)
def fold_line(line: str) -> str:
    """Fold a content line at 75 octets, between characters (RFC 5545, 3.1)."""
    data = line.encode()
    if len(data) <= _LINE:
        return line
    parts = []
    at, room = 0, _LINE
    while at < len(data):
        end = min(at + room, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(data[at:end].decode())
        at, room = end, _LINE - 1
    return "\r\n ".join(parts)


def _name_zone(moment: datetime) -> str:
    return str(moment.tzinfo)
