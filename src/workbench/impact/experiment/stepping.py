"""Step-down control of several tests: by what is drawn under the null, and Holm's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["adjust_holm", "step_down"]

FloatArray = npt.NDArray[np.float64]


def step_down(observed: FloatArray, drawn: FloatArray) -> FloatArray:
    """Adjust by comparing each statistic with the largest of those not yet rejected.

    Parameters
    ----------
    observed : array of shape (tests,)
        Absolute statistics.
    drawn : array of shape (draws, tests)
        The same under the null.

    Returns
    -------
    array of shape (tests,)
        Adjusted p-values, one added to both counts.

    Examples
    --------
    >>> under_null = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]])
    >>> step_down(np.array([3.0, 0.5]), under_null).tolist()
    [0.25, 0.5]
    """
    order = np.argsort(-observed, kind="stable")
    largest = np.maximum.accumulate(drawn[:, order][:, ::-1], axis=1)[:, ::-1]
    above = (largest >= observed[order] * (1 - 1e-9)).sum(axis=0)
    stepped = np.maximum.accumulate((above + 1) / (len(drawn) + 1))
    adjusted = np.empty(len(observed))
    adjusted[order] = stepped
    return adjusted


def adjust_holm(p_values: FloatArray) -> FloatArray:
    """Adjust p-values by Holm's step-down method; nothing may be missing.

    Examples
    --------
    >>> adjust_holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    steps = np.maximum.accumulate(p_values[order] * np.arange(count, 0, -1))
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
