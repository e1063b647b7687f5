"""Tables out of the HTML that libraries show, rebuilt plainly.

A ``text/html`` output makes Quarto load scripts from elsewhere, so frames and other
tables are read cell by cell and written anew as a Markdown raw block.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from workbench.brief.guard import disarm_html

__all__ = ["Cell", "Table", "draw_table", "read_tables", "wrap_raw_html"]

_NUMBER = re.compile(
    r"[<>≤≥]?\s*[+\-−]?[€$£]?\d[\d,.\s]*(?:[eE][+\-−]?\d+)?\s*%?|nan|NaN|<NA>|None|–|"
)
_SILENT = frozenset(("style", "script", "title", "template"))
_MOST_SPAN = 1000
_LONG = 60


@dataclass(slots=True)
class Cell:
    """One cell: its text, whether it heads a row or column, and how far it spans."""

    text: str = ""
    heads: bool = False
    columns: int = 1
    rows: int = 1


@dataclass(slots=True)
class Table:
    """One table: caption, rows of the head and rows of the body."""

    caption: str = ""
    head: list[list[Cell]] = field(default_factory=list)
    body: list[list[Cell]] = field(default_factory=list)


def read_tables(text: str) -> list[Table]:
    """Read the tables of an HTML text; everything outside them is left."""
    reader = _TableReader()
    reader.feed(text)
    reader.close()
    return [table for table in reader.tables if table.head or table.body]


def draw_table(table: Table) -> str:
    """Write a table as HTML: escaped text, scopes, numbers to the right."""
    words = _escape(" ".join(table.caption.split()))
    caption = f"<caption>{words}</caption>" if words else ""
    numeric = _find_numeric(table)
    rows = "".join(_draw_row(row, "col", numeric) for row in table.head)
    head = f"<thead>{rows}</thead>" if rows else ""
    body = "\n".join(_draw_row(row, "row", numeric) for row in table.body)
    label = words or "Table"
    return (
        f'<div class="table-wrap" role="region" tabindex="0" aria-label="{label}">'
        f'<table class="plain">{caption}{head}\n<tbody>\n{body}\n'
        "</tbody></table></div>"
    )


def wrap_raw_html(content: str) -> str:
    """Wrap HTML as a Markdown raw block that its content cannot close."""
    body = disarm_html(content)
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{{=html}}\n{body}\n{fence}\n\n"


def _find_numeric(table: Table) -> frozenset[int]:
    """Find the columns of a plain grid whose filled cells are all numbers."""
    rows = [*table.head, *table.body]
    widths = {len(row) for row in rows}
    if len(widths) != 1 or any(c.columns > 1 or c.rows > 1 for r in rows for c in r):
        return frozenset()
    found = set()
    for column in range(widths.pop()):
        texts = [row[column].text.strip() for row in table.body]
        filled = [text for text in texts if text]
        if filled and all(_NUMBER.fullmatch(text) for text in filled):
            found.add(column)
    return frozenset(found)


def _draw_row(cells: Sequence[Cell], scope: str, numeric: frozenset[int]) -> str:
    drawn = (
        _draw_cell(cell, scope, number=column in numeric)
        for column, cell in enumerate(cells)
    )
    return f"<tr>{''.join(drawn)}</tr>"


def _draw_cell(cell: Cell, scope: str, *, number: bool) -> str:
    marks = f' colspan="{cell.columns}"' if cell.columns > 1 else ""
    marks += f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
    text = " ".join(cell.text.split())
    if number and (scope == "col" or not cell.heads):
        marks += ' class="num"'
    elif len(text) > _LONG:
        marks += ' class="long"'
    if cell.heads and text:
        return f'<th scope="{scope}"{marks}>{_escape(text)}</th>'
    return f"<td{marks}>{_escape(text)}</td>"


def _escape(text: str) -> str:
    return html.escape(text).replace("`", "&#96;")


class _TableReader(HTMLParser):
    """Builds tables from tags; markup inside cells is reduced to its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Table] = []
        self._row: list[Cell] | None = None
        self._cell: Cell | None = None
        self._in_head = False
        self._in_caption = False
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "table":
            self.tables.append(Table())
            self._in_head = False
        elif self.tables:
            self._open_part(tag, dict(attrs))

    def _open_part(self, tag: str, attrs: dict[str, str | None]) -> None:
        table = self.tables[-1]
        if tag in ("thead", "tbody", "tfoot"):
            self._in_head = tag == "thead"
        elif tag == "caption":
            self._in_caption = True
        elif tag == "tr":
            self._row = []
            (table.head if self._in_head else table.body).append(self._row)
        elif tag in ("td", "th") and self._row is not None:
            self._cell = Cell(
                heads=tag == "th",
                columns=_read_span(attrs.get("colspan")),
                rows=_read_span(attrs.get("rowspan")),
            )
            self._row.append(self._cell)
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in ("td", "th"):
            self._cell = None
        elif tag == "tr":
            self._row = None
        elif tag == "caption":
            self._in_caption = False
        elif tag == "thead":
            self._in_head = False

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._cell is not None:
            self._cell.text += data
        elif self._in_caption and self.tables:
            self.tables[-1].caption += data


def _read_span(value: str | None) -> int:
    if value is None or not value.isdigit():
        return 1
    return max(1, min(int(value), _MOST_SPAN))
