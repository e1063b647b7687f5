"""Calibration: right predictions look right, wrong ones wrong, as other code says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.stats.proportion import proportion_confint

from workbench.prescribe.predict.calibration import (
    bin_calibration,
    bin_time_calibration,
    cut_quantiles,
    limit_share,
    measure_slope,
)
from workbench.prescribe.predict.measures import Measure
from workbench.prescribe.predict.scores import accumulate_hazard

CLOSE = 1e-6


def draw_chances(seed: int, size: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    linear = rng.normal(-1.5, 0.8, size)
    return linear, (rng.random(size) < 1 / (1 + np.exp(-linear))).astype("float64")


def test_right_chances_have_slope_one_and_intercept_zero() -> None:
    covered = np.zeros(2)
    slopes = []
    for seed in range(150):
        linear, outcome = draw_chances(seed, 800)
        found = measure_slope(
            "binary", outcome, linear, np.zeros(800), np.arange(800), alpha=0.05
        )
        slopes.append(found[0].value)
        for at, truth in enumerate((1.0, 0.0)):
            covered[at] += found[at].low <= truth <= found[at].high
    assert np.mean(slopes) == pytest.approx(1, abs=0.03)
    assert (covered / 150 >= 0.90).all()
    assert (covered / 150 <= 0.99).all()


def test_wrong_chances_are_told_apart_by_slope_and_intercept() -> None:
    linear, outcome = draw_chances(1)
    zero, units = np.zeros(len(linear)), np.arange(len(linear))
    wide, _ = measure_slope("binary", outcome, 2 * linear, zero, units, alpha=0.05)
    assert wide.low < 0.5 < wide.high < 0.7
    _, shift = measure_slope("binary", outcome, linear - 1, zero, units, alpha=0.05)
    assert 0.8 < shift.low < 1 < shift.high


def test_slope_and_errors_are_those_of_statsmodels() -> None:
    linear, outcome = draw_chances(2, 600)
    units = np.repeat(np.arange(200), 3)
    zero = np.zeros(600)
    slope, shift = measure_slope("binary", outcome, linear, zero, units, alpha=0.05)
    clustered = {"cov_type": "cluster", "cov_kwds": {"groups": units}}
    fit = sm.GLM(outcome, sm.add_constant(linear), family=sm.families.Binomial()).fit(
        **clustered
    )
    assert slope.value == pytest.approx(fit.params[1], abs=CLOSE)
    assert slope.std_error == pytest.approx(fit.bse[1], rel=2e-3)
    fit = sm.GLM(
        outcome, np.ones(600), family=sm.families.Binomial(), offset=linear
    ).fit(**clustered)
    assert shift.value == pytest.approx(fit.params[0], abs=CLOSE)
    assert shift.std_error == pytest.approx(fit.bse[0], rel=2e-3)


def test_values_are_regressed_and_times_follow_a_poisson_law() -> None:
    rng = np.random.default_rng(4)
    predicted = rng.normal(3, 0.5, 500)
    outcome = 0.5 + 0.8 * predicted + rng.normal(0, 0.1, 500)
    slope, shift = measure_slope(
        "continuous", outcome, predicted, np.zeros(500), np.arange(500), alpha=0.05
    )
    expected = np.polyfit(predicted, outcome, 1)
    assert slope.value == pytest.approx(expected[0], abs=CLOSE)
    assert shift.value == pytest.approx((outcome - predicted).mean(), abs=CLOSE)
    counts = rng.poisson(np.exp(0.2 + 1.5 * predicted - 4)).astype("float64")
    fit = sm.GLM(counts, sm.add_constant(predicted), family=sm.families.Poisson()).fit()
    slope, _ = measure_slope(
        "time", counts, predicted, np.zeros(500), np.arange(500), alpha=0.05
    )
    assert slope.value == pytest.approx(fit.params[1], abs=CLOSE)


def test_right_curves_of_time_have_slope_one_and_intercept_zero() -> None:
    rng = np.random.default_rng(5)
    rate = 0.01 * np.exp(rng.normal(0, 0.7, 4000))
    time = rng.exponential(1 / rate)
    edges = np.linspace(0, 200, 41)[1:]
    survival = np.exp(-np.outer(rate, edges))
    event, until = time <= 200, np.minimum(time, 200.0)
    hazard = accumulate_hazard(survival, edges, until)
    np.testing.assert_allclose(hazard, rate * until, rtol=1e-9)
    linear = np.log(rate * 200)
    slope, shift = measure_slope(
        "time", event.astype(float), linear, np.log(hazard) - linear,
        np.arange(4000), alpha=0.05,
    )  # fmt: skip
    assert slope.low < 1 < slope.high
    assert shift.low < 0 < shift.high


def test_equal_predictions_have_no_slope() -> None:
    _, outcome = draw_chances(1, 100)
    same, units = np.full(100, -1.0), np.arange(100)
    slope, shift = measure_slope(
        "binary", outcome, same, np.zeros(100), units, alpha=0.05
    )
    assert np.isnan(slope.value)
    assert np.isfinite(shift.value)


@pytest.mark.parametrize(("events", "size"), [(0, 20), (3, 20), (57, 123), (20, 20)])
def test_the_interval_of_a_share_is_wilson_s(events: int, size: int) -> None:
    share = Measure(metric="share", value=events / size, n=size)
    expected = proportion_confint(events, size, method="wilson")
    assert limit_share(share, alpha=0.05) == pytest.approx(expected, abs=1e-9)


def test_rows_of_one_person_widen_the_interval_of_a_share() -> None:
    outcome = np.repeat([1.0, 0.0], [30, 90])
    predicted = np.full(120, 0.25)
    alone = bin_calibration(
        "binary", outcome, predicted, np.arange(120), alpha=0.05
    ).iloc[0]
    expected = proportion_confint(30, 120, method="wilson")
    assert (alone["low"], alone["high"]) == pytest.approx(expected, abs=1e-9)
    agree = bin_calibration(
        "binary", outcome, predicted, np.arange(120) // 3, alpha=0.05
    ).iloc[0]
    fewer = proportion_confint(10, 40, method="wilson")
    assert (agree["low"], agree["high"]) == pytest.approx(fewer, abs=0.005)


def test_bins_are_tenths_and_equal_predictions_stay_together() -> None:
    bins = cut_quantiles(np.arange(1000.0))
    assert np.bincount(bins).tolist() == [100] * 10
    tied = cut_quantiles(np.repeat([0.1, 0.2], [900, 100]))
    assert np.bincount(tied).tolist() == [900, 100]
    assert cut_quantiles(np.arange(40.0)).max() == 0


def test_times_are_compared_with_those_who_had_the_event_by_the_day() -> None:
    rng = np.random.default_rng(6)
    rate = 0.01 * np.exp(rng.normal(0, 1, 2000))
    days, ends = rng.exponential(1 / rate), rng.uniform(50, 200, 2000)
    time, event = np.minimum(days, ends), days <= ends
    table = bin_time_calibration(
        time, event, 1 - np.exp(-rate * 40), day=40, alpha=0.05
    )
    assert table["n"].sum() == 2000
    for item in table.itertuples():
        assert item.low <= item.observed <= item.high
    inside = table["predicted"].between(table["low"], table["high"])
    assert inside.mean() >= 0.8
    nobody = bin_time_calibration(
        np.full(30, 90.0), np.zeros(30, bool), np.full(30, 0.1), day=40, alpha=0.05
    ).iloc[0]
    wilson = proportion_confint(0, 30, method="wilson")
    assert (nobody["low"], nobody["high"]) == pytest.approx(wilson, abs=1e-9)


def test_mean_values_per_bin_agree_with_pandas() -> None:
    rng = np.random.default_rng(8)
    predicted = rng.normal(3, 1, 400)
    outcome = predicted + rng.normal(0, 1, 400)
    table = bin_calibration(
        "continuous", outcome, predicted, np.arange(400), alpha=0.05
    )
    means = pd.Series(outcome).groupby(pd.qcut(predicted, 10)).mean()
    np.testing.assert_allclose(table["observed"], means, rtol=1e-9)
