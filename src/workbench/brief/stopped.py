"""Experiments whose arms do not have the sizes they should: nothing of them is shown.

The stage leaves no effect of such an experiment. What reads its tables blanks them once
more, so that no page can show one, whatever wrote the files.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

__all__ = ["EXPERIMENTS", "STOPPED", "blank_stopped"]

EXPERIMENTS = "ab"
"""Name of the stage that reads experiments."""

STOPPED = "stopped"
"""Status of an experiment that is not read."""

_KEPT = ("experiments", "sample_ratio", "diagnostics", "flow")
_PEOPLE = ("program", "outcome", "experiment", "arm", "people", "clusters")
_NUMBERS = (
    "estimate",
    "std_error",
    "ci_low",
    "ci_high",
    "p_value",
    "p_adjusted",
    "baseline",
    "relative_effect",
    "relative_ci_low",
    "relative_ci_high",
    "meets_threshold",
)


def blank_stopped(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Take out of the tables of experiments what could be read as an effect.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As the stage left them; ``experiments`` says which are stopped. Where that
        table cannot be read, or has no status, every experiment counts as stopped.

    Returns
    -------
    dict of str to DataFrame
        Rows of stopped experiments are left in ``experiments``, ``sample_ratio``,
        ``flow`` and, with counts only, ``arms``; their estimates have no number.
    """
    found = tables.get("experiments", pd.DataFrame())
    known = {"experiment", "program", "status"} <= set(found.columns)
    halted = found[found["status"] == STOPPED] if known else found
    if known and halted.empty:
        return dict(tables)
    names = set(halted["experiment"]) if known else None
    read = found.loc[found["status"] != STOPPED, "program"] if known else ()
    made = {}
    for name, table in tables.items():
        if name in _KEPT:
            made[name] = table
        elif name == "estimates":
            made[name] = _blank_estimates(table, kept=set(read))
        elif name == "arms":
            made[name] = _blank_arms(table, names)
        else:
            made[name] = _drop(table, names)
    return made


def _blank_estimates(table: pd.DataFrame, *, kept: set[str]) -> pd.DataFrame:
    """Blank the numbers of programmes without any experiment that may be read."""
    blanked = table.copy()
    hidden = ~table["program"].isin(kept)
    for column in _NUMBERS:
        if column in blanked:
            blanked[column] = blanked[column].mask(hidden)
    return blanked


def _blank_arms(table: pd.DataFrame, names: set[str] | None) -> pd.DataFrame:
    blanked = table.copy()
    hidden = _match(table, names)
    for column in set(table.columns) - set(_PEOPLE):
        blanked[column] = blanked[column].mask(hidden)
    return blanked


def _drop(table: pd.DataFrame, names: set[str] | None) -> pd.DataFrame:
    return table[~_match(table, names)].reset_index(drop=True)


def _match(table: pd.DataFrame, names: set[str] | None) -> pd.Series:
    """Tell which rows belong to a stopped experiment; all of them if in doubt."""
    if names is None or "experiment" not in table:
        return pd.Series(True, index=table.index)
    return table["experiment"].isin(names)
