"""What is expected of recent trials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.impact.survival.simulate_follow import YEAR, simulate_rows
from tests.impact.survival.test_matched_follow import follow
from workbench.impact.survival.competing import estimate_incidence
from workbench.impact.survival.extrapolate import (
    COLUMNS,
    describe_extrapolation,
    extrapolate_followed,
)
from workbench.impact.survival.influence import influence_incidence
from workbench.impact.survival.matched_follow import Followed

CLOSED = 1e-9


@pytest.fixture(scope="module")
def followed() -> Followed:
    return follow(simulate_rows(6, people=3000, spread=0.0, other=0.2))


@pytest.fixture(scope="module")
def table(followed: Followed) -> pd.DataFrame:
    return extrapolate_followed(followed, alpha=0.05, min_group=10)


def test_only_trials_that_have_not_reached_the_horizon(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == COLUMNS
    assert table["trial"].unique().tolist() == ["T05", "T06", "T07", "T08"]
    assert table["arm"].tolist() == ["learners", "others"] * 4
    assert table["observed_days"].drop_duplicates().tolist() == [336, 244, 152, 60]
    assert table["extrapolated"].all()
    assert (table["horizon"] == 365).all()


def test_expected_shares_are_near_the_truth(table: pd.DataFrame) -> None:
    rate, other = 0.35 / YEAR, 0.2 / YEAR
    for arm, ratio in (("learners", 0.6), ("others", 1.0)):
        total = rate * ratio + other
        truth = 1 - rate * ratio / total * (1 - np.exp(-total * 365))
        rows = table[table["arm"] == arm]
        assert (abs(rows["predicted"] - truth) < 3 * rows["std_error"]).all()
    assert (table["low"] < table["predicted"]).all()
    assert (table["predicted"] < table["high"]).all()
    assert (table["predicted"] <= table["observed"]).all()


def test_parts_are_put_together_by_hand(
    followed: Followed, table: pd.DataFrame
) -> None:
    trials = followed.sample.frame["trial"].to_numpy()
    own = followed.arm(treated=True) & (trials == "T07")
    later = followed.arm(treated=True) & (trials < "T07") & (followed.duration > 152)
    so_far = estimate_incidence(followed.duration[own], followed.cause[own])
    then = estimate_incidence(followed.duration[later] - 152, followed.cause[later])
    there = so_far.free[np.searchsorted(so_far.time, 152, side="right") - 1]
    observed = 1 - so_far.at([152.0])[0][0]
    row = table[(table["trial"] == "T07") & (table["arm"] == "learners")].iloc[0]
    assert row["observed"] == pytest.approx(observed, abs=CLOSED)
    expected = observed - there * then.at([365.0 - 152])[0][0]
    assert row["predicted"] == pytest.approx(expected, abs=CLOSED)


def test_both_parts_carry_errors(followed: Followed, table: pd.DataFrame) -> None:
    """Learners serve once, so that the variances of the two parts add up."""
    trials = followed.sample.frame["trial"].to_numpy()
    own = followed.arm(treated=True) & (trials == "T07")
    later = followed.arm(treated=True) & (trials < "T07") & (followed.duration > 152)
    left, ours = influence_incidence(followed.duration[own], followed.cause[own], 152)
    over, gone = influence_incidence(
        followed.duration[own], followed.cause[own] > 0, 152
    )
    then, theirs = influence_incidence(
        followed.duration[later] - 152, followed.cause[later], 365 - 152
    )
    parts = ours - then * gone, (1 - over) * theirs
    count = own.sum() + later.sum()
    variance = sum(float(part @ part) for part in parts) * count / (count - 1)
    row = table[(table["trial"] == "T07") & (table["arm"] == "learners")].iloc[0]
    assert row["predicted"] == pytest.approx(1 - left - (1 - over) * then, abs=CLOSED)
    assert row["std_error"] == pytest.approx(variance**0.5, rel=CLOSED)
    assert all(float(part @ part) > 0.1 * variance for part in parts)


def test_order_of_rows_changes_nothing(table: pd.DataFrame) -> None:
    frame = simulate_rows(6, people=3000, spread=0.0, other=0.2)
    other = follow(frame.sample(frac=1.0, random_state=2))
    again = extrapolate_followed(other, alpha=0.05, min_group=10)
    pd.testing.assert_frame_equal(again, table)


def test_small_cells_are_kept_back_in_both_arms(followed: Followed) -> None:
    units = followed.sample.frame["trial"].astype(str)
    sizes = units[followed.arm(treated=True)].value_counts()
    least = int(sizes[["T05", "T06", "T07", "T08"]].max())
    table = extrapolate_followed(followed, alpha=0.05, min_group=least)
    hidden = table[table["suppressed"]]
    assert len(hidden) >= 6
    assert hidden.groupby("trial").size().eq(2).all()
    assert hidden[["observed", "predicted", "low", "high"]].isna().all(axis=None)
    assert hidden["note"].str.contains("Fewer than").all()


def test_no_interval_where_nobody_ever_leaves(followed: Followed) -> None:
    calm = replace(followed, cause=np.where(followed.cause == 1, 0, followed.cause))
    table = extrapolate_followed(calm, alpha=0.05, min_group=10)
    assert (table["predicted"] == 1).all()
    assert table[["low", "high"]].isna().all(axis=None)
    assert table["note"].str.contains("no interval").all()


def test_trials_unlike_earlier_ones_are_told(followed: Followed) -> None:
    """In the last trial half of those still there at the cut left on day 30."""
    trials = followed.sample.frame["trial"].to_numpy()
    turn = (trials == "T08") & (np.arange(len(trials)) % 2 == 0) & (followed.cause == 0)
    worse = replace(
        followed,
        cause=np.where(turn, 1, followed.cause),
        duration=np.where(turn, 30.0, followed.duration),
    )
    table = extrapolate_followed(worse, alpha=0.05, min_group=10).set_index("trial")
    assert table.loc["T08", "differs"].all()
    assert not table.loc["T06", "differs"].any()
    assert "Of these 8 shares so far, 2 lie further" in describe_extrapolation(
        table.reset_index()
    )


def test_a_small_trial_without_events_does_not_differ(followed: Followed) -> None:
    """Nobody of 12 people is what chance explains; nobody of 50 is not."""
    trials = followed.sample.frame["trial"].to_numpy()
    calm = replace(
        followed,
        cause=np.where((trials == "T07") & (followed.cause == 1), 0, followed.cause),
    )
    weight = calm.weight.copy()
    for treated in (True, False):
        own = np.flatnonzero(calm.arm(treated=treated) & (trials == "T07"))
        there = own[calm.duration[own] >= 152]
        weight[np.setdiff1d(own, there[:12])] = 0.0
    small = replace(calm, weight=weight)
    for made, differs in ((small, False), (calm, True)):
        table = extrapolate_followed(made, alpha=0.05, min_group=10)
        last = table[(table["trial"] == "T07") & (table["arm"] == "others")].iloc[0]
        assert last["observed"] == 1
        assert 0.8 < last["earlier"] < 0.9
        assert bool(last["differs"]) == differs


def test_assumption_is_stated(table: pd.DataFrame) -> None:
    text = describe_extrapolation(table)
    assert "T05 to T08 are extrapolated: they assume" in text
    assert describe_extrapolation(table.iloc[:0]) == ""
    one = describe_extrapolation(table[table["trial"] == "T08"])
    assert one.startswith("Expected figures for T08 are extrapolated")
