"""What an average of group-time effects is, and how its error is carried."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.did.cells import find_others
from workbench.impact.did.group_time import GroupTime, estimate_covariance
from workbench.impact.effects import Effect
from workbench.impact.inference import FEW_CLUSTERS

__all__ = [
    "Aggregate",
    "Family",
    "Kind",
    "Quantity",
    "Rule",
    "average_rules",
    "choose_df",
    "describe_error",
    "find_people",
    "make_aggregate",
    "read_effects",
    "take_mean",
    "weigh_cells",
    "weigh_groups",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Kind = Literal["dynamic", "group", "calendar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """One average of group-time effects.

    Attributes
    ----------
    name : str
        What is averaged, in words.
    value, std_error : float
        On the outcome's scale; positive means more of it among learners.
    df : float
        Clusters of the arm that has fewer, less one; infinite from 40 clusters on.
    influence : array
        One value per person; summed, the estimation error.
    baseline, baseline_variance, covariance : float
        Mean the learners would have had without learning, its variance, and its
        covariance with the effect.
    n_treated, n_control, n_clusters : int
        Different people, and clusters they are in.
    cells : array of int
        Rows of `GroupTime.table` that are averaged.
    error : str
        The convention of the error, in words.
    notes : tuple of str
        What could not be included.
    """

    name: str
    value: float
    std_error: float
    df: float
    influence: FloatArray
    baseline: float
    baseline_variance: float
    covariance: float
    n_treated: int
    n_control: int
    n_clusters: int
    cells: IntArray
    error: str
    notes: tuple[str, ...] = ()

    def effect(self, *, method: str, estimand: str = "ATT") -> Effect:
        """Return the average as an effect for `make_estimate`."""
        return Effect(
            method=method,
            estimand=estimand,
            value=self.value,
            std_error=self.std_error,
            df=self.df,
            baseline=self.baseline,
            baseline_variance=self.baseline_variance,
            covariance=self.covariance,
            n_treated=self.n_treated,
            n_control=self.n_control,
            n_clusters=self.n_clusters,
            error=self.error,
            plain_error=float(np.sqrt(self.influence @ self.influence)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Averages by event time, group or period, and the average over them.

    Attributes
    ----------
    kind : {"dynamic", "group", "calendar"}
        What a term is: quarters since exposure, group, or period.
    table : DataFrame
        ``term``, ``value``, ``std_error`` (NaN for the reference), ``n_treated``,
        ``n_control``, ``n_cells``, ``reference``.
    covariance : array of shape (terms, terms)
        Clustered as the group-time effects are.
    influence : array of shape (people, terms)
        Summed over people: the estimation errors.
    clusters : array of int
        Code of each person's cluster.
    df : float
        As in `Aggregate`, over the people of all terms.
    overall : Aggregate or None
        Of the terms since exposure; None if there is none.
    """

    kind: Kind
    table: pd.DataFrame
    covariance: FloatArray
    influence: FloatArray
    clusters: IntArray
    df: float
    overall: Aggregate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A value per cell, with the influence of each person on it."""

    values: FloatArray
    influence: FloatArray


Rule = Callable[[Quantity], tuple[float, FloatArray]]


def weigh_cells(group_time: GroupTime, cells: IntArray) -> Rule:
    """Return the rule that weighs cells by their learners seen in both quarters."""
    return _weigh([find_people(group_time, cells[[k]])[0] for k in range(len(cells))])


def average_rules(rules: Sequence[tuple[Rule, IntArray]]) -> Rule:
    """Return the plain average of rules, each over its own columns."""

    def rule(quantity: Quantity) -> tuple[float, FloatArray]:
        found = [one(_take(quantity, columns)) for one, columns in rules]
        value = float(np.mean([item[0] for item in found]))
        return value, np.mean([item[1] for item in found], axis=0)

    return rule


def weigh_groups(group_time: GroupTime, parts: dict[int, IntArray]) -> Rule:
    """Return the rule that averages each group over time, then weighs the groups."""
    cells = np.concatenate(list(parts.values()))
    outer = _weigh([group_time.first_treat == group for group in parts])
    places = [np.flatnonzero(np.isin(cells, rows)) for rows in parts.values()]

    def rule(quantity: Quantity) -> tuple[float, FloatArray]:
        means = [_take(quantity, place) for place in places]
        return outer(
            Quantity(
                values=np.array([item.values.mean() for item in means]),
                influence=np.column_stack(
                    [item.influence.mean(axis=1) for item in means]
                ),
            )
        )

    return rule


def _weigh(members: Sequence[BoolArray]) -> Rule:
    """Return the average weighted by members, their numbers counted as random."""
    sizes = np.array([member.sum() for member in members], dtype="float64")
    total = sizes.sum()

    def rule(quantity: Quantity) -> tuple[float, FloatArray]:
        value = float(sizes @ quantity.values / total)
        influence = quantity.influence @ (sizes / total)
        for member, one in zip(members, quantity.values, strict=True):
            influence = influence + (one - value) / total * member
        return value, influence

    return rule


def _take(quantity: Quantity, columns: IntArray) -> Quantity:
    return Quantity(
        values=quantity.values[columns], influence=quantity.influence[:, columns]
    )


def take_mean(quantity: Quantity) -> tuple[float, FloatArray]:
    """Return the plain mean over all cells, with its influence."""
    return float(quantity.values.mean()), quantity.influence.mean(axis=1)


def read_effects(group_time: GroupTime, cells: IntArray) -> Quantity:
    """Read the effects of some cells, with their influence."""
    values = group_time.table["att"].to_numpy(dtype="float64")
    return Quantity(values=values[cells], influence=group_time.influence[:, cells])


def _read_levels(group_time: GroupTime, cells: IntArray) -> Quantity:
    """Read the learners' mean outcome in each cell, the counterfactual's other half."""
    values = np.empty(len(cells))
    influence = np.zeros((len(group_time.units), len(cells)))
    periods = group_time.table["period"].to_numpy()[cells]
    for column, cell in enumerate(cells):
        ours = find_people(group_time, np.array([cell]))[0]
        seen = group_time.outcomes[ours, periods[column] - 1]
        values[column] = seen.mean()
        influence[ours, column] = (seen - seen.mean()) / len(seen)
    return Quantity(values=values, influence=influence)


def find_people(group_time: GroupTime, cells: IntArray) -> tuple[BoolArray, BoolArray]:
    """Find the different learners and others seen in both periods of any cell."""
    seen = np.isfinite(group_time.outcomes)
    first = group_time.first_treat
    ours = np.zeros(len(first), dtype=bool)
    theirs = np.zeros(len(first), dtype=bool)
    columns = group_time.table[["group", "period", "base_period"]].to_numpy()
    for group, period, start in columns[cells].tolist():
        both = seen[:, period - 1] & seen[:, start - 1]
        until = max(period, start) + group_time.anticipation
        ours |= both & (first == group)
        theirs |= both & find_others(first, group, until, group_time.control)
    return ours, theirs


def choose_df(group_time: GroupTime, cells: IntArray) -> float:
    """Return the clusters of the smaller arm less one, infinity from 40 on."""
    arms = find_people(group_time, cells)
    fewest = min(len(np.unique(group_time.clusters[people])) for people in arms)
    return float(fewest - 1) if fewest < FEW_CLUSTERS else math.inf


def make_aggregate(
    group_time: GroupTime,
    cells: IntArray,
    rule: Rule,
    *,
    name: str,
    notes: tuple[str, ...] = (),
) -> Aggregate:
    """Average cells by a rule, and the counterfactual mean of their learners with it.

    Parameters
    ----------
    group_time : GroupTime
        Effects by group and period.
    cells : array of int
        Rows of its table, in the order in which `rule` expects them.
    rule : callable
        Maps values and influence of the cells to those of the average.
    name : str
        What is averaged, in words.
    notes : tuple of str
        What could not be included.

    Returns
    -------
    Aggregate
        With its error and baseline.
    """
    value, influence = rule(read_effects(group_time, cells))
    level, level_influence = rule(_read_levels(group_time, cells))
    both = np.column_stack([influence, level_influence - influence])
    covariance = estimate_covariance(both, group_time.clusters)
    ours, theirs = find_people(group_time, cells)
    n_clusters = len(np.unique(group_time.clusters[ours | theirs]))
    return Aggregate(
        name=name,
        value=value,
        std_error=float(np.sqrt(covariance[0, 0])),
        df=choose_df(group_time, cells),
        influence=influence,
        baseline=level - value,
        baseline_variance=float(covariance[1, 1]),
        covariance=float(covariance[0, 1]),
        n_treated=int(ours.sum()),
        n_control=int(theirs.sum()),
        n_clusters=n_clusters,
        cells=cells,
        error=describe_error(group_time),
        notes=notes,
    )


def describe_error(group_time: GroupTime) -> str:
    """Return the convention of the errors in words."""
    if group_time.n_clusters == len(group_time.units):
        divisor = "n - 1 in each arm" if group_time.small_sample else "n"
        return f"influence functions by person, divisor {divisor}"
    return (
        f"influence functions summed within {group_time.n_clusters} clusters by "
        f"{group_time.cluster_by}, CR1 factor G/(G-1)"
    )
