from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from lifelines.statistics import multivariate_logrank_test
from scipy.stats import f, norm

from tests.impact.survival.follow_data import Follow, draw_follow, follows
from workbench.core.errors import (
    NoVariationError,
    ParamError,
    RangeError,
    TooFewUnitsError,
)
from workbench.impact.survival.efron import (
    build_event_steps,
    sum_moments,
    sum_residuals,
)
from workbench.impact.survival.log_rank import test_log_rank as compare_curves

ROUNDING = 1e-9
"""Closed forms, computed in another order."""


def test_six_rows_by_hand() -> None:
    """Expected events of the first group 1/2 + 2/5 + 1/2 + 1/3, seen 2."""
    found = compare_curves(
        [1, 3, 5, 2, 4, 6], [1, 1, 0, 1, 1, 0], ["a", "a", "a", "b", "b", "b"]
    )
    variance = 1 / 4 + 6 / 25 + 1 / 4 + 2 / 9
    assert found.statistic == pytest.approx((2 - 26 / 15) ** 2 / variance)
    assert found.df == 1
    assert found.p_value == pytest.approx(2 * norm.sf(math.sqrt(found.statistic)))
    assert found.error == "hypergeometric, rows independent"


def test_robust_variance_of_three_rows_by_hand() -> None:
    """Scores by row: jump less the hazard, each times the distance from the mean.

    Day 1: first group, mean 2/3, hazard 1/3. Day 2: second group, mean 1/2, hazard 1/2.
    """
    found = compare_curves([1, 2, 3], [1, 1, 0], [1, 0, 1], cluster=np.array([0, 1, 2]))
    scores = np.array(
        [
            (1 - 2 / 3) * (1 - 1 / 3),
            (0 - 2 / 3) * (0 - 1 / 3) + (0 - 1 / 2) * (1 - 1 / 2),
            (1 - 2 / 3) * (0 - 1 / 3) + (1 - 1 / 2) * (0 - 1 / 2),
        ]
    )
    assert scores.sum() == pytest.approx(1 - 2 / 3 - 1 / 2)
    statistic = scores.sum() ** 2 / (1.5 * (scores**2).sum())
    assert found.statistic == pytest.approx(statistic)
    assert found.p_value == pytest.approx(f.sf(statistic, 1, 2))
    assert found.error == "robust, CR1 by cluster"


@settings(max_examples=30, deadline=None)
@given(follows)
def test_two_and_three_groups_against_lifelines(rows: Follow) -> None:
    group = rows.group
    if len(group) > 20:
        group = group + np.arange(len(group)) % 2
    event = rows.cause > 0
    if len(np.unique(group)) < 2 or not event.any():
        return
    found = compare_curves(rows.duration, event, group)
    if found.df < len(np.unique(group)) - 1:
        return
    known = multivariate_logrank_test(rows.duration, group, event)
    assert found.statistic == pytest.approx(known.test_statistic, rel=1e-6, abs=1e-9)
    assert found.p_value == pytest.approx(known.p_value, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(follows)
def test_laws_of_the_robust_test(rows: Follow) -> None:
    event, size = rows.cause > 0, len(rows.duration)
    if len(np.unique(rows.group)) < 2:
        return
    options = {"entry": rows.entry, "weights": rows.weights}
    cluster = np.arange(size) // 2
    found = compare_curves(rows.duration, event, rows.group, cluster=cluster, **options)
    order = np.random.default_rng(0).permutation(size)
    mixed = rows.take(order)
    twice = rows.take(np.repeat(np.arange(size), 2))
    other_name = 1 - rows.group
    for other in (
        compare_curves(rows.duration, event, other_name, cluster=cluster, **options),
        compare_curves(
            mixed.duration,
            event[order],
            mixed.group,
            cluster={"pair": cluster[order] * 5},
            entry=mixed.entry,
            weights=mixed.weights,
        ),
        compare_curves(
            rows.duration * 7,
            event,
            rows.group,
            cluster=cluster,
            entry=rows.entry * 7,
            weights=rows.weights * 3,
        ),
        compare_curves(
            twice.duration,
            np.repeat(event, 2),
            twice.group,
            cluster=np.repeat(cluster, 2),
            entry=twice.entry,
            weights=twice.weights / 2,
        ),
    ):
        assert other.df == found.df
        assert other.statistic == pytest.approx(
            found.statistic, rel=1e-6, abs=ROUNDING, nan_ok=True
        )


def test_scores_are_those_of_a_cox_model_at_a_ratio_of_one() -> None:
    """Without ties; the efron sums know nothing of this module."""
    rng = np.random.default_rng(6)
    days, event = rng.permutation(80) + 1.0, rng.random(80) < 0.6
    group, weights = rng.integers(0, 2, 80), rng.uniform(0.5, 2, 80)
    steps = build_event_steps(days, event, weights=weights)
    columns = group[:, None].astype(float)
    moments = sum_moments(steps, columns, np.zeros(1))
    scores = sum_residuals(steps, columns, moments)[:, 0] * weights
    found = compare_curves(days, event, group, weights=weights)
    known = scores.sum() ** 2 / ((scores**2).sum() * 80 / 79)
    assert found.statistic == pytest.approx(known)
    assert found.error == "robust, CR1 by row"


def test_copies_are_no_evidence_within_clusters() -> None:
    rows = draw_follow(8, 60)
    thrice = rows.take(np.repeat(np.arange(60), 3))
    person = np.repeat(np.arange(60), 3)
    once = compare_curves(
        rows.duration, rows.cause == 1, rows.group, cluster=np.arange(60)
    )
    naive = compare_curves(thrice.duration, thrice.cause == 1, thrice.group)
    found = compare_curves(
        thrice.duration, thrice.cause == 1, thrice.group, cluster=person
    )
    assert found.statistic == pytest.approx(once.statistic)
    assert naive.statistic > 2 * found.statistic


def test_weights_of_one_cluster_in_two_directions() -> None:
    rows = draw_follow(9, 90)
    clusters = {"person": np.arange(90) // 2, "team": np.arange(90) % 9}
    found = compare_curves(rows.duration, rows.cause == 1, rows.group, cluster=clusters)
    assert found.error.startswith("robust, CR1 by person and team")
    assert found.p_value == pytest.approx(f.sf(found.statistic, 1, 8))


def test_three_groups_in_few_clusters_take_hotelling_s_law() -> None:
    rows = draw_follow(10, 90)
    team, group = np.arange(90) % 9, np.arange(90) // 9 % 3
    found = compare_curves(rows.duration, rows.cause == 1, group, cluster=team)
    assert found.df == 2
    assert found.p_value == pytest.approx(f.sf(found.statistic * 7 / 16, 2, 7))


def test_rho_weighs_events_by_the_share_before_them() -> None:
    """The six rows above; shares before the four events 1, 5/6, 4/6 and 3/6."""
    found = compare_curves(
        [1, 3, 5, 2, 4, 6], [1, 1, 0, 1, 1, 0], ["a", "a", "a", "b", "b", "b"], rho=1
    )
    before = np.array([1, 5 / 6, 4 / 6, 3 / 6])
    score = before @ [1 / 2, -2 / 5, 1 / 2, -1 / 3]
    variance = before**2 @ [1 / 4, 6 / 25, 1 / 4, 2 / 9]
    assert found.statistic == pytest.approx(score**2 / variance)


def test_nothing_to_test() -> None:
    found = compare_curves([1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 1, 1])
    assert math.isnan(found.statistic)
    assert math.isnan(found.p_value)
    assert found.df == 0
    robust = compare_curves([1, 2], [0, 0], [0, 1], cluster=[0, 1])
    assert math.isnan(robust.p_value)


BASE = {"duration": [1, 2, 3], "event": [1, 0, 1], "group": [0, 1, 1]}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"group": [1, 1, 1]}, NoVariationError, "one group only"),
        ({"group": [0, 1]}, RangeError, "differ in length"),
        ({"cluster": [0, 1]}, RangeError, "differ in length"),
        ({"cluster": [4, 4, 4]}, TooFewUnitsError, "one cluster"),
        ({"rho": -1}, ParamError, "rho >= 0"),
    ],
)
def test_what_cannot_be_tested(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        compare_curves(**(BASE | change))  # type: ignore[arg-type]
