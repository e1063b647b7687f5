"""The effect of completing: two-stage least squares, Anderson-Rubin, and refusals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tests.impact.experiment.draw_arms import change, draw_experiment
from workbench.impact.experiment.compliance import estimate_cace
from workbench.impact.experiment.drawn import read_drawn
from workbench.impact.experiment.randomised import estimate_itt, measure_error

CLOSED = 1e-9
SOLVED = 1e-6
"""Ends of an interval found by search on one side."""


def read(experiment):
    """Estimate with the p-value of the offer."""
    drawn = read_drawn(experiment)
    return drawn, estimate_cace(drawn, itt_p=estimate_itt(drawn).p_value())


def test_it_is_the_ratio_of_both_differences():
    drawn, found = read(draw_experiment(1, uptake=0.6, crossover=0.1, effect=0.5))
    took = drawn.frame["learnt"].to_numpy(dtype="float64")
    ratio = measure_error(drawn, drawn.outcome)[0] / measure_error(drawn, took)[0]
    assert found.effect.value == pytest.approx(ratio, abs=CLOSED)
    assert found.effect.method == "ab_iv"
    assert found.check.passed


def test_the_error_is_that_of_the_instrument_by_hand():
    drawn, found = read(draw_experiment(2, uptake=0.6, effect=0.5))
    took = drawn.frame["learnt"].to_numpy(dtype="float64")
    offer = np.column_stack([np.ones(len(took)), drawn.assigned])
    columns = np.column_stack([np.ones(len(took)), took])
    residual = drawn.outcome - columns @ np.linalg.solve(
        offer.T @ columns, offer.T @ drawn.outcome
    )
    bread = np.linalg.inv(offer.T @ columns)
    meat = (offer * residual[:, None] ** 2).T @ offer
    variance = (bread @ meat @ bread.T)[1, 1] * len(took) / (len(took) - 2)
    assert found.effect.std_error == pytest.approx(variance**0.5, abs=CLOSED)


def test_the_baseline_is_that_of_compliers():
    """Without crossing over: mean of control less what those who refuse add to it."""
    drawn, found = read(draw_experiment(3, people=900, uptake=0.5, effect=1.0))
    took = drawn.frame["learnt"].to_numpy(dtype=bool)
    refuse = drawn.outcome[drawn.assigned & ~took].mean()
    share = took[drawn.assigned].mean()
    control = drawn.outcome[~drawn.assigned].mean()
    known = (control - (1 - share) * refuse) / share
    assert found.effect.baseline == pytest.approx(known, abs=CLOSED)
    completed = drawn.outcome[drawn.assigned & took].mean()
    whole = found.effect.baseline + found.effect.value
    assert whole == pytest.approx(completed, abs=CLOSED)


@pytest.mark.parametrize("clusters", [0, 14])
def test_anderson_rubin_inverts_the_test_of_the_offer(clusters):
    experiment = draw_experiment(
        4, people=400, clusters=clusters, uptake=0.6, effect=0.5
    )
    drawn, found = read(experiment)
    took = drawn.frame["learnt"].to_numpy(dtype="float64")
    df = estimate_itt(drawn).df
    from scipy.stats import t

    for end in found.robust_interval:
        gap, error, _, _ = measure_error(drawn, drawn.outcome - end * took)
        assert abs(gap) / error == pytest.approx(t.ppf(0.975, df), rel=SOLVED)


def test_a_strong_offer_gives_nearly_the_ordinary_interval():
    _, found = read(draw_experiment(5, people=4000, uptake=0.8, effect=0.5))
    ordinary = found.effect.interval(0.05)
    np.testing.assert_allclose(found.robust_interval, ordinary, atol=0.005)
    assert found.interval == ordinary


def test_the_first_stage_is_that_of_the_design():
    drawn, found = read(draw_experiment(6, people=300, clusters=10, uptake=0.5))
    took = drawn.frame["learnt"].to_numpy(dtype="float64")
    gap, error, _, _ = measure_error(drawn, took)
    assert found.f_statistic == pytest.approx((gap / error) ** 2)


def test_a_weak_offer_is_read_by_anderson_and_rubin_or_not_at_all():
    _drawn, found = read(draw_experiment(7, people=300, uptake=0.05, crossover=0.02))
    assert found.weak
    assert not found.check.passed
    if found.effect is None:
        assert not np.isfinite(found.robust_interval).all()
        assert "no number is given" in found.text
    else:
        assert found.interval == found.robust_interval


def test_an_offer_nobody_needs_sets_no_limit():
    experiment = draw_experiment(8, people=200, uptake=0.52, crossover=0.5)
    frame = experiment.frame
    order = frame.groupby("assigned").cumcount()
    learnt = order < np.where(frame["assigned"], 52, 50)
    _, found = read(change(experiment, learnt=learnt))
    assert found.effect is None
    assert found.robust_interval == (-math.inf, math.inf)
    assert found.table["estimate"].isna().all()


def test_everybody_does_as_assigned():
    drawn, found = read(draw_experiment(9, effect=0.3))
    assert "did as assigned" in found.text
    assert found.effect.value == pytest.approx(estimate_itt(drawn).value)


def test_one_sided():
    _, found = read(draw_experiment(10, uptake=0.7))
    assert "nobody else did" in found.text


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"learnt": pd.NA}, "not known who completed"),
        ({"learnt": False}, "Nobody who was offered the programme completed"),
        ({"learnt": True}, "Everybody completed the programme"),
    ],
)
def test_no_answer_in_words(columns, words):
    _drawn, found = read(change(draw_experiment(11), **columns))
    assert found.effect is None
    assert words in found.text
    assert math.isnan(found.interval[0])
    assert len(found.table) == 1


def test_an_offer_that_drives_people_away():
    _, found = read(draw_experiment(12, uptake=0.3, crossover=0.6))
    assert "did not lead more people" in found.text


def test_some_unknown_completion_counts_as_none():
    experiment = draw_experiment(13, uptake=0.6)
    learnt = experiment.frame["learnt"].astype("boolean")
    few = learnt.mask(np.arange(400) < 8)
    many = learnt.mask(np.arange(400) < 80)
    assert read(change(experiment, learnt=few))[1].effect is not None
    assert "for 20%" in read(change(experiment, learnt=many))[1].text


def test_the_truth_is_recovered():
    _, found = read(draw_experiment(14, people=4000, uptake=0.6, effect=0.5))
    assert abs(found.effect.value - 0.5) < 3 * found.effect.std_error
