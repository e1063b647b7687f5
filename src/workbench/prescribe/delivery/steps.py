"""What is to be delivered: approved next steps, and whom each of them reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from workbench.core.errors import MissingColumnError
from workbench.prescribe.delivery.safe_text import clean_text

if TYPE_CHECKING:
    import pandas as pd

    from workbench.core.managers import ManagerParams
    from workbench.prescribe.delivery.whereabouts import Whereabouts

__all__ = [
    "ACTION_COLUMNS",
    "COACHING",
    "Selection",
    "Step",
    "format_hours",
    "select_steps",
]

COACHING = "coaching_task"
"""The one kind of action that the manager takes."""

ACTION_COLUMNS = (
    *("action_id", "unit", "team", "persona", "action", "course_id", "skill"),
    *("title", "reason_code", "reason", "effort_hours", "effective_on", "expires_on"),
    "status",
)
"""Columns of ``actions.parquet`` that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One next step of one person; texts are harmless, dates include both ends.

    ``person`` and ``team`` (the manager) are pseudonyms, or ids where people were
    identified; ``team`` is empty where nobody leads the person. ``key`` is the
    person's pseudonym and ``team_key`` the manager's, whatever else is shown.
    """

    action_id: str
    key: str
    person: str
    team_key: str
    team: str
    persona: str
    kind: str
    course_id: str
    title: str
    reason_code: str
    reason: str
    effort_hours: float
    starts_on: date
    ends_on: date
    practice: str
    prompt: str

    @property
    def for_manager(self) -> bool:
        """Whether it is the manager who does it."""
        return self.kind == COACHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Steps to be delivered, ordered by person, and why others are not.

    Attributes
    ----------
    steps : tuple of Step
        Of people who are employed and may be reached, not expired.
    left_out : dict
        Number of actions by reason.
    """

    steps: tuple[Step, ...]
    left_out: dict[str, int]


def select_steps(
    actions: pd.DataFrame,
    *,
    status: str,
    start: date,
    whereabouts: Whereabouts,
    managers: ManagerParams | None,
    names: Mapping[str, str] | None = None,
) -> Selection:
    """Choose the actions that may be delivered from a day on.

    Parameters
    ----------
    actions : DataFrame
        Columns `ACTION_COLUMNS`, one row per action.
    status : str
        Wanted state of the sign-off, usually ``approved``.
    start : date
        Day before which nothing is delivered; actions that expire before it are left
        out.
    whereabouts : Whereabouts
        Who is employed and may be reached, and under which manager.
    managers : ManagerParams, optional
        What makes a course or skill stick at work.
    names : mapping, optional
        Id by pseudonym, where people are identified; those without an id are left
        out.

    Returns
    -------
    Selection
        Everyone's steps in the order in which they begin.

    Raises
    ------
    MissingColumnError
        If a column is absent.
    """
    missing = [name for name in ACTION_COLUMNS if name not in actions.columns]
    if missing:
        raise MissingColumnError.build(
            "The table of next actions lacks columns",
            where="actions.parquet",
            rule="columns " + ", ".join(ACTION_COLUMNS),
            got=missing,
            hint="run the stage prescription again",
        )
    left: Counter[str] = Counter()
    steps: list[Step] = []
    columns = [actions[name].tolist() for name in ACTION_COLUMNS]
    practice = _Practice(managers)
    for row in zip(*columns, strict=True):
        values = dict(zip(ACTION_COLUMNS, row, strict=True))
        why = _find_obstacle(values, status, start, whereabouts, names)
        if why:
            left[why] += 1
        else:
            steps.append(_make_step(values, start, whereabouts, practice, names))
    steps.sort(key=lambda item: (item.key, item.starts_on, item.action_id))
    return Selection(steps=tuple(steps), left_out=dict(sorted(left.items())))


def format_hours(hours: float) -> str:
    """Write hours with one decimal place at most."""
    return f"{round(hours, 1):g}"


class _Practice:
    """Looks up practice once per course and skill."""

    def __init__(self, managers: ManagerParams | None) -> None:
        self._managers = managers
        self._known: dict[tuple[str, str], tuple[str, str]] = {}

    def find(self, course: str, skill: str) -> tuple[str, str]:
        """Return the task for the learner and the question for the manager."""
        key = (course, skill)
        if key not in self._known:
            found = self._managers and self._managers.find_practice(
                course or None, [skill] if skill else []
            )
            texts = (found.task, found.prompt) if found else ("", "")
            self._known[key] = (clean_text(texts[0]), clean_text(texts[1]))
        return self._known[key]


def _find_obstacle(
    values: Mapping[str, object],
    status: str,
    start: date,
    whereabouts: Whereabouts,
    names: Mapping[str, str] | None,
) -> str:
    """Say why an action is not delivered, or nothing."""
    person = str(values["unit"])
    if values["status"] != status:
        return f"not {status}"
    if _read_day(values["expires_on"]) < start:
        return "expired"
    if person not in whereabouts.people:
        return "person has left, or withdrew consent"
    if names is not None and person not in names:
        return "person is not in the extract"
    if values["action"] == COACHING and not whereabouts.people[person].team:
        return "nobody leads the person"
    return ""


def _make_step(
    values: Mapping[str, object],
    start: date,
    whereabouts: Whereabouts,
    practice: _Practice,
    names: Mapping[str, str] | None,
) -> Step:
    key = str(values["unit"])
    team = whereabouts.people[key].team
    course, skill = (_read_id(values[name]) for name in ("course_id", "skill"))
    task, prompt = practice.find(course, skill)
    effort = values["effort_hours"]
    return Step(
        action_id=_read_id(values["action_id"]),
        key=key,
        person=names[key] if names is not None else key,
        team_key=team,
        team=names.get(team, "") if names is not None else team,
        persona=_read_id(values["persona"]),
        kind=_read_id(values["action"]),
        course_id=course,
        title=clean_text(values["title"]),
        reason_code=clean_text(values["reason_code"]),
        reason=clean_text(values["reason"]),
        effort_hours=float(str(effort)) if effort == effort and effort else 0.0,
        starts_on=max(_read_day(values["effective_on"]), start),
        ends_on=_read_day(values["expires_on"]),
        practice=task,
        prompt=prompt,
    )


def _read_id(value: object) -> str:
    return "" if value is None or value != value else str(value)


def _read_day(value: object) -> date:
    """Return the day of a date, a time stamp or a text such as 2026-10-01."""
    if hasattr(value, "date"):
        day: date = value.date()
        return day
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
