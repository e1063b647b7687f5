"""Whether an effect is worth having, judged by its whole interval."""

from __future__ import annotations

import math
from typing import Literal

from workbench.core.params import Threshold

__all__ = ["Verdict", "find_smallest_effect", "judge_threshold"]

Verdict = Literal["yes", "no", "unclear"]


def judge_threshold(
    threshold: Threshold | None,
    *,
    direction: str,
    interval: tuple[float, float],
    relative_interval: tuple[float, float],
) -> Verdict | None:
    """Say whether an effect reaches the threshold written down beforehand.

    Parameters
    ----------
    threshold : Threshold or None
        Relative (share of the baseline) or absolute (the outcome's unit).
    direction : str
        ``up`` if more of the outcome is better, ``down`` if less is.
    interval, relative_interval : tuple of float
        Lower and upper end on either scale; NaN where it could not be computed.

    Returns
    -------
    str or None
        ``yes`` if the whole interval lies at or beyond the threshold, ``no`` if the
        whole interval falls short of it, ``unclear`` otherwise or without an interval;
        None without a threshold.

    Examples
    --------
    >>> judge_threshold(Threshold(absolute=2.0), direction="down",
    ...     interval=(-5.0, -2.5), relative_interval=(-0.1, -0.05))
    'yes'
    """
    if threshold is None:
        return None
    low, high = interval if threshold.relative is None else relative_interval
    size = threshold.absolute if threshold.relative is None else threshold.relative
    if size is None or math.isnan(low) or math.isnan(high):
        return "unclear"
    if direction == "down":
        low, high = -high, -low
    if low >= size:
        return "yes"
    return "no" if high < size else "unclear"


def find_smallest_effect(threshold: Threshold | None, *, baseline: float) -> float:
    """Return the smallest effect worth having in the outcome's unit, or NaN.

    Parameters
    ----------
    threshold : Threshold or None
        As in ``outcomes.yml``.
    baseline : float
        Mean of the outcome without learning.
    """
    if threshold is None:
        return math.nan
    if threshold.relative is not None:
        return threshold.relative * abs(baseline)
    return math.nan if threshold.absolute is None else threshold.absolute
