"""A small organisation without a fault, and ways to put one in.

Sixty people in two roles and two places, two courses, eight quarters. Everything is
written by rule, so that every count in the tests can be worked out by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.core.params import (
    Completion,
    OrgParams,
    Outcome,
    Persona,
    Privacy,
    Program,
    QuarterRange,
    WorkbenchParams,
)
from workbench.core.quarters import Quarter, list_quarters
from workbench.data.contract import TABLES

PEOPLE = 60
LEAVERS = 6
LAST = Quarter.parse("2026Q3")
QUARTERS = list_quarters(Quarter.parse("2024Q4"), LAST)
Rows = dict[str, list[dict[str, Any]]]


def _person(number: int) -> str:
    return f"{number:032x}"


def build_rows() -> Rows:
    """Return the rows of every table of the organisation, as a fresh copy."""
    hired = date(2024, 1, 15)
    people = range(PEOPLE)
    rows: Rows = {
        "employees": [
            {
                "employee_id": _person(i),
                "hire_date": hired,
                "exit_date": date(2026, 3, 1) if i < LEAVERS else None,
                "exit_type": "voluntary" if i < LEAVERS else None,
                "birth_year": 1970 + i % 30,
                "gender": "f" if i % 2 else "m",
            }
            for i in people
        ],
        "job_history": [
            {
                "employee_id": _person(i),
                "effective_date": hired,
                "event": "hire",
                "role": "agent" if i % 2 else "clerk",
                "level": "l1",
                "location": "north" if i % 3 else "south",
                "manager_id": _person(PEOPLE - 1) if i < PEOPLE - 1 else None,
            }
            for i in people
        ],
        "courses": [
            {
                "course_id": course,
                "title": course.upper(),
                "modality": "elearning",
                "effort_hours": 2.0,
            }
            for course in ("c1", "c2")
        ],
        "course_skills": [
            {"course_id": course, "skill": "talk"} for course in ("c1", "c2")
        ],
        "consent": [
            {
                "employee_id": _person(i),
                "purpose": "learning_impact",
                "granted": True,
                "decided_at": datetime(2024, 1, 15),
            }
            for i in people
        ],
    }
    rows["job_history"].append(
        {**rows["job_history"][20], "effective_date": date(2026, 8, 1)}
        | {"event": "promotion", "level": "l2"}
    )
    active = [i for i in people if i >= LEAVERS]
    rows["enrollments"] = [
        _enrol(f"{quarter}-{i}", _person(i), quarter, "c1" if i % 2 else "c2", i)
        for quarter in QUARTERS
        for i in active
    ]
    rows["lms_events"] = [
        {
            "employee_id": row["employee_id"],
            "course_id": row["course_id"],
            "event_at": row["started_at"],
            "event": "launched",
            "duration_s": 60.0 + index % 7,
        }
        for index, row in enumerate(rows["enrollments"])
    ]
    rows["performance"] = [
        {
            "employee_id": _person(i),
            "period": str(quarter),
            "rating": 1.0 + i % 5,
            "rating_scale_max": 5.0,
            "kpi_attainment": 0.8 + (i % 10) / 20,
        }
        for quarter in QUARTERS
        for i in active
    ]
    rows["skill_assessments"] = [
        {
            "employee_id": _person(i),
            "skill": "talk",
            "assessed_at": datetime.combine(quarter.last_day, datetime.min.time()),
            "proficiency": 40.0 + i % 20,
            "kind": "periodic",
        }
        for quarter in QUARTERS
        for i in active
    ]
    return rows


def _enrol(
    key: str, person: str, quarter: Quarter, course: str, number: int
) -> dict[str, Any]:
    # spread over the quarter, up to its last day
    day = quarter.last_day - timedelta(days=number % 60)
    start = datetime.combine(day, datetime.min.time())
    return {
        "enrollment_id": key,
        "employee_id": person,
        "course_id": course,
        "enrolled_at": start,
        "started_at": start + timedelta(hours=1),
        "completed_at": start + timedelta(hours=3),
        "score": 50.0 + number % 40,
        "minutes": 100.0 + number % 9,
        "channel": "self",
        "modality": "elearning",
        "status": "completed",
    }


_ARROW = {
    "VARCHAR": pa.string(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "VARCHAR[]": pa.list_(pa.string()),
}


def write_store(store: Path, rows: Mapping[str, list[dict[str, Any]]]) -> Path:
    """Write rows as the Parquet files of a store, typed as the contract says."""
    store.mkdir(parents=True, exist_ok=True)
    for name, content in rows.items():
        types = {item.name: _ARROW[item.sql_type] for item in TABLES[name].columns}
        for row in content:
            types |= {key: pa.string() for key in row if key not in types}
        columns = {
            key: pa.array([row.get(key) for row in content], kind)
            for key, kind in types.items()
        }
        pq.write_table(pa.table(columns), store / f"{name}.parquet")
    return store


def build_params(**changes: Any) -> OrgParams:
    """Return the parameters of the organisation, changed where asked."""
    privacy = {"lawful_basis": "consent", "min_group": 5} | changes.pop("privacy", {})
    values: dict[str, Any] = {
        "org": "small",
        "folder": Path("params/small"),
        "workbench": WorkbenchParams(
            name="Small",
            quarter=QuarterRange(first="2024Q4", last="2026Q3"),
            privacy=Privacy(**privacy),
        ),
        "personas": (
            Persona(id="agents", label="Agents", where="role = 'agent'", priority=1),
        ),
        "programs": (
            Program(
                id="talking",
                personas=("agents",),
                courses=("c1",),
                complete=Completion(at_least=1),
            ),
        ),
        "outcomes": (
            Outcome(
                id="performance_rating", source="performance.rating", kind="continuous"
            ),
            Outcome(
                id="retention_12m",
                source="exits.voluntary",
                kind="time_to_event",
                horizon_days=365,
            ),
            Outcome(
                id="internal_mobility_12m",
                source="job_history.internal_move",
                kind="time_to_event",
                horizon_days=365,
            ),
            Outcome(
                id="skill_proficiency",
                source="skill_assessments.proficiency",
                kind="continuous",
            ),
        ),
    }
    return OrgParams(**(values | changes))
