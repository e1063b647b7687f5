"""Showing any result table in a notebook, rounded by its own size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.brief.components import Column, build_note, build_table, show
from workbench.brief.formatting import MISSING, format_value, is_missing

__all__ = ["format_frame", "show_frame"]

_MOST_ROWS = 200


def show_frame(
    frame: pd.DataFrame,
    *,
    caption: str,
    headers: Mapping[str, str] | None = None,
    empty: str = "There is nothing to show.",
) -> None:
    """Show a table in a notebook cell as Markdown.

    Parameters
    ----------
    frame : DataFrame
        At most 200 rows are shown; a note says how many there are.
    caption : str
        What the table shows.
    headers : mapping of str to str, optional
        Columns to show and their headers; all of them by default.
    empty : str
        Shown in place of a table without rows.
    """
    if frame.empty:
        show(build_note("", empty))
        return
    names = dict(headers or {str(name): _title(name) for name in frame.columns})
    rows = format_frame(frame[list(names)].head(_MOST_ROWS))
    columns = [
        Column(key, header, pd.api.types.is_numeric_dtype(frame[key]))
        for key, header in names.items()
    ]
    cut = len(frame) > _MOST_ROWS
    more = build_note("", f"The first {_MOST_ROWS} of {len(frame):,} rows.")
    show(build_table(rows, columns, caption=caption), more if cut else None)


def format_frame(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Write the cells of a table as text, one number of decimals per column.

    Whole numbers have none; others have up to three, fewer the larger the column's
    largest value. Missing values become a dash, lists their items with commas.
    """
    digits = {str(name): _digits(frame[name]) for name in frame.columns}
    return [
        {key: _cell(value, digits[key]) for key, value in row.items()}
        for row in frame.rename(columns=str).to_dict("records")
    ]


def _digits(column: pd.Series) -> int | None:
    """Return the decimals of a numeric column, or None for text."""
    kinds = pd.api.types
    if kinds.is_bool_dtype(column) or not kinds.is_numeric_dtype(column):
        return None
    known = column.dropna().astype("float64")
    if kinds.is_integer_dtype(column) or (known == known.round()).all():
        return 0
    largest = float(known.abs().max())
    return next(places for places, limit in _SIZES if largest >= limit)


_SIZES = ((0, 1000.0), (1, 100.0), (2, 1.0), (3, 0.0))


def _cell(value: Any, digits: int | None) -> str:
    if digits is not None:
        return format_value(value, digits)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and is_missing(value)):
        return MISSING
    if pd.api.types.is_list_like(value):
        return ", ".join(map(str, value)) or MISSING
    return MISSING if pd.isna(value) else str(value)


def _title(name: Any) -> str:
    return str(name).replace("_", " ")
