"""The effect of completing a programme, with the influence of every row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import DesignError
from workbench.impact.estimators import HIGHEST_SCORE
from workbench.impact.inference import estimate_cluster_error
from workbench.impact.propensity import PENALTY, predict_propensity

__all__ = ["ProgrammeEffect", "estimate_att"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeEffect:
    """What learners have of an outcome because they learnt.

    Attributes
    ----------
    value, std_error : float
        On the outcome's scale; positive means more of it among learners.
    df : float
        Degrees of freedom of Student's t.
    baseline : float
        Mean the learners would have had without learning.
    influence : array of shape (rows,)
        Influence of each row on the value.
    """

    value: float
    std_error: float
    df: float
    baseline: float
    influence: FloatArray

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the interval of level 1 - `alpha`."""
        from scipy.special import stdtrit

        half = float(stdtrit(self.df, 1 - alpha / 2)) * self.std_error
        return self.value - half, self.value + half


def estimate_att(
    covariates: FloatArray,
    treated: BoolArray,
    outcome: FloatArray,
    *,
    clusters: Mapping[str, IntArray],
    folds: IntArray,
) -> ProgrammeEffect:
    r"""Estimate the effect on learners, doubly robust, and keep the influence of rows.

    The same estimate as `workbench.impact.aipw.estimate_aipw`; the influence is kept so
    that a module's effect and the programme's get their joint covariance.

    Parameters
    ----------
    covariates : array of shape (rows, terms)
        As numbers.
    treated : array of bool
        Learners.
    outcome : array of float
        Nothing missing.
    clusters : mapping of str to array of int
        Directions in which rows are correlated.
    folds : array of int
        Fold of each row; all rows of a person share one.

    Returns
    -------
    ProgrammeEffect
        With the clustered error (CR1).

    Raises
    ------
    DesignError
        If a fold leaves no learners, or no others, to fit on.

    References
    ----------
    .. [1] Chernozhukov, V. et al. (2018). Double/debiased machine learning. The
       Econometrics Journal 21, C1-C68. doi:10.1111/ectj.12097
    """
    score, expected = np.empty(len(treated)), np.empty(len(treated))
    for fold in range(int(folds.max()) + 1):
        held, fit = folds == fold, folds != fold
        if treated[fit].all() or not treated[fit].any():
            raise DesignError.build(
                "A fold leaves no learners, or no others, to fit on"
            )
        score[held] = predict_propensity(
            covariates[fit], treated[fit], covariates[held]
        )
        others = fit & ~treated
        expected[held] = _predict(covariates[others], outcome[others], covariates[held])
    score = np.minimum(score, HIGHEST_SCORE)
    rest = outcome - expected
    n_learners = int(treated.sum())
    summand = np.where(treated, rest, -score / (1 - score) * rest)
    value = float(summand.sum()) / n_learners
    influence = (summand - treated * value) / n_learners
    error = estimate_cluster_error(influence[:, None], clusters)
    return ProgrammeEffect(
        value=value,
        std_error=math.sqrt(error.covariance[0, 0]),
        df=error.df,
        baseline=float(outcome[treated].mean()) - value,
        influence=influence,
    )


def _predict(matrix: FloatArray, outcome: FloatArray, target: FloatArray) -> FloatArray:
    centre, level = matrix.mean(axis=0), outcome.mean()
    centred = matrix - centre
    gram = centred.T @ centred + PENALTY * np.eye(matrix.shape[1])
    slopes = np.linalg.solve(gram, centred.T @ (outcome - level))
    predicted: FloatArray = level + (target - centre) @ slopes
    return predicted
