"""Reading the people of examples: facts with units, skills, behaviours, courses."""

from __future__ import annotations

import math

from workbench.prescribe.rules.conditions import Reading, read_names
from workbench.prescribe.rules.facts import FACTS, Fact
from workbench.prescribe.rules.language import Given, Key, Value
from workbench.prescribe.rules.source import Part, Spot, guess
from workbench.prescribe.rules.values import read_flag, read_number

__all__ = ["read_given"]

_OF_SKILLS = [fact.name for fact in FACTS.values() if fact.per_skill]
_OF_BEHAVIOURS = [fact.name for fact in FACTS.values() if fact.by_behaviour]
_OF_PEOPLE = [fact.name for fact in FACTS.values() if not fact.per_skill]


def read_given(reading: Reading, part: Part) -> Given:
    """Read one person of an example.

    Parameters
    ----------
    reading : Reading
        Where faults go, and which names exist.
    part : Part
        Facts of the person by name; ``skills`` and ``behaviours`` hold mappings from
        names to their facts; ``passed`` and ``in_progress`` hold course ids.

    Returns
    -------
    Given
        Of what could be read.
    """
    faults = reading.faults
    parts = faults.check_keys(part, known=[*_OF_PEOPLE, "skills", "behaviours"])
    facts: dict[Key, Value] = {}
    skills: tuple[str, ...] = ()
    for name, item in parts.items():
        if name == "skills":
            skills = _read_subjects(reading, item, "skill", facts)
        elif name == "behaviours":
            _read_subjects(reading, item, "behaviour", facts)
        elif FACTS[name].kind == "courses":
            for course in read_names(reading, item, "course"):
                facts[name, course] = True
        else:
            _read_fact(reading, FACTS[name], "", item, facts)
    if ("courses_in_progress", "") not in facts:
        count = sum(1 for fact, _ in facts if fact == "in_progress")
        facts["courses_in_progress", ""] = float(count)
    return Given(facts=facts, skills=skills)


def _read_subjects(
    reading: Reading, part: Part, kind: str, facts: dict[Key, Value]
) -> tuple[str, ...]:
    """Read facts by skill or by behaviour; return the names."""
    faults = reading.faults
    known = [
        name
        for name in (_OF_SKILLS if kind == "skill" else _OF_BEHAVIOURS)
        if name != "skill"
    ]
    if not isinstance(part.value, dict):
        faults.add(part.spot, f"a mapping from {kind}s is expected, got {part.kind}")
        return ()
    for subject, inner in part.value.items():
        _check_subject(reading, subject, kind, part.keys[subject])
        for name, item in faults.check_keys(inner, known=known).items():
            _read_fact(reading, FACTS[name], subject, item, facts)
    return tuple(part.value)


def _check_subject(reading: Reading, subject: str, kind: str, spot: Spot) -> None:
    names = reading.vocabulary.names.get(kind)
    if names is not None and subject not in names:
        reading.faults.add(
            spot, f"there is no {kind} {subject!r}{guess(subject, names)}"
        )


def _read_fact(
    reading: Reading, fact: Fact, subject: str, part: Part, facts: dict[Key, Value]
) -> None:
    key = (fact.name, subject)
    if fact.kind == "flag":
        facts[key] = read_flag(reading.faults, part, fact.name)
    elif fact.kind == "choice":
        kind = fact.name if fact.name in ("persona", "role") else ""
        names = read_names(reading, part, kind)
        if len(names) > 1:
            reading.faults.add(part.spot, f"a person has one {fact.name}")
        facts[key] = names[0] if names else ""
    elif part.value != "missing":
        facts[key] = read_number(reading.faults, part, fact)
    elif fact.may_miss:
        facts[key] = math.nan
    else:
        reading.faults.add(part.spot, f"{fact.name} is known of everybody")
