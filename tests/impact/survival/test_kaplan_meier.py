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
from workbench.core.errors import DesignError, ParamError, RangeError
from workbench.impact.survival.kaplan_meier import (
    Survival,
    estimate_restricted_mean,
    estimate_survival,
)

ROUNDING = 1e-9
"""Closed forms, computed in another order."""


def _estimate(rows: Follow, **changes: object) -> Survival:
    values = {"entry": rows.entry, "weights": rows.weights} | changes
    return estimate_survival(rows.duration, rows.cause > 0, **values)  # type: ignore[arg-type]


def test_six_rows_by_hand() -> None:
    """Events on days 1, 3 (two of five) and 6; a row censored on day 3 is at risk."""
    curve = estimate_survival([1, 3, 3, 3, 6, 7], [1, 1, 1, 0, 1, 0])
    assert curve.time.tolist() == [1, 3, 6, 7]
    assert curve.value == pytest.approx([5 / 6, 1 / 2, 1 / 4, 1 / 4])
    assert curve.at_risk.tolist() == [6, 5, 2, 1]
    assert curve.events.tolist() == [1, 2, 1, 0]
    greenwood = 1 / (6 * 5) + 2 / (5 * 3)
    assert curve.std_error[1] == pytest.approx(math.sqrt(greenwood) / 2)
    width = 1.959964 * math.sqrt(greenwood) / math.log(2)
    assert curve.low[1] == pytest.approx(0.5 ** math.exp(width))
    assert curve.high[1] == pytest.approx(0.5 ** math.exp(-width))
    assert curve.error == "Greenwood"
    assert curve.count_at_risk([0, 1, 1.5, 3, 7, 8]).tolist() == [6, 6, 5, 5, 1, 0]


def test_reading_between_before_and_beyond() -> None:
    value, low, high = estimate_survival([1, 2, 4], [1, 1, 0]).at([0, 1.5, 4, 5])
    assert value[:3] == pytest.approx([1, 2 / 3, 1 / 3])
    assert (low[0], high[0]) == (1, 1)
    assert np.isnan([value[3], low[3], high[3]]).all()


def test_once_all_have_had_the_event_the_curve_is_known_for_good() -> None:
    curve = estimate_survival([1, 2, 4], [1, 1, 1])
    value, low, high = curve.at([4, 9])
    assert value.tolist() == [0, 0]
    assert low.tolist() == [0, 0]
    assert high == pytest.approx([curve.high[1]] * 2)
    assert estimate_survival([2], [1]).at([3]) == (0, 0, 1)


def test_quantiles_of_four_rows() -> None:
    curve = estimate_survival([1, 2, 3, 4], [1, 1, 1, 1])
    assert curve.quantile(0.25)[0] == 1.5
    assert curve.quantile(0.3)[0] == 2
    assert curve.quantile(0.5)[0] == 2.5
    median, low, high = curve.quantile(0.5)
    assert low <= median
    assert math.isnan(high) or high >= median
    never = estimate_survival([1, 2, 3, 4], [1, 0, 0, 0])
    assert math.isnan(never.quantile(0.5)[0])


def test_interval_of_a_median_is_where_the_limits_cross() -> None:
    rows = draw_follow(1, 300, last=200)
    curve = estimate_survival(rows.duration, rows.cause == 1)
    _, low, high = curve.quantile(0.5)
    assert curve.at([low])[1][0] <= 0.5 < curve.at([low - 1])[1][0]
    assert curve.at([high])[2][0] <= 0.5 < curve.at([high - 1])[2][0]


@settings(max_examples=60, deadline=None)
@given(follows)
def test_laws_of_a_curve(rows: Follow) -> None:
    curve = _estimate(rows)
    assert (np.diff(curve.value) <= 0).all()
    for values in (curve.value, curve.low, curve.high):
        assert ((values >= 0) & (values <= 1)).all()
    assert (curve.low <= curve.value + ROUNDING).all()
    assert (curve.value <= curve.high + ROUNDING).all()
    known = [plain_incidence(rows, time, of=None) for time in curve.time]
    assert curve.value == pytest.approx(known, abs=ROUNDING)


@settings(max_examples=40, deadline=None)
@given(follows)
def test_order_of_rows_and_unit_of_time_change_nothing(rows: Follow) -> None:
    curve = _estimate(rows)
    mixed = rows.take(np.random.default_rng(0).permutation(len(rows.duration)))
    again = _estimate(mixed)
    weeks = estimate_survival(
        rows.duration / 7,
        rows.cause > 0,
        entry=rows.entry / 7,
        weights=rows.weights,
    )
    for other, unit in ((again, 1), (weeks, 7)):
        assert other.time * unit == pytest.approx(curve.time)
        assert other.value == pytest.approx(curve.value, abs=ROUNDING)
        assert other.std_error == pytest.approx(curve.std_error, abs=ROUNDING)


@settings(max_examples=40, deadline=None)
@given(follows)
def test_weights_as_counts_and_as_halves(rows: Follow) -> None:
    whole = np.ceil(rows.weights)
    counted = _estimate(rows, weights=whole, error="counts")
    repeated = _estimate(
        rows.take(np.repeat(np.arange(len(whole)), whole.astype(int))), weights=None
    )
    assert counted.value == pytest.approx(repeated.value, abs=ROUNDING)
    assert counted.std_error == pytest.approx(repeated.std_error, abs=ROUNDING)
    twice = rows.take(np.repeat(np.arange(len(whole)), 2))
    halves = _estimate(twice, weights=np.full(2 * len(whole), 0.5), error="counts")
    once = _estimate(rows, weights=None)
    assert halves.value == pytest.approx(once.value, abs=ROUNDING)
    assert halves.std_error == pytest.approx(once.std_error, abs=ROUNDING)


@settings(max_examples=40, deadline=None)
@given(follows)
def test_robust_error_is_greenwood_s_without_weights(rows: Follow) -> None:
    plain, robust = (
        _estimate(rows, entry=None, weights=None, error=error)
        for error in ("counts", "robust")
    )
    assert robust.std_error == pytest.approx(plain.std_error, abs=1e-8)
    assert robust.error == "infinitesimal jackknife"
    heavy = _estimate(rows, entry=None, weights=np.full(len(rows.duration), 4.0))
    assert heavy.std_error == pytest.approx(plain.std_error, abs=1e-8)


def test_restricted_mean_by_hand() -> None:
    """Curve 1 to day 2, 2/3 to day 4, 1/3 to day 5: areas 3, then 4/3 and 1/3."""
    found = estimate_restricted_mean([2, 4, 5], [1, 1, 0], 5)
    assert found.value == pytest.approx(2 + 4 / 3 + 1 / 3)
    known = (5 / 3) ** 2 / (3 * 2) + (1 / 3) ** 2 / (2 * 1)
    assert found.std_error == pytest.approx(math.sqrt(known))
    half = 1.959964 * math.sqrt(known)
    assert found.high - found.value == pytest.approx(half)
    assert found.value - found.low == pytest.approx(half)
    assert found.tau == 5


@settings(max_examples=40, deadline=None)
@given(follows)
def test_restricted_mean_is_the_area_of_the_curve(rows: Follow) -> None:
    for tau in (0.5, 3.0, 7.5, 12.0):
        found = estimate_restricted_mean(
            rows.duration, rows.cause > 0, tau, entry=rows.entry, weights=rows.weights
        )
        assert found.value == pytest.approx(plain_mean(rows, tau))
        days = estimate_restricted_mean(
            rows.duration * 7,
            rows.cause > 0,
            tau * 7,
            entry=rows.entry * 7,
            weights=rows.weights,
        )
        assert days.value == pytest.approx(7 * found.value)
        assert days.std_error == pytest.approx(7 * found.std_error, abs=1e-9)


def test_restricted_mean_without_censoring_is_a_plain_mean() -> None:
    days = np.random.default_rng(3).integers(1, 90, 200).astype(float)
    found = estimate_restricted_mean(days, np.ones(200), 60)
    short = np.minimum(days, 60)
    assert found.value == pytest.approx(short.mean())
    assert found.std_error == pytest.approx(short.std() / math.sqrt(200))


def test_restricted_mean_needs_somebody_there() -> None:
    with pytest.raises(DesignError, match="Nobody was followed to the horizon"):
        estimate_restricted_mean([2, 4, 5], [1, 1, 0], 6)
    assert estimate_restricted_mean([2, 4, 5], [1, 1, 1], 6).value == pytest.approx(
        11 / 3
    )
    with pytest.raises(RangeError, match="needs a horizon"):
        estimate_restricted_mean([2, 4, 5], [1, 1, 0], 0)


def test_input_is_left_alone() -> None:
    rows = draw_follow(5, 20)
    before = [values.copy() for values in vars(rows).values()]
    _estimate(rows)
    for old, new in zip(before, vars(rows).values(), strict=True):
        assert np.array_equal(old, new)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 0.0}, "No interval has this level"),
        ({"alpha": 1.5}, "alpha between 0 and 1"),
        ({"error": "exact"}, "Unknown kind of error"),
    ],
)
def test_options_that_do_not_exist(change: dict[str, object], message: str) -> None:
    with pytest.raises(ParamError, match=message):
        estimate_survival([1, 2], [1, 0], **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0, 1, 2, math.nan])
def test_quantiles_lie_between_nobody_and_everybody(share: float) -> None:
    with pytest.raises(RangeError, match="a share between 0 and 1"):
        estimate_survival([1, 2], [1, 0]).quantile(share)
