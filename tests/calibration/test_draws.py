"""The truths that the drawn data are held against."""

from __future__ import annotations

import numpy as np
import pytest

from tests.calibration.experiment_draws import draw_people, draw_teams, draw_waves
from tests.calibration.follow_draws import (
    YEAR,
    Course,
    count_censored,
    draw_follow,
    draw_histories,
    draw_stacked,
    find_hazards,
    follow_histories,
    mean_days,
    stay_chance,
)

ERRORS = 4.0
"""Standard errors within which a mean of this many draws lies."""


def test_the_share_that_stays_is_the_integral_of_the_hazards() -> None:
    course = Course(rival=0.0015)
    follow = draw_follow(3, people=40_000, course=course)
    frame = follow.cohort.frame
    _, learnt = find_hazards(frame, course)
    ours = frame["treated"].to_numpy()
    stays = 1 - frame["outcome"].to_numpy()[ours]
    known = stay_chance(learnt, course.rival, YEAR)[ours].mean()
    assert stays.mean() == pytest.approx(
        known, abs=ERRORS * stays.std() / len(stays) ** 0.5
    )
    assert count_censored(follow) == 0
    gained = frame["share_truth"].to_numpy()[ours]
    without, _ = find_hazards(frame, course)
    rest = stay_chance(without, course.rival, YEAR)[ours].mean()
    assert gained.mean() == pytest.approx(known - rest, abs=1e-12)


def test_mean_days_are_the_area_below_the_curve() -> None:
    """Days are counted whole, half a day more than they last."""
    course = Course(rival=0.0)
    frame = draw_follow(4, people=40_000, course=course).cohort.frame
    without, _ = find_hazards(frame, course)
    others = ~frame["treated"].to_numpy()
    days = np.minimum(frame["duration"].to_numpy()[others] - 0.5, YEAR)
    known = mean_days(without, YEAR)[others].mean()
    assert days.mean() == pytest.approx(
        known, abs=ERRORS * days.std() / len(days) ** 0.5
    )


@pytest.mark.parametrize(
    ("cut", "least", "most"),
    [((60.0, 480.0), 0.54, 0.64), ((20.0, 385.0), 0.74, 0.84)],
)
def test_follow_ups_end_as_the_designs_say(
    cut: tuple[float, float], least: float, most: float
) -> None:
    found = draw_follow(5, people=20_000, course=Course(cut=cut))
    assert least < count_censored(found) < most


def test_people_in_several_quarters_leave_once() -> None:
    frame = draw_stacked(6).cohort.frame
    assert frame["trial"].nunique() == 3
    day = frame["duration"] + 92 * (frame["trial"].str[-1].astype("int64") - 1)
    spread = day.groupby(frame["unit"]).agg(lambda days: days.max() - days.min())
    assert spread.max() <= 1
    assert frame.groupby("unit")["cause"].nunique().max() == 1


def test_who_learns_is_still_there_and_learning_changes_nothing() -> None:
    histories = draw_histories(7, people=20_000)
    frame = histories.frame
    learnt = frame[frame["learnt"].notna()]
    assert (learnt["learnt"] <= learnt["ended"]).all()
    rows = follow_histories(histories).cohort.frame
    assert (rows["duration"] > 0).all()
    stays = 1 - rows["outcome"]
    near = rows[["x1", "x2"]].abs().max(axis=1) < 0.3
    ours, theirs = stays[near & rows["treated"]], stays[near & ~rows["treated"]]
    error = (ours.var() / len(ours) + theirs.var() / len(theirs)) ** 0.5
    assert abs(ours.mean() - theirs.mean()) < ERRORS * error


def test_the_offer_has_the_effect_of_those_who_take_it_up() -> None:
    frame = draw_people(8, people=40_000, varied=0.3).frame
    ours = frame.loc[frame["assigned"], "outcome"]
    theirs = frame.loc[~frame["assigned"], "outcome"]
    error = (ours.var() / len(ours) + theirs.var() / len(theirs)) ** 0.5
    assert ours.mean() - theirs.mean() == pytest.approx(0.28, abs=ERRORS * error)
    learnt = frame["learnt"].to_numpy(dtype=bool)
    assert learnt[frame["assigned"]].mean() == pytest.approx(0.7, abs=0.02)
    assert not learnt[~frame["assigned"]].any()


def test_teams_and_waves_are_whole() -> None:
    teams = draw_teams(9, teams=12).frame
    assert teams.groupby("cluster")["assigned"].nunique().max() == 1
    assert teams.groupby("cluster")["assigned"].first().sum() == 6
    waves = draw_waves(10, teams=12, waves=4)
    rows = waves.frame
    assert rows.groupby("starts")["cluster"].nunique().to_dict() == dict.fromkeys(
        (2, 3, 4, 5), 3
    )
    assert (rows["exposed"] == (rows["period"] >= rows["starts"])).all()
    assert waves.arms == ("wave 1", "wave 2", "wave 3", "wave 4")
