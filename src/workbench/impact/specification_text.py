"""What a specification curve says, in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.impact.specification_grid import CHOICES

__all__ = ["describe_curve"]

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
    parts = [
        _write_sound(facts),
        f"Over all {facts['n_estimated']} of {facts['n_variants']} variants that could "
        f"be estimated, {facts['share_same_sign']:.0%} share its sign and "
        f"{facts['share_clear']:.0%} have an interval that leaves out zero "
        f"({facts['lowest']:.3g} to {facts['highest']:.3g}).",
        *_write_method_move(moves[moves["choice"] != "covariates"], facts),
        *_write_covariate_moves(moves[moves["choice"] == "covariates"]),
        "The variants share people, so they are not independent tests, and no p-value "
        "over them is claimed.",
    ]
    return " ".join(parts)


def _write_sound(facts: Mapping[str, Any]) -> str:
    reading = _READINGS[facts["headline_reading"]]
    own = f"The headline ({facts['headline_estimate']:.3g}) reads as {reading}"
    if not facts["n_sound"]:
        return f"{own}; no variant balances every declared covariate to judge it by."
    return (
        f"{own}; so do {facts['sound_share_same_reading']:.0%} of the "
        f"{facts['n_sound']} variants that adjust for every declared covariate and "
        f"leave none far apart ({facts['sound_lowest']:.3g} to "
        f"{facts['sound_highest']:.3g}, median {facts['sound_median']:.3g})."
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
        f"{first['estimate']:.3g}, {size:.1f} standard errors away."
    ]


def _write_covariate_moves(moves: pd.DataFrame) -> list[str]:
    """Say what the estimate would be with each other set of covariates."""
    if moves.empty:
        return []
    named = [f"{row.level} {row.estimate:.3g}" for row in moves.itertuples(index=False)]
    return [f"With other covariates it would be: {', '.join(named)}."]
