"""The simplest design: how learners changed, against how others changed meanwhile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.results import Check
from workbench.impact.did.changes import (
    Changes,
    Weighting,
    list_windows,
    stack_changes,
)
from workbench.impact.effects import Effect
from workbench.impact.errors_by_design import make_cluster_effect
from workbench.impact.inference import estimate_few_cluster_error, regress_on_treatment

__all__ = ["TwoByTwo", "estimate_change_effect", "estimate_two_by_two"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST_MISSING = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoByTwo:
    """The two-by-two effect, cohort by cohort and together.

    Attributes
    ----------
    effect : Effect
        Method ``did_2x2``.
    cohorts : DataFrame
        ``exposure``, ``before``, ``after`` (periods), ``n_treated``, ``n_control``,
        ``change_treated``, ``change_control``, ``estimate``: means without covariates.
    changes : Changes
        The rows behind it.
    weighting : {"learners", "precision"}
        How cohorts were averaged.
    checks : tuple of Check
        ``two_by_two_missing``: share of learners without both outcomes.
    """

    effect: Effect
    cohorts: pd.DataFrame
    changes: Changes
    weighting: Weighting
    checks: tuple[Check, ...]


def estimate_change_effect(
    changes: Changes, *, method: str, weighting: Weighting = "learners"
) -> Effect:
    r"""Estimate how much more learners changed than people who had not learnt.

    Parameters
    ----------
    changes : Changes
        Stacked changes.
    method : str
        Name of the effect.
    weighting : {"learners", "precision"}
        ``learners`` averages cohorts by their learners and so estimates the effect on
        the learners; ``precision`` is the unweighted regression, which gives cohorts
        with balanced groups more weight.

    Returns
    -------
    Effect
        On the outcome's scale. The error is clustered by the widest of the panel's
        clusters (CR1); below 40 clusters the larger of CR1 and CR2, with
        Satterthwaite's degrees of freedom.

    Notes
    -----
    Least squares of :math:`\Delta Y_{ig} = \alpha_g + \tau D_{ig} + x_i'\beta + e`
    over persons i and cohorts g. The counterfactual mean of the learners is their mean
    afterwards less the effect.
    """
    frame = changes.frame
    change = frame["change"].to_numpy(dtype="float64")
    treated, others = changes.treated, changes.others()
    weights = changes.weigh(weighting)
    fitted = regress_on_treatment(change, treated, others, weights=weights)
    after = frame["after"].to_numpy(dtype="float64")
    mean = float(after[treated].mean())
    spread = np.where(treated, after - mean, 0.0) / treated.sum()
    widest = changes.clusters[-1]
    few = partial(_few_cluster_error, change, treated, others, weights)
    return make_cluster_effect(
        method=method,
        estimand="ATT",
        value=fitted.effect,
        baseline=mean - fitted.effect,
        influence=np.column_stack([fitted.influence, spread - fitted.influence]),
        clusters={widest: changes.code(widest)},
        counts=_count_people(frame),
        n_params=fitted.n_params,
        few=few,
    )


def estimate_two_by_two(
    panel: Panel,
    *,
    covariates: Sequence[str] = (),
    weighting: Weighting = "learners",
) -> TwoByTwo:
    """Compare the change of learners with that of people who had not learnt yet.

    The estimand is the mean effect on the learners of the panel's exposure quarters,
    `panel.lag` quarters after exposure, among those observed in the quarter before
    exposure and in that later quarter. It is causal if learners, had they not learnt,
    would have changed as their controls did between these two quarters (parallel
    trends; given the covariates, if any), and if learning did not show before it was
    completed.

    Parameters
    ----------
    panel : Panel
        People over quarters.
    covariates : sequence of str
        Columns for which the changes are adjusted by regression; default none.
    weighting : {"learners", "precision"}
        See `estimate_change_effect`.

    Returns
    -------
    TwoByTwo
        Effect, the cohorts' own numbers, and who was missing.

    Raises
    ------
    TooFewUnitsError
        If no cohort has both learners and controls, or all lie in one cluster.

    References
    ----------
    .. [1] Cengiz, D., Dube, A., Lindner, A. and Zipperer, B. (2019). The effect of
       minimum wages on low-wage jobs. Quarterly Journal of Economics 134, 1405-1454.
       doi:10.1093/qje/qjz014
    """
    windows = list_windows(panel.exposures, lag=panel.lag)
    changes = stack_changes(panel, windows, covariates=covariates)
    effect = estimate_change_effect(changes, method="did_2x2", weighting=weighting)
    return TwoByTwo(
        effect=effect,
        cohorts=_tabulate_cohorts(changes),
        changes=changes,
        weighting=weighting,
        checks=(_check_missing(panel, changes),),
    )


def _few_cluster_error(
    change: FloatArray,
    treated: BoolArray,
    others: FloatArray,
    weights: FloatArray,
    codes: IntArray,
) -> tuple[float, float]:
    """Return CR2 and its degrees of freedom, NaN where it cannot be computed."""
    try:
        return estimate_few_cluster_error(
            change, treated, others, cluster=codes, weights=weights
        )
    except (ValueError, np.linalg.LinAlgError):
        return math.nan, math.nan


def _count_people(frame: pd.DataFrame) -> tuple[int, int]:
    treated = frame.loc[frame["treated"], "unit"]
    return int(treated.nunique()), int(frame.loc[~frame["treated"], "unit"].nunique())


def _tabulate_cohorts(changes: Changes) -> pd.DataFrame:
    rows = []
    for window in changes.windows:
        own = changes.frame[changes.frame["exposure"] == window.exposure]
        ours, theirs = own[own["treated"]], own[~own["treated"]]
        gain, drift = float(ours["change"].mean()), float(theirs["change"].mean())
        rows.append(
            {
                "exposure": window.exposure,
                "before": window.before,
                "after": window.after,
                "n_treated": len(ours),
                "n_control": len(theirs),
                "change_treated": gain,
                "change_control": drift,
                "estimate": gain - drift,
            }
        )
    return pd.DataFrame(rows)


def _check_missing(panel: Panel, changes: Changes) -> Check:
    """Report the learners who lack an outcome, who may differ from the others."""
    seen = changes.frame.loc[changes.frame["treated"], "unit"].nunique()
    share = changes.missing_treated / max(seen + changes.missing_treated, 1)
    rest = changes.frame.loc[~changes.frame["treated"], "unit"].nunique()
    others = changes.missing_control / max(rest + changes.missing_control, 1)
    left_out = f" Also: {'; '.join(changes.notes)}." if changes.notes else ""
    return Check(
        check="two_by_two_missing",
        passed=share <= _MOST_MISSING,
        value=share,
        limit=_MOST_MISSING,
        program=panel.program.id,
        outcome=panel.outcome.id,
        text=f"{share:.0%} of learners and {others:.0%} of others lack the outcome of "
        f"one of their two quarters.{left_out}",
        advice="compare who is missing; read the bounds for attrition",
    )
