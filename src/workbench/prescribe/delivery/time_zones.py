"""Time zones as calendars need them: each change of the clocks, written out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

__all__ = ["format_time_zone"]

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@cache
def format_time_zone(name: str, first_year: int, last_year: int) -> str:
    """Write a VTIMEZONE that holds for some years.

    icalendar's own generator dates the change in spring by the clock after it, which
    is an hour late: RFC 5545, 3.6.5, counts by the clock before it.

    Parameters
    ----------
    name : str
        Name in the time zone database, such as Europe/Berlin.
    first_year, last_year : int
        Calendar years, both included.

    Returns
    -------
    str
        Lines that end as RFC 5545 says; one part for the state at the beginning and
        one for each change.
    """
    zone = ZoneInfo(name)
    begin = datetime(first_year - 1, 12, 31, tzinfo=UTC)
    end = datetime(last_year + 1, 1, 2, tzinfo=UTC)
    lines = ["BEGIN:VTIMEZONE", f"TZID:{name}", *_list_part(zone, begin, begin)]
    for before, after in _list_changes(zone, begin, end):
        lines += _list_part(zone, before, after)
    return "".join(f"{line}\r\n" for line in [*lines, "END:VTIMEZONE"])


def _list_changes(
    zone: ZoneInfo, begin: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """List the last minute before and the first after each change, in UTC."""
    found = []
    while begin < end:
        before, after = begin, begin + _DAY
        if _find_offset(zone, before) != _find_offset(zone, after):
            while after - before > _MINUTE:
                middle = before + (after - before) // 2
                middle = middle.replace(second=0, microsecond=0)
                if _find_offset(zone, middle) == _find_offset(zone, before):
                    before = middle
                else:
                    after = middle
            found.append((before, after))
        begin += _DAY
    return found


def _list_part(zone: ZoneInfo, before: datetime, after: datetime) -> list[str]:
    """Write what holds from a moment on, dated by the clock as it went before."""
    old, new = _find_offset(zone, before), _find_offset(zone, after)
    local = after.astimezone(zone)
    kind = "DAYLIGHT" if local.dst() else "STANDARD"
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{(after + old):%Y%m%dT%H%M%S}",
        f"TZOFFSETFROM:{_format_offset(old)}",
        f"TZOFFSETTO:{_format_offset(new)}",
        f"TZNAME:{local.tzname()}",
        f"END:{kind}",
    ]


def _find_offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _format_offset(offset: timedelta) -> str:
    sign = "-" if offset < timedelta() else "+"
    hours, minutes = divmod(abs(offset) // _MINUTE, 60)
    return f"{sign}{hours:02}{minutes:02}"
