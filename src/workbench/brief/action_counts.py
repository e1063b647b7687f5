"""Recommended actions as counts of people: no person and no small group is left."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

import pandas as pd

from workbench.prescribe.equity.small_cells import find_hidden

__all__ = ["OTHER", "count_actions"]

OTHER = "other"
"""Kind and reason under which cells that are too small by themselves are added up."""

_CELL = ["action", "reason_code"]
_DAYS = ["effective_on", "expires_on"]
_DECLINED = "declined"
_MOST_WEEKS = 26


def count_actions(
    actions: pd.DataFrame, *, min_group: int, seated: Collection[str] = ()
) -> dict[str, pd.DataFrame]:
    """Count the people behind recommended actions, and forget who they are.

    Parameters
    ----------
    actions : DataFrame
        One persona's recommendations, one row each: ``unit``, ``action``,
        ``reason_code``, ``effective_on``, ``expires_on``, ``status``; columns that are
        absent count as missing.
    min_group : int
        Fewest people of a count that is kept, and of a difference of two that can be
        taken.
    seated : collection of str
        Units with a seat, whose number is published elsewhere.

    Returns
    -------
    dict of str to DataFrame
        ``action_counts``: ``action``, ``reason_code``, ``people``. Cells that are too
        small are added up to one cell `OTHER`. ``action_weeks``: ``week`` (its Monday,
        ISO), ``action``, ``people`` with one that is open in the week and not
        declined. ``action_status``: ``status``, ``people``.
        ``people`` is missing and ``suppressed`` set where there are too few; where all
        have a seat and nearly all who have one are there; in a week also where the
        number is nearly that of another week, of a reason for the action, or of all;
        and for the next smallest status, which would otherwise give a small one away.
        In a week ``suppressed`` is set beside a number, too, that leaves out small
        cells. A difference of 0 is no small one.
    """
    rows = actions.reindex(columns=["unit", *_CELL, *_DAYS, "status"])
    rows = rows[rows["unit"].notna()].fillna({"action": OTHER, "reason_code": OTHER})
    merged = _add_up_small(rows, min_group)
    told = _choose_told(rows, merged)
    weeks = _spread_weeks(told[told["status"] != _DECLINED])
    counts = {
        "action_counts": _count(merged, _CELL),
        "action_weeks": _count(weeks, ["week", "action"]),
        "action_status": _count(rows, ["status"]),
    }
    hidden = {
        "action_counts": _list_near(counts["action_counts"], merged, seated, min_group),
        "action_weeks": _list_told(counts["action_weeks"], told, seated, min_group),
        "action_status": find_hidden(
            [(int(item),) for item in counts["action_status"]["people"]],
            min_group=min_group,
        ),
    }
    made = {
        name: _blank(table, hidden[name], min_group) for name, table in counts.items()
    }
    left_out = rows.loc[rows.index.difference(told.index), "action"]
    partial = made["action_weeks"]["action"].isin(set(left_out))
    made["action_weeks"]["suppressed"] |= partial
    return made


def _spread_weeks(rows: pd.DataFrame) -> pd.DataFrame:
    """Repeat each recommendation for every week in which it is open."""
    first, last = (_find_monday(rows[name]) for name in _DAYS)
    known = first.notna()
    spans = ((last.fillna(first) - first).dt.days // 7 + 1)[known]
    spans = spans.clip(1, _MOST_WEEKS).astype("int64")
    spread = rows[known].loc[rows[known].index.repeat(spans)]
    later = pd.to_timedelta(7 * spread.groupby(level=0).cumcount(), unit="D")
    weeks = first[known].loc[spread.index] + later
    return spread.assign(week=weeks.dt.strftime("%Y-%m-%d"))


def _find_monday(days: pd.Series) -> pd.Series:
    dated = pd.to_datetime(days, errors="coerce")
    return dated - pd.to_timedelta(dated.dt.day_of_week, unit="D")


def _add_up_small(rows: pd.DataFrame, min_group: int) -> pd.DataFrame:
    """Give all cells below the floor the same name."""
    people = rows.groupby(_CELL)["unit"].transform("nunique")
    merged = rows.copy()
    merged.loc[people < min_group, _CELL] = OTHER
    return merged


def _count(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Count different people per cell."""
    if rows.empty:
        return pd.DataFrame(columns=[*keys, "people"])
    people = rows.groupby(keys, sort=True)["unit"].nunique().astype("float64")
    return people.rename("people").reset_index()


def _choose_told(rows: pd.DataFrame, merged: pd.DataFrame) -> pd.DataFrame:
    """Choose the rows of cells that are told, and of actions that have none.

    Were small cells counted with the others of an action, its number would tell them.
    """
    shown = merged["action"] != OTHER
    return rows[shown | ~rows["action"].isin(set(merged.loc[shown, "action"]))]


def _list_near(
    counted: pd.DataFrame,
    merged: pd.DataFrame,
    seated: Collection[str],
    min_group: int,
) -> list[bool]:
    """List the cells that nearly everybody with a seat is in, and nobody else."""
    units = merged.groupby(_CELL)["unit"].agg(set)
    return [
        _is_near(people, _count_seats(units[action, reason], seated), min_group)
        for action, reason, people in counted.itertuples(index=False)
    ]


def _list_told(
    weeks: pd.DataFrame,
    told: pd.DataFrame,
    seated: Collection[str],
    min_group: int,
) -> list[bool]:
    """List the weeks from which, and from another number, a few could be counted."""
    kept: dict[str, set[float]] = {}
    for action, own in told.groupby("action"):
        units = own.groupby("reason_code")["unit"].agg(set)
        every = set(own["unit"])
        counts = {len(every), *map(len, units)} | _count_seats(every, seated)
        kept[str(action)] = set(map(float, counts))
    hidden = []
    for action, people in zip(weeks["action"], weeks["people"], strict=True):
        near = _is_near(people, kept[str(action)], min_group)
        if not near:
            kept[str(action)].add(float(people))
        hidden.append(near)
    return hidden


def _count_seats(units: Collection[str], seated: Collection[str]) -> set[int]:
    """Count the seats, where only people with a seat are among these."""
    return {len(set(seated))} if set(units) <= set(seated) else set()


def _is_near(value: float, known: Iterable[float], min_group: int) -> bool:
    return any(0 < abs(value - other) < min_group for other in known)


def _blank(counted: pd.DataFrame, hidden: list[bool], min_group: int) -> pd.DataFrame:
    """Blank what is below the floor, or told more than itself."""
    lost = (counted["people"] < min_group) | pd.Series(hidden, dtype="bool")
    return counted.assign(
        people=counted["people"].mask(lost.astype(bool), math.nan),
        suppressed=lost.astype(bool),
    )
