"""What learners and others would be expected to reach, by models of other people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import TooFewUnitsError
from workbench.impact.propensity import predict_propensity
from workbench.prescribe.targeting.ridge import fit_ridge

__all__ = ["Nuisance", "fit_nuisance"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_FEWEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Nuisance:
    """Predictions of every row, once per fold that is to be held out.

    Attributes
    ----------
    propensity, without, learnt : array of shape (rows, folds)
        Probability of learning, and expected outcome without and with learning. In
        column k stands the prediction of models that saw neither the row's own fold
        nor fold k; for a row of fold k itself, that of models without fold k.
    """

    propensity: FloatArray
    without: FloatArray
    learnt: FloatArray


def fit_nuisance(
    matrix: FloatArray,
    treated: BoolArray,
    outcome: FloatArray,
    folds: IntArray,
    *,
    n_folds: int,
    where: str = "",
) -> Nuisance:
    """Fit the models behind doubly robust scores, every pair of folds left out once.

    Parameters
    ----------
    matrix : array of shape (rows, terms)
        Standardised covariates.
    treated : array of bool
        True for learners.
    outcome : array
        On its natural scale.
    folds : array of int
        Fold of each row, from 0; all rows of a person in one fold.
    n_folds : int
        Number of folds, at least 3.
    where : str
        What is compared, for messages.

    Returns
    -------
    Nuisance
        Logistic regression of learning (ridge penalty 1), linear regression of the
        outcome among others, and a linear regression of what learners have beyond it;
        the penalties of the latter are chosen by generalised cross-validation.

    Raises
    ------
    TooFewUnitsError
        If two folds left out leave fewer than four learners or others.
    """
    shape = (len(treated), n_folds)
    made = Nuisance(
        propensity=np.empty(shape), without=np.empty(shape), learnt=np.empty(shape)
    )
    for one in range(n_folds):
        for other in range(one, n_folds):
            fit = (folds != one) & (folds != other)
            _check_arms(treated[fit], where)
            held = (folds == one) | (folds == other)
            column = np.where(folds[held] == one, other, one)
            _predict(made, matrix, treated, outcome, fit=fit, held=held, column=column)
    return made


def _predict(
    made: Nuisance,
    matrix: FloatArray,
    treated: BoolArray,
    outcome: FloatArray,
    *,
    fit: BoolArray,
    held: BoolArray,
    column: IntArray,
) -> None:
    """Fit on some rows and write the predictions of others into their columns."""
    target, rows = matrix[held], np.flatnonzero(held)
    score = predict_propensity(matrix[fit], treated[fit], target)
    made.propensity[rows, column] = score
    others, ours = fit & ~treated, fit & treated
    base = fit_ridge(matrix[others], outcome[others])
    gain = fit_ridge(matrix[ours], outcome[ours] - base.predict(matrix[ours]))
    made.without[rows, column] = base.predict(target)
    made.learnt[rows, column] = base.predict(target) + gain.predict(target)


def _check_arms(treated: BoolArray, where: str) -> None:
    count = int(treated.sum())
    if min(count, len(treated) - count) < _FEWEST:
        raise TooFewUnitsError.build(
            "Too few people to fit on when two folds are held out",
            where=where,
            rule=f"at least {_FEWEST} learners and {_FEWEST} others",
            got=f"{count} learners and {len(treated) - count} others",
            hint="wait for more learners, or widen the exposure window",
        )
