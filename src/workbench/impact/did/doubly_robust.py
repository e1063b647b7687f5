"""Learners' change against others' change over two quarters, with influence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["TRIM", "Change", "Method", "compare_changes"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Method = Literal["dr", "reg", "ipw"]

TRIM = 0.995
"""Others with a propensity of this size or more get no weight."""

_CERTAIN = 0.999
_STEPS = 50
_STEEP = 1e-9
_RUN_AWAY = 30.0
_RANK_LIMIT = 1e-10
_OFF = 1e-5
_MOST_UNSUPPORTED = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Effect of one group between two quarters.

    Attributes
    ----------
    att : float
        Change of the learners less the change they would have had, on the outcome's
        scale; NaN if it cannot be estimated.
    influence : array
        One value per row; their sum is the estimation error, the sum of their squares
        the variance.
    trimmed : int
        Others without weight because they were all but certain to learn.
    unsupported : int
        Learners unlike any other person in a covariate that does not vary among the
        others; they stay in, unadjusted for it.
    problem : str
        Why there is no estimate; empty if there is one.
    """

    att: float
    influence: FloatArray
    trimmed: int = 0
    unsupported: int = 0
    problem: str = ""


def compare_changes(
    change: FloatArray,
    treated: BoolArray,
    covariates: FloatArray | None = None,
    *,
    method: Method = "dr",
) -> Change:
    r"""Estimate what learning added to the change between two quarters.

    The estimand is the average effect on the treated. It is causal if learners would
    have changed like others with the same covariates (parallel trends), and if every
    kind of learner has others to be compared with.

    Parameters
    ----------
    change : array
        Outcome of the later quarter less that of the earlier, one value per person.
    treated : array of bool
        True for learners; both values must occur.
    covariates : array of shape (people, terms), optional
        Known before; collinear columns are left out. None compares plain means.
    method : {"dr", "reg", "ipw"}
        Doubly robust, regression among the others, or weighting of the others.

    Returns
    -------
    Change
        Or one with a `problem`: the others cannot carry the regression, more than
        5 % of learners are unlike any of them, or the propensity reaches certainty
        (0.999) so that the groups do not overlap.

    Notes
    -----
    The traditional doubly robust estimator: least squares among the others, logistic
    regression by maximum likelihood, normalised weights :math:`p/(1-p)`. The
    influence counts both models as estimated.

    References
    ----------
    .. [1] Sant'Anna, P. H. C. and Zhao, J. (2020). Doubly robust
       difference-in-differences estimators. Journal of Econometrics 219, 101-122.
       doi:10.1016/j.jeconom.2020.06.003

    Examples
    --------
    >>> learns = np.array([True, True, False, False])
    >>> compare_changes(np.array([3.0, 5.0, 1.0, 2.0]), learns).att
    2.5
    """
    if covariates is None or covariates.shape[1] == 0:
        return _compare_means(change, treated)
    full = np.column_stack([np.ones(len(change)), covariates])
    kept = _find_independent(full[~treated])
    if int((~treated).sum()) <= len(kept):
        return _fail(change, "fewer others than covariate terms")
    alone = _find_unsupported(full, treated, kept)
    if alone.mean() > _MOST_UNSUPPORTED:
        return _fail(change, f"no others like {alone.mean():.0%} of the learners")
    found = _adjust(change, treated, full[:, kept], method)
    return replace(found, unsupported=int(alone.sum()))


def _adjust(
    change: FloatArray, treated: BoolArray, columns: FloatArray, method: Method
) -> Change:
    expected = np.zeros(len(change))
    regression = None
    if method != "ipw":
        expected, regression = _regress_others(change, treated, columns)
    if method == "reg":
        return _impute(change - expected, treated, columns, regression)
    probability = _fit_logit(columns, treated)
    if probability is None:
        return _fail(change, "the covariates tell learners and others apart")
    if probability.max() >= _CERTAIN:
        return _fail(change, "no overlap: a propensity of 0.999 or more")
    return _weight(change - expected, treated, columns, probability, regression)


def _find_unsupported(
    full: FloatArray, treated: BoolArray, kept: npt.NDArray[np.int64]
) -> BoolArray:
    """Find learners off the plane that all others' covariates lie on."""
    left = np.setdiff1d(np.arange(full.shape[1]), kept)
    if not len(left):
        return np.zeros(int(treated.sum()), dtype=bool)
    theirs = full[~treated]
    slopes = np.linalg.lstsq(theirs[:, kept], theirs[:, left], rcond=None)[0]
    rest = np.abs(full[treated][:, left] - full[treated][:, kept] @ slopes)
    scale = np.abs(full[:, left]).max(axis=0)
    return np.asarray((rest > _OFF * np.maximum(scale, _OFF)).any(axis=1))


def _compare_means(change: FloatArray, treated: BoolArray) -> Change:
    ours, theirs = change[treated], change[~treated]
    influence = np.empty(len(change))
    influence[treated] = (ours - ours.mean()) / len(ours)
    influence[~treated] = -(theirs - theirs.mean()) / len(theirs)
    return Change(att=float(ours.mean() - theirs.mean()), influence=influence)


def _regress_others(
    change: FloatArray, treated: BoolArray, columns: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Predict everyone from the others; return also each row's part in the error."""
    theirs = columns[~treated]
    bread = np.linalg.inv(theirs.T @ theirs)
    slopes = bread @ (theirs.T @ change[~treated])
    expected = columns @ slopes
    error = np.where(treated, 0.0, change - expected)
    return expected, (columns * error[:, None]) @ bread


def _impute(
    rest: FloatArray,
    treated: BoolArray,
    columns: FloatArray,
    regression: FloatArray | None,
) -> Change:
    share = treated / treated.sum()
    att = float(share @ rest)
    influence = share * (rest - att)
    if regression is not None:
        influence = influence - regression @ (share @ columns)
    return Change(att=att, influence=influence)


def _weight(
    rest: FloatArray,
    treated: BoolArray,
    columns: FloatArray,
    probability: FloatArray,
    regression: FloatArray | None,
) -> Change:
    usable = ~treated & (probability < TRIM)
    odds = np.where(usable, probability / (1 - probability), 0.0)
    share, other = treated / treated.sum(), odds / odds.sum()
    ours, theirs = float(share @ rest), float(other @ rest)
    influence = share * (rest - ours) - other * (rest - theirs)
    spread = probability * (1 - probability)
    information = (columns * spread[:, None]).T @ columns
    score = columns * (treated - probability)[:, None]
    pull = (other * (rest - theirs)) @ columns
    influence = influence - score @ np.linalg.solve(information, pull)
    if regression is not None:
        influence = influence - regression @ ((share - other) @ columns)
    trimmed = int((~treated).sum() - usable.sum())
    return Change(att=ours - theirs, influence=influence, trimmed=trimmed)


def _fit_logit(columns: FloatArray, treated: BoolArray) -> FloatArray | None:
    """Return probabilities by Newton's method, or None if the data separate."""
    slopes = np.zeros(columns.shape[1])
    share = treated.mean()
    slopes[0] = np.log(share / (1 - share))
    for _ in range(_STEPS):
        index = columns @ slopes
        if np.abs(index).max() > _RUN_AWAY:
            return None
        probability: FloatArray = 1 / (1 + np.exp(-index))
        gradient = columns.T @ (treated - probability)
        if np.abs(gradient).max() <= _STEEP * len(treated):
            return probability
        spread = probability * (1 - probability)
        information = (columns * spread[:, None]).T @ columns
        slopes = slopes + np.linalg.lstsq(information, gradient, rcond=None)[0]
    return None


def _find_independent(columns: FloatArray) -> npt.NDArray[np.int64]:
    """Return positions of columns that the ones before them do not span."""
    gram = columns.T @ columns
    size = np.sqrt(np.diag(gram))
    gram = gram / np.outer(size, size).clip(min=np.finfo(float).tiny)
    kept: list[int] = []
    for place in range(len(gram)):
        rest = gram[place, place]
        if kept:
            shared = gram[kept, place]
            rest -= shared @ np.linalg.solve(gram[np.ix_(kept, kept)], shared)
        if rest > _RANK_LIMIT:
            kept.append(place)
    return np.array(kept, dtype="int64")


def _fail(change: FloatArray, problem: str) -> Change:
    return Change(att=np.nan, influence=np.zeros(len(change)), problem=problem)
