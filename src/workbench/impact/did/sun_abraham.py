"""Sun and Abraham's event study: cohorts kept apart, then averaged by their size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import DesignError, TooFewUnitsError
from workbench.core.results import Check
from workbench.impact.did.event_study import EventStudy, tabulate_events
from workbench.impact.did.two_way import prepare_rows
from workbench.impact.effects import Effect

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["CohortFit", "estimate_sun_abraham", "fit_cohort_events"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_REFERENCE = -1
_RANK_LIMIT = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortFit:
    """Effects of each cohort at each event time.

    Attributes
    ----------
    cells : DataFrame
        ``cohort``, ``event_time``, ``estimate``, ``n_rows``: one row per coefficient.
    covariance : array of shape (cells, cells)
        Clustered covariance of the estimates.
    n_clusters : int
        Clusters.
    """

    cells: pd.DataFrame
    covariance: FloatArray
    n_clusters: int


def fit_cohort_events(
    rows: pd.DataFrame, *, cluster: str = "unit", covariates: Sequence[str] = ()
) -> CohortFit:
    r"""Regress the outcome on cohort-by-event-time terms, persons and quarters.

    Parameters
    ----------
    rows : DataFrame
        ``unit``, ``period``, ``outcome``, ``first_treat`` (0 for controls),
        ``event_time`` (NaN for controls) and the column to cluster by.
    cluster : str
        Column whose groups may have correlated errors; persons lie within it.
    covariates : sequence of str
        Numeric columns that change over time.

    Returns
    -------
    CohortFit
        Event time -1 is the reference of every cohort.

    Raises
    ------
    DesignError
        If terms are collinear.

    Notes
    -----
    With X the sparse terms and quarters, B the sums of X by person and n their rows,
    the normal equations after removing persons' effects are
    :math:`X'X - B' \mathrm{diag}(1/n) B`; nothing of the size rows by terms is held.
    Covariance: sums of scores by cluster, times G/(G-1) * (N-1)/(N-K), where K leaves
    out persons' effects, since persons lie within clusters.
    """
    units, names = pd.factorize(rows["unit"], sort=True)
    design, cells = _build_terms(rows, covariates)
    outcome = rows["outcome"].to_numpy(dtype="float64")
    sums = _sum_by(units, len(names), design)
    sizes = np.bincount(units).astype("float64")
    means = np.bincount(units, outcome) / sizes
    scaled = sums.multiply(1 / sizes[:, None]).tocsr()
    left = (design.T @ design - sums.T @ scaled).toarray()
    right = design.T @ outcome - sums.T @ means
    values = np.linalg.eigvalsh(left)
    if values[0] <= _RANK_LIMIT * values[-1]:
        raise DesignError.build(
            "Effects of cohorts cannot be told from those of persons and quarters",
            rule="controls seen in every quarter of the learners",
            hint="leave out quarters in which nobody is untreated",
        )
    bread = np.linalg.inv(left)
    solved = bread @ right
    rest = (outcome - means[units]) - (design @ solved - (scaled @ solved)[units])
    groups, labels = pd.factorize(rows[cluster], sort=True)
    scores = _sum_by(groups, len(labels), design.multiply(rest[:, None]).tocsr())
    scale = len(labels) / (len(labels) - 1)
    scale *= (len(rows) - 1) / (len(rows) - design.shape[1] - 1)
    covariance = scale * bread @ (scores.T @ scores).toarray() @ bread
    count = len(cells)
    cells["estimate"] = solved[:count]
    return CohortFit(
        cells=cells, covariance=covariance[:count, :count], n_clusters=len(labels)
    )


def estimate_sun_abraham(panel: Panel, *, alpha: float = 0.05) -> EventStudy:
    """Estimate effects by quarters since exposure without comparing learners wrongly.

    Every cohort has its own effects, measured from the quarter before exposure against
    people who never learnt; event times are then averaged over cohorts by their
    learners. Causal if trends are parallel and nothing showed before exposure; effects
    may differ between cohorts.

    Parameters
    ----------
    panel : Panel
        People over quarters; they may lack quarters.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    EventStudy
        ``overall`` averages all quarters from exposure on by the learners observed in
        them. Shares of cohorts are taken as known, as in R's fixest. Where everybody
        learns in the end, the last cohort serves as control until it learns.

    Raises
    ------
    TooFewUnitsError
        If there are no controls, or no learner seen before and after, or one cluster.
    DesignError
        If controls are not seen in the learners' quarters.

    References
    ----------
    .. [1] Sun, L. and Abraham, S. (2021). Estimating dynamic treatment effects in event
       studies with heterogeneous treatment effects. Journal of Econometrics 225,
       175-199. doi:10.1016/j.jeconom.2020.09.006
    """
    rows, notes = prepare_rows(panel)
    if not (rows["first_treat"] == 0).any():
        rows, note = _take_last_cohort(rows)
        notes = (*notes, note)
    cluster = panel.clusters[-1]
    if rows[cluster].nunique() < 2:
        raise TooFewUnitsError.build(
            "All rows lie in one cluster, so no error can be estimated",
            where=cluster,
            rule="at least 2 clusters",
        )
    fit = fit_cohort_events(rows, cluster=cluster)
    times = sorted(int(time) for time in fit.cells["event_time"].unique())
    event_time = fit.cells["event_time"].to_numpy()
    picks = np.array([event_time == time for time in times])
    weights = picks * fit.cells["n_rows"].to_numpy(dtype="float64")
    weights /= weights.sum(axis=1, keepdims=True)
    effects = {
        time: _build_effect(fit, rows, weights[place], at=rows["event_time"] == time)
        for place, time in enumerate(times)
    }
    after = (event_time >= 0) * fit.cells["n_rows"].to_numpy(dtype="float64")
    overall = _build_effect(fit, rows, after / after.sum(), at=rows["event_time"] >= 0)
    counts = rows.groupby("event_time")["unit"].nunique()
    covariance = weights @ fit.covariance @ weights.T
    return EventStudy(
        overall=overall,
        table=tabulate_events(
            effects,
            references=[_REFERENCE],
            counts=counts,
            window=None,
            alpha=alpha,
        ),
        covariance=pd.DataFrame(covariance, index=times, columns=times),
        effects=effects,
        checks=(_check_controls(panel, rows),),
        notes=notes,
    )


def _build_terms(
    rows: pd.DataFrame, covariates: Sequence[str]
) -> tuple[csr_matrix, pd.DataFrame]:
    """Return cells, covariates and quarters as sparse columns, and what cells mean."""
    from scipy.sparse import csr_matrix, hstack

    keys = rows[["first_treat", "event_time"]]
    treated = keys["event_time"].notna() & (keys["event_time"] != _REFERENCE)
    cells = (
        keys[treated]
        .astype("int64")
        .groupby(["first_treat", "event_time"])
        .size()
        .rename("n_rows")
        .reset_index()
        .rename(columns={"first_treat": "cohort"})
    )
    index = pd.MultiIndex.from_frame(cells[["cohort", "event_time"]])
    codes = index.get_indexer(pd.MultiIndex.from_frame(keys[treated].astype("int64")))
    places = np.flatnonzero(treated.to_numpy())
    shape = (len(rows), len(cells))
    terms = csr_matrix((np.ones(len(places)), (places, codes)), shape)
    quarters = pd.get_dummies(rows["period"], dtype="float64").to_numpy()[:, 1:]
    blocks = [terms, csr_matrix(quarters)]
    if covariates:
        more = rows[list(covariates)].to_numpy(dtype="float64")
        blocks.insert(1, csr_matrix(more))
    return hstack(blocks, format="csr"), cells


def _sum_by(codes: IntArray, groups: int, design: csr_matrix) -> csr_matrix:
    """Sum the rows of a sparse matrix within groups."""
    from scipy.sparse import csr_matrix

    places = (codes, np.arange(len(codes)))
    picker = csr_matrix((np.ones(len(codes)), places), (groups, len(codes)))
    return (picker @ design).tocsr()


def _take_last_cohort(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Make the last cohort the control and leave out the quarters from its start on."""
    last = int(rows["first_treat"].max())
    kept = rows[rows["period"] < last].copy()
    ours = kept["first_treat"] == last
    kept.loc[ours, "first_treat"] = 0
    kept.loc[ours, "event_time"] = math.nan
    seen = kept.groupby("unit")["period"].transform("size")
    kept = kept[seen > 1].reset_index(drop=True)
    if not (kept["event_time"] >= 0).any():
        raise TooFewUnitsError.build(
            "Everybody learnt in one quarter, so nobody can be compared",
            rule="people who never learnt, or a later cohort",
        )
    note = (
        f"everybody learns in the end, so the cohort of period {last} serves as "
        f"control and quarters from {last} on are left out"
    )
    return kept, note


def _build_effect(
    fit: CohortFit, rows: pd.DataFrame, weights: FloatArray, *, at: pd.Series
) -> Effect:
    """Average cells by weights into an effect."""
    value = float(weights @ fit.cells["estimate"].to_numpy())
    variance = float(weights @ fit.covariance @ weights)
    learns = rows["first_treat"] > 0
    return Effect(
        method="did_sun_abraham",
        estimand="ATT",
        value=value,
        std_error=math.sqrt(max(variance, 0.0)),
        df=float(fit.n_clusters - 1),
        baseline=float(rows.loc[at, "outcome"].mean()) - value,
        baseline_variance=math.nan,
        covariance=math.nan,
        n_treated=int(rows.loc[learns, "unit"].nunique()),
        n_control=int(rows.loc[~learns, "unit"].nunique()),
        n_clusters=fit.n_clusters,
        error=f"clustered, {fit.n_clusters} clusters; effects of persons, which lie "
        "within clusters, not counted as parameters",
    )


def _check_controls(panel: Panel, rows: pd.DataFrame) -> Check:
    """Report how many people the whole comparison leans on."""
    controls = int(rows.loc[rows["first_treat"] == 0, "unit"].nunique())
    least = 30
    return Check(
        check="sun_abraham_controls",
        passed=controls >= least,
        value=float(controls),
        limit=float(least),
        program=panel.program.id,
        outcome=panel.outcome.id,
        text=f"{controls} people who did not learn carry all comparisons of this "
        "design; those not yet learnt do not help it.",
        advice="read the group-time design with people not yet learnt as controls",
    )
