"""Cox regression: ratios of hazards with errors that allow for clusters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.cohorts.frames import Compared
from workbench.core.errors import ParamError
from workbench.core.results import Estimate
from workbench.impact.inference import estimate_cluster_error
from workbench.impact.survival.cox_model import solve_cox
from workbench.impact.survival.efron import sum_residuals

__all__ = ["Cox", "fit_cox", "publish_hazard_ratio"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cox:
    """Hazard ratios of k terms.

    Attributes
    ----------
    names : tuple of str
        The terms in the model.
    coef, hazard_ratio : array of shape (k,)
        Log ratio and ratio per unit of the covariate; above 1 the event comes sooner.
    std_error : array of shape (k,)
        Of `coef`, from the information: right if hazards are proportional and rows
        independent.
    robust_error : array of shape (k,)
        Of `coef`, from the score residuals, by cluster where there are any.
    low, high : array of shape (k,)
        Interval of the ratio, made from the robust error on the log scale.
    p_value : array of shape (k,)
        Of a ratio of 1, from the robust error.
    df : float
        Degrees of freedom of Student's t: the fewest clusters less 1; infinite (the
        normal distribution) without clusters.
    influence : array of shape (n, k)
        Of each row on `coef`; 0 for rows of weight 0.
    n, n_events : int
        Rows with a weight above 0, and their events.
    n_clusters : int or None
        Clusters in the direction that has the fewest.
    dropped : tuple of str
        Terms left out, with the reason.
    error : str
        How the robust error was made, in words.
    """

    names: tuple[str, ...]
    coef: FloatArray
    hazard_ratio: FloatArray
    std_error: FloatArray
    robust_error: FloatArray
    low: FloatArray
    high: FloatArray
    p_value: FloatArray
    df: float
    influence: FloatArray
    n: int
    n_events: int
    n_clusters: int | None
    dropped: tuple[str, ...]
    error: str


def fit_cox(
    duration: FloatArray,
    event: BoolArray,
    covariates: FloatArray,
    *,
    names: Sequence[str],
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
    weights: FloatArray | None = None,
    clusters: Mapping[str, IntArray] | None = None,
    required: Sequence[str] | None = None,
    alpha: float = 0.05,
) -> Cox:
    r"""Estimate by how much covariates raise or lower the hazard of an event.

    The estimand is the ratio of hazards at every time, given the other covariates. It
    is one number only if the hazards are proportional (see `test_proportional`); else
    it is an average over the event times that depends on the censoring. Other causes
    that end the follow-up count as censoring (cause-specific hazard).

    Parameters
    ----------
    duration : array of shape (n,)
        Days to the event or to the end of follow-up.
    event : array of shape (n,)
        Whether the event happened then.
    covariates : array of shape (n, k)
        Nothing missing.
    names : sequence of str
        One per covariate.
    entry : array of shape (n,), optional
        Day on which the row comes under observation, below its duration; default 0.
        Rows of one person that follow each other carry covariates that change.
    strata : array of int, optional
        Codes from 0; each stratum has a baseline hazard of its own.
    weights : array of shape (n,), optional
        Case weights, 0 or above; default 1. Rows of weight 0 are not used.
    clusters : mapping of str to array of int, optional
        One code per row and direction within which rows are dependent. By default each
        row stands for itself.
    required : sequence of str, optional
        Terms that the model cannot do without; default all. Others are left out, and
        listed, where the data say nothing about them.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    Cox
        Coefficients and both errors in the order of `names`.

    Raises
    ------
    ParamError
        If the arrays do not fit each other or hold what they may not.
    NoVariationError
        If there is no event; or if a required term is constant, follows from terms
        before it, or has no event at one of its two values.
    ConvergenceError
        If a coefficient grows without bound, because a covariate separates those who
        have the event from the others.

    Notes
    -----
    Newton's method on the partial likelihood with Efron's ties [1]_. The robust error
    is that of Lin and Wei [2]_: score residuals times weights times inverse
    information, squared and summed; with clusters summed within them first, times
    G/(G-1). Few clusters make it too small, as elsewhere.

    References
    ----------
    .. [1] Efron, B. (1977). The efficiency of Cox's likelihood function for censored
       data. Journal of the American Statistical Association 72, 557-565.
       doi:10.1080/01621459.1977.10480613
    .. [2] Lin, D. Y. and Wei, L. J. (1989). The robust inference for the Cox
       proportional hazards model. Journal of the American Statistical Association 84,
       1074-1078. doi:10.1080/01621459.1989.10478874

    Examples
    --------
    >>> days = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    >>> left = np.array([True, True, True, True, False, True])
    >>> learnt = np.array([[0.0], [1.0], [0.0], [0.0], [1.0], [1.0]])
    >>> found = fit_cox(days, left, learnt, names=["learning"])
    >>> round(float(found.hazard_ratio[0]), 3), found.n_events
    (0.248, 5)
    """
    model = solve_cox(
        duration,
        event,
        covariates,
        names=names,
        entry=entry,
        strata=strata,
        weights=weights,
        required=required,
    )
    inverse = np.linalg.inv(model.moments.information)
    residuals = sum_residuals(model.steps, model.scaled, model.moments)
    shifts = (residuals * model.steps.weights[:, None]) @ inverse / model.scale
    own = None
    if clusters:
        own = {name: codes[model.used] for name, codes in clusters.items()}
    robust, df, counted, text = _measure_error(shifts, own)
    half = _quantile(df, alpha) * robust
    influence = np.zeros((len(duration), len(model.coef)))
    influence[model.used] = shifts
    return Cox(
        names=model.names,
        coef=model.coef,
        hazard_ratio=np.exp(model.coef),
        std_error=np.sqrt(np.diag(inverse)) / model.scale,
        robust_error=robust,
        low=np.exp(model.coef - half),
        high=np.exp(model.coef + half),
        p_value=_tail(model.coef / robust, df),
        df=df,
        influence=influence,
        n=int(model.used.sum()),
        n_events=len(model.steps.step),
        n_clusters=counted,
        dropped=model.dropped,
        error=text,
    )


def publish_hazard_ratio(
    cox: Cox,
    term: str,
    compared: Compared,
    *,
    stage: str,
    alpha: float,
    counts: tuple[int, int],
    limitation: str = "",
) -> Estimate:
    """Turn a hazard ratio into a row of ``estimates.parquet``.

    Parameters
    ----------
    cox : Cox
        From `fit_cox`.
    term : str
        Whose ratio is published.
    compared : Compared
        Names persona, programme and outcome.
    stage : str
        The stage that estimated it.
    alpha : float
        One less the level of the interval.
    counts : tuple of int
        Learners and others.
    limitation : str
        One sentence.

    Returns
    -------
    Estimate
        Unit ``ratio``, estimand ``HR``. Interval and p-value are made on the log
        scale, so that the interval is not symmetric; the error is that of the ratio by
        the delta method. It has no baseline and no threshold, and is never a headline.

    Raises
    ------
    ParamError
        If the model has no such term.
    """
    if term not in cox.names:
        raise ParamError.build(
            "The model has no such term", rule=", ".join(cox.names), got=term
        )
    position = cox.names.index(term)
    ratio = float(cox.hazard_ratio[position])
    error = float(cox.robust_error[position])
    half = _quantile(cox.df, alpha) * error
    return Estimate(
        quarter=compared.quarter,
        persona=compared.persona,
        stage=stage,
        program=compared.program.id,
        outcome=compared.outcome.id,
        estimand="HR",
        method="cox",
        estimate=ratio,
        std_error=ratio * error,
        ci_low=ratio * math.exp(-half),
        ci_high=ratio * math.exp(half),
        ci_level=1 - alpha,
        p_value=float(cox.p_value[position]),
        unit="ratio",
        n_treated=counts[0],
        n_control=counts[1],
        n_clusters=cox.n_clusters,
        direction=compared.outcome.direction,
        limitation=limitation,
    )


def _measure_error(
    influence: FloatArray, clusters: Mapping[str, IntArray] | None
) -> tuple[FloatArray, float, int | None, str]:
    if not clusters:
        robust = np.sqrt((influence**2).sum(axis=0))
        return robust, math.inf, None, "robust (Lin and Wei), row by row"
    found = estimate_cluster_error(influence, clusters)
    robust = np.sqrt(np.maximum(np.diag(found.covariance), 0.0))
    text = f"robust (Lin and Wei), {found.text}"
    return robust, found.df, min(found.counts.values()), text


def _quantile(df: float, alpha: float) -> float:
    from scipy.special import ndtri, stdtrit

    share = 1 - alpha / 2
    return float(ndtri(share) if math.isinf(df) else stdtrit(df, share))


def _tail(distance: FloatArray, df: float) -> FloatArray:
    from scipy.special import ndtr, stdtr

    below = -np.abs(distance)
    tail: FloatArray = 2 * (ndtr(below) if math.isinf(df) else stdtr(df, below))
    return tail
