from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.audit.conftest import Opener
from tests.data.audit.stores import Rows
from workbench.data.audit.gaps import pool_small_groups
from workbench.data.audit.missingness import describe_missingness, measure_completeness


def _columns(found: pd.DataFrame, table: str) -> pd.DataFrame:
    own = found[(found["kind"] == "column") & (found["table"] == table)]
    return own.set_index("columns")


def test_columns_by_status(rows: Rows, opened: Opener) -> None:
    for row in rows["employees"][:15]:
        row["gender"] = None
        row["works_council"] = "x"
    found = describe_missingness(opened(rows), min_group=5)
    employees = _columns(found, "employees")
    assert employees.loc["gender", ["missing", "share", "status"]].tolist() == [
        15,
        0.25,
        "ok",
    ]
    assert employees.loc["works_council", "missing"] == 45
    assert employees.loc["exit_date", "status"] == "event"
    assert employees.loc["regrettable", "status"] == "not_supplied"
    assert employees.loc["hire_date", "status"] == "required"


def test_completeness_counts_only_what_should_be_filled(
    rows: Rows, opened: Opener
) -> None:
    for row in rows["employees"][:15]:
        row["gender"] = None
    found = measure_completeness(describe_missingness(opened(rows), min_group=5))
    own = found.set_index("table")
    # employee_id, hire_date, birth_year, gender of 60 people, 15 cells missing
    assert own.loc["employees", "value"] == pytest.approx(1 - 15 / 240)
    assert own.loc["employees", "rows"] == 60
    assert own.loc["enrollments", "value"] == 1.0


def test_patterns_name_columns_missing_together(rows: Rows, opened: Opener) -> None:
    for row in rows["performance"][:100]:
        row["rating"] = row["rating_scale_max"] = None
    for row in rows["performance"][100:130]:
        row["kpi_attainment"] = None
    found = describe_missingness(opened(rows), min_group=5)
    own = found[(found["kind"] == "pattern") & (found["table"] == "performance")]
    assert dict(zip(own["columns"], own["missing"], strict=True)) == {
        "(nothing missing)": 302,
        "rating, rating_scale_max": 100,
        "kpi_attainment": 30,
    }
    assert own["share"].sum() == pytest.approx(1)


def _drop_ratings(rows: Rows, *, role: str) -> None:
    people = {r["employee_id"] for r in rows["job_history"] if r["role"] == role}
    for row in rows["performance"]:
        if row["employee_id"] in people:
            row["rating"] = None


def test_uneven_gaps_are_found(rows: Rows, opened: Opener) -> None:
    _drop_ratings(rows, role="clerk")
    found = describe_missingness(opened(rows), min_group=5)
    own = found[(found["kind"] == "group") & (found["columns"] == "rating")]
    roles = own[own["group_by"] == "role"].set_index("group")
    assert roles["share"].to_dict() == {"agent": 0.0, "clerk": 1.0}
    assert set(roles["status"]) == {"uneven"}
    assert "100.0% missing, 0.0% among all others" in roles.loc["clerk", "text"]


def test_even_gaps_are_not(rows: Rows, opened: Opener) -> None:
    for row in rows["performance"]:
        if row["period"] in ("2025Q1", "2025Q2"):
            row["rating"] = None
    found = describe_missingness(opened(rows), min_group=5)
    own = found[(found["kind"] == "group") & (found["columns"] == "rating")]
    assert set(own["status"]) == {"ok"}
    assert own["share"].tolist() == pytest.approx([0.25] * 4)
    assert own["std_error"].tolist() == pytest.approx([0.0] * 4)


def test_error_of_a_share_has_people_as_units(rows: Rows, opened: Opener) -> None:
    _drop_ratings(rows, role="clerk")
    for row in rows["job_history"]:
        row["role"] = "all"
    found = describe_missingness(opened(rows), min_group=5)
    own = found[(found["kind"] == "group") & (found["columns"] == "rating")]
    north = own[own["group"] == "north"].iloc[0]
    # 36 people, 18 of them without any of 8 ratings: as 36 draws, not 288
    assert north["rows"] == 288
    assert north["share"] == pytest.approx(0.5)
    assert north["std_error"] == pytest.approx((0.25 / 36) ** 0.5)


def test_gaps_of_small_groups_are_pooled(rows: Rows, opened: Opener) -> None:
    _drop_ratings(rows, role="clerk")
    for row in rows["job_history"][20:23]:
        row["role"] = "rare"
    found = describe_missingness(opened(rows), min_group=5)
    own = found[(found["kind"] == "group") & (found["group_by"] == "role")]
    # three people are too few, and so the smaller of the other roles joins them
    assert len(own) == 2
    assert "(small groups)" in set(own["group"])
    assert own["rows"].sum() == 432


GROUPS = st.lists(st.integers(1, 40), min_size=1, max_size=8)


@given(GROUPS, st.integers(5, 20))
def test_pooling_shows_no_small_group(sizes: list[int], least: int) -> None:
    groups = pd.DataFrame(
        {
            "group": [f"g{index}" for index in range(len(sizes))],
            "people": sizes,
            "rows": [size * 2 for size in sizes],
        }
    )
    shown = pool_small_groups(groups, min_group=least)
    if sum(sizes) < least:
        assert shown.empty
        return
    assert int(shown["people"].sum()) == sum(sizes)
    assert int(shown["rows"].sum()) == 2 * sum(sizes)
    assert (shown["people"] >= least).all()
    kept = shown[shown["group"] != "(small groups)"]
    assert kept["people"].tolist() == [
        size
        for size, name in zip(sizes, groups["group"], strict=True)
        if name in set(kept["group"])
    ]
