"""The effect in the matched sample, with the error that matching calls for."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import numpy.typing as npt

from workbench.core.errors import TooFewUnitsError
from workbench.impact.abadie_imbens import (
    estimate_conditional_variance,
    estimate_matching_variance,
)
from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import (
    ErrorKind,
    choose_matching_error,
    make_cluster_effect,
)
from workbench.impact.inference import estimate_few_cluster_error, regress_on_treatment
from workbench.impact.matching import Matches
from workbench.impact.sample import Sample, code_clusters

__all__ = ["estimate_gap_effect", "estimate_matched", "list_match_clusters"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def estimate_matched(
    sample: Sample,
    matches: Matches,
    *,
    covariates: FloatArray | None = None,
    score: FloatArray | None = None,
    error: ErrorKind = "auto",
) -> Effect:
    r"""Compare learners with their matches.

    The headline design. The estimand is the average effect on the learners who found
    a match; it is causal if, given the covariates, learning was as good as random.

    Parameters
    ----------
    sample : Sample
        The rows that were matched.
    matches : Matches
        Who was matched with whom.
    covariates : array of shape (rows, terms), optional
        Adjust what matching left over by a regression on these, `Design.matrix`;
        without them the plain matched difference is returned.
    score : array, optional
        What rows were matched on; needed by the Abadie-Imbens error.
    error : {"auto", "cluster", "abadie_imbens", "bootstrap"}
        ``auto`` chooses by the design; the bootstrap is refused.

    Returns
    -------
    Effect
        Learners less matches on the outcome's scale; method ``psm_nn`` when adjusted,
        ``psm_nn_unadjusted`` otherwise.

    Raises
    ------
    TooFewUnitsError
        If fewer than two sets were matched.
    DesignError
        If the error asked for does not fit the design.

    Notes
    -----
    Clustered: weighted least squares over the matched rows, clustered by matched set
    and by person (and team, where the sample names it) in several ways at once, CR1.
    Clustering by set makes the error valid after matching without replacement even
    if the regression is misspecified [1]_; clustering by person allows for people who
    serve in several trials. Abadie-Imbens, for matching with replacement of
    independent people: mean gap, bias-corrected by a regression among the matched
    others when covariates are given [2]_, with the variance of
    `estimate_matching_variance` and the outcome's (or residual's) variance from two
    neighbours in the score; Student's t with learners less one degrees of freedom.

    References
    ----------
    .. [1] Abadie, A. and Spiess, J. (2022). Robust post-matching inference. JASA 117,
       983-995. doi:10.1080/01621459.2020.1840383
    .. [2] Abadie, A. and Imbens, G. W. (2011). Bias-corrected matching estimators for
       average treatment effects. JBES 29, 1-11. doi:10.1198/jbes.2009.07333
    """
    kind = choose_matching_error(
        error, replace=matches.replace, independent=sample.independent
    )
    if int(matches.pairs["treated"].sum()) < 2:
        raise TooFewUnitsError.build(
            "Too few learners found a match", rule="at least 2 matched sets"
        )
    method = "psm_nn_unadjusted" if covariates is None else "psm_nn"
    used = np.empty((len(sample.treated), 0)) if covariates is None else covariates
    if kind == "abadie_imbens":
        near = matches.weights if score is None else score
        return estimate_gap_effect(sample, matches, used, near, method=method)
    return _estimate_clustered(sample, matches, used, method=method)


def _estimate_clustered(
    sample: Sample, matches: Matches, covariates: FloatArray, *, method: str
) -> Effect:
    """Regress in the matched rows, clustered by set, person and further clusters."""
    pairs = matches.pairs
    rows = pairs["row"].to_numpy(dtype="int64")
    weights = pairs["weight"].to_numpy(dtype="float64")
    treated, outcome = sample.treated[rows], sample.outcome[rows]
    columns = covariates[rows]
    found = regress_on_treatment(outcome, treated, columns, weights=weights)
    level = float(outcome[treated].mean())
    ours = np.where(treated, outcome - level, 0.0) / int(treated.sum())
    return make_cluster_effect(
        method=method,
        estimand="ATT",
        value=found.effect,
        baseline=level - found.effect,
        influence=np.column_stack([found.influence, ours - found.influence]),
        clusters=list_match_clusters(sample, matches),
        counts=_count(sample, rows, treated),
        n_params=found.n_params,
        few=partial(_few, outcome, treated, columns, weights),
    )


def estimate_gap_effect(
    sample: Sample,
    matches: Matches,
    covariates: FloatArray,
    score: FloatArray,
    *,
    method: str,
) -> Effect:
    """Average the gaps between learners and matches, with the Abadie-Imbens error.

    Parameters
    ----------
    sample, matches
        The matched comparison.
    covariates : array of shape (rows, terms)
        Correct the gaps by a regression among the matched others; may have no columns.
    score : array
        What rows were matched on.
    method : str
        Name of the effect.

    Returns
    -------
    Effect
        Its error holds for matching with replacement of independent rows only;
        `estimate_matched` chooses.
    """
    pairs = matches.pairs
    treated = pairs["treated"].to_numpy(dtype=bool)
    rows = pairs["row"].to_numpy(dtype="int64")
    weights = pairs["weight"].to_numpy(dtype="float64")
    sets = pairs["set"].to_numpy(dtype="int64")
    values = sample.outcome - _expect(sample, matches, covariates)
    signed = np.where(treated, weights, -weights) * values[rows]
    gaps = np.bincount(sets, signed).astype("float64")
    ours, theirs = rows[treated], rows[~treated]
    shares, size = weights[~treated], len(sample.treated)
    cells = code_clusters(sample.frame["trial"]) * 2 + sample.treated
    variance = estimate_matching_variance(
        gaps,
        used=np.bincount(theirs, shares, minlength=size).astype("float64"),
        used_squared=np.bincount(theirs, shares**2, minlength=size).astype("float64"),
        variance=estimate_conditional_variance(values, score, cells),
    )
    count = len(gaps)
    outcome = sample.outcome[ours]
    level_variance = float(np.var(outcome, ddof=1)) / count
    shared = float(((gaps - gaps.mean()) * (outcome - outcome.mean())).sum()) / count**2
    value = float(gaps.mean())
    n_treated, n_control = _count(sample, rows, treated)
    return Effect(
        method=method,
        estimand="ATT",
        value=value,
        std_error=math.sqrt(variance),
        df=float(count - 1),
        baseline=float(outcome.mean()) - value,
        baseline_variance=level_variance + variance - 2 * shared,
        covariance=shared - variance,
        n_treated=n_treated,
        n_control=n_control,
        n_clusters=len(np.unique(rows)),
        error="Abadie-Imbens, matching with replacement; the score is taken as known",
        plain_error=math.sqrt(float(np.var(gaps, ddof=1)) / count),
    )


def _expect(sample: Sample, matches: Matches, covariates: FloatArray) -> FloatArray:
    """Predict the outcome of every row from a regression among the matched others."""
    used = (matches.weights > 0) & ~sample.treated
    scale = np.sqrt(matches.weights[used])[:, None]
    columns = np.column_stack([np.ones(len(covariates)), covariates])
    slopes = np.linalg.lstsq(
        columns[used] * scale, sample.outcome[used] * scale[:, 0], rcond=None
    )[0]
    expected: FloatArray = columns @ slopes
    return expected


def list_match_clusters(sample: Sample, matches: Matches) -> dict[str, IntArray]:
    """Return the clusters of the matched rows: set, person and further ones.

    Parameters
    ----------
    sample, matches
        The matched comparison.

    Returns
    -------
    dict of str to array of int
        Codes from 0, one per row of ``matches.pairs``; ``matched set`` comes first.
    """
    rows = matches.pairs["row"].to_numpy(dtype="int64")
    clusters = {"matched set": matches.pairs["set"].to_numpy(dtype="int64")}
    for name, codes in sample.clusters.items():
        clusters[name] = np.unique(codes[rows], return_inverse=True)[1]
    return clusters


def _few(
    outcome: FloatArray,
    treated: npt.NDArray[np.bool_],
    covariates: FloatArray,
    weights: FloatArray,
    cluster: IntArray,
) -> tuple[float, float]:
    return estimate_few_cluster_error(
        outcome, treated, covariates, cluster=cluster, weights=weights
    )


def _count(
    sample: Sample, rows: IntArray, treated: npt.NDArray[np.bool_]
) -> tuple[int, int]:
    return sample.count_units(rows[treated]), sample.count_units(rows[~treated])
