"""What a specification curve says, in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.impact.robustness.specification_grid import CHOICES

__all__ = ["describe_curve"]

_LARGE = 100

_READINGS = {
    "higher": "a clear gain",
    "lower": "a clear loss",
    "no clear change": "no clear change",
}


def describe_curve(
    table: pd.DataFrame, moves: pd.DataFrame, facts: Mapping[str, Any]
) -> str:
    """Say whether the answer holds over the variants, and what moves it.

    Parameters
    ----------
    table, moves : DataFrame
        See `SpecificationCurve`.
    facts : mapping
        Its numbers.

    Returns
    -------
    str
        Sentences.
    """
    if math.isnan(facts["headline_estimate"]):
        reason = table.loc[table["headline"], "reason"].iloc[0]
        return f"The headline variant could not be estimated: {reason}"
    unit = str(table["unit"].iloc[0])
    scale = 100.0 if unit == "probability" else 1.0
    word = "percentage points" if unit == "probability" else unit
    moves = moves.assign(estimate=moves["estimate"] * scale)
    parts = [
        _write_sound(facts, scale, word),
        f"Over all {facts['n_estimated']} of {facts['n_variants']} variants that could "
        f"be estimated, {facts['share_same_sign']:.0%} share its sign and "
        f"{facts['share_clear']:.0%} have an interval that leaves out zero "
        f"({_write(scale * facts['lowest'])} to {_write(scale * facts['highest'])}).",
        *_write_method_move(moves[moves["choice"] != "covariates"], facts),
        *_write_covariate_moves(moves[moves["choice"] == "covariates"]),
        "The variants share people, so they are not independent tests, and no p-value "
        "over them is claimed.",
    ]
    return " ".join(parts)


def _write_sound(facts: Mapping[str, Any], scale: float, word: str) -> str:
    size, low, high, middle = (
        _write(scale * facts[name])
        for name in (
            "headline_estimate",
            "sound_lowest",
            "sound_highest",
            "sound_median",
        )
    )
    own = (
        f"The headline ({size} {word}) reads as {_READINGS[facts['headline_reading']]}"
    )
    if not facts["n_sound"]:
        return f"{own}; no variant balances every declared covariate to judge it by."
    return (
        f"{own}; so do {facts['sound_share_same_reading']:.0%} of the "
        f"{facts['n_sound']} variants that adjust for every declared covariate and "
        f"leave none far apart ({low} to {high}, median {middle})."
    )


def _write_method_move(moves: pd.DataFrame, facts: Mapping[str, Any]) -> list[str]:
    """Name the one choice of method that moves the headline most."""
    if moves.empty:
        return []
    first = moves.iloc[0]
    size = abs(first["change"]) / max(facts["headline_error"], 1e-300)
    return [
        f"Of the choices of method, {CHOICES[first['choice']].lower()} "
        f"“{first['level']}” instead of “{first['headline_level']}” moves it most: "
        f"{_write(first['estimate'])}, {size:.1f} standard errors away."
    ]


def _write_covariate_moves(moves: pd.DataFrame) -> list[str]:
    """Say what the estimate would be with each other set of covariates."""
    if moves.empty:
        return []
    named = [f"{row.level} {_write(row.estimate)}" for row in moves.itertuples()]
    return [f"With other covariates it would be: {', '.join(named)}."]


def _write(value: float) -> str:
    text = f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.2g}"
    return text.replace("-", "−")
