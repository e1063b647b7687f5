"""Columns of the tables of effects by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

__all__ = ["JOINT_COLUMNS", "stack_differences", "stack_effects"]

JOINT_COLUMNS = ("attribute", "statistic", "df_1", "df_2", "p_value")

_NUMBERS = ("estimate", "std_error", "df", "ci_low", "ci_high", "p_value")
_COUNTS = ("n_treated", "n_control")
_EFFECTS = ("attribute", "group", *_NUMBERS, *_COUNTS, "suppressed", "note")
_GAPS = ("difference", *_NUMBERS[1:], "p_adjusted", "detectable")


def stack_effects(parts: Sequence[Sequence[Mapping[str, object]]]) -> pd.DataFrame:
    """Stack the rows of several attributes into `Subgroups.table`."""
    rows = [row for part in parts for row in part]
    kinds: dict[str, str] = dict.fromkeys(_NUMBERS, "float64")
    kinds |= dict.fromkeys(_COUNTS, "Int64")
    kinds |= dict.fromkeys(["attribute", "group", "note"], "str")
    return pd.DataFrame(rows, columns=list(_EFFECTS)).astype(
        kinds | {"suppressed": "bool"}
    )


def stack_differences(parts: Sequence[Sequence[Mapping[str, object]]]) -> pd.DataFrame:
    """Stack the rows of several attributes into `Subgroups.differences`."""
    rows = [row for part in parts for row in part]
    text = ["attribute", "group", "reference"]
    kinds = dict.fromkeys(text, "str") | dict.fromkeys(_GAPS, "float64")
    return pd.DataFrame(rows, columns=[*text, *_GAPS]).astype(kinds)
