"""Reading the conditions of a rule: what is asked, in which unit, how combined."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from workbench.prescribe.rules.facts import FACTS, Fact
from workbench.prescribe.rules.language import (
    AllOf,
    AnyOf,
    Condition,
    Not,
    Op,
    Test,
    Value,
    list_tests,
)
from workbench.prescribe.rules.source import Faults, Part, Spot, guess
from workbench.prescribe.rules.values import read_flag, read_number
from workbench.prescribe.rules.vocabulary import Vocabulary

__all__ = ["NUMBER_WORDS", "Reading", "read_condition", "read_names"]

NUMBER_WORDS: tuple[Op, ...] = ("at_least", "at_most", "above", "below", "equals")
"""Comparisons of numbers; ``between`` is two of them."""

_COMBINE = ("all", "any", "not")
_MOST_TESTS = 24
_NAMED = {"persona": "persona", "role": "role", "skill": "skill"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a condition is read with; ``own_skill``: the rule holds for each skill."""

    faults: Faults
    vocabulary: Vocabulary
    own_skill: bool = False


def read_condition(reading: Reading, part: Part) -> Condition:
    """Read a condition and note all its faults.

    Parameters
    ----------
    reading : Reading
        Where faults go, which names exist, and whether the rule has a skill.
    part : Part
        A mapping with one key: ``all``, ``any``, ``not`` or a fact.

    Returns
    -------
    Condition
        Of what could be read.
    """
    condition = _read(reading, part)
    count = sum(1 for _ in list_tests(condition))
    if count > _MOST_TESTS:
        reading.faults.add(
            part.spot,
            f"a rule has at most {_MOST_TESTS} comparisons, this one has {count}:"
            " split it",
        )
    return condition


def _read(reading: Reading, part: Part) -> Condition:
    faults = reading.faults
    if not isinstance(part.value, dict) or len(part.value) != 1:
        got = f"{len(part.value)} keys" if isinstance(part.value, dict) else part.kind
        faults.add(
            part.spot,
            f"a condition is a mapping with one key (all, any, not or a fact), got"
            f" {got}" + ("; combine them under all" if "keys" in got else ""),
        )
        return AllOf(())
    ((name, inner),) = part.value.items()
    spot = part.keys[name]
    if name in ("all", "any"):
        return _read_list(reading, inner, name)
    if name == "not":
        return Not(_read(reading, inner))
    if name in reading.vocabulary.protected:
        faults.add(spot, f"{name} is a protected attribute, and never a condition")
        return AllOf(())
    fact = FACTS.get(name)
    if fact is None:
        known = [*FACTS, *_COMBINE]
        faults.add(spot, f"there is no fact {name!r}{guess(name, known)}")
        return AllOf(())
    if fact.kind == "courses":
        return _read_courses(reading, fact, inner)
    return _READERS[fact.kind](reading, fact, inner, spot)


def _read_list(reading: Reading, part: Part, name: str) -> Condition:
    if not isinstance(part.value, list) or not part.value:
        reading.faults.add(
            part.spot, f"{name} takes a list of conditions, got {part.kind}"
        )
        return AllOf(())
    parts = tuple(_read(reading, item) for item in part.value)
    return AllOf(parts) if name == "all" else AnyOf(parts)


def _read_number(reading: Reading, fact: Fact, part: Part, spot: Spot) -> Condition:
    """Read comparisons of a number; several in one mapping must all hold."""
    faults = reading.faults
    if isinstance(part.value, str) and part.value in ("missing", "known"):
        subject = _read_subject(reading, fact, {}, spot)
        return _read_known(reading, fact, subject, part)
    known = (*NUMBER_WORDS, "between", "is", *(["of"] if fact.subject else []))
    if not isinstance(part.value, dict):
        faults.add(
            part.spot,
            f"{fact.name} takes comparisons such as {{at_least: {_sample(fact)}}},"
            f" got {part.kind}",
        )
        return AllOf(())
    parts = faults.check_keys(part, known=known)
    subject = _read_subject(reading, fact, parts, spot)
    tests: list[Condition] = []
    for word, item in parts.items():
        if word == "is":
            tests.append(_read_known(reading, fact, subject, item))
        elif word == "between":
            tests += _read_between(reading, fact, subject, item)
        elif word != "of":
            value = read_number(faults, item, fact)
            op: Op = next(known for known in NUMBER_WORDS if known == word)
            tests.append(Test(fact=fact.name, subject=subject, op=op, values=(value,)))
    if not tests and set(part.value) <= set(known):
        faults.add(part.spot, f"{fact.name} is compared with nothing")
    return tests[0] if len(tests) == 1 else AllOf(tuple(tests))


def _read_known(reading: Reading, fact: Fact, subject: str, part: Part) -> Condition:
    """Read ``missing`` or ``known``."""
    if part.value not in ("missing", "known"):
        reading.faults.add(
            part.spot, f"a number is missing or known, got {part.kind}; use equals"
        )
        return AllOf(())
    if not fact.may_miss:
        reading.faults.add(part.spot, f"{fact.name} is known of everybody")
    test = Test(fact=fact.name, subject=subject, op="known")
    return test if part.value == "known" else Not(test)


def _read_between(
    reading: Reading, fact: Fact, subject: str, part: Part
) -> list[Condition]:
    """Read ``between: [low, high]``, both included."""
    if not isinstance(part.value, list) or len(part.value) != 2:
        reading.faults.add(
            part.spot, f"between takes a list of two numbers, got {part.kind}"
        )
        return []
    low, high = (read_number(reading.faults, item, fact) for item in part.value)
    if low > high:
        reading.faults.add(part.spot, "between runs from the lower to the higher")
    return [
        Test(fact=fact.name, subject=subject, op="at_least", values=(low,)),
        Test(fact=fact.name, subject=subject, op="at_most", values=(high,)),
    ]


def _read_subject(
    reading: Reading, fact: Fact, parts: dict[str, Part], spot: Spot
) -> str:
    """Read ``of``: a skill or behaviour; a skill is needed where the rule has none."""
    if "of" in parts:
        return reading.vocabulary.check(reading.faults, parts["of"], fact.subject)
    if fact.per_skill and not reading.own_skill:
        reading.faults.add(
            spot,
            f"{fact.name} belongs to a skill: name it with of, or let the rule hold"
            " for_each: skill; the mean over skills is mean_gap",
        )
    return ""


def _read_flag(reading: Reading, fact: Fact, part: Part, spot: Spot) -> Condition:
    """Read true or false, or ``{of: SKILL, is: true}`` where it belongs to a skill."""
    parts = {"is": part}
    if isinstance(part.value, dict) and fact.subject:
        parts = reading.faults.check_keys(part, known=("of", "is"), needed=("is",))
    subject = _read_subject(reading, fact, parts, spot) if fact.subject else ""
    if "is" not in parts:
        return AllOf(())
    wanted = read_flag(reading.faults, parts["is"], fact.name)
    return Test(fact=fact.name, subject=subject, op="is", values=(wanted,))


def _read_choice(reading: Reading, fact: Fact, part: Part, spot: Spot) -> Condition:
    """Read names: one, a list of which one, or with a word such as ``none_of``."""
    if fact.name == "skill" and not reading.own_skill:
        reading.faults.add(spot, "skill needs a rule that holds for_each: skill")
    words = ("is", "is_not", "one_of", "none_of")
    parts = {"one_of": part}
    if isinstance(part.value, dict):
        parts = reading.faults.check_keys(part, known=words)
    tests: list[Condition] = []
    for word, item in parts.items():
        op: Op = "one_of" if word in ("is", "one_of") else "none_of"
        names = read_names(reading, item, _NAMED.get(fact.name, ""))
        tests.append(Test(fact=fact.name, op=op, values=names))
    return tests[0] if len(tests) == 1 else AllOf(tuple(tests))


def read_names(reading: Reading, part: Part, kind: str) -> tuple[str, ...]:
    """Read one name or a list of names of a kind; `kind` may be empty: any name."""
    names = []
    for item in reading.faults.read_items(part):
        if kind:
            names.append(reading.vocabulary.check(reading.faults, item, kind))
        elif isinstance(item.value, str):
            names.append(item.value)
        else:
            reading.faults.add(item.spot, f"a name is expected, got {item.kind}")
    if isinstance(part.value, list) and not part.value:
        reading.faults.add(part.spot, "the list of names is empty")
    return tuple(names)


def _read_courses(reading: Reading, fact: Fact, part: Part) -> Condition:
    """Read course ids: all of a list, or ``any_of``, ``all_of``, ``none_of``."""
    words = ("any_of", "all_of", "none_of")
    parts = {"all_of": part}
    if isinstance(part.value, dict):
        parts = reading.faults.check_keys(part, known=words)
    tests: list[Condition] = []
    for word, item in parts.items():
        flags = tuple(
            Test(fact=fact.name, subject=name, op="is", values=(True,))
            for name in read_names(reading, item, "course")
        )
        if word == "all_of":
            tests.append(AllOf(flags))
        else:
            tests.append(AnyOf(flags) if word == "any_of" else Not(AnyOf(flags)))
    return tests[0] if len(tests) == 1 else AllOf(tuple(tests))


_Reader = Callable[[Reading, Fact, Part, Spot], Condition]
_READERS: dict[str, _Reader] = {
    "number": _read_number,
    "flag": _read_flag,
    "choice": _read_choice,
}


def _sample(fact: Fact) -> Value:
    number = 5 if math.isinf(fact.high) else 10
    return str(number) if fact.unit == "times" else f"{number} {fact.unit}"
