"""Shrinkage against hand-worked cases and published values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.calibration.module_draws import draw_estimates
from workbench.prescribe.modules.shrinkage import (
    Observed,
    build_prior,
    estimate_likeness,
    estimate_spreads,
    shrink,
)

# the eight schools of Rubin (1981), quoted from Gelman et al., Bayesian Data Analysis,
# 3rd ed., table 5.2
SCHOOLS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def schools() -> Observed:
    return Observed(values=SCHOOLS, covariance=np.diag(ERRORS**2), design=np.eye(8))


def test_eight_schools_have_the_published_pooled_mean_and_error() -> None:
    # 7.7 and 4.1 (Bayesian Data Analysis, section 5.5)
    found = shrink(schools(), np.zeros((1, 1)))
    assert found.means[0] == pytest.approx(7.7, abs=0.05)
    assert math.sqrt(found.covariance[0, 0]) == pytest.approx(4.1, abs=0.05)
    assert np.allclose(found.values, found.means[0])


@pytest.mark.parametrize("spread", [1.0, 5.0, 10.0])
def test_it_is_the_posterior_of_the_normal_model(spread: float) -> None:
    # equations 5.17 and 5.20 of Bayesian Data Analysis, worked school by school
    weight = 1 / (ERRORS**2 + spread**2)
    mean, variance = weight @ SCHOOLS / weight.sum(), 1 / weight.sum()
    keep = spread**2 * weight
    found = shrink(schools(), np.eye(1) * spread**2)
    assert found.means[0] == pytest.approx(mean)
    assert np.allclose(found.values, keep * SCHOOLS + (1 - keep) * mean)
    expected = keep * ERRORS**2 + (1 - keep) ** 2 * variance
    assert np.allclose(np.diag(found.covariance), expected)


def test_the_spread_of_eight_schools_lies_in_the_published_range() -> None:
    # the posterior of tau under a flat prior has its mass below 20 (figure 5.5)
    assert 4.0 < estimate_spreads({"y": [schools()]}, alike=())["y"] < 12.0


def test_what_the_programme_does_goes_to_the_module_that_cannot_be_told() -> None:
    shares = np.array([1.0, 0.9])
    group = Observed(
        values=np.array([3.0, 1.0]),
        covariance=np.diag([1e-8, 1e-8]),
        design=np.array([shares, [0.0, 1.0]]),
    )
    found = shrink(group, np.eye(1))
    assert found.values == pytest.approx([3.0 - 0.9, 1.0], abs=1e-6)


def test_a_bundle_is_shared_equally() -> None:
    group = Observed(
        values=np.array([2.0]),
        covariance=np.array([[0.1]]),
        design=np.array([[1.0, 1.0]]),
    )
    assert shrink(group, np.eye(1) * 0.25).values.tolist() == pytest.approx([1.0, 1.0])


def test_the_better_known_is_drawn_less() -> None:
    group = Observed(
        values=np.array([0.0, 2.0, 2.0]),
        covariance=np.diag([0.1, 0.01, 1.0]),
        design=np.eye(3),
    )
    found = shrink(group, np.eye(1) * 0.25)
    assert found.means[0] < found.values[2] < found.values[1] < 2.0


def test_without_two_estimates_the_size_of_the_mean_stands_in() -> None:
    alone = Observed(
        values=np.array([2.0]),
        covariance=np.array([[0.1]]),
        design=np.array([[1.0, 1.0]]),
    )
    assert estimate_spreads({"y": [alone]}, alike=())["y"] == pytest.approx(1.0)


def test_badly_known_outcomes_borrow_how_much_modules_differ() -> None:
    sharp = [
        Observed(
            values=np.array([0.0, 0.3, -0.3, 0.2]),
            covariance=np.eye(4) * 0.01,
            design=np.eye(4),
        )
    ]
    vague = [
        Observed(
            values=np.array([0.0, 3.0, -3.0, 2.0]),
            covariance=np.eye(4) * 4.0,
            design=np.eye(4),
        )
    ]
    groups = {"sharp": sharp, "other": sharp, "vague": vague}
    alone = estimate_spreads(groups, alike=())
    together = estimate_spreads(groups, alike=set(groups))
    assert together["vague"] < 0.5 * alone["vague"]
    assert together["sharp"] == pytest.approx(alone["sharp"], rel=0.2)


def draw_two_outcomes(likeness: float, seed: int) -> list[Observed]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(30):
        effects = rng.multivariate_normal([0, 0], [[1, likeness], [likeness, 1]], 5)
        errors = np.repeat([0.2, 0.8], 5)
        found.append(
            Observed(
                values=effects.T.ravel() + errors * rng.normal(size=10),
                covariance=np.diag(errors**2),
                design=np.eye(10),
            )
        )
    return found


@pytest.mark.parametrize("likeness", [0.0, 0.8])
def test_the_likeness_of_outcomes_is_found(likeness: float) -> None:
    groups = draw_two_outcomes(likeness, 1)
    both = [np.array([True, True])] * len(groups)
    spreads = [np.ones(2)] * len(groups)
    assert estimate_likeness(groups, spreads, both) == pytest.approx(likeness, abs=0.15)


def test_an_outcome_that_is_known_well_tells_of_another() -> None:
    values = np.array([-2.0, 0.0, 2.0, 0.0, 0.0, 0.0])
    group = Observed(
        values=values,
        covariance=np.diag([0.01] * 3 + [100.0] * 3),
        design=np.eye(6),
    )
    spreads, both = np.ones(2), np.array([True, True])
    alone = shrink(group, build_prior(spreads, both, 0.0)).values[3:]
    joined = shrink(group, build_prior(spreads, both, 0.8)).values[3:]
    assert np.allclose(alone, 0.0)
    # regression of the second outcome on the first: 0.8 times what is known of it
    assert joined == pytest.approx([-1.58, 0.0, 1.58], abs=0.02)
    apart = shrink(group, build_prior(spreads, np.array([True, False]), 0.8))
    assert np.allclose(apart.values[3:], 0.0)


def test_posterior_intervals_hold_the_truth_and_are_shorter() -> None:
    held, lengths, raw = [], [], []
    for seed in range(40):
        groups, truths = draw_estimates(seed, programmes=5, spread=0.3, mean=0.3)
        size = estimate_spreads({"y": groups}, alike=())["y"]
        for group, truth in zip(groups, truths, strict=True):
            found = shrink(group, np.eye(1) * size**2)
            error = np.sqrt(np.diag(found.covariance))
            held.append(np.abs(found.values - truth) < 1.96 * error)
            lengths.append(error[1:])
            raw.append(np.sqrt(np.diag(group.covariance))[1:])
    # 800 modules in 200 programmes: four errors of a share of 0.95 are 0.03
    assert 0.92 < np.mean(held) < 0.98
    assert np.mean(lengths) < 0.8 * np.mean(raw)
