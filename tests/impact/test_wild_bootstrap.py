from __future__ import annotations

import math
import os
from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm

from workbench.core.errors import ParamError, TooFewUnitsError
from workbench.impact.wild_bootstrap import invert_test, run_wild_bootstrap


def draw(seed: int, groups: int, effect: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(groups), rng.integers(5, 12, groups))
    treated = cluster < groups // 2
    x = rng.normal(size=len(cluster))
    shocks = rng.normal(size=groups)[cluster] * 0.5
    y = 1 + effect * treated + 0.5 * x + shocks + rng.normal(size=len(cluster))
    weights = rng.uniform(0.5, 2, len(cluster))
    return {"y": y, "d": treated, "x": x[:, None], "c": cluster, "w": weights}


def list_plainly(data: dict[str, np.ndarray], points: list[float]) -> float:
    """Refit the regression for every vector of weights, and count."""
    others = np.column_stack([np.ones(len(data["y"])), data["x"]])
    full = np.column_stack([data["d"], others])

    def fit(y: np.ndarray) -> float:
        found = sm.WLS(y, full, weights=data["w"]).fit(
            cov_type="cluster", cov_kwds={"groups": data["c"]}
        )
        return float(found.params[0] / found.bse[0])

    null = sm.OLS(data["y"], others).fit()
    found = abs(fit(data["y"]))
    groups = int(data["c"].max()) + 1
    drawn = [
        abs(fit(null.fittedvalues + np.array(signs)[data["c"]] * null.resid))
        for signs in product(points, repeat=groups)
    ]
    return float(np.mean(np.array(drawn) >= found - 1e-9))


def test_signs_equal_a_plain_loop_over_all_vectors() -> None:
    data = draw(3, 6, effect=0.6)
    found = run_wild_bootstrap(
        data["y"],
        data["d"],
        data["x"],
        cluster=data["c"],
        weights=data["w"],
        seed=0,
        law="rademacher",
    )
    assert found.listed
    assert found.draws == 32
    assert found.p_value == pytest.approx(list_plainly(data, [-1.0, 1.0]))


def test_six_points_equal_a_plain_loop_over_all_vectors() -> None:
    data = draw(4, 3, effect=1.0)
    root = [0.5**0.5, 1.0, 1.5**0.5]
    found = run_wild_bootstrap(
        data["y"],
        data["d"],
        data["x"],
        cluster=data["c"],
        weights=data["w"],
        seed=0,
    )
    assert found.law == "webb"
    assert found.listed
    assert found.p_value == pytest.approx(
        list_plainly(data, [*root, *[-point for point in root]])
    )


def test_weights_of_the_groups_leave_a_difference_of_means_alone() -> None:
    """Weights that equalise the groups change neither the effect nor the test."""
    data = draw(10, 12, effect=0.4)
    treated = data["c"] < 2
    share = treated.sum() / (~treated).sum()
    plain, weighted = (
        run_wild_bootstrap(
            data["y"],
            treated,
            np.empty((len(treated), 0)),
            cluster=data["c"],
            weights=weights,
            seed=0,
        )
        for weights in (None, np.where(treated, 1.0, share))
    )
    assert weighted.p_value == plain.p_value
    assert weighted.ci_low == pytest.approx(plain.ci_low, abs=1e-7)
    assert weighted.ci_high == pytest.approx(plain.ci_high, abs=1e-7)


def test_it_agrees_with_diff_diff() -> None:
    """diff-diff 3.13.0 counts larger statistics only, as R's fwildclusterboot does."""
    os.environ.setdefault("DIFF_DIFF_BACKEND", "python")
    from diff_diff.utils import wild_bootstrap_se

    data = draw(5, 8, effect=0.5)
    columns = np.column_stack([np.ones(len(data["y"])), data["d"], data["x"]])
    known = wild_bootstrap_se(
        columns,
        data["y"],
        np.zeros(len(data["y"])),
        data["c"],
        1,
        n_bootstrap=999,
        seed=1,
    )
    found = run_wild_bootstrap(
        data["y"],
        data["d"],
        data["x"],
        cluster=data["c"],
        seed=1,
        law="rademacher",
        count_ties=False,
    )
    assert found.statistic == pytest.approx(known.t_stat_original)
    assert found.p_value == pytest.approx(known.p_value)
    assert found.ci_low == pytest.approx(known.ci_lower, abs=1e-6)
    assert found.ci_high == pytest.approx(known.ci_upper, abs=1e-6)


def test_interval_and_p_value_agree() -> None:
    for effect in (0.0, 0.8, 2.0):
        data = draw(6, 14, effect=effect)
        found = run_wild_bootstrap(
            data["y"], data["d"], data["x"], cluster=data["c"], seed=2, draws=999
        )
        assert (found.p_value < 0.05) == (not found.ci_low <= 0 <= found.ci_high)


def test_draws_repeat_with_the_seed() -> None:
    data = draw(7, 20, effect=0.3)
    run = [
        run_wild_bootstrap(
            data["y"], data["d"], data["x"], cluster=data["c"], seed=seed, draws=499
        )
        for seed in (1, 1, 2)
    ]
    assert run[0] == run[1]
    assert run[0] != run[2]
    assert run[0].law == "rademacher"
    assert not run[0].listed


def test_two_clusters_reject_nothing() -> None:
    data = draw(8, 2, effect=50.0)
    found = run_wild_bootstrap(
        data["y"], data["d"], data["x"], cluster=data["c"], seed=0, law="rademacher"
    )
    assert found.p_value > 0.05
    assert (found.ci_low, found.ci_high) == (-math.inf, math.inf)


def test_an_outcome_that_never_changes_shows_nothing() -> None:
    data = draw(8, 6)
    found = run_wild_bootstrap(
        np.zeros(len(data["y"])), data["d"], data["x"], cluster=data["c"], seed=0
    )
    assert found.p_value == 1
    assert found.ci_low == pytest.approx(0, abs=1e-9)
    assert found.ci_high == pytest.approx(0, abs=1e-9)


def test_bad_requests() -> None:
    data = draw(9, 5)
    with pytest.raises(TooFewUnitsError, match="needs clusters"):
        run_wild_bootstrap(
            data["y"], data["d"], data["x"], cluster=0 * data["c"], seed=0
        )
    with pytest.raises(ParamError, match="Too few draws"):
        run_wild_bootstrap(
            data["y"], data["d"], data["x"], cluster=data["c"], seed=0, draws=10
        )


def test_inverting_a_known_test() -> None:
    low, high = invert_test(
        lambda value: math.exp(-abs(value - 3)), start=3.0, step=0.1, alpha=0.05
    )
    assert low == pytest.approx(3 + math.log(0.05))
    assert high == pytest.approx(3 - math.log(0.05))
