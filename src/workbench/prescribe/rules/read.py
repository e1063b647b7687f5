"""Reading ``rules.yml``: rules, limits and examples, with every fault's place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.prescribe.rules.clauses import read_clause
from workbench.prescribe.rules.conditions import Reading, read_condition
from workbench.prescribe.rules.given import read_given
from workbench.prescribe.rules.language import Example, Limits, Rule, RuleBook
from workbench.prescribe.rules.source import Faults, Part, guess, read_part
from workbench.prescribe.rules.values import (
    read_hours,
    read_id,
    read_text,
    read_whole,
)
from workbench.prescribe.rules.vocabulary import Vocabulary, load_vocabulary

if TYPE_CHECKING:
    from workbench.core.params import OrgParams

__all__ = ["RULES_FILE", "load_rules", "read_rules"]

RULES_FILE = "rules.yml"
_RULE_KEYS = ("id", "label", "for_each", "when", "then")
_LIMIT_KEYS = (
    "actions_per_person",
    "actions_per_rule",
    "manager_hours",
    "micro_module_hours",
    "only_one_of",
)
_MOST_ACTIONS = 20
_MOST_RULES = 200


def load_rules(params: OrgParams, store: Path) -> RuleBook | None:
    """Read the rules of an organisation; None where it has no ``rules.yml``.

    Parameters
    ----------
    params : OrgParams
        The organisation; its folder holds the file.
    store : Path
        Folder of the canonical tables, for the names that exist.

    Raises
    ------
    ParamError
        As `read_rules` does.
    """
    path = params.folder / RULES_FILE
    if not path.is_file():
        return None
    return read_rules(path, load_vocabulary(params, store))


def read_rules(path: Path, vocabulary: Vocabulary) -> RuleBook:
    """Read and check the rules of an organisation.

    Parameters
    ----------
    path : Path
        The file, usually ``params/<org>/rules.yml``.
    vocabulary : Vocabulary
        Names that exist.

    Returns
    -------
    RuleBook
        Rules, limits and examples; examples are not run yet, see
        `workbench.prescribe.rules.examples.check_examples`.

    Raises
    ------
    ParamError
        With file, line and column of every fault: unknown keys, facts and names,
        types, units, what is missing, ids that stand twice; of 50 faults at most. Or
        if there are more than 200 rules.
    """
    whole = read_part(path)
    faults = Faults(path)
    reading = Reading(faults=faults, vocabulary=vocabulary)
    parts = faults.check_keys(
        whole, known=("limits", "rules", "examples"), needed=("rules", "examples")
    )
    rules = _read_rules(reading, parts.get("rules"))
    ids = [rule.id for rule in rules]
    limits = _read_limits(reading, parts.get("limits"), ids)
    examples = _read_examples(reading, parts.get("examples"), ids)
    faults.raise_any()
    return RuleBook(path=path, rules=rules, limits=limits, examples=examples)


def _read_rules(reading: Reading, part: Part | None) -> tuple[Rule, ...]:
    if part is None:
        return ()
    if not isinstance(part.value, list) or not part.value:
        reading.faults.add(part.spot, f"rules is a list of rules, got {part.kind}")
        return ()
    if len(part.value) > _MOST_RULES:
        reading.faults.add(
            part.spot,
            f"there are at most {_MOST_RULES} rules, these are {len(part.value)}",
        )
        reading.faults.raise_any()
    rules: dict[str, Rule] = {}
    for item in part.value:
        rule = _read_rule(reading, item)
        if rule is None:
            continue
        if rule.id in rules:
            line = rules[rule.id].spot.line
            reading.faults.add(
                rule.spot, f"the rule {rule.id!r} stands twice, first in line {line}"
            )
        rules.setdefault(rule.id, rule)
    return tuple(rules.values())


def _read_rule(reading: Reading, part: Part) -> Rule | None:
    faults = reading.faults
    parts = faults.check_keys(
        part, known=_RULE_KEYS, needed=("id", "label", "when", "then")
    )
    own_skill = "for_each" in parts
    if own_skill and parts["for_each"].value != "skill":
        faults.add(
            parts["for_each"].spot,
            f"for_each takes skill, got {parts['for_each'].kind}",
        )
    within = replace(reading, own_skill=own_skill)
    when = read_condition(within, parts["when"]) if "when" in parts else None
    then = read_clause(within, parts["then"]) if "then" in parts else None
    name = read_id(faults, parts["id"], "id") if "id" in parts else ""
    label = read_text(faults, parts["label"], "label") if "label" in parts else ""
    if when is None or then is None or not name:
        return None
    return Rule(
        id=name,
        label=label,
        when=when,
        then=then,
        for_each_skill=own_skill,
        spot=part.spot,
    )


def _read_limits(reading: Reading, part: Part | None, ids: list[str]) -> Limits:
    if part is None:
        return Limits()
    faults = reading.faults
    parts = faults.check_keys(part, known=_LIMIT_KEYS)
    usual = Limits()
    hours = parts.get("manager_hours")
    return Limits(
        actions_per_person=_read_most(
            reading, parts, "actions_per_person", usual.actions_per_person
        ),
        actions_per_rule=_read_most(
            reading, parts, "actions_per_rule", usual.actions_per_rule
        ),
        manager_hours=(
            None if hours is None else read_hours(faults, hours, "manager_hours")
        ),
        micro_module_hours=(
            read_hours(faults, parts["micro_module_hours"], "micro_module_hours")
            if "micro_module_hours" in parts
            else usual.micro_module_hours
        ),
        only_one_of=(
            _read_groups(reading, parts["only_one_of"], ids)
            if "only_one_of" in parts
            else ()
        ),
    )


def _read_most(reading: Reading, parts: dict[str, Part], name: str, usual: int) -> int:
    if name not in parts:
        return usual
    return read_whole(reading.faults, parts[name], name, high=_MOST_ACTIONS)


def _read_groups(
    reading: Reading, part: Part, ids: list[str]
) -> tuple[tuple[str, ...], ...]:
    """Read groups of rules that exclude each other; a rule stands in one at most."""
    faults = reading.faults
    groups = []
    seen: set[str] = set()
    for item in faults.read_items(part):
        if not isinstance(item.value, list):
            faults.add(
                item.spot, f"only_one_of is a list of lists of rules, got {item.kind}"
            )
            continue
        names = []
        for member in item.value:
            name = _read_rule_name(reading, member, ids)
            if name in seen:
                faults.add(member.spot, f"{name} stands in a group already")
            seen.add(name)
            names.append(name)
        if len(names) < 2:
            faults.add(item.spot, "a group has at least two rules")
        groups.append(tuple(names))
    return tuple(groups)


def _read_rule_name(reading: Reading, part: Part, ids: list[str]) -> str:
    name = part.value if isinstance(part.value, str) else ""
    if name not in ids:
        reading.faults.add(part.spot, f"there is no rule {part.kind}{guess(name, ids)}")
    return name


def _read_examples(
    reading: Reading, part: Part | None, ids: list[str]
) -> tuple[Example, ...]:
    if part is None:
        return ()
    if not isinstance(part.value, list) or not part.value:
        reading.faults.add(
            part.spot,
            "examples is a list of people and of what must be proposed to them, got"
            f" {part.kind}",
        )
        return ()
    return tuple(_read_example(reading, item, ids) for item in part.value)


def _read_example(reading: Reading, part: Part, ids: list[str]) -> Example:
    faults = reading.faults
    parts = faults.check_keys(
        part, known=("label", "given", "expect"), needed=("given", "expect")
    )
    expect: tuple[str, ...] = ()
    if "expect" in parts and parts["expect"].value != "none":
        expect = tuple(
            _read_rule_name(reading, item, ids)
            for item in faults.read_items(parts["expect"])
        )
    label = read_text(faults, parts["label"], "label") if "label" in parts else ""
    empty = Part(spot=part.spot, value={})
    return Example(
        given=read_given(reading, parts.get("given", empty)),
        expect=expect,
        label=label,
        spot=part.spot,
    )
