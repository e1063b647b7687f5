"""Experiments on the hand-made organisation, small enough to check by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cohorts.conftest import CUT, fill
from workbench.cohorts.assignments import count_assignments
from workbench.cohorts.experiments import ExperimentSet, build_experiments
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.registration import Registration
from workbench.data.cut import open_cut

TABLES = ["employees", "enrollments", "performance", "skill_assessments", "job_history"]

FURTHER = (
    ("q1", "2024-01-10", None, False),
    ("q2", "2024-01-10", None, True),
    ("q3", "2024-01-10", None, True),
    ("q4", "2024-01-10", None, True),
    ("q5", "2024-01-10", None, True),
    ("q6", "2024-01-10", "2026-01-10", True),
)
"""Person, hire, exit, whether consent was given."""

DRAWN = (
    ("p1", "treatment", "2026-01-15"),
    ("p2", "control", "2026-01-15"),
    ("p3", "treatment", "2026-01-15"),
    ("p4", "control", "2026-01-15"),
    ("p5", "treatment", "2026-01-20"),
    ("m1", "control", "2026-01-15"),
    ("q1", "treatment", "2026-01-15"),
    ("q2", "treatment", "2026-01-15"),
    ("q2", "control", "2026-01-15"),
    ("q3", "control", "2026-01-15"),
    ("q3", "treatment", "2026-02-01"),
    ("q4", "treatment", "2026-04-02"),
    ("q5", "treatment", "2025-12-20"),
    ("q6", "control", "2026-01-15"),
)


def declare(**more: object) -> dict[str, object]:
    """Return a row of ``experiments``: an individual experiment of 2026Q1."""
    return {
        "experiment_id": "x/1 <b>",
        "design": "individual",
        "persona": "agents",
        "started_on": "2026-01-05",
        "ended_on": "2026-03-31",
        "course_ids": ["c1", "c2"],
        "primary_outcome": "performance_rating",
    } | more


def assign(
    rows: Sequence[Sequence[str | None]], *, experiment: str = "x/1 <b>"
) -> list[dict[str, object]]:
    """Return rows of ``assignments``: person, arm, day, cluster and exposure."""
    names = ("employee_id", "arm", "assigned_at", "cluster_id", "exposed_from")
    return [
        {"experiment_id": experiment} | dict(zip(names, row, strict=False))
        for row in rows
    ]


def register(**more: object) -> Registration:
    """Return the registration of the experiment that `declare` gives."""
    known: dict[str, object] = {
        "experiment": "x/1 <b>",
        "written_on": "2025-12-01",
        "design": "individual",
        "persona": "agents",
        "program": "talking",
        "primary_outcome": "performance_rating",
        "lag_quarters": 1,
        "starts_on": "2026-01-05",
        "ends_on": "2026-03-31",
        "people": 4,
        "smallest_effect": 0.5,
        "power": 0.8,
    }
    return Registration.model_validate(known | more)


def read(
    folder: Path,
    params: OrgParams,
    *,
    experiments: Sequence[Mapping[str, object]],
    assignments: Sequence[Mapping[str, object]],
    quarter: str = "2026Q3",
    persona: str = "agents",
    tables: Sequence[str] = TABLES,
    changes: Mapping[str, list[dict[str, object]]] | None = None,
) -> ExperimentSet:
    """Write a store with experiments and read them."""
    store = fill(folder / "drawn", make_changes(experiments, assignments, changes))
    reported = Quarter.parse(quarter)
    cut, privacy = min(reported.last_day, CUT), params.workbench.privacy
    everybody = open_cut(store, cut, privacy, consented_only=False)
    assigned = count_assignments(everybody)
    everybody.close()
    con = open_cut(store, cut, privacy)
    try:
        return build_experiments(
            con, params, reported, persona=persona, tables=tables, assigned=assigned
        )
    finally:
        con.close()


def make_changes(
    experiments: Sequence[Mapping[str, object]],
    assignments: Sequence[Mapping[str, object]],
    changes: Mapping[str, list[dict[str, object]]] | None = None,
) -> dict[str, list[dict[str, object]]]:
    """Return the rows that experiments add to the hand-made organisation."""
    more: dict[str, list[Any]] = {
        "employees": [
            {"employee_id": unit, "hire_date": hired, "exit_date": left, "gender": "f"}
            for unit, hired, left, _ in FURTHER
        ],
        "job_history": [
            {
                "employee_id": unit,
                "effective_date": hired,
                "event": "hire",
                "role": "agent",
                "level": "l1",
            }
            for unit, hired, _, _ in FURTHER
        ],
        "consent": [
            {
                "employee_id": unit,
                "purpose": "learning_impact",
                "granted": granted,
                "decided_at": "2024-01-01",
            }
            for unit, _, _, granted in FURTHER
        ],
        "experiments": [dict(row) for row in experiments],
        "assignments": [dict(row) for row in assignments],
    }
    for table, rows in (changes or {}).items():
        more[table] = more.get(table, []) + rows
    return more
