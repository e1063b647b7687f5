"""Two-way fixed effects: one number, and the effect by quarters since exposure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import DesignError
from workbench.core.results import Check
from workbench.impact.did.two_way import (
    TwoWayFit,
    fit_two_way,
    prepare_rows,
    sweep_effects,
)
from workbench.impact.effects import Effect
from workbench.impact.inference import estimate_cluster_error

__all__ = ["EventStudy", "estimate_event_study", "estimate_static", "tabulate_events"]

FloatArray = npt.NDArray[np.float64]

_REFERENCE = -1
_MOST_NEGATIVE = 0.01
_CAUTION = (
    "Effects of regressions with person and quarter effects also use people who have "
    "already learnt as controls, which can give cohorts negative weights; read them "
    "beside the group-time design."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStudy:
    """Effects by quarters since exposure, and their average.

    Attributes
    ----------
    overall : Effect
        One number over all quarters after exposure.
    table : DataFrame
        ``event_time`` (quarters since the exposure quarter), ``label``, ``estimate``,
        ``std_error``, ``ci_low``, ``ci_high``, ``p_value``, ``n_treated`` (learners
        observed then), ``reference`` (True for the quarters set to zero).
    covariance : DataFrame
        Of the estimates, by event time, without the references.
    effects : mapping of int to Effect
        The same by event time, for publishing; without the references.
    checks : tuple of Check
        What the design cannot promise.
    notes : tuple of str
        What was left out or binned.
    """

    overall: Effect
    table: pd.DataFrame
    covariance: pd.DataFrame
    effects: Mapping[int, Effect]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]


def estimate_static(
    panel: Panel, *, method: str = "did_twfe"
) -> tuple[Effect, tuple[Check, ...], tuple[str, ...]]:
    r"""Estimate one effect of having learnt, with effects of persons and quarters.

    Read it only beside designs that are right when effects differ: the coefficient is
    a weighted sum of the cohorts' effects by quarter, in which weights can be negative,
    because people who have already learnt serve as controls.

    Parameters
    ----------
    panel : Panel
        People over quarters; they may lack quarters.
    method : str
        Name of the effect.

    Returns
    -------
    tuple of Effect, tuple of Check, tuple of str
        The effect, a check of its negative weights, and who was left out.

    Raises
    ------
    DesignError
        If everybody learnt in the same quarter and nobody else is there.
    TooFewUnitsError
        If no learner was seen before and after.

    Notes
    -----
    With :math:`\tilde D` the residual of the treatment on both effects, a learner's
    quarter has the weight :math:`\tilde D_{it} / \sum D_{js} \tilde D_{js}`; the check
    sums the negative ones.

    References
    ----------
    .. [1] de Chaisemartin, C. and D'Haultfoeuille, X. (2020). Two-way fixed effects
       estimators with heterogeneous treatment effects. American Economic Review 110,
       2964-2996. doi:10.1257/aer.20181169
    """
    rows, notes = prepare_rows(panel)
    cluster = panel.clusters[-1]
    fit = fit_two_way(rows, rows[["post"]], cluster=cluster)
    rest = sweep_effects(rows, rows["post"].to_numpy(dtype="float64"))
    post = rows["post"].to_numpy(dtype=bool)
    weights = rest[post] / rest[post].sum()
    negative = abs(float(weights[weights < 0].sum()))
    effect = _build_effect(
        fit, rows, method=method, term="post", at=post, influence=_influence(fit, rest)
    )
    check = Check(
        check="twfe_negative_weights",
        passed=negative <= _MOST_NEGATIVE,
        value=negative,
        limit=_MOST_NEGATIVE,
        program=panel.program.id,
        outcome=panel.outcome.id,
        text=f"{(weights < 0).mean():.0%} of the learners' quarters have a negative "
        f"weight in the two-way regression, together {0 - negative:.3f} where all sum "
        f"to 1. {_CAUTION}",
        advice="take the group-time design",
    )
    return effect, (check,), notes


def estimate_event_study(
    panel: Panel,
    *,
    window: tuple[int, int] = (-4, 4),
    alpha: float = 0.05,
) -> EventStudy:
    """Estimate effects by quarters since exposure, with effects of persons, quarters.

    Each coefficient compares a quarter with the one before exposure. It is causal only
    if trends are parallel and all cohorts respond alike (see `estimate_static`).

    Parameters
    ----------
    panel : Panel
        People over quarters; they may lack quarters.
    window : tuple of int
        Event times at and beyond the two ends are one bin each.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    EventStudy
        The reference is the quarter before exposure. Where nobody stayed untreated,
        the earliest bins are references too, as many as it takes, since a trend common
        to all could not be told from effects otherwise. ``overall`` is the static
        effect.

    Raises
    ------
    DesignError
        If the window does not hold the quarters -1 and 0, or terms are collinear.
    TooFewUnitsError
        If no learner was seen before and after.

    References
    ----------
    .. [1] Schmidheiny, K. and Siegloch, S. (2023). On event studies and
       distributed-lags in two-way fixed effects models. Journal of Applied
       Econometrics 38, 695-713. doi:10.1002/jae.2971
    """
    first, last = window
    if not first <= _REFERENCE - 1 or not last >= 0:
        raise DesignError.build(
            "The event window does not reach around exposure",
            rule="from -2 or earlier to 0 or later",
            got=window,
        )
    rows, notes = prepare_rows(panel)
    bins = rows["event_time"].clip(first, last)
    times = sorted(int(time) for time in bins.dropna().unique())
    references = [_REFERENCE]
    if not (rows["first_treat"] == 0).any():
        references.append(min(times))
    fit = _fit_bins(rows, bins, times, references, cluster=panel.clusters[-1])
    kept = [time for time in times if time not in references]
    if len(references) > 1:
        named = ", ".join(map(str, sorted(references[1:])))
        notes = (
            *notes,
            f"everybody learns in the end, so event times {named} are references too",
        )
    overall, checks, _ = estimate_static(panel)
    effects = {
        time: _build_effect(
            fit, rows, method="did_event_study", term=time, at=(bins == time).to_numpy()
        )
        for time in kept
    }
    counts = rows.groupby(bins)["unit"].nunique()
    return EventStudy(
        overall=overall,
        table=tabulate_events(
            effects, references=references, counts=counts, window=window, alpha=alpha
        ),
        covariance=fit.covariance,
        effects=effects,
        checks=checks,
        notes=notes,
    )


def tabulate_events(
    effects: Mapping[int, Effect],
    *,
    references: Sequence[int],
    counts: pd.Series,
    window: tuple[int, int] | None,
    alpha: float,
) -> pd.DataFrame:
    """Return event times with estimates and intervals, references as zeros."""
    rows = []
    for time in sorted({*effects, *references}):
        effect = effects.get(time)
        low, high = (0.0, 0.0) if effect is None else effect.interval(alpha)
        rows.append(
            {
                "event_time": time,
                "label": _label(time, window),
                "estimate": 0.0 if effect is None else effect.value,
                "std_error": 0.0 if effect is None else effect.std_error,
                "ci_low": low,
                "ci_high": high,
                "p_value": math.nan if effect is None else effect.p_value(),
                "n_treated": int(counts.get(time, 0)),
                "reference": effect is None,
            }
        )
    return pd.DataFrame(rows)


def _fit_bins(
    rows: pd.DataFrame,
    bins: pd.Series,
    times: Sequence[int],
    references: list[int],
    *,
    cluster: str,
) -> TwoWayFit:
    """Fit the event times, adding references while the others cannot be told apart.

    Cohorts that start every second quarter leave a pattern of every second event time
    open besides the trend, and so on; only where nobody stays untreated.
    """
    while True:
        kept = [time for time in times if time not in references]
        terms = pd.DataFrame({time: (bins == time).astype("float64") for time in kept})
        try:
            return fit_two_way(rows, terms, cluster=cluster)
        except DesignError:
            leads = [time for time in kept if time < _REFERENCE]
            if len(references) == 1 or not leads:
                raise
            references.append(leads[0])


def _label(time: int, window: tuple[int, int] | None) -> str:
    """Write an event time; the ends of the window stand for all beyond."""
    if window is not None and time in window:
        return f"{time:+d} and {'earlier' if time == window[0] else 'later'}"
    return f"{time:+d}" if time else "0"


def _influence(fit: TwoWayFit, rest: FloatArray) -> FloatArray:
    """Return the influence of each row on a coefficient, given its swept regressor."""
    return np.asarray(rest * fit.residuals / (rest @ rest), dtype="float64")


def _build_effect(
    fit: TwoWayFit,
    rows: pd.DataFrame,
    *,
    method: str,
    term: str | int,
    at: npt.NDArray[np.bool_],
    influence: FloatArray | None = None,
) -> Effect:
    """Turn a coefficient into an effect whose baseline is the mean without it."""
    value = float(fit.coefficients[term])
    error = float(fit.std_errors[term])
    outcome = rows["outcome"].to_numpy(dtype="float64")
    mean = float(outcome[at].mean())
    variance = covariance = plain = math.nan
    if influence is not None:
        spread = np.where(at, outcome - mean, 0.0) / at.sum()
        both = np.column_stack([influence, spread - influence])
        units = pd.factorize(rows["unit"], sort=True)[0]
        found = estimate_cluster_error(both, {"unit": units}).covariance
        scale = error**2 / found[0, 0] if found[0, 0] else 1.0
        variance, covariance = float(found[1, 1] * scale), float(found[0, 1] * scale)
        alone = estimate_cluster_error(both, {"row": np.arange(len(rows))}).covariance
        plain = math.sqrt(alone[0, 0])
    learns = rows["first_treat"] > 0
    return Effect(
        method=method,
        estimand="weighted sum of effects on learners",
        value=value,
        std_error=error,
        df=fit.df,
        baseline=mean - value,
        baseline_variance=variance,
        covariance=covariance,
        n_treated=int(rows.loc[learns, "unit"].nunique()),
        n_control=int(rows.loc[~learns, "unit"].nunique()),
        n_clusters=fit.n_clusters,
        error=f"clustered, {fit.n_clusters} clusters, effects of persons and quarters "
        "counted as parameters",
        plain_error=plain,
    )
