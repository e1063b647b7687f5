from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from tests.impact.did.classic_panels import make_panel, simulate_panel
from workbench.impact.did.placebo import adjust_holm, estimate_placebo_dates


def test_parallel_trends_pass_and_windows_stay_before_exposure() -> None:
    frame = simulate_panel(1, people=800, periods=8, starts=(0, 0, 5, 6))
    found = estimate_placebo_dates(make_panel(frame, lag=1))
    table = found.table
    assert table["quarters_earlier"].tolist() == [1, 2, 3, 4]
    assert table["lag"].tolist() == [0, 1, 1, 1]
    assert table["cohorts"].tolist() == [2, 2, 2, 1]
    assert (table["estimate"].abs() < 3.5 * table["std_error"]).all()
    assert found.check.passed
    assert "could go unseen" in found.check.text


def test_the_effect_itself_never_enters() -> None:
    small = simulate_panel(2, periods=8, starts=(0, 5, 6), effect=0.0)
    large = simulate_panel(2, periods=8, starts=(0, 5, 6), effect=9.0)
    first = estimate_placebo_dates(make_panel(small, lag=1)).table
    second = estimate_placebo_dates(make_panel(large, lag=1)).table
    np.testing.assert_allclose(first.to_numpy(), second.to_numpy(), rtol=1e-9)


def test_unequal_trends_fail() -> None:
    frame = simulate_panel(3, people=800, periods=8, starts=(0, 0, 5, 6), slope=0.2)
    found = estimate_placebo_dates(make_panel(frame, lag=1))
    assert found.check.status == "warn"
    assert found.check.value < 0.05
    steps = found.table.set_index("quarters_earlier")
    assert steps.loc[3, "estimate"] == pytest.approx(0.4, abs=0.2)
    assert "where nobody had learnt" in found.check.text


def test_nothing_early_enough_does_not_apply() -> None:
    frame = simulate_panel(4, periods=4, starts=(0, 2))
    found = estimate_placebo_dates(make_panel(frame, lag=1))
    assert found.table.empty
    assert found.check.status == "not_applicable"


def test_few_teams_get_the_careful_error() -> None:
    frame = simulate_panel(5, teams=10, by_team=True, starts=(0, 5), periods=6)
    panel = make_panel(frame, clusters=("unit", "team"))
    assert (estimate_placebo_dates(panel).table["df"] < 9).all()


def test_holm_equals_statsmodels() -> None:
    rng = np.random.default_rng(1)
    for size in range(1, 9):
        for p_values in (rng.random(size) ** 3, rng.choice([0.0, 0.01, 1.0], size)):
            known = multipletests(p_values, method="holm")[1]
            np.testing.assert_allclose(adjust_holm(p_values), known, atol=1e-12)
