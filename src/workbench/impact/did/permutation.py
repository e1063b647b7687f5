"""Randomisation test: what other choices of the teams to start would have shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import TooFewUnitsError
from workbench.impact.did.changes import Window
from workbench.impact.orders import count_orders, list_orders
from workbench.impact.wild_bootstrap import invert_test

__all__ = ["PermutationTest", "permute_starts"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST_LISTED = 20_000
_TIES = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutationTest:
    """Result of a randomisation test over clusters.

    Attributes
    ----------
    estimate : float
        Effect of the cluster's start on all its people: the statistic of the test.
    p_value : float
        Two-sided, of no effect on anybody.
    ci_low, ci_high : float
        Effects, the same for everybody, that the test does not reject; infinite where
        nothing is rejected.
    smallest_p : float
        The smallest p-value the number of assignments allows.
    assignments : int
        Ways to choose which clusters start when, keeping the number of each start.
    listed : bool
        True if all of them were tried.
    n_treated, n_control : int
        Clusters that start in a compared period, and those that wait or never start.
    compliance : float
        Share of the people of starting clusters who learnt when their cluster started.
    """

    estimate: float
    p_value: float
    ci_low: float
    ci_high: float
    smallest_p: float
    assignments: int
    listed: bool
    n_treated: int
    n_control: int
    compliance: float


@dataclass(frozen=True, slots=True)
class _Sums:
    """Change and people by cluster (rows) and window (columns)."""

    change: FloatArray
    people: FloatArray
    started: FloatArray
    windows: tuple[Window, ...]


def permute_starts(
    panel: Panel,
    windows: Sequence[Window],
    *,
    cluster: str,
    seed: int,
    draws: int = 4999,
    alpha: float = 0.05,
) -> PermutationTest:
    """Test no effect by exchanging the periods in which whole clusters start.

    A cluster starts in the first period in which one of its people learnt; all its
    people then count as treated. Valid, however few clusters start, if any other
    choice of the clusters to start, with as many in each period, was as likely.

    Parameters
    ----------
    panel : Panel
        People over quarters.
    windows : sequence of Window
        Compared quarters, as in `stack_changes`.
    cluster : str
        Column of the clusters.
    seed : int
        Of the draws; without effect where all assignments are tried.
    draws : int
        Assignments drawn where there are more than 20,000; the p-value then has one
        added to both counts.
    alpha : float
        One less the level of the interval.

    Returns
    -------
    PermutationTest
        Statistic: the people-weighted mean over periods of the change in starting
        clusters less that in clusters which start later than the window, or never.

    Raises
    ------
    TooFewUnitsError
        If no window has both starting and waiting clusters.

    References
    ----------
    .. [1] Roth, J. and Sant'Anna, P. H. C. (2023). Efficient estimation for staggered
       rollout designs. Journal of Political Economy: Microeconomics 1, 669-709.
       doi:10.1086/726581
    .. [2] MacKinnon, J. G. and Webb, M. D. (2020). Randomization inference for
       difference-in-differences with few treated clusters. Journal of Econometrics
       218, 435-450. doi:10.1016/j.jeconom.2020.04.024
    """
    people = panel.frame.drop_duplicates("unit").set_index("unit").sort_index()
    learns = people["first_treat"].where(people["first_treat"] > 0)
    starts = learns.groupby(people[cluster]).min().fillna(0).sort_index()
    own = starts.to_numpy(dtype="int64")
    sums = _sum_changes(panel.frame, windows, cluster=cluster, starts=starts)
    assignments = count_orders(own)
    listed = assignments <= _MOST_LISTED
    if listed:
        others = np.array(list(list_orders(own)))
    else:
        rng = np.random.default_rng(seed)
        others = rng.permuted(np.tile(own, (draws, 1)), axis=1)
    found = _compare(sums, own[None, :])
    if not np.isfinite(found[0][0]):
        raise TooFewUnitsError.build(
            "No period has both clusters that start and clusters that wait",
            where=cluster,
            got=starts.value_counts().sort_index().to_dict(),
        )
    drawn = _compare(sums, others)
    kept = np.isfinite(drawn[0])
    drawn = drawn[0][kept], drawn[1][kept]
    extra = 0 if listed else 1

    def test(effect: float) -> float:
        own_gap = abs(found[0][0] - effect * found[1][0])
        gaps = np.abs(drawn[0] - effect * drawn[1])
        larger = int((gaps >= own_gap * (1 - _TIES) - 1e-12).sum())
        return (larger + extra) / (len(gaps) + extra)

    spread = float(np.std(drawn[0])) or 1.0
    start = float(found[0][0] / found[1][0])
    low, high = invert_test(test, start=start, step=spread, alpha=alpha)
    compared = np.isin(own, [window.exposure for window in windows])
    return PermutationTest(
        estimate=start,
        p_value=test(0.0),
        ci_low=low,
        ci_high=high,
        smallest_p=1 / (len(drawn[0]) + extra),
        assignments=assignments,
        listed=listed,
        n_treated=int(compared.sum()),
        n_control=int((~compared).sum()),
        compliance=_share_learning(people, starts, cluster, windows),
    )


def _sum_changes(
    frame: pd.DataFrame,
    windows: Sequence[Window],
    *,
    cluster: str,
    starts: pd.Series,
) -> _Sums:
    """Sum the changes of everybody over every window, by cluster."""
    wide = frame.pivot_table(
        index="unit", columns="period", values="outcome", aggfunc="first"
    )
    groups = frame.drop_duplicates("unit").set_index("unit")[cluster].loc[wide.index]
    codes = starts.index.get_indexer(groups)
    usable = [w for w in windows if {w.before, w.after} <= set(wide.columns)]
    shape = (len(starts), len(usable))
    change, people, started = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    first = starts.to_numpy()
    for place, window in enumerate(usable):
        gap = (wide[window.after] - wide[window.before]).to_numpy(dtype="float64")
        seen = np.isfinite(gap)
        change[:, place] = np.bincount(codes[seen], gap[seen], minlength=shape[0])
        people[:, place] = np.bincount(codes[seen], minlength=shape[0])
        after = (first > 0) & (first <= window.after)
        before = (first > 0) & (first <= window.before)
        started[:, place] = after.astype("float64") - before.astype("float64")
    return _Sums(change, people, started, tuple(usable))


def _compare(sums: _Sums, starts: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the statistic of each assignment, and what an effect of 1 would add to it.

    NaN where an assignment leaves no window to compare.
    """
    total = np.zeros(len(starts))
    unit_effect = np.zeros(len(starts))
    weight = np.zeros(len(starts))
    for place, window in enumerate(sums.windows):
        begins = (starts == window.exposure).astype("float64")
        waits = ((starts == 0) | (starts > window.after)).astype("float64")
        people = sums.people[:, place]
        ours, theirs = begins @ people, waits @ people
        usable = (ours > 0) & (theirs > 0)
        safe = np.where(usable, ours, 1.0), np.where(usable, theirs, 1.0)
        for target, values in (
            (total, sums.change[:, place]),
            (unit_effect, sums.started[:, place] * people),
        ):
            gap = begins @ values / safe[0] - waits @ values / safe[1]
            target += np.where(usable, ours * gap, 0.0)
        weight += np.where(usable, ours, 0.0)
    nothing = np.where(weight > 0, weight, math.nan)
    return total / nothing, unit_effect / nothing


def _share_learning(
    people: pd.DataFrame, starts: pd.Series, cluster: str, windows: Sequence[Window]
) -> float:
    """Return how many of the starting clusters' people learnt at their start."""
    own = people[cluster].map(starts)
    begins = own.isin([window.exposure for window in windows])
    return float((people["first_treat"] == own)[begins].mean())
