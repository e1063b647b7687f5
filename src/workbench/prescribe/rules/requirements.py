"""What must hold beyond a rule's own conditions so that its action has a target."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.prescribe.rules.facts import FACTS
from workbench.prescribe.rules.language import (
    ALWAYS,
    BEST_FOR_SKILL,
    NEVER,
    NEXT_IN_PATH,
    AllOf,
    AnyOf,
    Condition,
    Not,
    Rule,
    Test,
    list_tests,
)

__all__ = ["SOME_SKILL", "bind", "list_skills", "state_whole"]

SOME_SKILL = "\N{BULLET}"
"""A skill that no rule names: a subject that no file can write."""


def state_whole(rule: Rule) -> Condition:
    """Return a rule's condition, and that its action has somebody and something.

    A module must be open to the person, a coaching task needs a manager, and a rule
    for each skill needs a skill of the role. Evaluation and analysis both use this, so
    that what is called reachable is what can be proposed.
    """
    return AllOf((rule.when, *_list_requirements(rule)))


def _list_requirements(rule: Rule) -> Iterator[Condition]:
    then = rule.then
    if rule.for_each_skill:
        yield _flag("needs", "")
    if then.action == "coaching_task":
        yield _flag("has_manager", "")
    if then.module == NEXT_IN_PATH:
        yield _flag("path_open", "")
    elif then.module == BEST_FOR_SKILL:
        yield _flag("module_for_skill", then.skill)
    elif then.module:
        yield _flag("module_open", then.module)
        yield Not(_flag("passed", then.module))
        yield Not(_flag("in_progress", then.module))


def _flag(fact: str, subject: str) -> Test:
    return Test(fact=fact, subject=subject, op="is", values=(True,))


def list_skills(condition: Condition) -> set[str]:
    """List the skills that a condition names."""
    names: set[str] = set()
    for test in list_tests(condition):
        if test.fact == "skill":
            names |= {str(value) for value in test.values}
        elif test.subject and test.fact in FACTS and FACTS[test.fact].per_skill:
            names.add(test.subject)
    return names


def bind(condition: Condition, skill: str) -> Condition:
    """Let a condition speak of one skill, and of the skill's being needed.

    Parameters
    ----------
    condition : Condition
        Of a rule; may hold comparisons of the rule's own skill.
    skill : str
        The skill that stands in for the rule's own one; `SOME_SKILL`, alone or with
        more characters, is a skill that nothing names. Empty where there is none.

    Returns
    -------
    Condition
        Without comparisons of which skill it is. What is known of a skill is known
        only of people whose role needs it, so each such comparison says so too.
    """
    if isinstance(condition, AllOf):
        return AllOf(tuple(bind(part, skill) for part in condition.parts))
    if isinstance(condition, AnyOf):
        return AnyOf(tuple(bind(part, skill) for part in condition.parts))
    if isinstance(condition, Not):
        return Not(bind(condition.part, skill))
    if condition.fact == "skill":
        inside = skill in condition.values
        return ALWAYS if inside is (condition.op == "one_of") else NEVER
    return _bind_test(condition, skill)


def _bind_test(test: Test, skill: str) -> Condition:
    if test.fact == "needs":
        return _flag("needs", test.subject or skill)
    fact = FACTS.get(test.fact)
    if fact is None or not fact.per_skill:
        return test
    bound = Test(
        fact=test.fact,
        subject=test.subject or skill,
        op=test.op,
        values=test.values,
    )
    if test.op == "is" and test.values == (False,):
        return bound
    return AllOf((_flag("needs", bound.subject), bound))
