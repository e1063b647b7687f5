"""Whether the stored tables have the contract's columns and types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from workbench.core.errors import SourceError
from workbench.data.contract import TABLES, Table, build_schema
from workbench.data.sql import quote_name, quote_path

__all__ = ["SCHEMA_COLUMNS", "check_sample", "check_schema", "count_stored"]

SCHEMA_COLUMNS = ["table", "column", "fault", "rows", "critical"]

_SAMPLE_ROWS = 5_000
_QUARTER = r"\d{4}Q[1-4]"


def count_stored(store: Path) -> dict[str, int]:
    """Count the rows of every stored table, those after any cut included.

    Parameters
    ----------
    store : Path
        Folder of the canonical tables.

    Returns
    -------
    dict
        Rows per table that exists, in the order of the contract.

    Raises
    ------
    SourceError
        If there is no store, or a table of it is damaged.
    """
    if not store.is_dir():
        raise SourceError.build(
            "There is no store of canonical tables",
            where=str(store),
            hint="load the organisation first",
        )
    counts = {}
    with duckdb.connect() as con:
        for name in TABLES:
            path = store / f"{name}.parquet"
            if path.is_file():
                sql = f"select count(*) from read_parquet({quote_path(path)})"
                counts[name] = int(_query(con, sql, path)[0][0])
    return counts


def check_schema(store: Path) -> pd.DataFrame:
    """List every column of the store that does not hold the contract.

    Parameters
    ----------
    store : Path
        Folder of the canonical tables.

    Returns
    -------
    DataFrame
        ``table``, ``column``, ``fault`` (missing, unknown, of another type, or not a
        quarter), ``rows`` concerned and ``critical``: views cannot be opened over a
        store that lacks a required column or dates a row by what is no quarter. Empty
        where all is well.

    Raises
    ------
    SourceError
        If a table is damaged.
    """
    with duckdb.connect() as con:
        found = [
            fault
            for table in TABLES.values()
            for fault in _list_faults(con, table, store / f"{table.name}.parquet")
        ]
    return pd.DataFrame(found, columns=SCHEMA_COLUMNS)


def check_sample(
    con: duckdb.DuckDBPyConnection, *, rows: int = _SAMPLE_ROWS
) -> pd.DataFrame:
    """Hold a sample of each table against its pandera schema.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`, everybody.
    rows : int
        Size of the sample, taken with a fixed seed.

    Returns
    -------
    DataFrame
        As `check_schema`; ``fault`` is the name of the rule, never a value.

    Notes
    -----
    The whole tables are checked in SQL; the sample makes sure that the two ways of
    writing the contract say the same.
    """
    from pandera.errors import SchemaErrors

    found: list[tuple[str, str, str, int, bool]] = []
    for table in TABLES:
        frame = con.execute(
            f"select * from {table} using sample {int(rows)} rows (reservoir, 7)"
        ).df()
        if frame.empty:
            continue
        try:
            build_schema(table).validate(frame, lazy=True)
        except SchemaErrors as error:
            cases = error.failure_cases
            counted = cases.groupby(["column", "check"], dropna=False).size()
            found += [
                (table, str(column), str(check), int(number), False)
                for (column, check), number in counted.items()
            ]
    return pd.DataFrame(found, columns=SCHEMA_COLUMNS)


def _list_faults(
    con: duckdb.DuckDBPyConnection, table: Table, path: Path
) -> Iterator[tuple[str, str, str, int, bool]]:
    if not path.is_file():
        return
    scan = f"read_parquet({quote_path(path)})"
    rows = int(_query(con, f"select count(*) from {scan}", path)[0][0])
    described = _query(con, f"describe select * from {scan}", path)
    present = {str(row[0]): str(row[1]) for row in described}
    for column in table.columns:
        kind = present.get(column.name)
        if kind is None:
            yield table.name, column.name, "missing column", rows, not column.nullable
        elif kind != column.sql_type:
            fault = f"type {kind}, not {column.sql_type}"
            yield table.name, column.name, fault, rows, False
        elif column.kind == "quarter":
            sql = (
                f"select count(*) from {scan} where not"
                f" regexp_full_match({quote_name(column.name)}, '{_QUARTER}')"
            )
            bad = int(_query(con, sql, path)[0][0])
            if bad:
                yield table.name, column.name, "not a quarter", bad, True
    if not table.open:
        for name in present:
            if name not in table.names:
                yield table.name, name, "unknown column", rows, False


def _query(con: duckdb.DuckDBPyConnection, sql: str, path: Path) -> list[Any]:
    """Run a query over one file."""
    try:
        return con.execute(sql).fetchall()
    except duckdb.Error as error:
        raise SourceError.build(
            "A table of the store cannot be read",
            where=path.name,
            got=str(error).splitlines()[0].replace(str(path), path.name),
            hint="load the organisation again with --force",
        ) from error
