"""Matching learners with the most similar others, and saying who was left out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import DesignError, MissingColumnError
from workbench.impact.neighbours import Pool

__all__ = ["Matches", "match_nearest", "pool_deviation"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Ties = Literal["turn", "all"]


class _Drawn(NamedTuple):
    """Draws of one cell in the order they were made, a row each."""

    learner: IntArray
    other: IntArray
    far: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Who was matched with whom.

    Attributes
    ----------
    pairs : DataFrame
        One row per member of a matched set: ``set`` (int, from 0), ``row`` (position
        in the sample), ``unit``, ``trial``, ``treated``, ``distance`` (in units of the
        score, 0 for the learner), ``weight`` (1 for the learner; the others of a set
        share 1).
    dropped : array of int
        Rows of learners without a match.
    weights : array
        Weight of every row of the sample in the matched comparison, 0 if unmatched.
    caliper : float
        Largest distance allowed, in units of the score; infinite without a caliper.
    text : str
        The rule in words, with the definition of the caliper's standard deviation.
    replace : bool
        Whether one row could serve several learners.
    """

    pairs: pd.DataFrame
    dropped: IntArray
    weights: FloatArray
    caliper: float
    text: str
    replace: bool


def match_nearest(
    frame: pd.DataFrame,
    *,
    score: str = "score",
    treated: str = "treated",
    unit: str = "unit",
    exact: Sequence[str] = ("trial",),
    caliper: float | None = 0.2,
    ratio: int = 1,
    replace: bool = False,
    ties: Ties = "turn",
) -> Matches:
    """Find for every learner the most similar others of the same trial.

    Use it to compare like with like. The estimand is the average effect on the
    learners who found a match (ATT for whom: see `Matches.dropped`); it is causal if,
    given what the score holds, learning was as good as random.

    Parameters
    ----------
    frame : DataFrame
        One row per person and trial; left unchanged. Its order does not matter.
    score : str
        Column to be near in: the log-odds of learning.
    treated, unit : str
        Columns with the learners (bool) and the id of the person.
    exact : sequence of str
        Columns that must be equal within a set; keep ``trial`` among them. Missing
        values are equal to each other.
    caliper : float or None
        Largest distance, as a multiple of the pooled standard deviation of the score
        (`pool_deviation`); None allows any distance.
    ratio : int
        Others per learner, at least 1. A learner with fewer keeps those.
    replace : bool
        False: a row serves once. Learners choose in turn, the highest score first (it
        has the fewest rivals); with `ratio` above 1 everybody chooses once before
        anybody chooses twice. True: a row may serve several learners.
    ties : {"turn", "all"}
        With replacement, rows of exactly equal score are taken in turn, or all of them
        share the weight, as R's Matching does.

    Returns
    -------
    Matches
        Pairs, weights and who was dropped. Ties are decided by unit id.

    Raises
    ------
    MissingColumnError
        If a named column is absent.
    DesignError
        If `ratio` or `caliper` is out of range.

    Notes
    -----
    Greedy nearest neighbour, O(n log n): sorted arrays, with union-find over what is
    used up. It reduces to R MatchIt's ``method = "nearest"`` for a caliper of None.

    References
    ----------
    .. [1] Austin, P. C. (2011). Optimal caliper widths for propensity-score matching.
       Pharmaceutical Statistics 10, 150-161. doi:10.1002/pst.433
    .. [2] Stuart, E. A. (2010). Matching methods for causal inference. Statistical
       Science 25, 1-21. doi:10.1214/09-STS313

    Examples
    --------
    >>> people = pd.DataFrame({
    ...     "unit": ["a", "b", "c", "d"], "trial": "2026Q1",
    ...     "treated": [True, False, False, False], "score": [0.4, 0.1, 0.5, 0.9]})
    >>> match_nearest(people, caliper=None).pairs["unit"].tolist()
    ['a', 'c']
    """
    _check_options(frame, [score, treated, unit, *exact], caliper, ratio)
    scores = frame[score].to_numpy(dtype="float64")
    learns = frame[treated].to_numpy(dtype=bool)
    width = math.inf if caliper is None else caliper * pool_deviation(scores, learns)
    ranks = _rank_units(frame, unit, exact)
    found: list[_Drawn] = []
    for cell in _list_cells(frame, exact):
        ours, theirs = cell[learns[cell]], cell[~learns[cell]]
        if len(ours) and len(theirs):
            ours = ours[np.lexsort((ranks[ours], -scores[ours]))]
            pool = Pool(scores[theirs], ranks[theirs])
            goals = scores[ours].tolist()
            drawn = _draw(pool, goals, width, ratio, replace=replace, ties=ties)
            found.append(_Drawn(ours[drawn.learner], theirs[drawn.other], drawn.far))
    return _collect(
        frame,
        found,
        learns,
        ranks,
        unit=unit,
        width=width,
        replace=replace,
        text=_describe(caliper, width, ratio, exact, replace=replace),
    )


def pool_deviation(scores: FloatArray, treated: npt.NDArray[np.bool_]) -> float:
    """Return the pooled standard deviation of a score.

    Parameters
    ----------
    scores : array
        Score of every row.
    treated : array of bool
        True for learners; at least two rows in each arm.

    Returns
    -------
    float
        Root of the mean of the two arms' sample variances.
    """
    arms = scores[treated], scores[~treated]
    return math.sqrt(sum(float(np.var(arm, ddof=1)) for arm in arms) / 2)


def _check_options(
    frame: pd.DataFrame, columns: list[str], caliper: float | None, ratio: int
) -> None:
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise MissingColumnError.build("Columns to match on are absent", got=absent)
    if ratio < 1:
        raise DesignError.build("ratio is too small", rule="at least 1", got=ratio)
    if caliper is not None and caliper <= 0:
        raise DesignError.build("caliper is too small", rule="above 0", got=caliper)


def _rank_units(frame: pd.DataFrame, unit: str, exact: Sequence[str]) -> IntArray:
    """Rank the rows by unit id, whatever order they come in."""
    keys = frame[[unit, *exact]].reset_index(drop=True)
    order = keys.sort_values([unit, *exact], kind="stable").index.to_numpy()
    ranks = np.empty(len(frame), dtype="int64")
    ranks[order] = np.arange(len(frame))
    return ranks


def _list_cells(frame: pd.DataFrame, exact: Sequence[str]) -> Iterator[IntArray]:
    """Yield the row positions of each group that may be matched within itself."""
    if not exact:
        yield np.arange(len(frame))
        return
    cell = np.zeros(len(frame), dtype="int64")
    for name in exact:
        codes, found = pd.factorize(frame[name], sort=True)
        cell = np.unique(cell * (len(found) + 1) + codes + 1, return_inverse=True)[1]
    order = np.argsort(cell, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(cell[order])) + 1)


def _draw(
    pool: Pool,
    goals: list[float],
    width: float,
    ratio: int,
    *,
    replace: bool,
    ties: Ties,
) -> _Drawn:
    """Draw the matches of one cell, learners in the order given.

    Flat lists, since a list per learner would keep the garbage collector busy.
    """
    learner: list[int] = []
    other: list[int] = []
    far: list[float] = []
    if replace:
        look = pool.look_all if ties == "all" else pool.look
        for place, score in enumerate(goals):
            for row, distance in look(score, width, ratio):
                learner.append(place)
                other.append(row)
                far.append(distance)
    else:
        for _ in range(ratio):
            for place, score in enumerate(goals):
                taken = pool.take(score, width)
                if taken is not None:
                    learner.append(place)
                    other.append(taken[0])
                    far.append(taken[1])
    return _Drawn(
        np.array(learner, dtype="int64"), np.array(other, dtype="int64"), np.array(far)
    )


def _collect(
    frame: pd.DataFrame,
    found: Sequence[_Drawn],
    learns: npt.NDArray[np.bool_],
    ranks: IntArray,
    *,
    unit: str,
    width: float,
    replace: bool,
    text: str,
) -> Matches:
    """Write the sets down, numbered in the order of the learners' ids."""
    learner, other, far = (
        np.concatenate([drawn[part] for drawn in found]) if found else np.empty(0)
        for part in range(3)
    )
    order = np.argsort(ranks[learner.astype("int64")], kind="stable")
    learner, other = learner[order].astype("int64"), other[order].astype("int64")
    first = np.flatnonzero(np.append(True, np.diff(learner) != 0)[: len(learner)])
    counts = np.diff(np.append(first, len(learner)))
    matched = learner[first]
    starts = first + np.arange(len(first))
    place = np.empty(len(learner) + len(matched), dtype="int64")
    others = np.ones(len(place), dtype=bool)
    others[starts] = False
    place[starts], place[others] = matched, other
    distance = np.zeros(len(place))
    distance[others] = far[order]
    weight = np.ones(len(place))
    weight[others] = np.repeat(1 / counts, counts)
    pairs = pd.DataFrame(
        {
            "set": np.repeat(np.arange(len(matched)), counts + 1),
            "row": place,
            "distance": distance,
            "weight": weight,
        }
    )
    weights = _add_up(place, weight, len(frame))
    pairs["unit"] = frame[unit].iloc[place].to_numpy()
    pairs["trial"] = frame["trial"].iloc[place].to_numpy() if "trial" in frame else ""
    pairs["treated"] = learns[place]
    columns = ["set", "row", "unit", "trial", "treated", "distance", "weight"]
    return Matches(
        pairs=pairs[columns],
        dropped=np.setdiff1d(np.flatnonzero(learns), matched),
        weights=weights,
        caliper=width,
        text=text,
        replace=replace,
    )


def _add_up(place: IntArray, weights: FloatArray, size: int) -> FloatArray:
    return np.bincount(place, weights, minlength=size).astype("float64")


def _describe(
    caliper: float | None,
    width: float,
    ratio: int,
    exact: Sequence[str],
    *,
    replace: bool,
) -> str:
    near = (
        "at any distance"
        if caliper is None
        else f"within {caliper:g} pooled standard deviations of the log-odds "
        f"(root of the mean of the two arms' variances; {width:.3f} log-odds)"
    )
    again = "with" if replace else "without"
    same = f", the same {' and '.join(exact)} in every set" if exact else ""
    return f"{ratio}:1 nearest neighbour {again} replacement, {near}{same}"
