"""Wild cluster bootstrap: the test that stands in when clusters are few."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt

from workbench.core.errors import ParamError, TooFewUnitsError

__all__ = ["FEWEST_SIGNS", "WildTest", "invert_test", "run_wild_bootstrap"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FEWEST_SIGNS = 12
"""Below this number of clusters signs alone give too few different draws."""

_MOST_LISTED = 2**14
_TIES = 1e-9
_WEBB = np.sqrt([0.5, 1.0, 1.5])


@dataclass(frozen=True, slots=True, kw_only=True)
class WildTest:
    """Result of a wild cluster bootstrap.

    Attributes
    ----------
    p_value : float
        Two-sided, of no effect.
    ci_low, ci_high : float
        Effects the test does not reject; infinite where no effect is rejected.
    statistic : float
        Effect over its CR1 error; NaN without error.
    draws : int
        Different vectors of weights used.
    listed : bool
        True if all vectors there are were used, so that no chance is left.
    law : str
        ``rademacher`` (signs) or ``webb`` (six points).
    """

    p_value: float
    ci_low: float
    ci_high: float
    statistic: float
    draws: int
    listed: bool
    law: str


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the bootstrap needs of a regression, by cluster."""

    effect: float
    spread: float
    own: FloatArray
    size: FloatArray
    cross: FloatArray
    loads: tuple[FloatArray, FloatArray]
    moments: tuple[FloatArray, FloatArray]


def run_wild_bootstrap(
    outcome: FloatArray,
    treated: BoolArray | FloatArray,
    others: FloatArray,
    *,
    cluster: IntArray,
    weights: FloatArray | None = None,
    seed: int,
    draws: int = 9999,
    alpha: float = 0.05,
    law: Literal["auto", "rademacher", "webb"] = "auto",
    count_ties: bool = True,
) -> WildTest:
    r"""Test an effect by redrawing whole clusters' residuals under no effect.

    Parameters
    ----------
    outcome, treated : array
        One value per row.
    others : array of shape (rows, terms)
        Further regressors; a constant is added.
    cluster : array of int
        Codes from 0.
    weights : array, optional
        Regression weights above 0; default 1. They enter the estimate and its error,
        not the residuals that are redrawn.
    seed : int
        Of the draws; without effect where all vectors are listed.
    draws : int
        Vectors drawn where they are not listed.
    alpha : float
        One less the level of the interval.
    law : {"auto", "rademacher", "webb"}
        ``auto`` takes Webb's six points below 12 clusters, signs otherwise.
    count_ties : bool
        True counts draws whose statistic equals the one found, the data themselves
        among them, which keeps the level; R's fwildclusterboot counts larger ones only.

    Returns
    -------
    WildTest
        Restricted residuals, studentised by CR1; the interval inverts the test.

    Raises
    ------
    TooFewUnitsError
        If there are fewer than two clusters.
    ParamError
        If `draws` is below 99.

    Notes
    -----
    All vectors of weights are listed when there are at most 16,384; the p-value is
    then the share of statistics at least as large as the one found, and otherwise that
    of the draws with one added to both counts. With treated clusters few in number
    the restricted test rejects far too seldom (MacKinnon and Webb 2018).

    References
    ----------
    .. [1] Cameron, A. C., Gelbach, J. B. and Miller, D. L. (2008). Bootstrap-based
       improvements for inference with clustered errors. Review of Economics and
       Statistics 90, 414-427. doi:10.1162/rest.90.3.414
    .. [2] Webb, M. D. (2023). Reworking wild bootstrap-based inference for clustered
       errors. Canadian Journal of Economics 56, 839-858. doi:10.1111/caje.12661
    """
    groups = int(cluster.max()) + 1 if len(cluster) else 0
    if groups < 2:
        raise TooFewUnitsError.build(
            "A bootstrap of clusters needs clusters", rule="at least 2", got=groups
        )
    if draws < 99:
        raise ParamError.build("Too few draws", rule="at least 99", got=draws)
    if law == "auto":
        law = "webb" if groups < FEWEST_SIGNS else "rademacher"
    signs, listed = _draw_weights(groups, law=law, draws=draws, seed=seed)
    parts = _split(
        outcome, np.asarray(treated, dtype="float64"), others, cluster, weights
    )

    def test(null: float) -> float:
        return _p_value(parts, signs, null, listed=listed, ties=count_ties)

    error = _own_error(parts)
    n_params = parts.cross.shape[1] + 1
    factor = groups / (groups - 1) * (len(outcome) - 1) / (len(outcome) - n_params)
    factor = math.sqrt(factor)
    low, high = invert_test(test, start=parts.effect, step=error, alpha=alpha)
    return WildTest(
        p_value=test(0.0),
        ci_low=low,
        ci_high=high,
        statistic=parts.effect / (error * factor) if error else math.nan,
        draws=len(signs),
        listed=listed,
        law=law,
    )


def invert_test(
    test: Callable[[float], float], *, start: float, step: float, alpha: float
) -> tuple[float, float]:
    """Return the ends of the effects that a test does not reject.

    Parameters
    ----------
    test : callable
        P-value of an assumed effect; 1 at `start`.
    start, step : float
        Estimate, and a first guess of the distance to the ends.
    alpha : float
        Effects with smaller p-values are rejected.

    Returns
    -------
    tuple of float
        Minus or plus infinity where nothing within 4,096 steps is rejected.
    """
    ends = []
    for side in (-1.0, 1.0):
        inner, outer = start, start + side * max(step, 1e-12)
        for _ in range(12):
            if test(outer) < alpha:
                break
            inner, outer = outer, start + 2 * (outer - start)
        else:
            ends.append(side * math.inf)
            continue
        for _ in range(60):
            middle = (inner + outer) / 2
            if test(middle) < alpha:
                outer = middle
            else:
                inner = middle
        ends.append(inner)
    return ends[0], ends[1]


def _draw_weights(
    groups: int, *, law: str, draws: int, seed: int
) -> tuple[FloatArray, bool]:
    """Return vectors of weights, all there are if few, and whether they are all.

    A vector and its negative give the same absolute statistic, so that the list fixes
    the first cluster's sign.
    """
    points = np.array([-1.0, 1.0]) if law == "rademacher" else _six_points()
    positive = points[points > 0]
    if len(positive) * len(points) ** (groups - 1) <= _MOST_LISTED:
        rest = [points] * (groups - 1)
        return np.array(list(product(positive, *rest))), True
    rng = np.random.default_rng(seed)
    return rng.choice(points, size=(draws, groups)), False


def _six_points() -> FloatArray:
    return np.concatenate([-_WEBB[::-1], _WEBB])


def _split(
    outcome: FloatArray,
    treated: FloatArray,
    others: FloatArray,
    cluster: IntArray,
    weights: FloatArray | None,
) -> _Parts:
    """Sweep the other regressors out, and sum the parts of the scores by cluster.

    Residuals under the null come from the regression without weights: weights that
    depend on the treatment would shrink the residuals of the smaller group, and the
    test would reject too often where treated clusters are few.
    """
    root = np.ones(len(outcome)) if weights is None else np.sqrt(weights)
    design = np.column_stack([np.ones(len(outcome)), others])
    both = np.column_stack([treated, outcome])
    basis = _span(design * root[:, None])
    swept = both * root[:, None]
    swept = swept - basis @ (basis.T @ swept)
    plain = _span(design)
    null = (both - plain @ (plain.T @ both)) * root[:, None]
    x, y = swept[:, 0], swept[:, 1]
    groups = int(cluster.max()) + 1

    def add(values: FloatArray) -> FloatArray:
        return np.bincount(cluster, values, minlength=groups).astype("float64")

    def add_all(values: FloatArray) -> FloatArray:
        return np.column_stack(
            [add(basis[:, k] * values) for k in range(basis.shape[1])]
        )

    return _Parts(
        effect=float(x @ y / (x @ x)),
        spread=float(x @ x),
        own=add(x * y),
        size=add(x * x),
        cross=add_all(x),
        loads=(add_all(null[:, 1]), add_all(null[:, 0])),
        moments=(add(x * null[:, 1]), add(x * null[:, 0])),
    )


def _span(design: FloatArray) -> FloatArray:
    """Return orthonormal columns that span those of a design."""
    basis, size, _ = np.linalg.svd(design, full_matrices=False)
    return np.asarray(basis[:, size > size[0] * 1e-10], dtype="float64")


def _own_error(parts: _Parts) -> float:
    """Return the cluster error of the effect, CR1 without small-sample factors."""
    scores = parts.own - parts.effect * parts.size
    return math.sqrt(float(scores @ scores)) / parts.spread


def _p_value(
    parts: _Parts, signs: FloatArray, null: float, *, listed: bool, ties: bool
) -> float:
    """Return the share of redrawn statistics as large as the one found, given a null.

    Residuals under the null, and with them all sums over clusters, are linear in it.
    """
    moment = parts.moments[0] - null * parts.moments[1]
    load = parts.loads[0] - null * parts.loads[1]
    shift = signs @ moment / parts.spread
    scores = signs * moment - (signs @ load) @ parts.cross.T
    scores = scores - shift[:, None] * parts.size
    bottom = np.sqrt((scores**2).sum(axis=1)) / parts.spread
    error = _own_error(parts)
    gap = abs(parts.effect - null)
    found = 0.0 if gap == 0 else gap / error if error else math.inf
    drawn = np.abs(shift) / np.maximum(bottom, 1e-12 * max(error, 1e-300))
    if ties:
        larger = int((drawn >= found * (1 - _TIES) - _TIES).sum())
    else:
        larger = int((drawn > found * (1 + _TIES) + _TIES).sum())
    return (
        larger / len(signs) if listed or not ties else (1 + larger) / (1 + len(signs))
    )
