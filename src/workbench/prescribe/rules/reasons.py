"""Sentences with placeholders, which take nothing but what a rule knows."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import repeat

from workbench.prescribe.rules.facts import FACTS
from workbench.prescribe.rules.source import Faults, Spot, guess

__all__ = ["check_text", "fill", "list_placeholders"]

_HOLE = re.compile(r"\{([^{}]*)\}")
_OF_TARGET = ("skill", "module", "behaviour", "effort_hours")


def check_text(
    faults: Faults,
    spot: Spot,
    text: str,
    *,
    own_skill: bool,
    has: Mapping[str, bool],
    protected: Collection[str] = (),
) -> None:
    """Note placeholders that do not exist, or that the rule has no value for.

    Parameters
    ----------
    faults : Faults
        Where they are noted.
    spot : Spot
        Where the text stands.
    text : str
        A sentence such as ``The gap in {skill} is {gap} points``.
    own_skill : bool
        Whether the rule holds for each skill.
    has : mapping of str to bool
        Whether the action has a ``skill``, ``module`` and ``behaviour``.
    protected : collection of str
        Protected attributes; none of them is a placeholder, even where it is a fact.
    """
    rest = _HOLE.sub("", text)
    if "{" in rest or "}" in rest:
        faults.add(spot, "a brace is not closed, or stands in another")
    for name in list_placeholders(text):
        fact = FACTS.get(name)
        if name in protected:
            faults.add(spot, f"{name} is a protected attribute, and never a reason")
        elif name in _OF_TARGET:
            if not has.get(name, True):
                faults.add(spot, f"{{{name}}} has no value: the action has no {name}")
        elif fact is None or fact.kind not in ("number", "choice"):
            known = [
                *_OF_TARGET,
                *(item.name for item in FACTS.values() if item.kind == "number"),
            ]
            faults.add(
                spot, f"there is no placeholder {{{name}}}{guess(name, sorted(known))}"
            )
        elif fact.per_skill and not own_skill:
            faults.add(spot, f"{{{name}}} needs a rule that holds for_each: skill")


def list_placeholders(text: str) -> list[str]:
    """List the names in braces, in order, as often as they stand there."""
    return _HOLE.findall(text)


def fill(text: str, values: Mapping[str, Sequence[object]], *, count: int) -> list[str]:
    """Put values into a text, for many at once; braces within values stay.

    Parameters
    ----------
    text : str
        With placeholders.
    values : mapping of str to sequence, each of `count` values
        What placeholders stand for. Numbers are written without needless digits, what
        is missing as "not known".
    count : int
        How many texts are made.

    Returns
    -------
    list of str
        One text for each.
    """
    pieces = _HOLE.split(text)
    columns: list[Iterable[str]] = [
        _write_all(values[piece]) if number % 2 else repeat(piece, count)
        for number, piece in enumerate(pieces)
    ]
    return ["".join(parts) for parts in zip(*columns, strict=True)]


def _write_all(values: Sequence[object]) -> Iterator[str]:
    """Write values; each different one once, as most of them repeat."""
    import numpy as np
    import pandas as pd

    codes, different = pd.factorize(np.asarray(values), use_na_sentinel=False)
    words = [_write(value) for value in different]
    return (words[code] for code in codes)


def _write(value: object) -> str:
    """Write a value on one line: numbers without needless digits."""
    if isinstance(value, float):
        if math.isnan(value):
            return "not known"
        digits = 0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2
        text = f"{value:.{digits}f}"
        return text.rstrip("0").rstrip(".") if digits else text
    return "not known" if value is None else " ".join(str(value).split())
