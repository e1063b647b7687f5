"""Which estimate stands for a persona and an outcome, and what it says."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.brief.formatting import is_missing
from workbench.brief.labels import label_outcome, list_controls
from workbench.brief.results import BriefData
from workbench.brief.triangulated import apply_triangulation

__all__ = [
    "ADJUSTED_GRADE",
    "Finding",
    "adjust_p_values",
    "classify_effect",
    "find_contradictions",
    "find_naive",
    "judge_threshold",
    "select_effects",
]

ADJUSTED_GRADE = 2
"""Evidence grade from which a comparison passes its checks; below it is a hint."""

Finding = Literal["gain", "loss", "none", "unclear", "suppressed", "unanswered"]

_DESIGNS = ("ab", "survival", "psm", "did")
_KEY = ["persona", "program", "outcome"]
_OVERLAPPING = 1.959963984540054
_MATCHED = "psm_nn"
_DOUBLE = "aipw"
_NAIVE = "naive"


def select_effects(data: BriefData) -> pd.DataFrame:
    """Choose one overall estimate per persona, programme and outcome.

    Parameters
    ----------
    data : BriefData
        The quarter's results.

    Returns
    -------
    DataFrame
        The contract's columns and: ``label`` (the persona's), ``outcome_label``,
        ``control`` (a negative-control outcome), ``p_adjusted`` (adjusted anew, see
        Notes), ``finding`` (see `classify_effect`), ``naive`` and ``naive_low``,
        ``naive_high`` (the difference without adjustment, where a stage gives it).
        Personas and outcomes in the order of the parameter files.

    Notes
    -----
    Among the estimates that stages stand behind (``headline``), the one with the
    highest evidence grade is taken; between equal grades experiments come before
    survival, matching and before-and-after. Where the last two were held against each
    other, both carry their common grade and the one that stands is taken. p-values
    are adjusted by Benjamini and Hochberg over all personas and outcomes taken,
    negative controls and suppressed estimates left out. Negative controls are no
    headline; their matched estimate is taken.
    """
    table = data.estimates()
    overall = table["subgroup_by"].isna() & table["period"].isna()
    control = table["outcome"].isin(list_controls(data)) & (table["method"] == _MATCHED)
    chosen = table[overall & (table["headline"].astype(bool) | control)]
    chosen = apply_triangulation(chosen, data)
    chosen["_answered"] = chosen["estimate"].notna()
    chosen["_grade"] = pd.to_numeric(chosen["evidence"]).fillna(-1).astype(float)
    chosen["_design"] = [_rank(name, _DESIGNS) for name in chosen["stage"]]
    chosen = chosen.sort_values(
        ["_answered", "_grade", "stands", "_design"],
        ascending=[False, False, False, True],
        kind="stable",
    ).drop_duplicates(_KEY)
    chosen = _order(chosen, data)
    chosen["label"] = [data.label_of(item) for item in chosen["persona"]]
    chosen["outcome_label"] = [label_outcome(data, item) for item in chosen["outcome"]]
    chosen["control"] = chosen["outcome"].isin(list_controls(data))
    chosen["p_adjusted"] = adjust_p_values(
        chosen["p_value"].where(~chosen["control"].astype(bool))
    )
    chosen["threshold"] = [_threshold(data, row) for row in _records(chosen)]
    chosen["finding"] = [classify_effect(row) for row in _records(chosen)]
    _add_naive(chosen, table[overall])
    return chosen.drop(columns=["_answered", "_grade", "_design", "stands"])


def adjust_p_values(p_values: pd.Series) -> pd.Series:
    """Adjust p-values by Benjamini and Hochberg; missing ones stay out of the family.

    Parameters
    ----------
    p_values : Series
        Each between 0 and 1, or missing.

    Returns
    -------
    Series
        Adjusted values on the same index, missing where they were.
    """
    from scipy.stats import false_discovery_control

    values = pd.to_numeric(p_values, errors="coerce").astype(float)
    adjusted = pd.Series(math.nan, index=values.index)
    used = values.notna()
    if used.any():
        adjusted[used] = false_discovery_control(values[used].to_numpy())
    return adjusted


def classify_effect(row: dict[str, Any], *, alpha: float = 0.05) -> Finding:
    """Say what one estimate shows, as far as its numbers carry it.

    Parameters
    ----------
    row : dict
        ``estimate``, ``ci_low``, ``ci_high``, ``direction``, ``threshold`` (smallest
        effect worth having, on the outcome's scale), ``p_adjusted``, ``suppressed``.
    alpha : float
        Level that an adjusted p-value must not pass for a gain or a loss.

    Returns
    -------
    str
        ``suppressed``; ``unanswered`` without a number; ``gain`` or ``loss`` where the
        interval excludes zero (a gain is in the wanted direction) and the adjusted p
        holds; ``none`` where the interval lies within plus and minus the threshold;
        otherwise ``unclear``.
    """
    if row.get("suppressed"):
        return "suppressed"
    if is_missing(row.get("estimate")) or is_missing(row.get("ci_low")):
        return "unanswered"
    low, high = _towards_goal(row)
    adjusted = row.get("p_adjusted")
    holds = is_missing(adjusted) or float(adjusted or 0.0) <= alpha
    if low > 0 and holds:
        return "gain"
    if high < 0 and holds:
        return "loss"
    threshold = row.get("threshold")
    if not is_missing(threshold):
        reach = abs(float(threshold or 0.0))
        if -reach < low and high < reach:
            return "none"
    return "unclear"


def judge_threshold(low: float, high: float, *, threshold: float, up: bool) -> str:
    """Hold an interval against a threshold: ``yes``, ``no`` or ``unclear``.

    Parameters
    ----------
    low, high : float
        The interval.
    threshold : float
        Smallest change worth having, without sign; 0 asks for any change in the
        wanted direction.
    up : bool
        Whether more of the outcome is better.

    Returns
    -------
    str
        ``yes`` if the whole interval reaches it, ``no`` if none of it does.
    """
    if is_missing(low) or is_missing(high):
        return "unclear"
    worst, best = (low, high) if up else (-high, -low)
    reach = abs(threshold)
    if worst > reach or (worst == reach and reach > 0):
        return "yes"
    return "no" if best < reach or (best == 0 == reach) else "unclear"


def find_contradictions(data: BriefData) -> pd.DataFrame:
    """Find where the matched and the doubly robust estimate differ beyond their errors.

    Returns
    -------
    DataFrame
        ``persona``, ``program``, ``outcome``, ``label``, ``outcome_label``, ``unit``,
        ``matched``, ``doubly_robust``, ``gap`` and ``limit``: 1.96 times the combined
        error, which is on the wide side, as both estimates use the same people.
    """
    table = data.estimates()
    overall = table[table["subgroup_by"].isna() & table["period"].isna()]
    pair = _pick(overall, _MATCHED).merge(
        _pick(overall, _DOUBLE), on=_KEY, suffixes=("", "_other")
    )
    gap = (pair["estimate"] - pair["estimate_other"]).abs()
    errors = np.hypot(
        pair["std_error"].astype(float), pair["std_error_other"].astype(float)
    )
    limit = _OVERLAPPING * errors
    found = pair.assign(gap=gap, limit=limit)[gap > limit]
    return pd.DataFrame(
        {
            **{name: found[name] for name in _KEY},
            "label": [data.label_of(item) for item in found["persona"]],
            "outcome_label": [label_outcome(data, item) for item in found["outcome"]],
            "unit": found["unit"],
            "matched": found["estimate"],
            "doubly_robust": found["estimate_other"],
            "gap": found["gap"],
            "limit": found["limit"],
        }
    ).reset_index(drop=True)


def find_naive(table: pd.DataFrame) -> pd.DataFrame:
    """Return the differences without adjustment: key, estimate and interval."""
    return _pick(table, _NAIVE)


def _pick(table: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return a method's answered rows, one per persona, programme and outcome."""
    rows = table[(table["method"] == method) & table["estimate"].notna()]
    columns = [*_KEY, "estimate", "std_error", "ci_low", "ci_high", "unit"]
    return rows.drop_duplicates(_KEY)[columns]


def _add_naive(chosen: pd.DataFrame, table: pd.DataFrame) -> None:
    """Set the naive difference beside every chosen estimate that may be shown."""
    naive = find_naive(table).set_index(_KEY)
    keys = pd.MultiIndex.from_frame(chosen[_KEY])
    beside = naive.reindex(keys)
    for name, column in (
        ("naive", "estimate"),
        ("naive_low", "ci_low"),
        ("naive_high", "ci_high"),
    ):
        values = beside[column].to_numpy(dtype=float, na_value=math.nan)
        hidden = chosen["suppressed"].to_numpy(dtype=bool)
        chosen[name] = np.where(hidden, math.nan, values)


def _threshold(data: BriefData, row: dict[str, Any]) -> float:
    """Return the smallest effect worth having, on the outcome's scale.

    The result table gives it as declared, relative or absolute; which of the two it is
    stands in the parameters.
    """
    outcomes = {item.id: item for item in data.params.outcomes}
    outcome = outcomes.get(str(row["outcome"]))
    threshold = outcome.threshold_for(str(row["persona"])) if outcome else None
    if threshold is None:
        return math.nan
    if threshold.absolute is not None:
        return threshold.absolute
    baseline = row.get("baseline")
    if threshold.relative is None or is_missing(baseline):
        return math.nan
    return threshold.relative * abs(float(baseline or 0.0))


def _towards_goal(row: dict[str, Any]) -> tuple[float, float]:
    """Return the interval with the wanted direction upwards."""
    low, high = float(row["ci_low"]), float(row["ci_high"])
    return (-high, -low) if row.get("direction") == "down" else (low, high)


def _order(chosen: pd.DataFrame, data: BriefData) -> pd.DataFrame:
    """Sort rows as the parameter files name personas, outcomes and programmes."""
    personas = [item.id for item in data.params.personas]
    outcomes = [item.id for item in data.params.outcomes]
    programs = [item.id for item in data.params.programs]
    rank = pd.DataFrame(
        {
            "a": [_rank(item, personas) for item in chosen["persona"]],
            "b": [_rank(item, outcomes) for item in chosen["outcome"]],
            "c": [_rank(item, programs) for item in chosen["program"]],
        },
        index=chosen.index,
    ).sort_values(["a", "b", "c"], kind="stable")
    return chosen.loc[rank.index].reset_index(drop=True)


def _rank(name: str, names: Any) -> int:
    """Return the place of a name in a sequence; unknown names come last."""
    known = list(names)
    return known.index(name) if name in known else len(known)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as dictionaries with string keys."""
    return [
        {str(key): item for key, item in row.items()}
        for row in table.to_dict("records")
    ]
