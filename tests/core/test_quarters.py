from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import ParamError
from workbench.core.quarters import Quarter, list_quarters

QUARTERS = st.builds(
    Quarter, st.integers(1950, 2200), st.integers(1, 4), st.integers(1, 12)
)


def test_calendar_quarter_has_the_dates_of_the_calendar() -> None:
    quarter = Quarter.parse("2026Q3")
    assert (quarter.first_day, quarter.last_day) == (
        date(2026, 7, 1),
        date(2026, 9, 30),
    )


def test_fiscal_year_bears_the_number_of_the_year_in_which_it_ends() -> None:
    quarter = Quarter.parse("2026Q1", year_starts=7)
    assert quarter.first_day == date(2025, 7, 1)
    assert Quarter.parse("2026Q4", year_starts=7).last_day == date(2026, 6, 30)


@pytest.mark.parametrize("text", ["2026", "2026Q5", "26Q1", "2026q1", "Q1 2026", ""])
def test_malformed_quarters_are_refused(text: str) -> None:
    with pytest.raises(ParamError, match="This is not a quarter"):
        Quarter.parse(text)


def test_month_out_of_range_is_refused() -> None:
    with pytest.raises(ParamError, match="a month from 1 to 12"):
        Quarter(2026, 1, 13)


@given(QUARTERS)
def test_quarters_follow_each_other_without_gap(quarter: Quarter) -> None:
    assert quarter.shift(1).first_day == quarter.last_day + timedelta(days=1)
    assert quarter.shift(1).shift(-1) == quarter


@given(QUARTERS)
def test_each_day_of_a_quarter_lies_in_it(quarter: Quarter) -> None:
    for day in (quarter.first_day, quarter.last_day):
        assert Quarter.of_day(day, year_starts=quarter.year_starts) == quarter


@given(QUARTERS)
def test_text_round_trip(quarter: Quarter) -> None:
    assert Quarter.parse(str(quarter), year_starts=quarter.year_starts) == quarter


def test_range_holds_both_ends() -> None:
    span = list_quarters(Quarter(2025, 3), Quarter(2026, 2))
    assert [str(item) for item in span] == ["2025Q3", "2025Q4", "2026Q1", "2026Q2"]


def test_backward_range_is_refused() -> None:
    with pytest.raises(ParamError, match="runs backwards"):
        list_quarters(Quarter(2026, 2), Quarter(2026, 1))
