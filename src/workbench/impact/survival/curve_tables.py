"""Curves and numbers at risk as tables that may be published."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.inference import estimate_cluster_error
from workbench.impact.survival.bands import find_band_quantile
from workbench.impact.survival.competing import estimate_incidence
from workbench.impact.survival.influence import influence_incidence
from workbench.impact.survival.kaplan_meier import estimate_survival
from workbench.impact.survival.matched_follow import Followed
from workbench.impact.survival.steps import find_normal_quantile, limit_survival

__all__ = ["COLUMNS", "tabulate_curves"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

COLUMNS = (
    "arm",
    "cause",
    "kind",
    "time",
    "estimate",
    "low",
    "high",
    "band_low",
    "band_high",
    "at_risk",
    "horizon",
    "extrapolated",
)

_EVERY = 7
_MARKS = 4
_TURNED = {
    "low": "high",
    "high": "low",
    "band_low": "band_high",
    "band_high": "band_low",
}


def tabulate_curves(
    followed: Followed, causes: tuple[str, ...], *, alpha: float, min_group: int
) -> pd.DataFrame:
    """Tabulate the curves of matched learners and others, week by week.

    Parameters
    ----------
    followed : Followed
        The comparison.
    causes : tuple of str
        As in `FollowUp`; each has a curve. Where the outcome is a time, only the first
        one has: the share to whom it would have happened had nobody left. Finer causes
        have curves too, where they are known.
    alpha : float
        One less the level of the pointwise intervals.
    min_group : int
        A curve ends where fewer people of its arm are at risk.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS`. ``low`` and ``high`` are about one day chosen
        beforehand; ``band_low`` and ``band_high`` hold the whole curve at once, from a
        quarter of the horizon on (nearly so where events compete). ``kind`` is
        ``survival`` for the share to whom the event of interest did not happen, where
        that is the outcome, else ``incidence``. ``at_risk`` counts different people,
        who may serve in several trials, at quarters of the horizon only, so that
        nobody's day can be read off it.

    Notes
    -----
    Intervals on the log-log scale. The error row by row is widened by the factor that
    clustering by person (and team) makes at quarters of the horizon, interpolated
    between them.
    """
    grid = np.unique(
        np.append(np.arange(0, followed.horizon + 1, _EVERY), followed.horizon)
    ).astype("float64")
    marks = np.round(np.linspace(0, followed.horizon, _MARKS + 1))
    grid = np.union1d(grid, marks)
    drawn = causes[:1] if followed.in_days else causes
    tables = [
        _tabulate_arm(
            followed, treated, number, name, grid, marks, alpha=alpha, least=min_group
        )
        for number, name in enumerate(drawn, start=1)
        for treated in (True, False)
    ]
    if followed.detail is not None:
        fine = replace(followed, cause=followed.detail, kept=False)
        tables += [
            _tabulate_arm(
                fine, treated, number, name, grid, marks, alpha=alpha, least=min_group
            )
            for number, name in enumerate(followed.details, start=1)
            if name not in causes
            for treated in (True, False)
        ]
    table = pd.concat(tables, ignore_index=True)
    return table[list(COLUMNS)].astype({"at_risk": "Int64"})


def _tabulate_arm(
    followed: Followed,
    treated: bool,
    cause: int,
    name: str,
    grid: FloatArray,
    marks: FloatArray,
    *,
    alpha: float,
    least: int,
) -> pd.DataFrame:
    rows = followed.arm(treated=treated)
    at_risk = _count_people(followed, rows, grid)
    shown = at_risk >= least
    curve = _read_curve(
        followed, rows, cause, grid, marks[np.isin(marks, grid[shown])], alpha
    )
    curve = curve.where(pd.Series(shown), math.nan)
    kept = followed.kept and cause == 1
    if not kept:
        curve = (1 - curve).rename(columns=_TURNED)
    counted = np.where(np.isin(grid, marks) & shown, at_risk, -1)
    table = pd.DataFrame(
        {
            "arm": "learners" if treated else "others",
            "cause": name,
            "kind": "survival" if kept else "incidence",
            "time": grid,
            **curve,
            "at_risk": pd.array(counted, dtype="Int64"),
            "horizon": followed.horizon,
            "extrapolated": False,
        }
    )
    table.loc[table["at_risk"] < 0, "at_risk"] = pd.NA
    return table


def _read_curve(
    followed: Followed,
    rows: BoolArray,
    cause: int,
    grid: FloatArray,
    marks: FloatArray,
    alpha: float,
) -> pd.DataFrame:
    """Return the share to whom an event has not happened, with interval and band."""
    duration, causes = followed.duration[rows], followed.cause[rows]
    weights = followed.weight[rows]
    kinds = np.where(causes == cause, 1, 0 if followed.in_days else 2 * (causes > 0))
    if followed.in_days:
        curve = estimate_survival(duration, kinds, weights=weights, alpha=alpha)
        value = curve.at(grid)[0]
        time, errors = curve.time, curve.std_error
    else:
        found = estimate_incidence(duration, kinds, weights=weights, alpha=alpha)
        value = 1 - found.at(grid)[0]
        time, errors = found.time, found.std_error
    places = np.searchsorted(time, grid, side="right")
    error = np.append(0.0, errors)[places]
    error *= _measure_widening(followed, rows, kinds, grid, marks)
    low, high = limit_survival(value, error, find_normal_quantile(alpha))
    inside = (grid >= grid[-1] / _MARKS) & np.isfinite(value) & (value > 0)
    wide = _find_width(value[inside], error[inside], alpha)
    outer_low, outer_high = limit_survival(value, error, wide)
    return pd.DataFrame(
        {
            "estimate": value,
            "low": low,
            "high": high,
            "band_low": np.where(inside, outer_low, math.nan),
            "band_high": np.where(inside, outer_high, math.nan),
        }
    )


def _find_width(value: FloatArray, error: FloatArray, alpha: float) -> float:
    """Return how many errors wide the band is; missing where none can be drawn."""
    if len(value) == 0 or error[0] <= 0:
        return math.nan
    spread = np.maximum.accumulate(error / value)
    return find_band_quantile(float(spread[-1] / spread[0]) ** 2, alpha=alpha)


def _measure_widening(
    followed: Followed,
    rows: BoolArray,
    kinds: IntArray,
    grid: FloatArray,
    marks: FloatArray,
) -> FloatArray:
    """Return by which factor errors by person (and team) exceed those row by row."""
    clusters = {
        name: np.unique(codes[rows], return_inverse=True)[1]
        for name, codes in followed.sample.clusters.items()
    }
    days, factors = [], []
    for day in marks:
        _, influence = influence_incidence(
            followed.duration[rows], kinds, float(day), weights=followed.weight[rows]
        )
        plain = float(influence @ influence)
        if plain > 0:
            found = estimate_cluster_error(influence[:, None], clusters)
            days.append(float(day))
            factors.append(math.sqrt(float(found.covariance[0, 0]) / plain))
    if not days:
        return np.ones(len(grid))
    return np.maximum(np.interp(grid, days, factors), 1.0)


def _count_people(followed: Followed, rows: BoolArray, grid: FloatArray) -> IntArray:
    """Count the different people still followed just before each day."""
    units = followed.sample.clusters["unit"][rows]
    longest = np.zeros(int(units.max()) + 1)
    np.maximum.at(longest, units, followed.duration[rows])
    ordered = np.sort(longest[longest > 0])
    counted: IntArray = len(ordered) - np.searchsorted(ordered, grid, side="left")
    return counted
