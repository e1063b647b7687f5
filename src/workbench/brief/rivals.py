"""Where another design says something else than the one that is reported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.brief.effects import INVITED
from workbench.brief.experiments import LEARNT
from workbench.brief.formatting import format_effect
from workbench.brief.narrative import lower_first
from workbench.brief.results import BriefData

__all__ = ["describe_rivals", "find_rivals"]

_KEY = ["persona", "program", "outcome"]
_OVERLAPPING = 1.959963984540054
_SPOKEN = (LEARNT, "km", "psm_nn", "did_cs")
_TOGETHER = {"psm", "did"}
_SAY = {
    LEARNT: "the experiment",
    "km": "following everybody over time",
    "psm_nn": "matching",
    "did_cs": "before and after",
}
_WHY = {
    "ab": "as chance decided who was invited",
    "survival": "as it also reads learners whose time is not over",
    "psm": "as it passes more checks",
    "did": "as it passes more checks",
}


def find_rivals(data: BriefData, effects: pd.DataFrame) -> pd.DataFrame:
    """Hold each reported effect of learning against those of other designs.

    Matching and before-and-after are held against each other by their own stage. The
    effect of being invited speaks of something else and is left out.

    Parameters
    ----------
    data : BriefData
        The quarter's results.
    effects : DataFrame
        From `select_effects`.

    Returns
    -------
    DataFrame
        ``persona``, ``program``, ``outcome``, ``label``, ``outcome_label``, ``unit``,
        ``stage``, ``reported``, ``other_method``, ``other``, ``gap``, ``limit`` (1.96
        times the combined error; on the wide side where both use the same people), and
        ``agree``: ``no`` if the gap passes the limit, ``yes`` if each interval holds
        the other estimate, else ``unclear``.
    """
    columns = ["label", "outcome_label", "unit", "stage", "reported", "other_method"]
    columns += ["other", "gap", "limit", "agree"]
    shown = effects[
        ~effects["control"].astype(bool)
        & effects["estimate"].notna()
        & (effects["method"] != INVITED)
    ]
    table = data.estimates()
    others = table[
        table["subgroup_by"].isna()
        & table["period"].isna()
        & table["estimate"].notna()
        & table["method"].isin(_SPOKEN)
    ]
    pairs = shown.merge(others, on=_KEY, suffixes=("", "_other"))
    if pairs.empty:
        return pd.DataFrame(columns=[*_KEY, *columns])
    together = pairs["stage"].isin(_TOGETHER) & pairs["stage_other"].isin(_TOGETHER)
    apart = (pairs["stage"] != pairs["stage_other"]) & ~together
    pairs = pairs[apart & (pairs["unit"] == pairs["unit_other"])]
    pairs = pairs.drop_duplicates([*_KEY, "method_other"])
    own, other = (pairs[name].astype(float) for name in ("estimate", "estimate_other"))
    gap = (own - other).abs()
    limit = _OVERLAPPING * np.hypot(
        pairs["std_error"].astype(float), pairs["std_error_other"].astype(float)
    )
    held = other.between(pairs["ci_low"].astype(float), pairs["ci_high"].astype(float))
    held &= own.between(
        pairs["ci_low_other"].astype(float), pairs["ci_high_other"].astype(float)
    )
    agree = np.where(gap > limit, "no", np.where(held, "yes", "unclear"))
    made = pairs.assign(
        reported=own,
        other_method=pairs["method_other"],
        other=other,
        gap=gap,
        limit=limit,
        agree=agree,
    )
    return made[[*_KEY, *columns]].reset_index(drop=True)


def describe_rivals(
    data: BriefData, effects: pd.DataFrame, *, named: bool = True
) -> list[str]:
    """Say, one sentence each, where designs differ by more than their errors.

    Parameters
    ----------
    data, effects
        See `find_rivals`.
    named : bool
        Whether the persona is named.
    """
    found = find_rivals(data, effects)
    apart = found[found["agree"] == "no"]
    methods = effects.set_index(_KEY)["method"]
    return [
        _write(row, str(methods[tuple(row[name] for name in _KEY)]), named=named)
        for row in apart.to_dict("records")
    ]


def _write(row: dict[Any, Any], method: str, *, named: bool) -> str:
    unit = str(row["unit"])
    outcome = str(row["outcome_label"])
    start = f"{row['label']}, {lower_first(outcome)}" if named else outcome
    return (
        f"{start}: {_SAY[method]} says {format_effect(row['reported'], unit)}, "
        f"{_SAY[row['other_method']]} says {format_effect(row['other'], unit)}, which "
        "differ by more than their errors. The first is reported, "
        f"{_WHY[row['stage']]}; neither should be relied on alone."
    )
