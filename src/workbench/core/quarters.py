"""Fiscal quarters: the unit of time of every report."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta

from workbench.core.errors import ParamError

__all__ = ["Quarter", "list_quarters"]

_PATTERN = re.compile(r"(\d{4})Q([1-4])")
_MONTHS = 12
_MONTHS_PER_QUARTER = 3


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """One fiscal quarter.

    A fiscal year bears the number of the calendar year in which it ends, so with
    ``year_starts=7`` the quarter ``2026Q1`` runs from July to September 2025. With
    ``year_starts=1`` fiscal and calendar quarters are the same.

    Parameters
    ----------
    year : int
        Fiscal year, four digits.
    number : int
        1 to 4.
    year_starts : int
        Month in which the fiscal year starts, 1 to 12.

    Raises
    ------
    ParamError
        If the number or the month is out of range.
    """

    year: int
    number: int
    year_starts: int = field(default=1, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 4 or not 1900 <= self.year <= 9998:
            raise ParamError.build(
                "Quarter out of range", rule="1900Q1 to 9998Q4", got=str(self)
            )
        if not 1 <= self.year_starts <= _MONTHS:
            raise ParamError.build(
                "The fiscal year starts in no such month",
                rule="a month from 1 to 12",
                got=self.year_starts,
            )

    @classmethod
    def parse(cls, text: str, *, year_starts: int = 1) -> Quarter:
        """Read a quarter written as ``2026Q3``.

        Raises
        ------
        ParamError
            If the text has another form.
        """
        match = _PATTERN.fullmatch(str(text).strip())
        if match is None:
            raise ParamError.build(
                "This is not a quarter",
                rule="four digits, Q and a number from 1 to 4, such as 2026Q3",
                got=text,
            )
        return cls(int(match[1]), int(match[2]), year_starts)

    @classmethod
    def of_day(cls, day: date, *, year_starts: int = 1) -> Quarter:
        """Return the quarter in which a day lies."""
        months = (day.month - year_starts) % _MONTHS
        ends_next_year = year_starts > 1 and day.month >= year_starts
        year = day.year + (1 if ends_next_year else 0)
        return cls(year, months // _MONTHS_PER_QUARTER + 1, year_starts)

    @property
    def first_day(self) -> date:
        """First day of the quarter: time zero of its target trials."""
        calendar_year = self.year - (1 if self.year_starts > 1 else 0)
        months = self.year_starts - 1 + (self.number - 1) * _MONTHS_PER_QUARTER
        return date(calendar_year + months // _MONTHS, months % _MONTHS + 1, 1)

    @property
    def last_day(self) -> date:
        """Last day of the quarter: landmark of its trials, and its data cut."""
        return self.shift(1).first_day - timedelta(days=1)

    def shift(self, quarters: int) -> Quarter:
        """Return the quarter so many quarters later (negative: earlier)."""
        index = self.year * 4 + self.number - 1 + quarters
        return Quarter(index // 4, index % 4 + 1, self.year_starts)

    def __str__(self) -> str:
        return f"{self.year:04d}Q{self.number}"


def list_quarters(first: Quarter, last: Quarter) -> list[Quarter]:
    """List the quarters from first to last, both included.

    Raises
    ------
    ParamError
        If the last one lies before the first.
    """
    if last < first:
        raise ParamError.build(
            "The range of quarters runs backwards",
            rule="the first quarter is not after the last",
            got=f"{first} to {last}",
        )
    count = (last.year - first.year) * 4 + last.number - first.number + 1
    return [first.shift(step) for step in range(count)]
