"""Nothing that taught was known later than the first tested prediction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.prescribe.predict.drawn import CUT, draw_frame, replace_rows
from workbench.core.errors import DesignError, TooFewUnitsError
from workbench.prescribe.predict.analysis import predict_target
from workbench.prescribe.predict.dating import date_rows
from workbench.prescribe.predict.split import censor_rows, split_by_time

BEGINS = pd.Timestamp("2025-10-01")


def test_what_taught_was_known_before_the_first_tested_prediction() -> None:
    split = split_by_time(draw_frame("binary"), seed=1)
    assert split.begins == BEGINS
    assert set(split.train["trial"]) == {"2024Q4"}
    assert set(split.test["trial"]) == {"2025Q4"}
    assert (split.train["known_on"] < split.begins).all()
    assert split.repeated == 1
    assert "100% of the people tested" in split.text


def test_a_value_is_learnt_from_every_quarter_before_the_tested_one() -> None:
    split = split_by_time(draw_frame("continuous"), seed=1)
    assert set(split.test["trial"]) == {"2026Q3"}
    assert len(set(split.train["trial"])) == 7
    assert split.train["known_on"].max() == pd.Timestamp("2026-06-30")
    (last,) = split.folds
    assert set(split.train.loc[last, "trial"]) == {"2026Q2"}


def test_outcomes_that_were_not_known_yet_teach_nothing() -> None:
    frame = draw_frame("binary", people=300)
    options = {"alpha": 0.05, "min_group": 10, "seed": 3}
    known = date_rows(frame)["known_on"] < BEGINS
    tested = frame.frame["trial"] == "2025Q4"
    other = 1 - frame.frame["outcome"]
    later = replace_rows(
        frame, outcome=frame.frame["outcome"].where(known | tested, other)
    )
    assert not later.frame["outcome"].equals(frame.frame["outcome"])
    earlier = replace_rows(frame, outcome=frame.frame["outcome"].where(~known, other))
    held = [
        predict_target(item, before=frame.frame.tail(300), **options).held
        for item in (frame, later, earlier)
    ]
    for name in ("simple", "boosting"):
        first, same, moved = (item[name].predicted for item in held)
        np.testing.assert_array_equal(first, same)
        assert np.abs(first - moved).max() > 0.1


def test_an_event_after_the_split_is_no_event_of_what_taught() -> None:
    frame = draw_frame("time")
    split = split_by_time(frame, seed=1)
    ends = split.train["time_zero"] + pd.to_timedelta(split.train["time"], unit="D")
    assert (ends < split.begins).all()
    rows = frame.frame
    begins = (split.begins - rows["time_zero"]).dt.days
    beyond = (begins > 0) & (rows["time"] >= begins)
    assert (rows["event"] & beyond).sum() > 50
    shifted = replace_rows(
        frame,
        time=rows["time"].where(~beyond, begins + 1.0),
        event=rows["event"].where(~beyond, ~rows["event"]),
    )
    again = split_by_time(shifted, seed=1).train
    columns = ["unit", "trial", "time", "event"]
    pd.testing.assert_frame_equal(again[columns], split.train[columns])


def test_a_time_is_tested_for_as_long_as_both_sides_were_followed() -> None:
    split = split_by_time(draw_frame("time"), seed=1)
    assert split.begins == BEGINS
    assert split.horizon == (CUT - BEGINS).days == 364
    assert set(split.test["trial"]) == {"2025Q4"}


def test_times_are_cut_off_the_day_before() -> None:
    rows = pd.DataFrame(
        {
            "time_zero": pd.to_datetime(["2025-01-01"] * 4),
            "time": [8.0, 9.0, 10.0, 99.0],
            "event": [True, True, True, False],
        }
    )
    cut = censor_rows(rows, pd.Timestamp("2025-01-11"))
    assert cut["time"].tolist() == [8, 9, 9, 9]
    assert cut["event"].tolist() == [True, True, False, False]
    assert censor_rows(rows, pd.Timestamp("2025-01-02")).empty


def test_days_are_told_from_quarter_and_horizon_where_they_are_not_given() -> None:
    given = draw_frame("binary")
    bare = replace(given, frame=given.frame.drop(columns=["time_zero", "known_on"]))
    dated = date_rows(bare)
    expected = date_rows(given)
    assert dated["time_zero"].equals(expected["time_zero"])
    assert dated["known_on"].equals(expected["known_on"])
    value = draw_frame("continuous")
    assert date_rows(value)["known_on"].max() == CUT
    assert set(date_rows(draw_frame("time"))["known_on"]) == {CUT}


def test_no_earlier_closed_window_is_refused_in_words() -> None:
    frame = draw_frame("binary")
    recent = frame.frame[frame.frame["period"] > 0]
    with pytest.raises(DesignError, match="cannot be tested on later quarters"):
        split_by_time(replace(frame, frame=recent), seed=1)


def test_too_few_events_are_refused_in_words() -> None:
    frame = draw_frame("binary")
    rare = frame.frame["outcome"] * (frame.frame["unit"] < "u0030")
    with pytest.raises(TooFewUnitsError, match="at least 50 events"):
        split_by_time(replace_rows(frame, outcome=rare), seed=1)


def test_a_lone_quarter_is_tuned_on_fifths_of_its_people() -> None:
    split = split_by_time(draw_frame("binary"), seed=1)
    assert len(split.folds) == 5
    assert np.sum(split.folds, axis=0).tolist() == [1] * len(split.train)
    sizes = [int(fold.sum()) for fold in split.folds]
    assert max(sizes) - min(sizes) <= 1
