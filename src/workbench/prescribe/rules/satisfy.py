"""Whether a condition can hold at all, exactly, and for whom.

Every fact has a few values that stand for all: between two limits that the condition
compares a number with, all values are alike; of names, those that are mentioned and one
that is not. A condition holds for some person if and only if it holds for a person made
of such values, so intervals and names become finite sets. Facts count as free of each
other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from workbench.prescribe.rules.compare import meets
from workbench.prescribe.rules.facts import Fact, find_fact
from workbench.prescribe.rules.language import (
    AllOf,
    Condition,
    Key,
    Not,
    Test,
    Value,
    list_tests,
)

__all__ = ["OTHER", "Witness", "find_witness", "list_values"]

Witness: TypeAlias = dict[Key, Value | None]
"""A person for whom a condition holds: values by fact and subject."""

OTHER = "(any other)"
_Box: TypeAlias = dict[Key, frozenset[int]]


@dataclass(frozen=True, slots=True)
class _Choice:
    """One comparison as the numbers of the values that meet it."""

    key: Key
    allowed: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Every:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Some:
    parts: tuple[_Node, ...]


_Node: TypeAlias = _Choice | _Every | _Some


def find_witness(condition: Condition) -> Witness | None:
    """Find a person for whom a condition holds, or prove that there is none.

    Parameters
    ----------
    condition : Condition
        Any condition of the language.

    Returns
    -------
    dict or None
        Values of the facts that matter; None if the condition can never hold.
    """
    values = list_values(condition)
    box = _search([_normalise(condition, values, wanted=True)], {})
    if box is None:
        return None
    return {
        key: _simplest(key, [values[key][index] for index in sorted(allowed)])
        for key, allowed in sorted(box.items())
    }


def list_values(condition: Condition) -> dict[Key, npt.NDArray[Any]]:
    """List, for each fact of a condition, values that stand for all others.

    Returns
    -------
    dict of (str, str) to ndarray
        By fact and subject: floats with NaN for unknown, names with None for unknown,
        or False and True.
    """
    tests: dict[Key, list[Test]] = {}
    for test in list_tests(condition):
        tests.setdefault(test.key, []).append(test)
    return {key: _represent(find_fact(key[0]), tests[key]) for key in tests}


def _represent(fact: Fact, tests: Sequence[Test]) -> npt.NDArray[Any]:
    if fact.kind in ("flag", "courses"):
        return np.array([False, True])
    named = [value for test in tests for value in test.values]
    if fact.kind == "choice":
        names = sorted({str(value) for value in named})
        missing = [None] if fact.may_miss else []
        return np.array([*names, OTHER, *missing], dtype=object)
    numbers = _spread(fact, sorted({float(value) for value in named}))
    unknown = [math.nan] if fact.may_miss else []
    return np.array([*numbers, *unknown], dtype=float)


def _spread(fact: Fact, limits: list[float]) -> list[float]:
    """Return the limits, and a value on each side of every one."""
    top = fact.high if math.isfinite(fact.high) else max([fact.low, *limits]) + 1
    points = sorted({fact.low, top, *limits})
    if fact.whole:
        near = {step for point in points for step in (point - 1, point, point + 1)}
    else:
        middles = {(low + high) / 2 for low, high in pairwise(points)}
        near = {*points, *middles}
    return sorted(point for point in near if fact.low <= point <= fact.high)


def _normalise(
    condition: Condition, values: Mapping[Key, npt.NDArray[Any]], *, wanted: bool
) -> _Node:
    """Push negation down to the comparisons, and write these as sets of values."""
    if isinstance(condition, Not):
        return _normalise(condition.part, values, wanted=not wanted)
    if isinstance(condition, Test):
        met = meets(condition, values[condition.key]) == wanted
        return _Choice(condition.key, frozenset(int(i) for i in np.flatnonzero(met)))
    parts = tuple(_normalise(part, values, wanted=wanted) for part in condition.parts)
    return _Every(parts) if isinstance(condition, AllOf) is wanted else _Some(parts)


def _search(pending: list[_Node], box: _Box) -> _Box | None:
    """Narrow the sets of values; where there is a choice of parts, try each."""
    box = dict(box)
    choices: list[_Some] = []
    while pending:
        node = pending.pop()
        if isinstance(node, _Every):
            pending.extend(node.parts)
        elif isinstance(node, _Some):
            choices.append(node)
        elif not _narrow(node, box):
            return None
    left = [item for node in choices if (item := _prune(node, box)) is not None]
    if not left:
        return box
    first = min(left, key=lambda item: len(item.parts))
    others: list[_Node] = [item for item in left if item is not first]
    for part in first.parts:
        found = _search([*others, part], box)
        if found is not None:
            return found
    return None


def _narrow(choice: _Choice, box: _Box) -> bool:
    """Keep the allowed values of a fact; say whether any is left."""
    kept = box.get(choice.key, choice.allowed) & choice.allowed
    box[choice.key] = kept
    return bool(kept)


def _prune(node: _Some, box: _Box) -> _Some | None:
    """Drop parts that cannot hold any more; None if one holds already."""
    parts = []
    for part in node.parts:
        if isinstance(part, _Choice) and part.key in box:
            if box[part.key] <= part.allowed:
                return None
            if not box[part.key] & part.allowed:
                continue
        if isinstance(part, _Every) and not part.parts:
            return None
        parts.append(part)
    return _Some(tuple(parts))


def _simplest(key: Key, values: Sequence[Any]) -> Value | None:
    """Choose the value that reads best: known rather than unknown, and whole."""
    known = [value for value in values if value is not None and value == value]
    if not known:
        return None
    if find_fact(key[0]).kind != "number":
        named = [value for value in known if value != OTHER]
        chosen = (named or known)[0]
        return bool(chosen) if isinstance(chosen, np.bool_) else str(chosen)
    numbers = [float(value) for value in known]
    return next((value for value in numbers if value.is_integer()), numbers[0])
