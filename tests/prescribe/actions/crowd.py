"""People, modules and paths that tests of actions are made with."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from workbench.cohorts.people_now import PeopleNow

AS_OF = date(2026, 10, 1)
QUARTER = "2026Q3"
SKILLS = ("coaching", "feedback", "planning")


def make_person(unit: str = "u1", **more) -> dict:
    """One row of people, of whom nothing in particular is known."""
    usual = {
        "unit": unit,
        "persona": "leads",
        "team": "m1",
        "site": "north",
        "region": "west",
        "role": "team_lead",
        "level": "L1",
        "shift": "day",
        "fte": 1.0,
        "tenure_days": 400.0,
        "role_tenure_days": 300.0,
        "skill_gap": 5.0,
        "prior_rating": 3.0,
        "prior_kpi": 1.0,
        "prior_courses": 1.0,
        "learnt": False,
        "in_progress": [],
        "last_completed_days": np.nan,
        "completions_90d": 0.0,
        "manager_actions_90d": 0.0,
        "coaching_90d": 0.0,
        "one_to_one_days": np.nan,
    }
    return usual | more


def make_gap(unit: str = "u1", skill: str = "coaching", gap: float = 12.0, **more):
    usual = {
        "unit": unit,
        "skill": skill,
        "required": 60.0,
        "proficiency": 60.0 - gap,
        "gap": gap,
        "assessed_days": 20.0,
        "gap_quarters": 3,
    }
    return usual | more


def make_people(persons=None, gaps=(), done=(), actions=()) -> PeopleNow:
    columns = list(make_gap())
    return PeopleNow(
        quarter=QUARTER,
        as_of=AS_OF,
        frame=pd.DataFrame(persons or [make_person()]),
        gaps=pd.DataFrame(list(gaps), columns=columns),
        done=pd.DataFrame(list(done), columns=["unit", "course_id"]).assign(
            passed_on=pd.Timestamp("2026-05-01")
        ),
        actions=pd.DataFrame(
            list(actions), columns=["unit", "action", "count_90d", "days"]
        ),
    )


def make_modules(**changes) -> pd.DataFrame:
    """Four modules of the persona's programme, and one of another's."""
    rows = [
        make_module("m-1", skills=["coaching"], identified=False, decision="keep"),
        make_module("m-2", skills=["coaching"], prerequisites=["m-1"], ratio=2.0),
        make_module("m-3", skills=["feedback"], decision="retire", impact=-0.3),
        make_module("m-4", skills=["planning"], effort_hours=9.0, decision="watch"),
        make_module("x-1", persona="others", skills=["coaching"], effort_hours=1.0),
    ]
    table = pd.DataFrame(rows).set_index("module")
    for name, values in changes.items():
        for column, value in values.items():
            table.loc[name.replace("_", "-"), column] = value
    return table.reset_index()


def make_module(module: str, **more) -> dict:
    usual = {
        "persona": "leads",
        "program": "leading",
        "module": module,
        "title": f"Module {module}",
        "modality": "elearning",
        "impact": 0.4,
        "impact_low": 0.1,
        "impact_high": 0.7,
        "effort_hours": 3.0,
        "ratio": 1.0,
        "decision": "boost",
        "identified": True,
        "explore": False,
        "skills": [],
        "prerequisites": [],
    }
    return usual | more


def make_paths(*modules: str) -> pd.DataFrame:
    rows = [
        {
            "persona": "leads",
            "program": "leading",
            "position": position,
            "module": module,
            "title": f"Module {module}",
            "effort_hours": 3.0,
        }
        for position, module in enumerate(modules or ("m-1", "m-2"), start=1)
    ]
    columns = ["persona", "program", "position", "module", "title", "effort_hours"]
    return pd.DataFrame(rows, columns=columns)


def make_summary(**more) -> pd.DataFrame:
    usual = {
        "persona": "leads",
        "program": "leading",
        "impact": 0.9,
        "impact_low": 0.4,
        "impact_high": 1.4,
        "status": "optimal",
    }
    return pd.DataFrame([usual | more])


def make_catalogue(*rows: dict) -> pd.DataFrame:
    usual = {
        "title": "Elective",
        "effort_hours": 2.0,
        "prerequisites": [],
        "active": True,
        "skills": ["coaching"],
    }
    columns = ["course_id", *usual]
    return pd.DataFrame([usual | row for row in rows], columns=columns)


def make_crowd(count: int, seed: int = 1) -> PeopleNow:
    """Many people of all kinds."""
    rng = np.random.default_rng(seed)
    units = [f"{number:032x}" for number in range(count)]

    def some(values, share):
        return np.where(rng.random(count) < share, values, np.nan)

    frame = pd.DataFrame(
        {
            **{name: [value] * count for name, value in make_person().items()},
            "unit": units,
            "team": [
                f"m{number}" for number in rng.integers(0, count // 10 + 1, count)
            ],
            "tenure_days": rng.integers(0, 3000, count).astype(float),
            "role_tenure_days": rng.integers(0, 1000, count).astype(float),
            "skill_gap": rng.uniform(0, 30, count),
            "learnt": rng.random(count) < 0.4,
            "last_completed_days": some(rng.integers(0, 400, count), 0.8),
            "completions_90d": rng.integers(0, 4, count).astype(float),
            "manager_actions_90d": rng.integers(0, 5, count).astype(float),
            "coaching_90d": rng.integers(0, 3, count).astype(float),
            "one_to_one_days": some(rng.integers(0, 200, count), 0.7),
        }
    )
    choices = [[], [], [], ["m-1"], ["m-2", "e-1"], ["e-1", "e-2", "e-3"]]
    frame["in_progress"] = [choices[i] for i in rng.integers(0, 6, count)]
    size = count * len(SKILLS)
    gap = np.maximum(0, rng.normal(6, 8, size))
    gaps = pd.DataFrame(
        {
            "unit": np.repeat(units, len(SKILLS)),
            "skill": np.tile(SKILLS, count),
            "required": 60.0,
            "proficiency": 60 - gap,
            "gap": gap,
            "assessed_days": rng.integers(0, 400, size).astype(float),
            "gap_quarters": np.where(gap > 0, rng.integers(1, 6, size), 0),
        }
    )
    done = pd.DataFrame(
        {
            "unit": rng.choice(units, count),
            "course_id": rng.choice(["m-1", "m-2", "m-4", "e-1"], count),
            "passed_on": pd.Timestamp("2026-05-01"),
        }
    ).drop_duplicates(["unit", "course_id"])
    actions = pd.DataFrame(
        {
            "unit": units,
            "action": rng.choice(["one_to_one", "practice_task", "shadowing"], count),
            "count_90d": rng.integers(0, 3, count),
            "days": rng.integers(0, 300, count).astype(float),
        }
    )
    return PeopleNow(
        quarter=QUARTER,
        as_of=AS_OF,
        frame=frame,
        gaps=gaps,
        done=done,
        actions=actions,
    )
