"""Effect of completing a programme, from an experiment that could only offer it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.results import Check
from workbench.impact.effects import Effect
from workbench.impact.experiment.drawn import Drawn
from workbench.impact.experiment.randomised import measure_error
from workbench.impact.wording import write_alike

__all__ = ["CACE", "COLUMNS", "WEAK", "Compliance", "estimate_cace"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

CACE = "ab_iv"
WEAK = 10.0
"""Below this first-stage F the ordinary interval is not to be trusted."""

COLUMNS = (
    *("method", "estimate", "std_error", "ci_low", "ci_high", "p_value"),
    *("first_stage_f", "share_treatment", "share_control", "text"),
)

_MOST_UNKNOWN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """Who completed the programme, and what completing it changed.

    Attributes
    ----------
    effect : Effect or None
        Method ``ab_iv``; None where it cannot be told, `text` says why.
    interval : tuple of float
        The interval to read: Anderson and Rubin's where the offer hardly moved
        completion, otherwise the ordinary one. NaN without effect.
    robust_interval : tuple of float
        Anderson and Rubin's; infinite ends where the data set no limit.
    f_statistic : float
        Of the offer in the regression of completing on it.
    share_treatment, share_control : float
        Shares that completed; NaN if unknown.
    weak : bool
        Whether F is below 10.
    table : DataFrame
        `COLUMNS`: two-stage least squares, and Anderson and Rubin.
    text : str
        Sentences.
    check : Check
        ``compliance`` (advisory).
    """

    effect: Effect | None
    interval: tuple[float, float]
    robust_interval: tuple[float, float]
    f_statistic: float
    share_treatment: float
    share_control: float
    weak: bool
    table: pd.DataFrame
    text: str
    check: Check


def estimate_cace(drawn: Drawn, *, itt_p: float, alpha: float = 0.05) -> Compliance:
    r"""Estimate what completing the programme changed for those the offer moved.

    Use it to compare an experiment with studies of learners. The estimand is the
    complier average causal effect: among people who complete the programme if and only
    if it is offered. Besides the draw it assumes that the offer acts through completing
    only, and that it keeps nobody from completing.

    Parameters
    ----------
    drawn : Drawn
        ``learnt`` tells who completed; missing where that is not known.
    itt_p : float
        p-value of the effect of the offer, which Anderson and Rubin's test of no
        effect is.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    Compliance
        Without effect if completion is unknown for more than 5 % of the people (of
        fewer, those count as not having completed), or if the offer moved nobody.

    Notes
    -----
    Two-stage least squares; with one offer and no covariates the ratio of both
    differences, :math:`\hat\tau_y / \hat\tau_d`. Error: heteroskedasticity-robust; for
    clusters CR2 of :math:`y - \hat\beta d` with Satterthwaite's degrees of freedom.
    Anderson and Rubin's interval [1]_ holds all :math:`\beta` with

    .. math:: (\hat\tau_y - \beta \hat\tau_d)^2 \le
              q^2 (V_{yy} - 2 \beta V_{yd} + \beta^2 V_{dd})

    and keeps its level however weak the offer. The baseline is the mean compliers
    have without completing [2]_.

    References
    ----------
    .. [1] Anderson, T. W. and Rubin, H. (1949). Estimation of the parameters of a
       single equation in a complete system of stochastic equations. Annals of
       Mathematical Statistics 20, 46-63. doi:10.1214/aoms/1177730090
    .. [2] Imbens, G. W. and Rubin, D. B. (1997). Estimating outcome distributions for
       compliers in instrumental variables models. Review of Economic Studies 64,
       555-574. doi:10.2307/2971731
    """
    recorded = drawn.frame["learnt"]
    unknown = recorded.isna().to_numpy()
    if unknown.mean() > _MOST_UNKNOWN:
        return _refuse(
            "It is not known who completed the programme"
            + ("" if unknown.all() else f" for {unknown.mean():.0%} of the people")
            + ", so the effect of completing it cannot be told; that of the offer can.",
            unknown=True,
        )
    learnt = recorded.astype("boolean").fillna(False).to_numpy(dtype=bool)
    ours = float(learnt[drawn.assigned].mean())
    theirs = float(learnt[~drawn.assigned].mean())
    if ours <= theirs:
        return _refuse(_explain_unmoved(ours, theirs), shares=(ours, theirs))
    took = learnt.astype("float64")
    moved, stage_error, _, _ = measure_error(drawn, took)
    strength = (moved / stage_error) ** 2 if stage_error > 0 else math.inf
    effect = _estimate(drawn, took, moved)
    ends = _invert(drawn, took, alpha)
    weak = strength < WEAK
    text = _describe(ours, theirs, strength, ends, alpha)
    usable = not weak or bool(np.isfinite(ends).all())
    shown = effect if usable else None
    interval = ends if weak else effect.interval(alpha)
    return Compliance(
        effect=shown,
        interval=interval if usable else (math.nan, math.nan),
        robust_interval=ends,
        f_statistic=strength,
        share_treatment=ours,
        share_control=theirs,
        weak=weak,
        table=_tabulate(shown, ends, (strength, ours, theirs), itt_p, alpha, text),
        text=text,
        check=_check(strength, text, weak=weak),
    )


def _estimate(drawn: Drawn, took: FloatArray, moved: float) -> Effect:
    """Fit two-stage least squares and complete it with the compliers' baseline."""
    from linearmodels.iv import IV2SLS

    offer = drawn.assigned.astype("float64")
    data = pd.DataFrame({"y": drawn.outcome, "one": 1.0, "took": took, "offer": offer})
    model = IV2SLS(data["y"], data[["one"]], data[["took"]], data[["offer"]])
    if drawn.whole:
        fitted = model.fit(
            cov_type="clustered", clusters=drawn.cluster[:, None], debiased=True
        )
    else:
        fitted = model.fit(cov_type="robust", debiased=True)
    value = float(fitted.params["took"])
    plain = math.sqrt(max(float(fitted.cov.loc["took", "took"]), 0.0))
    error, df = plain, float(len(offer) - 2)
    if drawn.whole:
        _, careful, df, _ = measure_error(drawn, drawn.outcome - value * took)
        error = careful / moved
    without = drawn.outcome * (1 - took)
    level = -measure_error(drawn, without)[0] / moved
    spread = _vary(drawn, without + level * took, without + level * took) / moved**2
    shared = -_vary(drawn, drawn.outcome - value * took, without + level * took)
    ours, theirs = drawn.counts
    return Effect(
        method=CACE,
        estimand="CACE",
        value=value,
        std_error=error,
        df=df,
        baseline=level,
        baseline_variance=spread,
        covariance=shared / moved**2,
        n_treated=ours,
        n_control=theirs,
        n_clusters=sum(drawn.units) if drawn.whole else ours + theirs,
        error="two-stage least squares, "
        + ("clustered (CR2)" if drawn.whole else "heteroskedasticity-robust"),
        plain_error=plain,
    )


def _vary(drawn: Drawn, first: FloatArray, second: FloatArray) -> float:
    """Return the covariance of the differences of two values by assignment."""
    if first is second:
        return measure_error(drawn, first)[1] ** 2
    scale = float(np.std(first)) or 1.0
    other = float(np.std(second)) or 1.0
    plus = measure_error(drawn, first / scale + second / other)[1] ** 2
    less = measure_error(drawn, first / scale - second / other)[1] ** 2
    return (plus - less) / 4 * scale * other


def _invert(drawn: Drawn, took: FloatArray, alpha: float) -> tuple[float, float]:
    """Return Anderson and Rubin's interval; infinite ends where there is no limit."""
    from scipy.special import stdtrit

    gap, error, df, _ = measure_error(drawn, drawn.outcome)
    moved, stage_error, _, _ = measure_error(drawn, took)
    square = float(stdtrit(df, 1 - alpha / 2)) ** 2
    shared = _vary(drawn, drawn.outcome, took)
    a = moved**2 - square * stage_error**2
    b = -2 * (gap * moved - square * shared)
    c = gap**2 - square * error**2
    inside = b**2 - 4 * a * c
    if a <= 0 or inside < 0:
        return -math.inf, math.inf
    half = math.sqrt(inside)
    return (-b - half) / (2 * a), (-b + half) / (2 * a)


def _explain_unmoved(ours: float, theirs: float) -> str:
    if ours == theirs == 1:
        return (
            "Everybody completed the programme, offered or not, so the experiment "
            "cannot tell what completing it changes."
        )
    if ours == 0:
        return (
            "Nobody who was offered the programme completed it, so the experiment "
            "cannot tell what completing it changes."
        )
    return (
        f"The offer did not lead more people to complete the programme ({ours:.0%} of "
        f"those offered it, {theirs:.0%} of the others), so the experiment cannot tell "
        "what completing it changes."
    )


def _describe(
    ours: float,
    theirs: float,
    strength: float,
    ends: tuple[float, float],
    alpha: float,
) -> str:
    if ours == 1 and theirs == 0:
        whom = (
            "Everybody did as assigned, so the effect of completing is that of the "
            "offer."
        )
    elif theirs == 0:
        whom = (
            f"{ours:.0%} of those offered the programme completed it and nobody else "
            "did, so the effect is that on those who completed it."
        )
    else:
        whom = (
            f"{ours:.0%} of those offered the programme completed it, and {theirs:.0%} "
            "of the others did as well; the effect is that on people who complete it "
            "because it is offered."
        )
    size = "without limit" if math.isinf(strength) else f"{strength:.3g}"
    level = f"{100 * (1 - alpha):.0f} %"
    if strength >= WEAK:
        return f"{whom} First-stage F {size}; {_write_ends(ends, level)}."
    if np.isfinite(ends).all():
        return (
            f"{whom} The offer moved few people (first-stage F {size}, below "
            f"{WEAK:.0f}), so the interval of Anderson and Rubin is read, which holds "
            "nevertheless."
        )
    return (
        f"{whom} The offer moved so few people (first-stage F {size}, below "
        f"{WEAK:.0f}) that the data set no limit to the effect of completing the "
        "programme: no number is given."
    )


def _write_ends(ends: tuple[float, float], level: str) -> str:
    if not np.isfinite(ends).all():
        return f"{level} interval of Anderson and Rubin without limit"
    low, high = write_alike(*ends)
    return f"{level} interval of Anderson and Rubin {low} to {high}"


def _tabulate(
    effect: Effect | None,
    ends: tuple[float, float],
    stage: tuple[float, float, float],
    itt_p: float,
    alpha: float,
    text: str,
) -> pd.DataFrame:
    nothing = math.nan
    low, high = effect.interval(alpha) if effect else (nothing, nothing)
    value = effect.value if effect else nothing
    error = effect.std_error if effect else nothing
    p_value = effect.p_value() if effect else nothing
    bounded = bool(np.isfinite(ends).all())
    robust = ends if bounded else (nothing, nothing)
    strength, ours, theirs = stage
    told = (strength if math.isfinite(strength) else nothing, ours, theirs, text)
    rows = [
        ("two_stage", value, error, low, high, p_value, *told),
        ("anderson_rubin", value, nothing, *robust, itt_p, *told),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _refuse(
    text: str,
    *,
    shares: tuple[float, float] = (math.nan, math.nan),
    unknown: bool = False,
) -> Compliance:
    nothing = math.nan
    row = (*(nothing,) * 7, *shares, text)
    return Compliance(
        effect=None,
        interval=(nothing, nothing),
        robust_interval=(nothing, nothing),
        f_statistic=nothing,
        share_treatment=shares[0],
        share_control=shares[1],
        weak=True,
        table=pd.DataFrame([("two_stage", *row[1:])], columns=list(COLUMNS)),
        text=text,
        check=Check(
            check="compliance",
            passed=None if unknown else False,
            text=text,
            advice="" if unknown else "Find out why the offer was not taken up.",
        ),
    )


def _check(strength: float, text: str, *, weak: bool) -> Check:
    return Check(
        check="compliance",
        passed=not weak,
        value=strength if math.isfinite(strength) else math.nan,
        limit=WEAK,
        text=text,
        advice="Read the effect of the offer, not that of completing." if weak else "",
    )
