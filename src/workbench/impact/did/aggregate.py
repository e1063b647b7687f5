"""Effects over groups and periods made one: overall, by event time, group, quarter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import TooFewUnitsError
from workbench.impact.did.averages import (
    Aggregate,
    Family,
    Kind,
    average_rules,
    choose_df,
    find_people,
    make_aggregate,
    read_effects,
    take_mean,
    weigh_cells,
    weigh_groups,
)
from workbench.impact.did.group_time import GroupTime, estimate_covariance

__all__ = [
    "aggregate_at_lag",
    "aggregate_calendar",
    "aggregate_dynamic",
    "aggregate_group",
    "aggregate_simple",
]

IntArray = npt.NDArray[np.int64]


def aggregate_simple(group_time: GroupTime) -> Aggregate:
    """Average all effects since exposure, weighted by the learners of each cell.

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
    return make_aggregate(
        group_time, cells, weigh_cells(group_time, cells), name="all effects"
    )


def aggregate_at_lag(
    group_time: GroupTime, *, exposures: Sequence[int], lag: int
) -> Aggregate:
    r"""Average the effects `lag` quarters after the exposure: the headline.

    The estimand is :math:`\sum_g n_g ATT(g, g + lag) / \sum_g n_g` over the exposure
    periods g, n being the learners seen both before and then: the effect on those whom
    the matched comparison asks about, in the quarter whose outcome it reads.

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
    rule = weigh_cells(group_time, cells)
    return make_aggregate(group_time, cells, rule, name=name, notes=notes)


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


def _make_family(
    group_time: GroupTime, kind: Kind, parts: dict[int, IntArray], since: list[int]
) -> Family:
    table = group_time.table
    rows, columns = [], []
    for term, cells in parts.items():
        rule = take_mean if kind == "group" else weigh_cells(group_time, cells)
        value, influence = rule(read_effects(group_time, cells))
        ours, theirs = find_people(group_time, cells)
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
        df=choose_df(group_time, np.concatenate(list(parts.values()))),
        overall=_pool(group_time, kind, chosen) if chosen else None,
    )


def _pool(group_time: GroupTime, kind: Kind, parts: dict[int, IntArray]) -> Aggregate:
    cells = np.concatenate(list(parts.values()))
    if kind == "group":
        rule = weigh_groups(group_time, parts)
    else:
        ends = np.cumsum([0, *(len(rows) for rows in parts.values())])
        rule = average_rules(
            [
                (weigh_cells(group_time, rows), np.arange(start, start + len(rows)))
                for start, rows in zip(ends[:-1], parts.values(), strict=True)
            ]
        )
    return make_aggregate(group_time, cells, rule, name=f"average by {kind}")
