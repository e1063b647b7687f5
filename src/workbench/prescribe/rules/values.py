"""Values of rules: numbers with units, texts, names and truth values."""

from __future__ import annotations

import math
import re

from workbench.prescribe.rules.facts import UNITS, Fact
from workbench.prescribe.rules.source import Faults, Part, guess

__all__ = [
    "read_flag",
    "read_hours",
    "read_id",
    "read_number",
    "read_text",
    "read_whole",
]

_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def read_number(faults: Faults, part: Part, fact: Fact) -> float:
    """Read a number with the fact's unit, such as ``5 points``; NaN with a fault."""
    if isinstance(part.value, bool) or not isinstance(part.value, int | float | str):
        faults.add(part.spot, f"{_expect(fact)}, got {part.kind}")
        return math.nan
    match = _QUANTITY.fullmatch(str(part.value).strip())
    if match is None:
        faults.add(part.spot, f"{_expect(fact)}, got {part.kind}")
        return math.nan
    words = UNITS[fact.unit]
    word = match[2].lower()
    if word not in words:
        faults.add(part.spot, _describe_unit(fact, match[1], word))
        return math.nan
    value = float(match[1]) * words[word]
    if fact.whole and not value.is_integer():
        faults.add(part.spot, f"{fact.name} is a whole number of {fact.unit}")
        return math.nan
    if not fact.low <= value <= fact.high:
        faults.add(part.spot, f"{fact.name} {_describe_range(fact)}, got {part.kind}")
        return math.nan
    return value


def read_hours(faults: Faults, part: Part, name: str) -> float:
    """Read hours above 0, a plain number, as the key's name says; 1 with a fault."""
    value = part.value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, int | float) and number and 0 < value < math.inf:
        return float(value)
    faults.add(part.spot, f"{name} is a number of hours above 0, got {part.kind}")
    return 1.0


def read_whole(faults: Faults, part: Part, name: str, *, high: int) -> int:
    """Read a whole number from 1 to `high`; 1 with a fault."""
    rule = f"a whole number from 1 to {high}"
    value = part.value
    number = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, int) and number and 1 <= value <= high:
        return value
    faults.add(part.spot, f"{name} is {rule}, got {part.kind}")
    return 1


def read_text(faults: Faults, part: Part, name: str, *, least: int = 1) -> str:
    """Read a text on one line; empty with a fault."""
    text = " ".join(part.value.split()) if isinstance(part.value, str) else ""
    if len(text) < least:
        rule = "a text" if least == 1 else f"a text of at least {least} characters"
        faults.add(part.spot, f"{name} is {rule}, got {part.kind}")
        return ""
    return text


def read_id(faults: Faults, part: Part, name: str) -> str:
    """Read an id of lower-case letters, digits and underscores."""
    if isinstance(part.value, str) and _NAME.fullmatch(part.value):
        return part.value
    faults.add(
        part.spot,
        f"{name} is of lower-case letters, digits and underscores, a letter first,"
        f" got {part.kind}",
    )
    return ""


def read_flag(faults: Faults, part: Part, name: str) -> bool:
    """Read true or false."""
    if isinstance(part.value, bool):
        return part.value
    faults.add(part.spot, f"{name} is true or false, got {part.kind}")
    return False


def _expect(fact: Fact) -> str:
    unit = "" if fact.unit == "times" else f" {fact.unit}"
    return f"{fact.name} is a number of {fact.unit}: write it as 5{unit}"


def _describe_unit(fact: Fact, number: str, word: str) -> str:
    """Say that a unit is missing, is another fact's, or is no unit."""
    words = [name for name in UNITS[fact.unit] if name]
    if not word:
        return (
            f"the unit is missing: {fact.name} is in {fact.unit}, so write"
            f" {number} {fact.unit}"
        )
    known = " or ".join(words)
    return (
        f"{fact.name} is in {fact.unit}, not in {word!r}: write {known}"
        f"{guess(word, words)}"
    )


def _describe_range(fact: Fact) -> str:
    if math.isinf(fact.high):
        return f"is at least {fact.low:g}"
    return f"lies between {fact.low:g} and {fact.high:g} {fact.unit}"
