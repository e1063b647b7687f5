"""The hand-made organisation with what takes time: ramp, exits, surveys, managers."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

from tests.cohorts.conftest import CUT, fill
from workbench.cohorts.follow_frames import FollowUp
from workbench.cohorts.follow_up import (
    FollowUpSet,
    build_follow_ups,
    prepare_follow_ups,
)
from workbench.core.managers import ManagerParams
from workbench.core.params import OrgParams, Outcome
from workbench.core.quarters import Quarter
from workbench.data.cut import open_cut

Rows = dict[str, list[dict[str, object]]]

TABLES = (
    "employees",
    "job_history",
    "proficiency_dates",
    "surveys",
    "manager_actions",
)
RAMP = Outcome(
    id="ramp_days",
    source="proficiency_dates.days",
    kind="time_to_event",
    unit="days",
    direction="down",
    horizon_days=90,
)
MANAGERS = ManagerParams.model_validate(
    {
        "within_days": 30,
        "behaviours": [
            {"id": "one_to_one", "label": "Talk"},
            {"id": "coaching", "label": "Coaching", "coaching": True},
        ],
    }
)
SPELLS: Rows = {
    "proficiency_dates": [
        {
            "employee_id": unit,
            "role": "agent",
            "role_start": start,
            "proficient_at": end,
        }
        for unit, start, end in (
            ("p1", "2024-01-10", "2025-11-10"),
            ("p2", "2024-01-10", None),
            ("p3", "2024-01-10", None),
            ("p4", "2025-07-01", None),
            ("p5", "2026-02-01", "2026-10-05"),
        )
    ],
    "job_history": [
        {
            "employee_id": "p4",
            "effective_date": "2026-01-20",
            "event": "change",
            "role": "clerk",
            "level": "l1",
            "location": "north",
            "manager_id": "m1",
        }
    ],
}


def join(*parts: Rows) -> Rows:
    """Put the rows of several changes together."""
    joined: Rows = {}
    for part in parts:
        for table, rows in part.items():
            joined[table] = joined.get(table, []) + rows
    return joined


def complete(params: OrgParams) -> OrgParams:
    """Add days to proficiency and managers' behaviours to the parameters."""
    return dataclasses.replace(
        params, outcomes=(*params.outcomes, RAMP), managers=MANAGERS
    )


def follow(
    folder: Path,
    params: OrgParams,
    changes: Rows | None = None,
    *,
    quarter: str = "2026Q3",
    tables: tuple[str, ...] = TABLES,
) -> FollowUpSet:
    """Load the hand-made organisation, with further rows, as the stage does."""
    parsed = Quarter.parse(quarter)
    cut: date = parsed.last_day
    assert cut <= CUT
    con = open_cut(fill(folder, changes), cut, params.workbench.privacy)
    try:
        prepare_follow_ups(con, params, parsed, persona="agents")
        return build_follow_ups(con, params, parsed, persona="agents", tables=tables)
    finally:
        con.close()


def find(found: FollowUpSet, outcome: str) -> FollowUp:
    """Return the follow-up of one outcome."""
    return next(x for x in found.follow_ups if x.cohort.outcome.id == outcome)


def ending(follow_up: FollowUp, unit: str, trial: str) -> tuple[float, int, float]:
    """Return duration, cause and elapsed days of one row."""
    frame = follow_up.cohort.frame
    rows = frame[(frame["unit"] == unit) & (frame["trial"] == trial)]
    assert len(rows) == 1, (unit, trial, len(rows))
    row = rows.iloc[0]
    return float(row["duration"]), int(row["cause"]), float(row["elapsed"])


def is_in(follow_up: FollowUp, unit: str, trial: str) -> bool:
    """Tell whether a person is followed from a trial."""
    frame = follow_up.cohort.frame
    return bool(((frame["unit"] == unit) & (frame["trial"] == trial)).any())
