"""From all that rules would propose to what a person gets: exclusions and limits."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.prescribe.rules.evaluate import Candidates
from workbench.prescribe.rules.language import Limits, Rule

__all__ = ["Fate", "settle"]


class Fate(IntEnum):
    """What becomes of a candidate."""

    PROPOSED = 0
    EXCLUDED = 1
    REPEATED = 2
    OVER_RULE = 3
    OVER_PERSON = 4


def settle(
    candidates: Candidates,
    rules: Sequence[Rule],
    limits: Limits,
    *,
    target: npt.NDArray[np.intp],
    gap: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Order candidates and say what becomes of each.

    First of every group of rules that exclude each other the first that holds for the
    person stays; then a target that is proposed already is not proposed again; then at
    most so many actions of a rule, and at most so many of a person, stay. Lower
    priority numbers go first, then the order of the file, then the larger gap, then
    the order of the skills.

    Parameters
    ----------
    candidates : Candidates
        Of `find_candidates`, with the same rules.
    rules : sequence of Rule
        In the order of priority and file.
    limits : Limits
        Of the file.
    target : ndarray of int, shape (n,)
        Equal numbers mean the same action on the same target.
    gap : ndarray of float, shape (n,)
        Gap of the candidate's skill; NaN goes last.

    Returns
    -------
    order : ndarray of int, shape (n,)
        Candidates by person and precedence.
    fate : ndarray of int, shape (n,)
        `Fate` of each, in that order.
    """
    widest = -np.nan_to_num(gap, nan=-1.0)
    order = np.lexsort((candidates.row, widest, candidates.rule, candidates.person))
    frame = pd.DataFrame(
        {
            "person": candidates.person[order],
            "rule": candidates.rule[order],
            "target": target[order],
        }
    )
    fate = np.zeros(len(frame), dtype=np.intp)
    for group in limits.only_one_of:
        _exclude(frame, fate, [i for i, rule in enumerate(rules) if rule.id in group])
    left = np.flatnonzero(fate == Fate.PROPOSED)
    repeated = frame.iloc[left].duplicated(["person", "target"]).to_numpy()
    fate[left[repeated]] = Fate.REPEATED
    _cut(frame, fate, ["person", "rule"], limits.actions_per_rule, Fate.OVER_RULE)
    _cut(frame, fate, ["person"], limits.actions_per_person, Fate.OVER_PERSON)
    return order, fate


def _exclude(
    frame: pd.DataFrame, fate: npt.NDArray[np.intp], group: Sequence[int]
) -> None:
    """Keep, for each person, only the first rule of a group."""
    at = np.flatnonzero(frame["rule"].isin(group))
    first = frame.iloc[at].groupby("person")["rule"].transform("first").to_numpy()
    fate[at[frame["rule"].to_numpy()[at] != first]] = Fate.EXCLUDED


def _cut(
    frame: pd.DataFrame,
    fate: npt.NDArray[np.intp],
    by: list[str],
    most: int,
    reason: Fate,
) -> None:
    """Keep the first so many of those still proposed."""
    left = np.flatnonzero(fate == Fate.PROPOSED)
    place = frame.iloc[left].groupby(by).cumcount().to_numpy()
    fate[left[place >= most]] = reason
