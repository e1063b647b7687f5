"""The specification curve: one comparison made in every defensible way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import ConvergenceError, DesignError
from workbench.core.results import Check
from workbench.impact.balance import FAIR_BALANCE
from workbench.impact.effects import describe_unit
from workbench.impact.propensity import Method
from workbench.impact.robustness.specification_grid import (
    CHOICES,
    DECLARED,
    Variant,
    count_steps,
    list_variants,
    name_covariate_sets,
)
from workbench.impact.robustness.specification_run import Workshop
from workbench.impact.robustness.specification_text import describe_curve

__all__ = ["SpecificationCurve", "run_specifications"]

_CHECK = "specification_curve"
_SAME = 0.75
_UNCLEAR = "no clear change"
_COLUMNS = (
    "variant",
    *CHOICES,
    "complete",
    "sound",
    "headline",
    "estimate",
    "std_error",
    "ci_low",
    "ci_high",
    "p_value",
    "n_treated",
    "n_control",
    "largest_smd",
    "reading",
    "reason",
    "unit",
    "level",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationCurve:
    """All variants of one comparison, and what they say together.

    Attributes
    ----------
    table : DataFrame
        One row per variant: ``variant`` (number in the order of the grid, the headline
        is 1); the choices as text, empty where a method does not make the choice
        (``covariates``, ``method``, ``model``, ``caliper``, ``ratio``,
        ``replacement``, ``exact``, ``adjusted``); ``complete`` (adjusts for every
        declared covariate); ``headline``; ``estimate``, ``std_error``, ``ci_low``,
        ``ci_high`` on the outcome's scale, ``p_value``; ``n_treated`` and
        ``n_control`` (different people); ``largest_smd`` (over the declared covariates,
        also those a variant leaves out; missing for regression, which weighs nobody);
        ``reading`` (higher, lower, no clear change); ``reason`` why there is no number;
        ``unit`` of the outcome and ``level`` of the intervals.
    moves : DataFrame
        ``choice``, ``headline_level``, ``level``, ``estimate``, ``change``: variants
        that differ from the headline in one choice, the largest change first.
    checks : tuple of Check
        ``specification_curve``: whether the conclusion survives.
    facts : mapping
        ``n_variants``, ``n_estimated``, ``n_sound``; ``share_same_sign``,
        ``share_clear``, ``share_same_reading``, ``share_opposite``, ``median``,
        ``lowest``, ``highest`` over all estimated variants, ``sound_...`` over the
        sound ones; ``text``.
    """

    table: pd.DataFrame
    moves: pd.DataFrame
    checks: tuple[Check, ...]
    facts: Mapping[str, Any]


def run_specifications(
    cohort: Cohort,
    *,
    caliper: float | None = 0.2,
    ratio: int = 1,
    replace: bool = False,
    exact: Sequence[str] = (),
    propensity: Method = "logistic",
    covariate_sets: Mapping[str, Sequence[str]] | None = None,
    exact_on: Sequence[str] = ("role", "site"),
    boosting: bool = True,
    cardinality: bool = True,
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> SpecificationCurve:
    """Make one comparison in every defensible way and see whether the answer holds.

    Use it beside a headline, to show that no single choice of method made it. Every
    variant estimates an effect on learners under the assumption that its covariates
    hold everything that drives both learning and the outcome; variants that leave
    declared covariates out on purpose show what adjusting for them is worth.

    Parameters
    ----------
    cohort : Cohort
        Stacked target trials; left unchanged, the order of its rows does not matter.
    caliper, ratio, replace, exact, propensity
        Choices of the headline; see `estimate_psm`.
    covariate_sets : mapping of str to sequence of str, optional
        Further sets of columns by name; default: those of `name_covariate_sets`.
    exact_on : sequence of str
        Columns to match exactly on in variants; those that are absent or hold one
        value are passed over.
    boosting : bool
        Whether to score by gradient boosting too, which takes longest.
    cardinality : bool
        Whether to match by cardinality too; see `match_cardinality`.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Fewest people in an arm; a variant with fewer matched is listed without number.
    seed : int
        Deals people into the folds of boosting and of the doubly robust estimate.

    Returns
    -------
    SpecificationCurve
        Positive estimates mean more of the outcome among learners.

    Raises
    ------
    TooFewUnitsError, NoVariationError, DesignError
        If no variant could be estimated; see `prepare_sample`.

    Notes
    -----
    The variants share people, outcomes and mostly covariates, so they are not
    independent tests: shares of variants describe, and no p-value over the curve is
    claimed (the permutation test of [1]_ is not made). Errors are those of
    `estimate_matched`, `estimate_ols`, `estimate_ipw` and `estimate_aipw`; where a
    direction has fewer than 40 clusters, the CR2 error is computed for the headline and
    the regressions' errors are widened in the same proportion.

    References
    ----------
    .. [1] Simonsohn, U., Simmons, J. P. and Nelson, L. D. (2020). Specification curve
       analysis. Nature Human Behaviour 4, 1208-1214. doi:10.1038/s41562-020-0912-z
    """
    from threadpoolctl import threadpool_limits

    sets = name_covariate_sets(cohort.covariates, cohort.protected)
    if covariate_sets is not None:
        more = {name: tuple(chosen) for name, chosen in covariate_sets.items()}
        sets = {DECLARED: tuple(cohort.covariates)} | more
    headline = Variant(
        model=propensity,
        caliper=caliper,
        ratio=ratio,
        replace=replace,
        exact=tuple(name for name in exact if name != "trial"),
    )
    with threadpool_limits(limits=1):
        shop = Workshop(cohort, sets, min_group=min_group, seed=seed)
        variants = list_variants(
            headline,
            sets=list(sets),
            exact=[name for name in exact_on if shop.varies(name)],
            boosting=boosting or propensity == "boosting",
            cardinality=cardinality,
        )
        rows = [
            _write_row(shop, variant, number, headline, alpha)
            for number, variant in enumerate(variants, start=1)
        ]
    unit = describe_unit(cohort.outcome)
    table = _tidy(pd.DataFrame(rows).assign(unit=unit, level=1 - alpha))
    moves = _find_moves(table)
    facts = _summarise(table)
    text = describe_curve(table, moves, facts)
    return SpecificationCurve(
        table=table,
        moves=moves,
        checks=(_check_survival(facts, text),),
        facts={**facts, "text": text},
    )


def _write_row(
    shop: Workshop, variant: Variant, number: int, headline: Variant, alpha: float
) -> dict[str, object]:
    row: dict[str, object] = {
        "variant": number,
        **variant.describe(),
        "complete": shop.is_complete(variant.covariates),
        "sound": False,
        "headline": variant == headline,
        "reason": "",
    }
    try:
        effect, largest = shop.estimate(variant)
    except (DesignError, ConvergenceError) as error:
        return {**row, "reason": str(error).splitlines()[0].rstrip(".") + "."}
    low, high = effect.interval(alpha)
    return {
        **row,
        "estimate": effect.value,
        "std_error": effect.std_error,
        "ci_low": low,
        "ci_high": high,
        "p_value": effect.p_value(),
        "n_treated": effect.n_treated,
        "n_control": effect.n_control,
        "largest_smd": largest,
        "reading": _read(low, high),
        "sound": row["complete"] and not largest > FAIR_BALANCE,
    }


def _read(low: float, high: float) -> str:
    if low > 0:
        return "higher"
    return "lower" if high < 0 else _UNCLEAR


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    table = table.reindex(columns=list(_COLUMNS))
    numbers = ["estimate", "std_error", "ci_low", "ci_high", "p_value", "largest_smd"]
    kinds: dict[str, str] = dict.fromkeys(numbers, "float64")
    kinds |= {"n_treated": "Int64", "n_control": "Int64"}
    kinds |= dict.fromkeys([*CHOICES, "reading", "reason", "unit"], "str")
    return table.fillna({"reading": ""}).astype(kinds)


def _find_moves(table: pd.DataFrame) -> pd.DataFrame:
    """List the variants one step away from the headline, the largest change first."""
    columns = ["choice", "headline_level", "level", "estimate", "change"]
    records = [_texts(row) for row in table.to_dict("records")]
    own = next(row for row in records if row["headline"])
    found = []
    for row in records:
        steps = count_steps(own, row)
        if len(steps) == 1 and not math.isnan(row["estimate"]):
            level = {"headline_level": own[steps[0]], "level": row[steps[0]]}
            change = row["estimate"] - own["estimate"]
            found.append(
                {"choice": steps[0], **level, "estimate": row["estimate"]}
                | {"change": change}
            )
    moves = pd.DataFrame(found, columns=columns)
    order = (-moves["change"].abs().round(12)).sort_values(kind="stable").index
    return moves.loc[order].reset_index(drop=True)


def _texts(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in row.items()}


def _summarise(table: pd.DataFrame) -> dict[str, Any]:
    own = table[table["headline"]].iloc[0]
    made = table[table["estimate"].notna()]
    return {
        "n_variants": len(table),
        "n_estimated": len(made),
        "n_sound": int(made["sound"].sum()),
        "headline_estimate": float(own["estimate"]),
        "headline_error": float(own["std_error"]),
        "headline_reading": str(own["reading"]),
        **_describe_group(made, own, ""),
        **_describe_group(made[made["sound"]], own, "sound_"),
    }


def _describe_group(
    made: pd.DataFrame, own: pd.Series, prefix: str
) -> dict[str, float]:
    sign = np.sign(own["estimate"])
    opposite = {"higher": "lower", "lower": "higher"}.get(str(own["reading"]), "")
    found = {
        "share_same_sign": (np.sign(made["estimate"]) == sign).mean(),
        "share_clear": (made["reading"] != _UNCLEAR).mean(),
        "share_same_reading": (made["reading"] == own["reading"]).mean(),
        "share_opposite": (made["reading"] == opposite).mean(),
        "median": made["estimate"].median(),
        "lowest": made["estimate"].min(),
        "highest": made["estimate"].max(),
    }
    return {prefix + name: float(value) for name, value in found.items()}


def _check_survival(facts: Mapping[str, Any], text: str) -> Check:
    """Judge the headline by the variants that adjust for all that was declared."""
    share = facts["sound_share_same_reading"]
    if math.isnan(facts["headline_estimate"]) or math.isnan(share):
        return Check(check=_CHECK, passed=None, text=text)
    fine = share >= _SAME and not facts["sound_share_opposite"]
    return Check(
        check=_CHECK,
        passed=fine,
        value=share,
        limit=_SAME,
        text=text,
        advice="" if fine else "The answer depends on choices of method; say which.",
    )
