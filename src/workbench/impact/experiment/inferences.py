"""Errors and tests of one effect side by side, and the effects it could have seen."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.impact.effects import Effect
from workbench.impact.experiment.deviations import is_registered
from workbench.impact.experiment.drawn import Drawn
from workbench.impact.experiment.power import POWER_COLUMNS, Precision, tabulate_power
from workbench.impact.experiment.randomisation import (
    RandomisationTest,
    run_randomisation_test,
)
from workbench.impact.experiment.randomised import Adjusted
from workbench.impact.inference import FEW_CLUSTERS
from workbench.impact.thresholds import find_smallest_effect
from workbench.impact.wild_bootstrap import WildTest, run_wild_bootstrap

__all__ = ["INFERENCE_COLUMNS", "list_errors", "tabulate_reach"]

_NOTHING = 1e-9
_POWER = 0.8

INFERENCE_COLUMNS = (
    *("method", "std_error", "df", "p_value", "ci_low", "ci_high", "note", "headline"),
)


def list_errors(
    drawn: Drawn, itt: Effect, adjusted: Adjusted | None, *, alpha: float, seed: int
) -> pd.DataFrame:
    """Put the errors and tests of the effect side by side.

    Parameters
    ----------
    drawn : Drawn
        People with a known outcome.
    itt : Effect
        The headline.
    adjusted : Adjusted or None
        The effect adjusted for what was known before.
    alpha : float
        One less the level of the intervals.
    seed : int
        Of redraws and bootstrap.

    Returns
    -------
    DataFrame
        `INFERENCE_COLUMNS`. People: Welch (headline), pooled, randomisation, adjusted.
        Clusters: CR2 (headline), CR1, below 40 the wild cluster bootstrap,
        randomisation, adjusted.
    """
    count = sum(drawn.units)
    if drawn.whole:
        rows = [
            _list_effect(itt, method="cr2", note=itt.error, alpha=alpha, headline=True),
            _list_effect(
                itt,
                method="cr1",
                note=f"ordinary cluster error with {count - 1} degrees of freedom"
                + ("; too small with so few clusters" if count < FEW_CLUSTERS else ""),
                alpha=alpha,
                plain=True,
                df=float(count - 1),
            ),
        ]
        if count < FEW_CLUSTERS and itt.std_error > _NOTHING * abs(itt.value):
            wild = run_wild_bootstrap(
                drawn.outcome,
                drawn.assigned,
                np.empty((len(drawn.outcome), 0)),
                cluster=drawn.cluster,
                seed=seed,
                alpha=alpha,
            )
            rows.append(_list_wild(wild))
    else:
        rows = [
            _list_effect(
                itt, method="welch", note=itt.error, alpha=alpha, headline=True
            ),
            _list_effect(
                itt,
                method="pooled",
                note="the same spread assumed on both sides",
                alpha=alpha,
                plain=True,
                df=float(len(drawn.outcome) - 2),
            ),
        ]
    test = run_randomisation_test(drawn, seed=seed, alpha=alpha)
    rows.append(_list_randomisation(test))
    if adjusted is not None:
        rows.append(
            _list_effect(
                adjusted.effect,
                method="adjusted",
                note=adjusted.effect.error,
                alpha=alpha,
            )
        )
    return pd.DataFrame(rows, columns=list(INFERENCE_COLUMNS))


def tabulate_reach(
    experiment: Experiment, itt: Effect, drawn: Drawn | None, *, alpha: float = 0.05
) -> pd.DataFrame:
    """Tabulate the effects that the experiment could have seen.

    Parameters
    ----------
    experiment : Experiment
        Its registration, if written by the start, names effect and power planned for
        its primary outcome; otherwise the outcome's threshold stands in, at 80 %.
    itt : Effect
        The headline, whose error is taken.
    drawn : Drawn or None
        People with a known outcome; None for a stepped wedge.
    alpha : float
        Level of the test.

    Returns
    -------
    DataFrame
        `POWER_COLUMNS`; ``clusters`` is missing where people were drawn one by one.
        No rows without an error.
    """
    if not (itt.std_error > 0 and math.isfinite(itt.std_error)):
        return pd.DataFrame(columns=list(POWER_COLUMNS))
    plan = experiment.registration
    threshold = experiment.outcome.threshold_for(experiment.persona)
    planned = find_smallest_effect(threshold, baseline=itt.baseline)
    power = _POWER
    if plan is not None and experiment.primary and is_registered(experiment):
        planned, power = plan.smallest_effect, plan.power
    people = experiment.frame.loc[experiment.frame["outcome"].notna(), "unit"].nunique()
    table = tabulate_power(
        Precision(std_error=itt.std_error, df=itt.df),
        n=int(people),
        clusters=itt.n_clusters if drawn is None else sum(drawn.units),
        planned_effect=planned,
        power=power,
        alpha=alpha,
    )
    whole = experiment.design != "individual"
    return table.astype({"clusters": "Int64"}).assign(
        clusters=table["clusters"].astype("Int64") if whole else pd.NA
    )


def _list_effect(
    effect: Effect,
    *,
    method: str,
    note: str,
    alpha: float,
    plain: bool = False,
    headline: bool = False,
    df: float | None = None,
) -> dict[str, Any]:
    """Write one error of an effect as a row of the table ``inference``.

    ``plain`` takes the plain error instead, with `df` degrees of freedom.
    """
    if plain:
        effect = replace(
            effect, std_error=effect.plain_error, df=effect.df if df is None else df
        )
    low, high = effect.interval(alpha)
    return {
        "method": method,
        "std_error": effect.std_error,
        "df": effect.df if math.isfinite(effect.df) else math.nan,
        "p_value": effect.p_value(),
        "ci_low": low,
        "ci_high": high,
        "note": note,
        "headline": headline,
    }


def _list_wild(test: WildTest) -> dict[str, Any]:
    """Write a wild cluster bootstrap as a row of the table ``inference``."""
    kind = "all" if test.listed else f"{test.draws:,} random"
    note = f"wild cluster bootstrap, {kind} vectors of weights ({test.law})"
    return _list_test("wild", test.p_value, (test.ci_low, test.ci_high), note)


def _list_randomisation(test: RandomisationTest) -> dict[str, Any]:
    """Write a randomisation test as a row of the table ``inference``."""
    ends = test.ci_low, test.ci_high
    return _list_test("randomisation", test.p_value, ends, test.text)


def _list_test(
    method: str, p_value: float, ends: tuple[float, float], note: str
) -> dict[str, Any]:
    """Write a test without an error; ends without limit are missing."""
    low, high = ends
    if not (math.isfinite(low) and math.isfinite(high)):
        note += "; no effect on at least one side is rejected"
    return {
        "method": method,
        "std_error": math.nan,
        "df": math.nan,
        "p_value": p_value,
        "ci_low": low if math.isfinite(low) else math.nan,
        "ci_high": high if math.isfinite(high) else math.nan,
        "note": note,
        "headline": False,
    }
