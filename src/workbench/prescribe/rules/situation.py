"""People as rules see them: one array per fact, and one row per person and skill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ParamError
from workbench.prescribe.rules.facts import find_fact
from workbench.prescribe.rules.language import Key, Rule, list_tests
from workbench.prescribe.rules.requirements import state_whole

__all__ = ["Situation", "list_keys"]

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Facts of people on the day after the cut.

    Attributes
    ----------
    count : int
        People.
    people : mapping of (str, str) to ndarray, shape (count,)
        Facts by name and subject: floats with NaN for unknown, names with None for
        unknown, or booleans. Courses that are absent are False for everybody.
    row_person : ndarray of int, shape (rows,)
        Which person each row is about: one row per person and skill of the role.
    row_skill : ndarray of str, shape (rows,)
        Its skill.
    rows : mapping of str to ndarray, shape (rows,)
        Facts that belong to a skill, by name.
    """

    count: int
    people: Mapping[Key, Array]
    row_person: npt.NDArray[np.intp]
    row_skill: Array
    rows: Mapping[str, Array]

    def __post_init__(self) -> None:
        sizes = {len(self.row_person), len(self.row_skill)}
        sizes |= {len(values) for values in self.rows.values()}
        wrong = {len(values) for values in self.people.values()} - {self.count}
        if len(sizes) > 1 or wrong:
            raise ParamError.build(
                "Facts of a situation are not of one length",
                rule=f"{self.count} people, {len(self.row_person)} rows",
                got=sorted(sizes | wrong),
            )

    def of_people(self, key: Key) -> Array:
        """Return a fact of all people; of a skill not needed it is unknown or false.

        Raises
        ------
        ParamError
            If the data do not hold the fact.
        """
        name, subject = key
        fact = find_fact(name)
        if fact.per_skill:
            return self._scatter(name, subject)
        if key in self.people:
            return self.people[key]
        if fact.kind == "courses":
            return np.zeros(self.count, dtype=bool)
        raise ParamError.build(
            f"The data do not hold {fact.words}"
            + (f" of {subject}" if subject else ""),
            rule="known are " + ", ".join(sorted({item for item, _ in self.people})),
            hint=f"take {name} out of rules.yml",
        )

    def of_rows(self, name: str) -> Array:
        """Return a fact of each person's skill in turn."""
        if name == "needs":
            return np.ones(len(self.row_person), dtype=bool)
        return self.row_skill if name == "skill" else self.rows[name]

    def _scatter(self, name: str, skill: str) -> Array:
        values = self.of_rows(name)
        flags = find_fact(name).kind == "flag"
        spread = np.full(self.count, False if flags else np.nan)
        at = self.row_skill == skill
        result = spread.astype(bool) if flags else spread
        result[self.row_person[at]] = values[at]
        return result


def list_keys(rules: tuple[Rule, ...], fact: str) -> list[str]:
    """List the subjects with which rules ask for a fact: courses or behaviours."""
    tests = [test for rule in rules for test in list_tests(state_whole(rule))]
    return sorted({test.subject for test in tests if test.fact == fact})
