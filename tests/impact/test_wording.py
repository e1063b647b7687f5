"""Numbers of one sentence are written to the same decimals."""

from __future__ import annotations

import pytest

from workbench.impact.wording import write_alike, write_p


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ((0.0323, 0.0342, 0.00293, 0.0627), ("0.032", "0.034", "0.003", "0.063")),
        ((-0.5, -12.25, 11.2), ("−0.5", "−12.2", "11.2")),
        ((0.03, 0.0004, 0.06), ("0.0300", "0.0004", "0.0600")),
        ((300.0, 200.0, 412.4), ("300", "200", "412")),
        ((0.1234,), ("0.123",)),
    ],
)
def test_decimals_follow_the_width(values, written):
    assert write_alike(*values) == written


def test_signs_are_shown_where_asked():
    assert write_alike(2.0, -1.0, signed=True) == ("+2.0", "−1.0")


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0341, "= 0.034"), (0.0009, "< 0.001"), (0.0, "< 0.001"), (1.0, "= 1.000")],
)
def test_a_p_value_is_never_nothing(value, written):
    assert write_p(value) == written
