"""Histories of the hand-made organisation, in days since 1 July 2025."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from tests.cohorts.conftest import make_params
from tests.cohorts.follow import Rows, complete, follow
from workbench.cohorts.follow_frames import Histories
from workbench.core.params import OrgParams


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Histories:
    folder = tmp_path_factory.mktemp("histories")
    (only,) = follow(folder / "store", complete(make_params(folder))).histories
    return only


def row(histories: Histories, unit: str) -> tuple[float, float, float, int]:
    found = histories.frame.set_index("unit").loc[unit]
    return found["entered"], found["learnt"], found["ended"], found["cause"]


def test_people_enter_once_on_their_first_day_in_the_persona(
    histories: Histories,
) -> None:
    assert histories.frame["unit"].tolist() == ["p1", "p2", "p3", "p4", "p5"]
    assert row(histories, "p1") == (0, 244, 456, 0)  # 2 March, to the cut
    # hired on 1 February, so first there at the start of a quarter on 1 April
    entered, learnt, ended, cause = row(histories, "p5")
    assert (entered, ended, cause) == (274, 456, 0)
    assert math.isnan(learnt)


def test_exits_end_a_history_with_their_cause(histories: Histories) -> None:
    assert histories.causes == ("resigned", "left otherwise")
    assert row(histories, "p3") == (0, 189, 229, 1)
    assert row(histories, "p4") == (0, 32, 354, 2)


def test_covariates_are_those_of_the_first_day(histories: Histories) -> None:
    frame = histories.frame.set_index("unit")
    assert frame.loc["p4", "role_tenure_days"] == 0
    assert frame.loc["p5", "tenure_days"] == 59
    assert frame["role"].dtype == "category"
    assert histories.outcome.id == "retention"


def test_completion_after_leaving_is_none(tmp_path: Path, params: OrgParams) -> None:
    late: Rows = {
        "enrollments": [
            {
                "enrollment_id": f"x{course}",
                "employee_id": "p4",
                "course_id": course,
                "enrolled_at": "2025-07-01",
                "completed_at": "2026-07-01",
                "score": 99.0,
                "status": "completed",
            }
            for course in ("c1", "c2")
        ]
    }
    harder = complete(params).programs[0].model_copy(update={"courses": ("c1", "c3")})
    late["enrollments"][1]["course_id"] = "c3"
    made = dataclasses.replace(complete(params), programs=(harder,))
    (only,) = follow(tmp_path / "store", made, late).histories
    entered, learnt, ended, _ = row(only, "p4")
    assert (entered, ended) == (0, 354)
    assert math.isnan(learnt)
