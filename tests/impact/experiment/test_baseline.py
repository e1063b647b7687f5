"""What was known before, by side, and the joint test of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from tests.impact.experiment.draw_arms import change, draw_experiment
from workbench.impact.experiment.baseline import compare_baseline


def test_the_joint_test_is_that_of_the_regression():
    experiment = draw_experiment(1, people=150)
    experiment = change(experiment, prior=experiment.frame["prior"].fillna(0.0))
    columns = sm.add_constant(experiment.frame[["prior", "tenure_days"]])
    fitted = sm.OLS(experiment.frame["assigned"].astype(float), columns).fit()
    found = compare_baseline(experiment, seed=1)
    assert found.p_value == pytest.approx(fitted.f_pvalue, rel=1e-8)
    assert found.check.passed


def test_differences_are_standardised():
    experiment = draw_experiment(2, people=150)
    found = compare_baseline(experiment, seed=1).table.set_index("term")
    sides = experiment.frame.groupby("assigned")["tenure_days"]
    spread = np.sqrt(sides.var().mean())
    gap = sides.mean()[True] - sides.mean()[False]
    row = found.loc["tenure_days"]
    assert row["smd"] == pytest.approx(gap / spread)
    assert row["mean_treatment"] == pytest.approx(sides.mean()[True])


@pytest.mark.parametrize("clusters", [0, 12])
def test_sides_that_differ_fail(clusters):
    experiment = draw_experiment(3, people=300, clusters=clusters)
    moved = experiment.frame["tenure_days"] + 4000 * experiment.frame["assigned"]
    found = compare_baseline(change(experiment, tenure_days=moved), seed=1)
    assert not found.check.passed
    assert "tenure_days" in found.check.text


def test_more_terms_than_clusters_are_tested_by_redrawing():
    rng = np.random.default_rng(1)
    names = tuple(f"x{number}" for number in range(20))
    experiment = draw_experiment(4, people=80, clusters=8)
    experiment = change(experiment, **{name: rng.normal(size=80) for name in names})
    found = compare_baseline(replace(experiment, covariates=names), seed=1)
    assert 0 < found.p_value <= 1
    assert len(found.table) >= 21


def test_rare_levels_have_no_numbers():
    experiment = draw_experiment(5, people=200)
    role = np.where(np.arange(200) < 12, "rare", "usual")
    experiment = replace(change(experiment, role=role), covariates=("role",))
    found = compare_baseline(experiment, seed=1).table.set_index("term")
    assert found.loc["role=rare"].isna().all()


def test_nothing_to_compare():
    experiment = change(draw_experiment(6), prior=1.0, tenure_days=2.0)
    found = compare_baseline(experiment, seed=1)
    assert found.check.passed is None
    assert found.table.empty


def test_more_terms_than_people():
    rng = np.random.default_rng(2)
    names = tuple(f"x{number}" for number in range(30))
    experiment = draw_experiment(7, people=24)
    experiment = change(experiment, **{name: rng.normal(size=24) for name in names})
    found = compare_baseline(replace(experiment, covariates=names), seed=1)
    assert found.check.passed is None
    assert "too few people" in found.check.text
