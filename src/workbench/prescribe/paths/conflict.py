"""Why there is no path: the fewest constraints that cannot hold together, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.prescribe.paths.constraints import Constraint, Party
from workbench.prescribe.paths.linear_model import LinearModel

__all__ = ["describe_conflict", "find_conflict"]


def find_conflict(party: Party) -> tuple[Constraint, ...]:
    """Find the smallest set of constraints that no path holds together.

    Parameters
    ----------
    party : Party
        A persona without a path.

    Returns
    -------
    tuple of Constraint
        Without any one of them a path exists for the rest of them; no smaller set is
        in conflict. Of several as small, the one declared first. Empty if a path
        exists.

    Notes
    -----
    A set is in conflict exactly if it shares a member with every *correction*, a set
    of constraints whose slack lets the others hold. The search keeps the smallest set
    that meets all corrections found so far; while it can be held, the elastic
    programme with as few slacks as possible outside of it gives one more [1]_.

    References
    ----------
    .. [1] Ignatiev, A., Previti, A., Liffiton, M. and Marques-Silva, J. (2015).
       Smallest MUS extraction with minimal hitting set dualization. CP 2015, 173-182.
       doi:10.1007/978-3-319-23219-5_13
    """
    corrections: list[frozenset[int]] = []
    while True:
        kept = _meet(corrections, len(party.constraints))
        freed = _relax(party, kept)
        if freed is None:
            return tuple(party.constraints[place] for place in sorted(kept))
        if not freed:
            return ()
        corrections.append(freed)


def describe_conflict(party: Party, conflict: Sequence[Constraint]) -> str:
    """Say in one sentence what cannot hold together, with its numbers.

    Parameters
    ----------
    party : Party
        The persona.
    conflict : sequence of Constraint
        From `find_conflict`.

    Returns
    -------
    str
        Where one thing runs out, the least that the others need of it is named.
    """
    asked = [rule for rule in conflict if not rule.resource]
    scarce = [rule for rule in conflict if rule.resource]
    needs = "The path needs " + _join([rule.words for rule in asked])
    if not scarce:
        together = "hold together" if len(asked) > 1 else "be had"
        return f"{needs}, which cannot {together}."
    allowed = _join([rule.words for rule in scarce])
    if not asked:
        return f"No path fits: {allowed}."
    if len(scarce) > 1:
        return f"{needs}, which cannot be had where {allowed}."
    least = _find_least(party, asked, scarce[0])
    unit = scarce[0].unit
    return f"{needs} ({least:g} {unit} at the least), but {allowed}."


def _meet(corrections: Sequence[frozenset[int]], size: int) -> frozenset[int]:
    """Return the smallest set that shares a member with each correction."""
    if not corrections:
        return frozenset()
    model = LinearModel()
    places = [model.add_column() for _ in range(size)]
    for freed in corrections:
        model.add_row({places[index]: 1.0 for index in sorted(freed)}, low=1.0)
    found = model.solve(
        dict.fromkeys(places, -1),
        {place: float(index) for index, place in enumerate(places)},
    )
    values = () if found is None else found.values
    return frozenset(index for index, value in enumerate(values) if value)


def _relax(party: Party, kept: frozenset[int]) -> frozenset[int] | None:
    """Return the fewest constraints to give up if some are kept; None if that fails."""
    model = LinearModel()
    places = {item.module: model.add_column() for item in party.candidates}
    slacks: dict[int, int] = {}
    for index, rule in enumerate(party.constraints):
        entries = {places[name]: value for name, value in rule.weights.items()}
        if index in kept:
            model.add_row(entries, low=rule.low, high=rule.high)
            continue
        slacks[index] = model.add_column()
        most = sum(value for value in rule.weights.values() if value > 0)
        least = sum(value for value in rule.weights.values() if value < 0)
        if rule.high < math.inf:
            room = max(0.0, most - rule.high)
            model.add_row({**entries, slacks[index]: -room}, high=rule.high)
        if rule.low > -math.inf:
            room = max(0.0, rule.low - least)
            model.add_row({**entries, slacks[index]: room}, low=rule.low)
    found = model.solve(
        dict.fromkeys(slacks.values(), -1),
        {place: float(index) for index, place in slacks.items()},
    )
    if found is None:
        return None
    return frozenset(index for index, place in slacks.items() if found.values[place])


def _find_least(party: Party, asked: Sequence[Constraint], scarce: Constraint) -> float:
    model = LinearModel()
    places = {item.module: model.add_column() for item in party.candidates}
    for rule in asked:
        entries = {places[name]: value for name, value in rule.weights.items()}
        model.add_row(entries, low=rule.low, high=rule.high)
    found = model.solve(
        {}, {places[name]: value for name, value in scarce.weights.items()}
    )
    return math.nan if found is None else found.effort


def _join(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
