"""One canonical table at a time: mapped, judged, split into store and quarantine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from workbench.core.errors import ContractError, SourceError
from workbench.data.chunks import ROW_COLUMN
from workbench.data.contract import TABLES, Column
from workbench.data.convert import convert
from workbench.data.ledger import Ledger
from workbench.data.mapping import CompiledTable, compile_table
from workbench.data.pseudonyms import pseudonymise
from workbench.data.quarantine import (
    FAULTS_COLUMN,
    Check,
    list_reference_checks,
    list_row_checks,
    raw_name,
    select_duplicates,
    write_faults,
)
from workbench.data.registry import list_inputs, list_reached, list_sources_of
from workbench.data.scopes import ITEM_COLUMN
from workbench.data.source_model import SourceMap
from workbench.data.sources import FILE_COLUMN, Relation, describe_error
from workbench.data.sql import quote_name, quote_path, quote_text

__all__ = ["StoreBuilder"]

_PASSING = "(FORMAT parquet, COMPRESSION lz4)"
_OPERATOR = re.compile(r'"name": "([^"]*)"')
_KEEPING_ORDER = {"PROJECTION", "FILTER", "READ_PARQUET", "PARQUET_SCAN", "UNNEST"}
_STORED = "(FORMAT parquet, COMPRESSION zstd)"


@dataclass(slots=True, kw_only=True)
class StoreBuilder:
    """Builds the tables of a store, in the order of the contract.

    Attributes
    ----------
    connection : duckdb.DuckDBPyConnection
        With the sources registered and the pseudonyms' key installed.
    source_map : SourceMap
        The whole mapping.
    relations : mapping
        Registered sources by name.
    ledger : Ledger
        Opened with these sources.
    work, target : Path
        Folder of passing files, and folder of the store being built.
    rows : dict
        Rows of each table built so far.
    warnings : list of str
        What the analyst should know of.
    """

    connection: duckdb.DuckDBPyConnection
    source_map: SourceMap
    relations: Mapping[str, Relation]
    ledger: Ledger
    work: Path
    target: Path
    rows: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def build_table(self, name: str) -> CompiledTable:
        """Map, judge and store one table.

        Parameters
        ----------
        name : str
            The table; those it refers to are built before.

        Returns
        -------
        CompiledTable
            What was mapped, and from where.

        Raises
        ------
        ParamError, MissingColumnError
            If the mapping does not fit its sources.
        SourceError
            If a source or the disk fails while rows are read.
        """
        compiled = compile_table(self.connection, name, self.source_map, self.relations)
        try:
            self._build(compiled)
        except duckdb.Error as error:
            raise SourceError.build(
                f"The table {name} cannot be loaded",
                where=f"source.yml: tables.{name}",
                got=describe_error(error),
                hint="a cast in sql that fails on one value fails for all rows: "
                "use try_cast; for memory or disk, make room",
            ) from None
        return compiled

    def check_filled(self, name: str) -> None:
        """Refuse a required table without rows; note an optional one.

        Raises
        ------
        ContractError
            With the counts and the first value of each rule that emptied it.
        """
        if self.rows[name]:
            return
        if not TABLES[name].required:
            self.warnings.append(f"{name}: no row is left after filter and quarantine")
            return
        total, filtered, _, quarantined = self.ledger.count_rows(name)
        faults = [item for item in self.ledger.list_faults(name) if item.place == 1]
        raise ContractError.build(
            f"The required table {name} has no row",
            where=f"source.yml: tables.{name}",
            rule="at least one row after filter and quarantine",
            got=[
                f"{total} rows in, {filtered} filtered, {quarantined} quarantined",
                *map(str, faults),
            ],
            hint="correct the mapping by the first values above, or the extract",
        )

    def list_warnings(self) -> list[str]:
        """List what is odd about the sources, and what was noted of the tables."""
        used = {
            name
            for table in self.source_map.tables
            for name in list_sources_of(self.source_map, table)
        }
        for total in self.source_map.control_totals:
            read = list_inputs(self.source_map, total.sql)
            used.update(list_reached(self.source_map, read))
        return [
            *(text for item in self.relations.values() for text in item.warnings),
            *(
                f"source {name}: no table and no control total reads it"
                for name in self.relations
                if name not in used
            ),
            *self.warnings,
            *self._list_loose_references(),
        ]

    def _list_loose_references(self) -> Iterator[str]:
        """Count ids that stand in no table, but do not put their row in doubt."""
        for name in self.rows:
            for column in TABLES[name].columns:
                other = _find_loose(column)
                if other not in self.rows:
                    continue
                value = quote_name(column.name)
                value = f"unnest({value})" if column.kind == "list" else value
                ids = f"SELECT {value} AS id FROM {self._read_stored(name)}"
                key = TABLES[other].key[0]
                unknown = self._count(
                    f"({ids}) WHERE id IS NOT NULL AND id NOT IN "
                    f"(SELECT {key} FROM {self._read_stored(other)})"
                )
                if unknown:
                    yield (
                        f"{name}.{column.name}: {unknown:,} values stand in no row "
                        f"of {other}; the rows are kept"
                    )

    def _read_stored(self, name: str) -> str:
        return f"read_parquet({quote_path(self.target / f'{name}.parquet')})"

    def _build(self, compiled: CompiledTable) -> None:
        name = compiled.table.name
        mapped = self.work / f"{name}.parquet"
        checks = list_row_checks(compiled)
        self._write_mapped(compiled, checks, mapped)
        scan = f"read_parquet({quote_path(mapped)}, file_row_number=true)"
        self._keep_first_faults(scan)
        checks += self._judge_references(compiled, len(checks), scan)
        checks += self._judge_keys(compiled, len(checks), scan)
        sources = list_sources_of(self.source_map, name)
        self.ledger.record(
            compiled, checks, scan, [self.relations[item] for item in sources]
        )
        # a join does not keep the order of rows, so it is made only when needed
        sound = (
            "WHERE file_row_number NOT IN (SELECT n FROM wb.bad) "
            "ORDER BY file_row_number"
            if self._count("wb.bad")
            else ""
        )
        target = quote_text(str(self.target / f"{name}.parquet"))
        self.connection.execute(
            f"COPY (SELECT {_list_names(compiled)} FROM {scan} {sound}) "
            f"TO {target} {_STORED}"
        )
        self.rows[name] = self._count(self._read_stored(name))
        mapped.unlink()

    def _write_mapped(
        self, compiled: CompiledTable, checks: list[Check], mapped: Path
    ) -> None:
        """Write every kept row with its canonical values, its origin, its faults."""
        raws = [
            f"{item.raw} AS {raw_name(item.column.name)}" for item in compiled.columns
        ]
        kept = (
            f"SELECT {', '.join([*compiled.origin, *raws])} FROM {compiled.rows} "
            f"WHERE {compiled.kept}"
        )
        values = [
            *_list_values(compiled),
            *(
                f"CAST(NULL AS {column.sql_type}) AS {quote_name(column.name)}"
                for column in compiled.absent
            ),
        ]
        names = _list_names(compiled)
        query = (
            f"SELECT {names}, {FILE_COLUMN}, {ROW_COLUMN}, {write_faults(checks)} "
            f"FROM (SELECT *, {', '.join(values)} FROM ({kept}))"
        )
        self.connection.execute(
            f"COPY ({query}{self._write_order(compiled, query)}) "
            f"TO {quote_text(str(mapped))} {_PASSING}"
        )

    def _write_order(self, compiled: CompiledTable, query: str) -> str:
        """Write the ORDER BY that some operators make necessary.

        Scans, filters and projections keep the order of the rows on several threads;
        joins (which a long IN list becomes, too), windows and groups do not.
        """
        plan = self.connection.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
        if set(_OPERATOR.findall(str(plan[0][1]))) <= _KEEPING_ORDER:
            return ""
        order = f" ORDER BY {FILE_COLUMN}, {ROW_COLUMN}, {ITEM_COLUMN}"
        joined = base = 0
        if compiled.spec.join:
            joined, base = self._count(compiled.rows), self._count(compiled.base)
        if joined <= base:
            return order
        self.warnings.append(
            f"{compiled.table.name}: its joins make {joined:,} rows of {base:,}; "
            "a joined source has several rows for one"
        )
        return f"{order}, {_list_names(compiled)}"

    def _keep_first_faults(self, scan: str) -> None:
        self.connection.execute(
            "CREATE OR REPLACE TABLE wb.bad AS SELECT file_row_number AS n, "
            f"{FAULTS_COLUMN}[1].check_number AS k, {FAULTS_COLUMN}[1].found AS found "
            f"FROM {scan} WHERE {FAULTS_COLUMN} IS NOT NULL"
        )

    def _judge_references(
        self, compiled: CompiledTable, first: int, scan: str
    ) -> list[Check]:
        """Judge the sound rows against the tables they refer to."""
        stored = {name: self._read_stored(name) for name in self.rows}
        checks = list_reference_checks(compiled.table, stored)
        for number, check in enumerate(checks, start=first):
            self.connection.execute(
                f"INSERT INTO wb.bad SELECT file_row_number, {number}, {check.value} "
                f"FROM {scan} WHERE {check.broken} "
                "AND file_row_number NOT IN (SELECT n FROM wb.bad)"
            )
        return checks

    def _judge_keys(
        self, compiled: CompiledTable, first: int, scan: str
    ) -> list[Check]:
        """Set apart the rows whose key a sound row before them has."""
        key = ", ".join(compiled.table.key)
        if not key:
            return []
        names = _list_names(compiled)
        sound = (
            f"SELECT {names}, file_row_number AS _wb_n FROM {scan} "
            "WHERE file_row_number NOT IN (SELECT n FROM wb.bad)"
        )
        self.connection.execute(
            "INSERT INTO wb.bad SELECT _wb_n, "
            f"CASE WHEN same THEN {first} ELSE {first + 1} END, found "
            f"FROM ({select_duplicates(compiled.table, names, sound)})"
        )
        return [
            Check(column=key, reason=reason, rule=rule, broken="", value="")
            for reason, rule in (
                ("duplicate_row", f"{key} is unique; an earlier row is the same"),
                ("duplicate_key", f"{key} is unique; the first row is kept"),
            )
        ]

    def _count(self, rows: str) -> int:
        counted = self.connection.execute(f"SELECT count(*) FROM {rows}").fetchall()
        return int(counted[0][0])


def _find_loose(column: Column) -> str:
    """Name the table whose ids a column holds without the contract insisting."""
    if column.person and not column.refers and column.name != "employee_id":
        return "employees"
    return "courses" if column.kind == "list" else ""


def _list_names(compiled: CompiledTable) -> str:
    """List the columns of a table, further ones after those of the contract."""
    known = compiled.table.names
    further = [
        item.column.name for item in compiled.columns if item.column.name not in known
    ]
    return ", ".join(map(quote_name, [*known, *further]))


def _list_values(compiled: CompiledTable) -> list[str]:
    values = []
    for item in compiled.columns:
        name, kind = item.column.name, item.column.kind
        value = convert(
            raw_name(name), item.raw_type, kind, item.spec, compiled.reading
        )
        value = pseudonymise(value) if item.column.person else value
        values.append(f"{value} AS {quote_name(name)}")
    return values
