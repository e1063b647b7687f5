"""Sizes of the arms: the test, the search for the cause, and what is kept back."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from tests.impact.experiment.draw_arms import draw_experiment, register
from tests.impact.experiment.draw_wedges import draw_wedge, wrap_wedge
from workbench.impact.experiment.sample_ratio import (
    DOUBTFUL,
    MISMATCH,
    check_sample_ratio,
)
from workbench.impact.experiment.shares import compare_shares
from workbench.impact.experiment.stage import estimate_experiment_stage

HALF = np.array([0.5, 0.5])


def drop(experiment, rows):
    """Lose people from an experiment."""
    kept = experiment.frame[~rows].reset_index(drop=True)
    return replace(experiment, frame=kept)


def test_a_published_mismatch():
    """Kohavi, Tang and Xu (2020), Trustworthy Online Controlled Experiments, ch. 3.

    Counts and p are quoted from memory; the book was not at hand.
    """
    assert compare_shares(np.array([821_588, 815_482]), HALF) == pytest.approx(
        1.8e-6, abs=0.05e-6
    )


@pytest.mark.parametrize(("ours", "theirs"), [(8, 0), (5, 2), (1, 7)])
def test_small_numbers_are_tested_exactly(ours, theirs):
    known = binomtest(ours, ours + theirs, 0.5).pvalue
    assert compare_shares(np.array([ours, theirs]), HALF) == pytest.approx(known)


def test_three_arms_are_tested_exactly_by_hand():
    """One of each of three: all 27 orders; the likeliest count, so p is 1."""
    thirds = np.full(3, 1 / 3)
    assert compare_shares(np.array([1, 1, 1]), thirds) == pytest.approx(1.0)
    assert compare_shares(np.array([3, 0, 0]), thirds) == pytest.approx(3 / 27)


def test_nothing_to_test():
    assert math.isnan(compare_shares(np.array([0, 0]), HALF))
    assert math.isnan(compare_shares(np.array([4]), np.array([1.0])))


def test_a_fair_draw_passes():
    found = check_sample_ratio(draw_experiment(1))
    assert not found.mismatch
    assert found.check.passed
    assert found.cause == ""
    assert "fit the draw" in found.text


def test_registered_shares_are_used():
    experiment = draw_experiment(2, share=0.2)
    assert check_sample_ratio(experiment).mismatch
    planned = register(experiment, allocation={"control": 0.8, "treatment": 0.2})
    assert not check_sample_ratio(planned).mismatch


def test_the_site_that_lost_its_controls_is_found():
    experiment = draw_experiment(3, people=1200)
    frame = experiment.frame
    rng = np.random.default_rng(5)
    lost = (frame["site"] == "Porto") & ~frame["assigned"] & (rng.random(1200) < 0.8)
    found = check_sample_ratio(drop(experiment, lost))
    assert found.mismatch
    assert found.cause == "site"
    assert "Porto" in found.text
    worst = found.table[found.table["dimension"] == "site"]
    levels = worst.groupby("level")["p_value"].first()
    assert levels.idxmin() == "Porto"
    assert levels["Porto"] < 1e-6
    assert levels["Leeds"] > 0.05


def test_a_loss_everywhere_points_to_the_draw():
    experiment = draw_experiment(4, people=1000)
    rng = np.random.default_rng(6)
    lost = ~experiment.frame["assigned"] & (rng.random(1000) < 0.4)
    found = check_sample_ratio(drop(experiment, lost))
    assert found.mismatch
    assert found.cause == ""
    assert "how the assignment was drawn" in found.text


def test_small_levels_are_named_without_numbers():
    experiment = draw_experiment(5, people=900)
    frame = experiment.frame
    lost = (frame["site"] == "Ghent") & ~frame["assigned"]
    lost &= lost.cumsum() > 4
    found = check_sample_ratio(drop(experiment, lost), min_group=10)
    assert found.cause == "site"
    assert "fewer than 10 people there" in found.text
    site = found.table[found.table["dimension"] == "site"]
    ghent = site[site["level"] == "Ghent"]
    assert ghent[["observed", "expected", "p_value"]].isna().all(axis=None)
    hidden = site.groupby("level")["observed"].apply(lambda x: x.isna().all())
    assert hidden.sum() >= 2, "one hidden level is told by the total"


def test_numbers_are_searched_by_quarters_of_their_distribution():
    found = check_sample_ratio(draw_experiment(6))
    own = found.table[found.table["dimension"] == "tenure_days"]
    assert own["level"].nunique() == 4
    assert own.groupby("arm")["observed"].sum().sum() == 400


def test_clusters_count_not_their_people():
    experiment = draw_experiment(7, people=600, clusters=12, sizes=1.2)
    found = check_sample_ratio(experiment)
    everybody = found.table[found.table["dimension"] == "everybody"]
    assert everybody["observed"].tolist() == [6.0, 6.0]
    assert found.p_value == pytest.approx(1.0)


def test_waves_of_a_stepped_wedge_are_counted_in_clusters():
    base = draw_experiment(8, people=120, clusters=12)
    frame = base.frame
    start = frame["cluster"].str[1:].astype(int) % 3 + 1
    rows = pd.concat(
        [
            frame.assign(period=period, starts=start, exposed=period >= start)
            for period in (1, 2, 3)
        ]
    ).sort_values(["unit", "period"])
    experiment = replace(
        base,
        design="stepped_wedge",
        frame=rows.assign(arm="wave", assigned=rows["exposed"]),
        arms=("wave",),
        periods=("a", "b", "c"),
    )
    found = check_sample_ratio(experiment)
    everybody = found.table[found.table["dimension"] == "everybody"]
    assert everybody["arm"].tolist() == [f"wave from period {n}" for n in (1, 2, 3)]
    assert everybody["observed"].tolist() == [4.0, 4.0, 4.0]


def test_the_frame_is_left_alone():
    experiment = draw_experiment(9)
    before = experiment.frame.copy()
    check_sample_ratio(experiment)
    pd.testing.assert_frame_equal(experiment.frame, before)


def split_quarters(share: float):
    """Draw 800 people in two quarters with opposite shares."""
    base = draw_experiment(1, people=800)
    rng = np.random.default_rng(1)
    late = np.arange(800) % 2 == 1
    offered = rng.random(800) < np.where(late, 1 - share, share)
    days = pd.Series(np.where(late, "2026-04-06", "2026-01-05"))
    return replace(
        base,
        frame=base.frame.assign(
            trial=np.where(late, "2026Q2", "2026Q1"),
            arm=np.where(offered, "treatment", "control"),
            assigned=offered,
            assigned_on=pd.to_datetime(days),
        ),
    )


def test_imbalances_of_quarters_that_cancel_out_are_found():
    """The sizes fit in the sum; a trend over time would pass for an effect."""
    found = check_sample_ratio(split_quarters(0.65))
    everybody = found.table[found.table["dimension"] == "everybody"]
    assert everybody["p_value"].min() > 0.1
    assert found.mismatch
    assert found.check.passed is False
    assert found.check.value == found.p_value
    assert "differ between the quarters of the draw" in found.text
    assert found.cause == "week of assignment"
    assert not check_sample_ratio(split_quarters(0.5)).mismatch


def test_quarters_of_few_people_are_not_compared():
    base = split_quarters(0.5)
    few = base.frame["trial"].eq("2026Q2") & (base.frame.index > 18)
    alone = base.frame[~few].reset_index(drop=True)
    late = alone["trial"] == "2026Q2"
    odd = alone.assign(
        arm=alone["arm"].where(~late, "treatment"), assigned=alone["assigned"] | late
    )
    assert not check_sample_ratio(replace(base, frame=odd)).mismatch


@pytest.mark.parametrize(("last", "tested"), [(2, False), (3, True)])
def test_waves_yet_to_come_are_no_mismatch(last, tested):
    """Six waves of five clusters, read before most of them have started."""
    frame = draw_wedge(1, clusters=30, steps=6).frame
    seen = frame[frame["period"] <= last]
    early = seen.assign(starts=seen["starts"].where(seen["starts"] <= last, 0))
    early = early.drop(columns=["assigned", "exposed", "learnt"])
    found = check_sample_ratio(wrap_wedge(early))
    assert not found.mismatch
    assert found.check.passed is (True if tested else None)
    assert "not started" not in set(found.table["arm"])


def test_sizes_that_chance_hardly_gives_are_read_and_trusted_less():
    even = draw_experiment(3, people=400)
    treated = even.frame.index[even.frame["assigned"]]
    fewer = replace(even, frame=even.frame.drop(treated[:54]).reset_index(drop=True))
    ratio = check_sample_ratio(fewer)
    assert MISMATCH < ratio.p_value < DOUBTFUL
    assert ratio.doubtful
    assert not ratio.mismatch
    assert ratio.check.passed is True
    assert "sizes hardly fit the draw" in ratio.text
    whole, lost = (
        next(
            x for x in estimate_experiment_stage([item], seed=1).estimates if x.headline
        )
        for item in (even, fewer)
    )
    assert math.isfinite(lost.estimate)
    assert lost.evidence == whole.evidence - 1
