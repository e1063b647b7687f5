"""Intervals clustered by person, against statsmodels and the bootstrap."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from workbench.prescribe.predict.measures import measure_mean, measure_ratio

UNITS = np.repeat(np.arange(80), 3)


def draw(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    people = np.repeat(rng.exponential(1, 80), 3)
    return people + rng.exponential(1, 240), 2 + people + rng.exponential(1, 240)


def test_the_error_of_a_mean_is_that_of_statsmodels() -> None:
    values, _ = draw()
    fit = sm.OLS(values, np.ones(240)).fit(
        cov_type="cluster", cov_kwds={"groups": UNITS}, use_t=True
    )
    found = measure_mean("mae", values, UNITS, alpha=0.05)
    assert found.value == pytest.approx(fit.params[0])
    assert found.std_error == pytest.approx(fit.bse[0], rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]))
    cut = measure_mean("share", values, UNITS, alpha=0.05, bounds=(2.0, 2.01))
    assert (cut.low, cut.high) == (2.0, 2.01)


def test_the_error_of_a_ratio_is_that_of_drawing_people_again() -> None:
    above, below = draw()
    found = measure_ratio("skill", above, below, UNITS, alpha=0.05, complement=True)
    assert found.value == pytest.approx(1 - above.sum() / below.sum())
    rng = np.random.default_rng(2)
    sums = [np.bincount(UNITS, weights=item) for item in (above, below)]
    drawn = rng.integers(0, 80, (4000, 80))
    again = 1 - sums[0][drawn].sum(axis=1) / sums[1][drawn].sum(axis=1)
    assert found.std_error == pytest.approx(again.std(), rel=0.06)


def test_one_person_has_no_interval_and_nothing_no_ratio() -> None:
    alone = measure_mean("mae", np.ones(3), np.zeros(3, dtype="int64"), alpha=0.05)
    assert alone.value == 1
    assert math.isnan(alone.low)
    none = measure_ratio("r2", np.ones(2), np.zeros(2), np.arange(2), alpha=0.05)
    assert math.isnan(none.value)
