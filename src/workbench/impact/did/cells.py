"""One cell after another: a group of learners in one period against the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.did.doubly_robust import Method, compare_changes

__all__ = [
    "Base",
    "Cell",
    "Control",
    "People",
    "estimate_cells",
    "find_base_period",
    "find_others",
    "list_observed",
    "tabulate_cells",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Base = Literal["varying", "universal"]
Control = Literal["not_yet", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A panel with one row per person.

    Attributes
    ----------
    units : array
        Pseudonyms.
    first_treat : array of int
        Period of learning, 0 for those who had not learnt by the cut.
    outcomes : array of shape (people, periods)
        NaN where not observed.
    clusters : array of int
        Codes from 0.
    terms : array of shape (people, terms)
        Covariates as numbers; may have no columns.
    """

    units: npt.NDArray[np.object_]
    first_treat: IntArray
    outcomes: FloatArray
    clusters: IntArray
    terms: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """An estimated cell; fields as in `GroupTime.table` and `GroupTime.influence`.

    ``problem`` says why there is no estimate; it is empty where there is one.
    """

    group: int
    period: int
    base_period: int
    att: float
    influence: FloatArray
    n_treated: int
    n_control: int
    lost: int = 0
    trimmed: int = 0
    unsupported: int = 0
    reference: bool = False
    problem: str = ""


def estimate_cells(
    people: People,
    *,
    method: Method,
    control: Control,
    base: Base,
    anticipation: int,
    min_group: int,
    small_sample: bool = False,
) -> tuple[list[Cell], pd.DataFrame]:
    """Estimate every cell that has a base period, others and enough people.

    Parameters
    ----------
    people : People
        The panel.
    method, control, base, anticipation, min_group, small_sample
        See `estimate_group_time`.

    Returns
    -------
    tuple
        Estimated cells by group and period, and those that are not: ``group``,
        ``period``, ``n_treated``, ``n_control``, ``reason``. The first period of a
        group that learns later is no cell when bases vary.
    """
    found: list[Cell] = []
    dropped: list[Cell] = []
    observed = list_observed(people.outcomes)
    for group in np.unique(people.first_treat[people.first_treat > 0]).tolist():
        ours = people.first_treat == group
        for period in observed:
            start = find_base_period(
                group, period, base=base, anticipation=anticipation, observed=observed
            )
            if start < 1 and period < group:
                continue
            theirs = find_others(
                people.first_treat, group, max(period, start) + anticipation, control
            )
            cell = _estimate_cell(
                people,
                (group, period, start),
                (ours, theirs),
                method,
                (min_group, small_sample),
            )
            (dropped if cell.problem else found).append(cell)
    names = {"problem": "reason"}
    columns = ["group", "period", "n_treated", "n_control", "problem"]
    return found, _tabulate(dropped, columns).rename(columns=names)


def tabulate_cells(cells: Sequence[Cell], errors: FloatArray) -> pd.DataFrame:
    """Return estimated cells as `GroupTime.table`; errors in the order of the cells."""
    columns = ["group", "period", "att", "n_treated", "n_control", "base_period"]
    counts = ["lost", "trimmed", "unsupported"]
    table = _tabulate(cells, [*columns, "reference", *counts])
    table.insert(2, "event_time", table["period"] - table["group"])
    table.insert(4, "std_error", np.where(table["reference"], np.nan, errors))
    return table


def list_observed(outcomes: FloatArray) -> list[int]:
    """List the periods in which anybody's outcome was observed."""
    seen = np.isfinite(outcomes).any(axis=0)
    return [int(place) + 1 for place in np.flatnonzero(seen)]


def find_base_period(
    group: int, period: int, *, base: Base, anticipation: int, observed: Sequence[int]
) -> int:
    """Return the observed period that a cell's change starts from, 0 if there is none.

    Parameters
    ----------
    group, period : int
        The cell.
    base : {"varying", "universal"}
        See `estimate_group_time`.
    anticipation : int
        Quarters before the exposure that are no base.
    observed : sequence of int
        Periods with outcomes, ascending; outcomes may be measured every other quarter.

    Returns
    -------
    int
        The last one before the exposure and its anticipation, or, for earlier
        periods and bases that vary, the one before `period`.
    """
    limit = period
    if base == "universal" or period >= group:
        limit = group - anticipation
    return max((one for one in observed if one < limit), default=0)


def find_others(
    first_treat: IntArray, group: int, until: int, control: Control
) -> BoolArray:
    """Find who never learns, or (not yet) learns later than the period `until`."""
    others: BoolArray = first_treat == 0
    if control == "not_yet":
        others = others | ((first_treat > until) & (first_treat != group))
    return others


def _tabulate(cells: Sequence[Cell], columns: list[str]) -> pd.DataFrame:
    rows = [[getattr(cell, name) for name in columns] for cell in cells]
    return pd.DataFrame(rows, columns=columns)


def _estimate_cell(
    people: People,
    key: tuple[int, int, int],
    arms: tuple[BoolArray, BoolArray],
    method: Method,
    limits: tuple[int, bool],
) -> Cell:
    group, period, start = key
    min_group, small_sample = limits
    ours, theirs = arms
    column = np.zeros(len(ours))
    blank = Cell(
        group=group,
        period=period,
        base_period=start,
        att=0.0,
        influence=column,
        n_treated=int(ours.sum()),
        n_control=int(theirs.sum()),
        reference=period == start,
    )
    if start < 1:
        return _settle(blank, problem="no quarter before the exposure")
    if period == start:
        return blank
    change = people.outcomes[:, period - 1] - people.outcomes[:, start - 1]
    seen = np.isfinite(change)
    used = np.flatnonzero((ours | theirs) & seen)
    learns = ours[used]
    sizes = int(learns.sum()), int((~learns).sum())
    problem = _find_obstacle(*sizes, min_group)
    if problem:
        return _settle(blank, sizes=sizes, problem=problem)
    found = compare_changes(change[used], learns, people.terms[used], method=method)
    if found.problem:
        return _settle(blank, sizes=sizes, problem=found.problem)
    column[used] = found.influence
    if small_sample:
        terms = 1 + people.terms.shape[1]
        column[used] *= np.where(
            learns, _inflate(sizes[0], 1), _inflate(sizes[1], terms)
        )
    return Cell(
        group=group,
        period=period,
        base_period=start,
        att=found.att,
        influence=column,
        n_treated=sizes[0],
        n_control=sizes[1],
        lost=int(((ours | theirs) & ~seen).sum()),
        trimmed=found.trimmed,
        unsupported=found.unsupported,
    )


def _inflate(people: int, terms: int) -> float:
    """Return the root of n/(n - k)."""
    return float(np.sqrt(people / max(people - terms, 1)))


def _settle(cell: Cell, *, problem: str, sizes: tuple[int, int] | None = None) -> Cell:
    """Return a cell without an estimate."""
    return Cell(
        group=cell.group,
        period=cell.period,
        base_period=cell.base_period,
        att=np.nan,
        influence=cell.influence,
        n_treated=cell.n_treated if sizes is None else sizes[0],
        n_control=cell.n_control if sizes is None else sizes[1],
        problem=problem,
    )


def _find_obstacle(n_treated: int, n_control: int, min_group: int) -> str:
    if n_control == 0:
        return "nobody left to compare with"
    if n_treated < min_group:
        return f"fewer than {min_group} learners seen in both quarters"
    if n_control < min_group:
        return f"fewer than {min_group} others seen in both quarters"
    return ""
