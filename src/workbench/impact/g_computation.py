"""G-computation: predict what the matched learners would have had without learning."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.core.errors import TooFewUnitsError
from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import make_cluster_effect
from workbench.impact.matched import list_match_clusters
from workbench.impact.matching import Matches
from workbench.impact.sample import Sample

__all__ = ["estimate_g_computation"]

FloatArray = npt.NDArray[np.float64]

_STEPS = 50
_PENALTY = 1.0


def estimate_g_computation(
    sample: Sample, matches: Matches, *, covariates: FloatArray, binary: bool = False
) -> Effect:
    r"""Predict what the matched learners would have had without learning.

    A second opinion on the headline: every covariate may act differently on learners
    and on others. The estimand is the average effect on the learners who found a match;
    it is causal if the covariates hold everything that drives both learning and the
    outcome.

    Parameters
    ----------
    sample : Sample
        The rows that were matched.
    matches : Matches
        Who was matched with whom.
    covariates : array of shape (rows, terms)
        `Design.matrix`; every term has its own slope among learners and among others.
    binary : bool
        Whether the outcome is yes or no: a logistic outcome model, linear otherwise.

    Returns
    -------
    Effect
        On the outcome's scale (a risk difference if `binary`), clustered by matched
        set and person (and team), method ``g_computation``.

    Raises
    ------
    TooFewUnitsError
        If fewer than two learners are matched.

    Notes
    -----
    .. math:: \hat\tau = \frac{1}{n_1} \sum_{d_i = 1} \big( y_i - m_0(x_i) \big)

    with m_0 fitted among the matched others. A model of the learners with a constant
    predicts their own mean exactly, so only that of the others is needed. The error is
    that of the influence function: each learner's own gap, and each other's pull on
    m_0 averaged over the learners. The logistic model has a ridge penalty of 1 on all
    but its constant, so that it exists with few people.

    References
    ----------
    .. [1] Snowden, J. M., Rose, S. and Mortimer, K. M. (2011). Implementation of
       g-computation on a simulated data set. American Journal of Epidemiology 173,
       731-738. doi:10.1093/aje/kwq472
    """
    pairs = matches.pairs
    rows = pairs["row"].to_numpy(dtype="int64")
    weights = pairs["weight"].to_numpy(dtype="float64")
    treated, outcome = sample.treated[rows], sample.outcome[rows]
    count = int(treated.sum())
    if count < 2:
        raise TooFewUnitsError.build(
            "Too few learners found a match", rule="at least 2 matched sets"
        )
    full = np.column_stack([np.ones(len(rows)), covariates[rows]])
    others = ~treated
    fit = _fit_logistic if binary else _fit_linear
    expected, slopes, inverse = fit(
        full, full[others], outcome[others], weights[others]
    )
    gaps = np.where(treated, outcome - expected, 0.0)
    value = float(gaps.sum()) / count
    pull = (full * slopes[:, None])[treated].sum(axis=0) / count @ inverse
    residual = weights * (outcome - expected)
    own = np.where(treated, (gaps - value) / count, -residual * (full @ pull))
    level = float(outcome[treated].mean())
    ours = np.where(treated, outcome - level, 0.0) / count
    return make_cluster_effect(
        method="g_computation",
        estimand="ATT",
        value=value,
        baseline=level - value,
        influence=np.column_stack([own, ours - own]),
        clusters=list_match_clusters(sample, matches),
        counts=(
            sample.count_units(rows[treated]),
            sample.count_units(rows[others]),
        ),
        n_params=full.shape[1],
    )


def _fit_linear(
    target: FloatArray, matrix: FloatArray, outcome: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return predictions, their slopes in the linear term, and the inverse bread."""
    inverse = _invert((matrix * weights[:, None]).T @ matrix)
    scale = np.sqrt(weights)[:, None]
    found = np.linalg.lstsq(matrix * scale, outcome * scale[:, 0], rcond=None)[0]
    return target @ found, np.ones(len(target)), inverse


def _fit_logistic(
    target: FloatArray, matrix: FloatArray, outcome: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return predictions, their slopes in the linear term, and the inverse bread."""
    from scipy.special import expit

    ridge = np.full(matrix.shape[1], _PENALTY)
    ridge[0] = 0.0
    found = np.zeros(matrix.shape[1])
    share = float(np.average(outcome, weights=weights))
    share = min(max(share, 1e-3), 1 - 1e-3)
    found[0] = np.log(share / (1 - share))
    inverse = np.eye(len(ridge))
    for _ in range(_STEPS):
        chance = expit(matrix @ found)
        spread = weights * chance * (1 - chance)
        inverse = _invert((matrix * spread[:, None]).T @ matrix + np.diag(ridge))
        score = matrix.T @ (weights * (outcome - chance)) - ridge * found
        step = inverse @ score
        found = found + step
        if float(np.abs(step).max()) < 1e-10:
            break
    chance = expit(target @ found)
    return chance, chance * (1 - chance), inverse


def _invert(matrix: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.pinv(matrix, hermitian=True), dtype="float64")
