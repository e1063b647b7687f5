"""One effect with its error and baseline, and how it becomes a published estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.cohorts.frames import Cohort, Compared, Panel
from workbench.core.params import Outcome, Threshold
from workbench.core.results import Estimate
from workbench.impact.thresholds import judge_threshold

__all__ = [
    "DAYS",
    "STAGE",
    "Effect",
    "describe_unit",
    "make_empty_estimate",
    "make_estimate",
]

FloatArray = npt.NDArray[np.float64]

STAGE = "psm"

DAYS = "days"
"""Unit of outcomes that are a time until something happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a method says about learners.

    Attributes
    ----------
    method, estimand : str
        As in ``estimates.parquet``.
    value, std_error : float
        On the outcome's scale; positive means more of the outcome among learners.
    df : float
        Degrees of freedom of Student's t; infinite for the normal distribution.
    baseline : float
        Mean the learners would have had without learning.
    baseline_variance, covariance : float
        Variance of the baseline, and its covariance with the effect.
    n_treated, n_control : int
        Different people.
    n_clusters : int
        Clusters in the direction that has the fewest.
    error : str
        How the standard error was made, in words.
    plain_error : float
        The error that ignores what the first one allows for; shown beside it.
    """

    method: str
    estimand: str
    value: float
    std_error: float
    df: float
    baseline: float
    baseline_variance: float
    covariance: float
    n_treated: int
    n_control: int
    n_clusters: int
    error: str
    plain_error: float = math.nan

    def quantile(self, alpha: float) -> float:
        """Return the two-sided critical value for a level of 1 - `alpha`."""
        from scipy.special import ndtri, stdtrit

        if math.isinf(self.df):
            return float(ndtri(1 - alpha / 2))
        return float(stdtrit(self.df, 1 - alpha / 2))

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the interval of level 1 - `alpha`."""
        half = self.quantile(alpha) * self.std_error
        return self.value - half, self.value + half

    def p_value(self) -> float:
        """Return the two-sided p-value of no effect."""
        from scipy.special import ndtr, stdtr

        if self.std_error == 0:
            return 1.0 if self.value == 0 else 0.0
        distance = -abs(self.value) / self.std_error
        tail = ndtr(distance) if math.isinf(self.df) else stdtr(self.df, distance)
        return float(2 * tail)

    def relative(self, alpha: float) -> tuple[float, float, float]:
        r"""Return the effect as a share of the baseline, with its interval.

        Returns
        -------
        tuple of float
            Share, lower and upper end; NaN when the baseline's own interval holds 0,
            since no share of it has a meaning then.

        Notes
        -----
        Delta method on :math:`\hat\tau / |\hat b|` with the variances of effect and
        baseline and their covariance.
        """
        quantile = self.quantile(alpha)
        spread = math.sqrt(max(self.baseline_variance, 0.0))
        if not abs(self.baseline) > quantile * spread:
            return math.nan, math.nan, math.nan
        share = self.value / self.baseline
        variance = (
            self.std_error**2
            - 2 * share * self.covariance
            + share**2 * self.baseline_variance
        ) / self.baseline**2
        share *= math.copysign(1.0, self.baseline)
        half = quantile * math.sqrt(max(variance, 0.0))
        return share, share - half, share + half


def make_estimate(
    effect: Effect,
    cohort: Compared,
    *,
    stage: str = STAGE,
    alpha: float = 0.05,
    headline: bool = False,
    limitation: str = "",
    evidence: int | None = None,
    period: str | None = None,
    subgroup: tuple[str, str] | None = None,
    unit: str | None = None,
) -> Estimate:
    """Turn an effect into a row of ``estimates.parquet``.

    Parameters
    ----------
    effect : Effect
        What was estimated.
    cohort : Compared
        Names persona, programme and outcome; its outcome holds the threshold.
    stage : str
        The stage that estimated it.
    alpha : float
        One less the level of the interval.
    headline : bool
        True for the one estimate the stage stands behind.
    limitation : str
        One sentence.
    evidence : int, optional
        Grade, for the headline.
    period : str, optional
        Event time or quarter of a dynamic effect.
    subgroup : tuple of str, optional
        The attribute, and the group whose effect this is.
    unit : str, optional
        Where it is not the outcome's own; the outcome's threshold is then not held
        against the effect.

    Returns
    -------
    Estimate
        With interval, p-value, relative effect and verdict on the threshold.
    """
    low, high = effect.interval(alpha)
    share, share_low, share_high = effect.relative(alpha)
    own = describe_unit(cohort.outcome)
    same = unit in (None, own)
    threshold = cohort.outcome.threshold_for(cohort.persona) if same else None
    verdict = judge_threshold(
        threshold,
        direction=cohort.outcome.direction,
        interval=(low, high),
        relative_interval=(share_low, share_high),
    )
    return Estimate(
        quarter=cohort.quarter,
        persona=cohort.persona,
        stage=stage,
        program=cohort.program.id,
        outcome=cohort.outcome.id,
        estimand=effect.estimand,
        method=effect.method,
        headline=headline,
        subgroup_by=subgroup[0] if subgroup else None,
        subgroup=subgroup[1] if subgroup else None,
        period=period,
        estimate=effect.value,
        std_error=effect.std_error,
        ci_low=low,
        ci_high=high,
        ci_level=1 - alpha,
        p_value=effect.p_value(),
        unit=unit or own,
        baseline=effect.baseline,
        relative_effect=share,
        relative_ci_low=share_low,
        relative_ci_high=share_high,
        n_treated=effect.n_treated,
        n_control=effect.n_control,
        n_clusters=effect.n_clusters,
        threshold=_size(threshold),
        direction=cohort.outcome.direction,
        meets_threshold=verdict,
        evidence=evidence,
        limitation=limitation,
    )


def make_empty_estimate(
    cohort: Compared,
    *,
    limitation: str,
    stage: str = STAGE,
    method: str = "psm_nn",
    estimand: str = "ATT",
    alpha: float = 0.05,
    headline: bool = True,
    counts: tuple[int | None, int | None] | None = None,
) -> Estimate:
    """Return the estimate of a comparison that cannot be made: no number, a reason.

    ``counts`` are the people of either arm, where `cohort` is neither a cohort nor a
    panel.
    """
    nothing = math.nan
    learners, others = counts or _count_people(cohort)
    return Estimate(
        quarter=cohort.quarter,
        persona=cohort.persona,
        stage=stage,
        program=cohort.program.id,
        outcome=cohort.outcome.id,
        estimand=estimand,
        method=method,
        headline=headline,
        estimate=nothing,
        std_error=nothing,
        ci_low=nothing,
        ci_high=nothing,
        ci_level=1 - alpha,
        p_value=nothing,
        unit=describe_unit(cohort.outcome),
        n_treated=learners,
        n_control=others,
        threshold=_size(cohort.outcome.threshold_for(cohort.persona)),
        direction=cohort.outcome.direction,
        evidence=0,
        limitation=limitation,
    )


def describe_unit(outcome: Outcome) -> str:
    """Return the unit of an outcome: ``probability`` for yes-or-no outcomes.

    Outcomes that count the days until something happens declare the unit ``days``.
    """
    if outcome.kind == "time_to_event" and outcome.unit == DAYS:
        return DAYS
    if outcome.kind in ("binary", "time_to_event"):
        return "probability"
    return outcome.unit or "points"


def _count_people(cohort: Compared) -> tuple[int | None, int | None]:
    """Count learners and others who could have been compared."""
    if isinstance(cohort, Cohort):
        learns = cohort.frame["treated"].to_numpy(dtype=bool)
    elif isinstance(cohort, Panel):
        learns = cohort.frame["first_treat"].isin(cohort.exposures).to_numpy(dtype=bool)
    else:
        return None, None
    units = cohort.frame["unit"]
    return int(units[learns].nunique()), int(units[~learns].nunique())


def _size(threshold: Threshold | None) -> float:
    if threshold is None:
        return math.nan
    size = threshold.absolute if threshold.relative is None else threshold.relative
    return math.nan if size is None else size
