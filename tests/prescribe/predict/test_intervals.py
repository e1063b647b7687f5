"""Limits of single predictions cover as often as they say, whatever the law."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.core.errors import TooFewUnitsError
from workbench.prescribe.predict.intervals import find_reach, limit_times


@pytest.mark.parametrize("size", [19, 60])
def test_conformal_limits_cover_a_new_value_of_a_skewed_law(size: int) -> None:
    """Exact for exchangeable errors: from 1 - alpha to 1 - alpha + 1 / (n + 1)."""
    rng = np.random.default_rng(1)
    draws = 20_000
    errors = rng.exponential(1, (draws, size + 1)) ** 2 - 1
    reach = np.array([find_reach(row[:-1], alpha=0.1) for row in errors])
    covered = (np.abs(errors[:, -1]) <= reach).mean()
    error = math.sqrt(0.9 * 0.1 / draws)
    assert 0.9 - 4 * error <= covered <= 0.9 + 1 / (size + 1) + 4 * error


def test_too_few_errors_give_no_finite_limit() -> None:
    assert find_reach(np.arange(18.0), alpha=0.05) == math.inf
    assert find_reach(np.arange(19.0), alpha=0.05) == 18
    with pytest.raises(TooFewUnitsError, match="Nobody was held out"):
        find_reach(np.empty(0), alpha=0.05)


@pytest.mark.parametrize("wrong", [1.0, 2.0])
def test_limits_of_times_cover_even_where_the_curve_is_wrong(wrong: float) -> None:
    rng = np.random.default_rng(2)
    edges = np.linspace(0, 600, 61)[1:]

    def draw(size: int) -> tuple[np.ndarray, np.ndarray]:
        rate = 0.01 * np.exp(rng.normal(0, 0.5, size))
        return rng.exponential(1 / rate), np.exp(-wrong * np.outer(rate, edges))

    days, survival = draw(2000)
    ends = rng.uniform(100, 700, 2000)
    new_days, new_survival = draw(4000)
    low, high = limit_times(
        new_survival,
        edges,
        held_time=np.minimum(days, ends),
        held_event=days <= ends,
        held_survival=survival,
        held_edges=edges,
        alpha=0.2,
    )
    below = (new_days < low).mean()
    beyond = (new_days > np.where(np.isnan(high), np.inf, high)).mean()
    assert below == pytest.approx(0.1, abs=0.03)
    assert beyond == pytest.approx(0.1, abs=0.03)


def test_with_few_events_the_predicted_curve_is_taken_as_it_is() -> None:
    edges = np.array([100.0, 200.0])
    low, high = limit_times(
        np.array([[0.5, 0.25]]),
        edges,
        held_time=np.full(5, 90.0),
        held_event=np.ones(5, dtype=bool),
        held_survival=np.tile([0.5, 0.25], (5, 1)),
        held_edges=edges,
        alpha=0.5,
    )
    assert low.tolist() == [50]
    assert high.tolist() == [200]
