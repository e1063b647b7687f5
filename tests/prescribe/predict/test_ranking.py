"""Discrimination against published values, other code and the law of large numbers."""

from __future__ import annotations

import numpy as np
import pytest
from lifelines.utils import concordance_index
from scipy.stats import norm

from workbench.core.errors import NoVariationError
from workbench.prescribe.predict.ranking import measure_auc, measure_concordance

EXACT = 1e-12

NORMAL, ABNORMAL = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
"""Ratings of 109 CT images by one reader: Hanley and McNeil (1982), table I."""


def draw_scores(seed: int, size: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    event = rng.random(size) < 0.3
    return event, np.round(rng.normal(0, 1, size) + 0.8 * event, 1)


def estimate_delong(event: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """DeLong's variance, pair by pair as in the paper."""
    cases, others = score[event], score[~event]
    wins = (cases[:, None] > others) + 0.5 * (cases[:, None] == others)
    first, second = wins.mean(axis=1), wins.mean(axis=0)
    variance = first.var(ddof=1) / len(cases) + second.var(ddof=1) / len(others)
    return float(wins.mean()), float(np.sqrt(variance))


def test_auc_of_the_published_ratings() -> None:
    """Published: W = 0.893 with standard error 0.032 (Hanley and McNeil 1982)."""
    event = np.repeat([False, True], [sum(NORMAL), sum(ABNORMAL)])
    score = np.concatenate(
        [np.repeat(np.arange(5.0), NORMAL), np.repeat(np.arange(5.0), ABNORMAL)]
    )
    found = measure_auc(event, score, np.arange(len(event)), alpha=0.05)
    assert round(found.value, 3) == 0.893
    assert found.std_error == pytest.approx(0.032, abs=0.002)


@pytest.mark.parametrize("seed", range(5))
def test_auc_and_its_error_are_those_of_delong(seed: int) -> None:
    event, score = draw_scores(seed)
    value, error = estimate_delong(event, score)
    found = measure_auc(event, score, np.arange(len(event)), alpha=0.05)
    assert found.value == pytest.approx(value, abs=EXACT)
    assert found.std_error == pytest.approx(error, abs=EXACT)
    assert found.high == pytest.approx(min(1, value + norm.ppf(0.975) * error))


def test_rows_of_one_person_are_not_counted_as_independent() -> None:
    event, score = draw_scores(3)
    once = measure_auc(event, score, np.arange(len(event)), alpha=0.05)
    units = np.repeat(np.arange(len(event)), 4)
    copied = measure_auc(np.repeat(event, 4), np.repeat(score, 4), units, alpha=0.05)
    assert copied.std_error == pytest.approx(once.std_error, rel=1e-9)
    naive = measure_auc(
        np.repeat(event, 4), np.repeat(score, 4), np.arange(4 * len(event)), alpha=0.05
    )
    assert naive.std_error < 0.55 * once.std_error


def test_the_auc_interval_covers_as_often_as_it_says() -> None:
    truth = norm.cdf(0.8 / np.sqrt(2))
    covered = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        event = rng.random(300) < 0.3
        score = rng.normal(0, 1, 300) + 0.8 * event
        found = measure_auc(event, score, np.arange(300), alpha=0.05)
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / 400 <= 0.975


def draw_times(seed: int, size: int = 150) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    score = np.round(rng.normal(0, 1, size), 1)
    days = rng.exponential(50 * np.exp(0.7 * score))
    ends = rng.exponential(80, size)
    return np.ceil(np.minimum(days, ends) / 5), days <= ends, score


@pytest.mark.parametrize("seed", range(5))
def test_concordance_is_that_of_lifelines(seed: int) -> None:
    time, event, score = draw_times(seed)
    found = measure_concordance(time, event, score, np.arange(len(time)), alpha=0.05)
    assert found.value == pytest.approx(
        concordance_index(time, score, event), abs=EXACT
    )


def test_the_error_of_concordance_is_that_of_leaving_people_out() -> None:
    time, event, score = draw_times(7, 200)
    units = np.repeat(np.arange(100), 2)
    found = measure_concordance(time, event, score, units, alpha=0.05)
    left = [
        concordance_index(
            time[units != unit], score[units != unit], event[units != unit]
        )
        for unit in range(100)
    ]
    jackknife = np.sqrt(99 / 100 * ((np.array(left) - np.mean(left)) ** 2).sum())
    assert found.std_error == pytest.approx(jackknife, rel=0.05)


def test_blocks_of_rows_add_up() -> None:
    time, event, score = draw_times(1, 1203)
    found = measure_concordance(time, event, score, np.arange(1203), alpha=0.05)
    assert found.value == pytest.approx(
        concordance_index(time, score, event), abs=EXACT
    )


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(NoVariationError, match="events and people without"):
        measure_auc(np.ones(3, bool), np.arange(3.0), np.arange(3), alpha=0.05)
    with pytest.raises(NoVariationError, match="known to be first"):
        measure_concordance(
            np.arange(3.0), np.zeros(3, bool), np.arange(3.0), np.arange(3), alpha=0.05
        )
