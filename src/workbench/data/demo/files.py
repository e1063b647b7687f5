"""Files of an export, the same bytes for the same rows: CSV, Excel, SQLite, Parquet."""

from __future__ import annotations

import datetime as dt
import io
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from workbench.data.demo.arrays import Array, Columns

__all__ = [
    "CHUNK_ROWS",
    "CsvFile",
    "Shaper",
    "label",
    "split_rows",
    "write_excel",
    "write_parquet",
    "write_sqlite",
]

CHUNK_ROWS = 500_000
"""Rows formatted at a time."""

_SAVED = (2026, 10, 1, 6, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(<)")


class Shaper:
    """Turns columns into the rows a system would export, by SQL."""

    def __init__(self) -> None:
        self._con = duckdb.connect(config={"threads": 1})

    def shape(self, sql: str, rows: Mapping[str, Any]) -> pa.Table:
        """Run a query over ``rows``; their order is kept, NaN counts as missing."""
        columns = {
            name: pa.array(item, from_pandas=True)
            if isinstance(item, np.ndarray)
            else item
            for name, item in rows.items()
        }
        self._con.register("rows", pa.table(columns))
        try:
            return self._con.sql(sql).to_arrow_table()
        finally:
            self._con.unregister("rows")

    def close(self) -> None:
        """Release the connection."""
        self._con.close()


def label(codes: Array, names: Sequence[str]) -> pa.DictionaryArray:
    """Turn positions in a list into its texts; a negative one is missing."""
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names))


def split_rows(rows: Columns, size: int = CHUNK_ROWS) -> Iterator[Columns]:
    """Cut columns into parts of at most `size` rows, at least one."""
    count = len(next(iter(rows.values()))) if rows else 0
    for start in range(0, max(count, 1), size):
        yield {name: values[start : start + size] for name, values in rows.items()}


class CsvFile:
    """A delimited file written in parts."""

    def __init__(
        self, path: Path, *, delimiter: str = ",", encoding: str = "utf-8"
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self._delimiter, self._encoding = delimiter, encoding
        self._started = False
        self.rows = 0

    def write(self, table: pa.Table) -> None:
        """Append rows; the first part brings the header."""
        buffer = io.BytesIO()
        options = pa_csv.WriteOptions(
            include_header=False, delimiter=self._delimiter, quoting_style="needed"
        )
        if not self._started:
            names = self._delimiter.join(table.column_names)
            self._file.write(f"{names}\n".encode(self._encoding))
            self._started = True
        if table.num_rows:
            pa_csv.write_csv(table, buffer, options)
            data = buffer.getvalue()
            if self._encoding != "utf-8":
                data = data.decode("utf-8").encode(self._encoding)
            self._file.write(data)
        self.rows += table.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def write_parquet(path: Path, table: pa.Table) -> int:
    """Write a Parquet file; return its rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pa_parquet.write_table(table, path, compression="zstd")
    return int(table.num_rows)


def write_excel(path: Path, sheet: str, table: pa.Table) -> int:
    """Write a workbook of one sheet without any trace of the hour; return its rows."""
    import openpyxl

    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook(write_only=True)
    book.properties.created = dt.datetime(*_SAVED)
    page = book.create_sheet(sheet)
    page.append(table.column_names)
    columns = [column.to_pylist() for column in table.columns]
    for row in zip(*columns, strict=True):
        page.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    book.close()
    with (
        zipfile.ZipFile(buffer) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for item in source.infolist():
            data = source.read(item)
            if item.filename == "docProps/core.xml":
                stamp = dt.datetime(*_SAVED).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                data = _MODIFIED.sub(rb"\g<1>" + stamp + rb"\g<2>", data)
            dated = zipfile.ZipInfo(item.filename, _SAVED)
            target.writestr(dated, data, zipfile.ZIP_DEFLATED)
    return int(table.num_rows)


def write_sqlite(
    path: Path, tables: Mapping[str, tuple[str, Iterable[pa.Table]]]
) -> dict[str, int]:
    """Write a SQLite database.

    Parameters
    ----------
    path : Path
        The file.
    tables : mapping
        Table to its declaration of columns and its rows in parts.

    Returns
    -------
    dict
        Rows per table.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    written = {}
    con = sqlite3.connect(path)
    try:
        con.execute("pragma journal_mode = off")
        con.execute("pragma synchronous = off")
        for name, (declared, parts) in tables.items():
            con.execute(f"create table {name} ({declared})")
            written[name] = 0
            for part in parts:
                marks = ", ".join("?" * part.num_columns)
                columns = [column.to_pylist() for column in part.columns]
                insert = f"insert into {name} values ({marks})"
                con.executemany(insert, zip(*columns, strict=True))
                written[name] += part.num_rows
            con.commit()
    finally:
        con.close()
    return written
