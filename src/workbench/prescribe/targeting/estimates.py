"""Values with errors that are joint over outcomes, rules and people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.inference import estimate_cluster_error
from workbench.prescribe.targeting.scores import Scores

__all__ = ["NO_SHIFT", "Band", "PathShift", "Value", "draw_band", "estimate_values"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_DRAWS = 2000
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class PathShift:
    """What a path is worth beyond the programme as it was taken, for one learner.

    Attributes
    ----------
    value : float
        Sum over modules of (in the path, less the share that passed it) times the
        module's effect, in thresholds.
    influence : Series or None
        Influence of each person on it, by ``unit``; people may be others than those
        of the scores. None where no person's part in it is known.
    std_error : float
        Standard error that comes from elsewhere, such as a posterior over many
        programmes: independent of the people, and not in `influence`.
    """

    value: float = 0.0
    influence: pd.Series | None = None
    std_error: float = 0.0

    @property
    def whole_error(self) -> float:
        """Standard error of both parts, people being independent of each other."""
        own = 0.0 if self.influence is None else float((self.influence**2).sum())
        return math.sqrt(own + self.std_error**2)


NO_SHIFT = PathShift()
"""The programme as it was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One estimate in thresholds.

    ``df`` are degrees of freedom for Student's t: at most clusters less one, fewer
    where a few of them carry the error.
    """

    value: float
    std_error: float
    df: float

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the ends of the interval of level 1 - alpha."""
        from scipy.stats import t

        half = float(t.ppf(1 - alpha / 2, self.df)) * self.std_error
        return self.value - half, self.value + half

    def p_value(self) -> float:
        """Return the two-sided p-value of no difference from 0; NaN without error."""
        from scipy.stats import t

        if not self.std_error > 0:
            return math.nan
        return float(2 * t.sf(abs(self.value) / self.std_error, self.df))


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Ends that hold all points of a curve at once, at the level 1 - alpha."""

    low: FloatArray
    high: FloatArray
    critical: float


def estimate_values(
    scores: Scores,
    found: Sequence[tuple[float, FloatArray]],
    *,
    shift: PathShift = NO_SHIFT,
    shares: Sequence[float] | None = None,
    contrasts: FloatArray | None = None,
) -> list[Value]:
    """Give values their clustered errors, and differences of them the joint one.

    Parameters
    ----------
    scores : Scores
        The rows.
    found : sequence of tuple
        Value and influence of each row on it.
    shift : PathShift
        Added to each value, times its share of learners on the path.
    shares : sequence of float, optional
        Those shares; 0 for what is not on the path. By default no value is shifted.
    contrasts : array of shape (values, len(found)), optional
        Differences to report instead of the values themselves.

    Returns
    -------
    list of Value
        Errors by person, and by team where the programme was given by team (CR1), with
        Satterthwaite's degrees of freedom.

    References
    ----------
    .. [1] Satterthwaite, F. E. (1946). An approximate distribution of estimates of
       variance components. Biometrics Bulletin 2, 110-114. doi:10.2307/3002019
    """
    on_path = np.zeros(len(found)) if shares is None else np.asarray(shares)
    point = np.array([value for value, _ in found]) + on_path * shift.value
    influence = np.column_stack([item for _, item in found])
    clusters = dict(scores.clusters)
    if shift.influence is not None and on_path.any():
        extra, clusters = _join(scores, shift.influence)
        influence = np.vstack([influence, np.outer(extra, on_path)])
    if contrasts is not None:
        point, influence = contrasts @ point, influence @ contrasts.T
        on_path = contrasts @ on_path
    return [
        _add_error(
            _measure(float(one), influence[:, [place]], clusters),
            float(abs(on_path[place])) * shift.std_error,
        )
        for place, one in enumerate(point)
    ]


def draw_band(
    values: FloatArray,
    influence: FloatArray,
    scores: Scores,
    *,
    alpha: float,
    seed: int,
) -> Band:
    """Draw a band around a curve by the multiplier bootstrap over clusters.

    Parameters
    ----------
    values : array
        Points of the curve.
    influence : array of shape (rows, points)
        Influence of each row on each point.
    scores : Scores
        The rows, for their clusters.
    alpha : float
        One less the level.
    seed : int
        Of the draws.

    Returns
    -------
    Band
        With normal multipliers, whose sums are drawn from their normal law at once; as
        wide as pointwise intervals at least. Points without error have none.
    """
    from scipy.stats import norm, t

    error = estimate_cluster_error(influence, scores.clusters)
    spread = np.sqrt(np.clip(np.diag(error.covariance), 0, None))
    free = spread > _NOTHING
    alone = float(t.ppf(1 - alpha / 2, error.df))
    critical = alone
    if free.any():
        scale = np.outer(spread[free], spread[free])
        sizes, vectors = np.linalg.eigh(error.covariance[np.ix_(free, free)] / scale)
        root = vectors * np.sqrt(np.clip(sizes, 0, None))
        draws = np.random.default_rng(seed).standard_normal((_DRAWS, len(sizes)))
        largest = np.abs(draws @ root.T).max(axis=1)
        wider = alone / float(norm.ppf(1 - alpha / 2))
        critical = max(alone, float(np.quantile(largest, 1 - alpha)) * wider)
    half = critical * spread
    return Band(low=values - half, high=values + half, critical=critical)


def _measure(
    value: float, influence: FloatArray, clusters: dict[str, IntArray]
) -> Value:
    """Measure one error; values without any, such as that of nobody, have none."""
    if not np.abs(influence).max(initial=0.0) > 0:
        counts = [int(codes.max()) for codes in clusters.values()]
        return Value(value=value, std_error=0.0, df=float(min(counts)))
    error = estimate_cluster_error(influence, clusters)
    spread = math.sqrt(max(float(error.covariance[0, 0]), 0.0))
    free = [_count_free(influence[:, 0], codes) for codes in clusters.values()]
    return Value(value=value, std_error=spread, df=min(error.df, *free))


def _add_error(value: Value, error: float) -> Value:
    """Add an independent error that is known: its variance, without its own df."""
    if not error > 0:
        return value
    own, total = value.std_error**2, value.std_error**2 + error**2
    df = value.df * (total / own) ** 2 if own > 0 else math.inf
    return replace(value, std_error=math.sqrt(total), df=df)


def _count_free(influence: FloatArray, codes: IntArray) -> float:
    """Count degrees of freedom of the sum of squares over clusters.

    Satterthwaite's twice the squared mean over the variance, the latter from fourth
    powers: some G for G normal clusters of one size.
    """
    sums = np.bincount(np.unique(codes, return_inverse=True)[1], influence)
    squares = sums**2
    total = float(squares.sum())
    varies = float((squares**2).sum()) - total**2 / len(sums)
    return 2 * total**2 / varies if varies > 0 else float(len(sums) - 1)


def _join(
    scores: Scores, influence: pd.Series
) -> tuple[FloatArray, dict[str, IntArray]]:
    """Add one row per person of a shift, in the clusters of the scores' people."""
    frame = scores.frame
    first = frame.drop_duplicates("unit").set_index("unit").index
    place = np.flatnonzero(~frame["unit"].duplicated().to_numpy())
    row = pd.Series(place, index=first).reindex(influence.index)
    known = row.notna().to_numpy()
    lone = np.arange(int((~known).sum()))
    clusters = {}
    for name, codes in scores.clusters.items():
        own = np.empty(len(influence), dtype="int64")
        own[known] = codes[row[known].to_numpy(dtype="int64")]
        own[~known] = int(codes.max()) + 1 + lone
        clusters[name] = np.concatenate([codes, own])
    return influence.to_numpy(dtype="float64"), clusters
