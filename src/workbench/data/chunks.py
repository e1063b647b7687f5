"""Rows from Python, written to Parquet chunk by chunk so that any number fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["ROW_COLUMN", "name_columns", "write_chunks"]

ROW_COLUMN = "_wb_row"
"""Number of a row in its file, from 1; a column of every staged file."""

_CHUNK_ROWS = 50_000


def name_columns(header: Iterable[object]) -> list[str]:
    """Name columns by their header: none empty, none twice (in any case)."""
    names: list[str] = []
    seen: set[str] = set()
    for position, cell in enumerate(header, start=1):
        wanted = "" if cell is None else str(cell).strip()
        wanted = name = wanted or f"column_{position}"
        number = 1
        while name.casefold() in seen:
            number += 1
            name = f"{wanted}_{number}"
        seen.add(name.casefold())
        names.append(name)
    return names


def write_chunks(
    rows: Iterable[tuple[int, Sequence[Any]]], names: Sequence[str], folder: Path
) -> list[Path]:
    """Write numbered rows as Parquet files of a bounded number of rows.

    Parameters
    ----------
    rows : iterable of (int, sequence)
        Number and cells; the cells of one column may be of several types.
    names : sequence of str
        Columns, in the order of the cells.
    folder : Path
        Made by this call; one file per chunk, in order.

    Returns
    -------
    list of Path
        At least one; a column without any value in a chunk is not in its file, one
        without any value at all is in the last file, which then has no rows.
    """
    folder.mkdir(parents=True)
    paths: list[Path] = []
    seen: set[str] = set()
    numbers: list[int] = []
    cells: list[Sequence[Any]] = []
    for number, row in rows:
        numbers.append(number)
        cells.append(row)
        if len(cells) == _CHUNK_ROWS:
            columns = _build_columns(cells, names)
            seen |= columns.keys()
            paths.append(_write_chunk(numbers, columns, folder, len(paths)))
            numbers, cells = [], []
    columns = _build_columns(cells, names)
    seen |= columns.keys()
    if cells:
        paths.append(_write_chunk(numbers, columns, folder, len(paths)))
    empty = {name: pa.array([], pa.string()) for name in names if name not in seen}
    if empty:
        paths.append(_write_chunk([], empty, folder, len(paths)))
    return paths


def _build_columns(
    cells: list[Sequence[Any]], names: Sequence[str]
) -> dict[str, pa.Array]:
    built = {
        name: _build_array([row[position] for row in cells])
        for position, name in enumerate(names)
    }
    return {name: array for name, array in built.items() if array is not None}


def _write_chunk(
    numbers: list[int], columns: dict[str, pa.Array], folder: Path, index: int
) -> Path:
    path = folder / f"{index:06d}.parquet"
    table = pa.table({**columns, ROW_COLUMN: pa.array(numbers, pa.int64())})
    pq.write_table(table, path, compression="zstd")
    return path


def _build_array(values: list[Any]) -> pa.Array | None:
    """Build a typed array if all values are of one type, else one of text."""
    plain = [_simplify(value) for value in values]
    kinds = {type(value) for value in plain if value is not None}
    if not kinds:
        return None
    if kinds <= {int, float} and float in kinds:
        plain = [None if value is None else float(value) for value in plain]
        kinds = {float}
    build = _BUILDERS.get(next(iter(kinds))) if len(kinds) == 1 else None
    if build is not None:
        try:
            return build(plain)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, ValueError):
            pass
    return pa.array([_write_text(value) for value in plain], pa.string())


def _build_moments(values: list[Any]) -> pa.Array:
    zones = {value.tzinfo is not None for value in values if value is not None}
    if len(zones) > 1:
        raise ValueError("with and without a time zone in one column")
    return pa.array(values, pa.timestamp("us", tz="UTC" if zones.pop() else None))


_BUILDERS: dict[type, Callable[[list[Any]], pa.Array]] = {
    bool: lambda values: pa.array(values, pa.bool_()),
    int: lambda values: pa.array(values, pa.int64()),
    float: lambda values: pa.array(values, pa.float64()),
    str: lambda values: pa.array(values, pa.string()),
    date: lambda values: pa.array(values, pa.date32()),
    datetime: _build_moments,
    list: lambda values: pa.array(values, pa.list_(pa.string())),
}


def _simplify(value: Any) -> Any:
    """Bring a cell to one of few types; exact decimals stay whole numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, list | tuple):
        return [_write_text(item) for item in value]
    if value is None or type(value) in _BUILDERS:
        return value
    return _write_text(value)


def _write_text(value: Any) -> str | None:
    """Write a cell as the text an export to CSV would hold."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)
