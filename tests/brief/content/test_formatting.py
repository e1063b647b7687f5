"""Rounding and writing of numbers."""

from __future__ import annotations

import math
from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.brief.formatting import (
    MINUS,
    MISSING,
    format_change,
    format_count,
    format_date,
    format_effect,
    format_interval,
    format_level,
    format_p_value,
    format_percent_range,
    format_quarter,
    format_share,
    format_step,
    format_value,
    is_missing,
    pluralise,
)

GAP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize("value", [None, math.nan, pd.NA, math.inf, "text"])
def test_what_is_no_number_is_a_dash_in_every_form(value):
    assert is_missing(value)
    assert format_value(value, 2) == MISSING
    assert format_count(value) == MISSING
    assert format_effect(value, "days") == MISSING
    assert format_change(value) == MISSING
    assert format_p_value(value) == MISSING
    assert format_interval(value, 1.0, "days") == MISSING
    assert format_percent_range(0.1, value) == MISSING
    assert format_step(1.0, value, "days") == MISSING


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_a_written_number_reads_back_within_half_a_unit(value, digits):
    text = format_value(value, digits, signed=True)
    read = float(text.replace(MINUS, "-").replace(",", "").replace("+", ""))
    assert abs(read - value) <= 0.5 * 10**-digits + 1e-6 * abs(value)
    assert "-" not in text


def test_a_number_that_rounds_to_zero_has_no_sign():
    assert format_value(-0.004, 2, signed=True) == "0.00"
    assert format_effect(0.0004, "probability") == f"0.0{GAP}of 100{GAP}people"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.046, "probability", f"+4.6{GAP}of 100{GAP}people"),
        (-0.13, "rating points", f"{MINUS}0.13{GAP}rating points"),
        (-14.3, "days", f"{MINUS}14{GAP}days"),
        (0.031, "share of target", f"+3.1{GAP}percentage points"),
        (5.23, "points", f"+5.2{GAP}points"),
    ],
)
def test_an_effect_is_written_in_its_unit(value, unit, text):
    assert format_effect(value, unit) == text


def test_relative_effect_and_interval_have_the_decimals_the_interval_bears():
    assert format_change(0.0412, 0.012, 0.07) == f"+4.1{GAP}%"
    assert format_change(-0.161, -0.21, -0.11) == f"{MINUS}16{GAP}%"
    assert format_percent_range(-0.21, -0.11) == f"{MINUS}21 to {MINUS}11{GAP}%"


def test_levels_are_written_without_sign_and_with_one_unit():
    assert format_level(0.819, "probability") == f"81.9{GAP}of 100{GAP}people"
    step = format_step(0.819, 0.865, "probability")
    assert step == f"from 81.9 to 86.5{GAP}of 100{GAP}people"
    assert format_interval(-0.02, 0.04, "probability") == f"{MINUS}2.0 to +4.0"


def test_counts_shares_and_dates():
    assert format_count(3412) == "3,412"
    assert pluralise(1, "learner") == f"1{GAP}learner"
    assert pluralise(2, "person", "people") == f"2{GAP}people"
    assert format_share(80, 1000) == f"8.0{GAP}%"
    assert format_share(1, 0) == MISSING
    assert format_p_value(0.0004) == f"<{GAP}0.001"
    assert format_date(date(2026, 9, 30)) == f"30{GAP}September 2026"
    assert format_quarter("2026Q3") == f"2026{GAP}Q3"
