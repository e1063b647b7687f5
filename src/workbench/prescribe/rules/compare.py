"""Comparing values with a test: the one place that says when a comparison is met."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.prescribe.rules.language import Test

__all__ = ["meets"]

Mask = npt.NDArray[np.bool_]


def meets(test: Test, values: npt.NDArray[Any]) -> Mask:
    """Return where values meet a comparison.

    Parameters
    ----------
    test : Test
        The comparison.
    values : ndarray, shape (n,)
        Floats (NaN: unknown), names (None: unknown) or booleans, as the fact's kind.

    Returns
    -------
    ndarray of bool, shape (n,)
        False where the value is unknown, whatever the comparison.
    """
    if test.op == "is":
        flags: Mask = np.asarray(values, dtype=bool) == bool(test.values[0])
        return flags
    if test.op == "known":
        known: Mask = ~np.asarray(pd.isna(values), dtype=bool)
        return known
    if test.op in ("one_of", "none_of"):
        series = pd.Series(values, dtype=object)
        inside: Mask = series.isin(list(test.values)).to_numpy(dtype=bool)
        if test.op == "one_of":
            return inside
        outside: Mask = ~inside & series.notna().to_numpy(dtype=bool)
        return outside
    return _compare(test, np.asarray(values, dtype=float))


def _compare(test: Test, numbers: npt.NDArray[np.float64]) -> Mask:
    limit = float(test.values[0])
    result: Mask
    if test.op == "at_least":
        result = numbers >= limit
    elif test.op == "at_most":
        result = numbers <= limit
    elif test.op == "above":
        result = numbers > limit
    elif test.op == "below":
        result = numbers < limit
    else:
        result = numbers == limit
    return result
