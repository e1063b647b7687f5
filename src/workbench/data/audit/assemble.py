"""From single measurements to shares per table and dimension."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.data.audit.faults import find_dimension
from workbench.data.audit.score import DIMENSIONS

__all__ = ["collect_shares"]

_FAULTS = ("validity", "uniqueness", "consistency")


def collect_shares(
    *,
    stored: Mapping[str, int],
    quarantined: pd.DataFrame,
    faults: pd.DataFrame,
    completeness: pd.DataFrame,
    freshness: pd.DataFrame,
) -> pd.DataFrame:
    r"""Return the share of good rows per table and dimension.

    Parameters
    ----------
    stored : mapping of str to int
        Rows of each stored table.
    quarantined : DataFrame
        As `count_quarantine` returns it.
    faults : DataFrame
        As `count_faults` returns it.
    completeness : DataFrame
        ``table``, ``value``, ``rows``, as `measure_completeness` returns it.
    freshness : DataFrame
        ``table``, ``value``, ``rows``, ``text``, as `measure_freshness` returns it.

    Returns
    -------
    DataFrame
        ``table``, ``dimension``, ``value``, ``rows`` and ``text``.

    Notes
    -----
    With :math:`q` rows set aside for a reason of the dimension, :math:`Q` set aside
    for any, :math:`n` rows stored and :math:`f_r` of :math:`n_r` rows breaking rule
    :math:`r`, the share is :math:`(1 - q / (n + Q)) (1 - \min(1, \sum_r f_r / n_r))`.
    Completeness has the share of filled cells as its second factor.
    """
    aside = quarantined.assign(dimension=quarantined["reason"].map(find_dimension))
    sums = aside.groupby(["table", "dimension"])["rows"].sum()
    rows: list[dict[str, Any]] = []
    for table, count in stored.items():
        total = count + int(aside.loc[aside["table"] == table, "rows"].sum())
        lost = {item.name: int(sums.get((table, item.name), 0)) for item in DIMENSIONS}
        kept = {name: 1 - n / total if total else math.nan for name, n in lost.items()}
        own = faults[faults["table"] == table]
        found = _read_completeness(completeness, table, kept["completeness"])
        rows.append(found | {"table": table, "dimension": "completeness"})
        for name in _FAULTS:
            found = _read_faults(own[own["dimension"] == name], kept[name], lost[name])
            head = {"table": table, "dimension": name, "rows": total}
            rows.append(head | found)
        rows.append(_read_freshness(freshness, table))
    columns = ["table", "dimension", "value", "rows", "text"]
    return pd.DataFrame(rows, columns=columns)


def _read_faults(own: pd.DataFrame, kept: float, lost: int) -> dict[str, Any]:
    """Join what was set aside with what the store still shows."""
    if own.empty and not lost:
        return {"value": math.nan, "text": "no rule of this kind"}
    broken = min(1.0, float((own["faults"] / own["rows"].clip(lower=1)).sum()))
    still = int(own["faults"].sum())
    parts = [f"{lost:,} rows set aside on loading"] if lost else []
    if still:
        worst = own.sort_values("faults", ascending=False, kind="stable").iloc[0]
        parts.append(f"{still:,} faults in the store, most: {worst['text']}")
    text = "; ".join(parts) or "no fault found"
    return {"value": kept * (1 - broken), "text": text}


def _read_completeness(
    completeness: pd.DataFrame, table: str, kept: float
) -> dict[str, Any]:
    own = completeness[completeness["table"] == table]
    if own.empty or math.isnan(float(own["value"].iloc[0])):
        text = "no rows that may be read, or no column that can have gaps"
        return {"value": math.nan, "rows": 0, "text": text}
    filled = float(own["value"].iloc[0])
    return {
        "value": filled * kept,
        "rows": int(own["rows"].iloc[0]),
        "text": f"{filled:.1%} of the cells filled",
    }


def _read_freshness(freshness: pd.DataFrame, table: str) -> dict[str, Any]:
    own = freshness[freshness["table"] == table]
    row = {"table": table, "dimension": "timeliness"}
    if own.empty:
        return row | {"value": math.nan, "rows": 0, "text": "not measured"}
    first = own.iloc[0]
    return row | {
        "value": float(first["value"]),
        "rows": int(first["rows"]),
        "text": str(first["text"]),
    }
