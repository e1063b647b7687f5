from __future__ import annotations

import math
from datetime import datetime

import pandas as pd
import pytest

from tests.data.audit.conftest import Opener
from tests.data.audit.stores import LAST, Rows
from workbench.core.params import Privacy
from workbench.data.audit.coverage import (
    SWITCHED_OFF,
    measure_consent,
    measure_joins,
    measure_tags,
)
from workbench.data.audit.faults import count_faults
from workbench.data.audit.freshness import measure_freshness
from workbench.data.contract import TABLES

NONE_ASIDE = pd.DataFrame({"table": [], "column": [], "reason": [], "rows": []})
COUNTS = {"people": 100, "granted": 60, "refused": 30, "undecided": 10}


def _share(found: pd.DataFrame, table: str, of: str) -> pd.Series:
    return found[(found["table"] == table) & (found["of"] == of)].iloc[0]


def test_all_people_known(rows: Rows, opened: Opener) -> None:
    found = measure_joins(count_faults(opened(rows)), NONE_ASIDE)
    assert (found["share"] == 1).all()
    assert set(found["status"]) == {"pass"}


def test_rows_set_aside_count_as_unknown(rows: Rows, opened: Opener) -> None:
    aside = pd.DataFrame(
        [
            ("performance", "employee_id", "unknown_employee", 432),
            ("performance", "employee_id", "duplicate_key", 1000),
            ("enrollments", "employee_id", "unknown_employee", 8),
        ],
        columns=["table", "column", "reason", "rows"],
    )
    rows["enrollments"][0]["employee_id"] = "e" * 32
    found = measure_joins(count_faults(opened(rows)), aside)
    half = _share(found, "performance", "employee_id")
    assert (half["rows"], half["covered"], half["share"]) == (864, 432, 0.5)
    assert half["status"] == "warn"
    some = _share(found, "enrollments", "employee_id")
    assert (some["rows"], some["covered"]) == (440, 431)
    assert some["status"] == "warn"


def test_less_than_half_known_fails(rows: Rows, opened: Opener) -> None:
    for row in rows["performance"][:300]:
        row["employee_id"] = "e" * 32
    rows["performance"] = rows["performance"][:400]
    for number, row in enumerate(rows["performance"]):
        row["period"] = f"{1990 + number // 4}Q{number % 4 + 1}"
    found = measure_joins(count_faults(opened(rows)), NONE_ASIDE)
    assert _share(found, "performance", "employee_id")["status"] == "fail"


def test_tags(rows: Rows, opened: Opener) -> None:
    rows["course_skills"] = rows["course_skills"][:1]
    found = measure_tags(opened(rows)).set_index("table")
    assert found.loc["courses", ["rows", "covered", "status"]].tolist() == [
        2,
        1,
        "warn",
    ]
    assert found.loc["enrollments", "share"] == 0.5


def test_consent_counts() -> None:
    row = measure_consent(COUNTS, Privacy(lawful_basis="consent")).iloc[0]
    assert row["share"] == pytest.approx(0.6)
    assert row["status"] == "warn"
    assert row["text"] == "60 granted, 30 refused, 10 without a decision"
    good = measure_consent(COUNTS | {"granted": 70}, Privacy(lawful_basis="consent"))
    assert good["status"].tolist() == ["pass"]


def test_consent_does_not_apply_under_another_basis() -> None:
    row = measure_consent(COUNTS, Privacy(lawful_basis="research_data")).iloc[0]
    assert row["status"] == "not_applicable"
    assert row["text"] == "lawful basis: research data"


def test_every_optional_table_switches_something_off() -> None:
    optional = {table.name for table in TABLES.values() if not table.required}
    assert set(SWITCHED_OFF) == optional


def _freshness(rows: Rows, opened: Opener, **stored: int) -> pd.DataFrame:
    counts = {table: len(content) for table, content in rows.items()} | stored
    found = measure_freshness(opened(rows), stored=counts, quarter=LAST)
    return found.set_index("table")


def test_fresh_tables_pass(rows: Rows, opened: Opener) -> None:
    found = _freshness(rows, opened)
    assert found.loc["performance", "lag_days"] == 0
    assert found.loc["enrollments", ["lag_days", "cadence_days"]].tolist() == [6, 31]
    assert set(found.loc[found["value"].notna(), "status"]) == {"pass"}
    assert found.loc["courses", "text"] == "its rows are not dated"
    assert found.loc["consent", "status"] == "not_applicable"
    assert found["rows_after_cut"].sum() == 0


def test_late_tables_warn_and_fail(rows: Rows, opened: Opener) -> None:
    for row in rows["enrollments"]:
        if row["enrolled_at"] >= datetime(2026, 8, 20):
            row["enrolled_at"] = datetime(2026, 8, 20)
    rows["lms_events"] = [
        row for row in rows["lms_events"] if str(row["event_at"]) < "2026-09-11"
    ]
    found = _freshness(rows, opened)
    assert found.loc["enrollments", ["lag_days", "status"]].tolist() == [41, "warn"]
    assert found.loc["enrollments", "value"] == pytest.approx(31 / 41)
    assert found.loc["lms_events", ["lag_days", "status"]].tolist() == [20, "fail"]


def test_seasons_are_not_lateness(rows: Rows, opened: Opener) -> None:
    rows["skill_assessments"] = [
        row
        for row in rows["skill_assessments"]
        if str(row["assessed_at"])[5:7] in ("12", "06")
    ]
    found = _freshness(rows, opened)
    row = found.loc["skill_assessments"]
    assert (row["lag_days"], row["status"]) == (92, "pass")
    assert row["cadence_days"] > 180


def test_a_lag_at_every_quarter_end_is_usual(rows: Rows, opened: Opener) -> None:
    rows["lms_events"] = [row for row in rows["lms_events"] if row["event_at"].day < 20]
    row = _freshness(rows, opened).loc["lms_events"]
    assert (row["lag_days"], row["cadence_days"], row["status"]) == (11, 12, "pass")


def test_rows_after_the_cut_are_counted_not_read(rows: Rows, opened: Opener) -> None:
    late = rows["performance"][-1]
    rows["performance"].append({**late, "period": "2026Q4"})
    row = _freshness(rows, opened).loc["performance"]
    assert (row["rows"], row["rows_after_cut"], row["lag_days"]) == (432, 1, 0)


def test_a_table_of_no_rows(rows: Rows, opened: Opener) -> None:
    rows["surveys"] = []
    row = _freshness(rows, opened).loc["surveys"]
    assert row["text"] == "no row up to the cut"
    assert math.isnan(row["value"])
