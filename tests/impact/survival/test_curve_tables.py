"""Curves as tables that may be published."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.impact.survival.simulate_follow import make_retention, simulate_rows
from tests.impact.survival.test_matched_follow import follow, make_ramp
from workbench.impact.survival.competing import estimate_incidence
from workbench.impact.survival.curve_tables import COLUMNS, tabulate_curves
from workbench.impact.survival.matched_follow import Followed, estimate_followed

CAUSES = ("resignation", "other exit")
CLOSED = 1e-9


@pytest.fixture(scope="module")
def followed() -> Followed:
    return follow(simulate_rows(5, people=1000, other=0.2))


@pytest.fixture(scope="module")
def table(followed: Followed) -> pd.DataFrame:
    return tabulate_curves(followed, CAUSES, alpha=0.05, min_group=10)


def test_laws_of_curves(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == COLUMNS
    for _, rows in table.groupby(["arm", "cause"]):
        steps = np.diff(rows["estimate"])
        kept = rows["kind"].iloc[0] == "survival"
        assert (steps <= CLOSED).all() if kept else (steps >= -CLOSED).all()
        assert rows["estimate"].iloc[0] == (1.0 if kept else 0.0)
        assert rows["estimate"].between(rows["low"], rows["high"]).all()
    assert not table["extrapolated"].any()
    assert table["time"].max() == 365


def test_difference_at_the_horizon_is_the_headline_without_adjustment(
    followed: Followed, table: pd.DataFrame
) -> None:
    ends = table[(table["time"] == 365) & (table["kind"] == "survival")]
    share = ends.set_index("arm")["estimate"]
    effect = estimate_followed(followed, covariates=None)
    assert share["learners"] - share["others"] == pytest.approx(effect.value)


def test_all_causes_and_those_left_sum_to_one(
    followed: Followed, table: pd.DataFrame
) -> None:
    rows = followed.arm(treated=False)
    known = estimate_incidence(followed.duration[rows], followed.cause[rows])
    free = known.free[np.searchsorted(known.time, 365, side="right") - 1]
    ends = table[(table["time"] == 365) & (table["arm"] == "others")]
    share = ends.set_index("cause")["estimate"]
    assert share["resignation"] - share["other exit"] == pytest.approx(free)


def test_counts_are_of_different_people_at_quarters_only(
    followed: Followed, table: pd.DataFrame
) -> None:
    counted = table[table["at_risk"].notna()]
    assert sorted(counted["time"].unique()) == [0, 91, 182, 274, 365]
    rows = followed.arm(treated=False)
    units = followed.sample.frame.loc[rows & (followed.duration >= 182), "unit"]
    row = counted[(counted["arm"] == "others") & (counted["time"] == 182)].iloc[0]
    assert row["at_risk"] == units.nunique()
    assert units.nunique() < len(units)


def test_intervals_allow_for_people_in_many_trials(followed: Followed) -> None:
    rows = followed.arm(treated=False)
    plain = estimate_incidence(followed.duration[rows], followed.cause[rows])
    place = np.searchsorted(plain.time, 365, side="right") - 1
    table = tabulate_curves(followed, CAUSES, alpha=0.05, min_group=10)
    ends = table[(table["time"] == 365) & (table["arm"] == "others")].iloc[0]
    assert ends["high"] - ends["low"] > plain.high[place] - plain.low[place]


def test_bands_are_wider_and_begin_at_a_quarter(table: pd.DataFrame) -> None:
    late = table["time"] >= 365 / 4
    assert table.loc[~late, ["band_low", "band_high"]].isna().all(axis=None)
    shown = table[late]
    assert (shown["band_low"] < shown["low"]).all()
    assert (shown["band_high"] > shown["high"]).all()


def test_curves_end_where_few_are_left(followed: Followed) -> None:
    table = tabulate_curves(followed, CAUSES, alpha=0.05, min_group=100)
    first = table[(table["arm"] == "others") & (table["cause"] == "resignation")]
    hidden = first["estimate"].isna()
    assert hidden.any()
    assert first.loc[hidden, ["low", "high", "at_risk"]].isna().all(axis=None)
    assert first["time"][hidden].min() > first["time"][~hidden].max()


def test_one_curve_where_days_are_the_outcome() -> None:
    ramp = make_retention(id="ramp", source="proficiency_dates.days", unit="days")
    followed = follow(make_ramp(3), outcome=ramp)
    table = tabulate_curves(followed, CAUSES, alpha=0.05, min_group=10)
    assert set(table["cause"]) == {"resignation"}
    assert set(table["kind"]) == {"incidence"}


def test_finer_causes_have_curves_that_sum_to_the_whole(followed: Followed) -> None:
    half = (followed.sample.frame["x1"] > 0).to_numpy()
    fine = np.where(followed.cause == 1, 1 + half, np.where(followed.cause == 2, 3, 0))
    names = ("regretted", "not regretted", "other exit")
    made = tabulate_curves(
        replace(followed, detail=fine, details=names), CAUSES, alpha=0.05, min_group=10
    )
    ends = made[(made["time"] == 365) & (made["arm"] == "learners")]
    share = ends.set_index("cause")["estimate"]
    assert not share.index.duplicated().any()
    parts = share["regretted"] + share["not regretted"]
    assert parts == pytest.approx(1 - share["resignation"])
