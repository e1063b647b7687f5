"""Who is expected to gain how much: a model of doubly robust scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.prescribe.targeting.features import Terms
from workbench.prescribe.targeting.ridge import Ridge, fit_ridge
from workbench.prescribe.targeting.scores import Scores

__all__ = [
    "Benefit",
    "BenefitModel",
    "fit_benefit",
    "predict_benefit",
    "predict_risk",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BenefitModel = Literal["linear", "forest"]
Predict = Callable[[FloatArray], FloatArray]

_TREES = 200
_LEAF = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """A linear model of the effect, to be asked for people of today.

    Attributes
    ----------
    terms : Terms
        Its columns.
    constant : float
        Expected effect of the average person, in thresholds.
    slopes : array of shape (terms,)
        Change per standard deviation of each term.
    """

    terms: Terms
    constant: float
    slopes: FloatArray

    def predict(self, people: pd.DataFrame) -> FloatArray:
        """Predict the effect in thresholds; positive is better."""
        predicted: FloatArray = self.constant + self.terms.matrix(people) @ self.slopes
        return predicted

    def tabulate(self) -> pd.DataFrame:
        """Return ``term``, ``slope``: thresholds per standard deviation."""
        return pd.DataFrame({"term": self.terms.names, "slope": self.slopes})


def fit_benefit(scores: Scores, terms: Terms) -> Benefit:
    r"""Fit the linear model of benefit to everybody.

    The second stage of the DR-learner: doubly robust scores regressed on facts, one
    ridge regression per outcome, whose penalty generalised cross-validation chooses;
    the predictions are added up.

    Parameters
    ----------
    scores : Scores
        From `score_programme`.
    terms : Terms
        Facts of people; standardised.

    Returns
    -------
    Benefit
        A prediction: it has no interval, and is used for ranking only where held-out
        people show that it sorts.

    References
    ----------
    .. [1] Kennedy, E. H. (2023). Towards optimal doubly robust estimation of
       heterogeneous causal effects. Electronic Journal of Statistics 17, 3008-3049.
       doi:10.1214/23-EJS2157
    """
    matrix = terms.matrix(scores.frame)
    everyone = np.ones(len(matrix), dtype=bool)
    parts = [
        fit_ridge(matrix[rows], scores.effect[rows])
        for rows in _by_outcome(scores, everyone)
    ]
    return Benefit(
        terms=terms,
        constant=sum(item.constant for item in parts),
        slopes=np.sum([item.slopes for item in parts], axis=0),
    )


def predict_benefit(
    scores: Scores,
    terms: Terms,
    *,
    sequential: bool = False,
    model: BenefitModel = "linear",
    seed: int = 0,
) -> FloatArray:
    """Predict everybody's benefit by models of other people.

    Parameters
    ----------
    scores : Scores
        From `score_programme`.
    terms : Terms
        Facts of people.
    sequential : bool
        Fit only on folds before the one predicted, as tests and values need; nobody of
        the first fold is then predicted. By default on all others: predictions are
        better, but errors of folds are correlated.
    model : {"linear", "forest"}
        Ridge regression, or an honest regression forest of econml on the scores, the
        second stage of its ``ForestDRLearner``.
    seed : int
        Of the forest.

    Returns
    -------
    array of shape (rows,)
        Thresholds; NaN where a row is not predicted. Neither the models nor the scores
        they were fitted to have seen the row's fold.
    """
    matrix = terms.matrix(scores.frame)
    folds = scores.folds
    predicted = np.full(len(matrix), np.nan)
    for fold in range(1 if sequential else 0, scores.n_folds):
        held = folds == fold
        fit = folds < fold if sequential else ~held
        fitted = [
            _fit(matrix[rows], scores.held_out[rows, fold], model, seed)
            for rows in _by_outcome(scores, fit)
        ]
        predicted[held] = np.sum([ask(matrix[held]) for ask in fitted], axis=0)
    return predicted


def predict_risk(scores: Scores, terms: Terms) -> FloatArray:
    """Predict how little people would reach without learning, by models of others.

    Parameters
    ----------
    scores, terms
        As in `predict_benefit`.

    Returns
    -------
    array of shape (rows,)
        Minus the expected composite outcome without learning, in thresholds: who is
        worst off has most. It says nothing of who gains.
    """
    matrix, folds = terms.matrix(scores.frame), scores.folds
    learnt = scores.frame["treated"].to_numpy(dtype=bool)
    level = _find_levels(scores)
    risk = np.empty(len(matrix))
    for fold in range(scores.n_folds):
        held = folds == fold
        fitted: list[Ridge] = [
            fit_ridge(matrix[rows], level[rows])
            for rows in _by_outcome(scores, ~held & ~learnt)
        ]
        risk[held] = -np.sum([item.predict(matrix[held]) for item in fitted], axis=0)
    return risk


def _find_levels(scores: Scores) -> FloatArray:
    factor = scores.outcomes.set_index("outcome")["factor"]
    values = scores.frame["value"].to_numpy(dtype="float64")
    levels: FloatArray = values * scores.frame["outcome"].map(factor).to_numpy(
        "float64"
    )
    return levels


def _by_outcome(scores: Scores, chosen: BoolArray) -> list[IntArray]:
    """List the rows of every outcome among some."""
    codes = scores.outcome_codes
    return [
        np.flatnonzero(chosen & (codes == code)) for code in range(len(scores.outcomes))
    ]


def _fit(
    matrix: FloatArray, effect: FloatArray, model: BenefitModel, seed: int
) -> Predict:
    if model == "linear":
        return fit_ridge(matrix, effect).predict
    from econml.grf import RegressionForest

    forest: Any = RegressionForest(
        n_estimators=_TREES,
        min_samples_leaf=_LEAF,
        honest=True,
        inference=False,
        n_jobs=1,
        random_state=seed,
    )
    forest.fit(matrix, effect[:, None])

    def ask(target: FloatArray) -> FloatArray:
        predicted: FloatArray = np.asarray(forest.predict(target))[:, 0]
        return predicted

    return ask
