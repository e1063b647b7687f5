"""Tests of equal trends before the exposure."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import chi2

from tests.impact.did.staggered import make_staggered
from workbench.impact.did.group_time import estimate_group_time
from workbench.impact.did.pretrends import (
    check_last_quarter,
    check_pretrend,
    estimate_last_quarter,
    invert_covariance,
    judge_pretrend,
)


def test_equal_trends_pass_and_unequal_ones_fail() -> None:
    fine = judge_pretrend(estimate_group_time(make_staggered(41)))
    assert check_pretrend(fine).passed is True
    assert fine.rank == len(fine.effects) == 4
    tilted = judge_pretrend(estimate_group_time(make_staggered(41, slope=0.3)))
    check = check_pretrend(tilted)
    assert check.passed is False
    assert tilted.p_value < 1e-6
    assert "another path" in check.advice
    np.testing.assert_allclose(tilted.path, 1.0)


@pytest.mark.parametrize("by", ["cell", "event_time"])
def test_base_does_not_matter_for_one_group(by: str) -> None:
    panel = make_staggered(42, groups=(5,))
    both = [
        judge_pretrend(
            estimate_group_time(panel, base=base),  # type: ignore[arg-type]
            by=by,  # type: ignore[arg-type]
        )
        for base in ("varying", "universal")
    ]
    assert both[0].statistic == pytest.approx(both[1].statistic)
    assert both[0].p_value == pytest.approx(both[1].p_value)
    assert list(both[1].path) == [-3.0, -2.0, -1.0]


def test_the_statistic_is_walds() -> None:
    found = estimate_group_time(make_staggered(43))
    test = judge_pretrend(found, by="cell")
    cells = found.find_cells(before=True)
    effects = found.table["att"].to_numpy()[cells]
    inverse = np.linalg.inv(found.covariance[np.ix_(cells, cells)])
    assert test.statistic == pytest.approx(effects @ inverse @ effects)
    assert math.isinf(test.df)


def test_small_groups_do_not_reject_by_themselves() -> None:
    """60 panels of three groups of about ten: the chi-squared law rejects often."""
    kept, plain = 0, 0
    for seed in range(60):
        panel = make_staggered(
            700 + seed, people=180, choice=1.0, groups=(0, 0, 0, 0, 5, 6, 7), periods=8
        )
        found = estimate_group_time(panel, covariates=[])
        test = judge_pretrend(found)
        kept += test.p_value < 0.05
        plain += chi2(test.rank).sf(test.statistic) < 0.05
    assert kept <= 8
    assert kept <= plain


def test_too_many_effects_for_the_learners() -> None:
    panel = make_staggered(44, people=200, teams=5, clusters=("unit", "team"))
    test = judge_pretrend(estimate_group_time(panel))
    check = check_pretrend(test)
    assert check.passed is None
    assert "cannot carry a test of 4 effects" in check.text


def test_no_earlier_quarter() -> None:
    panel = make_staggered(45, groups=(2,), periods=4)
    test = judge_pretrend(estimate_group_time(panel))
    check = check_pretrend(test)
    assert check.passed is None
    assert "no quarter before the exposure" in check.text


def test_a_singular_covariance_is_inverted_on_its_range() -> None:
    root = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 2.0]])
    inverse, rank = invert_covariance(root @ root.T)
    assert rank == 2
    covariance = root @ root.T
    vector = covariance @ np.array([1.0, -1.0, 0.5])
    assert vector @ inverse @ vector == pytest.approx(
        vector @ np.linalg.pinv(covariance) @ vector
    )


def test_scales_do_not_decide_the_rank() -> None:
    covariance = np.diag([1e-12, 1.0])
    inverse, rank = invert_covariance(covariance)
    assert rank == 2
    np.testing.assert_allclose(np.diag(inverse), [1e12, 1.0])


def test_only_the_groups_asked_for() -> None:
    found = estimate_group_time(make_staggered(46))
    test = judge_pretrend(found, groups=[4], by="cell")
    assert len(test.effects) == 2


def test_a_dip_before_learning_is_found() -> None:
    panel = make_staggered(47, people=1500, early=-0.4)
    change = estimate_last_quarter(estimate_group_time(panel), groups=[4, 5, 6])
    assert change is not None
    assert abs(change.value + 0.4) < 3.5 * change.std_error
    check = check_last_quarter(change)
    assert check.passed is False
    assert "earlier base quarter" in check.advice
    calm = estimate_last_quarter(estimate_group_time(make_staggered(48)))
    assert check_last_quarter(calm).passed is True


def test_the_last_quarter_is_that_before_the_anticipation() -> None:
    panel = make_staggered(49, people=1500, early=-0.4)
    found = estimate_group_time(panel, anticipation=1)
    change = estimate_last_quarter(found)
    assert change is not None
    assert set(found.table["event_time"].to_numpy()[change.cells]) == {-2}
    assert abs(change.value) < 3.5 * change.std_error


def test_the_last_quarter_needs_two_before() -> None:
    short = estimate_group_time(make_staggered(50, groups=(2,), periods=4))
    assert estimate_last_quarter(short) is None
    universal = estimate_group_time(make_staggered(51), base="universal")
    assert estimate_last_quarter(universal) is None
    check = check_last_quarter(None)
    assert check.passed is None
    assert "not two quarters" in check.text


def test_an_exact_zero_variance_is_no_test() -> None:
    found = estimate_group_time(make_staggered(52, people=100))
    empty = dataclasses.replace(found, influence=np.zeros_like(found.influence))
    still = dataclasses.replace(empty, covariance=np.zeros_like(found.covariance))
    flat = still.table.assign(att=0.0)
    test = judge_pretrend(dataclasses.replace(still, table=flat), by="cell")
    assert test.reason
