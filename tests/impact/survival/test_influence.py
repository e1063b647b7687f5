from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from tests.impact.survival.follow_data import (
    Follow,
    draw_follow,
    follows,
    plain_incidence,
    plain_mean,
)
from workbench.core.errors import DesignError
from workbench.impact.survival.influence import (
    influence_incidence,
    influence_restricted_mean,
)
from workbench.impact.survival.kaplan_meier import (
    estimate_restricted_mean,
    estimate_survival,
)

STEP = 1e-5
SLOPE = 1e-5
"""A central difference with that step is right to about its square."""


def _slopes(rows: Follow, estimate: object, at: float) -> np.ndarray:
    """Change the weights one by one and see how the plain estimate moves."""
    slopes = []
    for row in range(len(rows.duration)):
        ends = []
        for sign in (1, -1):
            weights = rows.weights.copy()
            weights[row] *= 1 + sign * STEP
            moved = Follow(rows.duration, rows.cause, weights, rows.entry, rows.group)
            ends.append(estimate(moved, at))  # type: ignore[operator]
        slopes.append((ends[0] - ends[1]) / (2 * STEP))
    return np.array(slopes)


@settings(max_examples=15, deadline=None)
@given(follows)
def test_influence_is_the_slope_of_the_estimate(rows: Follow) -> None:
    for day in (4.0, 12.0):
        value, influence = influence_incidence(
            rows.duration, rows.cause, day, entry=rows.entry, weights=rows.weights
        )
        assert value == pytest.approx(plain_incidence(rows, day))
        known = _slopes(rows, plain_incidence, day)
        assert influence == pytest.approx(known, abs=SLOPE)
        value, influence = influence_restricted_mean(
            rows.duration, rows.cause > 0, day, entry=rows.entry, weights=rows.weights
        )
        assert value == pytest.approx(plain_mean(rows, day))
        assert influence == pytest.approx(_slopes(rows, plain_mean, day), abs=SLOPE)


@settings(max_examples=40, deadline=None)
@given(follows)
def test_influences_sum_to_nothing(rows: Follow) -> None:
    for day in (0.5, 5.0, 12.0):
        _, share = influence_incidence(
            rows.duration, rows.cause, day, weights=rows.weights
        )
        _, mean = influence_restricted_mean(
            rows.duration, rows.cause == 1, day, weights=rows.weights
        )
        assert share.sum() == pytest.approx(0, abs=1e-9)
        assert mean.sum() == pytest.approx(0, abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(follows)
def test_squares_sum_to_greenwood_s_variance(rows: Follow) -> None:
    event = rows.cause > 0
    curve = estimate_survival(rows.duration, event)
    _, influence = influence_incidence(rows.duration, event, 6.0)
    error = math.sqrt((influence**2).sum())
    place = np.searchsorted(curve.time, 6.0, side="right") - 1
    assert error == pytest.approx(curve.std_error[place] if place >= 0 else 0, abs=1e-9)
    known = estimate_restricted_mean(rows.duration, event, 9.0)
    _, influence = influence_restricted_mean(rows.duration, event, 9.0)
    assert math.sqrt((influence**2).sum()) == pytest.approx(known.std_error, abs=1e-9)


def test_jackknife_agrees_in_a_larger_sample() -> None:
    """Leaving rows out one by one: equal up to terms of order 1/n."""
    rows = draw_follow(11, 400, last=60)
    size = len(rows.duration)
    value, influence = influence_incidence(rows.duration, rows.cause, 30.0)
    mean, pull = influence_restricted_mean(rows.duration, rows.cause == 1, 30.0)
    left, left_mean = np.empty(size), np.empty(size)
    for row in range(size):
        kept = rows.take(np.arange(size) != row)
        left[row] = influence_incidence(kept.duration, kept.cause, 30.0)[0]
        left_mean[row] = influence_restricted_mean(
            kept.duration, kept.cause == 1, 30.0
        )[0]
    for known, found in (((value - left), influence), ((mean - left_mean), pull)):
        assert np.corrcoef(known, found)[0, 1] > 0.9999
        assert (known**2).sum() == pytest.approx((found**2).sum(), rel=0.02)


def test_pseudo_values_have_the_weighted_mean_of_the_estimate() -> None:
    rows = draw_follow(4, 60)
    value, influence = influence_incidence(
        rows.duration, rows.cause, 6.0, weights=rows.weights
    )
    pseudo = value + influence * rows.weights.sum() / rows.weights
    assert np.average(pseudo, weights=rows.weights) == pytest.approx(value)


def test_a_row_censored_before_anything_happens_moves_nothing() -> None:
    _, influence = influence_incidence([1, 2, 3, 4], [0, 1, 2, 0], 4.0)
    assert influence[0] == 0
    assert (influence[1:] != 0).all()


def test_nothing_is_known_beyond_the_last_day() -> None:
    with pytest.raises(DesignError, match="at most 4 days"):
        influence_incidence([1, 2, 4], [1, 2, 0], 5)
    value, influence = influence_incidence([1, 2, 4], [1, 2, 1], 5)
    assert value == pytest.approx(2 / 3)
    assert (influence**2).sum() == pytest.approx(2 / 3 * 1 / 3 / 3)
    value, influence = influence_incidence([3, 4], [1, 0], 2)
    assert (value, influence.tolist()) == (0, [0, 0])
