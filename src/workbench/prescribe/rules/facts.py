"""What rules may ask about a person: names, kinds, units and ranges of facts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["FACTS", "HIDDEN", "UNITS", "Fact", "find_fact"]

Kind = Literal["number", "flag", "choice", "courses"]
Subject = Literal["", "skill", "behaviour", "course"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact that a condition may be about.

    Attributes
    ----------
    name : str
        As rules write it.
    kind : str
        ``number``, ``flag`` (true or false), ``choice`` (a name) or ``courses``
        (a set of course ids; each course is true or false).
    words : str
        What it is, for messages.
    unit : str
        Key of `UNITS` for numbers, else empty.
    low, high : float
        Least and largest value of a number, both possible.
    whole : bool
        Whether a number is whole.
    may_miss : bool
        Whether it can be unknown for a person; a comparison with an unknown value
        is not met.
    per_skill : bool
        Whether it belongs to one skill of a person: of the rule's own skill where the
        rule holds ``for_each: skill``, else of the skill named by ``of``.
    by_behaviour : bool
        Whether ``of`` may name a behaviour of managers.
    """

    name: str
    kind: Kind
    words: str
    unit: str = ""
    low: float = 0.0
    high: float = math.inf
    whole: bool = True
    may_miss: bool = False
    per_skill: bool = False
    by_behaviour: bool = False

    @property
    def subject(self) -> Subject:
        """What ``of``, or the condition itself, names beside the fact."""
        if self.per_skill:
            return "skill"
        if self.by_behaviour:
            return "behaviour"
        return "course" if self.kind == "courses" else ""


UNITS: Mapping[str, Mapping[str, float]] = {
    "points": {"point": 1, "points": 1},
    "days": {"day": 1, "days": 1, "week": 7, "weeks": 7},
    "quarters": {"quarter": 1, "quarters": 1},
    "times": {"": 1, "time": 1, "times": 1},
}
"""Words for each unit, and how many of the unit one of them is."""


def _list_facts() -> tuple[Fact, ...]:
    return (
        *_list_facts_of_skills(),
        Fact(
            name="mean_gap",
            kind="number",
            words="mean skill gap over the skills of the role",
            unit="points",
            high=100,
            whole=False,
            may_miss=True,
        ),
        Fact(
            name="days_since_completion",
            kind="number",
            words="days since the last completion of any course",
            unit="days",
            may_miss=True,
        ),
        Fact(
            name="completions_90d",
            kind="number",
            words="courses completed in the last 90 days",
            unit="times",
        ),
        Fact(
            name="courses_in_progress",
            kind="number",
            words="courses enrolled in or begun, and not ended",
            unit="times",
        ),
        Fact(
            name="manager_actions_90d",
            kind="number",
            words="actions of the manager in the last 90 days",
            unit="times",
            may_miss=True,
            by_behaviour=True,
        ),
        Fact(
            name="coaching_90d",
            kind="number",
            words="coaching behaviours of the manager in the last 90 days",
            unit="times",
            may_miss=True,
        ),
        Fact(
            name="days_since_manager_action",
            kind="number",
            words="days since the manager's last action",
            unit="days",
            may_miss=True,
            by_behaviour=True,
        ),
        Fact(
            name="tenure",
            kind="number",
            words="days since the hire",
            unit="days",
            may_miss=True,
        ),
        Fact(
            name="role_tenure",
            kind="number",
            words="days in the present role",
            unit="days",
            may_miss=True,
        ),
        Fact(name="persona", kind="choice", words="persona", may_miss=True),
        Fact(name="role", kind="choice", words="role", may_miss=True),
        Fact(name="level", kind="choice", words="level", may_miss=True),
        Fact(
            name="programme_learnt",
            kind="flag",
            words="whether the persona's programme is learnt",
        ),
        Fact(name="has_manager", kind="flag", words="whether a manager is known"),
        Fact(
            name="has_seat",
            kind="flag",
            words="whether the person has a seat on the path this quarter",
        ),
        Fact(
            name="path_begun",
            kind="flag",
            words="whether a module of the path is passed or in progress",
        ),
        Fact(
            name="path_open",
            kind="flag",
            words="whether a module of the path can begin now",
        ),
        Fact(name="passed", kind="courses", words="courses passed"),
        Fact(name="in_progress", kind="courses", words="courses in progress"),
    )


def _list_facts_of_skills() -> tuple[Fact, ...]:
    return (
        Fact(
            name="gap",
            kind="number",
            words="gap of a skill: required less shown, at least 0",
            unit="points",
            high=100,
            whole=False,
            may_miss=True,
            per_skill=True,
        ),
        Fact(
            name="proficiency",
            kind="number",
            words="proficiency of a skill",
            unit="points",
            high=100,
            whole=False,
            may_miss=True,
            per_skill=True,
        ),
        Fact(
            name="gap_quarters",
            kind="number",
            words="quarters in a row in which the gap was seen",
            unit="quarters",
            may_miss=True,
            per_skill=True,
        ),
        Fact(
            name="days_since_assessment",
            kind="number",
            words="days since a skill was assessed",
            unit="days",
            may_miss=True,
            per_skill=True,
        ),
        Fact(
            name="module_for_skill",
            kind="flag",
            words="whether a short module for the skill can begin now",
            per_skill=True,
        ),
        Fact(name="skill", kind="choice", words="the rule's own skill", per_skill=True),
    )


FACTS: Mapping[str, Fact] = {fact.name: fact for fact in _list_facts()}
"""Facts that conditions may name."""

HIDDEN: Mapping[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact(
            name="needs",
            kind="flag",
            words="whether the role needs the skill",
            per_skill=True,
        ),
        Fact(
            name="module_open",
            kind="courses",
            words="modules that can begin now",
        ),
    )
}
"""Facts that actions need and no condition names: a rule without them has no target."""


def find_fact(name: str) -> Fact:
    """Return a fact by name, hidden ones included."""
    return FACTS[name] if name in FACTS else HIDDEN[name]
