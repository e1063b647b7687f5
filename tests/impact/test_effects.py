from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.impact.simulate import make_cohort, make_outcome, simulate_frame
from workbench.core.params import Threshold
from workbench.impact.effects import (
    Effect,
    describe_unit,
    make_empty_estimate,
    make_estimate,
)
from workbench.impact.thresholds import find_smallest_effect, judge_threshold


def make_effect(**more: object) -> Effect:
    known: dict[str, object] = {
        "method": "psm_nn",
        "estimand": "ATT",
        "value": 0.3,
        "std_error": 0.1,
        "df": math.inf,
        "baseline": 3.0,
        "baseline_variance": 0.01,
        "covariance": -0.005,
        "n_treated": 50,
        "n_control": 50,
        "n_clusters": 50,
        "error": "",
    }
    return Effect(**(known | more))  # type: ignore[arg-type]


def test_interval_and_p_value() -> None:
    low, high = make_effect().interval(0.05)
    assert (low, high) == pytest.approx((0.3 - 0.1959964, 0.3 + 0.1959964))
    assert make_effect().p_value() == pytest.approx(0.0026998, rel=1e-5)
    assert make_effect(df=5.0).p_value() > 0.02
    assert make_effect(std_error=0.0).p_value() == 0.0
    assert make_effect(std_error=0.0, value=0.0).p_value() == 1.0


def test_relative_effect_by_simulation() -> None:
    """The delta method against draws of effect and baseline with their covariance."""
    effect = make_effect()
    share, low, high = effect.relative(0.05)
    covariance = [[0.01, -0.005], [-0.005, 0.01]]
    draws = np.random.default_rng(0).multivariate_normal(
        [0.3, 3.0], covariance, size=200_000
    )
    spread = (draws[:, 0] / draws[:, 1]).std()
    assert share == pytest.approx(0.1)
    assert (high - low) / (2 * 1.959964) == pytest.approx(spread, rel=0.01)


def test_the_covariance_matters() -> None:
    widths = []
    for covariance in (-0.009, 0.0, 0.009):
        _, low, high = make_effect(covariance=covariance).relative(0.05)
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2]


def test_no_share_of_a_baseline_that_may_be_zero() -> None:
    assert all(math.isnan(x) for x in make_effect(baseline=0.1).relative(0.05))


def test_a_negative_baseline_keeps_the_sign_of_the_effect() -> None:
    share, low, high = make_effect(baseline=-3.0).relative(0.05)
    assert share == pytest.approx(0.1)
    assert low < share < high


@pytest.mark.parametrize(
    ("direction", "interval", "verdict"),
    [
        ("up", (0.06, 0.2), "yes"),
        ("up", (0.05, 0.2), "yes"),
        ("up", (0.01, 0.2), "unclear"),
        ("up", (-0.2, 0.049), "no"),
        ("down", (-0.2, -0.06), "yes"),
        ("down", (-0.2, -0.01), "unclear"),
        ("down", (-0.04, 0.3), "no"),
        ("up", (math.nan, math.nan), "unclear"),
    ],
)
@pytest.mark.parametrize("relative", [True, False])
def test_verdicts(
    direction: str, interval: tuple[float, float], verdict: str, relative: bool
) -> None:
    other = (-9.0, 9.0)
    found = judge_threshold(
        Threshold(relative=0.05) if relative else Threshold(absolute=0.05),
        direction=direction,
        interval=other if relative else interval,
        relative_interval=interval if relative else other,
    )
    assert found == verdict


@given(low=st.floats(-5, 5), width=st.floats(0, 5), size=st.floats(0.01, 3))
def test_turning_the_direction_turns_the_interval(
    low: float, width: float, size: float
) -> None:
    threshold = Threshold(absolute=size)
    up = judge_threshold(
        threshold,
        direction="up",
        interval=(low, low + width),
        relative_interval=(0, 0),
    )
    down = judge_threshold(
        threshold,
        direction="down",
        interval=(-(low + width), -low),
        relative_interval=(0, 0),
    )
    assert up == down


def test_no_threshold_no_verdict() -> None:
    none = judge_threshold(
        None, direction="up", interval=(1, 2), relative_interval=(1, 2)
    )
    assert none is None
    assert math.isnan(find_smallest_effect(None, baseline=3.0))
    assert find_smallest_effect(Threshold(relative=0.1), baseline=-3.0) == (
        pytest.approx(0.3)
    )
    assert find_smallest_effect(Threshold(absolute=2.0), baseline=3.0) == 2.0


def test_rows_of_the_results_table() -> None:
    frame = simulate_frame(1, people=60)
    cohort = make_cohort(frame)
    row = make_estimate(make_effect(), cohort, headline=True, evidence=2)
    assert (row.estimate, row.baseline, row.unit) == (0.3, 3.0, "rating points")
    assert row.relative_effect == pytest.approx(0.1)
    assert (row.threshold, row.meets_threshold) == (0.05, "unclear")
    empty = make_empty_estimate(cohort, limitation="Nobody learnt.")
    assert math.isnan(empty.estimate)
    assert empty.headline
    assert empty.evidence == 0
    learners = frame["treated"]
    assert (empty.n_treated, empty.n_control) == (learners.sum(), (~learners).sum())


@pytest.mark.parametrize(
    ("change", "unit"),
    [
        ({"kind": "binary"}, "probability"),
        ({"kind": "time_to_event", "horizon_days": 365}, "probability"),
        ({"unit": ""}, "points"),
        ({}, "rating points"),
    ],
)
def test_units(change: dict[str, object], unit: str) -> None:
    assert describe_unit(make_outcome(**change)) == unit
