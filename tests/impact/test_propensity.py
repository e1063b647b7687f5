from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from tests.impact.simulate import simulate_frame
from workbench.core.errors import ConvergenceError
from workbench.impact.design_matrix import Design, build_design
from workbench.impact.propensity import (
    assign_folds,
    check_separation,
    fit_propensity,
    predict_propensity,
)

ITERATIVE = 1e-6
"""Two maximum likelihood programs stop at slightly different points."""


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return simulate_frame(1, people=250, trials=2)


@pytest.fixture(scope="module")
def design(frame: pd.DataFrame) -> Design:
    return build_design(frame, covariates=["x1", "x2", "role"])


def test_without_penalty_it_is_maximum_likelihood(
    frame: pd.DataFrame, design: Design
) -> None:
    treated = frame["treated"].to_numpy()
    found = fit_propensity(design.matrix(), treated, penalty=0)
    known = sm.Logit(treated.astype(float), sm.add_constant(design.matrix())).fit(
        disp=0
    )
    np.testing.assert_allclose(
        found.probability, known.predict(), rtol=0, atol=ITERATIVE
    )
    assert found.influence is not None
    variance = found.influence.T @ found.influence
    robust = sm.Logit(treated.astype(float), sm.add_constant(design.matrix())).fit(
        disp=0, cov_type="HC0"
    )
    np.testing.assert_allclose(variance, robust.cov_params(), rtol=1e-4)
    assert "without penalty" in found.text


def test_a_penalty_draws_scores_together(frame: pd.DataFrame, design: Design) -> None:
    treated = frame["treated"].to_numpy()
    spread = [
        fit_propensity(design.matrix(), treated, penalty=size).logit.std()
        for size in (0.0, 1.0, 100.0)
    ]
    assert spread[0] > spread[1] > spread[2]
    assert "ridge penalty 1 " in fit_propensity(design.matrix(), treated).text


def test_boosting_scores_people_it_has_not_seen(
    frame: pd.DataFrame, design: Design
) -> None:
    treated = frame["treated"].to_numpy()
    units = pd.factorize(frame["unit"])[0]
    found = fit_propensity(
        design.matrix(), treated, method="boosting", units=units, seed=3
    )
    again = fit_propensity(
        design.matrix(), treated, method="boosting", units=units, seed=3
    )
    assert found.influence is None
    np.testing.assert_array_equal(found.logit, again.logit)
    assert found.probability[treated].mean() > found.probability[~treated].mean()
    noise = np.random.default_rng(0).normal(size=(len(treated), 1))
    blind = fit_propensity(noise, treated, method="boosting", units=units, seed=3)
    gap = blind.probability[treated].mean() - blind.probability[~treated].mean()
    assert abs(gap) < 0.05


def test_folds_keep_people_together_and_arms_even() -> None:
    units = np.repeat(np.arange(50), 3)
    treated = np.zeros(150, dtype=bool)
    treated[2:60:3] = True
    folds = assign_folds(units, treated, n_folds=5, seed=1)
    assert pd.Series(folds).groupby(units).nunique().max() == 1
    learners = pd.Series(folds[treated]).value_counts()
    assert learners.max() - learners.min() <= 1
    assert len(learners) == 5


def test_scoring_other_rows(frame: pd.DataFrame, design: Design) -> None:
    treated, matrix = frame["treated"].to_numpy(), design.matrix()
    whole = fit_propensity(matrix, treated).probability
    np.testing.assert_allclose(
        predict_propensity(matrix, treated, matrix[:5]), whole[:5]
    )


def test_perfect_separation_is_reported_by_name(frame: pd.DataFrame) -> None:
    told = frame.assign(badge=np.where(frame["treated"], 5.0, 1.0))
    design = build_design(told, covariates=["x1", "badge"])
    treated = told["treated"].to_numpy()
    scores = fit_propensity(design.matrix(), treated)
    checks = check_separation(design, treated, scores)
    assert [x.check for x in checks] == ["separation"]
    assert checks[0].status == "fail"
    assert "told apart without error by badge" in checks[0].text


def test_separation_by_several_covariates(frame: pd.DataFrame) -> None:
    treated = frame["treated"].to_numpy()
    one = np.random.default_rng(2).normal(size=len(frame)) * 3
    told = frame.assign(one=one, two=np.where(treated, 1.0, -1.0) - one)
    design = build_design(told, covariates=["one", "two"])
    scores = fit_propensity(design.matrix(), treated, penalty=1e-3)
    checks = check_separation(design, treated, scores)
    assert "several together" in checks[0].text


def test_too_many_covariates_are_noticed_behind_the_penalty() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        rng.normal(size=(30, 25)), columns=[f"c{place}" for place in range(25)]
    ).assign(trial="q")
    treated = np.arange(30) < 15
    design = build_design(frame, covariates=[f"c{place}" for place in range(25)])
    scores = fit_propensity(design.matrix(), treated, penalty=50)
    checks = {x.check: x for x in check_separation(design, treated, scores)}
    assert checks["separation"].passed
    assert checks["separation_unpenalised"].status == "warn"


def test_separation_without_penalty_does_not_converge() -> None:
    matrix = np.linspace(-1, 1, 40)[:, None]
    with pytest.raises(ConvergenceError, match="did not reach its optimum"):
        predict_propensity(matrix, matrix[:, 0] > 0, matrix, penalty=0)
