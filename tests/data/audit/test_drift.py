from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.audit.conftest import Opener
from tests.data.audit.stores import LAST, QUARTERS, Rows
from workbench.data.audit.drift import judge_psi, judge_shift, measure_drift
from workbench.data.audit.volume import count_volume, judge_volume

COUNTS = st.lists(st.integers(0, 500), min_size=2, max_size=10)


def _volume(*counts: int) -> pd.DataFrame:
    quarters = [str(item) for item in QUARTERS[: len(counts)]]
    return pd.DataFrame({"table": "events", "quarter": quarters, "rows": counts})


def test_volume_counts_every_quarter(rows: Rows, opened: Opener) -> None:
    rows["performance"] = [
        row for row in rows["performance"] if row["period"] != "2025Q3"
    ]
    volume = count_volume(opened(rows), QUARTERS)
    own = volume[volume["table"] == "performance"]
    assert own["quarter"].tolist() == [str(item) for item in QUARTERS]
    assert own["rows"].tolist() == [54, 54, 54, 0, 54, 54, 54, 54]
    events = volume[volume["table"] == "lms_events"]
    assert events["rows"].tolist() == [54] * 8
    # all were hired before the first of these quarters
    assert "employees" not in set(volume["table"])


def test_volume_of_an_empty_store(opened: Opener) -> None:
    assert count_volume(opened({}), QUARTERS).empty


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ((1000, 1000), "pass"),
        ((1000, 1200), "pass"),
        ((1000, 1500), "warn"),
        ((1000, 600), "warn"),
        ((100, 130), "pass"),
        ((1000, 0), "warn"),
        ((0, 1000), "warn"),
        ((5, 12), "not_applicable"),
        ((0, 0), "not_applicable"),
        ((1000, 2000, 1000, 2000, 1000), "pass"),
        ((1000, 1010, 990, 1000, 500), "warn"),
    ],
)
def test_volume_is_judged_with_its_own_error(
    counts: tuple[int, ...], status: str
) -> None:
    assert judge_volume(_volume(*counts))[0]["status"] == status


def test_volume_limit_by_hand() -> None:
    row = judge_volume(_volume(400, 100))[0]
    error = math.sqrt(1 / 400 + 1 / 100)
    assert row["value"] == pytest.approx(math.log(1 / 4))
    assert row["std_error"] == pytest.approx(error)
    assert row["limit"] == pytest.approx(math.log(1.25) + 1.96 * error)
    assert row["text"] == "-75% rows"


def test_shift_by_hand() -> None:
    row = judge_shift((100, 3.5, 1.0), (400, 3.0, 1.0))
    assert row["value"] == pytest.approx(0.5)
    assert row["std_error"] == pytest.approx(math.sqrt(0.01 + 0.0025 + 0.25 / 1000))
    assert row["status"] == "warn"
    assert judge_shift((100, 3.1, 1.0), (400, 3.0, 1.0))["status"] == "pass"


def test_a_shift_within_its_error_is_no_finding() -> None:
    assert judge_shift((10, 3.5, 1.0), (10, 3.0, 1.0))["status"] == "pass"


def test_constant_values() -> None:
    assert judge_shift((50, 2.0, 0.0), (50, 2.0, 0.0))["status"] == "pass"
    assert judge_shift((50, 3.0, 0.0), (50, 2.0, 0.0))["status"] == "warn"


def test_psi_by_hand() -> None:
    row = judge_psi([60, 40], [50, 50])
    now, before = np.array([60.5, 40.5]) / 101, np.array([0.5, 0.5])
    assert row["value"] == pytest.approx(((now - before) * np.log(now / before)).sum())
    assert row["limit"] == pytest.approx(0.10 + 3.841459 * 0.02, rel=1e-6)
    assert row["std_error"] == pytest.approx(math.sqrt(2) * 0.02)


@given(COUNTS)
def test_psi_of_the_same_counts_is_zero(counts: list[int]) -> None:
    if sum(counts):
        assert judge_psi(counts, counts)["value"] == pytest.approx(0)


@given(st.data(), COUNTS)
def test_psi_is_symmetric_and_never_negative(
    data: st.DataObject, one: list[int]
) -> None:
    other = data.draw(st.permutations(one))
    if sum(one):
        there, back = judge_psi(one, other)["value"], judge_psi(other, one)["value"]
        assert there == pytest.approx(back)
        assert there >= 0


def _measure(rows: Rows, opened: Opener, *, min_group: int = 5) -> pd.DataFrame:
    con = opened(rows)
    volume = count_volume(con, QUARTERS)
    found = measure_drift(con, volume=volume, quarter=LAST, min_group=min_group)
    return found.set_index(["kind", "table", "column"])


def test_no_change_no_drift(rows: Rows, opened: Opener) -> None:
    found = _measure(rows, opened)
    assert set(found["status"]) <= {"pass", "not_applicable"}
    row = found.loc[("shift", "performance", "rating")]
    assert (row["n"], row["n_previous"], row["value"]) == (54, 54, 0)
    assert (row["quarter"], row["previous"]) == ("2026Q3", "2026Q2")


def test_moved_ratings_are_found(rows: Rows, opened: Opener) -> None:
    for row in rows["performance"]:
        if row["period"] == "2026Q3":
            row["rating"] = 5.0
    found = _measure(rows, opened)
    assert found.loc[("shift", "performance", "rating"), "status"] == "warn"
    assert found.loc[("psi", "performance", "rating"), "status"] == "warn"
    assert found.loc[("shift", "performance", "kpi_attainment"), "status"] == "pass"


def test_a_person_counts_once(rows: Rows, opened: Opener) -> None:
    last = [
        row for row in rows["enrollments"] if row["enrollment_id"].startswith("2026Q3")
    ]
    rows["enrollments"] += [
        {**row, "enrollment_id": f"again-{row['enrollment_id']}-{number}"}
        for row in last
        for number in range(5)
    ]
    found = _measure(rows, opened)
    assert found.loc[("shift", "enrollments", "score"), "n"] == 54
    assert found.loc[("volume", "enrollments", "rows"), "n"] == 324
    assert found.loc[("volume", "enrollments", "rows"), "status"] == "warn"


def test_small_groups_are_not_compared(rows: Rows, opened: Opener) -> None:
    row = _measure(rows, opened, min_group=55).loc[("shift", "performance", "rating")]
    assert row["status"] == "not_applicable"
    assert math.isnan(row["value"])
    assert pd.isna(row["n"])
    assert row["text"] == "fewer than 55 people in one of the quarters"


def test_nothing_to_compare(opened: Opener) -> None:
    con = opened({})
    volume = count_volume(con, QUARTERS)
    assert measure_drift(con, volume=volume, quarter=LAST, min_group=5).empty
