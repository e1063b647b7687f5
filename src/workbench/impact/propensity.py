"""The propensity to learn: who would have learnt, judged by what was known before."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ConvergenceError
from workbench.core.results import Check
from workbench.impact.design_matrix import Design

__all__ = [
    "PENALTY",
    "Propensity",
    "assign_folds",
    "check_separation",
    "fit_propensity",
    "predict_propensity",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Method = Literal["logistic", "boosting"]

PENALTY = 1.0
_FOLDS = 5
_WEAK_PENALTY = 1e-4
_SCORE_DIGITS = 9
_EDGE = 1e-9
_RUN_AWAY = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Propensity:
    """Scores of every row.

    Attributes
    ----------
    probability : array
        Estimated probability of learning, between 0 and 1.
    logit : array
        Its log-odds, rounded to nine decimals so that rounding noise of another
        machine cannot decide a tie.
    influence : array of shape (rows, terms + 1) or None
        Influence of each row on each coefficient, the constant first; None for
        boosting, whose estimation error is not carried into weighted estimates.
    matrix : array of shape (rows, terms + 1)
        The columns of the model, a column of ones first.
    text : str
        The model in words, its penalty included.
    """

    probability: FloatArray
    logit: FloatArray
    influence: FloatArray | None
    matrix: FloatArray
    text: str


def fit_propensity(
    matrix: FloatArray,
    treated: BoolArray,
    *,
    method: Method = "logistic",
    penalty: float = PENALTY,
    units: IntArray | None = None,
    seed: int = 0,
) -> Propensity:
    r"""Estimate for every person how likely they were to learn.

    Use it before matching or weighting. The score makes groups comparable in what it
    was given; it makes the comparison causal only if nothing else drives both
    learning and the outcome.

    Parameters
    ----------
    matrix : array of shape (rows, terms)
        From `Design.matrix`: scaled covariates and the trials.
    treated : array of bool
        True for learners.
    method : {"logistic", "boosting"}
        Ridge-penalised logistic regression on all rows, or gradient boosting in which
        each person is scored by a model that has not seen that person.
    penalty : float
        Of the logistic regression: half of it times the sum of squared coefficients is
        added to minus the log-likelihood; the constant is free. 0 is plain maximum
        likelihood. The default equals a standard normal prior on the change in
        log-odds per standard deviation.
    units : array of int, optional
        Codes of the people, for the folds of boosting; default: each row a person.
    seed : int
        Draws the folds of boosting.

    Returns
    -------
    Propensity
        Scores in the order of the rows.

    Raises
    ------
    ConvergenceError
        If the logistic regression does not reach its optimum.

    Notes
    -----
    The influence of row i on the coefficients is
    :math:`(X'WX + \lambda S)^{-1} x_i (d_i - p_i)` with
    :math:`W = \mathrm{diag}(p(1-p))` and S the identity without the constant.

    References
    ----------
    .. [1] Rosenbaum, P. R. and Rubin, D. B. (1983). The central role of the propensity
       score. Biometrika 70, 41-55. doi:10.1093/biomet/70.1.41

    Examples
    --------
    >>> x = np.array([[-1.0], [0.0], [1.0], [2.0]])
    >>> fitted = fit_propensity(x, np.array([False, True, False, True]))
    >>> [round(float(p), 3) for p in fitted.probability]
    [0.336, 0.444, 0.556, 0.664]
    """
    ones = np.ones((len(treated), 1))
    full = np.hstack([ones, matrix])
    if method == "boosting":
        codes = np.arange(len(treated)) if units is None else units
        probability = _cross_fit_boosting(matrix, treated, codes, seed)
        text = (
            f"Gradient boosting (200 trees of up to 8 leaves), cross-fitted in {_FOLDS}"
            " folds of people"
        )
        return _finish(probability, full, influence=None, text=text)
    probability = predict_propensity(matrix, treated, matrix, penalty=penalty)
    inverse = np.linalg.pinv(_information(full, probability, penalty))
    influence = (full * (treated - probability)[:, None]) @ inverse
    text = (
        f"Logistic regression, ridge penalty {penalty:g} on standardised covariates"
        if penalty
        else "Logistic regression without penalty"
    )
    return _finish(probability, full, influence=influence, text=text)


def predict_propensity(
    matrix: FloatArray,
    treated: BoolArray,
    target: FloatArray,
    *,
    penalty: float = PENALTY,
) -> FloatArray:
    """Fit the logistic regression on some rows and score others.

    Parameters
    ----------
    matrix, treated
        Rows to learn from; see `fit_propensity`.
    target : array of shape (rows, terms)
        Rows to score, the same columns.
    penalty : float
        See `fit_propensity`.

    Returns
    -------
    array
        Probabilities for the rows of `target`.

    Raises
    ------
    ConvergenceError
        If the optimum is not reached.
    """
    model = _fit_logistic(matrix, treated, penalty)
    scores: FloatArray = model.predict_proba(target)[:, 1]
    return scores


def assign_folds(
    units: IntArray, treated: BoolArray, *, n_folds: int, seed: int
) -> IntArray:
    """Deal people into folds, those who ever learnt and the others evenly.

    Parameters
    ----------
    units : array of int
        Codes of the people; all rows of one person share a fold.
    treated : array of bool
        True for learners.
    n_folds : int
        Number of folds.
    seed : int
        Shuffles the people before dealing.

    Returns
    -------
    array of int
        Fold of each row, 0 to `n_folds` - 1.
    """
    people, position = np.unique(units, return_inverse=True)
    ever = np.zeros(len(people), dtype=bool)
    np.logical_or.at(ever, position, treated)
    order = np.random.default_rng(seed).permutation(len(people))
    order = order[np.argsort(~ever[order], kind="stable")]
    folds = np.empty(len(people), dtype="int64")
    folds[order] = np.arange(len(people)) % n_folds
    return folds[position]


def check_separation(
    design: Design, treated: BoolArray, propensity: Propensity
) -> list[Check]:
    """Look for covariates that tell learners and others apart without error.

    Parameters
    ----------
    design : Design
        The covariates.
    treated : array of bool
        True for learners.
    propensity : Propensity
        The model in use.

    Returns
    -------
    list of Check
        ``separation`` fails (required) when every learner scores above everybody else
        in the model in use, so that nobody is comparable; it names the terms that do
        it. ``separation_unpenalised`` is a warning: with next to no penalty the data
        separate, so the penalty alone keeps the scores apart from 0 and 1.
    """
    score = propensity.logit
    complete = score[treated].min() > score[~treated].max()
    alone = _separating_terms(design, treated)
    named = ", ".join(alone) if alone else "no single covariate, but several together"
    checks = [
        Check(
            check="separation",
            passed=not complete,
            required=True,
            text=f"Learners and others are told apart without error by {named}."
            if complete
            else "Learners and others overlap in the propensity model.",
            advice="Drop what defines learning itself, or widen the persona."
            if complete
            else "",
        )
    ]
    if not complete:
        weak = _fit_logistic(propensity.matrix[:, 1:], treated, _WEAK_PENALTY)
        loose = weak.decision_function(propensity.matrix[:, 1:])
        split = bool(loose[treated].min() > loose[~treated].max())
        checks.append(
            Check(
                check="separation_unpenalised",
                passed=not split,
                text="Without its penalty the propensity model would separate learners "
                "and others; there are few people for so many covariates."
                if split
                else "The propensity model does not depend on its penalty to exist.",
            )
        )
    return checks


def _fit_logistic(matrix: FloatArray, treated: BoolArray, penalty: float) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    strength = 1.0 / penalty if penalty else np.inf
    model = LogisticRegression(
        C=strength, solver="newton-cholesky", tol=1e-10, max_iter=200
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(matrix, treated)
        except ConvergenceWarning as error:
            raise _run_away("more than 200 steps") from error
    reach = float(np.abs(model.decision_function(matrix)).max())
    if not penalty and reach > _RUN_AWAY:
        raise _run_away(f"log-odds of {reach:.0f}")
    return model


def _run_away(got: str) -> ConvergenceError:
    return ConvergenceError.build(
        "The propensity model did not reach its optimum",
        rule=f"a gradient below 1e-10 within 200 steps, log-odds within {_RUN_AWAY:g}",
        got=got,
        hint="keep a penalty above 0, or drop what separates learners from others",
    )


def _cross_fit_boosting(
    matrix: FloatArray, treated: BoolArray, units: IntArray, seed: int
) -> FloatArray:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    folds = assign_folds(units, treated, n_folds=_FOLDS, seed=seed)
    scores = np.empty(len(treated))
    for fold in range(_FOLDS):
        held = folds == fold
        model = HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=200,
            max_leaf_nodes=8,
            min_samples_leaf=20,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
        with threadpool_limits(limits=1):
            model.fit(matrix[~held], treated[~held])
            scores[held] = model.predict_proba(matrix[held])[:, 1]
    return scores


def _information(
    full: FloatArray, probability: FloatArray, penalty: float
) -> FloatArray:
    """Return minus the Hessian of the penalised log-likelihood."""
    ridge = np.full(full.shape[1], penalty)
    ridge[0] = 0.0
    spread = probability * (1 - probability)
    information: FloatArray = (full * spread[:, None]).T @ full + np.diag(ridge)
    return information


def _finish(
    probability: FloatArray,
    full: FloatArray,
    *,
    influence: FloatArray | None,
    text: str,
) -> Propensity:
    inside = np.clip(probability, _EDGE, 1 - _EDGE)
    return Propensity(
        probability=inside,
        logit=np.asarray(
            np.round(np.log(inside / (1 - inside)), _SCORE_DIGITS), dtype="float64"
        ),
        influence=influence,
        matrix=full,
        text=text,
    )


def _separating_terms(design: Design, treated: BoolArray) -> list[str]:
    """List the terms whose ranges among learners and others do not meet."""
    found = []
    for name in design.terms.columns:
        values = design.terms[name].to_numpy()
        ours, theirs = values[treated], values[~treated]
        if ours.min() > theirs.max() or ours.max() < theirs.min():
            found.append(name)
    return found
