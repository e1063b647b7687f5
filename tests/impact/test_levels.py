"""Levels: survey scores and shares with intervals that allow for clusters."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from workbench.impact.levels import measure_nps, measure_share, tabulate_levels


def make_answers(scores: list[int]) -> pd.DataFrame:
    units = [f"p{place}" for place in range(len(scores))]
    return pd.DataFrame({"unit": units, "score": scores})


def test_nps_is_promoters_less_detractors():
    level = measure_nps(make_answers([10] * 5 + [9] * 5 + [8] * 6 + [6] * 2 + [0] * 2))
    assert level.value == pytest.approx(100 * (10 - 4) / 20)
    assert level.n == level.people == 20


def test_nps_error_of_single_answers_is_that_of_a_mean():
    scores = [10] * 12 + [7] * 9 + [3] * 9
    level = measure_nps(make_answers(scores))
    points = np.array([100.0] * 12 + [0.0] * 9 + [-100.0] * 9)
    assert level.std_error == pytest.approx(points.std(ddof=1) / math.sqrt(30))


def test_answers_of_one_person_count_as_one_person():
    once = make_answers([10] * 10 + [2] * 10)
    often = pd.concat([once] * 4)
    assert measure_nps(often).std_error == pytest.approx(
        measure_nps(once).std_error, rel=0.02
    )
    assert measure_nps(often).people == 20


@pytest.mark.parametrize(("holds", "n"), [(30, 100), (1, 40), (0, 25), (25, 25)])
def test_share_of_independent_people_has_wilsons_interval(holds, n):
    frame = pd.DataFrame(
        {"unit": range(n), "done": [True] * holds + [False] * (n - holds)}
    )
    level = measure_share(frame, "done")
    low, high = proportion_confint(holds, n, method="wilson")
    assert level.value == holds / n
    assert level.low == pytest.approx(low, abs=0.02)
    assert level.high == pytest.approx(high, abs=0.02)
    assert level.low >= 0
    assert level.high <= 1


def test_managers_who_are_all_alike_widen_the_interval():
    frame = pd.DataFrame(
        {
            "unit": range(200),
            "boss": np.repeat(np.arange(20), 10),
            "done": np.repeat(np.arange(20) % 2 == 0, 10),
        }
    )
    alone = measure_share(frame, "done")
    together = measure_share(frame, "done", cluster="boss")
    ratio = (together.high - together.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(math.sqrt(10), rel=0.12)


def test_few_people_have_no_level():
    level = measure_nps(make_answers([10] * 9))
    assert math.isnan(level.value)
    assert math.isnan(level.low)
    assert level.people == 9
    assert math.isnan(measure_nps(make_answers([])).value)


@given(st.lists(st.integers(0, 10), min_size=10, max_size=60))
def test_nps_stays_within_its_scale(scores):
    level = measure_nps(make_answers(scores))
    assert -100 <= level.value <= 100
    if math.isnan(level.std_error):
        assert level.value in (-100, 0, 100)
    else:
        assert -100 <= level.low <= level.value <= level.high <= 100


def test_answers_of_one_kind_do_not_look_certain():
    level = measure_nps(make_answers([9, 10] * 6))
    assert level.value == 100
    assert math.isnan(level.std_error)
    assert math.isnan(level.low)
    assert math.isnan(level.high)


def test_the_table_has_its_columns_also_when_empty():
    assert tabulate_levels([]).empty
    row = {"measure": "learner_nps", "program": "p", "value": 3.0, "n": 12}
    table = tabulate_levels([row])
    assert table.loc[0, "n"] == 12
    assert pd.isna(table.loc[0, "low"])
