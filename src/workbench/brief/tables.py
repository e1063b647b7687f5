"""Result tables on a page: chosen columns, each written by one formatter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.brief.components import (
    Block,
    Column,
    Html,
    build_table,
    draw_verdict,
    write_paragraph,
)
from workbench.brief.formatting import (
    MISSING,
    format_count,
    format_percent,
    format_value,
)

__all__ = [
    "Field",
    "count",
    "decimal",
    "percent",
    "status",
    "tabulate_frame",
    "words",
]


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a result table: its name, header, and how its cells are written."""

    key: str
    header: str
    write: Callable[[Any], Any]
    numeric: bool = False


def tabulate_frame(
    frame: pd.DataFrame | Sequence[Mapping[str, Any]],
    fields: Sequence[Field],
    *,
    caption: str,
    empty: str,
    anchor: str = "",
    most_rows: int = 40,
) -> Block:
    """Show chosen columns of a result table.

    Parameters
    ----------
    frame : DataFrame or sequence of mappings
        Columns that are absent are left out; without the first one, or without rows,
        the sentence `empty` is shown. Rows given as mappings may hold `Html`, which a
        DataFrame would turn into plain text.
    fields : sequence of Field
        From left to right; the first one names the row.
    caption : str
        What the table shows.
    empty : str
        Sentence in place of a table that is not there.
    anchor : str
        Address of the table within the page.
    most_rows : int
        Rows shown; how many more there are is said below the table.
    """
    given: Sequence[Mapping[Any, Any]] = (
        frame.to_dict("records") if isinstance(frame, pd.DataFrame) else frame
    )
    known = {key for row in given for key in row}
    present = [item for item in fields if item.key in known]
    if fields[0] not in present:
        return write_paragraph(empty)
    rows = [
        {item.key: item.write(row.get(item.key)) for item in present}
        for row in given[:most_rows]
    ]
    columns = [Column(item.key, item.header, item.numeric) for item in present]
    table = build_table(rows, columns, caption=caption, anchor=anchor)
    hidden = len(given) - len(rows)
    if not hidden:
        return table
    more = f"{format_count(hidden)} more rows are in the appendix."
    return Block(table.text + write_paragraph(more, kind="sub").text)


def words(key: str, header: str) -> Field:
    """Return a field of plain words; a missing one is a dash."""
    return Field(key, header, _write_words)


def count(key: str, header: str) -> Field:
    """Return a field of whole numbers."""
    return Field(key, header, format_count, numeric=True)


def percent(key: str, header: str, *, digits: int = 1) -> Field:
    """Return a field of shares, written as per cent."""
    return Field(
        key, header, lambda value: format_percent(value, digits=digits), numeric=True
    )


def decimal(key: str, header: str, digits: int = 2, *, signed: bool = False) -> Field:
    """Return a field of numbers with fixed decimals."""
    return Field(
        key,
        header,
        lambda value: format_value(value, digits, signed=signed),
        numeric=True,
    )


def status(key: str, header: str = "Status") -> Field:
    """Return a field of statuses of checks, in words and symbols."""
    return Field(key, header, _write_status)


def _write_words(value: Any) -> Any:
    if isinstance(value, Html):
        return value
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return MISSING
    return str(value)


def _write_status(value: Any) -> Html:
    if _write_words(value) == MISSING:
        return Html(MISSING)
    kinds = {
        "pass": ("good", "passed"),
        "warn": ("unsure", "warning"),
        "fail": ("bad", "failed"),
        "not_applicable": ("none", "does not apply"),
    }
    return draw_verdict(*kinds.get(str(value), ("none", str(value))))
