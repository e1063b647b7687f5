"""Who is at risk when: the sums over rows that all curves and tests are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from workbench.core.errors import RangeError, TooFewUnitsError

__all__ = [
    "ErrorKind",
    "Martingale",
    "RiskSets",
    "accumulate_covariance",
    "build_risk_sets",
    "divide_hazard",
    "evaluate_rows",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ErrorKind = Literal["auto", "counts", "robust"]

_ALL = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSets:
    """Rows sorted into the sets of those at risk at each time.

    A row is at risk at t if entry < t <= duration; an event comes before a censoring
    on the same day.

    Attributes
    ----------
    time : array of shape (times,)
        Distinct durations, ascending.
    at_risk : array of shape (times,)
        Weight at risk.
    kind : array of int of shape (rows,)
        0 censored, 1 event of interest, 2 another event.
    first, last : array of int of shape (rows,)
        Places in `time` of the first and the last time at which a row is at risk.
    entry : array of shape (rows,) or None
        Days at which rows enter; None if all enter at 0.
    weights : array of shape (rows,)
        Above 0.
    """

    time: FloatArray
    at_risk: FloatArray
    kind: IntArray
    first: IntArray
    last: IntArray
    entry: FloatArray | None
    weights: FloatArray

    def count(self, kind: int) -> FloatArray:
        """Return the weight of the events of one kind at each time."""
        return self.sum_events(self.weights, kind)

    def sum_events(self, values: FloatArray, kind: int) -> FloatArray:
        """Sum values of rows over the events of one kind at each time."""
        rows = self.kind == kind
        return _sum_at(self.last[rows], values[rows], len(self.time))

    def sum_at_risk(self, values: FloatArray) -> FloatArray:
        """Sum values of rows over those at risk at each time."""
        total = _sum_back(_sum_at(self.last, values, len(self.time)))
        if self.entry is not None:
            later = _sum_back(_sum_at(self.first, values, len(self.time)))
            total[:-1] -= later[1:]
        return total

    def place(self, at: float) -> int:
        """Return the place of the last time up to `at`; -1 before the first."""
        return int(np.searchsorted(self.time, at, side="right")) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Martingale:
    """What a row adds to an estimation error as time goes by.

    A row at risk at a time loses ``drift`` there, and gains ``jump`` of its kind if
    its event is there.

    Attributes
    ----------
    jump : tuple of array of shape (times,)
        For events of kind 1, 2 and so on.
    drift : array of shape (times,)
        For every row at risk.
    """

    jump: tuple[FloatArray, ...]
    drift: FloatArray


def build_risk_sets(
    duration: npt.ArrayLike,
    kind: npt.ArrayLike,
    *,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> RiskSets:
    """Sort rows into the sets of those at risk.

    Parameters
    ----------
    duration : array of shape (rows,)
        Days to the event or to the end of the follow-up, at least 0.
    kind : array of int or bool of shape (rows,)
        0 censored, 1 event of interest, above 1 another event.
    entry : array, optional
        Day from which a row is at risk, at least 0; before, it could not have been
        seen. Default: from the start.
    weights : array, optional
        Above 0; default 1.

    Returns
    -------
    RiskSets
        In O(n log n).

    Raises
    ------
    TooFewUnitsError
        If there is no row.
    RangeError
        If lengths differ, a duration or an entry is below 0 or unknown, a row ends
        before it enters, or a weight is not above 0.
    """
    ends = np.asarray(duration, dtype="float64")
    kinds = np.minimum(np.asarray(kind).astype("int64"), 2)
    starts = None if entry is None else np.asarray(entry, dtype="float64")
    scale = np.ones(len(ends))
    if weights is not None:
        scale = np.array(weights, dtype="float64")
    if len(ends) == 0:
        raise TooFewUnitsError.build(
            "Nobody was followed", rule="at least 1 row", hint="widen the cohort"
        )
    _check_rows(ends, kinds, starts, scale)
    time, last = np.unique(ends, return_inverse=True)
    if starts is None:
        first = np.zeros(len(ends), dtype="int64")
    else:
        first = np.searchsorted(time, starts, side="right").astype("int64")
    sets = RiskSets(
        time=time,
        at_risk=np.zeros(len(time)),
        kind=kinds,
        first=first,
        last=last.astype("int64"),
        entry=starts,
        weights=scale,
    )
    # Sums of weights in different orders may differ by rounding; nobody leaves a set
    # that is smaller than those who leave it.
    leaving = _sum_at(sets.last, scale, len(time))
    sets.at_risk[:] = np.maximum(sets.sum_at_risk(scale), leaving)
    return sets


def divide_hazard(
    events: FloatArray, at_risk: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the hazard at each time and 1 / (at_risk * (1 - hazard)).

    The latter is 0 where the event happens to all at risk: no row's weight moves an
    estimate that is 0 from then on.
    """
    hazard = events / at_risk
    hazard[hazard > 1 - _ALL] = 1.0
    left = at_risk * (1 - hazard)
    inverse = np.divide(1.0, left, out=np.zeros_like(left), where=hazard < 1)
    return hazard, inverse


def evaluate_rows(sets: RiskSets, process: Martingale, place: int) -> FloatArray:
    """Return what each row has added up to a place in `RiskSets.time`, unweighted."""
    total = np.append(0.0, np.cumsum(process.drift))
    found = total[np.minimum(sets.first, place + 1)]
    found -= total[np.minimum(sets.last, place) + 1]
    for kind, jump in enumerate(process.jump, start=1):
        rows = (sets.kind == kind) & (sets.last <= place)
        found[rows] += jump[sets.last[rows]]
    return found


def accumulate_covariance(
    sets: RiskSets, one: Martingale, other: Martingale, *, counts: bool = False
) -> FloatArray:
    r"""Return the covariance over time of two sums over rows.

    Parameters
    ----------
    sets : RiskSets
        The rows.
    one, other : Martingale
        What rows add to either sum, times their weight.
    counts : bool
        Whether a weight of 2 stands for two people rather than for one who counts
        double.

    Returns
    -------
    array of shape (times,)
        :math:`\sum_i w_i^2 U_i(t) V_i(t)` (with counts, :math:`w_i` once).

    Notes
    -----
    All rows at risk have lost the same since the start but for what was lost before
    they entered, so each step needs only sums over the risk set: O(n) for all times.
    """
    weight = sets.weights if counts else sets.weights**2
    paths = [np.append(0.0, np.cumsum(item.drift))[:-1] for item in (one, other)]
    there = sets.sum_at_risk(weight)
    step = one.drift * other.drift * there
    for path, item in zip(paths, (other, one), strict=True):
        if sets.entry is None:
            step += item.drift * path * there
        else:
            shift = weight * path[np.minimum(sets.first, len(path) - 1)]
            step += item.drift * (path * there - sets.sum_at_risk(shift))
            for kind, jump in enumerate(item.jump, start=1):
                step += jump * sets.sum_events(shift, kind)
    for kind, (jump, jump_other) in enumerate(
        zip(one.jump, other.jump, strict=True), start=1
    ):
        seen = sets.sum_events(weight, kind)
        step += seen * (jump * jump_other - jump * other.drift - one.drift * jump_other)
        step -= seen * (paths[0] * jump_other + paths[1] * jump)
    found: FloatArray = np.cumsum(step)
    return found


def _sum_at(places: IntArray, values: FloatArray, size: int) -> FloatArray:
    return np.bincount(places, values, minlength=size).astype("float64")


def _sum_back(values: FloatArray) -> FloatArray:
    """Sum from each place to the end."""
    return np.ascontiguousarray(np.cumsum(values[::-1])[::-1])


def _check_rows(
    ends: FloatArray, kinds: IntArray, starts: FloatArray | None, scale: FloatArray
) -> None:
    sizes = [len(ends), len(kinds), len(scale)]
    if starts is not None:
        sizes.append(len(starts))
    if len(set(sizes)) > 1:
        raise RangeError.build("Arrays differ in length", got=sizes)
    _refuse(
        ~(np.isfinite(ends) & (ends >= 0)), ends, "A duration", "known and at least 0"
    )
    _refuse(kinds < 0, kinds, "A cause", "0 censored, 1 or more an event")
    _refuse(~(np.isfinite(scale) & (scale > 0)), scale, "A weight", "above 0")
    if starts is not None:
        _refuse(~(starts >= 0), starts, "An entry", "known and at least 0")
        _refuse(starts >= ends, starts, "An entry", "before the row's duration")


def _refuse(
    wrong: npt.NDArray[np.bool_], values: npt.NDArray[np.generic], what: str, rule: str
) -> None:
    if wrong.any():
        raise RangeError.build(
            f"{what} is out of range",
            rule=rule,
            got=f"{values[wrong][0]} in row {int(np.flatnonzero(wrong)[0])}; "
            f"{int(wrong.sum())} rows in all",
        )
