"""Laws of the bounds, checked against every way a hidden cause could deal learning."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import DesignError
from workbench.impact.robustness.rosenbaum import (
    bound_discordant,
    bound_hodges_lehmann,
    bound_sets,
    bound_signed_rank,
    find_critical_gamma,
)

numbers = st.lists(
    st.floats(-5, 5, allow_nan=False).map(lambda x: round(x, 2)),
    min_size=4,
    max_size=30,
).filter(lambda values: any(values))


@given(values=numbers, gamma=st.floats(1, 8))
@settings(max_examples=60, deadline=None)
def test_bounds_hold_the_test_without_bias_and_widen(
    values: list[float], gamma: float
) -> None:
    differences = np.array(values)
    plain = bound_signed_rank(differences, gamma=1.0)
    low, high = bound_signed_rank(differences, gamma=gamma)
    assert low <= plain[0] + 1e-12
    assert plain[0] == plain[1] <= high + 1e-12
    wider = bound_signed_rank(differences, gamma=gamma + 1)
    assert wider[1] >= high - 1e-12


@given(values=numbers, gamma=st.floats(1, 8))
@settings(max_examples=40, deadline=None)
def test_the_other_direction_is_the_mirror_image(
    values: list[float], gamma: float
) -> None:
    differences = np.array(values)
    low, high = bound_signed_rank(differences, gamma=gamma)
    mirrored = bound_signed_rank(-differences, gamma=gamma)
    assert mirrored[0] == pytest.approx(1 - high, abs=1e-9)
    assert mirrored[1] == pytest.approx(1 - low, abs=1e-9)


def _find_largest_mean(block: npt.NDArray[np.float64], gamma: float) -> float:
    """Try every hidden cause of 0 or 1 in a set."""
    means = []
    for cause in itertools.product((1.0, gamma), repeat=len(block)):
        weights = np.array(cause) / sum(cause)
        means.append(float(block @ weights))
    return max(means)


def test_sets_take_the_worst_of_all_hidden_causes() -> None:
    rng = np.random.default_rng(1)
    sets = np.repeat(np.arange(6), [2, 3, 4, 4, 5, 3])
    scores = rng.normal(size=len(sets)).round(1)
    treated = np.diff(sets, prepend=-1) > 0
    gamma = 2.5
    mean = sum(_find_largest_mean(scores[sets == code], gamma) for code in range(6))
    high = bound_sets(scores, treated, sets, gamma=gamma)[1]
    from scipy.stats import norm

    statistic = float(scores[treated].sum())
    assert np.sign(norm.isf(high)) == np.sign(statistic - mean)
    variance = ((statistic - mean) / norm.isf(high)) ** 2
    assert 0 < variance < float((scores**2).sum())
    low_1, high_1 = bound_sets(scores, treated, sets, gamma=1.0)
    assert low_1 == pytest.approx(high_1, abs=1e-12)


def test_hodges_lehmann_widens_and_follows_a_shift() -> None:
    rng = np.random.default_rng(2)
    gaps = rng.normal(1.0, 1.0, 60)
    narrow = bound_hodges_lehmann(gaps, gamma=1.0)
    assert narrow[0] == pytest.approx(narrow[1], abs=1e-9)
    walsh = (gaps[:, None] + gaps)[np.triu_indices(60)] / 2
    assert narrow[0] == pytest.approx(np.median(walsh), abs=1e-6)
    wide = bound_hodges_lehmann(gaps, gamma=2.0)
    assert wide[0] < narrow[0] < wide[1]
    moved = bound_hodges_lehmann(gaps + 3, gamma=2.0)
    assert moved == pytest.approx(tuple(end + 3 for end in wide), abs=1e-6)
    halved = bound_hodges_lehmann(gaps, gamma=2.0, doses=np.full(60, 2.0))
    assert halved == pytest.approx(tuple(end / 2 for end in wide), abs=1e-6)


def test_the_critical_ratio_is_where_the_level_is_reached() -> None:
    found = find_critical_gamma(
        lambda gamma: bound_discordant(40, 12, gamma=gamma)[1], alpha=0.05
    )
    assert bound_discordant(40, 12, gamma=found)[1] == pytest.approx(0.05, abs=1e-9)
    assert math.isnan(find_critical_gamma(lambda _: 0.2, alpha=0.05))
    assert math.isinf(find_critical_gamma(lambda _: 0.01, alpha=0.05))


@pytest.mark.parametrize("gamma", [0.5, math.nan])
def test_a_ratio_below_one_is_refused(gamma: float) -> None:
    with pytest.raises(DesignError, match="gamma is too small"):
        bound_signed_rank(np.ones(3), gamma=gamma)


def test_outcomes_that_never_differ_are_refused() -> None:
    with pytest.raises(DesignError, match="differences are 0"):
        bound_signed_rank(np.zeros(3), gamma=1.0)
    with pytest.raises(DesignError, match="same in both members"):
        bound_discordant(0, 0, gamma=1.0)
    pair = np.array([True, False])
    with pytest.raises(DesignError, match="same within every matched set"):
        bound_sets(np.ones(2), pair, np.zeros(2, dtype="int64"), gamma=1.0)


def test_a_set_needs_one_learner() -> None:
    with pytest.raises(DesignError, match="exactly one learner"):
        bound_sets(
            np.arange(3.0), np.ones(3, dtype=bool), np.zeros(3, "int64"), gamma=1.0
        )
