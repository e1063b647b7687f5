"""The table of module effects, one row per module, outcome and method."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.impact.effects import describe_unit
from workbench.impact.multiplicity import adjust_p_values
from workbench.prescribe.modules.analysis import ProgrammeAnalysis
from workbench.prescribe.modules.effect import ModuleEffect
from workbench.prescribe.modules.outcome import OutcomeEffects
from workbench.prescribe.modules.parts import FEWEST
from workbench.prescribe.modules.values import ModuleValues

__all__ = ["FAMILY", "MODULE_EFFECTS", "hide_small", "tabulate_effects"]

FAMILY = "all modules of all programmes and all outcomes but negative controls"
"""Tests among which p-values are adjusted (Benjamini and Hochberg)."""

MODULE_EFFECTS = (
    "persona",
    "program",
    "module",
    "outcome",
    "unit",
    "method",
    "headline",
    "estimate",
    "std_error",
    "ci_low",
    "ci_high",
    "p_value",
    "p_adjusted",
    "shrunk",
    "shrunk_sd",
    "shrunk_low",
    "shrunk_high",
    "n_passed",
    "n_skipped",
    "identified",
    "limitation",
)
"""Columns of the table of module effects."""


def tabulate_effects(
    analyses: Sequence[ProgrammeAnalysis],
    values: Sequence[ModuleValues],
    *,
    alpha: float,
    min_group: int,
) -> pd.DataFrame:
    """List every module's effect on every outcome, by both estimators.

    Parameters
    ----------
    analyses : sequence of ProgrammeAnalysis
        What was estimated.
    values : sequence of ModuleValues
        The same after shrinkage, in the same order.
    alpha : float
        One less the level of intervals.
    min_group : int
        Counts of fewer people are kept back.

    Returns
    -------
    DataFrame
        Columns `MODULE_EFFECTS`, in the outcome's unit; positive means more of it among
        those who passed the module. Headline rows hold the shrunk effect; without an
        estimate where the module's own effect cannot be told.
    """
    rows = [
        row
        for analysis, own in zip(analyses, values, strict=True)
        for found in analysis.outcomes
        for row in _list_outcome(analysis, found, own, alpha, min_group)
    ]
    table = pd.DataFrame(rows, columns=[*MODULE_EFFECTS, "control"])
    family = table["headline"].astype(bool) & ~table["control"].astype(bool)
    table["p_adjusted"] = np.nan
    table.loc[family, "p_adjusted"] = adjust_p_values(
        table.loc[family, "p_value"].to_numpy(dtype="float64")
    )
    return table[list(MODULE_EFFECTS)].astype(
        {"n_passed": "Int64", "n_skipped": "Int64"}
    )


def hide_small(passed: int, skipped: int, *, min_group: int) -> tuple[object, object]:
    """Return both counts, or neither where one gives few people away.

    Examples
    --------
    >>> hide_small(90, 0, min_group=10), hide_small(90, 4, min_group=10)
    ((90, 0), (None, None))
    """
    if any(0 < count < min_group for count in (passed, skipped)):
        return None, None
    return passed, skipped


def _list_outcome(
    analysis: ProgrammeAnalysis,
    found: OutcomeEffects,
    own: ModuleValues,
    alpha: float,
    min_group: int,
) -> list[dict[str, object]]:
    rows = []
    for column, module in enumerate(own.modules):
        step = _find_part(analysis, column)
        known = {
            "persona": own.persona,
            "program": own.program,
            "module": module,
            "outcome": found.outcome.id,
            "unit": describe_unit(found.outcome),
            "control": found.outcome.negative_control,
        }
        # the first module of a bundle stands for all of it
        carries = step is not None and analysis.uptake.parts[step].columns[0] == column
        effect = found.effects[step] if carries and step is not None else None
        second = found.second[step] if carries and step is not None else None
        counts = _count(analysis, column, effect, min_group)
        rows.append(
            known
            | _write_effect(effect, "aipw", counts, alpha)
            | _write_shrunk(found, own, column)
            | {
                "headline": True,
                "identified": effect is not None and bool(own.identified[column]),
                "limitation": _explain(analysis, found, column, step, effect),
            }
        )
        if second is not None:
            pair = hide_small(second.n_passed, second.n_skipped, min_group=min_group)
            rows.append(
                known
                | _write_effect(second, "joint", pair, alpha)
                | {
                    "headline": False,
                    "identified": bool(own.identified[column]),
                    "limitation": _JOINT,
                }
            )
    return rows


_CHOICE = (
    "Among learners whom the completion rule left the choice, if covariates and "
    "quarter hold what drives it."
)
_OUTSIDE = "Some of them, who had no counterpart, are left out."
_JOINT = "All modules in one regression: effects are taken to add up."


def _find_part(analysis: ProgrammeAnalysis, column: int) -> int | None:
    for step, part in enumerate(analysis.uptake.parts):
        if column in part.columns:
            return step
    return None


def _count(
    analysis: ProgrammeAnalysis,
    column: int,
    effect: ModuleEffect | None,
    min_group: int,
) -> tuple[object, object]:
    if effect is not None:
        return hide_small(effect.n_passed, effect.n_skipped, min_group=min_group)
    uptake = analysis.uptake
    return hide_small(
        uptake.n_passed[column], uptake.n_skipped[column], min_group=min_group
    )


def _write_effect(
    effect: ModuleEffect | None,
    method: str,
    counts: tuple[object, object],
    alpha: float,
) -> dict[str, object]:
    nothing = math.nan
    low, high = (nothing, nothing) if effect is None else effect.interval(alpha)
    return {
        "method": method,
        "estimate": nothing if effect is None else effect.value,
        "std_error": nothing if effect is None else effect.std_error,
        "ci_low": low,
        "ci_high": high,
        "p_value": nothing if effect is None else effect.p_value(),
        "n_passed": counts[0],
        "n_skipped": counts[1],
    }


def _write_shrunk(
    found: OutcomeEffects, own: ModuleValues, column: int
) -> dict[str, object]:
    if found.outcome.id not in own.outcomes:
        return {}
    from scipy.special import ndtri

    at = own.outcomes.index(found.outcome.id)
    place = at * len(own.modules) + column
    value = float(own.effects[at, column]) * found.scale
    error = math.sqrt(max(float(own.covariance[place, place]), 0.0)) * abs(found.scale)
    half = float(ndtri(1 - own.alpha / 2)) * error
    return {
        "shrunk": value,
        "shrunk_sd": error,
        "shrunk_low": value - half,
        "shrunk_high": value + half,
    }


def _explain(
    analysis: ProgrammeAnalysis,
    found: OutcomeEffects,
    column: int,
    step: int | None,
    effect: ModuleEffect | None,
) -> str:
    if found.outcome.negative_control:
        return "Negative control: nothing that is learnt can change it."
    bundle = analysis.uptake.find_bundle(column)
    if bundle:
        others = " and ".join(
            analysis.records.program.courses[other]
            for other in bundle
            if other != column
        )
        what = (
            "the number is that of all of them."
            if effect is not None
            else "only the sum of their effects can be told."
        )
        return f"Always taken together with {others}: {what}"
    if effect is not None:
        return _CHOICE if effect.n_outside == 0 else f"{_CHOICE} {_OUTSIDE}"
    if step is not None:
        return found.refusals[step]
    skipped = analysis.uptake.n_skipped[column]
    if skipped >= FEWEST:
        return f"Fewer than {FEWEST} learners passed it."
    who = "Everybody" if skipped == 0 else "Nearly everybody"
    return (
        f"{who} who completed the programme passed it: its own effect cannot be told "
        "from the programme's."
    )
