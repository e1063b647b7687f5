"""Checks on a matched estimate: who it is about, its error, its power."""

from __future__ import annotations

import math

from workbench.cohorts.frames import Compared
from workbench.core.results import Check
from workbench.impact.effects import Effect
from workbench.impact.inference import FEW_CLUSTERS
from workbench.impact.matching import Matches
from workbench.impact.sample import Sample
from workbench.impact.thresholds import find_smallest_effect, judge_threshold

__all__ = ["check_agreement", "check_clusters", "check_matched_share", "check_power"]

_MIN_MATCHED = 0.5
_POWER = 0.8


def check_matched_share(sample: Sample, matches: Matches) -> Check:
    """Check that at least half of the learners found a match."""
    learners = int(sample.treated.sum())
    share = 1 - len(matches.dropped) / learners
    far = matches.pairs.loc[~matches.pairs["treated"], "distance"].mean()
    return Check(
        check="matched_share",
        passed=share >= _MIN_MATCHED,
        value=share,
        limit=_MIN_MATCHED,
        text=f"{share:.0%} of learners were matched; {matches.text}. Mean distance "
        f"within sets {far:.3f} log-odds.",
        advice=""
        if share >= _MIN_MATCHED
        else "The effect is not that of most learners.",
    )


def check_clusters(effect: Effect) -> Check:
    """Check that there are enough clusters for the usual clustered error."""
    enough = effect.n_clusters >= FEW_CLUSTERS
    ratio = effect.std_error / effect.plain_error if effect.plain_error else math.nan
    return Check(
        check="clusters",
        passed=enough,
        value=float(effect.n_clusters),
        limit=float(FEW_CLUSTERS),
        text=f"Standard error {effect.std_error:.4g}: {effect.error}. "
        f"{ratio:.2f} times the plain one beside it ({effect.plain_error:.4g}).",
        advice="" if enough else "Read the interval, not the p-value.",
    )


def check_agreement(headline: Effect, other: Effect) -> Check:
    """Check that the doubly robust estimate lies within the errors of the headline."""
    gap = abs(headline.value - other.value)
    limit = 1.96 * max(headline.std_error, other.std_error)
    return Check(
        check="aipw_agrees",
        passed=gap <= limit,
        value=gap,
        limit=limit,
        text=f"Matching gives {headline.value:.4g}, the doubly robust estimate over "
        f"all learners {other.value:.4g}.",
        advice="" if gap <= limit else "The learners left out, or a model, differ.",
    )


def check_power(effect: Effect, cohort: Compared, *, alpha: float) -> Check:
    """Check that the comparison could see the smallest effect worth having.

    Parameters
    ----------
    effect : Effect
        The headline.
    cohort : Compared
        Its outcome holds the threshold.
    alpha : float
        Level of the test.

    Returns
    -------
    Check
        Fails if the effect detectable with 80 % power exceeds the threshold and the
        interval does not settle the question anyway; does not apply without one.
    """
    from scipy.stats import norm

    threshold = cohort.outcome.threshold_for(cohort.persona)
    smallest = find_smallest_effect(threshold, baseline=effect.baseline)
    if math.isnan(smallest):
        return Check(
            check="power",
            passed=None,
            text="No threshold is declared for this outcome.",
        )
    detectable = (effect.quantile(alpha) + float(norm.ppf(_POWER))) * effect.std_error
    low, high = effect.interval(alpha)
    _, share_low, share_high = effect.relative(alpha)
    verdict = judge_threshold(
        threshold,
        direction=cohort.outcome.direction,
        interval=(low, high),
        relative_interval=(share_low, share_high),
    )
    fine = detectable <= smallest or verdict != "unclear"
    return Check(
        check="power",
        passed=fine,
        value=detectable,
        limit=smallest,
        text=f"An effect of {detectable:.3g} would be found with 80 % power; the "
        f"smallest worth having is {smallest:.3g}.",
        advice="" if fine else "Gather more quarters before deciding.",
    )
