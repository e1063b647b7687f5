"""What paths are chosen from: modules with their worth, personas with their needs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from workbench.core.errors import ParamError

__all__ = ["BASE", "Candidate", "PersonaDemand", "list_candidates"]

BASE = "(programme)"
"""Row of a covariance that stands for what no single module carries."""

Decision = Literal["boost", "keep", "retire", "watch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One module that one persona's path may hold.

    ``impact`` is that of passing the module for one learner, in smallest worthwhile
    changes (*thresholds*), with ``low`` and ``high`` its interval; NaN where nothing
    is known, which counts as 0. ``hours`` are a learner's, ``unit_cost`` is paid per
    learner and ``fixed_cost`` once a quarter if anybody takes the module. ``always``
    marks what nearly everyone who completes has passed, so that it has no effect of
    its own; ``outside`` a module of the catalogue that no programme holds.
    """

    persona: str
    module: str
    title: str = ""
    modality: str = ""
    hours: float
    unit_cost: float = 0.0
    fixed_cost: float = 0.0
    impact: float = math.nan
    low: float = math.nan
    high: float = math.nan
    decision: Decision = "watch"
    always: bool = False
    outside: bool = False
    active: bool = True
    skills: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = f"persona {self.persona}, module {self.module}"
        for name in ("hours", "unit_cost", "fixed_cost"):
            value = getattr(self, name)
            if value < 0 or math.isinf(value):
                raise ParamError.build(
                    f"{name} of a module cannot be", where=where, rule="0 or more",
                    got=value,
                )  # fmt: skip
        if math.isinf(self.impact):
            raise ParamError.build("The impact of a module is infinite", where=where)

    @property
    def worth(self) -> float:
        """Impact as it counts: 0 where none is known or the module lies outside."""
        known = not (math.isnan(self.impact) or self.outside or self.always)
        return self.impact if known else 0.0

    @property
    def explore(self) -> bool:
        """Whether the module is not shown to help, so that taking it is to find out."""
        return not self.always and (self.outside or not self.low > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaDemand:
    """What one persona needs: how many people, which skills, which programme.

    ``people`` have yet to learn. A path holds at least ``at_least`` modules of the
    programme (its completion rule). ``gaps`` are mean skill gaps in points, ``met``
    courses that nearly everyone has passed before, so that they count as
    prerequisites held. ``priority`` weighs the persona's impact against others' where
    a shared limit does not suffice for all. ``base`` is the impact of completing the
    programme that no module carries (thresholds per learner, error
    ``base_std_error``); ``covariance`` that of the modules' impacts, with modules and,
    where known, `BASE` as labels.
    """

    persona: str
    program: str
    people: int
    at_least: int = 0
    gaps: Mapping[str, float] = field(default_factory=dict)
    met: frozenset[str] = frozenset()
    priority: float = 1.0
    base: float = 0.0
    base_std_error: float = 0.0
    covariance: pd.DataFrame | None = None
    currency: str = ""

    def __post_init__(self) -> None:
        where = f"persona {self.persona}"
        if self.people < 0 or self.at_least < 0:
            raise ParamError.build("people and at_least are 0 or more", where=where)
        if not (self.priority > 0 and math.isfinite(self.priority)):
            raise ParamError.build(
                "priority is a weight above 0", where=where, got=self.priority
            )
        if not math.isfinite(self.base):
            raise ParamError.build("base is not a number", where=where, got=self.base)


def list_candidates(
    modules: pd.DataFrame,
    catalogue: pd.DataFrame,
    *,
    persona: str,
    always: Collection[str] = (),
    also: Sequence[str] = (),
) -> tuple[Candidate, ...]:
    """Read one persona's candidates from the tables of stage and catalogue.

    Parameters
    ----------
    modules : DataFrame
        Table ``modules`` of the portfolio: ``persona``, ``module``, ``impact``,
        ``impact_low``, ``impact_high``, ``effort_hours`` (per learner), ``cost`` (per
        learner), ``decision``.
    catalogue : DataFrame
        ``course_id``, ``title``, ``modality``, ``effort_hours``, ``unit_cost``,
        ``fixed_cost``, ``prerequisites`` and ``skills`` (lists), ``active``. A missing
        fixed cost counts as 0.
    persona : str
        Whose candidates.
    always : collection of str
        Modules that (nearly) all learners passed, so that they have no effect that
        could be told from completing.
    also : sequence of str
        Courses of the catalogue outside the programme.

    Returns
    -------
    tuple of Candidate
        Modules of the programme in the table's order, then those of `also`.

    Raises
    ------
    ParamError
        If a module or a course of `also` is not in the catalogue.
    """
    known = {str(row["course_id"]): row for row in catalogue.to_dict("records")}
    own = modules[modules["persona"] == persona].to_dict("records")
    named = [str(row["module"]) for row in own]
    more = [course for course in also if course not in named]
    missing = [course for course in (*named, *more) if course not in known]
    if missing:
        raise ParamError.build(
            "The catalogue lacks a module", where=f"persona {persona}", got=missing
        )
    inside = [
        _read_module(
            row, known[str(row["module"])], persona, always=row["module"] in always
        )
        for row in own
    ]
    outside = [
        Candidate(
            persona=persona,
            module=course,
            hours=float(known[course]["effort_hours"]),
            unit_cost=float(known[course]["unit_cost"]),
            outside=True,
            **_read_course(known[course]),
        )
        for course in more
    ]
    return (*inside, *outside)


def _read_module(
    row: Mapping[Any, Any], course: Mapping[Any, Any], persona: str, *, always: bool
) -> Candidate:
    """Read a module of the programme; what all pass has no number of its own."""
    names = ("impact", "impact_low", "impact_high")
    impact, low, high = (math.nan if always else float(row[name]) for name in names)
    return Candidate(
        persona=persona,
        module=str(row["module"]),
        hours=float(row["effort_hours"]),
        unit_cost=float(row["cost"]),
        impact=impact,
        low=low,
        high=high,
        decision=row["decision"],
        always=always,
        **_read_course(course),
    )


def _read_course(row: Mapping[Any, Any]) -> dict[str, Any]:
    fixed = row["fixed_cost"]
    return {
        "title": str(row["title"]),
        "modality": str(row["modality"]),
        "fixed_cost": 0.0 if pd.isna(fixed) else float(fixed),
        "active": bool(row["active"]),
        "skills": _read_names(row["skills"]),
        "prerequisites": _read_names(row["prerequisites"]),
    }


def _read_names(value: object) -> tuple[str, ...]:
    if value is None or isinstance(value, float):
        return ()
    return tuple(str(item) for item in value) if isinstance(value, Iterable) else ()
