"""Recommended actions as counts of people: no person and no small group is left."""

from __future__ import annotations

import math

import pandas as pd

__all__ = ["OTHER", "count_actions"]

OTHER = "other"
"""Kind and reason under which cells that are too small by themselves are added up."""

_CELL = ["action", "reason_code"]
_DAYS = ["effective_on", "expires_on"]
_DECLINED = "declined"
_MOST_WEEKS = 26


def count_actions(actions: pd.DataFrame, *, min_group: int) -> dict[str, pd.DataFrame]:
    """Count the people behind recommended actions, and forget who they are.

    Parameters
    ----------
    actions : DataFrame
        One persona's recommendations, one row each: ``unit``, ``action``,
        ``reason_code``, ``effective_on``, ``expires_on``, ``status``; columns that are
        absent count as missing.
    min_group : int
        Fewest people of a count that is kept.

    Returns
    -------
    dict of str to DataFrame
        ``action_counts``: ``action``, ``reason_code``, ``people``. Cells that are too
        small are added up to one cell `OTHER`. ``action_weeks``: ``week`` (its Monday,
        ISO), ``action``, ``people`` with one that is open in the week and not
        declined. ``action_status``: ``status``, ``people``.
        ``people`` is missing and ``suppressed`` set where there are too few.
    """
    rows = actions.reindex(columns=["unit", *_CELL, *_DAYS, "status"])
    rows = rows[rows["unit"].notna()].fillna({"action": OTHER, "reason_code": OTHER})
    weeks = _spread_weeks(rows[rows["status"] != _DECLINED])
    return {
        "action_counts": _count(_add_up_small(rows, min_group), _CELL, min_group),
        "action_weeks": _count(weeks, ["week", "action"], min_group),
        "action_status": _count(rows, ["status"], min_group),
    }


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


def _count(rows: pd.DataFrame, keys: list[str], min_group: int) -> pd.DataFrame:
    """Count different people per cell; blank what is below the floor."""
    if rows.empty:
        return pd.DataFrame(columns=[*keys, "people", "suppressed"])
    people = rows.groupby(keys, sort=True)["unit"].nunique().astype("float64")
    counted = people.rename("people").reset_index()
    small = counted["people"] < min_group
    counted["people"] = counted["people"].mask(small, math.nan)
    return counted.assign(suppressed=small)
