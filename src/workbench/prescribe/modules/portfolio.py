"""The worth of all modules of all personas: tables, values for paths, checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from workbench.cohorts.module_records import ModuleRecords
from workbench.core.path_params import PathParams
from workbench.core.results import Check
from workbench.prescribe.modules.analysis import ProgrammeAnalysis, analyse_programme
from workbench.prescribe.modules.checks import check_programme, check_shared
from workbench.prescribe.modules.co_taking import CO_TAKING, tabulate_co_taking
from workbench.prescribe.modules.dose import DOSE, estimate_dose
from workbench.prescribe.modules.effects_table import tabulate_effects
from workbench.prescribe.modules.modules_table import tabulate_modules
from workbench.prescribe.modules.pool import pool_programmes
from workbench.prescribe.modules.values import ModuleValues

__all__ = ["GAPS", "PortfolioValues", "value_modules"]

GAPS = ("persona", "program", "outcome", "reason")
"""Columns of the table of what could not be estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioValues:
    """What the modules of all programmes are worth.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        ``module_effects``, ``modules``, ``co_taking`` and ``dose``.
    values : tuple of ModuleValues
        One per persona and programme, for the choice of paths.
    checks : tuple of Check
        What was found on the way.
    gaps : DataFrame
        ``persona``, ``program``, ``outcome``, ``reason``: what could not be estimated.
    """

    tables: Mapping[str, pd.DataFrame]
    values: tuple[ModuleValues, ...]
    checks: tuple[Check, ...]
    gaps: pd.DataFrame

    def find_values(self, persona: str) -> tuple[ModuleValues, ...]:
        """Return the values of a persona's programmes."""
        return tuple(item for item in self.values if item.persona == persona)


def value_modules(
    records: Sequence[ModuleRecords],
    *,
    paths: PathParams,
    alpha: float,
    min_group: int,
    seed: int,
    currency: str = "EUR",
) -> PortfolioValues:
    """Estimate what every module of every programme is worth.

    Parameters
    ----------
    records : sequence of ModuleRecords
        Of all personas, since their modules are shrunk together.
    paths : PathParams
        ``weights`` says what each outcome counts in an impact.
    alpha : float
        One less the level of intervals, and the level at which an effect counts as
        shown after adjustment for the number of tests.
    min_group : int
        Smallest number of people in an arm, and in a count that is shown.
    seed : int
        Deals people into folds.
    currency : str
        Of the costs in the catalogue.

    Returns
    -------
    PortfolioValues
        Also where nothing could be estimated: then without numbers, and with reasons.
    """
    analyses = [
        analyse_programme(item, min_group=min_group, seed=seed) for item in records
    ]
    pooled = pool_programmes(analyses, weights=paths.weights, alpha=alpha)
    effects = tabulate_effects(
        analyses, pooled.values, alpha=alpha, min_group=min_group
    )
    dose, trends = _list_doses(analyses, alpha)
    checks = [
        check
        for analysis, own in zip(analyses, pooled.values, strict=True)
        for check in check_programme(analysis, own)
    ]
    return PortfolioValues(
        tables={
            "module_effects": effects,
            "modules": tabulate_modules(
                analyses,
                pooled.values,
                effects,
                currency=currency,
                alpha=alpha,
                min_group=min_group,
            ),
            "co_taking": _list_co_taking(analyses, min_group),
            "dose": dose,
        },
        values=pooled.values,
        checks=(*check_shared(pooled, analyses, alpha=alpha), *checks, *trends),
        gaps=_list_gaps(analyses),
    )


def _list_doses(
    analyses: Sequence[ProgrammeAnalysis], alpha: float
) -> tuple[pd.DataFrame, list[Check]]:
    found = [
        estimate_dose(item.rows, alpha=alpha)
        for analysis in analyses
        for item in analysis.outcomes
        if item.counts
    ]
    tables = [item.table for item in found if len(item.table)]
    table = (
        pd.concat(tables, ignore_index=True)
        if tables
        else pd.DataFrame(columns=list(DOSE))
    )
    return table, [item.check for item in found]


def _list_co_taking(
    analyses: Sequence[ProgrammeAnalysis], min_group: int
) -> pd.DataFrame:
    tables = [
        tabulate_co_taking(
            item.learners,
            item.records.program.courses,
            persona=item.records.persona,
            program=item.records.program.id,
            min_group=min_group,
        )
        for item in analyses
    ]
    tables = [table for table in tables if len(table)]
    if not tables:
        return pd.DataFrame(columns=list(CO_TAKING))
    return pd.concat(tables, ignore_index=True)


def _list_gaps(analyses: Sequence[ProgrammeAnalysis]) -> pd.DataFrame:
    rows = [
        (item.records.persona, item.records.program.id, outcome, reason)
        for item in analyses
        for outcome, reason in item.gaps
    ]
    return pd.DataFrame(rows, columns=list(GAPS))
