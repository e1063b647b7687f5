"""Effects over groups and periods made one: overall, by event time, group, quarter."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import TooFewUnitsError
from workbench.impact.did.cells import find_others
from workbench.impact.did.group_time import GroupTime, estimate_covariance
from workbench.impact.effects import Effect
from workbench.impact.inference import FEW_CLUSTERS

__all__ = [
    "Aggregate",
    "Family",
    "aggregate_at_lag",
    "aggregate_calendar",
    "aggregate_dynamic",
    "aggregate_group",
    "aggregate_simple",
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
        Clusters less one below 40 clusters, otherwise infinite.
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
        As in `Aggregate`, of the whole panel.
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
class _Quantity:
    """A value per cell, with the influence of each person on it."""

    values: FloatArray
    influence: FloatArray


Rule = Callable[[_Quantity], tuple[float, FloatArray]]


def aggregate_simple(group_time: GroupTime) -> Aggregate:
    """Average all effects since exposure, weighted by the size of the group.

    Long-exposed groups count in more periods; prefer `aggregate_group` as a summary.

    Parameters
    ----------
    group_time : GroupTime
        Effects by group and period.

    Returns
    -------
    Aggregate
        Its error counts that group sizes are random, as in all functions here.

    References
    ----------
    .. [1] Callaway, B. and Sant'Anna, P. H. C. (2021). Difference-in-differences with
       multiple time periods. Journal of Econometrics 225, 200-230.
       doi:10.1016/j.jeconom.2020.12.001
    """
    cells = _need(group_time.find_cells(before=False), "since exposure")
    return _finish(group_time, cells, _weigh(group_time, cells), name="all effects")


def aggregate_at_lag(
    group_time: GroupTime, *, exposures: Sequence[int], lag: int
) -> Aggregate:
    r"""Average the effects `lag` quarters after the exposure: the headline.

    The estimand is :math:`\sum_g n_g ATT(g, g + lag) / \sum_g n_g` over the exposure
    periods g, n being the people of the group: the effect on the learners whom the
    matched comparison asks about, in the quarter whose outcome it reads.

    Parameters
    ----------
    group_time : GroupTime
        Effects by group and period.
    exposures : sequence of int
        Groups that count.
    lag : int
        Quarters after the exposure, 0 or more.

    Returns
    -------
    Aggregate
        `notes` names exposure periods without an effect at this lag.

    Raises
    ------
    TooFewUnitsError
        If none of the groups has an effect at this lag.
    """
    table = group_time.table
    wanted = table["group"].isin(list(exposures)) & (table["event_time"] == lag)
    cells = _need(
        np.flatnonzero(wanted.to_numpy()), f"{lag} quarters after the exposure"
    )
    found = set(table["group"].to_numpy()[cells].tolist())
    sizes = group_time.weights
    notes = tuple(
        f"{int(sizes.get(group, 0))} learners of period {group} have no effect at "
        f"lag {lag}."
        for group in sorted(set(exposures) - found)
        if sizes.get(group, 0)
    )
    name = f"effect {lag} quarters after the exposure quarter"
    rule = _weigh(group_time, cells)
    return _finish(group_time, cells, rule, name=name, notes=notes)


def aggregate_dynamic(
    group_time: GroupTime,
    *,
    balance: int | None = None,
    groups: Sequence[int] | None = None,
) -> Family:
    """Average effects by quarters since exposure: the event study.

    Parameters
    ----------
    group_time : GroupTime
        Effects by group and period.
    balance : int, optional
        Keep groups seen at least this many quarters after their exposure, and event
        times at which all of these are seen, so that the mix of groups is the same.
    groups : sequence of int, optional
        Groups that count; default all.

    Returns
    -------
    Family
        ``overall`` is the plain average over event times of 0 and more.

    Raises
    ------
    TooFewUnitsError
        If no group is left.
    """
    table = group_time.table
    last = group_time.outcomes.shape[1]
    keep = np.ones(len(table), dtype=bool)
    if groups is not None:
        keep &= table["group"].isin(list(groups)).to_numpy()
    if balance is not None:
        event = table["event_time"].to_numpy()
        keep &= (last - table["group"].to_numpy() >= balance) & (event <= balance)
        keep &= event >= balance - last + 1
    rows = _need(np.flatnonzero(keep), "for these groups")
    parts = _split(table["event_time"], rows)
    since = [position for position, term in enumerate(parts) if term >= 0]
    return _make_family(group_time, "dynamic", parts, since)


def aggregate_calendar(group_time: GroupTime) -> Family:
    """Average effects by calendar period over the groups that have learnt by then.

    Parameters
    ----------
    group_time : GroupTime
        Effects by group and period.

    Returns
    -------
    Family
        ``overall`` is the plain average over periods.
    """
    cells = _need(group_time.find_cells(before=False), "since exposure")
    parts = _split(group_time.table["period"], cells)
    return _make_family(group_time, "calendar", parts, list(range(len(parts))))


def aggregate_group(group_time: GroupTime) -> Family:
    """Average the effects of each group over the periods since its exposure.

    Parameters
    ----------
    group_time : GroupTime
        Effects by group and period.

    Returns
    -------
    Family
        ``overall`` weighs groups by their people: the average effect of learning
        over everybody who learnt, each over the time observed.
    """
    cells = _need(group_time.find_cells(before=False), "since exposure")
    parts = _split(group_time.table["group"], cells)
    return _make_family(group_time, "group", parts, list(range(len(parts))))


def _need(cells: IntArray, where: str) -> IntArray:
    if not len(cells):
        raise TooFewUnitsError.build(
            f"There is no effect {where} to average",
            hint="see the cells that were dropped, and why",
        )
    return cells.astype("int64")


def _split(labels: pd.Series, rows: IntArray) -> dict[int, IntArray]:
    values = labels.to_numpy()[rows]
    return {int(term): rows[values == term] for term in np.unique(values)}


def _weigh(group_time: GroupTime, cells: IntArray) -> Rule:
    """Return the rule that weighs cells by the people of their group."""
    groups = group_time.table["group"].to_numpy()[cells]
    sizes = group_time.weights.loc[groups].to_numpy(dtype="float64")
    total = sizes.sum()

    def rule(quantity: _Quantity) -> tuple[float, FloatArray]:
        value = float(sizes @ quantity.values / total)
        influence = quantity.influence @ (sizes / total)
        for group in np.unique(groups):
            gap = (quantity.values[groups == group] - value).sum() / total
            influence = influence + gap * (group_time.first_treat == group)
        return value, influence

    return rule


def _average(rules: Sequence[tuple[Rule, IntArray]]) -> Rule:
    """Return the plain average of rules, each over its own columns."""

    def rule(quantity: _Quantity) -> tuple[float, FloatArray]:
        found = [one(_take(quantity, columns)) for one, columns in rules]
        value = float(np.mean([item[0] for item in found]))
        return value, np.mean([item[1] for item in found], axis=0)

    return rule


def _weigh_groups(group_time: GroupTime, parts: dict[int, IntArray]) -> Rule:
    """Return the rule that averages each group over time, then weighs the groups."""
    cells = np.concatenate(list(parts.values()))
    firsts = np.array([rows[0] for rows in parts.values()])
    outer = _weigh(group_time, firsts)
    places = [np.flatnonzero(np.isin(cells, rows)) for rows in parts.values()]

    def rule(quantity: _Quantity) -> tuple[float, FloatArray]:
        means = [_take(quantity, place) for place in places]
        return outer(
            _Quantity(
                values=np.array([item.values.mean() for item in means]),
                influence=np.column_stack(
                    [item.influence.mean(axis=1) for item in means]
                ),
            )
        )

    return rule


def _take(quantity: _Quantity, columns: IntArray) -> _Quantity:
    return _Quantity(
        values=quantity.values[columns], influence=quantity.influence[:, columns]
    )


def _make_family(
    group_time: GroupTime, kind: Kind, parts: dict[int, IntArray], since: list[int]
) -> Family:
    table = group_time.table
    rows, columns = [], []
    for term, cells in parts.items():
        rule = _mean if kind == "group" else _weigh(group_time, cells)
        value, influence = rule(_read_effects(group_time, cells))
        ours, theirs = _find_people(group_time, cells)
        reference = bool(table["reference"].to_numpy()[cells].all())
        sizes = int(ours.sum()), int(theirs.sum())
        rows.append((term, value, *sizes, len(cells), reference))
        columns.append(influence)
    names = ["term", "value", "n_treated", "n_control", "n_cells", "reference"]
    made = pd.DataFrame(rows, columns=names)
    influence = np.column_stack(columns)
    covariance = estimate_covariance(influence, group_time.clusters)
    errors = np.sqrt(np.diag(covariance))
    made.insert(2, "std_error", np.where(made["reference"], np.nan, errors))
    chosen = {
        term: cells
        for position, (term, cells) in enumerate(parts.items())
        if position in since
    }
    return Family(
        kind=kind,
        table=made,
        covariance=covariance,
        influence=influence,
        clusters=group_time.clusters,
        df=_degrees(group_time.n_clusters),
        overall=_pool(group_time, kind, chosen) if chosen else None,
    )


def _pool(group_time: GroupTime, kind: Kind, parts: dict[int, IntArray]) -> Aggregate:
    cells = np.concatenate(list(parts.values()))
    if kind == "group":
        rule = _weigh_groups(group_time, parts)
    else:
        ends = np.cumsum([0, *(len(rows) for rows in parts.values())])
        rule = _average(
            [
                (_weigh(group_time, rows), np.arange(start, start + len(rows)))
                for start, rows in zip(ends[:-1], parts.values(), strict=True)
            ]
        )
    return _finish(group_time, cells, rule, name=f"average by {kind}")


def _mean(quantity: _Quantity) -> tuple[float, FloatArray]:
    return float(quantity.values.mean()), quantity.influence.mean(axis=1)


def _read_effects(group_time: GroupTime, cells: IntArray) -> _Quantity:
    values = group_time.table["att"].to_numpy(dtype="float64")
    return _Quantity(values=values[cells], influence=group_time.influence[:, cells])


def _read_levels(group_time: GroupTime, cells: IntArray) -> _Quantity:
    """Read the learners' mean outcome in each cell, the counterfactual's other half."""
    values = np.empty(len(cells))
    influence = np.zeros((len(group_time.units), len(cells)))
    periods = group_time.table["period"].to_numpy()[cells]
    for column, cell in enumerate(cells):
        ours = _find_people(group_time, np.array([cell]))[0]
        seen = group_time.outcomes[ours, periods[column] - 1]
        values[column] = seen.mean()
        influence[ours, column] = (seen - seen.mean()) / len(seen)
    return _Quantity(values=values, influence=influence)


def _find_people(group_time: GroupTime, cells: IntArray) -> tuple[BoolArray, BoolArray]:
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


def _degrees(n_clusters: int) -> float:
    return float(n_clusters - 1) if n_clusters < FEW_CLUSTERS else math.inf


def _finish(
    group_time: GroupTime,
    cells: IntArray,
    rule: Rule,
    *,
    name: str,
    notes: tuple[str, ...] = (),
) -> Aggregate:
    value, influence = rule(_read_effects(group_time, cells))
    level, level_influence = rule(_read_levels(group_time, cells))
    both = np.column_stack([influence, level_influence - influence])
    covariance = estimate_covariance(both, group_time.clusters)
    ours, theirs = _find_people(group_time, cells)
    n_clusters = len(np.unique(group_time.clusters[ours | theirs]))
    return Aggregate(
        name=name,
        value=value,
        std_error=float(np.sqrt(covariance[0, 0])),
        df=_degrees(n_clusters),
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
        return "influence functions by person, divisor n"
    return (
        f"influence functions summed within {group_time.n_clusters} clusters by "
        f"{group_time.cluster_by}, CR1 factor G/(G-1)"
    )
