"""People lost: shares, their difference, and Lee's bounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from tests.impact.experiment.draw_arms import change, draw_experiment
from workbench.impact.experiment.lee_bounds import bound_lee, measure_loss

CLOSED = 1e-9


def lose(experiment, rows):
    """Take the outcome from some people."""
    outcome = experiment.frame["outcome"].mask(rows)
    return change(experiment, outcome=outcome)


def test_bounds_by_hand():
    """Ten a side; two of control are lost, so a fifth of the offered is trimmed."""
    base = draw_experiment(1, people=20)
    side = base.frame["assigned"].to_numpy()
    outcome = np.empty(20)
    outcome[side] = np.arange(1, 11)
    outcome[~side] = [5.0] * 8 + [np.nan] * 2
    found = bound_lee(change(base, outcome=outcome))
    assert found.trimmed == pytest.approx(0.2)
    assert found.low == pytest.approx(np.mean(np.arange(1, 9)) - 5)
    assert found.high == pytest.approx(np.mean(np.arange(3, 11)) - 5)


def test_the_other_side_is_trimmed_where_it_lost_less():
    base = draw_experiment(2, people=20)
    side = base.frame["assigned"].to_numpy()
    outcome = np.empty(20)
    outcome[~side] = np.arange(1, 11)
    outcome[side] = [5.0] * 5 + [np.nan] * 5
    found = bound_lee(change(base, outcome=outcome))
    assert found.trimmed == pytest.approx(0.5)
    assert found.low == pytest.approx(5 - 8)
    assert found.high == pytest.approx(5 - 3)
    assert "the others" in found.text


def test_part_of_a_person_is_trimmed():
    """A third of a tie: 3 of 4 kept of 6 leaves 4.5 people."""
    base = draw_experiment(3, people=12)
    side = base.frame["assigned"].to_numpy()
    outcome = np.empty(12)
    outcome[side] = [0, 0, 1, 1, 2, 2]
    outcome[~side] = [1, 1, 1, 1, np.nan, np.nan]
    found = bound_lee(change(base, outcome=outcome))
    assert found.low == pytest.approx(2 / 4 - 1)
    assert found.high == pytest.approx(6 / 4 - 1)


def test_nothing_missing_has_nothing_to_bound():
    assert bound_lee(draw_experiment(4)) is None


def test_the_interval_is_that_of_imbens_and_manski():
    base = draw_experiment(5, people=600, effect=0.3)
    rng = np.random.default_rng(1)
    gone = (rng.random(600) < 0.3) & ~base.frame["assigned"].to_numpy()
    found = bound_lee(lose(base, gone))
    reach = (found.ci_high - found.high) / found.high_error
    assert (found.low - found.ci_low) / found.low_error == pytest.approx(reach)
    width = (found.high - found.low) / max(found.low_error, found.high_error)
    assert norm.cdf(reach + width) - norm.cdf(-reach) == pytest.approx(0.95)
    assert 1.6 < reach < 1.97


def test_errors_agree_with_the_spread_over_repetitions():
    lows, errors = [], []
    for seed in range(80):
        base = draw_experiment(seed, people=400, effect=0.3)
        rng = np.random.default_rng(1000 + seed)
        gone = rng.random(400) < np.where(base.frame["assigned"], 0.05, 0.25)
        found = bound_lee(lose(base, gone))
        lows.append(found.low)
        errors.append(found.low_error)
    assert np.std(lows, ddof=1) == pytest.approx(np.mean(errors), rel=0.25)


def test_bounds_hold_the_effect_when_the_worst_leave():
    """Of control the lower third leaves: the plain difference is far too small."""
    base = draw_experiment(6, people=3000, effect=0.8)
    outcome = base.frame["outcome"]
    gone = ~base.frame["assigned"] & (outcome < outcome.quantile(0.25))
    broken = lose(base, gone)
    kept = broken.frame.dropna(subset=["outcome"])
    plain = kept.groupby("assigned")["outcome"].mean().diff().iloc[-1]
    found = bound_lee(broken)
    assert plain < 0.5
    assert found.ci_low < 0.8 < found.ci_high


def test_differential_loss_is_found():
    base = draw_experiment(7, people=600)
    rng = np.random.default_rng(2)
    even = measure_loss(lose(base, rng.random(600) < 0.06))
    assert not any(check.passed is False for check in even.checks)
    gone = (rng.random(600) < 0.3) & base.frame["assigned"].to_numpy()
    found = measure_loss(lose(base, gone))
    failed = {check.check for check in found.checks if check.passed is False}
    assert failed == {"attrition", "differential_attrition"}
    assert found.difference == pytest.approx(found.treated, abs=CLOSED)


def test_clusters_widen_the_errors():
    base = draw_experiment(8, people=400, clusters=10, icc=0.4)
    rng = np.random.default_rng(3)
    broken = lose(base, rng.random(400) < 0.1)
    by_cluster = bound_lee(broken)
    single = change(broken, cluster=broken.frame["unit"])
    by_person = bound_lee(single.__class__(**_fields(single, design="individual")))
    assert by_cluster.low == pytest.approx(by_person.low)
    assert by_cluster.low_error > 1.5 * by_person.low_error


def _fields(experiment, **changes):
    names = experiment.__dataclass_fields__
    return {name: getattr(experiment, name) for name in names} | changes
