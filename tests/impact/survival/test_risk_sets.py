from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from tests.impact.survival.follow_data import Follow, follows
from workbench.core.errors import RangeError, TooFewUnitsError
from workbench.impact.survival.risk_sets import (
    Martingale,
    accumulate_covariance,
    build_risk_sets,
    divide_hazard,
    evaluate_rows,
)

ROUNDING = 1e-9
"""Sums of the same numbers in another order."""


def test_who_is_at_risk_by_hand() -> None:
    """Four rows; the one that enters on day 2 is at risk from the day after."""
    sets = build_risk_sets([2, 3, 3, 5], [1, 0, 1, 1], entry=[0, 0, 2, 2])
    assert sets.time.tolist() == [2, 3, 5]
    assert sets.at_risk.tolist() == [2, 3, 1]
    assert sets.count(1).tolist() == [1, 1, 1]
    assert [sets.place(day) for day in (1, 2, 4.5, 9)] == [-1, 0, 1, 2]


def test_causes_above_two_are_other_events() -> None:
    sets = build_risk_sets([1, 2, 3], [1, 2, 7])
    assert sets.kind.tolist() == [1, 2, 2]


def test_hazard_of_one_leaves_nothing_to_divide_by() -> None:
    hazard, inverse = divide_hazard(np.array([1.0, 2.0]), np.array([4.0, 2.0]))
    assert hazard.tolist() == [0.25, 1.0]
    assert inverse == pytest.approx([1 / 3, 0])
    rounded = divide_hazard(np.array([0.1 + 0.2]), np.array([0.3 + 1e-14]))
    assert [values.tolist() for values in rounded] == [[1.0], [0.0]]


@settings(max_examples=40, deadline=None)
@given(follows)
def test_sums_equal_those_of_a_loop(rows: Follow) -> None:
    sets = build_risk_sets(
        rows.duration, rows.cause, entry=rows.entry, weights=rows.weights
    )
    for place, time in enumerate(sets.time):
        there = (rows.entry < time) & (rows.duration >= time)
        assert sets.at_risk[place] == pytest.approx(rows.weights[there].sum())
        now = (rows.duration == time) & (rows.cause == 2)
        assert sets.count(2)[place] == pytest.approx(rows.weights[now].sum())


@settings(max_examples=40, deadline=None)
@given(follows)
def test_covariance_equals_the_sum_over_rows(rows: Follow) -> None:
    sets = build_risk_sets(
        rows.duration, rows.cause, entry=rows.entry, weights=rows.weights
    )
    rng = np.random.default_rng(len(rows.duration))
    one, other = (
        Martingale(
            jump=(rng.normal(size=len(sets.time)), rng.normal(size=len(sets.time))),
            drift=rng.normal(size=len(sets.time)),
        )
        for _ in range(2)
    )
    for counts, power in ((False, 2), (True, 1)):
        found = accumulate_covariance(sets, one, other, counts=counts)
        known = [
            (
                rows.weights**power
                * evaluate_rows(sets, one, place)
                * evaluate_rows(sets, other, place)
            ).sum()
            for place in range(len(sets.time))
        ]
        assert found == pytest.approx(known, abs=ROUNDING * 1e3)


BASE = {"duration": [1.0, 2.0], "kind": [1, 0]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"duration": [1.0, -2.0]}, "duration is out of range"),
        ({"duration": [1.0, np.nan]}, "duration is out of range"),
        ({"kind": [1, -1]}, "cause is out of range"),
        ({"weights": [1.0, 0.0]}, "weight is out of range"),
        ({"entry": [0.0, -1.0]}, "entry is out of range"),
        ({"entry": [0.0, 2.0]}, "before the row's duration"),
        ({"kind": [1]}, "differ in length"),
        ({"entry": [0.0]}, "differ in length"),
    ],
)
def test_rows_that_cannot_be(change: dict[str, list[float]], message: str) -> None:
    values = BASE | change
    with pytest.raises(RangeError, match=message):
        build_risk_sets(values.pop("duration"), values.pop("kind"), **values)


def test_nobody() -> None:
    with pytest.raises(TooFewUnitsError, match="Nobody was followed"):
        build_risk_sets([], [])
