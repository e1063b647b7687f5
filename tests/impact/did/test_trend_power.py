"""What a test of pre-trends could have seen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2, ncx2

from tests.impact.did.staggered import make_staggered
from workbench.impact.did.group_time import estimate_group_time
from workbench.impact.did.pretrends import judge_pretrend
from workbench.impact.did.trend_power import (
    check_pretrend_power,
    find_detectable_slope,
    solve_slope,
)


def test_the_slope_reaches_the_power() -> None:
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    path = np.array([-2.0, -1.0])
    slope = solve_slope(covariance, path, power=0.8)
    noncentral = slope**2 * path @ np.linalg.inv(covariance) @ path
    assert ncx2.sf(chi2(2).ppf(0.95), 2, noncentral) == pytest.approx(0.8)


def test_one_step_has_the_known_slope() -> None:
    """The textbook 2.80 standard errors of a two-sided test with 80 % power."""
    slope = solve_slope(np.array([[0.04]]), np.array([1.0]))
    assert slope == pytest.approx(0.2 * 2.8016, rel=1e-4)


def test_few_learners_need_a_steeper_slope() -> None:
    covariance, path = np.eye(3), np.ones(3)
    many = solve_slope(covariance, path)
    few = solve_slope(covariance, path, df=8.0)
    fewer = solve_slope(covariance, path, df=3.0)
    assert many < few < fewer


def test_a_path_the_test_cannot_see() -> None:
    assert math.isinf(solve_slope(np.eye(2), np.zeros(2)))


def test_the_wald_test_finds_that_slope_in_draws() -> None:
    """4,000 normal draws: power 0.8 within three binomial errors."""
    rng = np.random.default_rng(1)
    root = rng.normal(size=(3, 3))
    covariance = root @ root.T + np.eye(3)
    path = np.array([-3.0, -2.0, -1.0])
    slope = solve_slope(covariance, path)
    draws = rng.multivariate_normal(slope * path, covariance, size=4000)
    walds = np.einsum("ij,jk,ik->i", draws, np.linalg.inv(covariance), draws)
    power = (walds > chi2(3).ppf(0.95)).mean()
    assert power == pytest.approx(0.8, abs=0.02)


def test_bias_counts_the_quarters_since_the_base() -> None:
    found = estimate_group_time(make_staggered(61))
    one = find_detectable_slope(found, lag=1)
    three = find_detectable_slope(found, lag=3)
    assert one.quarters == 2
    assert three.bias == pytest.approx(2 * one.bias)
    early = estimate_group_time(make_staggered(61), anticipation=1)
    assert find_detectable_slope(early, lag=1).quarters == 3


def test_powered_means_smaller_than_what_is_worth_having() -> None:
    found = estimate_group_time(make_staggered(62, people=1200))
    bias = find_detectable_slope(found, lag=1).bias
    for worth, powered in ((bias * 1.01, True), (bias * 0.99, False)):
        power = find_detectable_slope(found, lag=1, worth=worth, effect=0.7)
        check = check_pretrend_power(power)
        assert power.pretrend_powered is powered
        assert check.passed is powered
        assert (check.value, check.limit) == (bias, worth)
        assert "beside an estimate of 0.7" in check.text
    unknown = check_pretrend_power(find_detectable_slope(found, lag=1))
    assert unknown.passed is None
    assert "no effect worth having is declared" in unknown.text


def test_more_people_see_smaller_slopes() -> None:
    slopes = [
        find_detectable_slope(
            estimate_group_time(make_staggered(63, people=people)), lag=1
        ).slope
        for people in (300, 1200)
    ]
    assert slopes[1] == pytest.approx(slopes[0] / 2, rel=0.25)


def test_without_earlier_quarters_there_is_no_slope() -> None:
    found = estimate_group_time(make_staggered(64, groups=(2,), periods=4))
    power = find_detectable_slope(found, lag=1, worth=0.1)
    assert math.isnan(power.slope)
    assert power.pretrend_powered is None
    check = check_pretrend_power(power)
    assert check.passed is None
    assert "no quarter before" in check.text


def test_a_trend_of_that_slope_is_mostly_found() -> None:
    """Twelve panels with the slope doubled: the test finds nearly all."""
    base = estimate_group_time(make_staggered(65))
    slope = find_detectable_slope(base, lag=1).slope
    hits = 0
    for seed in range(12):
        panel = make_staggered(900 + seed, slope=2 * slope)
        hits += judge_pretrend(estimate_group_time(panel)).p_value < 0.05
    assert hits >= 10
