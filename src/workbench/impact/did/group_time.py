"""Effects of each exposure quarter in each quarter, with their influence functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import ParamError, TooFewUnitsError
from workbench.core.results import Check
from workbench.impact.design_matrix import build_design
from workbench.impact.did.cells import (
    Base,
    Control,
    People,
    estimate_cells,
    tabulate_cells,
)
from workbench.impact.did.doubly_robust import Method

__all__ = [
    "MIN_GROUP",
    "GroupTime",
    "build_terms",
    "estimate_covariance",
    "estimate_group_time",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MIN_GROUP = 5
"""Fewest people in an arm from whom the spread of changes is estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTime:
    """Effects ATT(g, t) of the group that learnt in period g, in period t.

    Attributes
    ----------
    table : DataFrame
        One row per estimated cell, ordered by group and period: ``group``,
        ``period``, ``event_time`` (period less group), ``att`` (positive: more of the
        outcome than without learning), ``std_error``, ``n_treated``, ``n_control``,
        ``base_period``, ``reference`` (True where the effect is 0 by definition),
        ``lost`` (people of the cell left out because one of the two periods is
        missing), ``trimmed`` (others without weight), ``unsupported`` (learners whom
        no other person resembles in some covariate).
    influence : array of shape (people, cells)
        Summed over people: the estimation error of each cell.
    covariance : array of shape (cells, cells)
        Of the effects, clustered as `cluster_by` says.
    units : array
        Pseudonyms, in the order of the rows of `influence`.
    first_treat : array of int
        Group of each person, 0 for those who had not learnt by the cut.
    outcomes : array of shape (people, periods)
        NaN where not observed.
    clusters : array of int
        Code of each person's cluster.
    cluster_by : str
        ``unit`` or ``team``.
    weights : Series
        People by group.
    dropped : DataFrame
        ``group``, ``period``, ``n_treated``, ``n_control``, ``reason``: cells that
        cannot be estimated.
    method, control, base, anticipation, small_sample
        How the effects were estimated.
    covariates : tuple of str
        Those that were adjusted for.
    checks : tuple of Check
        What was done to the covariates.
    """

    table: pd.DataFrame
    influence: FloatArray
    covariance: FloatArray
    units: npt.NDArray[np.object_]
    first_treat: IntArray
    outcomes: FloatArray
    clusters: IntArray
    cluster_by: str
    weights: pd.Series
    dropped: pd.DataFrame
    method: Method
    control: Control
    base: Base
    anticipation: int
    small_sample: bool
    covariates: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def n_clusters(self) -> int:
        """Clusters of the panel."""
        return int(self.clusters.max()) + 1

    def find_cells(
        self, *, before: bool, groups: Sequence[int] | None = None
    ) -> IntArray:
        """Return rows of `table` before (less the anticipation) or since exposure."""
        event = self.table["event_time"]
        wanted = event < -self.anticipation if before else event >= 0
        wanted &= ~self.table["reference"]
        if groups is not None:
            wanted &= self.table["group"].isin(groups)
        return np.flatnonzero(wanted.to_numpy()).astype("int64")


def estimate_group_time(
    panel: Panel,
    *,
    method: Method = "dr",
    control: Control = "not_yet",
    anticipation: int = 0,
    base: Base = "varying",
    covariates: Sequence[str] | None = None,
    min_group: int = MIN_GROUP,
    small_sample: bool = False,
) -> GroupTime:
    r"""Estimate what learning did, by quarter of learning and quarter of outcome.

    Use it when people learn in different quarters: learners are compared with people
    who had not learnt yet, never with earlier learners. The estimand ATT(g, t) is
    the average effect in period t on those who learnt in period g. It is causal if,
    without learning, their outcome would have changed like that of others with the
    same covariates (parallel trends), and if nobody's outcome moves earlier than
    `anticipation` quarters before learning.

    Parameters
    ----------
    panel : Panel
        People over quarters; they may lack some.
    method : {"dr", "reg", "ipw"}
        Doubly robust, outcome regression or weighting; the same without covariates.
    control : {"not_yet", "never"}
        People who learn later, and never; or only those who had not learnt by the cut.
    anticipation : int
        Quarters before the exposure in which outcomes may already respond.
    base : {"varying", "universal"}
        Effects since the exposure are changes from the last period before it (and
        before its anticipation) in which outcomes were measured. Earlier cells are
        changes from the measured period before ("varying"), or from that same base
        ("universal").
    covariates : sequence of str, optional
        Default: those of the panel. An empty sequence adjusts for nothing.
    min_group : int
        Cells with fewer people in an arm are not estimated.
    small_sample : bool
        Where each person is a cluster, inflate the influence of an arm of n people by
        the root of n/(n - k), k being 1 for learners and the number of regression
        terms for the others. The reference implementations do not, and understate
        errors of small groups.

    Returns
    -------
    GroupTime
        Cells that cannot be estimated stand in `dropped`, with the reason.

    Raises
    ------
    ParamError
        If `anticipation` is negative, or `min_group` below 2.
    TooFewUnitsError
        If no cell can be estimated.

    Notes
    -----
    A person enters a cell when observed in both of its periods; the others are
    counted as ``lost``. Errors come from the influence functions, with the divisor n
    of the reference implementation unless `small_sample`; where people are clustered
    in teams, influence is summed within the team and the variance multiplied by
    G/(G - 1).

    References
    ----------
    .. [1] Callaway, B. and Sant'Anna, P. H. C. (2021). Difference-in-differences with
       multiple time periods. Journal of Econometrics 225, 200-230.
       doi:10.1016/j.jeconom.2020.12.001
    """
    from threadpoolctl import threadpool_limits

    if anticipation < 0 or min_group < 2:
        raise ParamError.build(
            "Group-time effects need other options",
            rule="anticipation of 0 or more, min_group of 2 or more",
            got=(anticipation, min_group),
        )
    names = tuple(panel.covariates if covariates is None else covariates)
    people, checks = _gather(panel, names)
    alone = int(people.clusters.max()) + 1 == len(people.units)
    corrected = small_sample and alone
    with threadpool_limits(limits=1):
        cells, dropped = estimate_cells(
            people,
            method=method,
            control=control,
            base=base,
            anticipation=anticipation,
            min_group=min_group,
            small_sample=corrected,
        )
    if all(cell.reference for cell in cells):
        raise TooFewUnitsError.build(
            "No effect over time can be estimated",
            where=f"{panel.persona}, {panel.program.id}, {panel.outcome.id}",
            got=sorted(set(dropped["reason"])),
            hint="gather more quarters before the exposure, or more people",
        )
    influence = np.column_stack([cell.influence for cell in cells])
    with threadpool_limits(limits=1):
        covariance = estimate_covariance(influence, people.clusters)
    groups = people.first_treat[people.first_treat > 0]
    return GroupTime(
        table=tabulate_cells(cells, np.sqrt(np.diag(covariance))),
        influence=influence,
        covariance=covariance,
        units=people.units,
        first_treat=people.first_treat,
        outcomes=people.outcomes,
        clusters=people.clusters,
        cluster_by=panel.clusters[-1],
        weights=pd.Series(groups).value_counts().sort_index(),
        dropped=dropped,
        method=method,
        control=control,
        base=base,
        anticipation=anticipation,
        small_sample=corrected,
        covariates=names,
        checks=checks,
    )


def estimate_covariance(influence: FloatArray, clusters: IntArray) -> FloatArray:
    """Estimate the covariance of estimates from their influence functions.

    Parameters
    ----------
    influence : array of shape (people, k)
        Summed over people: the estimation errors.
    clusters : array of int
        Code of each person's cluster, from 0.

    Returns
    -------
    array of shape (k, k)
        Sums of squares over clusters; times G/(G - 1) where clusters hold more than
        one person.
    """
    groups = int(clusters.max()) + 1
    if groups == len(clusters):
        return np.asarray(influence.T @ influence, dtype="float64")
    sums = np.zeros((groups, influence.shape[1]))
    np.add.at(sums, clusters, influence)
    covariance: FloatArray = sums.T @ sums * (groups / max(groups - 1, 1))
    return covariance


def build_terms(
    panel: Panel, covariates: Sequence[str]
) -> tuple[pd.DataFrame, tuple[Check, ...]]:
    """Return the covariates of each person as numbers, one row per person.

    Parameters
    ----------
    panel : Panel
        Covariates do not change within a person.
    covariates : sequence of str
        Columns of the panel.

    Returns
    -------
    tuple
        Terms by unit (measured ones scaled, categories as 0/1 without the most
        frequent level, gaps filled and marked), and what was done as checks.
    """
    first = panel.frame.sort_values(["unit", "period"], kind="stable")
    first = first.drop_duplicates("unit").set_index("unit")[list(covariates)]
    design = build_design(first.assign(trial="all"), covariates=covariates)
    matrix = design.matrix()
    return pd.DataFrame(matrix, index=first.index, columns=design.names), design.checks


def _gather(
    panel: Panel, covariates: tuple[str, ...]
) -> tuple[People, tuple[Check, ...]]:
    frame = panel.frame.sort_values(["unit", "period"], kind="stable")
    codes, units = pd.factorize(frame["unit"])
    outcomes = np.full((len(units), len(panel.periods)), np.nan)
    outcomes[codes, frame["period"].to_numpy() - 1] = frame["outcome"].to_numpy()
    first = frame.drop_duplicates("unit")
    clusters = pd.factorize(first[panel.clusters[-1]], use_na_sentinel=False)[0]
    made, checks = build_terms(panel, covariates)
    return People(
        units=np.asarray(units, dtype="object"),
        first_treat=first["first_treat"].to_numpy(dtype="int64"),
        outcomes=outcomes,
        clusters=clusters.astype("int64"),
        terms=made.to_numpy(dtype="float64"),
    ), checks
