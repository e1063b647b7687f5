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
)
from workbench.core.errors import ParamError
from workbench.impact.survival.competing import estimate_incidence
from workbench.impact.survival.influence import influence_incidence
from workbench.impact.survival.kaplan_meier import estimate_survival

ROUNDING = 1e-9
"""Closed forms, computed in another order."""


def test_five_rows_by_hand() -> None:
    """Day 1: 1 of 5. Day 2: another event, 1 of 4. Day 4: 1 of the 2 left."""
    found = estimate_incidence([1, 2, 3, 4, 6], [1, 2, 0, 1, 0])
    assert found.value == pytest.approx([0.2, 0.2, 0.2, 0.2 + 0.6 / 2, 0.5])
    assert found.free == pytest.approx([0.8, 0.6, 0.6, 0.3, 0.3])
    other = estimate_incidence([1, 2, 3, 4, 6], [1, 2, 0, 1, 0], of=2)
    assert other.value == pytest.approx([0, 0.2, 0.2, 0.2, 0.2])
    assert found.std_error[0] == pytest.approx(math.sqrt(0.2 * 0.8 / 5))
    value, _, _ = found.at([0, 3.5, 6, 7])
    assert value[:3] == pytest.approx([0, 0.2, 0.5])
    assert math.isnan(value[3])


def test_without_censoring_it_is_a_share() -> None:
    rng = np.random.default_rng(2)
    days, cause = rng.integers(1, 50, 400), rng.integers(1, 4, 400)
    found = estimate_incidence(days, cause, of=3)
    for day in (5, 20, 49):
        share = ((days <= day) & (cause == 3)).mean()
        place = np.searchsorted(found.time, day)
        assert found.value[place] == pytest.approx(share)
        error = math.sqrt(share * (1 - share) / 400)
        assert found.std_error[place] == pytest.approx(error)
    assert found.at([99])[0] == pytest.approx((cause == 3).mean())


@settings(max_examples=50, deadline=None)
@given(follows)
def test_events_share_out_what_is_lost(rows: Follow) -> None:
    found = [
        estimate_incidence(
            rows.duration, rows.cause, of=of, entry=rows.entry, weights=rows.weights
        )
        for of in (1, 2)
    ]
    total = found[0].value + found[1].value + found[0].free
    assert total == pytest.approx(np.ones(len(total)))
    for of, item in enumerate(found, start=1):
        assert (np.diff(item.value) >= -ROUNDING).all()
        assert (item.low <= item.value + ROUNDING).all()
        assert (item.value <= item.high + ROUNDING).all()
        assert ((item.low >= 0) & (item.high <= 1)).all()
        known = [plain_incidence(rows, time, of=of) for time in item.time]
        assert item.value == pytest.approx(known, abs=ROUNDING)


@settings(max_examples=50, deadline=None)
@given(follows)
def test_error_is_that_of_the_influence_on_every_day(rows: Follow) -> None:
    for of in (1, 2):
        found = estimate_incidence(
            rows.duration,
            rows.cause,
            of=of,
            entry=rows.entry,
            weights=rows.weights,
            error="robust",
        )
        cause = np.where(rows.cause == of, 1, 2 * (rows.cause > 0))
        for place, time in enumerate(found.time):
            value, influence = influence_incidence(
                rows.duration, cause, time, entry=rows.entry, weights=rows.weights
            )
            assert value == pytest.approx(found.value[place])
            error = math.sqrt((influence**2).sum())
            assert error == pytest.approx(found.std_error[place], abs=1e-7)


@settings(max_examples=30, deadline=None)
@given(follows)
def test_without_other_events_it_is_one_less_kaplan_meier(rows: Follow) -> None:
    found = estimate_incidence(rows.duration, rows.cause > 0, weights=rows.weights)
    curve = estimate_survival(rows.duration, rows.cause > 0, weights=rows.weights)
    assert found.value == pytest.approx(1 - curve.value)
    assert found.std_error == pytest.approx(curve.std_error, abs=1e-8)
    assert found.low == pytest.approx(1 - curve.high, abs=1e-8)
    assert found.high == pytest.approx(1 - curve.low, abs=1e-8)


@settings(max_examples=30, deadline=None)
@given(follows)
def test_order_scale_and_halves_change_nothing(rows: Follow) -> None:
    found = estimate_incidence(rows.duration, rows.cause)
    size = len(rows.duration)
    mixed = rows.take(np.random.default_rng(0).permutation(size))
    twice = rows.take(np.repeat(np.arange(size), 2))
    for other in (
        estimate_incidence(mixed.duration, mixed.cause),
        estimate_incidence(rows.duration * 30, rows.cause),
        estimate_incidence(
            twice.duration, twice.cause, weights=np.full(2 * size, 0.5), error="counts"
        ),
    ):
        assert other.value == pytest.approx(found.value, abs=ROUNDING)
        assert other.std_error == pytest.approx(found.std_error, abs=1e-8)


def test_competing_events_are_not_censoring() -> None:
    rows = draw_follow(9, 200)
    found = estimate_incidence(rows.duration, rows.cause)
    ignored = estimate_survival(rows.duration, rows.cause == 1)
    assert found.value[-1] < 1 - ignored.value[-1] - 0.05


def test_events_are_numbered_from_one() -> None:
    with pytest.raises(ParamError, match="No event has this number"):
        estimate_incidence([1, 2], [1, 0], of=0)
