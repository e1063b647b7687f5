"""Courses that actions may propose: what is known of each, and to whom it is open."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.people_now import PeopleNow

__all__ = ["Course", "Courses", "OpenCourses", "list_courses", "open_courses"]

Mask: TypeAlias = npt.NDArray[np.bool_]
_RETIRE = "retire"
_ORDER = {"boost": 0, "keep": 1, "watch": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is known of a course: of the persona's programme, or of the catalogue.

    ``rank`` orders modules for a skill: the programme's by decision and impact per
    hour, then others by their hours. ``hours`` is NaN where it is not known.
    """

    id: str
    title: str
    hours: float
    prerequisites: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    active: bool = True
    retired: bool = False
    rank: tuple[float, float] = (math.inf, math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """Courses by id, and the path's modules in order."""

    known: dict[str, Course]
    path: tuple[str, ...]

    def for_skill(self, skill: str, *, hours: float) -> list[str]:
        """List courses that teach a skill in at most so many hours, best first."""
        fitting = [
            course
            for course in self.known.values()
            if skill in course.skills and course.hours <= hours
        ]
        ordered = sorted(fitting, key=lambda course: (course.rank, course.id))
        return [course.id for course in ordered]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCourses:
    """Who passed, who is in progress, and to whom courses are open.

    A course is open to a person if it is offered, not retired for being harmful or
    without effect, not passed, not in progress, and all its prerequisites are passed.
    """

    count: int
    courses: Courses
    passed: dict[str, Mask]
    in_progress: dict[str, Mask]

    def has_passed(self, course: str) -> Mask:
        """Return who passed a course."""
        return self.passed.get(course, np.zeros(self.count, dtype=bool))

    def is_in_progress(self, course: str) -> Mask:
        """Return who is in progress with a course."""
        return self.in_progress.get(course, np.zeros(self.count, dtype=bool))

    def is_open(self, course: str) -> Mask:
        """Return to whom a course is open; to nobody if it is not known."""
        known = self.courses.known.get(course)
        if known is None or known.retired or not known.active:
            return np.zeros(self.count, dtype=bool)
        result = ~self.has_passed(course) & ~self.is_in_progress(course)
        for other in known.prerequisites:
            result = result & self.has_passed(other)
        return result

    def find_next(self) -> npt.NDArray[Any]:
        """Return the first module of the path that is open, or None, for each person.

        Returns
        -------
        ndarray of object, shape (count,)
            Course ids.
        """
        found = np.full(self.count, None, dtype=object)
        for course in reversed(self.courses.path):
            found[self.is_open(course)] = course
        return found

    def has_begun(self) -> Mask:
        """Return who passed, or is in progress with, a module of the path."""
        result = np.zeros(self.count, dtype=bool)
        for course in self.courses.path:
            result |= self.has_passed(course) | self.is_in_progress(course)
        return result

    def find_for_skills(
        self, person: npt.NDArray[np.intp], skill: npt.NDArray[Any], *, hours: float
    ) -> npt.NDArray[Any]:
        """Return the best open course for each person and skill, or None.

        Parameters
        ----------
        person : ndarray of int, shape (rows,)
            Numbers of people.
        skill : ndarray of str, shape (rows,)
            Their skills.
        hours : float
            Longest course that is taken, hours.

        Returns
        -------
        ndarray of object, shape (rows,)
            Course ids.
        """
        found = np.full(len(person), None, dtype=object)
        for name in pd.unique(pd.Series(skill, dtype=object)):
            rows = np.flatnonzero(skill == name)
            for course in reversed(self.courses.for_skill(str(name), hours=hours)):
                found[rows[self.is_open(course)[person[rows]]]] = course
        return found


def list_courses(
    modules: pd.DataFrame,
    paths: pd.DataFrame,
    persona: str,
    catalogue: pd.DataFrame | None = None,
) -> Courses:
    """Collect what is known of courses.

    Parameters
    ----------
    modules : DataFrame
        Table ``modules`` of the portfolio, of all personas.
    paths : DataFrame
        Table ``paths`` of the portfolio.
    persona : str
        Whose programme and path count. Modules of other personas' programmes are not
        proposed, nor is any course that is retired for some persona.
    catalogue : DataFrame, optional
        Further courses: ``course_id``, ``title``, ``effort_hours``, ``prerequisites``,
        ``active``, ``skills``.

    Returns
    -------
    Courses
        By id, and the path in order.
    """
    own = modules[modules["persona"] == persona]
    others = set(modules["module"]) - set(own["module"])
    retired = set(modules.loc[modules["decision"] == _RETIRE, "module"])
    known = {course.id: course for course in _read_catalogue(catalogue, retired)}
    known = {name: course for name, course in known.items() if name not in others}
    closed = {name for name, course in known.items() if not course.active}
    for row in own.to_dict("records"):
        course = _read_module(row, retired, closed)
        known.setdefault(course.id, course)
        known[course.id] = course
    mine = paths[paths["persona"] == persona]
    for row in mine.to_dict("records"):
        if row["module"] not in known:
            known[str(row["module"])] = Course(
                id=str(row["module"]),
                title=str(row["title"]),
                hours=float(row["effort_hours"]),
                retired=row["module"] in retired,
            )
    programs = list(dict.fromkeys(mine["program"]))
    ordered = mine.assign(at=mine["program"].map(programs.index))
    ordered = ordered.sort_values(["at", "position"], kind="stable")
    path = tuple(dict.fromkeys(str(item) for item in ordered["module"]))
    return Courses(known=known, path=path)


def open_courses(
    people: PeopleNow, frame: pd.DataFrame, courses: Courses
) -> OpenCourses:
    """Find out who passed what and what is in progress.

    Parameters
    ----------
    people : PeopleNow
        Holds ``done``.
    frame : DataFrame
        The people looked at: ``unit`` and ``in_progress`` (list of course ids).
    courses : Courses
        Of `list_courses`.

    Returns
    -------
    OpenCourses
        With one entry per person of `frame`, in its order.
    """
    units = pd.Index(frame["unit"])
    at = units.get_indexer(people.done["unit"])
    passed = _mark(at, people.done["course_id"], len(frame))
    begun = frame["in_progress"].reset_index(drop=True).explode().dropna()
    in_progress = _mark(begun.index.to_numpy(), begun, len(frame))
    return OpenCourses(
        count=len(frame), courses=courses, passed=passed, in_progress=in_progress
    )


def _mark(at: npt.NDArray[np.intp], course: pd.Series, count: int) -> dict[str, Mask]:
    """Return one mask over people per course."""
    pairs = pd.DataFrame({"at": at, "course": course.to_numpy()})
    pairs = pairs[pairs["at"] >= 0]
    result = {}
    for name, rows in pairs.groupby("course", sort=True)["at"]:
        mask = np.zeros(count, dtype=bool)
        mask[rows.to_numpy()] = True
        result[str(name)] = mask
    return result


def _read_catalogue(
    catalogue: pd.DataFrame | None, retired: set[str]
) -> Iterable[Course]:
    if catalogue is None:
        return
    for row in catalogue.to_dict("records"):
        hours = float(row["effort_hours"])
        yield Course(
            id=str(row["course_id"]),
            title=str(row["title"]),
            hours=hours,
            prerequisites=_read_list(row["prerequisites"]),
            skills=_read_list(row["skills"]),
            active=bool(row["active"]),
            retired=row["course_id"] in retired,
            rank=(len(_ORDER) + 1.0, hours),
        )


def _read_module(row: dict[str, Any], retired: set[str], closed: set[str]) -> Course:
    ratio = float(row["ratio"])
    return Course(
        id=str(row["module"]),
        title=str(row["title"]),
        hours=float(row["effort_hours"]),
        prerequisites=_read_list(row["prerequisites"]),
        skills=_read_list(row["skills"]),
        active=row["module"] not in closed,
        retired=row["module"] in retired,
        rank=(
            float(_ORDER.get(str(row["decision"]), len(_ORDER))),
            math.inf if math.isnan(ratio) else -ratio,
        ),
    )


def _read_list(value: Sequence[Any] | float | None) -> tuple[str, ...]:
    """Return a list cell as a tuple; a missing one is empty."""
    if value is None or isinstance(value, float):
        return ()
    return tuple(str(item) for item in value)
