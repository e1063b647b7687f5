"""The table of actions: one row per action, with an id that a repeated run keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.managers import ManagerParams
from workbench.prescribe.actions.courses import Courses
from workbench.prescribe.actions.expected import Effects
from workbench.prescribe.actions.facts_now import Subjects
from workbench.prescribe.rules.language import (
    BEST_FOR_SKILL,
    NEXT_IN_PATH,
    Rule,
)
from workbench.prescribe.rules.reasons import fill, list_placeholders

__all__ = ["ACTION_COLUMNS", "PROPOSED", "Chosen", "tabulate_actions", "type_actions"]

PROPOSED = "proposed"
_TEXTS = (
    *("action_id", "unit", "team", "persona", "rule", "action", "course_id", "skill"),
    *("behaviour", "title", "reason_code", "reason", "expected_unit", "expected_text"),
    *("status", "signed_by", "signed_at"),
)
_NUMBERS = ("expected_effect", "expected_low", "expected_high", "effort_hours")
_DAYS = ("effective_on", "expires_on")
ACTION_COLUMNS: tuple[str, ...] = (
    *("action_id", "unit", "team", "persona", "rule", "priority", "action"),
    *("course_id", "skill", "behaviour", "title", "reason_code", "reason"),
    *("expected_effect", "expected_low", "expected_high", "expected_unit"),
    *("expected_text", "effort_hours", "effective_on", "expires_on"),
    *("status", "signed_by", "signed_at"),
)
"""Columns of the table ``actions``, in order."""

_ID_LENGTH = 16
_KEY = ("unit", "rule", "target")
_BETWEEN = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Candidates with what they are about.

    Attributes
    ----------
    person, rule : ndarray of int, shape (n,)
        Numbers of people and of rules.
    row : ndarray of int, shape (n,)
        Number of the person's skill; -1 without one.
    skill, course : ndarray of object, shape (n,)
        Names; None where the action has none.
    """

    person: npt.NDArray[np.intp]
    rule: npt.NDArray[np.intp]
    row: npt.NDArray[np.intp]
    skill: npt.NDArray[Any]
    course: npt.NDArray[Any]

    def take(self, at: npt.NDArray[np.intp]) -> Chosen:
        """Return some of them, in the order of `at`."""
        return Chosen(
            person=self.person[at],
            rule=self.rule[at],
            row=self.row[at],
            skill=self.skill[at],
            course=self.course[at],
        )

    @classmethod
    def find(
        cls,
        person: npt.NDArray[np.intp],
        rule: npt.NDArray[np.intp],
        row: npt.NDArray[np.intp],
        *,
        rules: Sequence[Rule],
        subjects: Subjects,
    ) -> Chosen:
        """Find the skill and the module that each candidate is about."""
        skill = np.full(len(person), None, dtype=object)
        course = np.full(len(person), None, dtype=object)
        own = row >= 0
        skill[own] = subjects.situation.row_skill[row[own]]
        for number, item in enumerate(rules):
            at = np.flatnonzero(rule == number)
            then = item.then
            if then.skill:
                skill[at] = then.skill
            if then.module == NEXT_IN_PATH:
                course[at] = subjects.next_module[person[at]]
            elif then.module == BEST_FOR_SKILL and item.for_each_skill:
                course[at] = subjects.skill_module[row[at]]
            elif then.module == BEST_FOR_SKILL:
                course[at] = subjects.find_skill_module(then.skill)[person[at]]
            elif then.module:
                course[at] = then.module
        return cls(person=person, rule=rule, row=row, skill=skill, course=course)

    def number_targets(self, rules: Sequence[Rule]) -> npt.NDArray[np.intp]:
        """Return numbers of what is proposed; equal ones are the same action again."""
        names = [_name_kind(rule) for rule in rules] or [""]
        kind = pd.factorize(np.array(names, dtype=object))[0][self.rule]
        course = pd.factorize(self.course)[0]
        skill = np.where(course >= 0, -1, pd.factorize(self.skill)[0])
        size = np.array([course.max(initial=0) + 2, skill.max(initial=0) + 2])
        return np.asarray(
            (kind * size[0] + course + 1) * size[1] + skill + 1, dtype=np.intp
        )


def tabulate_actions(
    chosen: Chosen,
    *,
    rules: Sequence[Rule],
    subjects: Subjects,
    effects: Effects,
    quarter: str,
    persona: str,
    as_of: date,
    managers: ManagerParams | None = None,
) -> pd.DataFrame:
    """Write out actions, one row each.

    Parameters
    ----------
    chosen : Chosen
        What is proposed, by person and precedence.
    rules : sequence of Rule
        As numbered in `chosen`.
    subjects : Subjects
        The people.
    effects : Effects
        Where expected effects are looked up.
    quarter, persona : str
        Whose actions they are.
    as_of : date
        Day on which they take effect.
    managers : ManagerParams, optional
        Labels of behaviours, and what practice is.

    Returns
    -------
    DataFrame
        Columns `ACTION_COLUMNS`; see `propose_actions`.
    """
    parts = []
    for number, rule in enumerate(rules):
        at = np.flatnonzero(chosen.rule == number)
        if len(at):
            part = _tabulate_rule(
                chosen.take(at), rule, subjects, effects, managers=managers
            )
            parts.append(part.assign(at=at))
    if not parts:
        return type_actions(pd.DataFrame(columns=list(ACTION_COLUMNS)))
    table = pd.concat(parts).sort_values("at", kind="stable")
    day = pd.Timestamp(as_of)
    days = pd.to_timedelta(table["days"], unit="D")
    table = table.assign(
        persona=persona,
        effective_on=day,
        expires_on=day + days,
        status=PROPOSED,
        signed_by=None,
        signed_at=None,
        action_id=[
            _make_id(quarter, *key)
            for key in zip(*(table[name].tolist() for name in _KEY), strict=True)
        ],
    )
    return type_actions(table)


def type_actions(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of actions with its columns in order and typed."""
    types = dict.fromkeys(_TEXTS, "str") | dict.fromkeys(_NUMBERS, "float64")
    types |= dict.fromkeys(_DAYS, "datetime64[us]") | {"priority": "int64"}
    return table[list(ACTION_COLUMNS)].astype(types).reset_index(drop=True)


def _name_kind(rule: Rule) -> str:
    """Name what makes two actions of one skill the same; of a module, the module."""
    then = rule.then
    return "" if then.module else f"{then.action} {then.behaviour}"


def _make_id(quarter: str, unit: str, rule: str, target: str) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of what an action is."""
    text = _BETWEEN.join((quarter, unit, rule, target))
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]


def _tabulate_rule(
    chosen: Chosen,
    rule: Rule,
    subjects: Subjects,
    effects: Effects,
    *,
    managers: ManagerParams | None,
) -> pd.DataFrame:
    then = rule.then
    people = subjects.frame.iloc[chosen.person]
    course = pd.Series(chosen.course, dtype=object)
    skill = pd.Series(chosen.skill, dtype=object)
    courses = subjects.open.courses
    words = _list_words(chosen, rule, subjects, courses, managers)
    named = course.fillna("")
    found = {name: effects.find(then.expected, name) for name in {*named}}
    effect = [found[name] for name in named]
    return pd.DataFrame(
        {
            "unit": people["unit"].to_numpy(dtype=object),
            "team": people["team"].to_numpy(dtype=object),
            "rule": rule.id,
            "priority": then.priority,
            "action": then.action,
            "course_id": course,
            "skill": skill,
            "behaviour": then.behaviour or None,
            "title": fill(then.title or _usual_title(rule), words, count=len(course)),
            "reason_code": then.reason_code,
            "reason": fill(then.reason, words, count=len(course)),
            "expected_effect": [item.value for item in effect],
            "expected_low": [item.low for item in effect],
            "expected_high": [item.high for item in effect],
            "expected_unit": [item.unit for item in effect],
            "expected_text": [item.text for item in effect],
            "effort_hours": words["effort_hours"],
            "days": then.expires_after_days,
            "target": [
                a or f"{then.action}:{then.behaviour}:{b or ''}"
                for a, b in zip(course, skill, strict=True)
            ],
        }
    )


def _list_words(
    chosen: Chosen,
    rule: Rule,
    subjects: Subjects,
    courses: Courses,
    managers: ManagerParams | None,
) -> dict[str, Sequence[Any]]:
    """List what placeholders stand for, one value per action."""
    then = rule.then
    known = [courses.known.get(str(name)) for name in chosen.course]
    tasks = {name: _find_task(name, managers) for name in {*chosen.skill}}
    names = {name: _write_name(name) for name in {*chosen.skill}}
    words: dict[str, Sequence[Any]] = {
        "module": [item.title if item else None for item in known],
        "skill": [names[name] for name in chosen.skill],
        "behaviour": [_label_behaviour(then.behaviour, managers)] * len(known),
        "practice": [tasks[name] for name in chosen.skill],
        "effort_hours": [
            (item.hours if item else np.nan)
            if then.effort_hours is None
            else then.effort_hours
            for item in known
        ],
    }
    for name in list_placeholders(then.title + then.reason):
        if name not in words:
            words[name] = _read_fact(name, chosen, subjects)
    return words


def _read_fact(name: str, chosen: Chosen, subjects: Subjects) -> Sequence[Any]:
    situation = subjects.situation
    if name in situation.rows:
        return list(situation.rows[name][chosen.row])
    return list(situation.of_people((name, ""))[chosen.person])


def _usual_title(rule: Rule) -> str:
    """Return the title of an action whose rule states none."""
    then = rule.then
    own = rule.for_each_skill or bool(then.skill)
    if then.module:
        return "{module}"
    if then.action == "coaching_task":
        return "{behaviour}: {skill}" if own else "{behaviour}"
    if then.action == "assessment":
        return "Assess {skill}"
    return "{practice}" if own else "Practise at work what was learnt"


def _find_task(skill: Any, managers: ManagerParams | None) -> str | None:
    """Return what practising a skill means, as ``managers.yml`` says, or plainly."""
    if skill is None:
        return None
    found = managers.find_practice(None, [str(skill)]) if managers else None
    return found.task if found else f"Practise {_write_name(skill)} at work"


def _label_behaviour(behaviour: str, managers: ManagerParams | None) -> str:
    labels = {item.id: item.label for item in managers.behaviours} if managers else {}
    return labels.get(behaviour, str(_write_name(behaviour)))


def _write_name(name: Any) -> str | None:
    """Write an id as words."""
    return None if name is None else str(name).replace("_", " ")
