"""For whom rules hold: every rule as masks over people, or over people and skills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workbench.prescribe.rules.compare import Mask, meets
from workbench.prescribe.rules.facts import find_fact
from workbench.prescribe.rules.language import AllOf, Condition, Not, Rule, Test
from workbench.prescribe.rules.requirements import state_whole
from workbench.prescribe.rules.situation import Situation

__all__ = ["Candidates", "find_candidates", "hold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What rules would propose, before any limit.

    Attributes
    ----------
    person : ndarray of int, shape (n,)
        Number of the person.
    rule : ndarray of int, shape (n,)
        Number of the rule in the order given.
    row : ndarray of int, shape (n,)
        Number of the person's skill; -1 for rules without one.
    """

    person: npt.NDArray[np.intp]
    rule: npt.NDArray[np.intp]
    row: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """Masks over all people are kept: rules often ask the same."""

    situation: Situation
    kept: dict[Test, Mask] = field(default_factory=dict)

    def over_people(self, test: Test) -> Mask:
        if test not in self.kept:
            self.kept[test] = meets(test, self.situation.of_people(test.key))
        return self.kept[test]

    def over_rows(self, test: Test) -> Mask:
        if find_fact(test.fact).per_skill and not test.subject:
            return meets(test, self.situation.of_rows(test.fact))
        spread: Mask = self.over_people(test)[self.situation.row_person]
        return spread


def find_candidates(rules: Sequence[Rule], situation: Situation) -> Candidates:
    """Find all people, and their skills, for whom rules hold and have a target.

    Parameters
    ----------
    rules : sequence of Rule
        In the order by which they are numbered.
    situation : Situation
        The people.

    Returns
    -------
    Candidates
        Rule by rule.

    Raises
    ------
    ParamError
        If a rule asks for a fact that the data do not hold.
    """
    evaluation = _Evaluation(situation)
    people, numbers, rows = [], [], []
    for number, rule in enumerate(rules):
        mask = _hold(state_whole(rule), evaluation, by_row=rule.for_each_skill)
        found = np.flatnonzero(mask)
        own = rule.for_each_skill
        people.append(situation.row_person[found] if own else found)
        rows.append(found if own else np.full(len(found), -1))
        numbers.append(np.full(len(found), number))
    empty = [np.empty(0, dtype=np.intp)]
    return Candidates(
        person=np.concatenate(people or empty).astype(np.intp),
        rule=np.concatenate(numbers or empty).astype(np.intp),
        row=np.concatenate(rows or empty).astype(np.intp),
    )


def hold(condition: Condition, situation: Situation, *, by_row: bool = False) -> Mask:
    """Return for whom a condition holds.

    Parameters
    ----------
    condition : Condition
        Of a rule.
    situation : Situation
        The people.
    by_row : bool
        Whether the condition is about each skill of each person.

    Returns
    -------
    ndarray of bool
        One per person, or one per row.
    """
    return _hold(condition, _Evaluation(situation), by_row=by_row)


def _hold(condition: Condition, evaluation: _Evaluation, *, by_row: bool) -> Mask:
    if isinstance(condition, Test):
        if by_row:
            return evaluation.over_rows(condition)
        return evaluation.over_people(condition)
    if isinstance(condition, Not):
        return ~_hold(condition.part, evaluation, by_row=by_row)
    situation = evaluation.situation
    size = len(situation.row_person) if by_row else situation.count
    every = isinstance(condition, AllOf)
    result = np.full(size, every)
    for part in condition.parts:
        mask = _hold(part, evaluation, by_row=by_row)
        result = result & mask if every else result | mask
    return result
