"""What a test of pre-trends could have seen, and what it would have missed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.core.results import Check
from workbench.impact.did.group_time import GroupTime
from workbench.impact.did.pretrends import By, invert_covariance, judge_pretrend

__all__ = [
    "POWER",
    "TrendPower",
    "check_pretrend_power",
    "find_detectable_slope",
    "solve_slope",
]

FloatArray = npt.NDArray[np.float64]

POWER = 0.8
_MOST = 1e5


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPower:
    """What the test of pre-trends could have seen.

    Attributes
    ----------
    slope : float
        Linear difference in trends, in units of the outcome per quarter, that the
        test finds with the wanted power; NaN where the test does not apply.
    power : float
        That power.
    bias : float
        What such a trend would add to the effect by the quarter of the outcome.
    quarters : float
        Quarters from the base period to the quarter of the outcome, on average over
        learners.
    worth : float
        Smallest effect worth having, on the same scale; NaN if none is declared.
    effect : float
        The headline, to compare the bias with; NaN if not given.
    pretrend_powered : bool or None
        True if the bias is smaller than that effect; None if either is missing.
    reason : str
        Why there is no slope; empty if there is one.
    """

    slope: float
    power: float
    bias: float
    quarters: float
    worth: float
    effect: float
    pretrend_powered: bool | None
    reason: str = ""


def find_detectable_slope(
    group_time: GroupTime,
    *,
    lag: int,
    worth: float = math.nan,
    effect: float = math.nan,
    groups: Sequence[int] | None = None,
    by: By = "event_time",
    alpha: float = 0.05,
    power: float = POWER,
) -> TrendPower:
    r"""Find the trend that the test of pre-trends would probably have noticed.

    Parameters
    ----------
    group_time : GroupTime
        Effects by group and period.
    lag : int
        Quarters from the exposure to the outcome of the headline.
    worth : float
        Smallest effect worth having, on the outcome's scale, above 0.
    effect : float
        The headline, for the text.
    groups, by
        As in `judge_pretrend`.
    alpha : float
        Level of the test.
    power : float
        Probability of noticing the trend.

    Returns
    -------
    TrendPower
        The slope, the bias of the headline if that slope went unnoticed, and whether
        this bias is smaller than `worth`.

    Notes
    -----
    Under a linear difference in trends :math:`\gamma` a cell differs by
    :math:`v = \gamma (t - b)`, b being its base period. Wald's statistic is then
    noncentral with :math:`\lambda = \gamma^2 v' V^{+} v`; the slope solves the power
    for :math:`\lambda`.

    References
    ----------
    .. [1] Roth, J. (2022). Pretest with caution: event-study estimates after testing
       for parallel trends. American Economic Review: Insights 4, 305-322.
       doi:10.1257/aeri.20210236
    """
    test = judge_pretrend(group_time, groups=groups, by=by)
    quarters = _count_quarters(group_time, lag, groups)
    slope, reason = math.nan, test.reason
    if not reason:
        slope = solve_slope(
            test.covariance, test.path, df=test.df, alpha=alpha, power=power
        )
    bias = slope * quarters
    known = not (math.isnan(bias) or math.isnan(worth))
    return TrendPower(
        slope=slope,
        power=power,
        bias=bias,
        quarters=quarters,
        worth=worth,
        effect=effect,
        pretrend_powered=bool(bias < worth) if known else None,
        reason=reason,
    )


def solve_slope(
    covariance: FloatArray,
    path: FloatArray,
    *,
    df: float = math.inf,
    alpha: float = 0.05,
    power: float = POWER,
) -> float:
    """Find the multiple of a path that Wald's test notices with a given power.

    Parameters
    ----------
    covariance : array of shape (k, k)
        Of the effects tested; may be singular.
    path : array of shape (k,)
        Their values under the violation of size 1.
    df : float
        Of the denominator, infinite for the chi-squared law.
    alpha : float
        Level of the test.
    power : float
        Above `alpha`, below 1.

    Returns
    -------
    float
        Infinite if the test cannot see this path.
    """
    inverse, rank = invert_covariance(covariance)
    size = float(path @ inverse @ path)
    if size <= 0:
        return math.inf
    return math.sqrt(_find_noncentrality(rank, df, alpha, power) / size)


def check_pretrend_power(power: TrendPower) -> Check:
    """Check that a trend the test would miss could not feign an effect worth having."""
    if power.reason:
        return Check(
            check="pretrend_powered", passed=None, text=f"No test: {power.reason}."
        )
    found = (
        f"The test finds a difference in trends of {power.slope:.3g} per quarter with "
        f"{power.power:.0%} power. Unnoticed, it would shift the effect by "
        f"{power.bias:.3g} over {power.quarters:.3g} quarters"
    )
    if not math.isnan(power.effect):
        found += f", beside an estimate of {power.effect:.3g}"
    if power.pretrend_powered is None:
        return Check(
            check="pretrend_powered",
            passed=None,
            value=power.bias,
            text=f"{found}; no effect worth having is declared to compare it with.",
        )
    return Check(
        check="pretrend_powered",
        passed=power.pretrend_powered,
        value=power.bias,
        limit=power.worth,
        text=f"{found}; the smallest effect worth having is {power.worth:.3g}.",
        advice=""
        if power.pretrend_powered
        else "A passed test of pre-trends says little here: more quarters or people.",
    )


def _count_quarters(
    group_time: GroupTime, lag: int, groups: Sequence[int] | None
) -> float:
    """Average over learners the quarters from base to outcome."""
    table = group_time.table.loc[group_time.table["event_time"] == lag]
    if groups is not None:
        table = table.loc[table["group"].isin(list(groups))]
    if table.empty:
        return float(lag + 1 + group_time.anticipation)
    span = (table["period"] - table["base_period"]).to_numpy(dtype="float64")
    return float(np.average(span, weights=table["n_treated"]))


def _find_noncentrality(rank: int, df: float, alpha: float, power: float) -> float:
    """Return the noncentrality at which the test reaches the wanted power."""
    from scipy.optimize import brentq
    from scipy.stats import chi2, f, ncf, ncx2

    if math.isinf(df):
        limit = chi2(rank).ppf(1 - alpha)

        def gap(size: float) -> float:
            return float(ncx2.sf(limit, rank, size)) - power

    else:
        limit = f(rank, df).ppf(1 - alpha)

        def gap(size: float) -> float:
            return float(ncf.sf(limit, rank, df, size)) - power

    if gap(_MOST) < 0:
        return math.inf
    return float(brentq(gap, 1e-9, _MOST))
