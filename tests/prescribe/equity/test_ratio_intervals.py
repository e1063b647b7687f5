"""Intervals of shares and their ratios against published and independent values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
)

from workbench.prescribe.equity.ratio_intervals import (
    interval_koopman,
    interval_wilson,
)

PUBLISHED = 0.011
"""Koopman (1984) prints two decimals, and 2.93 for 2.9396."""


def test_koopman_1984() -> None:
    """36 of 40 against 16 of 80: 4.5 (2.93 to 7.15), as an R package quotes it."""
    found = interval_koopman(36, 40, 16, 80)
    assert found == pytest.approx((2.93, 7.15), abs=PUBLISHED)


@pytest.mark.parametrize(
    ("selected", "size", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)],
)
def test_wilson_in_newcombe_1998(selected, size, low, high) -> None:
    """Table I there, method 3; quoted from memory."""
    found = interval_wilson(selected, size)
    assert found == pytest.approx((low, high), abs=5e-5)
    assert found == pytest.approx(proportion_confint(selected, size, method="wilson"))


@pytest.mark.parametrize(
    "counts",
    [
        (36, 40, 16, 80),
        (7, 34, 1, 34),
        (20, 20, 5, 30),
        (1, 400, 300, 500),
        (9, 11, 150, 900),
    ],
)
def test_koopman_as_statsmodels_has_it(counts) -> None:
    score = confint_proportions_2indep(
        *counts, compare="ratio", method="score", correction=False
    )
    assert interval_koopman(*counts) == pytest.approx(score, rel=1e-8)


def test_groups_with_nobody_or_everybody() -> None:
    low, high = interval_koopman(0, 20, 5, 30)
    assert low == 0
    assert high == pytest.approx(1.0349917, rel=1e-6)
    low, high = interval_koopman(5, 30, 0, 20)
    assert low == pytest.approx(1 / 1.0349917, rel=1e-6)
    assert high == math.inf
    low, high = interval_koopman(20, 20, 30, 30)
    assert low < 1 < high
    assert all(math.isnan(end) for end in interval_koopman(0, 9, 0, 9))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 39), st.integers(1, 59))
def test_turning_the_ratio_turns_the_interval(one: int, two: int) -> None:
    low, high = interval_koopman(one, 40, two, 60)
    turned = interval_koopman(two, 60, one, 40)
    assert turned == pytest.approx((1 / high, 1 / low), rel=1e-6)


def test_koopman_covers_the_ratio() -> None:
    """Small groups, 1,000 draws: between 93.5 and 96.5 %."""
    rng = np.random.default_rng(1)
    ours = rng.binomial(25, 0.2, 1000)
    theirs = rng.binomial(60, 0.3, 1000)
    ends = np.array(
        [
            interval_koopman(a, 25, b, 60)
            for a, b in zip(ours.tolist(), theirs.tolist(), strict=True)
        ]
    )
    inside = (ends[:, 0] <= 2 / 3) & (ends[:, 1] >= 2 / 3)
    assert 0.935 <= inside.mean() <= 0.965
