"""Test whether hazard ratios stay the same over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import ParamError
from workbench.core.results import Check
from workbench.impact.inference import estimate_cluster_error
from workbench.impact.survival.cox_model import CoxModel, solve_cox
from workbench.impact.survival.efron import sum_information, sum_residuals
from workbench.impact.wording import write_p

__all__ = [
    "GLOBAL",
    "Proportional",
    "Transform",
    "check_proportional",
    "test_proportional",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Transform = Literal["identity", "km", "log", "rank"]

GLOBAL = "all terms"

_WORDS: Mapping[str, str] = {
    "identity": "days",
    "km": "one less Kaplan-Meier share",
    "log": "log of days",
    "rank": "rank of the event",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportional:
    """A test of proportional hazards.

    Attributes
    ----------
    table : DataFrame
        ``term``, ``chi2``, ``df``, ``p_value``: one row per term, then `GLOBAL`.
    transform : str
        The scale of time along which a ratio may change, in words.
    error : str
        Whether the test allows for clusters, in words.
    """

    table: pd.DataFrame
    transform: str
    error: str


def test_proportional(
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
    transform: Transform = "km",
) -> Proportional:
    r"""Test whether the ratio of hazards changes in the course of time.

    Parameters
    ----------
    duration, event, covariates, names, entry, strata, weights, required
        As in `fit_cox`.
    clusters : mapping of str to array of int, optional
        Where given, the test uses the covariance of the scores summed by cluster, so
        that it allows for weights, matched sets and people with several rows; else it
        uses the information, which takes every row for an independent person.
    transform : {"km", "identity", "log", "rank"}
        The function of time by which a log ratio may change: one less the Kaplan-Meier
        share before the event, days, log of days (above 0), rank of the event.

    Returns
    -------
    Proportional
        A small p-value speaks against one ratio for all times. A large one shows only
        that no steady drift along the transform was found.

    Raises
    ------
    ParamError
        If the transform is unknown.
    NoVariationError, ConvergenceError
        As in `fit_cox`.

    Notes
    -----
    Score test of :math:`\theta = 0` in :math:`\beta + \theta g(t)` with the whole
    information [1]_, as in version 3 and later of the R package survival; older
    versions and lifelines take the covariance of a risk set for constant over time.
    The Kaplan-Meier curve is over all rows, without weights.

    References
    ----------
    .. [1] Grambsch, P. M. and Therneau, T. M. (1994). Proportional hazards tests and
       diagnostics based on weighted residuals. Biometrika 81, 515-526.
       doi:10.1093/biomet/81.3.515
    """
    if transform not in _WORDS:
        raise ParamError.build(
            "Unknown transform of time", rule=", ".join(_WORDS), got=transform
        )
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
    used = model.used
    by = _transform_times(
        model,
        transform,
        ends=duration[used],
        begins=None if entry is None else entry[used],
    )
    own = None
    if clusters:
        own = {name: codes[used] for name, codes in clusters.items()}
    score, spread, text = _score_drift(model, by, own)
    return Proportional(
        table=_tabulate(model.names, score, spread),
        transform=_WORDS[transform],
        error=text,
    )


test_proportional.__test__ = False  # type: ignore[attr-defined]


def check_proportional(
    tested: Proportional, *, term: str = "learning", limit: float = 0.05
) -> Check:
    """Check that one hazard ratio can stand for the whole time.

    Parameters
    ----------
    tested : Proportional
        From `test_proportional`.
    term : str
        The term whose ratio is read; the test over all terms stands in where the model
        lacks it.
    limit : float
        The check warns below this p-value, of the term or of all terms.

    Returns
    -------
    Check
        ``proportional_hazards``, advisory; its value is the smaller of both p-values.
    """
    values = tested.table.set_index("term")["p_value"]
    own = term if term in values.index else GLOBAL
    least = float(min(values[own], values[GLOBAL]))
    passed = least >= limit
    said = f"{own} p {write_p(values[own])}"
    if own != GLOBAL:
        said += f", {GLOBAL} p {write_p(values[GLOBAL])}"
    drift = [name for name in values.index[:-1] if values[name] < limit]
    found = (
        "no drift of a hazard ratio over time was found"
        if passed
        else "a hazard ratio changes over time"
        + (f" ({', '.join(drift)})" if drift else "")
    )
    return Check(
        check="proportional_hazards",
        passed=passed,
        value=least,
        limit=limit,
        text=f"Grambsch-Therneau test, time as {tested.transform}: {said}; {found}.",
        advice=""
        if passed
        else "The hazard ratio is an average over the time observed: it can hide an "
        "effect that fades or turns, and would differ with a longer follow-up. Read "
        "the difference at the horizon and the curves instead.",
    )


def _transform_times(
    model: CoxModel,
    transform: Transform,
    *,
    ends: FloatArray,
    begins: FloatArray | None,
) -> FloatArray:
    """Return the transformed time of every step, centred."""
    steps = model.steps
    times = steps.times[steps.step]
    if transform == "km":
        levels, shares = _survive(ends, steps.event, begins)
        values = 1 - shares[np.searchsorted(levels, times)]
    elif transform == "rank":
        ordered = np.sort(times)
        low = np.searchsorted(ordered, times, side="left")
        values = (low + np.searchsorted(ordered, times, side="right") + 1) / 2
    else:
        values = np.log(times) if transform == "log" else times
    centred: FloatArray = values - values.mean()
    return centred


def _survive(
    ends: FloatArray, event: BoolArray, begins: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return the event times and the Kaplan-Meier share just before each."""
    levels, tied = np.unique(ends[event], return_counts=True)
    at_risk = len(ends) - np.searchsorted(np.sort(ends), levels, side="left")
    if begins is not None:
        later = np.searchsorted(np.sort(begins), levels, side="left")
        at_risk = at_risk - (len(ends) - later)
    shares = np.cumprod(1 - tied / at_risk)
    return levels, np.concatenate([[1.0], shares[:-1]])


def _score_drift(
    model: CoxModel, by: FloatArray, clusters: Mapping[str, IntArray] | None
) -> tuple[FloatArray, FloatArray, str]:
    """Return the score of a drift by `by`, and its covariance given the other terms."""
    steps, rows, moments = model.steps, model.scaled, model.moments
    heavy = steps.weights * moments.risk
    parts = [
        sum_information(steps, rows, heavy, moments.mean, moments.hazard, by=power)
        for power in (by, by**2)
    ]
    drifts = sum_residuals(steps, rows, moments, by=by) * steps.weights[:, None]
    score = drifts.sum(axis=0)
    through = np.linalg.solve(moments.information, parts[0])
    if not clusters:
        spread = parts[1] - parts[0] @ through
        return score, spread, "from the information"
    own = sum_residuals(steps, rows, moments) * steps.weights[:, None]
    found = estimate_cluster_error(drifts - own @ through, clusters)
    return score, found.covariance, found.text


def _tabulate(
    names: Sequence[str], score: FloatArray, spread: FloatArray
) -> pd.DataFrame:
    from scipy.special import chdtrc

    single = score**2 / np.diag(spread)
    joint = float(score @ np.linalg.lstsq(spread, score, rcond=None)[0])
    chi2 = np.append(single, joint)
    df = np.append(np.ones(len(names)), np.linalg.matrix_rank(spread, hermitian=True))
    return pd.DataFrame(
        {
            "term": [*names, GLOBAL],
            "chi2": chi2,
            "df": df.astype("int64"),
            "p_value": chdtrc(df, chi2),
        }
    )
