"""Access to learning: shares selected by group, their ratios, and what these show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import pandas as pd

from workbench.core.errors import MissingColumnError
from workbench.prescribe.equity.access_rates import (
    find_rate_interval,
    find_ratio_interval,
    measure_rates,
)
from workbench.prescribe.equity.floors import NOT_RECORDED
from workbench.prescribe.equity.small_cells import find_hidden

__all__ = ["ACCESS_COLUMNS", "measure_access"]

ACCESS_COLUMNS = [
    "kind",
    "attribute",
    "group",
    "n",
    "selected",
    "rate",
    "rate_low",
    "rate_high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "reference",
    "suppressed",
    "verdict",
]

_NUMBERS = ACCESS_COLUMNS[3:11]


def measure_access(
    people: pd.DataFrame,
    *,
    kind: Literal["prescribed", "taken_up"],
    attributes: Sequence[str],
    selected: str = "selected",
    unit: str = "unit",
    min_group: int = 10,
    floor: float = 0.8,
    alpha: float = 0.05,
) -> pd.DataFrame:
    r"""Compare the share selected in each group with that in the largest one shown.

    Parameters
    ----------
    people : DataFrame
        One row per person, or per person and quarter: `unit`, `selected` (bool) and
        the `attributes`. A missing attribute is a group of its own.
    kind : {"prescribed", "taken_up"}
        What was selected; written into the table.
    attributes : sequence of str
        Columns such as ``shift``, ``region`` or protected attributes.
    selected, unit : str
        Columns.
    min_group : int
        Groups with fewer persons, fewer of them selected, or fewer not selected (0
        apart) are kept back, others with them where these could be worked out from
        totals.
    floor : float
        Ratio that a verdict is given on: 0.8 by the four-fifths rule [1]_.
    alpha : float
        One minus the level of the intervals.

    Returns
    -------
    DataFrame
        One row per group: ``kind``, ``attribute``, ``group``, ``n`` and ``selected``
        (rows), ``rate`` with ``rate_low`` and ``rate_high``, ``ratio`` to the
        reference's rate with interval, ``reference`` (the largest group
        that is shown),
        ``suppressed``, ``verdict``: ``holds`` if the whole interval of the ratio lies
        between the floor and its inverse, ``falls short`` if an interval that is wide
        enough for all groups of the attribute at once (Bonferroni) lies outside,
        ``cannot tell`` otherwise, ``reference`` and ``not shown``. Attributes that all
        people share are left out.

    Raises
    ------
    MissingColumnError
        If a column is missing.

    Notes
    -----
    Where each person stands once, intervals are the score intervals of Wilson and
    Koopman. Where persons repeat, the error of the log ratio is that of the sum over
    persons of :math:`u_i / \hat p - u'_i / \hat p'`, with
    :math:`u_i = \sum_{t \in i} (y_{it} - \hat p) / n` over the person's rows in the
    group (times G / (G - 1)), which allows for persons who change groups; that of a
    rate enters the Wilson interval as an effective number of people. A group in which
    nobody, or everybody, was selected has no such error: persons are then counted
    once each and the score interval is used.

    References
    ----------
    .. [1] Equal Employment Opportunity Commission (1978). Uniform guidelines on
       employee selection procedures. 29 CFR 1607.4 D.
    """
    missing = [name for name in (unit, selected, *attributes) if name not in people]
    if missing:
        raise MissingColumnError.build("People lack a column", got=missing)
    labels = {name: _label(people[name]) for name in attributes}
    tables = [
        _compare(
            people.assign(group=groups),
            kind,
            name,
            selected=selected,
            unit=unit,
            min_group=min_group,
            floor=floor,
            alpha=alpha,
        )
        for name, groups in labels.items()
        if len(set(groups)) > 1
    ]
    if not tables:
        return pd.DataFrame(columns=ACCESS_COLUMNS)
    return pd.concat(tables, ignore_index=True)


def _label(values: pd.Series) -> pd.Series:
    kept = values.astype("object").where(values.notna(), NOT_RECORDED)
    return kept.astype(str)


def _compare(
    table: pd.DataFrame,
    kind: str,
    attribute: str,
    *,
    selected: str,
    unit: str,
    min_group: int,
    floor: float,
    alpha: float,
) -> pd.DataFrame:
    rates = measure_rates(table, selected, unit)
    names = sorted(rates)
    cells = [rates[name].cells for name in names]
    hidden = find_hidden(cells, min_group=min_group)
    unseen = dict(zip(names, hidden, strict=True))
    reference = min(names, key=lambda name: (unseen[name], -rates[name].size, name))
    compared = max(1, len(names) - 1 - sum(hidden))
    rows = []
    for name in names:
        row = {
            "kind": kind,
            "attribute": attribute,
            "group": name,
            "reference": reference,
            "suppressed": unseen[name],
        }
        if unseen[name]:
            rows.append(row | dict.fromkeys(_NUMBERS, math.nan) | _say("not shown"))
            continue
        rate = rates[name]
        low, high = find_rate_interval(rate, alpha)
        row |= {"n": rate.size, "selected": rate.selected, "rate": rate.share}
        row |= {"rate_low": low, "rate_high": high}
        if name == reference:
            lone = dict.fromkeys(("ratio", "ratio_low", "ratio_high"), math.nan)
            rows.append(row | lone | _say("reference"))
            continue
        base = rates[reference]
        low, high = find_ratio_interval(rate, base, alpha)
        wide = find_ratio_interval(rate, base, alpha / compared)
        rows.append(
            row
            | {
                "ratio": rate.share / base.share if base.selected else math.nan,
                "ratio_low": low,
                "ratio_high": high,
            }
            | _say(_give_verdict((low, high), wide, floor))
        )
    return pd.DataFrame(rows, columns=ACCESS_COLUMNS)


def _say(verdict: str) -> dict[str, str]:
    return {"verdict": verdict}


def _give_verdict(
    interval: tuple[float, float], wide: tuple[float, float], floor: float
) -> str:
    top = 1 / floor if floor > 0 else math.inf
    if floor <= interval[0] and interval[1] <= top:
        return "holds"
    if wide[1] < floor or wide[0] > top:
        return "falls short"
    return "cannot tell"
