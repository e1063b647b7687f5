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
    "INVITED",
    "Finding",
    "adjust_p_values",
    "classify_effect",
    "drop_other_naive",
    "find_contradictions",
    "find_naive",
    "judge_threshold",
    "select_effects",
]

INVITED = "ab_itt"
"""Method whose effect is that of being invited, not of learning."""

ADJUSTED_GRADE = 2
"""Evidence grade from which a comparison passes its checks; below it is a hint."""

Finding = Literal["gain", "loss", "none", "unclear", "suppressed", "unanswered"]

_DESIGNS = ("ab", "survival", "psm", "did")
_FOLLOWED, _CLOSED = "survival", ("psm", "did")
_KEY = ["persona", "program", "outcome"]
_OVERLAPPING = 1.959963984540054
_MATCHED = "psm_nn"
_DOUBLE = "aipw"
_NAIVE = "naive"
_LEARNT = "ab_iv"


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
    highest evidence grade is taken, which is made from checks and never from the
    effect; between equal grades experiments come before survival, matching and
    before-and-after. So an experiment of grade 4 or 5 stands before all others. People
    followed over time stand before matching on exposures whose window has closed,
    which reads fewer of the same people, unless only the former fail a check (grade
    below 2). Where matching and before-and-after were held against each other, both
    carry their common grade and the one that stands is taken. Of an experiment the
    effect of learning is taken where it has one, as all others speak of learning; that
    of being invited, which is smaller as not everybody comes, stands behind others of
    the same grade. An experiment that was stopped, or has no answer, has no number, and
    never displaces one. p-values are adjusted by Benjamini and Hochberg over all
    personas and outcomes taken, negative controls and suppressed estimates left out.
    Negative controls are no headline; their matched estimate is taken.
    """
    table = data.estimates()
    overall = table["subgroup_by"].isna() & table["period"].isna()
    control = table["outcome"].isin(list_controls(data)) & (table["method"] == _MATCHED)
    chosen = table[overall & (table["headline"].astype(bool) | control)]
    chosen = _prefer_learning(chosen, table[overall])
    chosen = apply_triangulation(chosen, data)
    chosen["_answered"] = chosen["estimate"].notna()
    chosen["_grade"] = pd.to_numeric(chosen["evidence"]).fillna(-1).astype(float)
    chosen["_design"] = [_rank(name, _DESIGNS) for name in chosen["stage"]]
    chosen.loc[chosen["method"] == INVITED, "_design"] = len(_DESIGNS)
    _let_followed_stand(chosen)
    chosen = chosen.sort_values(
        ["_answered", "stands", "_grade", "_design"],
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


def _let_followed_stand(chosen: pd.DataFrame) -> None:
    """Let people followed over time stand before matching, or after it, by checks.

    The one that passes while the other fails stands; else the former.
    """
    read = chosen[chosen["_answered"]]
    for place, row in read[read["stage"] == _FOLLOWED].iterrows():
        same = (read[_KEY] == row[_KEY]).all(axis=1)
        others = read[same & read["stage"].isin(_CLOSED)]
        beaten = bool((others["_grade"] >= ADJUSTED_GRADE).any())
        if beaten and row["_grade"] < ADJUSTED_GRADE:
            chosen.loc[place, "stands"] = False
        else:
            chosen.loc[others.index, "stands"] = False


def _prefer_learning(chosen: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Put the effect of learning in the place of that of being invited to learn."""
    learnt = table[
        (table["method"] == _LEARNT)
        & table["estimate"].notna()
        & table["evidence"].notna()
    ]
    if learnt.empty:
        return chosen
    known = pd.MultiIndex.from_frame(learnt[_KEY])
    invited = (chosen["method"] == INVITED) & pd.MultiIndex.from_frame(
        chosen[_KEY]
    ).isin(known)
    return pd.concat([chosen[~invited], learnt], ignore_index=True)


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


def drop_other_naive(table: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Keep one difference without adjustment per comparison: that of its own stage.

    Parameters
    ----------
    table : DataFrame
        Overall estimates; several stages give such a difference, on their own people.
    effects : DataFrame
        From `select_effects`: which stage is reported.
    """
    reported = effects.set_index(_KEY)["stage"]
    reported = reported[~reported.index.duplicated()]
    own = reported.reindex(pd.MultiIndex.from_frame(table[_KEY])).to_numpy()
    plain = (table["method"] == _NAIVE).to_numpy()
    order = np.argsort(~(plain & (table["stage"].to_numpy() == own)), kind="stable")
    first = table.iloc[order]
    kept = first[~(first["method"] == _NAIVE) | ~first.duplicated([*_KEY, "method"])]
    return kept.sort_index(kind="stable")


def find_naive(table: pd.DataFrame) -> pd.DataFrame:
    """Return the differences without adjustment: key, estimate and interval."""
    return _pick(table, _NAIVE)


def _pick(table: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return a method's answered rows, one per persona, programme and outcome."""
    rows = table[(table["method"] == method) & table["estimate"].notna()]
    columns = [*_KEY, "estimate", "std_error", "ci_low", "ci_high", "unit"]
    return rows.drop_duplicates(_KEY)[columns]


def _add_naive(chosen: pd.DataFrame, table: pd.DataFrame) -> None:
    """Set the naive difference beside every chosen estimate that may be shown.

    It is that of the estimate's own stage where it has one.
    """
    beside = pd.DataFrame(
        [_find_beside(row, table) for row in _records(chosen)],
        columns=["estimate", "ci_low", "ci_high"],
    )
    for name, column in (
        ("naive", "estimate"),
        ("naive_low", "ci_low"),
        ("naive_high", "ci_high"),
    ):
        values = beside[column].to_numpy(dtype=float, na_value=math.nan)
        hidden = chosen["suppressed"].to_numpy(dtype=bool)
        chosen[name] = np.where(hidden, math.nan, values)


def _find_beside(row: dict[str, Any], table: pd.DataFrame) -> dict[str, Any]:
    """Return the naive difference for a row, of its own stage if there is one."""
    own = table[(table[_KEY] == [row[name] for name in _KEY]).all(axis=1)]
    same = own[own["stage"] == row["stage"]]
    for rows in (same, own):
        found = find_naive(rows)
        if len(found):
            return _records(found)[0]
    return {}


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
