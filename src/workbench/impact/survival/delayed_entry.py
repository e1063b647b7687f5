"""Days since the start of a clock that runs before people come into view."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import make_cluster_effect
from workbench.impact.survival.influence import influence_restricted_mean
from workbench.impact.survival.matched_follow import Followed, find_reach

__all__ = ["estimate_delayed_entry"]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


def estimate_delayed_entry(followed: Followed, *, min_group: int) -> Effect | None:
    """Compare the days since the origin of the clock, with people entering late.

    A second reading of outcomes whose clock starts before the landmark: people enter
    the risk set on the day on which their landmark lies, and are compared over the
    horizon from the first day on which either arm has `min_group` people at risk.

    Parameters
    ----------
    followed : Followed
        The comparison, of an outcome in days.
    min_group : int
        Fewest rows of an arm at risk on the first day.

    Returns
    -------
    Effect or None
        Method ``km_delayed_entry``; None where the arms are never large enough.
    """
    start = _find_common_start(followed, min_group)
    if start is None:
        return None
    total = np.zeros((len(followed.duration), 2))
    values = {}
    reach = find_reach(followed, shift=followed.elapsed - start)
    for treated in (True, False):
        rows = followed.arm(treated=treated)
        ends = followed.elapsed[rows] + followed.duration[rows] - start
        late = ends > 0
        value, influence = influence_restricted_mean(
            ends[late],
            (followed.cause[rows] == 1)[late],
            reach,
            entry=np.maximum(followed.elapsed[rows] - start, 0.0)[late],
            weights=followed.weight[rows][late],
        )
        values[treated] = value
        places = np.flatnonzero(rows)[late]
        total[places, 0] = influence if treated else -influence
        if not treated:
            total[places, 1] = influence
    sample, used = followed.sample, followed.weight > 0
    return make_cluster_effect(
        method="km_delayed_entry",
        estimand="RMST_DIFF",
        value=values[True] - values[False],
        baseline=values[False] + start,
        influence=total[used],
        clusters=_code_clusters(followed, used),
        counts=(
            sample.count_units(followed.arm(treated=True)),
            sample.count_units(followed.arm(treated=False)),
        ),
        n_params=2,
    )


def _code_clusters(followed: Followed, used: BoolArray) -> Mapping[str, IntArray]:
    """Return matched set, person and further clusters of the matched rows."""
    pairs = followed.compared.matches.pairs
    sets = np.zeros(len(used), dtype="int64")
    sets[pairs["row"].to_numpy()] = pairs["set"].to_numpy()
    named = {"matched set": sets, **followed.sample.clusters}
    return {
        name: np.unique(codes[used], return_inverse=True)[1]
        for name, codes in named.items()
    }


def _find_common_start(followed: Followed, min_group: int) -> float | None:
    """Return the first day on which both arms have enough people at risk."""
    days = np.unique(followed.elapsed[followed.weight > 0])
    enough = np.ones(len(days), dtype=bool)
    for treated in (True, False):
        rows = followed.arm(treated=treated)
        begins = np.sort(followed.elapsed[rows])
        ends = np.sort(followed.elapsed[rows] + followed.duration[rows])
        there = np.searchsorted(begins, days, side="right")
        there = there - np.searchsorted(ends, days, side="right")
        enough &= there >= min_group
    return float(days[enough.argmax()]) if enough.any() else None
