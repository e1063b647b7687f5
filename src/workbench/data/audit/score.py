"""Five dimensions of quality per table, and one score per source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

__all__ = ["DIMENSIONS", "Dimension", "build_quality", "rate_share", "score_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One side of quality, with its weight and its two limits.

    A share at or above ``limit`` passes, one below ``floor`` fails, and one between
    them is a warning.
    """

    name: str
    weight: float
    limit: float
    floor: float
    meaning: str


DIMENSIONS: tuple[Dimension, ...] = (
    Dimension(
        name="completeness",
        weight=0.25,
        limit=0.95,
        floor=0.80,
        meaning="share of cells filled, in the columns that should hold a value",
    ),
    Dimension(
        name="validity",
        weight=0.25,
        limit=0.99,
        floor=0.95,
        meaning="share of rows with readable values within their ranges",
    ),
    Dimension(
        name="uniqueness",
        weight=0.15,
        limit=0.99,
        floor=0.95,
        meaning="share of rows that stand once",
    ),
    Dimension(
        name="consistency",
        weight=0.25,
        limit=0.98,
        floor=0.90,
        meaning="share of rows whose ids are known and whose facts agree",
    ),
    Dimension(
        name="timeliness",
        weight=0.10,
        limit=1.0,
        floor=0.5,
        meaning="usual gap between records over the gap from the last one to the cut",
    ),
)
"""The dimensions in the order of every table and figure; the weights sum to one."""

_CAPS = {"warn": 89.0, "fail": 59.0}
_BY_NAME = {item.name: item for item in DIMENSIONS}


def rate_share(dimension: str, share: float) -> str:
    """Return pass, warn, fail, or not_applicable where the share is missing."""
    if math.isnan(share):
        return "not_applicable"
    limits = _BY_NAME[dimension]
    if share >= limits.limit:
        return "pass"
    return "warn" if share >= limits.floor else "fail"


def score_table(shares: Mapping[str, float]) -> float:
    r"""Return the quality score of one table, 0 to 100.

    Parameters
    ----------
    shares : mapping of str to float
        Share per dimension, 0 to 1; NaN where a dimension does not apply.

    Returns
    -------
    float
        NaN where no dimension applies.

    Notes
    -----
    With the shares :math:`v_d` of the dimensions that apply and their weights
    :math:`w_d`,

    .. math:: s = 100 \sum_d w_d v_d / \sum_d w_d,

    and then at most 89 where a dimension is a warning and at most 59 where one
    fails, so that one bad side cannot hide behind four good ones.
    """
    known = {name: share for name, share in shares.items() if not math.isnan(share)}
    if not known:
        return math.nan
    weights = {name: _BY_NAME[name].weight for name in known}
    mean = math.fsum(weights[name] * known[name] for name in known)
    score = 100 * mean / math.fsum(weights.values())
    found = {rate_share(name, share) for name, share in known.items()}
    limit = min((_CAPS[status] for status in found & set(_CAPS)), default=100.0)
    return min(score, limit)


def build_quality(
    shares: pd.DataFrame, *, sources: Mapping[str, str], order: Sequence[str]
) -> pd.DataFrame:
    """Return one row per table and dimension, with limits, status and scores.

    Parameters
    ----------
    shares : DataFrame
        ``table``, ``dimension``, ``value`` (0 to 1, NaN where it does not apply),
        ``rows`` (how many were judged) and ``text``.
    sources : mapping of str to str
        The source each table was read from; a table without one is its own source.
    order : sequence of str
        The tables, in the order wanted.

    Returns
    -------
    DataFrame
        ``source``, ``table``, ``dimension``, ``value``, ``limit``, ``floor``,
        ``status``, ``rows``, ``table_score`` (see `score_table`), ``source_score``
        (the lowest of the source's tables: a source is as good as its worst table)
        and ``text``.
    """
    rows = []
    for table in order:
        own = shares[shares["table"] == table].set_index("dimension")
        values = {name: float(own["value"].get(name, math.nan)) for name in _BY_NAME}
        score = score_table(values)
        rows += [
            _write_row(table, sources.get(table, table), item, values, own, score)
            for item in DIMENSIONS
        ]
    quality = pd.DataFrame(rows, columns=_COLUMNS)
    lowest = quality.groupby("source")["table_score"].min()
    quality["source_score"] = quality["source"].map(lowest).astype(float)
    return quality


_COLUMNS = [
    "source",
    "table",
    "dimension",
    "value",
    "limit",
    "floor",
    "status",
    "rows",
    "table_score",
    "source_score",
    "text",
]


def _write_row(
    table: str,
    source: str,
    dimension: Dimension,
    values: Mapping[str, float],
    own: pd.DataFrame,
    score: float,
) -> dict[str, Any]:
    known = dimension.name in own.index
    value = values[dimension.name]
    return {
        "source": source,
        "table": table,
        "dimension": dimension.name,
        "value": value,
        "limit": dimension.limit,
        "floor": dimension.floor,
        "status": rate_share(dimension.name, value),
        "rows": int(own.loc[dimension.name, "rows"]) if known else 0,
        "table_score": score,
        "source_score": math.nan,
        "text": str(own.loc[dimension.name, "text"]) if known else "not measured",
    }
