"""A small organisation for tests of the portfolio and prescription stages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.prescribe.actions.crowd import AS_OF, QUARTER, make_person
from tests.prescribe.modules.draw_modules import draw_frame, make_records
from workbench.cohorts.module_records import ModuleRecords
from workbench.cohorts.people_now import PeopleNow
from workbench.core.params import OrgParams, Persona, Privacy, WorkbenchParams
from workbench.core.path_params import PathParams

PERSONA = "newcomers"
PEOPLE = 60


def draw_records(seed: int = 1, **more) -> ModuleRecords:
    """Four modules: the first is part of every completion, the last one harms."""
    rows = draw_frame(seed, people=1600, effects=((0.2, 0.5, 0.3, -0.8),), **more)
    rng = np.random.default_rng(seed)
    kinds = ["day", "night"]
    return make_records(
        rows.assign(
            skill_gap=rng.uniform(0, 30, len(rows)),
            shift=[kinds[at] for at in rng.integers(0, 2, len(rows))],
        ),
        covariates=("x1", "x2", "skill_gap"),
    )


def make_people(records: ModuleRecords, *, learnt: int = 5) -> PeopleNow:
    """Sixty people of the persona, the first few of whom have learnt already."""
    rng = np.random.default_rng(3)
    units = [f"{number:032x}" for number in range(PEOPLE)]
    rows = [
        make_person(
            unit,
            persona=records.persona,
            learnt=at < learnt,
            skill_gap=float(rng.uniform(0, 30)),
            shift=("day", "night")[at % 2],
            x1=0.0,
            x2=0.0,
        )
        for at, unit in enumerate(units)
    ]
    standing = pd.DataFrame(
        {
            "unit": units,
            "program": records.program.id,
            "learnt_on": [
                pd.Timestamp("2026-02-01") if at < learnt else pd.NaT
                for at in range(PEOPLE)
            ],
            "prior_modules": 0,
            "prior_program_skill": np.nan,
        }
    )
    gaps = pd.DataFrame(
        {
            "unit": units,
            "skill": "coding",
            "required": 60.0,
            "proficiency": 48.0,
            "gap": 12.0,
            "assessed_days": 20.0,
            "gap_quarters": 3,
        }
    )
    done = pd.DataFrame(
        {"unit": [], "course_id": [], "passed_on": pd.Series(dtype="datetime64[us]")}
    )
    return PeopleNow(
        quarter=QUARTER,
        as_of=AS_OF,
        frame=pd.DataFrame(rows),
        gaps=gaps,
        done=done,
        standing=standing,
    )


def make_params(folder: Path, records: ModuleRecords, **paths) -> OrgParams:
    workbench = WorkbenchParams(
        name="Test",
        quarter={"first": "2024Q4", "last": QUARTER},
        privacy=Privacy(lawful_basis="consent"),
    )
    known = {
        "equity": {"attributes": ("shift",), "floor": 0.8},
        "limits": {"modules": (3, 5), "people": 20},
    }
    return OrgParams(
        org="test",
        folder=folder,
        workbench=workbench,
        personas=(
            Persona(id=records.persona, label="Newcomers", where="true", priority=1),
        ),
        programs=(records.program,),
        outcomes=tuple(item.outcome for item in records.cohorts),
        paths=PathParams.model_validate(known | paths),
    )
