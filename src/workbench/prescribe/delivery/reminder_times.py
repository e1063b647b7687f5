"""When people are reminded: in their working hours, not too often, spread out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workbench.core.nudge_params import CalendarParams
from workbench.prescribe.delivery.steps import Step
from workbench.prescribe.delivery.whereabouts import Person

__all__ = ["Reminder", "ReminderTimes", "list_slots"]

_STEP = 15
_DAY = timedelta(days=1)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPREAD = 10
"""Working days over which the first reminders of people are spread."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """One step and the moment, in local time with its zone, of its reminder."""

    step: Step
    start: datetime


def list_slots(calendar: CalendarParams, person: Person, day: date) -> list[datetime]:
    """List the moments at which a reminder may begin in the shift of one day.

    Parameters
    ----------
    calendar : CalendarParams
        Working hours, quiet hours, working days and holidays.
    person : Person
        Location and shift.
    day : date
        Local day on which the shift begins; one over midnight goes on to the next,
        which must be a working day too.

    Returns
    -------
    list of datetime
        Aware, each quarter of an hour; empty on a day off. Where the clocks change
        there is none in the hour that is left out or comes twice, nor across it.
    """
    place = calendar.find_place(person.place)
    zone = ZoneInfo(place.time_zone or calendar.time_zone)
    work, quiet = calendar.find_hours(person.shift)
    length = timedelta(minutes=calendar.minutes)

    def works(moment: datetime) -> bool:
        wanted = _WEEKDAYS[moment.weekday()] in (place.weekdays or ())
        return wanted and moment.date() not in place.holidays

    midnight = datetime.combine(day, time())
    if not works(midnight):
        return []
    found = []
    for offset in range(0, work.length - calendar.minutes + 1, _STEP):
        minute = work.start + offset
        start = midnight + timedelta(minutes=minute)
        if any(item.meets(minute, calendar.minutes) for item in quiet):
            continue
        if works(start) and works(start + length) and _is_plain(start, length, zone):
            found.append(start.replace(tzinfo=zone))
    return found


def _is_plain(start: datetime, length: timedelta, zone: ZoneInfo) -> bool:
    """Whether the clocks show each moment from start to end just once."""
    offsets = {
        moment.replace(tzinfo=zone, fold=fold).utcoffset()
        for moment in (start, start + length)
        for fold in (0, 1)
    }
    return len(offsets) == 1


class ReminderTimes:
    """Finds moments for the steps of one recipient after the other.

    The same recipient and steps get the same moments whoever else is reminded.

    Parameters
    ----------
    calendar : CalendarParams
        Hours, days and limits.
    """

    def __init__(self, calendar: CalendarParams) -> None:
        self._calendar = calendar
        self._slots: dict[tuple[str, str], dict[date, list[datetime]]] = {}

    def place(
        self, recipient: str, person: Person, steps: Sequence[Step]
    ) -> list[Reminder]:
        """Place the reminders of one recipient.

        Parameters
        ----------
        recipient : str
            Decides on which day of the first two weeks and at which hour.
        person : Person
            The recipient's location and shift.
        steps : sequence of Step
            In order of importance, as later ones may find no room.

        Returns
        -------
        list of Reminder
            In the order of the steps; a step without room before it expires has none.
        """
        seed = int.from_bytes(hashlib.sha256(recipient.encode()).digest()[:8])
        taken: list[date] = []
        found = []
        for number, step in enumerate(steps):
            later = step.starts_on + timedelta(days=seed % _SPREAD)
            draw = (seed >> 8) + number * 7919
            start = self._find(person, later, step.ends_on, draw, taken)
            if start is None:
                before = min(step.ends_on, later - timedelta(days=1))
                start = self._find(person, step.starts_on, before, draw, taken)
            if start is not None:
                taken.append(start.date())
                found.append(Reminder(step, start))
        return found

    def _find(
        self, person: Person, first: date, last: date, draw: int, taken: list[date]
    ) -> datetime | None:
        """Return the first moment within some days that the limits leave."""
        known = self._slots.setdefault((person.place, person.shift), {})
        day = first
        while day <= last:
            slots = known.get(day)
            if slots is None:
                slots = known[day] = list_slots(self._calendar, person, day)
            start = slots[draw % len(slots)] if slots else None
            if start and start.date() <= last and self._is_free(start.date(), taken):
                return start
            day += _DAY
        return None

    def _is_free(self, day: date, taken: list[date]) -> bool:
        """Whether a reminder on a day keeps to the limits."""
        if not taken:
            return True
        apart = self._calendar.days_apart
        if any(abs((day - other).days) < apart for other in taken):
            return False
        week = day.isocalendar()[:2]
        same = [other for other in taken if other.isocalendar()[:2] == week]
        return len(same) < self._calendar.per_week
