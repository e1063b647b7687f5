"""What ``rules.yml`` says once it is read: conditions, actions, limits, examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from workbench.core.errors import ParamError
from workbench.prescribe.rules.source import Spot

__all__ = [
    "ALWAYS",
    "BEST_FOR_SKILL",
    "NEVER",
    "NEXT_IN_PATH",
    "AllOf",
    "AnyOf",
    "Clause",
    "Example",
    "Expected",
    "Given",
    "Limits",
    "Not",
    "Rule",
    "RuleBook",
    "Test",
    "list_tests",
]

Op = Literal[
    "at_least",
    "at_most",
    "above",
    "below",
    "equals",
    "one_of",
    "none_of",
    "is",
    "known",
]
ActionKind = Literal[
    "micro_module", "coaching_task", "practice", "assessment", "path_module"
]
Value: TypeAlias = float | str | bool
Key: TypeAlias = tuple[str, str]
"""Fact and subject: a skill, behaviour or course, or empty."""

BEST_FOR_SKILL = "best_for_skill"
NEXT_IN_PATH = "next_in_path"
_START = Spot(1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One comparison of one fact.

    ``values`` holds one number for the comparisons, names for ``one_of`` and
    ``none_of``, True or False for ``is``, nothing for ``known``. A comparison with an
    unknown value is not met, ``none_of`` included.
    """

    __test__ = False

    fact: str
    subject: str = ""
    op: Op
    values: tuple[Value, ...] = ()

    @property
    def key(self) -> Key:
        """Fact and subject."""
        return self.fact, self.subject


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds if all parts hold; without parts, always."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds if one part holds; without parts, never."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds if the part does not."""

    part: Condition


Condition: TypeAlias = Test | AllOf | AnyOf | Not

ALWAYS = AllOf(())
NEVER = AnyOf(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Where the expected effect of an action comes from.

    Attributes
    ----------
    source : str
        ``module``: the module's value of this quarter; ``path``: that of the whole
        path; ``declared``: written in the file; ``unknown``: not known.
    value, low, high : float or None
        Of declared effects, in ``unit``; the interval holds the value.
    unit : str
        Of declared effects.
    citation : str
        Where a declared effect is found; what is known about an unknown one.
    """

    source: Literal["module", "path", "declared", "unknown"]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    citation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """The action of a rule.

    Attributes
    ----------
    action : str
        Kind of action.
    module : str
        Course id, ``best_for_skill``, ``next_in_path``, or empty.
    skill : str
        A named skill; empty for the rule's own skill or none.
    behaviour : str
        What the manager does, of coaching tasks.
    title : str
        With placeholders; empty for the default.
    effort_hours : float or None
        Hours of the learner, or of the manager for coaching tasks; None takes the
        module's.
    expires_after_days : int
        Days after the day on which it takes effect.
    priority : int
        1 goes first.
    reason_code, reason : str
        Code, and sentence with placeholders.
    expected : Expected
        Where its effect comes from.
    """

    action: ActionKind
    module: str = ""
    skill: str = ""
    behaviour: str = ""
    title: str = ""
    effort_hours: float | None = None
    expires_after_days: int
    priority: int
    reason_code: str
    reason: str
    expected: Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: when it holds, and what is then proposed."""

    id: str
    label: str
    when: Condition
    then: Clause
    for_each_skill: bool = False
    spot: Spot = field(default=_START)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is proposed.

    ``only_one_of`` are groups of rules of which a person gets the first that holds;
    ``manager_hours`` is what a manager can give coaching tasks in a quarter;
    ``micro_module_hours`` is the longest module that ``best_for_skill`` takes.
    """

    actions_per_person: int = 3
    actions_per_rule: int = 1
    manager_hours: float | None = None
    micro_module_hours: float = 4.0
    only_one_of: tuple[tuple[str, ...], ...] = ()

    def find_group(self, rule: str) -> tuple[str, ...]:
        """Return the group that a rule belongs to, or nothing."""
        return next((item for item in self.only_one_of if rule in item), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A person of an example.

    ``facts`` are those given, by fact and subject; ``skills`` are those the role
    needs. What is not given is unknown, 0 of what is counted in times, or false;
    ``module_for_skill``, ``path_open``, ``has_seat`` and ``has_manager`` are true
    unless given.
    """

    facts: dict[Key, Value] = field(default_factory=dict)
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What must be proposed to a person: ids of rules, after all limits."""

    given: Given
    expect: tuple[str, ...]
    label: str = ""
    spot: Spot = field(default=_START)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """All of ``rules.yml``."""

    path: Path
    rules: tuple[Rule, ...]
    limits: Limits = Limits()
    examples: tuple[Example, ...] = ()

    @property
    def order(self) -> tuple[Rule, ...]:
        """Rules in the order in which they are served: priority, then file."""
        return tuple(sorted(self.rules, key=lambda rule: rule.then.priority))

    def find_rule(self, rule: str) -> Rule:
        """Return a rule by id.

        Raises
        ------
        ParamError
            If there is none.
        """
        for item in self.rules:
            if item.id == rule:
                return item
        raise ParamError.build(
            f"There is no rule {rule!r}",
            where=str(self.path),
            rule="one of " + ", ".join(item.id for item in self.rules),
        )


def list_tests(condition: Condition) -> Iterator[Test]:
    """List the comparisons of a condition, as often as they stand there."""
    if isinstance(condition, Test):
        yield condition
    elif isinstance(condition, Not):
        yield from list_tests(condition.part)
    else:
        for part in condition.parts:
            yield from list_tests(part)
