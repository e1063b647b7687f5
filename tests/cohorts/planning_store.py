"""A drawn organisation whose spread, teams and uptake are known, for planning.

Rating of person i of team j in quarter t:

    y = 3 + team (SD 0.3) + person (SD 0.5) + noise (SD 0.4)

so that the SD is 0.707, the correlation within teams 0.18 and that of two quarters of
one person 0.68. 600 agents in 60 teams of ten, 12 more hired every quarter into teams
of their own; one rating in ten is missing. In 2026Q1 60 people were drawn, of whom 18
of 30 completed the programme when offered it, and 3 of 30 of control; 12 others
complete it every quarter.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.core.store import Workspace

SD, ICC, CORRELATION = 0.5**0.5, 0.18, 0.68
TEAMS, SIZE = 60, 10
JOINERS, LEARNERS = 12, 12
QUARTERS = ("2025Q3", "2025Q4", "2026Q1", "2026Q2", "2026Q3")
STARTS = ("2025-07-01", "2025-10-01", "2026-01-01", "2026-04-01", "2026-07-01")

WORKBENCH = """
name: Planned
quarter: {first: 2025Q3, last: 2026Q3}
privacy: {lawful_basis: research_data, protected: []}
"""
PERSONAS = """
- {id: agents, label: Agents, where: "role = 'agent'", priority: 1}
- {id: clerks, label: Clerks, where: "role = 'clerk'", priority: 2}
"""
PROGRAMS = """
- {id: talking, personas: [agents, clerks], courses: [a], complete: {at_least: 1}}
- {id: writing, personas: [clerks], courses: [b], complete: {at_least: 1}}
- {id: fresh, personas: [agents], courses: [c], complete: {at_least: 1}}
"""
OUTCOMES = """
- {id: rating, label: Rating, source: performance.rating, kind: continuous,
   unit: points, threshold: {relative: 0.05}}
- {id: stayed, source: exits.voluntary, kind: time_to_event, horizon_days: 180}
- {id: days, source: proficiency_dates.days, kind: time_to_event, direction: down,
   horizon_days: 365}
- {id: target, source: performance.kpi_attainment, kind: continuous}
- {id: slow, source: performance.rating, kind: continuous, lag_quarters: 8}
"""


def make_planned(folder: Path) -> Workspace:
    """Write parameters and store of the organisation ``planned``."""
    workspace = Workspace(folder / "project")
    files = workspace.params / "planned"
    files.mkdir(parents=True)
    workspace.notebooks.mkdir()
    for name, text in (
        ("workbench", WORKBENCH),
        ("personas", PERSONAS),
        ("programs", PROGRAMS),
        ("outcomes", OUTCOMES),
    ):
        (files / f"{name}.yml").write_text(text)
    store = workspace.store("planned")
    store.mkdir(parents=True)
    tables = _draw_tables()
    for name, frame in tables.items():
        frame.to_parquet(store / f"{name}.parquet", index=False)
    (store / "_load.json").write_text(json.dumps({"tables": dict.fromkeys(tables, 0)}))
    return workspace


def _draw_tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(11)
    hired = ["2020-01-01"] * (TEAMS * SIZE)
    team = [f"m{number // SIZE:03d}" for number in range(TEAMS * SIZE)]
    for number, day in enumerate(STARTS):
        hired += [day] * JOINERS
        team += [f"n{number}"] * JOINERS
    people = pd.DataFrame({"unit": range(len(hired)), "hire_date": hired, "team": team})
    people["unit"] = [f"p{number:04d}" for number in people["unit"]]
    drawn = people["unit"][:60].to_list()
    completed = [(unit, "2026-02-10") for unit in (*drawn[:3], *drawn[30:48])]
    for number, day in enumerate(STARTS):
        first = 100 + number * LEARNERS
        late = pd.Timestamp(day) + pd.Timedelta(days=40)
        own = people["unit"][first : first + LEARNERS]
        completed += [(unit, late.date().isoformat()) for unit in own]
    return {
        "employees": pd.DataFrame(
            {"employee_id": people["unit"], "hire_date": people["hire_date"]}
        ),
        "job_history": pd.DataFrame(
            {
                "employee_id": people["unit"],
                "effective_date": people["hire_date"],
                "event": "hire",
                "role": "agent",
                "level": "l1",
                "manager_id": people["team"],
            }
        ),
        "courses": pd.DataFrame(
            {
                "course_id": ["a", "b", "c"],
                "title": ["A", "B", "C"],
                "modality": "virtual",
                "effort_hours": 1.0,
            }
        ),
        "course_skills": pd.DataFrame({"course_id": ["a"], "skill": ["talk"]}),
        "enrollments": _enrol(completed),
        "performance": _rate(people, rng),
        "experiments": pd.DataFrame(
            {
                "experiment_id": ["trial"],
                "design": ["individual"],
                "persona": ["agents"],
                "started_on": ["2026-01-01"],
                "ended_on": ["2026-03-31"],
                "course_ids": [["a"]],
                "primary_outcome": ["rating"],
            }
        ),
        "assignments": pd.DataFrame(
            {
                "experiment_id": "trial",
                "employee_id": drawn,
                "arm": ["control"] * 30 + ["treatment"] * 30,
                "assigned_at": "2026-01-01 09:00:00",
            }
        ),
    }


def _enrol(completed: list[tuple[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "enrollment_id": f"e{number}",
                "employee_id": unit,
                "course_id": "a",
                "enrolled_at": day,
                "completed_at": day,
                "score": 80.0,
                "status": "completed",
            }
            for number, (unit, day) in enumerate(completed)
        ]
    )


def _rate(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    teams = {name: rng.normal() * 0.3 for name in sorted(set(people["team"]))}
    level = 3 + people["team"].map(teams) + rng.normal(size=len(people)) * 0.5
    parts = []
    for quarter, first_day in zip(QUARTERS, STARTS, strict=True):
        rated = level + rng.normal(size=len(people)) * 0.4
        there = (people["hire_date"] <= first_day) & (rng.random(len(people)) < 0.9)
        parts.append(
            pd.DataFrame(
                {
                    "employee_id": people["unit"][there],
                    "period": quarter,
                    "rating": rated[there],
                    "kpi_attainment": 1.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
