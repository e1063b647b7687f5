"""Randomisation test: what other draws of the same kind would have shown."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from workbench.impact.experiment.drawn import Drawn
from workbench.impact.wild_bootstrap import invert_test

__all__ = ["RandomisationTest", "iterate_redraws", "run_randomisation_test"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST_LISTED = 2**15
_MOST_CELLS = 20_000_000
_CHUNK = 2_000_000
_FEWEST = 199
_MANY = 60
_UNCOUNTED = 10**18
_TIES = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomisationTest:
    """Result of a randomisation test.

    Attributes
    ----------
    p_value : float
        Two-sided, of no effect on anybody.
    p_error : float
        Its Monte Carlo error; 0 where every draw there is was tried.
    ci_low, ci_high : float
        Effects, the same for everybody, that the test does not reject; infinite where
        no effect is rejected.
    statistic : float
        Difference of means found.
    draws : int
        Draws compared.
    assignments : int
        Draws there are, not counted beyond 10**18.
    listed : bool
        True if all of them were tried.
    smallest_p : float
        The smallest p-value there could have been.
    text : str
        The test in words.
    """

    p_value: float
    p_error: float
    ci_low: float
    ci_high: float
    statistic: float
    draws: int
    assignments: int
    listed: bool
    smallest_p: float
    text: str


@dataclass(frozen=True, slots=True)
class _Units:
    """What was drawn: one entry per cluster or person."""

    assigned: BoolArray
    strata: IntArray
    total: FloatArray
    people: FloatArray


def run_randomisation_test(
    drawn: Drawn, *, seed: int, draws: int = 4999, alpha: float = 0.05
) -> RandomisationTest:
    r"""Test no effect by repeating the draw as it was made.

    Valid for any number of people or clusters and any outcome, since it leans on the
    draw alone: in each stratum as many units as were assigned could as well have been
    any others.

    Parameters
    ----------
    drawn : Drawn
        People with a known outcome, what was drawn, and the strata.
    seed : int
        Of the draws; without effect where all are listed.
    draws : int
        Draws made where there are more than 32,768 ways, or too many people to list
        them; fewer (at least 199) where there are many people.
    alpha : float
        One less the level of the interval.

    Returns
    -------
    RandomisationTest
        The p-value is the share of draws whose difference of means is at least as
        large as the one found, with one added to both counts where they are not all
        listed.

    Notes
    -----
    The interval inverts the test for effects that are the same for everybody. The
    Monte Carlo error is :math:`\sqrt{p(1-p)/B}`.

    References
    ----------
    .. [1] Fisher, R. A. (1935). The Design of Experiments. Oliver and Boyd.
    .. [2] Imbens, G. W. and Rubin, D. B. (2015). Causal Inference for Statistics,
       Social, and Biomedical Sciences, chapter 5. Cambridge University Press.
    """
    units = _sum_units(drawn)
    count = _count_draws(units)
    listed = count <= _MOST_LISTED and count * len(units.assigned) <= _MOST_CELLS
    if not listed:
        room = _MOST_CELLS // max(len(units.assigned), 1)
        draws = int(min(draws, max(room, _FEWEST)))
    found = _compare(units, units.assigned[None, :])
    parts = [
        _compare(units, redrawn)
        for redrawn in _redraw(units, seed=seed, draws=draws, listed=listed)
    ]
    gaps = np.concatenate([part[0] for part in parts])
    shifts = np.concatenate([part[1] for part in parts])
    extra = 0 if listed else 1

    def test(effect: float) -> float:
        own = abs(float(found[0][0] - effect * found[1][0]))
        others = np.abs(gaps - effect * shifts)
        larger = int((others >= own * (1 - _TIES) - _TIES * scale).sum())
        return (larger + extra) / (len(gaps) + extra)

    scale = float(np.std(gaps)) or 1.0
    own = float(found[0][0])
    low, high = invert_test(test, start=own, step=scale, alpha=alpha)
    p_value = test(0.0)
    error = 0.0 if listed else math.sqrt(p_value * (1 - p_value) / len(gaps))
    return RandomisationTest(
        p_value=p_value,
        p_error=error,
        ci_low=low,
        ci_high=high,
        statistic=own,
        draws=len(gaps),
        assignments=count,
        listed=listed,
        smallest_p=1 / (len(gaps) + extra),
        text=_describe(drawn, len(gaps), count, error, listed=listed),
    )


def iterate_redraws(drawn: Drawn, *, seed: int, draws: int) -> Iterator[BoolArray]:
    """Repeat the draw at random and hand out assignments of people.

    Parameters
    ----------
    drawn : Drawn
        What was drawn, and the strata.
    seed : int
        Of the draws.
    draws : int
        How many in all.

    Yields
    ------
    array of bool, shape (some draws, people)
        True for those who would have been offered the programme.
    """
    units = _sum_units(drawn)
    for redrawn in _redraw(units, seed=seed, draws=draws, listed=False):
        yield redrawn[:, drawn.cluster]


def _sum_units(drawn: Drawn) -> _Units:
    count = int(drawn.cluster.max()) + 1
    first = np.full(count, -1)
    first[drawn.cluster[::-1]] = np.arange(len(drawn.cluster))[::-1]
    return _Units(
        assigned=drawn.assigned[first],
        strata=drawn.strata[first],
        total=np.bincount(drawn.cluster, drawn.outcome, minlength=count).astype(
            "float64"
        ),
        people=np.bincount(drawn.cluster, minlength=count).astype("float64"),
    )


def _count_draws(units: _Units) -> int:
    """Count the ways to choose as many units in every stratum, up to a limit."""
    count = 1
    for code in np.unique(units.strata):
        own = units.assigned[units.strata == code]
        fewer = min(int(own.sum()), int((~own).sum()))
        if fewer > _MANY:
            return _UNCOUNTED
        count = min(count * math.comb(len(own), fewer), _UNCOUNTED)
    return count


def _redraw(
    units: _Units, *, seed: int, draws: int, listed: bool
) -> Iterator[BoolArray]:
    """Hand out all assignments of units, or some drawn at random, in chunks."""
    places = [np.flatnonzero(units.strata == code) for code in np.unique(units.strata)]
    if listed:
        yield _list_all(units, places)
        return
    rng = np.random.default_rng(seed)
    size = max(1, _CHUNK // max(len(units.assigned), 1))
    left = draws
    while left > 0:
        rows = min(size, left)
        left -= rows
        chunk = np.tile(units.assigned, (rows, 1))
        for place in places:
            chunk[:, place] = rng.permuted(chunk[:, place], axis=1)
        yield chunk


def _list_all(units: _Units, places: list[IntArray]) -> BoolArray:
    choices = [
        list(combinations(place.tolist(), int(units.assigned[place].sum())))
        for place in places
    ]
    rows = []
    for chosen in product(*choices):
        row = np.zeros(len(units.assigned), dtype=bool)
        row[[unit for part in chosen for unit in part]] = True
        rows.append(row)
    return np.array(rows)


def _compare(units: _Units, redrawn: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return differences of means, of the outcome and of what was really assigned."""
    chosen = redrawn.astype("float64")
    offered = units.people * units.assigned
    heads = chosen @ units.people
    rest = units.people.sum() - heads
    results = []
    for values in (units.total, offered):
        ours = chosen @ values
        results.append(ours / heads - (values.sum() - ours) / rest)
    return results[0], results[1]


def _describe(
    drawn: Drawn, draws: int, count: int, error: float, *, listed: bool
) -> str:
    what = "clusters" if drawn.whole else "people"
    strata = len(np.unique(drawn.strata))
    inside = f" within {strata} dates of assignment" if strata > 1 else ""
    if listed:
        return f"All {count:,} ways to assign the {what}{inside} were compared."
    return (
        f"{draws:,} random repetitions of the draw of {what}{inside} were compared; "
        f"the p-value has a Monte Carlo error of {error:.2g}."
    )
