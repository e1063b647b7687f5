"""Levels that are reported beside effects: survey scores and shares, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.inference import estimate_cluster_error
from workbench.impact.sample import code_clusters

__all__ = ["Level", "measure_nps", "measure_share", "tabulate_levels"]

FloatArray = npt.NDArray[np.float64]

_PROMOTES = 9
_DETRACTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How things stand: no comparison, no effect.

    Attributes
    ----------
    value, low, high : float
        On the scale of the measure; NaN where too few people stand behind it, or where
        they cannot be told.
    std_error : float
        Clustered.
    n : int
        Answers or people.
    people : int
        Different people.
    clusters : int
        Clusters the error was made with.
    """

    value: float
    low: float
    high: float
    std_error: float
    n: int
    people: int
    clusters: int


def measure_nps(
    frame: pd.DataFrame, *, alpha: float = 0.05, min_group: int = 10
) -> Level:
    """Measure the net promoter score of answers from 0 to 10.

    Parameters
    ----------
    frame : DataFrame
        One row per answer: ``unit`` and ``score``.
    alpha : float
        One less the level of the interval.
    min_group : int
        Fewest different people.

    Returns
    -------
    Level
        Percentage points from -100 to 100: share of 9 and 10 less share of 0 to 6. The
        error is clustered by person, who may answer for several courses, with
        Student's t; the interval ends where the scale does. Where all answers are of
        one kind, neither error nor interval can be told.

    References
    ----------
    .. [1] Reichheld, F. F. (2003). The one number you need to grow. Harvard Business
       Review 81(12), 46-54.
    """
    score = frame["score"].to_numpy(dtype="float64")
    points = 100.0 * (score >= _PROMOTES) - 100.0 * (score <= _DETRACTS)
    made = _measure(points, frame["unit"], frame["unit"], alpha, min_group)
    if made.std_error == 0:
        return replace(made, low=math.nan, high=math.nan, std_error=math.nan)
    return replace(made, low=max(made.low, -100.0), high=min(made.high, 100.0))


def measure_share(
    frame: pd.DataFrame,
    column: str,
    *,
    cluster: str = "unit",
    alpha: float = 0.05,
    min_group: int = 10,
) -> Level:
    r"""Measure the share of rows for which something holds.

    Parameters
    ----------
    frame : DataFrame
        ``unit``, `column` (bool) and `cluster`.
    column : str
        What is counted.
    cluster : str
        Column within which rows are correlated, such as the manager.
    alpha : float
        One less the level of the interval.
    min_group : int
        Fewest different people.

    Returns
    -------
    Level
        From 0 to 1, with Wilson's interval for the effective number of rows
        :math:`n / d`, the design effect :math:`d \ge 1` being the clustered variance
        over that of independent rows [1]_.

    References
    ----------
    .. [1] Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions
       with small expected number of positive counts estimated from survey data. Survey
       Methodology 24, 193-201.
    """
    holds = frame[column].to_numpy(dtype="float64")
    made = _measure(holds, frame["unit"], frame[cluster], alpha, min_group)
    if math.isnan(made.value):
        return made
    low, high = _wilson(made, alpha)
    return replace(made, low=low, high=high)


def tabulate_levels(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return the table of levels: one row per measure, programme and period."""
    columns = ["measure", "program", "period", "value", "low", "high", "std_error"]
    columns += ["n", "unit", "target", "note"]
    return pd.DataFrame(rows, columns=columns).astype({"n": "Int64"})


def _measure(
    values: FloatArray,
    units: pd.Series,
    clusters: pd.Series,
    alpha: float,
    min_group: int,
) -> Level:
    from scipy.stats import t

    people = int(units.nunique())
    codes = code_clusters(clusters)
    count = int(codes.max()) + 1 if len(codes) else 0
    if people < min_group or count < 2:
        nothing = math.nan
        return Level(
            value=nothing,
            low=nothing,
            high=nothing,
            std_error=nothing,
            n=len(values),
            people=people,
            clusters=count,
        )
    mean = float(values.mean())
    influence = ((values - mean) / len(values))[:, None]
    error = estimate_cluster_error(influence, {"cluster": codes})
    spread = math.sqrt(max(float(error.covariance[0, 0]), 0.0))
    half = float(t.ppf(1 - alpha / 2, error.df)) * spread
    return Level(
        value=mean,
        low=mean - half,
        high=mean + half,
        std_error=spread,
        n=len(values),
        people=people,
        clusters=count,
    )


def _wilson(level: Level, alpha: float) -> tuple[float, float]:
    from scipy.stats import t

    share = level.value
    simple = share * (1 - share) / level.n
    effect = max(1.0, level.std_error**2 / simple) if simple > 0 else 1.0
    size = level.n / effect
    z = float(t.ppf(1 - alpha / 2, level.clusters - 1))
    centre = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = (
        z
        / (1 + z**2 / size)
        * math.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    )
    return max(0.0, centre - half), min(1.0, centre + half)
