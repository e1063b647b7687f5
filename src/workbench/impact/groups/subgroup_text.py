"""What effects by group do and do not show, in sentences."""

from __future__ import annotations

import math

import pandas as pd

__all__ = ["describe_attribute"]

_LARGE = 100


def describe_attribute(
    attribute: str,
    table: pd.DataFrame,
    differences: pd.DataFrame,
    *,
    p_joint: float,
    level: float,
    unit: str,
) -> str:
    """Say whether a programme helped the groups of one attribute alike.

    Parameters
    ----------
    attribute : str
        What people are grouped by.
    table, differences : DataFrame
        Rows of the attribute; see `Subgroups`.
    p_joint : float
        Of the joint test of equal effects; NaN where it was not made.
    level : float
        Of the intervals; a difference counts as seen if its adjusted p is below one
        less it.
    unit : str
        Of the effects.

    Returns
    -------
    str
        A difference that is not seen is never called equality: the sentence says how
        large a difference could have been missed.
    """
    name = attribute.replace("_", " ")
    hidden = int(table["suppressed"].sum())
    tail = _write_hidden(hidden)
    if differences.empty:
        if hidden:
            return f"By {name} too few people are in the groups to compare.{tail}"
        return f"By {name} there is one group only that can be compared.{tail}"
    scale = 100.0 if unit == "probability" else 1.0
    word = "percentage points" if unit == "probability" else unit
    clear = differences[differences["p_adjusted"] < 1 - level]
    if len(clear):
        parts = [_write_difference(row, scale) for row in _records(clear)]
        return (
            f"By {name} the effect differs, in {word}: {'; '.join(parts)}; this holds "
            f"after adjusting for the number of comparisons.{tail}"
        )
    missed = scale * differences["detectable"].max()
    if len(differences) == 1:
        row = _records(differences)[0]
        return (
            f"By {name} no difference in the effect can be told from chance: "
            f"{_write_difference(row, scale)} {word}. A difference of less than "
            f"{_write(missed)} could have been missed.{tail}"
        )
    largest = differences.loc[differences["difference"].abs().idxmax()]
    joint = "" if math.isnan(p_joint) else f", joint test p {p_joint:.2g}"
    return (
        f"By {name} no difference between groups can be told from chance{joint}; the "
        f"largest is {_write_difference(largest.to_dict(), scale)} {word}. Differences "
        f"of less than {_write(missed)} could have been missed.{tail}"
    )


def _write_hidden(hidden: int) -> str:
    if not hidden:
        return ""
    return f" {hidden} group{'s are' if hidden > 1 else ' is'} not shown (few people)."


def _write_difference(row: dict[str, object], scale: float) -> str:
    return f"{row['group']} less {row['reference']} {_write_interval(row, scale)}"


def _write_interval(row: dict[str, object], scale: float) -> str:
    value, low, high = (
        _write(scale * float(str(row[name])))
        for name in ("difference", "ci_low", "ci_high")
    )
    return f"{value} ({low} to {high})"


def _write(value: float) -> str:
    text = f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.2g}"
    return text.replace("-", "−")


def _records(rows: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]
