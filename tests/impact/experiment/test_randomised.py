"""The effect of the offer, plain and adjusted, against independent computation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.impact.experiment.draw_arms import CORRELATION, change, draw_experiment
from workbench.core.errors import NoVariationError
from workbench.impact.design_matrix import build_design
from workbench.impact.experiment.drawn import Drawn, read_drawn
from workbench.impact.experiment.randomised import (
    estimate_adjusted,
    estimate_itt,
)

CLOSED = 1e-9
"""Both sides are closed forms."""

THREE_ERRORS = 3.0


def fit_lin(drawn: Drawn, names: list[str]):
    """Regress by statsmodels on the offer, centred terms and their products."""
    import statsmodels.api as sm

    design = build_design(drawn.frame, covariates=["prior", "tenure_days"])
    terms = design.terms[names].to_numpy()
    terms = terms - terms.mean(axis=0)
    offer = drawn.assigned.astype("float64")
    columns = np.column_stack(
        [np.ones(len(offer)), offer, terms, terms * offer[:, None]]
    )
    return sm.OLS(drawn.outcome, columns).fit(cov_type="HC2", use_t=True)


def measure_cr2(drawn: Drawn, columns: np.ndarray) -> tuple[float, float]:
    """Bell and McCaffrey's error and degrees of freedom by their matrices."""
    bread = np.linalg.inv(columns.T @ columns)
    residual = drawn.outcome - columns @ (bread @ columns.T @ drawn.outcome)
    hat = columns @ bread @ columns.T
    variance, vectors = 0.0, []
    for code in np.unique(drawn.cluster):
        own = drawn.cluster == code
        block = np.eye(own.sum()) - hat[np.ix_(own, own)]
        values, rotation = np.linalg.eigh(block)
        keep = values > 1e-9
        root = (rotation[:, keep] / np.sqrt(values[keep])) @ rotation[:, keep].T
        weight = root @ columns[own] @ bread[:, 1]
        variance += float(weight @ residual[own]) ** 2
        vectors.append((np.eye(len(hat)) - hat)[:, own] @ weight)
    gram = np.array(vectors) @ np.array(vectors).T
    return variance**0.5, float(np.trace(gram) ** 2 / (gram**2).sum())


def test_people_get_welch_and_the_pooled_error_beside_it():
    drawn = read_drawn(draw_experiment(1, people=120, effect=0.4))
    ours, theirs = drawn.outcome[drawn.assigned], drawn.outcome[~drawn.assigned]
    found = estimate_itt(drawn)
    assert found.method == "ab_itt"
    assert found.value == pytest.approx(ours.mean() - theirs.mean(), abs=CLOSED)
    welch = (ours.var(ddof=1) / len(ours) + theirs.var(ddof=1) / len(theirs)) ** 0.5
    assert found.std_error == pytest.approx(welch, abs=CLOSED)
    assert found.baseline == pytest.approx(theirs.mean(), abs=CLOSED)
    assert (found.n_treated, found.n_control) == (60, 60)


def test_clusters_get_cr2_with_satterthwaite_and_cr1_beside_it():
    drawn = read_drawn(draw_experiment(2, people=90, clusters=9, sizes=0.7))
    columns = np.column_stack([np.ones(90), drawn.assigned])
    error, df = measure_cr2(drawn, columns)
    found = estimate_itt(drawn)
    assert found.std_error == pytest.approx(error, rel=1e-8)
    assert found.df == pytest.approx(df, rel=1e-8)
    assert found.plain_error < found.std_error
    assert found.n_clusters == 9
    assert "CR2" in found.error


def test_people_are_adjusted_as_lin_does():
    drawn = read_drawn(draw_experiment(3, people=160, effect=0.3))
    names = ["prior", "prior=missing", "tenure_days"]
    known = fit_lin(drawn, names)
    found = estimate_adjusted(drawn, covariates=["tenure_days"])
    assert found.terms == tuple(names)
    assert found.effect.value == pytest.approx(known.params[1], abs=CLOSED)
    assert found.effect.std_error == pytest.approx(known.bse[1], abs=CLOSED)
    assert found.effect.df == known.df_resid
    assert found.effect.baseline == pytest.approx(known.params[0], abs=CLOSED)
    shared = known.cov_params()[0, 1]
    assert found.effect.covariance == pytest.approx(shared, abs=CLOSED)


def test_few_clusters_are_adjusted_without_products():
    drawn = read_drawn(draw_experiment(4, people=96, clusters=8))
    found = estimate_adjusted(drawn, covariates=["tenure_days"])
    assert found.terms == ("prior",)
    prior = drawn.frame["prior"].fillna(drawn.frame["prior"].median()).to_numpy()
    prior = (prior - prior.mean()) / prior.std()
    columns = np.column_stack([np.ones(96), drawn.assigned, prior])
    error, df = measure_cr2(drawn, columns)
    assert found.effect.std_error == pytest.approx(error, rel=1e-8)
    assert found.effect.df == pytest.approx(df, rel=1e-8)


def test_the_prior_value_takes_its_square_correlation_off_the_variance():
    experiment = draw_experiment(5, people=40_000)
    rows = experiment.frame[experiment.frame["prior"].notna()]
    drawn = read_drawn(replace(experiment, frame=rows))
    plain = estimate_itt(drawn)
    found = estimate_adjusted(drawn, covariates=[])
    share = (found.effect.std_error / plain.std_error) ** 2
    assert share == pytest.approx(1 - CORRELATION**2, abs=0.015)


def test_missing_earlier_values_are_told_and_leave_nobody_out():
    experiment = draw_experiment(6, people=200)
    found = estimate_adjusted(read_drawn(experiment), covariates=[])
    assert found.effect.n_treated + found.effect.n_control == 200
    assert "prior=missing" in found.terms
    assert "is missing for" in found.text
    assert "take the median" in found.text


def test_the_truth_is_recovered():
    drawn = read_drawn(draw_experiment(7, people=2000, effect=0.5))
    for found in (estimate_itt(drawn), estimate_adjusted(drawn, covariates=[]).effect):
        assert abs(found.value - 0.5) < THREE_ERRORS * found.std_error


def test_constant_covariates_are_refused_in_words():
    experiment = change(draw_experiment(8), prior=1.0, tenure_days=5.0)
    with pytest.raises(NoVariationError, match="nothing to adjust for"):
        estimate_adjusted(read_drawn(experiment), covariates=["tenure_days"])


def test_more_covariates_than_people_leave_only_the_first():
    rng = np.random.default_rng(1)
    names = [f"x{number}" for number in range(60)]
    columns = {name: rng.normal(size=40) for name in names}
    experiment = change(draw_experiment(9, people=40), **columns)
    found = estimate_adjusted(read_drawn(experiment), covariates=names)
    assert found.terms == ("prior",)


def test_swapping_the_sides_turns_the_sign():
    experiment = draw_experiment(10, people=100, clusters=10, effect=0.6)
    drawn = read_drawn(experiment)
    turned = Drawn(
        frame=drawn.frame,
        assigned=~drawn.assigned,
        outcome=drawn.outcome,
        cluster=drawn.cluster,
        strata=drawn.strata,
        whole=True,
    )
    one, other = estimate_itt(drawn), estimate_itt(turned)
    assert other.value == pytest.approx(-one.value, abs=CLOSED)
    assert other.std_error == pytest.approx(one.std_error, abs=CLOSED)
