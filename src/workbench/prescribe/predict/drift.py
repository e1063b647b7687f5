"""Drift: whether people today differ from those of last quarter, beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.data.audit.drift import judge_psi
from workbench.prescribe.predict.features import is_number

__all__ = ["COLUMNS", "PREDICTION", "count_bins", "list_moved", "measure_drift"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

COLUMNS = ["target", "feature", "psi", "limit", "status", "n", "n_previous"]

PREDICTION = "(prediction)"
"""Name under which the drift of the predictions themselves stands."""

_CUSTOMARY, _LARGE = 0.10, 0.25
_TOO_WIDE = 0.25
_TENTHS = np.linspace(0, 1, 11)[1:-1]


def measure_drift(
    target: str,
    before: pd.DataFrame,
    now: pd.DataFrame,
    *,
    predicted_before: FloatArray,
    predicted_now: FloatArray,
    min_group: int,
) -> pd.DataFrame:
    """Compare features and predictions of today with those of the last quarter.

    Parameters
    ----------
    target : str
        Named in the table.
    before, now : DataFrame
        From `read_features`, one row per person: the first day of the last quarter,
        and the day after the data cut.
    predicted_before, predicted_now : array
        By one and the same model.
    min_group : int
        Fewer people on either day are not compared.

    Returns
    -------
    DataFrame
        ``target``, ``feature``, ``psi`` (population stability index over the tenths of
        the last quarter, or over levels), ``limit`` (0.10 and what chance alone would
        give in one of twenty comparisons), ``status`` (``stable``, ``moved``, ``too
        few`` where chance alone could give 0.15), ``n`` and ``n_previous`` people.

    Notes
    -----
    The statistic and its limit are those of the data audit (`judge_psi`). The limit
    takes both days as independent; as most people stand in both, it is rather high.
    """
    pairs: list[tuple[str, pd.Series, pd.Series]] = [
        (str(name), before[name], now[name]) for name in now.columns
    ]
    pairs.append((PREDICTION, pd.Series(predicted_before), pd.Series(predicted_now)))
    rows = [_judge(target, *pair, min_group=min_group) for pair in pairs]
    return pd.DataFrame(rows, columns=COLUMNS)


def list_moved(
    taught: pd.DataFrame, tested: pd.DataFrame, *, min_group: int
) -> tuple[str, ...]:
    """List the features of which what was learnt may not hold for those tested.

    Parameters
    ----------
    taught, tested : DataFrame
        From `read_features`; outcomes are not read.
    min_group : int
        Fewer people are not compared.

    Returns
    -------
    tuple of str
        Features whose population stability index is above 0.25 and what chance gives:
        such as a count over a year, where the first quarters have no year behind them.
    """
    found = []
    for name in tested.columns:
        row = _judge("", str(name), taught[name], tested[name], min_group=min_group)
        if row["psi"] > row["limit"] + _LARGE - _CUSTOMARY:
            found.append(str(name))
    return tuple(found)


def count_bins(before: pd.Series, now: pd.Series) -> tuple[IntArray, IntArray]:
    """Count both in the same bins: tenths of the first, or levels; missing ones apart.

    Examples
    --------
    >>> [item.tolist() for item in count_bins(pd.Series(["a", "b"]), pd.Series(["b"]))]
    [[1, 1], [0, 1]]
    """
    if not is_number(now):
        levels = sorted({*before, *now})
        counts = [
            item.value_counts().reindex(levels).fillna(0) for item in (before, now)
        ]
        return counts[0].to_numpy("int64"), counts[1].to_numpy("int64")
    known = before.dropna().to_numpy(dtype="float64")
    edges = np.unique(np.quantile(known, _TENTHS)) if len(known) else np.empty(0)
    found = []
    for item in (before, now):
        values = item.to_numpy(dtype="float64")
        seen = values[~np.isnan(values)]
        bins = np.searchsorted(edges, seen, side="left")
        counted = np.bincount(bins, minlength=len(edges) + 1)
        found.append(np.append(counted, len(values) - len(seen)).astype("int64"))
    used = (found[0] + found[1]) > 0
    return found[0][used], found[1][used]


def _judge(
    target: str, name: str, before: pd.Series, now: pd.Series, *, min_group: int
) -> dict[str, Any]:
    row: dict[str, Any] = {"target": target, "feature": name}
    sizes: Sequence[int] = (len(now), len(before))
    if min(sizes) < min_group:
        blank = {"psi": np.nan, "limit": np.nan, "n": pd.NA, "n_previous": pd.NA}
        return row | blank | {"status": "too few"}
    old, new = count_bins(before, now)
    found = judge_psi(list(new), list(old))
    status = "moved" if found["status"] == "warn" else "stable"
    if status == "stable" and found["limit"] > _TOO_WIDE:
        status = "too few"
    numbers = {"psi": found["value"], "limit": found["limit"]}
    return row | numbers | {"status": status, "n": sizes[0], "n_previous": sizes[1]}
