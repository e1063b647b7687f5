"""Reading the action of a rule: what is proposed, its effort, expiry and effect."""

from __future__ import annotations

import math
from typing import get_args

from workbench.prescribe.rules.conditions import Reading
from workbench.prescribe.rules.language import (
    BEST_FOR_SKILL,
    NEXT_IN_PATH,
    ActionKind,
    Clause,
    Expected,
)
from workbench.prescribe.rules.reasons import check_text
from workbench.prescribe.rules.source import Part, guess
from workbench.prescribe.rules.values import (
    read_hours,
    read_id,
    read_text,
    read_whole,
)

__all__ = ["read_clause"]

_ALWAYS = ("action", "expires_after_days", "priority", "reason_code", "reason")
_KNOWN = (
    *_ALWAYS,
    *("module", "skill", "behaviour", "title", "effort_hours", "expected"),
)
_TAKES: dict[str, tuple[str, ...]] = {
    "micro_module": ("module", "skill"),
    "path_module": ("module",),
    "coaching_task": ("behaviour", "skill"),
    "practice": ("skill",),
    "assessment": ("skill",),
}
_NEEDS: dict[str, tuple[str, ...]] = {
    "micro_module": ("module",),
    "path_module": ("module",),
    "coaching_task": ("behaviour", "effort_hours"),
    "practice": ("effort_hours",),
    "assessment": ("effort_hours",),
}
_LONGEST = 366
_LAST_PRIORITY = 99
_CITATION = 10


def read_clause(reading: Reading, part: Part) -> Clause | None:
    """Read what a rule proposes and note all its faults; None if it is no mapping."""
    faults = reading.faults
    parts = faults.check_keys(part, known=_KNOWN, needed=_ALWAYS)
    if not parts:
        return None
    action = _read_action(reading, part, parts)
    texts = {
        key: read_text(faults, parts[key], key)
        for key in ("reason", "title")
        if key in parts
    }
    module = _read_module(reading, parts, action)
    skill = _read_skill(reading, part, parts, action, module)
    behaviour = _read_behaviour(reading, parts)
    has = {
        "skill": bool(skill) or reading.own_skill,
        "module": bool(module),
        "behaviour": bool(behaviour),
    }
    for key, text in texts.items():
        spot = parts[key].spot
        check_text(
            faults,
            spot,
            text,
            own_skill=reading.own_skill,
            has=has,
            protected=reading.vocabulary.protected,
        )
    return Clause(
        action=action,
        module=module,
        skill=skill,
        behaviour=behaviour,
        title=texts.get("title", ""),
        effort_hours=(
            read_hours(faults, parts["effort_hours"], "effort_hours")
            if "effort_hours" in parts
            else None
        ),
        expires_after_days=_read_count(reading, parts, "expires_after_days", _LONGEST),
        priority=_read_count(reading, parts, "priority", _LAST_PRIORITY),
        reason_code=(
            read_id(faults, parts["reason_code"], "reason_code")
            if "reason_code" in parts
            else ""
        ),
        reason=texts.get("reason", ""),
        expected=_read_expected(reading, parts.get("expected"), bool(module)),
    )


def _read_count(reading: Reading, parts: dict[str, Part], name: str, high: int) -> int:
    if name not in parts:
        return 1
    return read_whole(reading.faults, parts[name], name, high=high)


def _read_action(reading: Reading, whole: Part, parts: dict[str, Part]) -> ActionKind:
    """Read the kind of action, and hold the other keys against it."""
    faults = reading.faults
    kinds: tuple[ActionKind, ...] = get_args(ActionKind)
    if "action" not in parts:
        return kinds[0]
    given = parts["action"].value
    for kind in kinds:
        if kind == given:
            for key in ("module", "skill", "behaviour"):
                if key in parts and key not in _TAKES[kind]:
                    faults.add(whole.keys[key], f"the action {kind} takes no {key}")
            for key in _NEEDS[kind]:
                if key not in parts:
                    faults.add(whole.spot, f"the action {kind} needs {key}")
            return kind
    faults.add(
        parts["action"].spot,
        f"there is no action {parts['action'].kind}{guess(str(given), kinds)};"
        " known are " + ", ".join(kinds),
    )
    return kinds[0]


def _read_module(reading: Reading, parts: dict[str, Part], action: ActionKind) -> str:
    part = parts.get("module")
    if part is None:
        return ""
    chosen = {BEST_FOR_SKILL: "micro_module", NEXT_IN_PATH: "path_module"}
    if isinstance(part.value, str) and part.value in chosen:
        if chosen[part.value] != action:
            reading.faults.add(
                part.spot, f"{part.value} belongs to the action {chosen[part.value]}"
            )
        return part.value
    known = reading.vocabulary.names.get("course")
    if known is not None and isinstance(part.value, str) and part.value not in known:
        names = [*known, *chosen]
        reading.faults.add(
            part.spot, f"there is no course {part.value!r}{guess(part.value, names)}"
        )
        return part.value
    return reading.vocabulary.check(reading.faults, part, "course")


def _read_skill(
    reading: Reading,
    whole: Part,
    parts: dict[str, Part],
    action: ActionKind,
    module: str,
) -> str:
    """Read a named skill; some actions cannot be without one."""
    if "skill" in parts:
        if reading.own_skill:
            reading.faults.add(
                whole.keys["skill"], "the rule holds for_each: skill, so it has one"
            )
        return reading.vocabulary.check(reading.faults, parts["skill"], "skill")
    if not reading.own_skill and (action == "assessment" or module == BEST_FOR_SKILL):
        reading.faults.add(
            whole.spot,
            "the action needs a skill: name it, or let the rule hold for_each: skill",
        )
    return ""


def _read_behaviour(reading: Reading, parts: dict[str, Part]) -> str:
    if "behaviour" not in parts:
        return ""
    return reading.vocabulary.check(reading.faults, parts["behaviour"], "behaviour")


def _read_expected(reading: Reading, part: Part | None, has_module: bool) -> Expected:
    """Read where the expected effect comes from; nothing is made up for it."""
    if part is None:
        return Expected(source="unknown")
    faults = reading.faults
    known = ("from", "value", "low", "high", "unit", "source", "because")
    parts = faults.check_keys(part, known=known, needed=("from",))
    if "from" not in parts:
        return Expected(source="unknown")
    source = parts["from"].value
    own = {"declared": known[1:6], "unknown": ("because",)}.get(str(source), ())
    for key in parts:
        if key not in ("from", *own):
            faults.add(part.keys[key], f"{key} does not belong to from: {source}")
    if source == "declared":
        return _read_declared(reading, part, parts)
    if source == "unknown":
        because = parts.get("because")
        text = "" if because is None else read_text(faults, because, "because")
        return Expected(source="unknown", citation=text)
    if source in ("module", "path"):
        if not has_module:
            faults.add(parts["from"].spot, f"from: {source} needs an action's module")
        return Expected(source="module" if source == "module" else "path")
    faults.add(
        parts["from"].spot,
        f"an effect is from module, path, declared or unknown, not"
        f" {parts['from'].kind}"
        f"{guess(str(source), ('module', 'path', 'declared', 'unknown'))}",
    )
    return Expected(source="unknown")


def _read_declared(reading: Reading, whole: Part, parts: dict[str, Part]) -> Expected:
    """Read an effect with interval, unit and the place where it can be looked up."""
    faults = reading.faults
    missing = [
        key for key in ("value", "low", "high", "unit", "source") if key not in parts
    ]
    if missing:
        faults.add(
            whole.spot,
            f"a declared effect needs {', '.join(missing)}: an effect is stated with"
            " its interval, unit and source, or is not stated",
        )
        return Expected(source="unknown")
    numbers = {}
    for key in ("value", "low", "high"):
        value = parts[key].value
        if isinstance(value, bool) or not isinstance(value, int | float):
            faults.add(parts[key].spot, f"{key} is a number, got {parts[key].kind}")
            return Expected(source="unknown")
        numbers[key] = float(value)
    held = numbers["low"] <= numbers["value"] <= numbers["high"]
    if not held or not all(map(math.isfinite, numbers.values())):
        faults.add(whole.spot, "the interval from low to high does not hold the value")
    return Expected(
        source="declared",
        value=numbers["value"],
        low=numbers["low"],
        high=numbers["high"],
        unit=read_text(faults, parts["unit"], "unit"),
        citation=read_text(faults, parts["source"], "source", least=_CITATION),
    )
