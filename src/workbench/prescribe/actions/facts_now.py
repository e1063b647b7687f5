"""From the tables of people to the arrays that rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.people_now import PeopleNow
from workbench.prescribe.actions.courses import Courses, OpenCourses, open_courses
from workbench.prescribe.rules.facts import FACTS
from workbench.prescribe.rules.language import Key, RuleBook
from workbench.prescribe.rules.situation import Situation, list_keys

__all__ = ["Subjects", "describe_people"]

_COLUMNS: Mapping[str, str] = {
    "mean_gap": "skill_gap",
    "days_since_completion": "last_completed_days",
    "completions_90d": "completions_90d",
    "manager_actions_90d": "manager_actions_90d",
    "coaching_90d": "coaching_90d",
    "days_since_manager_action": "one_to_one_days",
    "tenure": "tenure_days",
    "role_tenure": "role_tenure_days",
}
_ROWS: Mapping[str, str] = {
    "gap": "gap",
    "proficiency": "proficiency",
    "gap_quarters": "gap_quarters",
    "days_since_assessment": "assessed_days",
}
_BEHAVIOURS: Mapping[str, str] = {
    "manager_actions_90d": "count_90d",
    "days_since_manager_action": "days",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """People, what rules see of them, and the modules that could be meant.

    Attributes
    ----------
    frame : DataFrame
        The people looked at, one row each, in the order of all arrays.
    situation : Situation
        Their facts.
    open : OpenCourses
        Who passed what, and what is open to whom.
    next_module : ndarray of object, shape (people,)
        The path's next module, or None.
    skill_module : ndarray of object, shape (rows,)
        The best short module for each person's skill, or None.
    """

    frame: pd.DataFrame
    situation: Situation
    open: OpenCourses
    next_module: npt.NDArray[Any]
    skill_module: npt.NDArray[Any]

    def find_skill_module(self, skill: str) -> npt.NDArray[Any]:
        """Return the best short module for one named skill, or None, per person."""
        found = np.full(len(self.frame), None, dtype=object)
        at = self.situation.row_skill == skill
        found[self.situation.row_person[at]] = self.skill_module[at]
        return found


def describe_people(
    people: PeopleNow, frame: pd.DataFrame, book: RuleBook, courses: Courses
) -> Subjects:
    """Turn tables of people into what rules look at.

    Parameters
    ----------
    people : PeopleNow
        Tables of everybody, or of one persona.
    frame : DataFrame
        Those rows of ``people.frame`` that are looked at.
    book : RuleBook
        Says which behaviours and named modules are asked for.
    courses : Courses
        Courses that may be proposed.

    Returns
    -------
    Subjects
        In the order of `frame`.
    """
    frame = frame.reset_index(drop=True)
    opened = open_courses(people, frame, courses)
    gaps = people.gaps.assign(
        at=pd.Index(frame["unit"]).get_indexer(people.gaps["unit"])
    )
    gaps = gaps[gaps["at"] >= 0].sort_values(["at", "skill"], kind="stable")
    row_person = gaps["at"].to_numpy(dtype=np.intp)
    row_skill = gaps["skill"].to_numpy(dtype=object)
    skill_module = opened.find_for_skills(
        row_person, row_skill, hours=book.limits.micro_module_hours
    )
    next_module = opened.find_next()
    rows = {name: _floats(gaps[column]) for name, column in _ROWS.items()}
    situation = Situation(
        count=len(frame),
        people={
            **_describe_frame(frame),
            **_describe_courses(opened, book, next_module),
            **_describe_behaviours(people, frame, book),
        },
        row_person=row_person,
        row_skill=row_skill,
        rows={**rows, "module_for_skill": _present(skill_module)},
    )
    return Subjects(
        frame=frame,
        situation=situation,
        open=opened,
        next_module=next_module,
        skill_module=skill_module,
    )


def _describe_frame(frame: pd.DataFrame) -> dict[Key, npt.NDArray[Any]]:
    facts: dict[Key, npt.NDArray[Any]] = {
        (name, ""): _floats(frame[column]) for name, column in _COLUMNS.items()
    }
    for name in ("persona", "role", "level"):
        values = frame[name].astype(object)
        facts[name, ""] = values.where(values.notna(), None).to_numpy(dtype=object)
    facts["has_manager", ""] = frame["team"].notna().to_numpy(dtype=bool)
    # without seats given, nobody waits for one
    seats = frame["seat"] if "seat" in frame else pd.Series(True, index=frame.index)
    facts["has_seat", ""] = seats.to_numpy(dtype=bool)
    facts["programme_learnt", ""] = frame["learnt"].to_numpy(dtype=bool)
    counts = [len(courses) for courses in frame["in_progress"]]
    facts["courses_in_progress", ""] = np.array(counts, dtype=float)
    return facts


def _describe_courses(
    opened: OpenCourses, book: RuleBook, next_module: npt.NDArray[Any]
) -> dict[Key, npt.NDArray[Any]]:
    facts: dict[Key, npt.NDArray[Any]] = {
        ("path_begun", ""): opened.has_begun(),
        ("path_open", ""): _present(next_module),
    }
    for course in list_keys(book.rules, "passed"):
        facts["passed", course] = opened.has_passed(course)
    for course in list_keys(book.rules, "in_progress"):
        facts["in_progress", course] = opened.is_in_progress(course)
    for course in list_keys(book.rules, "module_open"):
        facts["module_open", course] = opened.is_open(course)
    return facts


def _describe_behaviours(
    people: PeopleNow, frame: pd.DataFrame, book: RuleBook
) -> dict[Key, npt.NDArray[Any]]:
    """Spread actions of managers by behaviour; without a log none is known."""
    facts: dict[Key, npt.NDArray[Any]] = {}
    unlogged = frame["manager_actions_90d"].isna().to_numpy(dtype=bool)
    for name, column in _BEHAVIOURS.items():
        counted = FACTS[name].unit == "times"
        for behaviour in list_keys(book.rules, name):
            if not behaviour:
                continue
            own = people.actions[people.actions["action"] == behaviour]
            values = frame["unit"].map(own.set_index("unit")[column])
            spread = _floats(values)
            if counted:
                spread = np.where(np.isnan(spread) & ~unlogged, 0.0, spread)
            facts[name, behaviour] = spread
    return facts


def _floats(values: pd.Series) -> npt.NDArray[np.float64]:
    return np.asarray(values.to_numpy(dtype=float, na_value=np.nan))


def _present(names: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return np.asarray(pd.notna(names), dtype=bool)
