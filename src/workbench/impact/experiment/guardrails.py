"""Outcomes that must not get worse: kept, broken, or not to be told."""

from __future__ import annotations

import math

import pandas as pd

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.registration import Guardrail
from workbench.impact.effects import Effect
from workbench.impact.thresholds import find_smallest_effect
from workbench.impact.wording import write_alike

__all__ = [
    "GUARDRAIL_COLUMNS",
    "describe_guardrail",
    "find_guardrail",
    "judge_guardrail",
]

GUARDRAIL_COLUMNS = ("margin", "estimate", "low", "high", "verdict", "registered")


def find_guardrail(experiment: Experiment) -> Guardrail | None:
    """Return the registered guardrail that the outcome of an experiment is."""
    plan = experiment.registration
    if plan is None:
        return None
    for item in plan.guardrails:
        if item.outcome == experiment.outcome.id:
            return item
    return None


def judge_guardrail(
    effect: Effect, experiment: Experiment, *, alpha: float = 0.05
) -> pd.DataFrame:
    r"""Judge whether an outcome got worse by more than the registered margin.

    Parameters
    ----------
    effect : Effect
        Of the offer on the outcome.
    experiment : Experiment
        Its registration holds the margin; the outcome's direction says what is worse.
    alpha : float
        One less the level of the two-sided interval, whose worse end decides.

    Returns
    -------
    DataFrame
        `GUARDRAIL_COLUMNS`, one row; none if the outcome is no guardrail. ``kept`` if
        the whole interval is better than the margin, ``broken`` if the whole is
        worse, else ``unclear``. ``registered`` is False for a registration that was
        written after the start.

    Notes
    -----
    A relative margin :math:`m |b|` is estimated as well: the verdict stands on the
    error of :math:`\hat\tau + m \hat b`, with the covariance of both. The chance that a
    margin that is broken is called kept is at most half of alpha.

    References
    ----------
    .. [1] Piaggio, G. et al. (2012). Reporting of noninferiority and equivalence
       randomized trials: extension of the CONSORT 2010 statement. JAMA 308, 2594-2604.
       doi:10.1001/jama.2012.87802
    """
    item = find_guardrail(experiment)
    if item is None or experiment.registration is None:
        return pd.DataFrame(columns=list(GUARDRAIL_COLUMNS))
    margin = find_smallest_effect(item.margin, baseline=effect.baseline)
    better = -1.0 if experiment.outcome.direction == "down" else 1.0
    low, high = effect.interval(alpha)
    share = item.margin.relative or 0.0
    weight = better * math.copysign(share, effect.baseline)
    variance = (
        effect.std_error**2
        + 2 * weight * effect.covariance
        + weight**2 * effect.baseline_variance
    )
    half = effect.quantile(alpha) * math.sqrt(max(variance, 0.0))
    room = better * effect.value + margin
    verdict = "kept" if room - half > 0 else "broken" if room + half < 0 else "unclear"
    plan = experiment.registration
    row = {
        "margin": margin,
        "estimate": effect.value,
        "low": low,
        "high": high,
        "verdict": verdict,
        "registered": pd.Timestamp(plan.written_on) <= experiment.started_on,
    }
    return pd.DataFrame([row], columns=list(GUARDRAIL_COLUMNS))


def describe_guardrail(table: pd.DataFrame, experiment: Experiment) -> str:
    """Say in one sentence whether a guardrail was kept; empty without one."""
    if table.empty:
        return ""
    row = table.iloc[0]
    name = experiment.outcome.label or experiment.outcome.id
    effect, low, high = write_alike(row["estimate"], row["low"], row["high"])
    told = f"(effect {effect}, {low} to {high})."
    verdicts = {
        "kept": f"{name} did not get worse by more than the margin of "
        f"{row['margin']:.3g} {told}",
        "broken": f"{name} got worse by more than the margin of {row['margin']:.3g} "
        + told,
        "unclear": f"Whether {name} got worse by more than the margin of "
        f"{row['margin']:.3g} cannot be told {told}",
    }
    return verdicts[str(row["verdict"])]
