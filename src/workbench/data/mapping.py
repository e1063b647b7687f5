"""Table maps of `source.yml` compiled to SQL over the registered sources."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb

from workbench.core.errors import ParamError
from workbench.data.chunks import ROW_COLUMN
from workbench.data.contract import TABLES, Column, Kind, Table
from workbench.data.convert import Reading
from workbench.data.scopes import (
    ITEM_COLUMN,
    find_raws,
    list_scopes,
    write_base,
    write_kept,
    write_rows,
)
from workbench.data.source_model import (
    ColumnMap,
    CsvSource,
    SourceMap,
    SqlSource,
    TableMap,
)
from workbench.data.sources import FILE_COLUMN, Relation, describe_error
from workbench.data.sql import quote_name, quote_text

__all__ = [
    "CompiledTable",
    "MappedColumn",
    "check_timezone",
    "compile_table",
    "find_words",
    "list_used",
]

_WORD = re.compile(r'"([^"]+)"|(\w+)')
_NATURAL: tuple[tuple[str, Kind], ...] = (
    ("BOOLEAN", "bool"),
    ("DATE", "date"),
    ("TIMESTAMP", "ts"),
    ("DOUBLE", "float"),
    ("FLOAT", "float"),
    ("DECIMAL", "float"),
    ("TINYINT", "int"),
    ("SMALLINT", "int"),
    ("INTEGER", "int"),
    ("BIGINT", "int"),
    ("", "cat"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedColumn:
    """One column of a table with the SQL of its value in the extract.

    Attributes
    ----------
    column : Column
        As the contract declares it, or as the mapping does for a further one.
    spec : ColumnMap
        As in `source.yml`.
    raw, raw_type : str
        SQL of the value before conversion, and its DuckDB type.
    """

    column: Column
    spec: ColumnMap
    raw: str
    raw_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTable:
    """A table map whose names have been found and whose SQL has been tried.

    Attributes
    ----------
    table, spec, relation : Table, TableMap, Relation
        What is filled, how, and from which source.
    columns : tuple of MappedColumn
        Mapped columns, those of the contract first and in its order.
    absent : tuple of Column
        Columns of the contract that the mapping leaves empty.
    base, rows : str
        FROM item of the base, unpivoted, and FROM clause of the base with its joins.
    kept : str
        Condition under which a row is not filtered.
    reading : Reading
        Conventions of the base source.
    """

    table: Table
    spec: TableMap
    relation: Relation
    columns: tuple[MappedColumn, ...]
    absent: tuple[Column, ...]
    base: str
    rows: str
    kept: str
    reading: Reading

    @property
    def origin(self) -> tuple[str, ...]:
        """Columns that say where a row is from, as SQL over `rows`."""
        item = f"base.{ITEM_COLUMN}" if self.spec.unpivot else "0"
        return (
            f"base.{FILE_COLUMN} AS {FILE_COLUMN}",
            f"base.{ROW_COLUMN} AS {ROW_COLUMN}",
            f"{item} AS {ITEM_COLUMN}",
        )


def compile_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    source_map: SourceMap,
    relations: Mapping[str, Relation],
) -> CompiledTable:
    """Find every name of a table map and try its SQL.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        In which the sources are registered.
    name : str
        Canonical table.
    source_map : SourceMap
        The whole mapping.
    relations : mapping
        Registered sources by name.

    Returns
    -------
    CompiledTable
        Ready to be loaded.

    Raises
    ------
    MissingColumnError
        If the sources lack columns that the mapping names; all of them together.
    ParamError
        If an expression, format or time zone is refused.
    """
    table, spec = TABLES[name], source_map.tables[name]
    relation = relations[spec.from_]
    scopes = list_scopes(name, spec, relations)
    raws = find_raws(name, spec, relation, scopes)
    base = write_base(spec, relation)
    rows = write_rows(spec, base)
    kept = write_kept(spec)
    _try_rows(connection, name, spec, rows, kept)
    types = _describe_raws(connection, name, spec, raws, rows)
    for column, item in spec.columns.items():
        _try_options(connection, f"source.yml: tables.{name}.columns.{column}", item)
    columns = [
        MappedColumn(
            column=_declare(table, column, item, types[column]),
            spec=item,
            raw=raws[column],
            raw_type=types[column],
        )
        for column, item in spec.columns.items()
    ]
    order = {item: index for index, item in enumerate(table.names)}
    columns.sort(key=lambda item: order.get(item.column.name, len(order)))
    mapped = set(spec.columns)
    return CompiledTable(
        table=table,
        spec=spec,
        relation=relation,
        columns=tuple(columns),
        absent=tuple(item for item in table.columns if item.name not in mapped),
        base=base,
        rows=rows,
        kept=kept,
        reading=_find_reading(relation, source_map.timezone),
    )


def find_words(text: str) -> set[str]:
    """Find every word and quoted name of an SQL text, in lower case."""
    return {(quoted or word).casefold() for quoted, word in _WORD.findall(text)}


def _list_sql(spec: TableMap) -> Iterator[str]:
    """List every piece of SQL within a table map."""
    yield from (item.sql for item in spec.columns.values() if item.sql)
    yield from (join.on for join in spec.join)
    if spec.where:
        yield spec.where


def list_used(spec: TableMap) -> set[str]:
    """List every column name that a table map may read, in lower case."""
    used = {
        item.column.casefold().rpartition(".")[2]
        for item in spec.columns.values()
        if item.column
    }
    used |= {item.column.casefold() for item in spec.columns.values() if item.column}
    used |= {item.casefold() for item in (spec.unpivot.columns if spec.unpivot else ())}
    return used.union(*map(find_words, _list_sql(spec)))


def _find_reading(relation: Relation, timezone: str) -> Reading:
    spec = relation.spec
    if isinstance(spec, SqlSource):
        return Reading(timezone=timezone)
    return Reading(
        timezone=timezone,
        decimal=spec.decimal,
        thousands=spec.thousands,
        iso_too=not isinstance(spec, CsvSource),
    )


def _try_rows(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    spec: TableMap,
    rows: str,
    kept: str,
) -> None:
    where = f"source.yml: tables.{name}."
    if spec.join:
        _try(connection, f"SELECT 1 FROM {rows}", where + "join", "join")
    _try(connection, f"SELECT 1 FROM {rows} WHERE {kept}", where + "where", "condition")


def _describe_raws(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    spec: TableMap,
    raws: dict[str, str],
    rows: str,
) -> dict[str, str]:
    """Return the type of each value, and name the expression that is refused."""
    for column, item in spec.columns.items():
        if item.sql:
            where = f"source.yml: tables.{name}.columns.{column}.sql"
            _try(connection, f"SELECT {raws[column]} FROM {rows}", where, "expression")
    selected = ", ".join(f"{raw} AS {quote_name(key)}" for key, raw in raws.items())
    described = _try(
        connection,
        f"SELECT {selected} FROM {rows}",
        f"source.yml: tables.{name}.columns",
        "mapping",
    )
    return {str(row[0]): str(row[1]) for row in described}


def _try_options(
    connection: duckdb.DuckDBPyConnection, where: str, spec: ColumnMap
) -> None:
    for item in spec.formats:
        query = f"SELECT try_strptime('', {quote_text(item)})"
        _try(connection, query, f"{where}.formats", "date format")
    if spec.timezone is not None:
        check_timezone(connection, spec.timezone, f"{where}.timezone")


def check_timezone(
    connection: duckdb.DuckDBPyConnection, timezone: str, where: str
) -> None:
    """Refuse a time zone that DuckDB does not know.

    Raises
    ------
    ParamError
        With the nearest names.
    """
    rows = connection.execute("SELECT name FROM pg_timezone_names()").fetchall()
    names = [str(row[0]) for row in rows]
    if timezone not in names:
        near = difflib.get_close_matches(timezone, names, n=3)
        raise ParamError.build(
            f"There is no time zone {timezone!r}",
            where=where,
            rule="a name such as Europe/Berlin",
            hint="did you mean " + ", ".join(near) if near else "",
        )


def _try(
    connection: duckdb.DuckDBPyConnection, query: str, where: str, what: str
) -> list[tuple[object, ...]]:
    try:
        return connection.execute(f"DESCRIBE {query}").fetchall()
    except duckdb.Error as error:
        raise ParamError.build(
            f"DuckDB refuses this {what}", where=where, got=describe_error(error)
        ) from None


def _declare(table: Table, name: str, spec: ColumnMap, raw_type: str) -> Column:
    """Return the contract's column, or declare a further one by its nature."""
    if name in table.names:
        return table.column(name)
    natural = next(kind for start, kind in _NATURAL if raw_type.startswith(start))
    mapped = spec.map is not None or spec.constant is not None
    kind = spec.kind or ("cat" if mapped else natural)
    return Column(name=name, kind=kind, nullable=True)
