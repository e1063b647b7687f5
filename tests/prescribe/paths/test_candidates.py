"""Candidates as read from the tables, and what they refuse."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from workbench.core.errors import ParamError
from workbench.prescribe.paths.candidates import (
    Candidate,
    PersonaDemand,
    list_candidates,
)

CATALOGUE = pd.DataFrame(
    {
        "course_id": ["a", "b", "o"],
        "title": ["A", "B", "O"],
        "modality": "video",
        "effort_hours": [4.0, 5.0, 1.0],
        "unit_cost": [10.0, 20.0, 30.0],
        "fixed_cost": [math.nan, 100.0, 5.0],
        "prerequisites": [[], ["a"], []],
        "active": [True, True, False],
        "skills": [["calls"], [], ["tact"]],
    }
)
MODULES = pd.DataFrame(
    {
        "persona": ["desk", "desk", "deals"],
        "module": ["a", "b", "zz"],
        "impact": [0.3, math.nan, 1.0],
        "impact_low": [0.1, math.nan, 1.0],
        "impact_high": [0.5, math.nan, 1.0],
        "effort_hours": [3.5, 5.0, 1.0],
        "cost": [10.0, 20.0, 1.0],
        "decision": ["boost", "keep", "keep"],
        "identified": [True, False, True],
        "n_passed": [90, 100, 1],
        "n_skipped": [10, 0, 1],
    }
)


def test_modules_are_read_with_the_catalogue() -> None:
    given = {"persona": "desk", "always": {"b"}, "also": ("o", "a")}
    a, b, o = list_candidates(MODULES, CATALOGUE, **given)
    assert (a.hours, a.unit_cost, a.fixed_cost, a.skills) == (3.5, 10, 0, ("calls",))
    assert (a.worth, a.explore, a.always, a.outside) == (0.3, False, False, False)
    assert (b.worth, b.explore, b.always, b.prerequisites) == (0, False, True, ("a",))
    assert (o.worth, o.explore, o.outside, o.active) == (0, True, True, False)


def test_counts_that_are_kept_back_do_not_make_a_module_part_of_everything() -> None:
    table = MODULES.assign(n_passed=pd.NA, n_skipped=pd.NA)
    _, b = list_candidates(table, CATALOGUE, persona="desk")
    assert (b.always, b.explore) == (False, True)


def test_a_module_that_the_catalogue_lacks_is_named() -> None:
    with pytest.raises(ParamError, match="zz"):
        list_candidates(MODULES, CATALOGUE, persona="deals")


@pytest.mark.parametrize("name", ["hours", "unit_cost", "fixed_cost"])
def test_negative_numbers_are_refused(name: str) -> None:
    given = {"hours": 1.0, name: -1.0}
    with pytest.raises(ParamError, match=name):
        Candidate(persona="desk", module="a", **given)  # type: ignore[arg-type]


def test_a_priority_of_zero_is_refused() -> None:
    with pytest.raises(ParamError, match="priority"):
        PersonaDemand(persona="desk", program="first", people=1, priority=0)
