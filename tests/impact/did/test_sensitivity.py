"""Intervals under relative magnitudes: closed form, coverage, words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from tests.impact.did.staggered import make_staggered
from workbench.core.errors import DesignError, ParamError
from workbench.impact.did.aggregate import aggregate_at_lag, aggregate_dynamic
from workbench.impact.did.group_time import estimate_group_time
from workbench.impact.did.sensitivity import (
    bound_relative_magnitudes,
    check_pre_periods,
    check_sensitivity,
    count_pre_steps,
    describe_sensitivity,
    estimate_sensitivity,
)

STEPS, ERRORS = np.array([0.1, -0.3, 0.05]), np.array([0.1, 0.1, 0.4])


def test_closed_form() -> None:
    found = bound_relative_magnitudes(
        2.0, 0.2, STEPS, ERRORS, quarters=2, ratios=[0, 1]
    )
    z, wide = norm.ppf(0.975), norm.ppf(0.9875)
    bound = 0.05 + z * 0.4
    assert found.step_bound == pytest.approx(bound)
    assert found.worst_step == 0.3
    none, one = found.curve.itertuples()
    assert none.high - 2.0 == pytest.approx(wide * 0.2)
    assert one.high - 2.0 == pytest.approx(2 * bound + wide * 0.2)
    assert (one.range_low, one.range_high) == pytest.approx((1.4, 2.6))
    assert found.breakdown == pytest.approx((2.0 - wide * 0.2) / (2 * bound))
    assert found.n_steps == 3


@given(
    value=st.floats(-5, 5),
    error=st.floats(0.01, 1),
    size=st.floats(0.01, 1),
    quarters=st.integers(1, 5),
)
def test_the_interval_at_the_breakdown_value_touches_zero(
    value: float, error: float, size: float, quarters: int
) -> None:
    steps, errors = np.array([size, -size / 2]), np.array([size / 3, size])
    found = bound_relative_magnitudes(value, error, steps, errors, quarters=quarters)
    again = bound_relative_magnitudes(
        value, error, steps, errors, quarters=quarters, ratios=[found.breakdown]
    )
    row = again.curve.iloc[0]
    edge = min(abs(row["low"]), abs(row["high"]))
    if found.breakdown > 0:
        assert edge == pytest.approx(0, abs=1e-8)
    else:
        assert row["low"] <= 0 <= row["high"]
    widths = found.curve["high"] - found.curve["low"]
    assert widths.is_monotonic_increasing


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("signal", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("link", [-0.4, 0.0, 0.4])
def test_coverage_in_the_worst_case(ratio: float, signal: float, link: float) -> None:
    """4,000 draws: one large true step, and a bias as large as M allows.

    The interval that adds 1.96 errors to the identified set covers 77 to 92 % here.
    """
    rng = np.random.default_rng(7)
    draws, quarters = 4000, 4
    truth = np.array([signal, 0.0, 0.0])
    covariance = np.eye(4)
    covariance[0, 3] = covariance[3, 0] = link
    noise = rng.multivariate_normal(np.zeros(4), covariance, size=draws)
    bias = quarters * ratio * signal
    values, steps = bias + noise[:, 3], truth + noise[:, :3]
    bounds = (np.abs(steps) + norm.ppf(0.975)).max(axis=1)
    halves = quarters * ratio * bounds + norm.ppf(0.9875)
    for row in range(3):
        found = bound_relative_magnitudes(
            values[row], 1.0, steps[row], np.ones(3), quarters=quarters, ratios=[ratio]
        )
        assert found.curve["high"][0] - values[row] == pytest.approx(halves[row])
    covered = (np.abs(values) <= halves).mean()
    assert covered >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / draws)


def test_the_plug_in_interval_would_not_cover() -> None:
    """What our interval is for: identified set plus 1.96 errors, four quarters."""
    rng = np.random.default_rng(8)
    noise = rng.normal(size=(4000, 2))
    size = 10.0
    half = 4 * np.abs(size + noise[:, 0]) + 1.96
    covered = (np.abs(4 * size + noise[:, 1]) <= half).mean()
    assert covered < 0.80


def test_from_panel_to_sentence() -> None:
    panel = make_staggered(71, people=4000, noise=0.3)
    found = estimate_group_time(panel)
    headline = aggregate_at_lag(found, exposures=[4, 5, 6], lag=1)
    study = aggregate_dynamic(found, groups=[4, 5, 6])
    result = estimate_sensitivity(headline, study, lag=1)
    assert result.quarters == 2
    assert result.n_steps == count_pre_steps(study) == 4
    assert result.breakdown > 1
    check = check_sensitivity(result)
    assert check.passed is True
    assert f"{result.breakdown:.2f} times" in check.text
    assert check.value == result.breakdown
    row = result.curve.set_index("ratio").loc[1.0]
    assert row["low"] < headline.value < row["high"]
    assert row["excludes_zero"]


def test_a_weak_effect_breaks_down_at_once() -> None:
    found = bound_relative_magnitudes(0.1, 0.2, STEPS, ERRORS, quarters=2)
    assert found.breakdown == 0
    assert not found.curve["excludes_zero"].any()
    check = check_sensitivity(found)
    assert check.passed is False
    assert "no difference in trends is needed" in check.text


def test_steps_without_error_and_size() -> None:
    found = bound_relative_magnitudes(1.0, 0.1, np.zeros(2), np.zeros(2), quarters=1)
    assert math.isinf(found.breakdown)
    assert "none has an error" in describe_sensitivity(found)


def test_few_clusters_widen_the_interval() -> None:
    many = bound_relative_magnitudes(2.0, 0.2, STEPS, ERRORS, quarters=2)
    few = bound_relative_magnitudes(2.0, 0.2, STEPS, ERRORS, quarters=2, df=9.0)
    assert few.step_bound > many.step_bound
    assert few.breakdown < many.breakdown


def test_a_base_that_varies_is_needed() -> None:
    panel = make_staggered(72, people=300)
    found = estimate_group_time(panel, base="universal")
    headline = aggregate_at_lag(found, exposures=[4], lag=1)
    with pytest.raises(ParamError, match="base that varies"):
        estimate_sensitivity(headline, aggregate_dynamic(found), lag=1)


def test_anticipation_removes_a_step_and_adds_a_quarter() -> None:
    panel = make_staggered(73, people=600)
    found = estimate_group_time(panel, anticipation=1)
    headline = aggregate_at_lag(found, exposures=[4, 5, 6], lag=1)
    study = aggregate_dynamic(found)
    result = estimate_sensitivity(headline, study, lag=1, anticipation=1)
    assert result.quarters == 3
    assert result.n_steps == 3


def test_too_few_quarters_are_not_applicable() -> None:
    panel = make_staggered(74, groups=(2,), periods=4)
    found = estimate_group_time(panel)
    study = aggregate_dynamic(found)
    headline = aggregate_at_lag(found, exposures=[2], lag=1)
    check = check_pre_periods(study)
    assert check.passed is None
    assert check.text.startswith("Not applicable")
    with pytest.raises(DesignError, match="steps before the exposure"):
        estimate_sensitivity(headline, study, lag=1)
    assert check_sensitivity(None).passed is None
    longer = aggregate_dynamic(estimate_group_time(make_staggered(75)))
    assert check_pre_periods(longer).value == 5


def test_a_negative_ratio() -> None:
    with pytest.raises(ParamError, match="negative"):
        bound_relative_magnitudes(1.0, 0.1, STEPS, ERRORS, quarters=1, ratios=[-0.5, 1])
