"""Effects without matching: the raw difference, regression and weighting."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import make_cluster_effect
from workbench.impact.inference import (
    compare_means,
    estimate_few_cluster_error,
    regress_on_treatment,
)
from workbench.impact.propensity import Propensity
from workbench.impact.sample import Sample

__all__ = [
    "HIGHEST_SCORE",
    "estimate_ipw",
    "estimate_naive",
    "estimate_ols",
    "learner_influence",
]

FloatArray = npt.NDArray[np.float64]

HIGHEST_SCORE = 0.99
"""Scores are cut here before weighting, so that no row weighs more than 99."""


def estimate_naive(sample: Sample) -> Effect:
    """Compare the mean outcome of learners and others, without any adjustment.

    Shown beside the headline so that readers see what adjustment changes. It is an
    effect only if learning was given at random.

    Parameters
    ----------
    sample : Sample
        Rows to compare.

    Returns
    -------
    Effect
        Learners less others, on the outcome's scale. The error is Welch's where every
        row is another person, clustered otherwise.

    Notes
    -----
    Welch's error equals HC2 of a regression on the treatment.

    References
    ----------
    .. [1] Welch, B. L. (1947). The generalization of Student's problem. Biometrika 34,
       28-35. doi:10.1093/biomet/34.1-2.28
    """
    treated, outcome = sample.treated, sample.outcome
    found = compare_means(outcome, treated)
    baseline = float(outcome[~treated].mean())
    if sample.independent:
        spread = float(np.var(outcome[~treated], ddof=1)) / int((~treated).sum())
        return Effect(
            method="naive",
            estimand="ASSOCIATION",
            value=found.difference,
            std_error=found.std_error,
            df=found.df,
            baseline=baseline,
            baseline_variance=spread,
            covariance=-spread,
            n_treated=int(treated.sum()),
            n_control=int((~treated).sum()),
            n_clusters=len(treated),
            error="Welch (HC2)",
            plain_error=found.pooled_error,
        )
    theirs = np.where(treated, 0.0, outcome - baseline) / int((~treated).sum())
    influence = np.column_stack([learner_influence(sample) - theirs, theirs])
    none = np.empty((len(treated), 0))
    return make_cluster_effect(
        method="naive",
        estimand="ASSOCIATION",
        value=found.difference,
        baseline=baseline,
        influence=influence,
        clusters=sample.clusters,
        counts=_count(sample),
        n_params=2,
        few=partial(_few, outcome, treated, none),
    )


def estimate_ols(sample: Sample, covariates: FloatArray) -> Effect:
    """Adjust the difference by a regression on the covariates, all rows.

    A second opinion that needs no matching. It is causal if the covariates hold
    everything that drives both learning and the outcome and act on it linearly; with
    effects that differ between people it averages them with more weight where
    learners and others are mixed, so it is not quite the ATT.

    Parameters
    ----------
    sample : Sample
        Rows to compare.
    covariates : array of shape (rows, terms)
        From `Design.matrix`.

    Returns
    -------
    Effect
        Coefficient of learning on the outcome's scale, clustered error.

    Raises
    ------
    NoVariationError
        If the covariates determine who learnt.

    Notes
    -----
    With every row another person the error is HC1.

    References
    ----------
    .. [1] Angrist, J. D. and Pischke, J.-S. (2009). Mostly Harmless Econometrics,
       section 3.3. Princeton University Press.
    """
    treated, outcome = sample.treated, sample.outcome
    found = regress_on_treatment(outcome, treated, covariates)
    ours = learner_influence(sample)
    influence = np.column_stack([found.influence, ours - found.influence])
    return make_cluster_effect(
        method="ols",
        estimand="WATE",
        value=found.effect,
        baseline=float(outcome[treated].mean()) - found.effect,
        influence=influence,
        clusters=sample.clusters,
        counts=_count(sample),
        n_params=found.n_params,
        few=partial(_few, outcome, treated, covariates),
    )


def estimate_ipw(sample: Sample, propensity: Propensity) -> Effect:
    r"""Weight the others so that they resemble the learners.

    Uses everybody, matched or not. The estimand is the ATT; it is causal if the score
    holds everything that drives both learning and the outcome.

    Parameters
    ----------
    sample : Sample
        Rows to compare.
    propensity : Propensity
        Their scores; cut at 0.99.

    Returns
    -------
    Effect
        Mean of learners less weighted mean of others. The clustered error counts the
        estimation of the score where its influence is known (logistic regression).

    Notes
    -----
    Hajek form: :math:`\hat\tau = \bar y_1 - \sum_{d=0} w_i y_i / \sum_{d=0} w_i`
    with :math:`w = p / (1 - p)`.

    References
    ----------
    .. [1] Lunceford, J. K. and Davidian, M. (2004). Stratification and weighting via
       the propensity score. Statistics in Medicine 23, 2937-2960. doi:10.1002/sim.1903
    """
    treated, outcome = sample.treated, sample.outcome
    score = np.minimum(propensity.probability, HIGHEST_SCORE)
    weights = np.where(treated, 0.0, score / (1 - score))
    total = weights.sum()
    baseline = float((weights * outcome).sum() / total)
    gap = weights * (outcome - baseline)
    theirs = gap
    text = "; the score is taken as known"
    if propensity.influence is not None:
        free = propensity.probability < HIGHEST_SCORE
        slope = (propensity.matrix * (gap * free)[:, None]).sum(axis=0)
        theirs = gap + propensity.influence @ slope
        text = "; the estimation of the score is counted"
    influence = np.column_stack(
        [learner_influence(sample) - theirs / total, theirs / total]
    )
    effect = make_cluster_effect(
        method="ipw",
        estimand="ATT",
        value=float(outcome[treated].mean()) - baseline,
        baseline=baseline,
        influence=influence,
        clusters=sample.clusters,
        counts=_count(sample),
    )
    return _with_error(effect, effect.error + text)


def learner_influence(sample: Sample) -> FloatArray:
    """Return the influence of each row on the mean outcome of learners."""
    treated, outcome = sample.treated, sample.outcome
    centred = np.where(treated, outcome - outcome[treated].mean(), 0.0)
    influence: FloatArray = centred / int(treated.sum())
    return influence


def _few(
    outcome: FloatArray,
    treated: npt.NDArray[np.bool_],
    covariates: FloatArray,
    cluster: npt.NDArray[np.int64],
) -> tuple[float, float]:
    return estimate_few_cluster_error(outcome, treated, covariates, cluster=cluster)


def _count(sample: Sample) -> tuple[int, int]:
    return sample.count_units(sample.treated), sample.count_units(~sample.treated)


def _with_error(effect: Effect, text: str) -> Effect:
    from dataclasses import replace

    return replace(effect, error=text)
