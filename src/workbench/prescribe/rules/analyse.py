"""Rules that get in each other's way, and rules that can never propose anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Literal

from workbench.prescribe.rules.facts import find_fact
from workbench.prescribe.rules.language import (
    BEST_FOR_SKILL,
    AllOf,
    Not,
    Rule,
    RuleBook,
)
from workbench.prescribe.rules.requirements import (
    SOME_SKILL,
    bind,
    list_skills,
    state_whole,
)
from workbench.prescribe.rules.satisfy import OTHER, Witness, find_witness

__all__ = ["MOST_CONFLICTS", "Finding", "analyse_rules"]

MOST_CONFLICTS = 50
"""After so many conflicts the analysis looks for no more of them."""

_OTHER_SKILL = SOME_SKILL * 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong among rules.

    ``rules`` are ids, ``lines`` where they begin; ``text`` says what is wrong, and for
    conflicts for whom both rules hold.
    """

    kind: Literal["unreachable", "conflict"]
    rules: tuple[str, ...]
    lines: tuple[int, ...]
    text: str


def analyse_rules(book: RuleBook) -> tuple[Finding, ...]:
    """Find unreachable rules and conflicts, without looking at any person.

    A rule is unreachable if its conditions contradict each other or what its action
    needs, or if earlier rules of the same exclusive group hold whenever it does. Two
    rules are in conflict if some person could be proposed both at the same priority,
    and they exclude each other or propose the same.

    Parameters
    ----------
    book : RuleBook
        Read rules.

    Returns
    -------
    tuple of Finding
        In the order of the file; `MOST_CONFLICTS` conflicts at most. Exact as far as
        facts are free of each other; ties between facts, such as a count being part of
        another, are not known, so a rule called unreachable is so, and a conflict names
        a person one can judge.
    """
    dead = [finding for rule in book.rules for finding in _find_dead(book, rule)]
    gone = {name for finding in dead for name in finding.rules[:1]}
    alive = [rule for rule in book.rules if rule.id not in gone]
    every = (
        finding
        for first, second in combinations(alive, 2)
        for finding in _find_clash(book, first, second)
    )
    clashes = islice(every, MOST_CONFLICTS)
    return tuple(sorted([*dead, *clashes], key=lambda item: (item.lines, item.kind)))


def _find_dead(book: RuleBook, rule: Rule) -> Iterator[Finding]:
    """Say that a rule contradicts itself, or that earlier ones leave nothing to it."""
    names = list_skills(state_whole(rule))
    own = [(skill, bind(state_whole(rule), skill)) for skill in _list_own(rule, names)]
    possible = [(skill, whole) for skill, whole in own if find_witness(whole)]
    if not possible:
        yield Finding(
            kind="unreachable",
            rules=(rule.id,),
            lines=(rule.spot.line,),
            text=f"{_name(rule)} can never hold: {_say_why(rule, names)}",
        )
        return
    group = book.limits.find_group(rule.id)
    order = list(book.order)
    before = [item for item in order[: order.index(rule)] if item.id in group]
    for chosen in [*([item] for item in before), before]:
        if chosen and _covers(chosen, rule):
            named = " or ".join(_name(item) for item in chosen)
            yield Finding(
                kind="unreachable",
                rules=(rule.id, *(item.id for item in chosen)),
                lines=(rule.spot.line, *(item.spot.line for item in chosen)),
                text=f"{_name(rule)} is never reached: whenever it holds, {named} of"
                " the same group holds too, and goes first",
            )
            return


def _list_own(rule: Rule, names: set[str]) -> list[str]:
    """List skills a rule may be about: those named anywhere, and one that is not."""
    return [*sorted(names), SOME_SKILL] if rule.for_each_skill else [""]


def _say_why(rule: Rule, names: set[str]) -> str:
    """Say whether the conditions alone contradict, or only with the action's needs."""
    for skill in _list_own(rule, names):
        if find_witness(bind(rule.when, skill)):
            return "its conditions contradict what its action needs"
    return "its conditions contradict each other"


def _covers(before: list[Rule], rule: Rule) -> bool:
    """Say whether one of some rules holds whenever a rule does."""
    names = set().union(*(list_skills(state_whole(item)) for item in [*before, rule]))
    for own in _list_own(rule, names):
        left = [
            Not(bind(state_whole(item), skill))
            for item in before
            for skill in (_list_shared(own, names) if item.for_each_skill else [""])
        ]
        if find_witness(AllOf((bind(state_whole(rule), own), *left))):
            return False
    return True


def _list_shared(own: str, names: set[str]) -> list[str]:
    """List skills at which an earlier rule is known to be looked at beside a rule."""
    return sorted({*names, *([own] if own else [])})


def _find_clash(book: RuleBook, first: Rule, second: Rule) -> Iterator[Finding]:
    if first.then.priority != second.then.priority:
        return
    exclusive = second.id in book.limits.find_group(first.id)
    names = list_skills(AllOf((state_whole(first), state_whole(second))))
    names |= {rule.then.skill for rule in (first, second) if rule.then.skill}
    for one, other in _pair_skills(first, second, names):
        if not exclusive and not _same_target(first, second, one, other):
            continue
        witness = find_witness(
            AllOf((bind(state_whole(first), one), bind(state_whole(second), other)))
        )
        if witness is not None:
            what = "exclude each other" if exclusive else "propose the same"
            yield Finding(
                kind="conflict",
                rules=(first.id, second.id),
                lines=(first.spot.line, second.spot.line),
                text=f"{_name(first)} and {_name(second)} can hold at once and"
                f" {what} at priority {first.then.priority}: only their order in the"
                f" file decides. For instance: {_say_person(witness)}",
            )
            return


def _pair_skills(
    first: Rule, second: Rule, names: set[str]
) -> Iterator[tuple[str, str]]:
    """List pairs of skills of one person that two rules may be about."""
    for one in _list_own(first, names):
        for other in _list_own(second, names):
            yield one, other
    if first.for_each_skill and second.for_each_skill:
        yield SOME_SKILL, _OTHER_SKILL


def _same_target(first: Rule, second: Rule, one: str, other: str) -> bool:
    """Say whether two actions are the same, given the skills they are about."""
    a, b = first.then, second.then
    if bool(a.module) != bool(b.module):
        return False
    same_skill = (a.skill or one) == (b.skill or other)
    if a.module:
        return a.module == b.module and (a.module != BEST_FOR_SKILL or same_skill)
    return a.action == b.action and a.behaviour == b.behaviour and same_skill


def _name(rule: Rule) -> str:
    return f"{rule.id} (line {rule.spot.line})"


def _say_person(witness: Witness) -> str:
    """Describe a person by the facts that matter."""
    parts = [
        _say_fact(name, subject, value)
        for (name, subject), value in witness.items()
        if name not in ("needs", "module_open", "has_manager")
    ]
    return ", ".join(part for part in parts if part) or "anybody"


def _say_fact(name: str, subject: str, value: object) -> str:
    fact = find_fact(name)
    of = {"": "", SOME_SKILL: " of a skill", _OTHER_SKILL: " of another skill"}
    named = name + of.get(subject, f" of {subject}")
    if value is None:
        return f"{named} not known"
    if isinstance(value, bool):
        return named if value else f"not {named}"
    if value == OTHER:
        return f"{named} any other"
    if isinstance(value, float):
        unit = "" if fact.unit == "times" else f" {fact.unit}"
        return f"{named} {value:g}{unit}"
    return f"{named} {value}"
