from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from tests.impact.simulate import make_cohort, simulate_frame
from workbench.core.errors import DesignError, TooFewUnitsError
from workbench.impact.aipw import estimate_aipw
from workbench.impact.design_matrix import Design, build_design
from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import choose_matching_error
from workbench.impact.estimators import estimate_ipw, estimate_naive, estimate_ols
from workbench.impact.matched import estimate_matched
from workbench.impact.matching import Matches, match_nearest
from workbench.impact.propensity import Propensity, fit_propensity
from workbench.impact.sample import Sample, prepare_sample

EFFECT = 0.5
Parts = tuple[Sample, Design, Propensity]


def _prepare(frame: pd.DataFrame, **more: object) -> Parts:
    sample = prepare_sample(make_cohort(frame, **more))
    design = build_design(sample.frame, covariates=["x1", "x2", "role"])
    return sample, design, fit_propensity(design.matrix(), sample.treated)


def _match(parts: Parts, **more: object) -> Matches:
    sample, _, scores = parts
    return match_nearest(sample.frame.assign(score=scores.logit), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def single() -> Parts:
    return _prepare(simulate_frame(11))


@pytest.fixture(scope="module")
def stacked() -> Parts:
    return _prepare(simulate_frame(12, people=400, trials=3, person_sd=1.0))


def _estimate(name: str, parts: Parts) -> Effect:
    sample, design, scores = parts
    if name == "naive":
        return estimate_naive(sample)
    if name == "ols":
        return estimate_ols(sample, design.matrix())
    if name == "ipw":
        return estimate_ipw(sample, scores)
    if name == "aipw":
        return estimate_aipw(sample, design.matrix(), seed=1)
    covariates = design.matrix() if name == "psm_nn" else None
    return estimate_matched(sample, _match(parts), covariates=covariates)


@pytest.mark.parametrize("parts", ["single", "stacked"])
@pytest.mark.parametrize("name", ["psm_nn", "psm_nn_unadjusted", "aipw", "ols", "ipw"])
def test_the_truth_lies_within_three_errors(
    name: str, parts: str, request: pytest.FixtureRequest
) -> None:
    found = _estimate(name, request.getfixturevalue(parts))
    assert found.method == name
    assert abs(found.value - EFFECT) < 3 * found.std_error
    assert 0.03 < found.std_error < 0.2


@pytest.mark.parametrize("parts", ["single", "stacked"])
def test_the_raw_difference_is_far_off(
    parts: str, request: pytest.FixtureRequest
) -> None:
    found = _estimate("naive", request.getfixturevalue(parts))
    assert found.value - EFFECT > 4 * found.std_error


@pytest.mark.parametrize("name", ["naive", "psm_nn", "aipw", "ols", "ipw"])
def test_baseline_and_effect_make_the_learners_mean(name: str, single: Parts) -> None:
    sample = single[0]
    found = _estimate(name, single)
    rows = sample.treated
    if name.startswith("psm"):
        rows = sample.treated & (_match(single).weights > 0)
    mean = sample.outcome[rows].mean()
    assert found.baseline + found.value == pytest.approx(mean)
    determinant = found.std_error**2 * found.baseline_variance - found.covariance**2
    assert determinant > 0


@pytest.mark.parametrize("name", ["naive", "psm_nn", "aipw", "ols", "ipw"])
def test_a_change_of_unit_scales_effect_and_error(name: str, stacked: Parts) -> None:
    sample, design, scores = stacked
    scaled = replace(sample, outcome=sample.outcome * -40.0 + 7)
    one = _estimate(name, stacked)
    other = _estimate(name, (scaled, design, scores))
    assert other.value == pytest.approx(-40 * one.value)
    assert other.std_error == pytest.approx(40 * one.std_error)
    assert other.p_value() == pytest.approx(one.p_value())


@pytest.mark.parametrize("name", ["naive", "ols"])
def test_swapping_the_arms_flips_the_sign(name: str, single: Parts) -> None:
    sample, design, scores = single
    one = _estimate(name, single)
    other = _estimate(name, (replace(sample, treated=~sample.treated), design, scores))
    assert other.value == pytest.approx(-one.value)
    assert other.std_error == pytest.approx(one.std_error)


def test_people_seen_more_than_once_widen_the_raw_error(stacked: Parts) -> None:
    sample = stacked[0]
    clustered = estimate_naive(sample)
    pretended = replace(sample, clusters={"unit": np.arange(len(sample.treated))})
    assert clustered.std_error > 1.05 * estimate_naive(pretended).std_error
    assert clustered.error == "CR1 by person"
    assert estimate_naive(pretended).error == "Welch (HC2)"


def test_every_row_twice_changes_nothing_when_clustered(single: Parts) -> None:
    """Copies of a person add no information: the clustered error stays as it was."""
    sample, design, _ = single
    twice = np.tile(np.arange(len(sample.treated)), 2)
    double = Sample(
        frame=sample.frame.iloc[twice].reset_index(drop=True),
        treated=sample.treated[twice],
        outcome=sample.outcome[twice],
        clusters={"unit": sample.clusters["unit"][twice]},
        flow=sample.flow,
    )
    matrix = design.matrix()
    one = estimate_ols(sample, matrix)
    other = estimate_ols(double, matrix[twice])
    assert other.value == pytest.approx(one.value)
    assert other.std_error == pytest.approx(one.std_error, rel=0.01)


def test_matched_regression_is_weighted_least_squares(single: Parts) -> None:
    sample, design, _ = single
    matches = _match(single, ratio=2)
    found = estimate_matched(sample, matches, covariates=design.matrix())
    rows = matches.pairs["row"].to_numpy()
    columns = np.column_stack(
        [np.ones(len(rows)), sample.treated[rows], design.matrix()[rows]]
    )
    known = sm.WLS(sample.outcome[rows], columns, weights=matches.pairs["weight"]).fit(
        cov_type="cluster", cov_kwds={"groups": matches.pairs["set"].to_numpy()}
    )
    assert found.value == pytest.approx(known.params[1])
    assert found.std_error == pytest.approx(known.bse[1])
    assert found.error == "CR1 by matched set and person"
    assert found.n_clusters == found.n_treated


def test_one_to_one_unadjusted_is_the_paired_error(single: Parts) -> None:
    sample, _, _ = single
    matches = _match(single)
    found = estimate_matched(sample, matches)
    pairs = matches.pairs
    ours = sample.outcome[pairs.loc[pairs["treated"], "row"]]
    theirs = sample.outcome[pairs.loc[~pairs["treated"], "row"]]
    gaps = ours - theirs
    paired = np.sqrt(gaps.var(ddof=1) / len(gaps))
    assert found.value == pytest.approx(gaps.mean())
    assert found.std_error == pytest.approx(paired, rel=2e-3)


def test_the_error_follows_the_design(single: Parts, stacked: Parts) -> None:
    again = {"replace": True}
    one = estimate_matched(single[0], _match(single, **again), score=single[2].logit)
    other = estimate_matched(stacked[0], _match(stacked, **again))
    assert one.error.startswith("Abadie-Imbens")
    assert one.std_error > one.plain_error
    assert other.error == "CR1 by matched set and person"
    forced = estimate_matched(single[0], _match(single, **again), error="cluster")
    assert forced.std_error == pytest.approx(one.std_error, rel=0.25)


@pytest.mark.parametrize(
    ("kind", "replaced", "independent", "text"),
    [
        ("bootstrap", True, True, "bootstrap does not give a valid error"),
        ("abadie_imbens", False, True, "does not fit this design"),
        ("abadie_imbens", True, False, "does not fit this design"),
    ],
)
def test_errors_that_do_not_fit_are_refused(
    kind: str, replaced: bool, independent: bool, text: str
) -> None:
    with pytest.raises(DesignError, match=text):
        choose_matching_error(kind, replace=replaced, independent=independent)  # type: ignore[arg-type]


def test_few_clusters_take_the_larger_error() -> None:
    frame = simulate_frame(
        13, people=400, by_team=True, teams=16, team_sd=0.4, start=-0.5
    )
    parts = _prepare(frame, clusters=("unit", "team"))
    sample, design, _ = parts
    found = estimate_matched(sample, _match(parts), covariates=design.matrix())
    assert found.n_clusters <= 16
    assert found.df < found.n_clusters - 1
    assert "CR2 by team" in found.error
    assert found.std_error >= found.plain_error
    loose = replace(sample, clusters={"unit": sample.clusters["unit"]})
    alone = estimate_matched(loose, _match(parts), covariates=design.matrix())
    assert found.std_error > 1.3 * alone.std_error


def test_one_matched_set_is_too_few(single: Parts) -> None:
    sample, _, _ = single
    matches = _match(single)
    one = replace(matches, pairs=matches.pairs[matches.pairs["set"] == 0])
    with pytest.raises(TooFewUnitsError, match="Too few learners found a match"):
        estimate_matched(sample, one)


def test_cross_fitting_needs_people_in_every_fold(single: Parts) -> None:
    sample, design, _ = single
    lone = np.zeros(len(sample.treated), dtype=bool)
    lone[0] = True
    with pytest.raises(DesignError, match="A fold leaves no learners"):
        estimate_aipw(replace(sample, treated=lone), design.matrix(), seed=1)


@pytest.mark.parametrize("broken", ["score", "outcome"])
def test_one_of_two_models_may_be_wrong(broken: str) -> None:
    """A quadratic in the outcome, or in the score, that its model does not see."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=6000)
    bend = x**2 - 1
    pull = 0.7 * x + (0.6 * bend if broken == "score" else 0)
    treated = rng.logistic(size=6000) < pull - 0.5
    y = x + (0.8 * bend if broken == "outcome" else 0) + EFFECT * treated
    frame = pd.DataFrame(
        {
            "unit": [f"p{place:04d}" for place in range(6000)],
            "treated": treated,
            "outcome": y + rng.normal(size=6000),
            "x1": x,
        }
    )
    sample = prepare_sample(make_cohort(frame, covariates=("x1",)))
    matrix = build_design(sample.frame, covariates=["x1"]).matrix()
    found = estimate_aipw(sample, matrix, seed=2)
    assert abs(found.value - EFFECT) < 3 * found.std_error
