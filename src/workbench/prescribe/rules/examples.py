"""Running the examples that stand beside the rules in the same file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import ParamError
from workbench.prescribe.rules.evaluate import Candidates, find_candidates
from workbench.prescribe.rules.facts import FACTS, Fact
from workbench.prescribe.rules.language import (
    BEST_FOR_SKILL,
    Example,
    Given,
    Key,
    Rule,
    RuleBook,
    Value,
)
from workbench.prescribe.rules.settle import Fate, settle
from workbench.prescribe.rules.situation import Array, Situation, list_keys

__all__ = [
    "ExampleResult",
    "check_examples",
    "describe",
    "list_untested",
    "run_examples",
    "say_difference",
]

_TRUE = ("has_manager", "has_seat", "path_open", "module_for_skill")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleResult:
    """What came of an example: rules proposed in order, and rules that held at all."""

    example: Example
    proposed: tuple[str, ...]
    held: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether just the rules expected were proposed."""
        return set(self.proposed) == set(self.example.expect)


def run_examples(book: RuleBook) -> tuple[ExampleResult, ...]:
    """Run every example of the file through rules, exclusions and limits."""
    return tuple(_run(book, example) for example in book.examples)


def check_examples(book: RuleBook) -> None:
    """Raise ParamError if an example does not come out as the file says.

    Raises
    ------
    ParamError
        With the line of every such example, what was expected and what was proposed.
    """
    failed = [item for item in run_examples(book) if not item.passed]
    if not failed:
        return
    places = [
        f"{book.path}:{item.example.spot.line}:{item.example.spot.column}: "
        + say_difference(item)
        for item in failed
    ]
    raise ParamError.build(
        f"{len(failed)} of {len(book.examples)} examples of {book.path.name} come out"
        " otherwise",
        where="\n         ".join(places),
        hint="correct the rule or the example; workbench rules check shows all",
    )


def list_untested(book: RuleBook) -> tuple[Rule, ...]:
    """List rules that no example expects."""
    expected = {rule for example in book.examples for rule in example.expect}
    return tuple(rule for rule in book.rules if rule.id not in expected)


def describe(given: Given) -> Situation:
    """Return the person of an example as a situation of one person."""
    people: dict[Key, Array] = {}
    for fact in FACTS.values():
        if fact.kind != "courses" and not fact.per_skill:
            people[fact.name, ""] = _one(fact, given.facts.get((fact.name, "")))
    for (name, subject), value in given.facts.items():
        if subject and not FACTS[name].per_skill:
            people[name, subject] = _one(FACTS[name], value)
    rows = {
        fact.name: _column(
            fact, [given.facts.get((fact.name, s)) for s in given.skills]
        )
        for fact in FACTS.values()
        if fact.per_skill and fact.name != "skill"
    }
    return Situation(
        count=1,
        people=people,
        row_person=np.zeros(len(given.skills), dtype=np.intp),
        row_skill=np.array(given.skills, dtype=object),
        rows=rows,
    )


def _run(book: RuleBook, example: Example) -> ExampleResult:
    rules = book.order
    situation = _complete(describe(example.given), rules)
    found = find_candidates(rules, situation)
    gaps = situation.rows["gap"]
    order, fate = settle(
        found,
        rules,
        book.limits,
        target=_number_targets(found, rules, situation),
        gap=np.array([gaps[row] if row >= 0 else np.nan for row in found.row]),
    )
    ids = [rules[number].id for number in found.rule[order]]
    kept = [name for name, end in zip(ids, fate, strict=True) if end == Fate.PROPOSED]
    return ExampleResult(
        example=example,
        proposed=tuple(dict.fromkeys(kept)),
        held=tuple(dict.fromkeys(ids)),
    )


def _complete(situation: Situation, rules: Sequence[Rule]) -> Situation:
    """Add what an example cannot say: named modules are open, behaviours not seen."""
    people = dict(situation.people)
    for course in list_keys(tuple(rules), "module_open"):
        people["module_open", course] = np.array([True])
    for fact in FACTS.values():
        if fact.by_behaviour:
            for behaviour in list_keys(tuple(rules), fact.name):
                people.setdefault((fact.name, behaviour), _one(fact, None))
    return Situation(
        count=situation.count,
        people=people,
        row_person=situation.row_person,
        row_skill=situation.row_skill,
        rows=situation.rows,
    )


def _number_targets(
    found: Candidates, rules: Sequence[Rule], situation: Situation
) -> npt.NDArray[np.intp]:
    """Tell targets apart by what the file says of them: no module is chosen yet."""
    names = []
    for number, row in zip(found.rule, found.row, strict=True):
        then = rules[number].then
        skill = situation.row_skill[row] if row >= 0 else then.skill
        if then.module == BEST_FOR_SKILL:
            names.append((then.module, skill))
        elif then.module:
            names.append((then.module, ""))
        else:
            names.append((f"{then.action} {then.behaviour}", skill))
    codes, _ = pd.factorize(pd.Series(names, dtype=object))
    return np.asarray(codes, dtype=np.intp)


def _one(fact: Fact, value: Value | None) -> Array:
    return _column(fact, [value])


def _column(fact: Fact, values: Sequence[Value | None]) -> Array:
    """Return values as an array of the fact's kind, with what holds if not given."""
    if fact.kind == "flag":
        absent = fact.name in _TRUE
        flags = [absent if value is None else bool(value) for value in values]
        return np.array(flags, dtype=bool)
    if fact.kind in ("choice", "courses"):
        return np.array(list(values), dtype=object)
    nothing = fact.low if fact.unit == "times" else np.nan
    numbers = [nothing if value is None else float(value) for value in values]
    return np.array(numbers, dtype=float)


def say_difference(result: ExampleResult) -> str:
    """Say what an example expected, what was proposed, and what held but gave way."""
    label = f"{result.example.label}: " if result.example.label else ""
    held = [rule for rule in result.held if rule not in result.proposed]
    more = f"; {', '.join(held)} held but gave way" if held else ""
    expected = ", ".join(result.example.expect) or "none"
    got = ", ".join(result.proposed) or "none"
    return f"{label}expected {expected}, proposed {got}{more}"
