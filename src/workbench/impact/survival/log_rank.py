"""Test whether the event comes as soon in one group as in another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.errors import NoVariationError, ParamError, RangeError
from workbench.impact.inference import estimate_cluster_error
from workbench.impact.survival.risk_sets import (
    Martingale,
    RiskSets,
    build_risk_sets,
    divide_hazard,
    evaluate_rows,
)

__all__ = ["LogRank", "test_log_rank"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Clusters = npt.ArrayLike | Mapping[str, IntArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRank:
    """A test that the event comes equally soon in all groups.

    Attributes
    ----------
    statistic : float
        Squared distance of the events from those expected, over its variance; missing
        where nothing can be tested, as after no event.
    df : int
        Groups that can be told apart, less one.
    p_value : float
        Missing with the statistic.
    error : str
        How the variance was made, in words.
    """

    statistic: float
    df: int
    p_value: float
    error: str


def test_log_rank(
    duration: npt.ArrayLike,
    event: npt.ArrayLike,
    group: npt.ArrayLike,
    *,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    cluster: Clusters | None = None,
    rho: float = 0.0,
) -> LogRank:
    r"""Test whether survival curves of groups are the same over the whole time.

    It looks best for hazards in a constant ratio, and can miss curves that cross.

    Parameters
    ----------
    duration : array of shape (rows,)
        Days to the event or to the end of the follow-up.
    event : array of bool of shape (rows,)
        Whether the event happened then.
    group : array of shape (rows,)
        At least two values.
    entry : array, optional
        Day after which a row is under observation.
    weights : array, optional
        Above 0; default 1. Other weights make the test robust, row by row.
    cluster : array or mapping of str to array of int, optional
        Codes of the sets of rows that are dependent, in one direction or several. By
        default rows are independent.
    rho : float
        Weight of an event by the share without it just before, to this power: 0 for
        the log-rank test, 1 for Peto and Peto's, which looks at early events.

    Returns
    -------
    LogRank
        Chi-squared without clusters; with them an F test (Hotelling) with the fewest
        clusters less the degrees of freedom.

    Raises
    ------
    NoVariationError
        If there is one group only.
    ParamError
        If `rho` is below 0.
    RangeError, TooFewUnitsError
        If arrays do not fit each other, as in `build_risk_sets`; or if all rows lie in
        one cluster.

    Notes
    -----
    Events less expected events :math:`\sum (d_g - d\,n_g/n)`, with the hypergeometric
    variance for independent rows. The robust variance sums the scores
    :math:`\int (z_i - \bar z)\,(dN_i - h\,dt)` within clusters, squares them, and
    multiplies by G/(G-1); it is that of Cox regression's score test at a ratio of 1
    [1]_, and allows for pairs and for weights.

    References
    ----------
    .. [1] Lin, D. Y. and Wei, L. J. (1989). The robust inference for the Cox
       proportional hazards model. Journal of the American Statistical Association 84,
       1074-1078. doi:10.1080/01621459.1989.10478874

    Examples
    --------
    >>> found = test_log_rank(
    ...     [3.0, 5.0, 7.0, 9.0, 18.0, 12.0, 19.0, 20.0, 20.0, 33.0],
    ...     [1, 1, 1, 0, 1, 1, 1, 1, 0, 0],
    ...     ["learners"] * 5 + ["others"] * 5,
    ... )
    >>> round(found.statistic, 2), found.df
    (5.2, 1)
    """
    if rho < 0:
        raise ParamError.build("Unknown weighting of time", rule="rho >= 0", got=rho)
    sets = build_risk_sets(
        duration, np.asarray(event, dtype="bool"), entry=entry, weights=weights
    )
    names, codes = np.unique(np.asarray(group), return_inverse=True)
    if len(codes) != len(sets.kind):
        raise RangeError.build(
            "Arrays differ in length", got=[len(sets.kind), len(codes)]
        )
    if len(names) < 2:
        raise NoVariationError.build(
            "There is one group only, so nothing can be compared", rule="two or more"
        )
    members = (codes[:, None] == np.arange(1, len(names))).astype("float64")
    scale = _weigh_times(sets, rho)
    if cluster is None and (sets.weights == 1).all():
        return _test_independent(sets, members, scale)
    return _test_clusters(sets, members, scale, _name_clusters(cluster, sets))


test_log_rank.__test__ = False  # type: ignore[attr-defined]


def _weigh_times(sets: RiskSets, rho: float) -> FloatArray:
    hazard, _ = divide_hazard(sets.count(1), sets.at_risk)
    before: FloatArray = np.append(1.0, np.cumprod(1 - hazard)[:-1])
    return before**rho


def _test_independent(
    sets: RiskSets, members: FloatArray, scale: FloatArray
) -> LogRank:
    """Test with the hypergeometric variance."""
    from scipy.special import chdtrc

    events, there = sets.count(1), sets.at_risk
    spread = events * (there - events) / np.maximum(there - 1, 1) * scale**2
    shares = np.column_stack([sets.sum_at_risk(column) / there for column in members.T])
    seen = np.column_stack([sets.sum_events(column, 1) for column in members.T])
    score = scale @ (seen - events[:, None] * shares)
    covariance = np.diag(spread @ shares) - shares.T @ (shares * spread[:, None])
    statistic, df = _divide(score, covariance)
    return LogRank(
        statistic=statistic,
        df=df,
        p_value=float(chdtrc(df, statistic)) if df else math.nan,
        error="hypergeometric, rows independent",
    )


def _test_clusters(
    sets: RiskSets,
    members: FloatArray,
    scale: FloatArray,
    clusters: Mapping[str, IntArray],
) -> LogRank:
    """Test with the scores of the rows, summed within clusters."""
    from scipy.special import fdtrc

    hazard = scale * sets.count(1) / sets.at_risk
    last = len(sets.time) - 1
    own = evaluate_rows(sets, Martingale(jump=(scale,), drift=hazard), last)
    scores = np.empty_like(members)
    for position, column in enumerate(members.T):
        mean = sets.sum_at_risk(column * sets.weights) / sets.at_risk
        process = Martingale(jump=(scale * mean,), drift=hazard * mean)
        scores[:, position] = column * own - evaluate_rows(sets, process, last)
    scores *= sets.weights[:, None]
    found = estimate_cluster_error(scores, clusters)
    statistic, df = _divide(scores.sum(axis=0), found.covariance)
    left = found.df + 1 - df
    p_value = math.nan
    if df and left > 0:
        p_value = float(fdtrc(df, left, statistic * left / (df * found.df)))
    return LogRank(
        statistic=statistic, df=df, p_value=p_value, error=f"robust, {found.text}"
    )


def _name_clusters(cluster: Clusters | None, sets: RiskSets) -> Mapping[str, IntArray]:
    """Return codes from 0 by direction."""
    rows = len(sets.kind)
    if cluster is None:
        return {"row": np.arange(rows)}
    given = cluster if isinstance(cluster, Mapping) else {"cluster": cluster}
    codes = {
        name: np.unique(np.asarray(values), return_inverse=True)[1].astype("int64")
        for name, values in given.items()
    }
    sizes = [len(values) for values in codes.values()]
    if set(sizes) != {rows}:
        raise RangeError.build("Arrays differ in length", got=[rows, *sizes])
    return codes


def _divide(score: FloatArray, covariance: FloatArray) -> tuple[float, int]:
    """Return the quadratic form and its rank; missing where nothing varies."""
    df = int(np.linalg.matrix_rank(covariance, hermitian=True))
    if df == 0:
        return math.nan, 0
    solved = np.linalg.lstsq(covariance, score, rcond=None)[0]
    return float(score @ solved), df
