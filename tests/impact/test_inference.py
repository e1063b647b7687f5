from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import NoVariationError, TooFewUnitsError
from workbench.impact.abadie_imbens import (
    estimate_conditional_variance,
    estimate_matching_variance,
)
from workbench.impact.inference import (
    compare_means,
    estimate_cluster_error,
    estimate_few_cluster_error,
    regress_on_treatment,
)

FloatArray = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def data() -> dict[str, npt.NDArray[np.float64]]:
    rng = np.random.default_rng(4)
    size = 240
    firm, year = rng.integers(0, 50, size), rng.integers(0, 45, size)
    shocks = rng.normal(size=50)[firm] + rng.normal(size=45)[year]
    x = rng.normal(size=(size, 2)) + 0.3 * shocks[:, None]
    treated = (x[:, 0] + rng.normal(size=size) > 0).astype(float)
    y = treated + x @ [0.5, -0.2] + shocks + rng.normal(size=size)
    weights = rng.uniform(0.5, 2, size)
    return {"y": y, "d": treated, "x": x, "a": firm, "b": year, "w": weights}


def _bread_and_scores(data: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    columns = np.column_stack([np.ones(len(data["y"])), data["d"], data["x"]])
    fit = sm.OLS(data["y"], columns).fit()
    return np.linalg.inv(columns.T @ columns), columns * fit.resid[:, None]


def _plain_two_way(data: dict[str, FloatArray]) -> float:
    """Compute the two-way formula with loops over pairs of rows, factor by factor."""
    bread, scores = _bread_and_scores(data)
    rows, params = scores.shape
    total = np.zeros((params, params))
    both = [f"{a}-{b}" for a, b in zip(data["a"], data["b"], strict=True)]
    for labels, sign in ((data["a"], 1), (data["b"], 1), (np.array(both), -1)):
        names = np.unique(labels)
        factor = len(names) / (len(names) - 1) * (rows - 1) / (rows - params)
        meat = sum(
            np.outer(scores[labels == name].sum(0), scores[labels == name].sum(0))
            for name in names
        )
        total += sign * factor * (bread @ meat @ bread)
    return float(total[1, 1])


def test_two_way_clusters_equal_the_formula(data: dict[str, FloatArray]) -> None:
    fitted = regress_on_treatment(data["y"], data["d"] == 1, data["x"])
    found = estimate_cluster_error(
        fitted.influence[:, None],
        {"firm": data["a"].astype(int), "year": data["b"].astype(int)},
        n_params=fitted.n_params,
    )
    assert fitted.n_params == 4
    assert found.covariance[0, 0] == pytest.approx(_plain_two_way(data), rel=1e-9)
    assert found.df == min(found.counts.values()) - 1
    assert found.text == "CR1 by firm and year"


def test_one_way_and_weights_equal_statsmodels(data: dict[str, FloatArray]) -> None:
    columns = np.column_stack([np.ones(len(data["y"])), data["d"], data["x"]])
    known = sm.WLS(data["y"], columns, weights=data["w"]).fit(
        cov_type="cluster", cov_kwds={"groups": data["a"].astype(int)}, use_t=True
    )
    fitted = regress_on_treatment(
        data["y"], data["d"] == 1, data["x"], weights=data["w"]
    )
    found = estimate_cluster_error(
        fitted.influence[:, None], {"firm": data["a"].astype(int)}, n_params=4
    )
    assert fitted.effect == pytest.approx(known.params[1])
    assert found.covariance[0, 0] ** 0.5 == pytest.approx(known.bse[1])


def test_rows_as_clusters_are_hc1(data: dict[str, FloatArray]) -> None:
    columns = np.column_stack([np.ones(len(data["y"])), data["d"], data["x"]])
    known = sm.OLS(data["y"], columns).fit(cov_type="HC1")
    fitted = regress_on_treatment(data["y"], data["d"] == 1, data["x"])
    found = estimate_cluster_error(
        fitted.influence[:, None], {"row": np.arange(len(data["y"]))}, n_params=4
    )
    assert found.covariance[0, 0] ** 0.5 == pytest.approx(known.bse[1])


def test_three_directions_reduce_to_two_when_one_repeats(
    data: dict[str, FloatArray],
) -> None:
    fitted = regress_on_treatment(data["y"], data["d"] == 1, data["x"])
    a, b = data["a"].astype(int), data["b"].astype(int)
    two = estimate_cluster_error(fitted.influence[:, None], {"a": a, "b": b})
    three = estimate_cluster_error(
        fitted.influence[:, None], {"a": a, "b": b, "again": a + 7}
    )
    assert three.covariance[0, 0] == pytest.approx(two.covariance[0, 0])


def test_a_sum_that_is_not_positive_falls_back_to_the_widest() -> None:
    """Errors that cancel within both kinds of cluster make the two-way sum negative."""
    a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    found = estimate_cluster_error(
        np.array([[1.0], [-1.0], [-1.0], [1.0]]), {"set": a, "unit": b}
    )
    assert found.covariance[0, 0] >= 0
    assert "was not positive" in found.text


def test_one_cluster_is_refused() -> None:
    with pytest.raises(TooFewUnitsError, match="one cluster"):
        estimate_cluster_error(np.ones((4, 1)), {"team": np.zeros(4, dtype=int)})


def test_treatment_determined_by_covariates_is_refused(
    data: dict[str, FloatArray],
) -> None:
    with pytest.raises(NoVariationError, match="determine who learnt"):
        regress_on_treatment(
            data["y"], data["d"] == 1, np.column_stack([data["x"], 2 * data["d"] - 5])
        )


def test_collinear_covariates_do_not_count_twice(data: dict[str, FloatArray]) -> None:
    once = regress_on_treatment(data["y"], data["d"] == 1, data["x"])
    twice = regress_on_treatment(
        data["y"], data["d"] == 1, np.hstack([data["x"], data["x"] * 3 + 1])
    )
    assert twice.effect == pytest.approx(once.effect)
    assert twice.n_params == once.n_params == 4


def test_few_clusters_widen_the_error(data: dict[str, FloatArray]) -> None:
    few = (data["a"] % 8).astype(int)
    fitted = regress_on_treatment(data["y"], data["d"] == 1, data["x"])
    plain = estimate_cluster_error(fitted.influence[:, None], {"firm": few}, n_params=4)
    careful, df = estimate_few_cluster_error(
        data["y"], data["d"] == 1, data["x"], cluster=few
    )
    assert df < plain.df == 7
    assert careful == pytest.approx(plain.covariance[0, 0] ** 0.5, rel=0.2)


@settings(max_examples=50, deadline=None)
@given(
    ours=st.lists(st.floats(-50, 50), min_size=3, max_size=9, unique=True),
    theirs=st.lists(st.floats(-50, 50), min_size=3, max_size=9, unique=True),
)
def test_welch_is_hc2_and_swapping_arms_flips_the_sign(
    ours: list[float], theirs: list[float]
) -> None:
    y = np.array([*ours, *theirs])
    d = np.arange(len(y)) < len(ours)
    found, swapped = compare_means(y, d), compare_means(y, ~d)
    known = sm.OLS(y, sm.add_constant(d.astype(float))).fit(cov_type="HC2")
    assert found.std_error == pytest.approx(known.bse[1], rel=1e-6, abs=1e-9)
    assert swapped.difference == pytest.approx(-found.difference)
    assert swapped.std_error == pytest.approx(found.std_error)
    assert min(len(ours), len(theirs)) - 1 <= found.df + 1e-9
    assert found.df <= len(y) - 2 + 1e-9


def test_matching_variance_by_hand() -> None:
    """Two learners share one of two rows: (1 + 1) / 4 + (4 - 2) * 9 / 4."""
    found = estimate_matching_variance(
        np.array([1.0, 3.0]),
        used=np.array([2.0, 0.0]),
        used_squared=np.array([2.0, 0.0]),
        variance=np.array([9.0, 5.0]),
    )
    assert found == pytest.approx(0.5 + 4.5)


def test_without_reuse_it_is_the_paired_variance() -> None:
    gaps = np.random.default_rng(1).normal(size=30)
    found = estimate_matching_variance(
        gaps, used=np.ones(30), used_squared=np.ones(30), variance=np.full(30, 7.0)
    )
    assert found == pytest.approx(gaps.var() / 30)


def test_conditional_variance_by_hand() -> None:
    values = np.array([1.0, 3.0, 10.0, 4.0, 8.0])
    score = np.array([0.0, 0.1, 0.9, 0.0, 5.0])
    cells = np.array([0, 0, 0, 1, 2])
    found = estimate_conditional_variance(values, score, cells, neighbours=1)
    np.testing.assert_allclose(found[:3], [2.0, 2.0, 24.5])
    assert found[3] == found[4] == pytest.approx((2 + 2 + 24.5) / 3)


def test_conditional_variance_is_unbiased() -> None:
    rng = np.random.default_rng(3)
    score = rng.normal(size=4000)
    values = 0.5 * score + rng.normal(size=4000) * 2
    for neighbours in (1, 2, 4):
        found = estimate_conditional_variance(
            values, score, np.zeros(4000, dtype=int), neighbours=neighbours
        )
        assert found.mean() == pytest.approx(4.0, abs=0.35)
