"""The NSW experiment against R."""

from __future__ import annotations

import causaldata
import numpy as np
import pandas as pd
import pytest

from tests.reference.samples import make_sample, read_expected
from workbench.impact.abadie_imbens import (
    estimate_matching_variance,
    pool_conditional_variance,
)
from workbench.impact.design_matrix import build_design
from workbench.impact.estimators import estimate_naive
from workbench.impact.propensity import fit_propensity
from workbench.impact.sample import Sample

EXPECTED = read_expected("nsw")
PRINTED = 5e-3
"""The values are printed to two or three decimals."""

COVARIATES = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]


@pytest.fixture(scope="module")
def nsw() -> Sample:
    frame = causaldata.nsw_mixtape.load_pandas().data
    return make_sample(frame, treated="treat", outcome="re78")


def test_difference_and_both_errors(nsw: Sample) -> None:
    known = EXPECTED["difference"]
    found = estimate_naive(nsw)
    assert found.value == pytest.approx(known["value"], abs=PRINTED)
    assert found.std_error == pytest.approx(known["welch_error"], abs=PRINTED)
    assert found.plain_error == pytest.approx(known["pooled_error"], abs=PRINTED)
    assert (found.n_treated, found.n_control) == (185, 260)


def test_matching_with_ties_and_one_variance(nsw: Sample) -> None:
    """The default of R's Matching: every tie shares, one variance for all."""
    known = EXPECTED["matching_default"]
    design = build_design(nsw.frame, covariates=COVARIATES)
    score = fit_propensity(design.matrix(), nsw.treated, penalty=0).probability
    scaled = score / np.std(score, ddof=1)
    ours, theirs = np.flatnonzero(nsw.treated), np.flatnonzero(~nsw.treated)
    square = (scaled[ours][:, None] - scaled[theirs]) ** 2
    near = square <= square.min(axis=1, keepdims=True) + 1e-5
    weights = near / near.sum(axis=1, keepdims=True)
    differences = nsw.outcome[ours][:, None] - nsw.outcome[theirs]
    gaps = (weights * differences).sum(axis=1)
    used = weights > 0
    variance = pool_conditional_variance(
        differences[used], weights[used], float(gaps.mean())
    )
    error = estimate_matching_variance(
        gaps,
        used=weights.sum(axis=0),
        used_squared=(weights**2).sum(axis=0),
        variance=np.full(len(theirs), variance),
    )
    assert int(used.sum()) == known["pairs"]
    assert gaps.mean() == pytest.approx(known["estimate"], abs=0.05)
    assert error**0.5 == pytest.approx(known["std_error"], abs=PRINTED)


def test_the_frame_is_left_alone(nsw: Sample) -> None:
    before = nsw.frame.copy()
    build_design(nsw.frame, covariates=COVARIATES)
    pd.testing.assert_frame_equal(nsw.frame, before)
