"""Random conditions and rules, and an evaluation of them that shares no code."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import strategies as st

from workbench.prescribe.rules.language import (
    AllOf,
    AnyOf,
    Clause,
    Expected,
    Limits,
    Not,
    Rule,
    RuleBook,
    Test,
)
from workbench.prescribe.rules.situation import Situation
from workbench.prescribe.rules.source import Spot

NUMBERS = ("at_least", "at_most", "above", "below", "equals")
WHOLE = [None, *range(8)]
REAL = [None, *(step / 4 for step in range(17)), 99.5, 100.0]
NAMES = [None, "leads", "others", "somebody"]
GRID = {
    ("days_since_completion", ""): WHOLE,
    ("mean_gap", ""): REAL,
    ("persona", ""): NAMES,
    ("programme_learnt", ""): [False, True],
}
"""Values that tell all conditions of `person_tests` apart: limits are 0 to 4."""

SKILLS = ("a", "b", "c", "d")
"""Conditions name a and b at most."""

SKILL_GAPS = (None, 0.0, 1.0, 1.5, 2.0, 50.0)
"""Values that tell conditions on gaps apart: limits are 1 and 2."""


def whole_tests(fact="days_since_completion", most=4):
    return st.builds(
        lambda op, value: Test(fact=fact, op=op, values=(float(value),)),
        st.sampled_from(NUMBERS),
        st.integers(0, most),
    )


def person_tests():
    return st.one_of(
        whole_tests(),
        whole_tests("mean_gap"),
        st.sampled_from(["days_since_completion", "mean_gap"]).map(
            lambda fact: Test(fact=fact, op="known")
        ),
        st.builds(
            lambda op, names: Test(fact="persona", op=op, values=tuple(sorted(names))),
            st.sampled_from(["one_of", "none_of"]),
            st.sets(st.sampled_from(["leads", "others"]), min_size=1),
        ),
        st.booleans().map(
            lambda value: Test(fact="programme_learnt", op="is", values=(value,))
        ),
    )


def skill_tests():
    """Comparisons of the rule's own skill, of named skills, and of the person."""
    return st.one_of(
        st.builds(
            lambda op, value, of: Test(
                fact="gap", subject=of, op=op, values=(float(value),)
            ),
            st.sampled_from(NUMBERS),
            st.sampled_from([1, 2]),
            st.sampled_from(["", "", "a"]),
        ),
        st.builds(
            lambda op, names: Test(fact="skill", op=op, values=tuple(sorted(names))),
            st.sampled_from(["one_of", "none_of"]),
            st.sets(st.sampled_from(["a", "b"]), min_size=1),
        ),
        st.just(Test(fact="programme_learnt", op="is", values=(True,))),
    )


def conditions(tests):
    return st.recursive(
        tests,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=1, max_size=3).map(lambda p: AllOf(tuple(p))),
            st.lists(inner, min_size=1, max_size=3).map(lambda p: AnyOf(tuple(p))),
        ),
        max_leaves=7,
    )


def make_rule(name, when, *, each=False, priority=1, line=1) -> Rule:
    return Rule(
        id=name,
        label=name,
        when=when,
        for_each_skill=each,
        spot=Spot(line, 1),
        then=Clause(
            action="practice",
            title=name,
            effort_hours=1.0,
            expires_after_days=30,
            priority=priority,
            reason_code="why",
            reason="Because.",
            expected=Expected(source="unknown"),
        ),
    )


def make_group(*rules: Rule) -> RuleBook:
    """Rules that exclude each other."""
    group = (tuple(rule.id for rule in rules),)
    return RuleBook(path="rules.yml", rules=rules, limits=Limits(only_one_of=group))


def decide(condition, person) -> bool:
    """Evaluate a condition for one person, given by fact and subject."""
    if isinstance(condition, AllOf):
        return all(decide(part, person) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(decide(part, person) for part in condition.parts)
    if isinstance(condition, Not):
        return not decide(condition.part, person)
    value = person[condition.fact, condition.subject]
    if condition.op == "known":
        return value is not None
    if condition.op == "is":
        return value is condition.values[0]
    if value is None:
        return False
    inside = value in condition.values
    return {
        "one_of": lambda: inside,
        "none_of": lambda: not inside,
        "at_least": lambda: value >= condition.values[0],
        "at_most": lambda: value <= condition.values[0],
        "above": lambda: value > condition.values[0],
        "below": lambda: value < condition.values[0],
        "equals": lambda: value == condition.values[0],
    }[condition.op]()


def list_people():
    """Every person of `GRID`."""
    return [
        dict(zip(GRID, values, strict=True))
        for values in itertools.product(*GRID.values())
    ]


def make_situation(people) -> Situation:
    """People as arrays; facts of `GRID` alone."""
    columns = {}
    for key in GRID:
        values = [person[key] for person in people]
        if key[0] == "programme_learnt":
            columns[key] = np.array(values, dtype=bool)
        elif key[0] == "persona":
            columns[key] = np.array(values, dtype=object)
        else:
            numbers = [math.nan if value is None else value for value in values]
            columns[key] = np.array(numbers, dtype=float)
    return Situation(
        count=len(people),
        people=columns,
        row_person=np.empty(0, dtype=np.intp),
        row_skill=np.empty(0, dtype=object),
        rows={"gap": np.empty(0)},
    )


def make_skilled() -> Situation:
    """Everybody with up to three of four skills and any of six gaps in each."""
    people, row_person, row_skill, gaps = [], [], [], []
    for size in range(4):
        for skills in itertools.combinations(SKILLS, size):
            for values in itertools.product(SKILL_GAPS, repeat=size):
                for learnt in (False, True):
                    row_person += [len(people)] * size
                    row_skill += skills
                    gaps += values
                    people.append(learnt)
    return Situation(
        count=len(people),
        people={("programme_learnt", ""): np.array(people, dtype=bool)},
        row_person=np.array(row_person, dtype=np.intp),
        row_skill=np.array(row_skill, dtype=object),
        rows={"gap": np.array([np.nan if gap is None else gap for gap in gaps])},
    )
