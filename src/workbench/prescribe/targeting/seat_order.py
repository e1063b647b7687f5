"""Who goes first: by predicted benefit where that was shown to sort, else by need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.cohorts.frames import Cohort
from workbench.core.errors import MissingColumnError
from workbench.core.path_params import PathParams
from workbench.prescribe.targeting.benefit import predict_benefit, predict_risk
from workbench.prescribe.targeting.features import Terms, choose_terms
from workbench.prescribe.targeting.heterogeneity import (
    Evidence,
    Ranking,
    decide_ranking,
    examine_order,
)
from workbench.prescribe.targeting.ranking import Order
from workbench.prescribe.targeting.scores import Scores, score_programme

__all__ = ["SeatOrder", "decide_order", "order_by_fold", "order_unseen"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatOrder:
    """The order of seats among the people of the trials, and what speaks for it.

    Attributes
    ----------
    scores : Scores
        Doubly robust scores of these people.
    terms : Terms
        Facts that predict benefit.
    ranking : {"predicted", "need"}
        What the order goes by.
    text : str
        Why, in a sentence.
    chosen : Order
        The order that `ranking` names; with predicted benefit, that of `unseen`, so
        that nobody of the first fold is in it.
    by_risk : Order
        By risk, of the same people as `chosen`.
    by_need : Order
        By declared need, of everybody.
    unseen : Order or None
        By benefit that models of earlier folds predict, of those whom they predict;
        None where they predict the same for everybody.
    evidence : Evidence or None
        How well `unseen` sorts.
    current : float
        Share of people who learnt in a quarter.
    """

    scores: Scores
    terms: Terms
    ranking: Ranking
    text: str
    chosen: Order
    by_risk: Order
    by_need: Order
    unseen: Order | None
    evidence: Evidence | None
    current: float


def decide_order(
    cohorts: Sequence[Cohort],
    *,
    paths: PathParams,
    risk: str | None = None,
    need: str = "skill_gap",
    features: Sequence[str] | None = None,
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> SeatOrder:
    """Decide by what people are ordered, on people the models have not seen.

    Parameters
    ----------
    cohorts, paths, risk, need, features, alpha, min_group, seed
        As in `workbench.prescribe.targeting.examine.examine_targeting`.

    Returns
    -------
    SeatOrder
        Its `chosen` is ready for
        `workbench.prescribe.targeting.policies.value_policies`, which may be called
        with several ways of giving the seats.

    Raises
    ------
    DesignError
        If no outcome can enter, or there are too few learners.
    MissingColumnError
        If the need, the risk or a feature is no column of the cohorts.

    Notes
    -----
    Each fold is ordered by models of earlier folds. Were it ordered by models of all
    others, errors of folds would be correlated through the models: in the calibration
    errors of values were 6 % too small then, and tests of AUTOC rejected too often.
    """
    scores = score_programme(
        cohorts, weights=paths.weights, min_group=min_group, seed=seed
    )
    terms = _choose_terms(cohorts, scores, features)
    by_need = _order_by(scores, need)
    unseen = order_unseen(scores, predict_benefit(scores, terms, sequential=True))
    evidence = None if unseen is None else examine_order(unseen)
    ranking, text = decide_ranking(evidence, alpha=alpha)
    by_risk = (
        order_by_fold(scores, predict_risk(scores, terms))
        if risk is None
        else _order_by(scores, risk)
    )
    chosen = by_need
    if ranking == "predicted" and unseen is not None:
        chosen = unseen
        later = scores.folds > 0
        by_risk = Order(
            scores=unseen.scores,
            merit=by_risk.merit[later],
            cells=by_risk.cells[later],
        )
    learnt = scores.frame["treated"].to_numpy(dtype="float64")
    return SeatOrder(
        scores=scores,
        terms=terms,
        ranking=ranking,
        text=text,
        chosen=chosen,
        by_risk=by_risk,
        by_need=by_need,
        unseen=unseen,
        evidence=evidence,
        current=scores.mean(learnt) / len(scores.outcomes),
    )


def order_by_fold(scores: Scores, merit: FloatArray) -> Order:
    """Order people within their fold, as models of folds differ in level.

    Parameters
    ----------
    scores : Scores
        The rows.
    merit : array of shape (rows,)
        Predicted by models that have not seen the row's fold.
    """
    cells = scores.outcome_codes * scores.n_folds + scores.folds
    return Order(scores=scores, merit=merit, cells=cells)


def order_unseen(scores: Scores, predicted: FloatArray) -> Order | None:
    """Order those whom models of earlier folds predict.

    Parameters
    ----------
    scores : Scores
        The rows.
    predicted : array of shape (rows,)
        From `predict_benefit`, in sequence; NaN where a row is not predicted.

    Returns
    -------
    Order or None
        Of the rows predicted, within their fold; None where all predictions agree.
    """
    known = np.isfinite(predicted)
    if not np.ptp(predicted[known]) > 0:
        return None
    part = scores.keep(known)
    return order_by_fold(part, predicted[known])


def _choose_terms(
    cohorts: Sequence[Cohort], scores: Scores, features: Sequence[str] | None
) -> Terms:
    used = [item for item in cohorts if item.outcome.id in set(scores.frame["outcome"])]
    shared = [
        name
        for name in used[0].covariates
        if all(name in item.covariates for item in used)
    ]
    names = shared if features is None else list(features)
    absent = [name for name in names if name not in scores.frame.columns]
    if absent:
        raise MissingColumnError.build(
            "Features are no columns of the cohorts", got=absent
        )
    return choose_terms(scores.frame, names)


def _order_by(scores: Scores, column: str) -> Order:
    """Order everybody of an outcome by a fact that no model has made."""
    if column not in scores.frame.columns:
        raise MissingColumnError.build(
            "People cannot be ordered by a column that is not there", got=column
        )
    values = scores.frame[column].astype("float64")
    merit = values.fillna(values.median()).to_numpy(dtype="float64")
    return Order(scores=scores, merit=merit, cells=scores.outcome_codes)
