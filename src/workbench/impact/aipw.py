"""The doubly robust estimate: weighting and regression, each covering for the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.core.errors import DesignError
from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import make_cluster_effect
from workbench.impact.estimators import HIGHEST_SCORE, learner_influence
from workbench.impact.propensity import (
    PENALTY,
    Propensity,
    assign_folds,
    predict_propensity,
)
from workbench.impact.sample import Sample

__all__ = ["estimate_aipw"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_FOLDS = 5


def estimate_aipw(
    sample: Sample,
    covariates: FloatArray,
    *,
    propensity: Propensity | None = None,
    penalty: float = PENALTY,
    n_folds: int = _FOLDS,
    seed: int,
) -> Effect:
    r"""Estimate the effect on learners so that one of two models may be wrong.

    Uses everybody, matched or not. The estimand is the ATT of all learners; it is
    causal if the covariates hold everything that drives both learning and the outcome.

    Parameters
    ----------
    sample : Sample
        Rows to compare.
    covariates : array of shape (rows, terms)
        From `Design.matrix`.
    propensity : Propensity, optional
        Scores made on other people than they score (boosting); default: a logistic
        regression fitted here, fold by fold.
    penalty : float
        Ridge penalty of both models; 0 for none.
    n_folds : int
        Folds of people: each is scored and predicted by models fitted on the others.
        1 fits and predicts on the same rows.
    seed : int
        Deals the people into folds.

    Returns
    -------
    Effect
        On the outcome's scale, with the clustered error of the influence function.

    Raises
    ------
    DesignError
        If a fold leaves no learners or no others to fit on.

    Notes
    -----
    .. math:: \hat\tau = \frac{1}{n_1} \sum_i \Big[ d_i (y_i - m_0(x_i))
        - (1 - d_i) \frac{p(x_i)}{1 - p(x_i)} (y_i - m_0(x_i)) \Big]

    with m_0 a linear regression among the others and p cut at 0.99. The influence of
    row i is its summand less :math:`d_i \hat\tau`, over :math:`n_1`.

    References
    ----------
    .. [1] Robins, J. M., Rotnitzky, A. and Zhao, L. P. (1994). Estimation of
       regression coefficients when some regressors are not always observed. JASA 89,
       846-866. doi:10.1080/01621459.1994.10476818
    .. [2] Chernozhukov, V. et al. (2018). Double/debiased machine learning. The
       Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
    """
    treated, outcome = sample.treated, sample.outcome
    units = sample.clusters["unit"]
    folds = assign_folds(units, treated, n_folds=n_folds, seed=seed)
    score = np.empty(len(treated))
    expected = np.empty(len(treated))
    for fold in range(n_folds):
        held = folds == fold
        fit = held if n_folds == 1 else ~held
        _check_fold(treated[fit], n_folds)
        score[held] = (
            predict_propensity(
                covariates[fit], treated[fit], covariates[held], penalty=penalty
            )
            if propensity is None
            else propensity.probability[held]
        )
        others = fit & ~treated
        expected[held] = _predict_outcome(
            covariates[others], outcome[others], covariates[held], penalty
        )
    score = np.minimum(score, HIGHEST_SCORE)
    rest = outcome - expected
    summand = np.where(treated, rest, -score / (1 - score) * rest)
    n_treated = int(treated.sum())
    value = float(summand.sum()) / n_treated
    own = (summand - treated * value) / n_treated
    ours = learner_influence(sample)
    return make_cluster_effect(
        method="aipw",
        estimand="ATT",
        value=value,
        baseline=float(outcome[treated].mean()) - value,
        influence=np.column_stack([own, ours - own]),
        clusters=sample.clusters,
        counts=(sample.count_units(treated), sample.count_units(~treated)),
    )


def _predict_outcome(
    matrix: FloatArray, outcome: FloatArray, target: FloatArray, penalty: float
) -> FloatArray:
    """Fit a linear regression with a free constant and predict other rows."""
    centre, level = matrix.mean(axis=0), outcome.mean()
    centred = matrix - centre
    gram = centred.T @ centred + penalty * np.eye(matrix.shape[1])
    slopes = np.linalg.lstsq(gram, centred.T @ (outcome - level), rcond=None)[0]
    predicted: FloatArray = level + (target - centre) @ slopes
    return predicted


def _check_fold(treated: BoolArray, n_folds: int) -> None:
    if treated.all() or not treated.any():
        raise DesignError.build(
            "A fold leaves no learners, or no others, to fit on",
            rule=f"at least {n_folds} people in each arm",
            hint="use fewer folds",
        )
