"""Effects by group and period: truths recovered, people counted, laws held."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.impact.did.classic_panels import make_panel
from tests.impact.did.staggered import gain, make_staggered
from workbench.cohorts.frames import Panel
from workbench.core.errors import ParamError, TooFewUnitsError
from workbench.impact.did.cells import find_base_period
from workbench.impact.did.engine import check_against_engine
from workbench.impact.did.group_time import (
    build_terms,
    estimate_covariance,
    estimate_group_time,
)
from workbench.impact.did.pretrends import estimate_last_quarter
from workbench.impact.did.trend_power import find_detectable_slope


def replace_frame(panel: Panel, frame: pd.DataFrame, **more: object) -> Panel:
    return dataclasses.replace(panel, frame=frame, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("control", ["never", "not_yet"])
def test_different_effects_are_recovered(control: str) -> None:
    found = estimate_group_time(
        make_staggered(1, people=3000),
        control=control,  # type: ignore[arg-type]
    )
    after = found.table[found.table["event_time"] >= 0]
    for row in after.itertuples():
        truth = gain(row.group, row.event_time)
        assert abs(row.att - truth) < 3.5 * row.std_error
    before = found.table[found.table["event_time"] < 0]
    assert (before["att"].abs() < 3.5 * before["std_error"]).all()


def test_a_trend_by_covariate_needs_the_covariate() -> None:
    panel = make_staggered(2, people=4000, drift=0.3, choice=1.0, covariates=["x"])
    raw = estimate_group_time(panel, covariates=[])
    found = estimate_group_time(panel)
    cell = (found.table["group"] == 4) & (found.table["period"] == 6)
    off = raw.table.loc[cell].iloc[0]
    held = found.table.loc[cell].iloc[0]
    assert abs(off["att"] - gain(4, 2)) > 5 * off["std_error"]
    assert abs(held["att"] - gain(4, 2)) < 3 * held["std_error"]
    assert found.covariates == ("x",)


def test_categories_are_adjusted_for() -> None:
    panel = make_staggered(3, choice=1.0, covariates=["kind"])
    found = estimate_group_time(panel)
    terms, checks = build_terms(panel, ["kind"])
    assert list(terms.columns) == ["kind=high"]
    assert checks == ()
    assert len(found.table) == 3 * 6


def test_one_group_is_the_two_by_two_by_hand() -> None:
    panel = make_staggered(4, people=80, groups=(3,), periods=4)
    found = estimate_group_time(panel, method="reg").table.set_index("period")
    wide = panel.frame.pivot_table(index="unit", columns="period", values="outcome")
    first = panel.frame.groupby("unit")["first_treat"].first()
    change = wide[4] - wide[2]
    ours, theirs = change[first == 3], change[first == 0]
    assert found.loc[4, "att"] == pytest.approx(ours.mean() - theirs.mean())
    variance = ours.var(ddof=0) / len(ours) + theirs.var(ddof=0) / len(theirs)
    assert found.loc[4, "std_error"] == pytest.approx(np.sqrt(variance))
    assert found.loc[2, "base_period"] == 1
    assert list(found["n_treated"].unique()) == [len(ours)]


def test_small_sample_errors_are_those_of_welch() -> None:
    panel = make_staggered(4, people=40, groups=(3,), periods=3)
    found = estimate_group_time(panel, small_sample=True).table.set_index("period")
    wide = panel.frame.pivot_table(index="unit", columns="period", values="outcome")
    first = panel.frame.groupby("unit")["first_treat"].first()
    change = wide[3] - wide[2]
    parts = [change[first == 3], change[first == 0]]
    variance = sum(part.var(ddof=1) / len(part) for part in parts)
    assert found.loc[3, "std_error"] == pytest.approx(np.sqrt(variance))


def test_anticipation_moves_the_base() -> None:
    panel = make_staggered(5, people=4000, early=0.6)
    naive = estimate_group_time(panel).table.set_index(["group", "period"])
    found = estimate_group_time(panel, anticipation=1)
    table = found.table.set_index(["group", "period"])
    assert table.loc[(5, 6), "base_period"] == 3
    assert naive.loc[(5, 6), "att"] == pytest.approx(gain(5, 1) - 0.6, abs=0.1)
    row = table.loc[(5, 6)]
    assert abs(row["att"] - gain(5, 1)) < 3 * row["std_error"]
    assert abs(table.loc[(5, 4), "att"] - 0.6) < 3 * table.loc[(5, 4), "std_error"]
    early = found.table.iloc[found.find_cells(before=True)]["event_time"]
    assert early.max() == -2


def test_without_never_learners_the_last_group_serves() -> None:
    panel = make_staggered(6, people=900, never=False)
    found = estimate_group_time(panel)
    assert sorted(found.table["group"].unique()) == [4, 5, 6]
    assert found.table.loc[found.table["group"] == 6, "event_time"].max() < 0
    alone = found.dropped[found.dropped["period"] >= 6]
    assert set(alone["reason"]) == {"nobody left to compare with"}
    with pytest.raises(TooFewUnitsError, match="nobody left to compare with"):
        estimate_group_time(panel, control="never")


def test_later_learners_are_controls_until_they_learn() -> None:
    panel = make_staggered(7)
    first = panel.frame.groupby("unit")["first_treat"].first()
    table = estimate_group_time(panel).table.set_index(["group", "period"])
    assert table.loc[(4, 4), "n_control"] == ((first == 0) | (first > 4)).sum()
    assert table.loc[(4, 6), "n_control"] == (first == 0).sum()
    wide = estimate_group_time(panel, anticipation=1).table
    row = wide.set_index(["group", "period"]).loc[(4, 4)]
    assert row["n_control"] == ((first == 0) | (first > 5)).sum()


def test_a_person_without_the_base_period_is_counted() -> None:
    panel = make_staggered(8, people=60, groups=(3,), periods=4)
    learner = panel.frame.query("first_treat == 3")["unit"].iloc[0]
    gone = (panel.frame["unit"] == learner) & (panel.frame["period"] == 2)
    found = estimate_group_time(replace_frame(panel, panel.frame[~gone]))
    whole = estimate_group_time(panel)
    now = found.table.set_index("period")
    then = whole.table.set_index("period")
    assert now.loc[4, "n_treated"] == then.loc[4, "n_treated"] - 1
    assert now.loc[4, "lost"] == 1
    assert then["lost"].sum() == 0
    assert found.weights.equals(whole.weights)
    place = list(found.units).index(learner)
    assert found.influence[place].tolist() == [0.0] * len(found.table)


def test_small_groups_are_dropped_with_the_reason() -> None:
    panel = make_staggered(9, people=300)
    first = panel.frame["first_treat"]
    few = panel.frame.loc[first == 4, "unit"].unique()[3:]
    frame = panel.frame[~panel.frame["unit"].isin(few)]
    found = estimate_group_time(replace_frame(panel, frame))
    assert 4 not in set(found.table["group"])
    reasons = found.dropped.set_index("group")["reason"]
    assert set(reasons.loc[4]) == {"fewer than 5 learners seen in both quarters"}
    assert found.dropped["n_treated"].max() == 3


def test_people_who_learnt_from_the_start_have_no_base() -> None:
    panel = make_staggered(10, groups=(1, 4), periods=5)
    found = estimate_group_time(panel)
    assert set(found.table["group"]) == {4}
    assert set(found.dropped["reason"]) == {"no quarter before the exposure"}


def test_separation_drops_the_cell_not_the_run() -> None:
    panel = make_staggered(11, people=300)
    mark = np.where(panel.frame["first_treat"] == 4, 50.0, 0.0) + panel.frame["x"]
    frame = panel.frame.assign(mark=mark)
    found = estimate_group_time(
        replace_frame(panel, frame, covariates=("mark",)), control="never"
    )
    assert 4 not in set(found.table["group"])
    reasons = found.dropped["reason"]
    assert reasons.str.contains("no overlap|learners and others").all()


def test_errors_by_team_exceed_those_by_person() -> None:
    frame = make_staggered(12, teams=20).frame
    by_team = frame["team"].str[1:].astype(int)
    frame["first_treat"] = np.where(by_team % 2 == 0, 4, 0)
    alone = estimate_group_time(make_panel(frame))
    teams = estimate_group_time(make_panel(frame, clusters=("unit", "team")))
    assert teams.n_clusters == 20
    assert teams.cluster_by == "team"
    np.testing.assert_array_equal(alone.table["att"], teams.table["att"])
    ratio = teams.table["std_error"] / alone.table["std_error"]
    assert ratio.mean() > 1.5
    column = teams.influence[:, 0]
    sums = pd.Series(column).groupby(teams.clusters).sum()
    error = np.sqrt((sums**2).sum() * 20 / 19)
    assert teams.table["std_error"].iloc[0] == pytest.approx(error)


def test_covariance_of_single_clusters_has_no_factor() -> None:
    influence = np.array([[1.0, 0.0], [2.0, 1.0]])
    found = estimate_covariance(influence, np.array([0, 1]))
    np.testing.assert_array_equal(found, influence.T @ influence)


def test_options_are_checked() -> None:
    panel = make_staggered(13, people=60)
    with pytest.raises(ParamError, match="other options"):
        estimate_group_time(panel, anticipation=-1)
    with pytest.raises(ParamError, match="min_group of 2"):
        estimate_group_time(panel, min_group=1)


def test_the_panel_is_left_alone() -> None:
    panel = make_staggered(14, people=60, covariates=["x"])
    before = panel.frame.copy()
    estimate_group_time(panel)
    pd.testing.assert_frame_equal(panel.frame, before)


@pytest.mark.parametrize(
    ("group", "period", "base", "anticipation", "observed", "start"),
    [
        (4, 6, "varying", 0, range(1, 7), 3),
        (4, 3, "varying", 0, range(1, 7), 2),
        (4, 2, "universal", 0, range(1, 7), 3),
        (4, 6, "varying", 2, range(1, 7), 1),
        (2, 3, "varying", 1, range(1, 7), 0),
        (4, 6, "varying", 0, (2, 4, 6), 2),
        (5, 6, "varying", 0, (2, 4, 6), 4),
        (5, 4, "varying", 0, (2, 4, 6), 2),
        (4, 6, "varying", 1, (1, 3, 6), 1),
    ],
)
def test_base_periods(
    group: int,
    period: int,
    base: str,
    anticipation: int,
    observed: Sequence[int],
    start: int,
) -> None:
    found = find_base_period(
        group,
        period,
        base=base,  # type: ignore[arg-type]
        anticipation=anticipation,
        observed=observed,
    )
    assert found == start


def test_outcomes_measured_every_other_quarter() -> None:
    panel = make_staggered(16, people=3000, groups=(4, 5))
    even = panel.frame[panel.frame["period"] % 2 == 0]
    found = estimate_group_time(replace_frame(panel, even))
    table = found.table.set_index(["group", "period"])
    assert table.loc[(4, 6), "base_period"] == 2
    assert table.loc[(5, 6), "base_period"] == 4
    assert table.loc[(5, 4), "base_period"] == 2
    for cell in ((4, 6), (5, 6)):
        row = table.loc[cell]
        truth = gain(cell[0], cell[1] - cell[0])
        assert abs(row["att"] - truth) < 3 * row["std_error"]
    change = estimate_last_quarter(found)
    assert change is not None
    assert found.table.iloc[change.cells]["group"].tolist() == [5]
    assert check_against_engine(replace_frame(panel, even), found).passed
    power = find_detectable_slope(found, lag=1, groups=[5])
    assert power.quarters == 2
    assert find_detectable_slope(found, lag=2, groups=[4]).quarters == 4


@settings(max_examples=15, deadline=None)
@given(
    person=st.floats(0, 100),
    period=st.lists(st.floats(-50, 50), min_size=5, max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_person_and_period_constants_cancel(
    person: float, period: list[float], order: object
) -> None:
    panel = make_staggered(15, people=60, groups=(3, 4), periods=5, lose=0.1)
    frame = panel.frame.copy()
    number = frame["unit"].str[1:].astype(int)
    frame["outcome"] += person * (number % 7)
    frame["outcome"] += np.array(period)[frame["period"] - 1]
    rows = list(range(len(frame)))
    order.shuffle(rows)  # type: ignore[attr-defined]
    one = estimate_group_time(panel, min_group=2)
    two = estimate_group_time(replace_frame(panel, frame.iloc[rows]), min_group=2)
    np.testing.assert_allclose(one.table["att"], two.table["att"], atol=1e-9)
    np.testing.assert_allclose(one.covariance, two.covariance, atol=1e-9)
