"""How far trends may differ before the conclusion no longer holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import DesignError, ParamError
from workbench.core.results import Check
from workbench.impact.did.averages import Aggregate, Family

__all__ = [
    "RATIOS",
    "Sensitivity",
    "bound_relative_magnitudes",
    "check_pre_periods",
    "check_sensitivity",
    "count_pre_steps",
    "describe_sensitivity",
    "estimate_sensitivity",
]

FloatArray = npt.NDArray[np.float64]

RATIOS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Ratios M shown by default: trends after exposure to the worst step before it."""

_FEWEST_STEPS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Intervals of the headline when trends may differ after the exposure.

    Attributes
    ----------
    curve : DataFrame
        ``ratio`` (M), ``low`` and ``high`` (interval that covers the effect with at
        least `level` if M holds), ``range_low`` and ``range_high`` (effects that fit
        the point estimates, sampling error left out), ``excludes_zero``.
    breakdown : float
        Largest M at which the interval leaves out 0; 0 if it never does, infinite if
        no step before the exposure could be told from 0 at all.
    worst_step : float
        Largest estimated step before the exposure, in absolute value.
    step_bound : float
        What the largest true step does not exceed with confidence 1 - alpha_step.
    quarters : float
        Steps between the base and the outcome of the headline.
    n_steps : int
        Steps before the exposure.
    level : float
        Of the intervals.
    """

    curve: pd.DataFrame
    breakdown: float
    worst_step: float
    step_bound: float
    quarters: float
    n_steps: int
    level: float


def estimate_sensitivity(
    headline: Aggregate,
    event_study: Family,
    *,
    lag: int,
    anticipation: int = 0,
    ratios: Sequence[float] = RATIOS,
    alpha: float = 0.05,
) -> Sensitivity:
    """Bound the headline if trends differ after the exposure as they did before.

    Parameters
    ----------
    headline : Aggregate
        Effect `lag` quarters after the exposure.
    event_study : Family
        Of the same groups, by event time, with a base that varies: each earlier term
        is a step from the quarter before it.
    lag : int
        Quarters from the exposure to the outcome.
    anticipation : int
        As in the group-time effects; the terms within it are no earlier steps.
    ratios : sequence of float
        Values of M, 0 or more.
    alpha : float
        One less the level.

    Returns
    -------
    Sensitivity
        From `bound_relative_magnitudes`.

    Raises
    ------
    DesignError
        If no step before the exposure is known.
    ParamError
        If the base is universal, so that earlier terms are no steps.
    """
    table = event_study.table
    if table["reference"].any():
        raise ParamError.build(
            "Steps before the exposure need a base that varies",
            hint="estimate the group-time effects with base='varying'",
        )
    earlier = table["term"] < -anticipation
    steps = table.loc[earlier, "value"].to_numpy(dtype="float64")
    errors = table.loc[earlier, "std_error"].to_numpy(dtype="float64")
    return bound_relative_magnitudes(
        headline.value,
        headline.std_error,
        steps,
        errors,
        quarters=lag + 1 + anticipation,
        ratios=ratios,
        alpha=alpha,
        df=min(headline.df, event_study.df),
    )


def bound_relative_magnitudes(
    value: float,
    std_error: float,
    steps: FloatArray,
    step_errors: FloatArray,
    *,
    quarters: float,
    ratios: Sequence[float] = RATIOS,
    alpha: float = 0.05,
    df: float = math.inf,
) -> Sensitivity:
    r"""Find intervals that hold under relative magnitudes, by construction.

    The assumption is that without learning the learners' path would have left that of
    the others by at most M times, per quarter, the largest step by which it left it
    before the exposure.

    Parameters
    ----------
    value, std_error : float
        Effect under parallel trends.
    steps, step_errors : array
        Steps before the exposure: changes from one quarter to the next, learners less
        others.
    quarters : float
        Steps from the base to the outcome; their mean for an average over quarters.
    ratios : sequence of float
        Values of M, 0 or more.
    alpha : float
        One less the level.
    df : float
        Degrees of freedom of Student's t.

    Returns
    -------
    Sensitivity
        Curve over M and breakdown value.

    Raises
    ------
    DesignError
        If there is no step.
    ParamError
        If a ratio is negative.

    Notes
    -----
    The bias is at most :math:`B = q M \max_j |\delta_j|` with q `quarters`. Half of
    alpha bounds the step: for the index of the largest true step, which is fixed,
    :math:`|\hat\delta_j| + z_{1-\alpha/2} s_j` exceeds it with probability of at least
    :math:`1 - \alpha/2`, and so does the maximum U of this over all j. The other half
    is the error of the effect: :math:`\hat\tau \pm (q M U + z_{1-\alpha/4} s)`. By
    Bonferroni both hold together with at least :math:`1 - \alpha`, whatever the
    correlations. The breakdown value is
    :math:`(|\hat\tau| - z_{1-\alpha/4} s) / (q U)`. The intervals are wider than
    those of a conditional test, and never too short.

    References
    ----------
    .. [1] Rambachan, A. and Roth, J. (2023). A more credible approach to parallel
       trends. Review of Economic Studies 90, 2555-2591. doi:10.1093/restud/rdad018

    Examples
    --------
    >>> found = bound_relative_magnitudes(
    ...     1.0, 0.1, np.array([0.1, -0.2]), np.array([0.1, 0.1]), quarters=2
    ... )
    >>> round(found.step_bound, 3), round(found.breakdown, 3)
    (0.396, 0.98)
    """
    from scipy.stats import norm, t

    if len(steps) < _FEWEST_STEPS:
        raise DesignError.build(
            "Sensitivity to other trends needs steps before the exposure",
            rule="two quarters or more before it",
            hint="gather more quarters",
        )
    if min(ratios) < 0:
        raise ParamError.build("A ratio of trends is negative", got=tuple(ratios))
    law = norm() if math.isinf(df) else t(df)
    bound = float((np.abs(steps) + law.ppf(1 - alpha / 2) * step_errors).max())
    worst = float(np.abs(steps).max())
    error = float(law.ppf(1 - alpha / 4)) * std_error
    ratio = np.array(sorted(ratios), dtype="float64")
    half = quarters * ratio * bound + error
    range_half = quarters * ratio * worst
    curve = pd.DataFrame(
        {
            "ratio": ratio,
            "low": value - half,
            "high": value + half,
            "range_low": value - range_half,
            "range_high": value + range_half,
            "excludes_zero": abs(value) > half,
        }
    )
    room = max(abs(value) - error, 0.0)
    return Sensitivity(
        curve=curve,
        breakdown=room / (quarters * bound) if bound > 0 else math.inf,
        worst_step=worst,
        step_bound=bound,
        quarters=quarters,
        n_steps=len(steps),
        level=1 - alpha,
    )


def describe_sensitivity(found: Sensitivity, *, unit: str = "") -> str:
    """Say in one sentence how far trends may differ before the conclusion falls."""
    size = f"{found.worst_step:.3g} {unit}".strip()
    if found.breakdown <= 0:
        return (
            "Even with parallel trends the cautious interval holds 0, so no difference "
            f"in trends is needed to explain the result (worst earlier step {size})."
        )
    if math.isinf(found.breakdown):
        return "No step before the exposure differs from 0, and none has an error."
    return (
        f"The effect stays apart from 0 as long as learners' path would have drifted "
        f"from the others', per quarter, by no more than {found.breakdown:.2f} times "
        f"the largest step before the exposure (estimated {size}; {found.level:.0%} "
        "interval that also counts the error of that step)."
    )


def check_sensitivity(found: Sensitivity | None, *, needed: float = 1.0) -> Check:
    """Check that trends as unequal as before the exposure would not undo the effect.

    Parameters
    ----------
    found : Sensitivity or None
        None if there are too few quarters.
    needed : float
        Ratio M that the effect should survive.

    Returns
    -------
    Check
        Advisory, on the breakdown value.
    """
    if found is None:
        return Check(
            check="trend_sensitivity",
            passed=None,
            text="Not applicable: fewer than two quarters before the exposure.",
        )
    passed = found.breakdown >= needed
    return Check(
        check="trend_sensitivity",
        passed=passed,
        value=found.breakdown,
        limit=needed,
        text=describe_sensitivity(found),
        advice="" if passed else "Modest differences in trends could explain it.",
    )


def count_pre_steps(event_study: Family, *, anticipation: int = 0) -> int:
    """Return how many steps between quarters before the exposure are known."""
    table = event_study.table
    earlier = (table["term"] < -anticipation) & ~table["reference"]
    return int(earlier.sum())


def check_pre_periods(event_study: Family, *, anticipation: int = 0) -> Check:
    """Check that there are two quarters before the exposure, so one step to judge."""
    steps = count_pre_steps(event_study, anticipation=anticipation)
    periods = steps + 1
    if steps < _FEWEST_STEPS:
        return Check(
            check="pre_periods",
            passed=None,
            value=float(periods),
            limit=2.0,
            text="Not applicable: fewer than two quarters before the exposure, so "
            "trends before it cannot be compared.",
            advice="Parallel trends are assumed without a look at them.",
        )
    return Check(
        check="pre_periods",
        passed=True,
        value=float(periods),
        limit=2.0,
        text=f"Trends are compared over {periods} quarters before the exposure.",
    )
