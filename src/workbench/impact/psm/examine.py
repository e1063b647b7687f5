"""Examining a matched effect: other errors, hidden causes, attempts to refute it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core.results import Check
from workbench.impact.comparison import Comparison
from workbench.impact.effects import Effect
from workbench.impact.matched_errors import COLUMNS as ERROR_COLUMNS
from workbench.impact.matched_errors import tabulate_errors
from workbench.impact.robustness.benchmarks import COLUMNS as SENSITIVITY_COLUMNS
from workbench.impact.robustness.refuters import COLUMNS as REFUTATION_COLUMNS
from workbench.impact.robustness.refuters import Refit, refute_effect
from workbench.impact.robustness.sensitivity import analyse_sensitivity
from workbench.impact.sample import Sample

__all__ = ["Examination", "examine_effect", "is_binary", "skip_examination"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was tried on one headline.

    Attributes
    ----------
    errors, sensitivity, refutation : DataFrame
        See `tabulate_errors`, `analyse_sensitivity` and `refute_effect`; without rows
        where the headline was not examined.
    robust : bool or None
        See `analyse_sensitivity`.
    checks : tuple of Check
        Of hidden causes and refutations.
    facts : mapping
        Sentences, among them ``sensitivity``, ``overturn`` and ``refutation``.
    """

    errors: pd.DataFrame
    sensitivity: pd.DataFrame
    refutation: pd.DataFrame
    robust: bool | None
    checks: tuple[Check, ...]
    facts: Mapping[str, Any]


def examine_effect(
    compared: Comparison,
    headline: Effect,
    *,
    terms: Sequence[str],
    wide: Sequence[str],
    matching: Mapping[str, Any],
    exact: Sequence[str],
    unit: str = "",
    unmeasured: Sequence[str] = (),
    alpha: float = 0.05,
    seed: int,
) -> Examination:
    """Put other errors beside a headline, move it by hidden causes, try to refute it.

    Parameters
    ----------
    compared : Comparison
        Who is compared with whom.
    headline : Effect
        The effect.
    terms, wide : sequence of str
        Covariate terms of its regression, and of the one over all rows.
    matching : mapping
        ``caliper``, ``ratio`` and ``replace``.
    exact : sequence of str
        Columns equal within a set, besides the trial.
    unit : str
        Of the outcome, for the table.
    unmeasured : sequence of str
        Names of causes that nobody measured.
    alpha : float
        One less the level of the intervals.
    seed : int
        Of all draws.

    Returns
    -------
    Examination
        Refutations score by logistic regression, whatever the headline's model.
    """
    sample, design, matches = compared.sample, compared.design, compared.matches
    columns = design.matrix(terms)
    errors = tabulate_errors(
        sample,
        matches,
        headline,
        covariates=columns,
        score=compared.scores.logit,
        alpha=alpha,
        seed=seed,
    )
    found = analyse_sensitivity(
        sample,
        design,
        matches,
        headline,
        terms=terms,
        wide=wide,
        binary=is_binary(sample),
        unit=unit,
        unmeasured=unmeasured,
        alpha=alpha,
    )
    refit = Refit(
        sample=sample,
        matrix=design.matrix(),
        covariates=columns,
        exact=tuple(dict.fromkeys(("trial", *exact))),
        matching=matching,
    )
    refutation, checks = refute_effect(
        refit, matches, std_error=headline.std_error, seed=seed
    )
    return Examination(
        errors=errors,
        sensitivity=found.table,
        refutation=refutation,
        robust=found.robust,
        checks=(*found.checks, *checks),
        facts={**found.facts, "refutation": _describe(checks)},
    )


def skip_examination() -> Examination:
    """Return what stands in place of an examination that was not asked for."""
    return Examination(
        errors=pd.DataFrame(columns=list(ERROR_COLUMNS)),
        sensitivity=pd.DataFrame(columns=list(SENSITIVITY_COLUMNS)),
        refutation=pd.DataFrame(columns=list(REFUTATION_COLUMNS)),
        robust=None,
        checks=(),
        facts={},
    )


def is_binary(sample: Sample) -> bool:
    """Tell whether the outcome is yes or no."""
    return bool(np.isin(sample.outcome, (0.0, 1.0)).all())


def _describe(checks: Sequence[Check]) -> str:
    """Say how many attempts the effect withstands, and which it does not."""
    tried = [item for item in checks if item.passed is not None]
    failed = [
        item.check.removeprefix("refute_").replace("_", " ")
        for item in tried
        if not item.passed
    ]
    if not tried:
        return "No attempt to refute the estimate could be made."
    held = len(tried) - len(failed)
    text = f"The estimate withstands {held} of {len(tried)} attempts to refute it"
    return f"{text}, but not: {', '.join(failed)}." if failed else f"{text}."
