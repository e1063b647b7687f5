from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import make_cohort, simulate_frame
from workbench.core.errors import NoOverlapError
from workbench.impact.design_matrix import Design, build_design
from workbench.impact.overlap import (
    Overlap,
    check_overlap,
    describe_region,
    require_overlap,
    tabulate_scores,
)
from workbench.impact.propensity import Propensity, fit_propensity
from workbench.impact.sample import Sample, prepare_sample

Parts = tuple[Sample, Design, Propensity]


def _prepare(frame: pd.DataFrame, *covariates: str) -> Parts:
    sample = prepare_sample(make_cohort(frame))
    design = build_design(sample.frame, covariates=covariates)
    return sample, design, fit_propensity(design.matrix(), sample.treated)


def _check(parts: Parts) -> Overlap:
    return check_overlap(*parts)


def test_groups_that_meet() -> None:
    parts = _prepare(simulate_frame(1), "x1", "x2", "role")
    found = _check(parts)
    assert [x.check for x in found.checks] == [
        "common_support",
        "positivity",
        "effective_sample_size",
        "thin_support",
    ]
    assert all(x.passed for x in found.checks)
    assert found.share_outside < 0.05
    require_overlap(found, where="here")


def test_groups_that_hardly_meet() -> None:
    frame = simulate_frame(1)
    apart = frame.assign(x1=frame["x1"] + 6 * frame["treated"])
    found = _check(_prepare(apart, "x1"))
    assert found.share_outside > 0.5
    assert "higher x1 (mean " in found.region
    with pytest.raises(NoOverlapError, match="higher x1"):
        require_overlap(found, where="newcomers, basics")


def test_a_large_group_of_unlike_others_is_thin_support() -> None:
    """A thousand others far below the learners raise the share, not the support."""
    near = simulate_frame(4, strength=0.0)
    rng = np.random.default_rng(4)
    far = simulate_frame(5, people=1000).assign(
        unit=lambda frame: "f" + frame["unit"],
        treated=False,
        x1=rng.normal(-4.0, 1.0, 1000),
    )
    alone = {x.check: x for x in _check(_prepare(near, "x1")).checks}
    diluted = _prepare(pd.concat([near, far], ignore_index=True), "x1")
    sample, _, scores = diluted
    thin = {x.check: x for x in _check(diluted).checks}["thin_support"]
    bulk = np.quantile(scores.logit[~sample.treated], 0.95)
    assert alone["thin_support"].passed
    assert thin.value == pytest.approx((scores.logit[sample.treated] > bulk).mean())
    assert thin.value > 3 * alone["thin_support"].value


def test_support_is_sought_within_the_trial() -> None:
    """Others with like scores in another quarter do not help."""
    parts = _prepare(simulate_frame(2, trials=2), "x1")
    sample, _, scores = parts
    found = _check(parts)
    for trial, rows in sample.frame.groupby("trial"):
        at = rows.index.to_numpy()
        theirs = scores.logit[at][~sample.treated[at]]
        wanted = (scores.logit[at] >= theirs.min()) & (scores.logit[at] <= theirs.max())
        np.testing.assert_array_equal(found.inside[at], wanted, err_msg=str(trial))


def test_rare_learners_and_certain_ones_are_noticed() -> None:
    frame = simulate_frame(3, start=2.5, strength=2.5)
    checks = {x.check: x for x in _check(_prepare(frame, "x1", "x2", "role")).checks}
    assert checks["positivity"].status == "warn"
    assert checks["effective_sample_size"].status == "warn"


@pytest.fixture
def design() -> Design:
    frame = pd.DataFrame(
        {
            "trial": "q",
            "tenure": np.arange(60.0),
            "site": ["north"] * 20 + ["south"] * 28 + ["west"] * 12,
        }
    )
    return build_design(frame, covariates=["tenure", "site"])


def test_a_level_nobody_else_has_is_named_first(design: Design) -> None:
    last = np.arange(60) >= 48
    text = describe_region(design, last, ~last)
    assert text.startswith("site=west (12, with nobody to compare); ")
    assert "higher tenure (mean 53.5 against 23.5)" in text


def test_numbers_of_small_groups_are_not_told(design: Design) -> None:
    few = np.arange(60) >= 54
    others = np.arange(60) < 48
    text = describe_region(design, few, others, min_group=10)
    assert "site=west (fewer than 10, with nobody to compare)" in text
    assert "mean" not in text
    assert "higher tenure" in text


def test_nobody_and_no_difference(design: Design) -> None:
    nobody = np.zeros(60, dtype=bool)
    assert describe_region(design, nobody, ~nobody) == ""
    even = np.arange(60) % 2 == 0
    assert "no single covariate" in describe_region(design, even, ~even)


def test_scores_are_counted_not_listed() -> None:
    sample, _, scores = _prepare(simulate_frame(4), "x1", "x2")
    weights = np.where(sample.treated, 1.0, 0.0)
    weights[np.flatnonzero(~sample.treated)[:50]] = 0.5
    table = tabulate_scores(sample, scores, weights)
    assert list(table) == ["group", "low", "high", "n", "share"]
    sums = table.groupby("group")[["n", "share"]].sum()
    assert sums.loc["learners", "n"] == sample.treated.sum()
    assert sums.loc["others", "n"] == (~sample.treated).sum()
    assert sums.loc["matched others", "n"] == 50
    assert sums["share"].to_numpy() == pytest.approx(1.0)
