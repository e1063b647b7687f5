"""Bands that hold all effects of an event study at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import ParamError
from workbench.impact.did.averages import Family

__all__ = ["Bands", "make_bands"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Law = Literal["webb", "mammen", "normal"]

_FEW = 12
_MANY = 2000
_FEWEST_DRAWS = 199
_BLOCK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Simultaneous and pointwise intervals of a family of effects.

    Attributes
    ----------
    table : DataFrame
        ``term``, ``value``, ``std_error``, ``low`` and ``high`` (pointwise),
        ``band_low`` and ``band_high`` (simultaneous), ``reference``. The reference
        has no error: all its ends are 0.
    critical : float
        Multiple of the errors that makes the bands; never below `pointwise`.
    pointwise : float
        Multiple of the errors that makes each interval alone.
    level : float
        Confidence level of either.
    law : str
        Law of the multipliers.
    n_draws : int
        Draws behind `critical`.
    """

    table: pd.DataFrame
    critical: float
    pointwise: float
    level: float
    law: Law
    n_draws: int


def make_bands(
    family: Family, *, seed: int, alpha: float = 0.05, n_draws: int = 1999
) -> Bands:
    r"""Draw bands that cover every effect of a family at once.

    Read them where the question is whether any effect differs from 0, as in an event
    study: of twenty pointwise intervals one would miss by chance.

    Parameters
    ----------
    family : Family
        Effects with their influence functions.
    seed : int
        Of the multiplier draws.
    alpha : float
        One less the level.
    n_draws : int
        At least 199.

    Returns
    -------
    Bands
        Never narrower than the pointwise intervals.

    Raises
    ------
    ParamError
        If there are fewer than 199 draws.

    Notes
    -----
    Multiplier bootstrap of :math:`\max_j |t_j|` over clusters: influence summed
    within the cluster, times a draw of mean 0 and variance 1, over the standard error.
    Draws follow Webb's six points below 12 clusters, Mammen's two points up to 2,000,
    and the normal law beyond, where the sums are drawn from their normal law at once.
    With fewer than 40 clusters the result is widened by the ratio of Student's
    quantile to the normal one.

    References
    ----------
    .. [1] Callaway, B. and Sant'Anna, P. H. C. (2021). Difference-in-differences with
       multiple time periods. Journal of Econometrics 225, 200-230.
       doi:10.1016/j.jeconom.2020.12.001
    .. [2] Webb, M. D. (2023). Reworking wild bootstrap-based inference for clustered
       errors. Canadian Journal of Economics 56, 839-858. doi:10.1111/caje.12661
    """
    from scipy.stats import norm, t
    from threadpoolctl import threadpool_limits

    if n_draws < _FEWEST_DRAWS:
        raise ParamError.build(
            "Bands need more draws", rule=f"at least {_FEWEST_DRAWS}", got=n_draws
        )
    normal = float(norm.ppf(1 - alpha / 2))
    alone = float(t(family.df).ppf(1 - alpha / 2)) if family.df < math.inf else normal
    errors = np.sqrt(np.diag(family.covariance))
    free = errors > 0
    law = _choose_law(int(family.clusters.max()) + 1)
    critical = alone
    if free.any():
        sums = _sum_clusters(family.influence[:, free], family.clusters)
        scaled = sums / np.sqrt((sums**2).sum(axis=0))
        with threadpool_limits(limits=1):
            largest = _draw_largest(scaled, law, n_draws, np.random.default_rng(seed))
        rank = min(math.ceil((1 - alpha) * (n_draws + 1)), n_draws) - 1
        critical = max(alone, float(np.sort(largest)[rank]) * alone / normal)
    return Bands(
        table=_tabulate(family.table, errors, alone, critical),
        critical=critical,
        pointwise=alone,
        level=1 - alpha,
        law=law,
        n_draws=n_draws,
    )


def _choose_law(clusters: int) -> Law:
    if clusters < _FEW:
        return "webb"
    return "mammen" if clusters <= _MANY else "normal"


def _sum_clusters(influence: FloatArray, clusters: IntArray) -> FloatArray:
    groups = int(clusters.max()) + 1
    sums = [np.bincount(clusters, column, minlength=groups) for column in influence.T]
    return np.column_stack(sums).astype("float64")


def _draw_largest(
    scaled: FloatArray, law: Law, n_draws: int, rng: np.random.Generator
) -> FloatArray:
    """Draw the largest size of the standardised errors of all terms."""
    if law == "normal":
        values, vectors = np.linalg.eigh(scaled.T @ scaled)
        root = vectors * np.sqrt(np.clip(values, 0, None))
        drawn = rng.standard_normal((n_draws, len(values))) @ root.T
        return np.asarray(np.abs(drawn).max(axis=1), dtype="float64")
    largest = np.empty(n_draws)
    for start in range(0, n_draws, _BLOCK):
        stop = min(start + _BLOCK, n_draws)
        weights = _draw_weights(law, (stop - start, len(scaled)), rng)
        largest[start:stop] = np.abs(weights @ scaled).max(axis=1)
    return largest


def _draw_weights(
    law: Law, shape: tuple[int, int], rng: np.random.Generator
) -> FloatArray:
    if law == "webb":
        points = np.sqrt(np.array([0.5, 1.0, 1.5]))
        return rng.choice(np.concatenate([-points, points]), size=shape)
    root = math.sqrt(5)
    low, high = (1 - root) / 2, (1 + root) / 2
    return np.where(rng.random(shape) < (root + 1) / (2 * root), low, high)


def _tabulate(
    table: pd.DataFrame, errors: FloatArray, alone: float, critical: float
) -> pd.DataFrame:
    value = table["value"].to_numpy(dtype="float64")
    made = table[["term", "value", "std_error"]].copy()
    made["low"], made["high"] = value - alone * errors, value + alone * errors
    made["band_low"] = value - critical * errors
    made["band_high"] = value + critical * errors
    made["reference"] = table["reference"]
    return made
