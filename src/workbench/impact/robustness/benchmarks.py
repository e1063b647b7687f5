"""Hidden causes as strong as a measured covariate, or several times so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.impact.design_matrix import Design
from workbench.impact.effects import Effect
from workbench.impact.robustness.omitted import (
    adjust_effect,
    bound_confounder,
    find_breaking_strength,
)
from workbench.impact.robustness.strengths import Regressed, Strength, measure_strengths
from workbench.impact.sample import Sample

__all__ = ["COLUMNS", "Benchmark", "make_row", "measure_base", "rank_benchmarks"]

_TIMES = (1.0, 2.0, 3.0)
COLUMNS = (
    "kind",
    "name",
    "strength",
    "estimate",
    "ci_low",
    "ci_high",
    "p_value",
    "r2_treatment",
    "r2_outcome",
    "unit",
    "text",
)
"""Columns of the table of `analyse_sensitivity`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A hidden cause as strong as one covariate, or stronger.

    Attributes
    ----------
    strength : Strength
        The covariate.
    breaking : float
        See `find_breaking_strength`.
    rows : tuple of dict
        For the table: the breaking multiple, then 1, 2 and 3 times as strong.
    """

    strength: Strength
    breaking: float
    rows: tuple[dict[str, Any], ...]


def measure_base(sample: Sample, design: Design, wide: Sequence[str]) -> Regressed:
    """Regress over all rows and measure each covariate there.

    Parameters
    ----------
    sample, design
        All rows and their covariates.
    wide : sequence of str
        Terms that enter.

    Returns
    -------
    Regressed
        With one strength per covariate; trials are adjusted for only.
    """
    owner = dict(zip(design.terms.columns, design.covariate, strict=True))
    groups: dict[str, list[int]] = {}
    for place, term in enumerate(wide):
        groups.setdefault(owner[term], []).append(place)
    return measure_strengths(
        sample.outcome, sample.treated, design.matrix(wide), groups=groups
    )


def rank_benchmarks(
    headline: Effect, base: Regressed, quantile: float
) -> list[Benchmark]:
    """Move the headline by hidden causes like each covariate, the worst first.

    Parameters
    ----------
    headline : Effect
        The estimate to move.
    base : Regressed
        From `measure_base`.
    quantile : float
        Critical value of the interval.

    Returns
    -------
    list of Benchmark
        The covariate whose like would take most from the estimate comes first.
    """
    made = [_move(headline, base, item, quantile) for item in base.strengths]
    return sorted(
        made,
        key=lambda item: (
            math.copysign(1.0, headline.value) * item.rows[1]["estimate"]
            if not math.isnan(item.rows[1]["estimate"])
            else -math.inf,
            item.strength.name,
        ),
    )


def _move(
    headline: Effect, base: Regressed, strength: Strength, quantile: float
) -> Benchmark:
    breaking = find_breaking_strength(
        headline.value,
        base=base,
        strength=strength,
        quantile=quantile,
        error=headline.std_error,
    )
    words = strength.name.replace("_", " ")
    text = (
        f"no cause can be strong enough beside {words}, or it takes more than 100 times"
        if math.isinf(breaking)
        else f"a hidden cause {breaking:.2g} times as strong as {words}: the interval "
        "holds 0"
    )
    rows = [make_row("breaking", name=strength.name, strength=breaking, text=text)]
    for times in _TIMES:
        treatment, outcome = bound_confounder(strength, times=times)
        if math.isnan(treatment):
            left = {"estimate": math.nan, "ci_low": math.nan, "ci_high": math.nan}
            text = "no cause can be so strong: it would decide who learns"
        else:
            value, error = adjust_effect(
                headline.value,
                base=base,
                r2_treatment=treatment,
                r2_outcome=outcome,
                error=headline.std_error,
                tighten=False,
            )
            half = quantile * error
            left = {"estimate": value, "ci_low": value - half, "ci_high": value + half}
            text = f"a hidden cause {times:g} times as strong as {words}"
        rows.append(
            make_row(
                "benchmark",
                name=strength.name,
                strength=times,
                r2_treatment=treatment,
                r2_outcome=outcome,
                text=text,
                **left,
            )
        )
    return Benchmark(strength=strength, breaking=breaking, rows=tuple(rows))


def make_row(kind: str, **known: Any) -> dict[str, Any]:
    """Return a row of the table; what is not named is missing, or an empty text."""
    blank: dict[str, Any] = dict.fromkeys(COLUMNS, math.nan)
    return blank | {"kind": kind, "name": "", "unit": "", "text": ""} | known
