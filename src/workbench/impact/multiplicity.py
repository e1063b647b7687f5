"""P-values adjusted for the number of questions asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from workbench.core.results import Estimate

__all__ = ["adjust_family", "adjust_p_values"]

FloatArray = npt.NDArray[np.float64]


def adjust_p_values(p_values: Sequence[float] | FloatArray) -> FloatArray:
    """Adjust p-values by Benjamini and Hochberg, leaving missing ones out.

    Parameters
    ----------
    p_values : sequence of float
        NaN for a test that could not be made; it does not count as one.

    Returns
    -------
    array
        Adjusted p-values in the same order, NaN where the p-value was.

    References
    ----------
    .. [1] Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate.
       JRSS B 57, 289-300. doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> adjust_p_values([0.01, math.nan, 0.04, 0.03]).round(3).tolist()
    [0.03, nan, 0.04, 0.04]
    """
    values = np.asarray(p_values, dtype="float64")
    adjusted = np.full(len(values), np.nan)
    made = np.flatnonzero(~np.isnan(values))
    order = made[np.argsort(-values[made], kind="stable")]
    count = len(order)
    steps = values[order] * count / np.arange(count, 0, -1)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps), 1.0)
    return adjusted


def adjust_family(estimates: Sequence[Estimate]) -> tuple[Estimate, ...]:
    """Fill ``p_adjusted`` of the headline estimates, which form one family.

    Parameters
    ----------
    estimates : sequence of Estimate
        Of one stage; only overall headline estimates are counted and filled.

    Returns
    -------
    tuple of Estimate
        In the same order; the others are unchanged.
    """
    family = [
        place
        for place, item in enumerate(estimates)
        if item.headline and item.subgroup is None and item.period is None
    ]
    adjusted = adjust_p_values([estimates[place].p_value for place in family])
    found = dict(zip(family, adjusted.tolist(), strict=True))
    return tuple(
        replace(item, p_adjusted=found.get(place, math.nan))
        for place, item in enumerate(estimates)
    )
