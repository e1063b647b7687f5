"""A hand-made organisation small enough to check every row by eye."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from workbench.core.params import (
    OrgParams,
    Outcome,
    Persona,
    Privacy,
    Program,
    QuarterRange,
    WorkbenchParams,
)
from workbench.data.contract import TABLES
from workbench.data.cut import open_cut

CUT = date(2026, 9, 30)

EMPLOYEES = [
    # id, hire, exit, exit type, birth year, gender
    ("p1", "2024-01-10", None, None, 1990, "f"),
    ("p2", "2024-01-10", None, None, 1980, "m"),
    ("p3", "2024-01-10", "2026-02-15", "voluntary", 1970, "f"),
    ("p4", "2024-01-10", "2026-06-20", "involuntary", 1960, "m"),
    ("p5", "2026-02-01", None, None, 2000, "f"),
    ("m1", "2020-01-01", None, None, 1975, "f"),
]
JOBS = [
    ("p1", "2024-01-10", "hire", "agent", "l1", "north", "m1"),
    ("p1", "2026-05-10", "promotion", "agent", "l2", "north", "m1"),
    ("p2", "2024-01-10", "hire", "agent", "l1", "south", "m1"),
    ("p3", "2024-01-10", "hire", "agent", "l1", "north", "m1"),
    ("p4", "2024-01-10", "hire", "clerk", "l1", "north", "m1"),
    ("p4", "2025-07-01", "transfer", "agent", "l1", "north", "m1"),
    ("p5", "2026-02-01", "hire", "agent", "l1", "south", "m1"),
    ("m1", "2020-01-01", "hire", "manager", "l3", "north", None),
]
COMPLETIONS = [
    ("e1", "p1", "c1", "2026-01-20", 80.0),
    ("e2", "p1", "c2", "2026-03-02", 70.0),
    ("e3", "p2", "c1", "2026-01-20", 80.0),
    ("e4", "p2", "c2", "2026-03-02", 50.0),
    ("e5", "p3", "c1", "2026-01-05", 90.0),
    ("e6", "p3", "c2", "2026-01-06", 90.0),
    ("e7", "p4", "c1", "2025-08-01", 90.0),
    ("e8", "p4", "c2", "2025-08-02", 90.0),
]
PERFORMANCE = [
    ("p1", "2025Q4", 3.0, 1.0),
    ("p1", "2026Q1", 3.9, 1.1),
    ("p1", "2026Q2", 4.0, 1.2),
    ("p2", "2025Q4", 2.0, 0.9),
    ("p2", "2026Q2", 2.5, 0.95),
    ("p3", "2025Q4", 4.0, 1.0),
    ("p4", "2026Q2", 3.5, 1.0),
    ("m1", "2025Q4", 5.0, 1.0),
]
SKILLS = [
    ("p1", "talk", "2025-11-01", 40.0),
    ("p1", "talk", "2025-12-01", 50.0),
    ("p1", "talk", "2026-01-01", 99.0),
    ("p1", "talk", "2026-05-05", 70.0),
    ("p2", "talk", "2025-12-01", 90.0),
]


def fill(
    store: Path, changes: dict[str, list[dict[str, object]]] | None = None
) -> Path:
    """Write the store of the hand-made organisation, with further rows per table."""
    con = duckdb.connect(":memory:")
    rows: dict[str, list[dict[str, object]]] = {
        "employees": [
            dict(zip(_EMPLOYEE, row, strict=True)) | {"permit": row[0] in ("p1", "p3")}
            for row in EMPLOYEES
        ],
        "job_history": [dict(zip(_JOB, row, strict=True)) for row in JOBS],
        "courses": [{"course_id": c, "title": c} for c in ("c1", "c2")],
        "course_skills": [{"course_id": "c1", "skill": "talk"}],
        "enrollments": [
            dict(zip(_ENROLLMENT, row, strict=True))
            | {"status": "completed", "enrolled_at": "2025-01-01"}
            for row in COMPLETIONS
        ],
        "performance": [
            dict(zip(_PERFORMANCE, row, strict=True)) for row in PERFORMANCE
        ],
        "skill_assessments": [
            dict(zip(_SKILL, row, strict=True)) | {"kind": "periodic"} for row in SKILLS
        ],
        "role_skills": [{"role": "agent", "skill": "talk", "required": 80.0}],
        "consent": [
            {
                "employee_id": row[0],
                "purpose": "learning_impact",
                "granted": True,
                "decided_at": "2024-01-01",
            }
            for row in EMPLOYEES
        ],
    }
    for table, more in (changes or {}).items():
        rows[table] = rows.get(table, []) + more
    store.mkdir(parents=True, exist_ok=True)
    for table, content in rows.items():
        _write(con, store, table, content)
    return store


_EMPLOYEE = (
    "employee_id",
    "hire_date",
    "exit_date",
    "exit_type",
    "birth_year",
    "gender",
)
_JOB = (
    "employee_id",
    "effective_date",
    "event",
    "role",
    "level",
    "location",
    "manager_id",
)
_ENROLLMENT = ("enrollment_id", "employee_id", "course_id", "completed_at", "score")
_PERFORMANCE = ("employee_id", "period", "rating", "kpi_attainment")
_SKILL = ("employee_id", "skill", "assessed_at", "proficiency")

_SQL_KINDS = {
    "id": "varchar",
    "cat": "varchar",
    "text": "varchar",
    "quarter": "varchar",
    "date": "date",
    "ts": "timestamp",
    "int": "bigint",
    "float": "double",
    "bool": "boolean",
    "list": "varchar[]",
}


def _write(
    con: duckdb.DuckDBPyConnection,
    store: Path,
    table: str,
    rows: list[dict[str, object]],
) -> None:
    kinds = {column.name: _SQL_KINDS[column.kind] for column in TABLES[table].columns}
    if table == "employees":
        kinds["permit"] = "boolean"
    con.execute(
        f"create or replace table t ({', '.join(f'{k} {v}' for k, v in kinds.items())})"
    )
    marks = ", ".join("?" for _ in kinds)
    for row in rows:
        con.execute(f"insert into t values ({marks})", [row.get(k) for k in kinds])
    con.execute(f"copy t to '{store / table}.parquet' (format parquet)")


@pytest.fixture
def params(tmp_path: Path) -> OrgParams:
    return make_params(tmp_path)


def make_params(root: Path) -> OrgParams:
    """Parameters of the hand-made organisation."""
    return OrgParams(
        org="small",
        folder=root / "params" / "small",
        workbench=WorkbenchParams(
            name="Small",
            quarter=QuarterRange(first="2025Q3", last="2026Q3"),
            privacy=Privacy(lawful_basis="consent", min_group=5, protected=("gender",)),
        ),
        personas=(
            Persona(id="agents", label="Agents", where="role = 'agent'", priority=1),
        ),
        programs=(
            Program(
                id="talking",
                personas=("agents",),
                courses=("c1", "c2"),
                complete={"at_least": 2, "min_score": 60, "within_days": 92},
            ),
        ),
        outcomes=(
            Outcome(
                id="performance_rating", source="performance.rating", kind="continuous"
            ),
            Outcome(
                id="retention",
                source="exits.voluntary",
                kind="time_to_event",
                horizon_days=90,
            ),
            Outcome(
                id="moves",
                source="job_history.internal_move",
                kind="binary",
                horizon_days=90,
            ),
            Outcome(
                id="skill_proficiency",
                source="skill_assessments.proficiency",
                kind="continuous",
            ),
            Outcome(
                id="permit",
                source="employees.permit",
                kind="binary",
                negative_control=True,
            ),
        ),
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return fill(tmp_path / "store")


@pytest.fixture
def con(store: Path, params: OrgParams) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = open_cut(store, CUT, params.workbench.privacy)
    yield connection
    connection.close()
