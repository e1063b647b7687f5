"""Median times of two matched arms."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.impact.survival.kaplan_meier import estimate_survival
from workbench.impact.survival.matched_follow import Followed

__all__ = ["Medians", "compare_medians"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Medians:
    """Median days after the landmark, and their difference.

    ``low`` and ``high`` are the interval of the difference; NaN where half of an arm
    was not reached.
    """

    learners: float
    others: float
    difference: float
    low: float
    high: float


def compare_medians(followed: Followed, *, alpha: float) -> Medians:
    r"""Compare the days after which the event has happened to half of either arm.

    Returns
    -------
    Medians
        Of the matched rows, without regression.

    Notes
    -----
    The interval recovers its ends from those of the two medians [1]_,
    :math:`L = d - \sqrt{(m_1 - l_1)^2 + (u_0 - m_0)^2}`, as for independent arms;
    matched arms are positively related if anything, which leaves it on the wide side.

    References
    ----------
    .. [1] Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about
       effect measures: a general approach. Statistics in Medicine 27, 1693-1702.
       doi:10.1002/sim.3095
    """
    found = {}
    for treated in (True, False):
        rows = followed.arm(treated=treated)
        curve = estimate_survival(
            followed.duration[rows],
            followed.cause[rows] == 1,
            weights=followed.weight[rows],
            alpha=alpha,
        )
        found[treated] = curve.quantile(0.5)
    (ours, low, high), (theirs, their_low, their_high) = found[True], found[False]
    difference = ours - theirs
    return Medians(
        learners=ours,
        others=theirs,
        difference=difference,
        low=difference - math.hypot(ours - low, their_high - theirs),
        high=difference + math.hypot(high - ours, theirs - their_low),
    )
