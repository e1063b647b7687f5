"""Omitted-variable bias: what a cause nobody measured would do to an effect."""

from __future__ import annotations

import math

from workbench.impact.robustness.strengths import Regressed, Strength

__all__ = [
    "adjust_effect",
    "bound_confounder",
    "find_bias",
    "find_breaking_strength",
    "find_robustness_value",
    "measure_partial_r2",
]

_MOST = 100.0
_STEPS = 60


def measure_partial_r2(value: float, *, std_error: float, df: float) -> float:
    """Return the share of the outcome's variation that learning explains.

    A cause nobody measured that explains all of the rest of the outcome would have to
    explain this share of learning to bring the effect to 0.

    Parameters
    ----------
    value, std_error, df : float
        Coefficient, its classical error and its degrees of freedom.
    """
    squared = (value / std_error) ** 2
    return squared / (squared + df)


def find_robustness_value(
    value: float,
    *,
    std_error: float,
    df: float,
    quantile: float = 0.0,
    error: float | None = None,
) -> float:
    r"""Find how strong a hidden cause must be to bring an effect, or its end, to 0.

    Parameters
    ----------
    value : float
        The effect.
    std_error, df : float
        Classical error and degrees of freedom of the regression whose residuals the
        shares are of.
    quantile : float
        Critical value of the interval; 0 for the estimate itself.
    error : float, optional
        Error of the interval, where it is not the classical one.

    Returns
    -------
    float
        Share, equal for learning and for the outcome, of what the covariates leave
        of their variation; 0 where the interval holds 0 already.

    Notes
    -----
    With :math:`f = (|\hat\tau| - t\, s \sqrt{df / (df - 1)}) / (se \sqrt{df})` the
    robustness value is :math:`(\sqrt{f^4 + 4 f^2} - f^2) / 2`.

    References
    ----------
    .. [1] Cinelli, C. and Hazlett, C. (2020). Making sense of sensitivity: extending
       omitted variable bias. JRSS B 82, 39-67. doi:10.1111/rssb.12348

    Examples
    --------
    >>> round(find_robustness_value(0.09731582, std_error=0.02325654, df=783), 4)
    0.1388
    """
    own = std_error if error is None else error
    room = abs(value) - quantile * own * math.sqrt(df / (df - 1))
    if room <= 0:
        return 0.0
    squared = (room / (std_error * math.sqrt(df))) ** 2
    return (math.sqrt(squared**2 + 4 * squared) - squared) / 2


def bound_confounder(strength: Strength, *, times: float) -> tuple[float, float]:
    """Bound the strength of a hidden cause that is so many times as strong.

    Parameters
    ----------
    strength : Strength
        The measured covariate to compare with.
    times : float
        How many times as much the hidden cause explains of learning and of the
        outcome.

    Returns
    -------
    tuple of float
        Shares of learning and of the outcome; the second is at most 1. Both are NaN
        where no cause can be so strong: it would explain all of learning.

    References
    ----------
    .. [1] Cinelli and Hazlett (2020), section 4.4; see `find_robustness_value`.
    """
    own, other = strength.r2_treatment, strength.r2_outcome
    treatment = times * own / (1 - own) if own < 1 else math.inf
    shared = times * own**2 / ((1 - times * own) * (1 - own)) if own < 1 else math.inf
    if not (treatment < 1 and 0 <= shared < 1):
        return math.nan, math.nan
    if other >= 1:
        return treatment, 1.0
    factor = (math.sqrt(times) + math.sqrt(shared)) / math.sqrt(1 - shared)
    return treatment, min(1.0, factor**2 * other / (1 - other))


def find_bias(
    *, std_error: float, df: float, r2_treatment: float, r2_outcome: float
) -> float:
    """Return the size of the bias of a hidden cause, in the outcome's unit.

    Parameters
    ----------
    std_error, df : float
        Classical error and degrees of freedom of the regression.
    r2_treatment, r2_outcome : float
        What the hidden cause explains.
    """
    share = r2_outcome * r2_treatment / (1 - r2_treatment)
    return std_error * math.sqrt(df * share)


def adjust_effect(
    value: float,
    *,
    base: Regressed,
    r2_treatment: float,
    r2_outcome: float,
    error: float | None = None,
    tighten: bool = True,
) -> tuple[float, float]:
    """Return the effect, and its error, had the hidden cause been adjusted for.

    Parameters
    ----------
    value : float
        The effect; the bias is taken to have carried it away from 0.
    base : Regressed
        The regression whose residuals the shares are of.
    r2_treatment, r2_outcome : float
        What the hidden cause explains.
    error : float, optional
        The effect's own error where it is not the classical one; it changes by the
        same factor.
    tighten : bool
        Whether the error falls by what the hidden cause would explain of the outcome.
        Without, intervals also hold for causes that explain less of it than this, and
        do not shrink to a point for one that would explain everything.

    Returns
    -------
    tuple of float
        Effect and error.
    """
    bias = find_bias(
        std_error=base.std_error,
        df=base.df,
        r2_treatment=r2_treatment,
        r2_outcome=r2_outcome,
    )
    left = 1 - r2_outcome if tighten else 1.0
    factor = math.sqrt(left / (1 - r2_treatment) * base.df / (base.df - 1))
    own = base.std_error if error is None else error
    return value - math.copysign(bias, value), own * factor


def find_breaking_strength(
    value: float,
    *,
    base: Regressed,
    strength: Strength,
    quantile: float,
    error: float,
) -> float:
    """Find how many times as strong a hidden cause must be to reach 0.

    Parameters
    ----------
    value, error : float
        The effect and its error.
    base : Regressed
        The regression that the strengths were measured in.
    strength : Strength
        The covariate to compare with.
    quantile : float
        Critical value of the interval.

    Returns
    -------
    float
        Multiple at which the interval, not tightened, holds 0: 0 if it does already,
        infinite if no cause that can exist is strong enough, or 100 times is not.
    """

    def holds(times: float) -> bool:
        shares = bound_confounder(strength, times=times)
        if math.isnan(shares[0]):
            return False
        moved, own = adjust_effect(
            value,
            base=base,
            r2_treatment=shares[0],
            r2_outcome=shares[1],
            error=error,
            tighten=False,
        )
        return math.copysign(1.0, value) * moved <= quantile * own

    if abs(value) <= quantile * error:
        return 0.0
    high = _find_possible(strength)
    if not holds(high):
        return math.inf
    low = 0.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


def _find_possible(strength: Strength) -> float:
    """Return the largest multiple, up to 100, that a cause can have."""
    own = strength.r2_treatment
    if own <= 0:
        return _MOST
    limit = min((1 - own) / own, (1 - own) / own**2 / (1 + (1 - own) / own))
    return min(_MOST, limit * (1 - 1e-9))
