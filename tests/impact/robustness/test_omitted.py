"""Strengths against regressions, and the bias against a cause really left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import DesignError, NoVariationError, TooFewUnitsError
from workbench.impact.robustness.e_value import (
    approximate_ratio,
    compute_e_value,
    measure_e_value,
)
from workbench.impact.robustness.omitted import (
    adjust_effect,
    bound_confounder,
    find_breaking_strength,
    find_robustness_value,
)
from workbench.impact.robustness.strengths import Regressed, Strength, measure_strengths


def _draw(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(400, 4))
    treated = covariates @ [0.8, 0.2, 0.0, 0.5] + rng.logistic(size=400) > 0
    outcome = covariates @ [1.0, 0.0, 0.5, 0.7] + 0.6 * treated + rng.normal(size=400)
    return outcome, treated, covariates


def test_coefficient_error_and_strengths_are_those_of_the_regression() -> None:
    outcome, treated, covariates = _draw()
    groups = {"first": [0], "pair": [1, 2]}
    found = measure_strengths(outcome, treated, covariates, groups=groups)
    full = sm.add_constant(np.column_stack([treated, covariates]))
    fitted = sm.OLS(outcome, full).fit()
    assert found.value == pytest.approx(fitted.params[1], rel=1e-8)
    assert found.std_error == pytest.approx(fitted.bse[1], rel=1e-8)
    assert found.df == fitted.df_resid
    first, pair = found.strengths
    ratio = fitted.tvalues[2] ** 2
    assert first.r2_outcome == pytest.approx(ratio / (ratio + found.df), rel=1e-8)
    learning = sm.OLS(treated.astype(float), sm.add_constant(covariates)).fit()
    short = sm.OLS(treated.astype(float), sm.add_constant(covariates[:, [0, 3]])).fit()
    share = 1 - learning.ssr / short.ssr
    assert pair.r2_treatment == pytest.approx(share, rel=1e-8)


def test_a_collinear_column_changes_nothing() -> None:
    outcome, treated, covariates = _draw()
    doubled = np.column_stack([covariates, covariates[:, 0]])
    plain = measure_strengths(outcome, treated, covariates, groups={})
    found = measure_strengths(outcome, treated, doubled, groups={})
    assert found.value == pytest.approx(plain.value, rel=1e-6)
    assert found.df == plain.df


def test_adjusting_for_the_true_strength_recovers_the_long_regression() -> None:
    """The algebra is exact: leave a column out, add it back by its two shares."""
    outcome, treated, covariates = _draw(2)
    known, hidden = covariates[:, 1:], covariates[:, :1]
    short = measure_strengths(outcome, treated, known, groups={})
    long = measure_strengths(outcome, treated, covariates, groups={"hidden": [0]})
    strength = long.strengths[0]
    assert hidden.shape[1] == 1
    moved, error = adjust_effect(
        short.value,
        base=short,
        r2_treatment=strength.r2_treatment,
        r2_outcome=strength.r2_outcome,
    )
    assert moved == pytest.approx(long.value, rel=1e-8)
    assert error == pytest.approx(long.std_error, rel=1e-8)


def test_what_determines_learning_is_refused() -> None:
    outcome, treated, covariates = _draw()
    with pytest.raises(NoVariationError, match="determine who learnt"):
        measure_strengths(
            outcome, treated, np.column_stack([covariates, treated]), groups={}
        )
    with pytest.raises(TooFewUnitsError, match="no more rows"):
        measure_strengths(outcome[:6], treated[:6], covariates[:6], groups={})


def test_a_perfect_fit_has_an_error_all_the_same() -> None:
    _, treated, covariates = _draw()
    outcome = covariates[:, 0] + 2.0 * treated
    found = measure_strengths(outcome, treated, covariates, groups={"first": [0]})
    assert found.value == pytest.approx(2.0)
    assert 0 < found.std_error < 1e-3
    share = find_robustness_value(2.0, std_error=found.std_error, df=found.df)
    assert 0.99 < share <= 1.0
    assert approximate_ratio(5000.0, deviation=1.0) < math.inf


BASE = Regressed(value=1.0, std_error=0.2, df=300, strengths=())


@given(
    treatment=st.floats(0.001, 0.3),
    outcome=st.floats(0.001, 0.6),
    value=st.floats(0.5, 3),
)
@settings(max_examples=80, deadline=None)
def test_the_breaking_multiple_puts_the_end_of_the_interval_at_zero(
    treatment: float, outcome: float, value: float
) -> None:
    strength = Strength(name="x", r2_treatment=treatment, r2_outcome=outcome)
    found = find_breaking_strength(
        value, base=BASE, strength=strength, quantile=1.96, error=0.2
    )
    if math.isinf(found):
        return
    assert found > 0
    shares = bound_confounder(strength, times=found)
    moved, error = adjust_effect(
        value,
        base=BASE,
        r2_treatment=shares[0],
        r2_outcome=shares[1],
        error=0.2,
        tighten=False,
    )
    assert moved - 1.96 * error == pytest.approx(0.0, abs=1e-6)


def test_an_interval_that_holds_zero_needs_no_cause() -> None:
    strength = Strength(name="x", r2_treatment=0.1, r2_outcome=0.1)
    found = find_breaking_strength(
        0.3, base=BASE, strength=strength, quantile=1.96, error=0.2
    )
    assert found == 0.0
    share = find_robustness_value(0.3, std_error=0.2, df=300, quantile=1.96)
    assert share == 0.0


def test_a_cause_unrelated_to_learning_breaks_nothing() -> None:
    strength = Strength(name="x", r2_treatment=0.0, r2_outcome=0.5)
    found = find_breaking_strength(
        1.0, base=BASE, strength=strength, quantile=1.96, error=0.2
    )
    assert math.isinf(found)


def test_a_cause_cannot_explain_more_than_all() -> None:
    strong = Strength(name="x", r2_treatment=0.6, r2_outcome=0.7)
    assert all(map(math.isnan, bound_confounder(strong, times=2)))
    likely = Strength(name="x", r2_treatment=0.1, r2_outcome=0.7)
    assert bound_confounder(likely, times=1)[1] == 1.0


@given(ratio=st.floats(0.01, 50))
@settings(max_examples=60, deadline=None)
def test_the_e_value_is_the_same_both_ways_round(ratio: float) -> None:
    assert compute_e_value(ratio) == pytest.approx(compute_e_value(1 / ratio))
    assert compute_e_value(ratio) >= 1


def test_e_values_of_intervals() -> None:
    assert measure_e_value(1.5, 0.9, 2.5).limit == 1.0
    assert measure_e_value(1.5, -0.1, 2.5).limit == 1.0
    assert measure_e_value(2.0, 1.2, 3.0).limit == compute_e_value(1.2)


def test_e_values_need_a_ratio_and_a_spread() -> None:
    with pytest.raises(DesignError, match="not above 0"):
        compute_e_value(0.0)
    with pytest.raises(DesignError, match="does not vary"):
        approximate_ratio(1.0, deviation=0.0)
