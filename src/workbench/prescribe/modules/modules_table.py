"""The table of modules: impact, effort, cost, and what to do with each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.effects import describe_unit
from workbench.impact.multiplicity import adjust_p_values
from workbench.prescribe.modules.analysis import ProgrammeAnalysis
from workbench.prescribe.modules.decide import Harm, ModuleFacts, decide
from workbench.prescribe.modules.effects_table import hide_small
from workbench.prescribe.modules.parts import FEWEST
from workbench.prescribe.modules.ratio import divide, read_cost, read_effort
from workbench.prescribe.modules.values import ModuleValues

__all__ = ["MODULES", "tabulate_modules"]

FloatArray = npt.NDArray[np.float64]

MODULES = (
    "persona",
    "program",
    "module",
    "title",
    "modality",
    "impact",
    "impact_low",
    "impact_high",
    "raw_impact",
    "raw_std_error",
    "effort_hours",
    "cost",
    "currency",
    "ratio",
    "ratio_low",
    "ratio_high",
    "decision",
    "reason",
    "identified",
    "explore",
    "n_passed",
    "n_skipped",
    "skills",
    "prerequisites",
)
"""Columns of the table of modules."""


def tabulate_modules(
    analyses: Sequence[ProgrammeAnalysis],
    values: Sequence[ModuleValues],
    effects: pd.DataFrame,
    *,
    currency: str,
    alpha: float,
    min_group: int,
) -> pd.DataFrame:
    """List all modules with their impact, effort, cost and decision.

    Parameters
    ----------
    analyses, values : sequence
        Of the same programmes.
    effects : DataFrame
        From `tabulate_effects`.
    currency : str
        Of the costs.
    alpha : float
        One less the level of intervals.
    min_group : int
        Counts of fewer people are kept back.

    Returns
    -------
    DataFrame
        Columns `MODULES`. ``impact`` in thresholds after shrinkage, ``ratio`` per ten
        hours; ``explore`` where the impact's lower end is not above 0.
    """
    overall = _adjust_overall(values)
    rows = [
        row
        for analysis, own, tests in zip(analyses, values, overall, strict=True)
        for row in _add_decisions(
            _list_programme(analysis, own, currency, (alpha, min_group)),
            analysis,
            effects,
            (tests, alpha),
        )
    ]
    return pd.DataFrame(rows, columns=list(MODULES)).astype(
        {"n_passed": "Int64", "n_skipped": "Int64"}
    )


def _list_programme(
    analysis: ProgrammeAnalysis,
    own: ModuleValues,
    currency: str,
    limits: tuple[float, int],
) -> list[dict[str, object]]:
    from scipy.special import ndtri

    alpha, min_group = limits
    quantile = float(ndtri(1 - alpha / 2))
    catalogue = analysis.records.catalogue.set_index("course_id")
    rows = []
    for column, (_, item) in enumerate(own.tabulate().iterrows()):
        course = catalogue.loc[item["module"]]
        effort = read_effort(course)
        told = bool(own.outcomes) and bool((own.weights > 0).any())
        impact = float(item["impact"]) if told else math.nan
        ratio = divide(impact, float(item["std_error"]), effort, quantile=quantile)
        counts = hide_small(
            analysis.uptake.n_passed[column],
            analysis.uptake.n_skipped[column],
            min_group=min_group,
        )
        rows.append(
            {
                "persona": own.persona,
                "program": own.program,
                "module": item["module"],
                "title": course["title"],
                "modality": course["modality"],
                "impact": impact,
                "impact_low": float(item["low"]) if told else math.nan,
                "impact_high": float(item["high"]) if told else math.nan,
                "raw_impact": item["raw_impact"],
                "raw_std_error": item["raw_std_error"],
                "effort_hours": effort.hours,
                "cost": read_cost(course),
                "currency": currency,
                "ratio": ratio[0],
                "ratio_low": ratio[1],
                "ratio_high": ratio[2],
                "identified": bool(own.identified[column]),
                "explore": not (told and item["low"] > 0),
                "n_passed": counts[0],
                "n_skipped": counts[1],
                "skills": list(course["skills"]),
                "prerequisites": list(course["prerequisites"]),
                "raw_low": item["raw_low"],
                "raw_high": item["raw_high"],
            }
        )
    return rows


def _add_decisions(
    rows: list[dict[str, object]],
    analysis: ProgrammeAnalysis,
    effects: pd.DataFrame,
    levels: tuple[FloatArray, float],
) -> list[dict[str, object]]:
    overall, alpha = levels
    told = [row["ratio"] for row in rows if row["identified"]]
    ratios = np.array(told or [math.nan], dtype="float64")
    usual = float(np.nanmedian(ratios)) if not np.isnan(ratios).all() else math.nan
    for column, row in enumerate(rows):
        own = effects[
            (effects["persona"] == row["persona"])
            & (effects["program"] == row["program"])
            & (effects["module"] == row["module"])
            & effects["headline"]
        ]
        harms, helps = _find_shown(own, analysis, alpha)
        bundle = analysis.uptake.find_bundle(column)
        found = decide(
            ModuleFacts(
                identified=bool(row["identified"])
                and not math.isnan(_number(row, "impact")),
                bundle=tuple(str(rows[at]["module"]) for at in bundle if at != column),
                always=analysis.uptake.n_skipped[column] < FEWEST,
                impact=_number(row, "impact"),
                low=_number(row, "impact_low"),
                high=_number(row, "impact_high"),
                raw_low=_number(row, "raw_low"),
                raw_high=_number(row, "raw_high"),
                overall=float(overall[column]),
                ratio=_number(row, "ratio"),
                usual_ratio=usual,
                harms=harms,
                helps=helps,
            ),
            alpha=alpha,
        )
        row |= {"decision": found.choice, "reason": found.reason}
    return rows


def _adjust_overall(values: Sequence[ModuleValues]) -> list[FloatArray]:
    """Adjust the tests over all outcomes for the number of modules, signs kept."""
    tests = [item.test_overall() for item in values]
    if not tests:
        return []
    joined = np.concatenate(tests)
    adjusted = np.copysign(adjust_p_values(np.abs(joined)), joined)
    return np.split(adjusted, np.cumsum([len(item) for item in tests])[:-1])


def _number(row: dict[str, object], name: str) -> float:
    value = row[name]
    return float(value) if isinstance(value, int | float) else math.nan


def _find_shown(
    own: pd.DataFrame, analysis: ProgrammeAnalysis, alpha: float
) -> tuple[tuple[Harm, ...], tuple[Harm, ...]]:
    """Find outcomes that a module's own comparison shows to be worse, and better."""
    harms: list[Harm] = []
    helps: list[Harm] = []
    outcomes = {item.outcome.id: item for item in analysis.outcomes}
    for _, row in own.iterrows():
        found = outcomes[row["outcome"]]
        if not (row["identified"] and found.counts and row["p_adjusted"] < alpha):
            continue
        shown = Harm(
            label=found.outcome.label or found.outcome.id,
            estimate=float(row["estimate"]),
            low=float(row["ci_low"]),
            high=float(row["ci_high"]),
            unit=describe_unit(found.outcome),
        )
        (helps if row["estimate"] * found.scale > 0 else harms).append(shown)
    return tuple(harms), tuple(helps)
