"""The account of a load: which file gave which rows, and what became of each.

For every table and file, rows in = rows filtered + rows mapped + rows quarantined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from workbench.data.chunks import ROW_COLUMN
from workbench.data.mapping import CompiledTable
from workbench.data.quarantine import FAULTS_COLUMN, Check
from workbench.data.sources import FILE_COLUMN, Relation
from workbench.data.sql import quote_text

__all__ = ["Fault", "Ledger"]

_SHOWN_FAULTS = 5
_TABLES = """
CREATE SCHEMA wb;
CREATE TABLE wb.origin (
    source VARCHAR, path VARCHAR, file VARCHAR, sha256 VARCHAR, bytes BIGINT);
CREATE TABLE wb.rule (k INTEGER, "column" VARCHAR, reason VARCHAR, rule VARCHAR);
CREATE TABLE wb.bad (n BIGINT, k INTEGER, found VARCHAR);
CREATE TABLE wb.quarantine (
    "table" VARCHAR, reason VARCHAR, rule VARCHAR, source VARCHAR, file VARCHAR,
    row BIGINT, "column" VARCHAR, value VARCHAR);
CREATE TABLE wb.lineage (
    "table" VARCHAR, source VARCHAR, file VARCHAR, sha256 VARCHAR, bytes BIGINT,
    rows_in BIGINT, rows_filtered BIGINT, rows_mapped BIGINT, rows_quarantined BIGINT);
CREATE TABLE wb.fault (
    "table" VARCHAR, "column" VARCHAR, reason VARCHAR, rule VARCHAR, file VARCHAR,
    row BIGINT, value VARCHAR, place BIGINT);
"""
_LINEAGE = """
INSERT INTO wb.lineage
WITH offered AS (SELECT path, count(*) AS n FROM {offered} GROUP BY path),
kept AS (
    SELECT {file} AS path, count(*) AS n,
        count(*) FILTER (file_row_number IN (SELECT n FROM wb.bad)) AS bad
    FROM {scan} GROUP BY path),
broken AS (
    SELECT source, file, count(*) AS n FROM wb.quarantine
    WHERE "table" = $name AND reason = 'malformed_row' GROUP BY ALL),
counted AS (
    SELECT o.source, o.file, any_value(sha256) AS sha256, any_value(bytes) AS bytes,
        coalesce(sum(offered.n), 0) AS n, coalesce(sum(kept.n), 0) AS kept,
        coalesce(sum(kept.bad), 0) AS bad
    FROM wb.origin o
    LEFT JOIN offered ON o.source = $source AND o.path = offered.path
    LEFT JOIN kept ON o.source = $source AND o.path = kept.path
    WHERE list_contains($sources, o.source) GROUP BY o.source, o.file)
SELECT $name, source, file, sha256, bytes, c.n + coalesce(b.n, 0), c.n - c.kept,
    c.kept - c.bad, c.bad + coalesce(b.n, 0)
FROM counted c LEFT JOIN broken b USING (source, file)
ORDER BY list_position($sources, source), file
"""
_ROW_FAULTS = """
INSERT INTO wb.fault
WITH each AS (
    SELECT file_row_number AS n, {file} AS path, {row} AS row,
        unnest({faults}) AS fault
    FROM {scan} WHERE {faults} IS NOT NULL),
placed AS (
    SELECT *, row_number() OVER (
        PARTITION BY fault.check_number ORDER BY n) AS place
    FROM each QUALIFY place <= {most})
SELECT $name, c."column", c.reason, c.rule, o.file, row, fault.found, place
FROM placed JOIN wb.rule c ON c.k = fault.check_number
JOIN wb.origin o ON o.source = $source AND o.path = placed.path ORDER BY n, k
"""
_QUARANTINE = """
INSERT INTO wb.quarantine
SELECT $name, c.reason, c.rule, $source, o.file, m.{row}, c."column", b.found
FROM wb.bad b JOIN {scan} m ON m.file_row_number = b.n JOIN wb.rule c USING (k)
JOIN wb.origin o ON o.source = $source AND o.path = m.{file} ORDER BY b.n
"""
_OTHER_FAULTS = """
INSERT INTO wb.fault
SELECT "table", "column", reason, rule, file, row, value, row_number() OVER (
    PARTITION BY "column", reason, rule ORDER BY rowid) AS place
FROM wb.quarantine WHERE "table" = $name AND (reason LIKE 'unknown_%'
    OR reason LIKE 'duplicate_%' OR reason = 'malformed_row')
QUALIFY place <= {most} ORDER BY rowid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A value that breaks a rule, and where it stands; ``place`` 1 is the first."""

    table: str
    column: str
    reason: str
    rule: str
    file: str
    row: int
    value: str
    place: int

    def __str__(self) -> str:
        found = f" {self.value!r}" if self.value else ""
        where = self.file or "derived rows"
        column = f"{self.column}: " if self.column else ""
        return f"{column}{self.reason}{found} in {where}, row {self.row} ({self.rule})"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Keeps the account in tables of a DuckDB connection."""

    connection: duckdb.DuckDBPyConnection

    def open(self, relations: Sequence[Relation]) -> None:
        """Create the account and enter every file of the sources."""
        self.connection.execute(_TABLES)
        self._insert(
            "wb.origin",
            [
                (relation.name, path, file.name, file.sha256, file.size)
                for relation in relations
                for path, file in relation.origins.items()
            ],
        )

    def record(
        self,
        compiled: CompiledTable,
        checks: Sequence[Check],
        scan: str,
        sources: Sequence[Relation],
    ) -> None:
        """Enter one table: its quarantine, its first faults, its files.

        Parameters
        ----------
        compiled : CompiledTable
            The table.
        checks : sequence of Check
            By their numbers in ``wb.bad`` and in the faults of the rows.
        scan : str
            FROM item of its mapped rows.
        sources : sequence of Relation
            All it is made of, its base first.
        """
        name, source = compiled.table.name, compiled.relation.name
        names = {"name": name, "source": source}
        parts = {
            "file": FILE_COLUMN,
            "row": ROW_COLUMN,
            "faults": FAULTS_COLUMN,
            "scan": scan,
            "most": _SHOWN_FAULTS,
        }
        self.connection.execute("DELETE FROM wb.rule")
        self._insert(
            "wb.rule",
            [(k, item.column, item.reason, item.rule) for k, item in enumerate(checks)],
        )
        self._insert("wb.quarantine", _list_broken(name, sources))
        self.connection.execute(_QUARANTINE.format(**parts), names)
        self.connection.execute(_ROW_FAULTS.format(**parts), names)
        self.connection.execute(_OTHER_FAULTS.format(**parts), {"name": name})
        offered = f"(SELECT {FILE_COLUMN} AS path FROM {scan})"
        if compiled.kept != "true":
            offered = f"(SELECT base.{FILE_COLUMN} AS path FROM {compiled.rows})"
        self.connection.execute(
            _LINEAGE.format(**parts, offered=offered),
            {**names, "sources": [relation.name for relation in sources]},
        )

    def list_faults(self, table: str) -> list[Fault]:
        """List the first values that break each rule of a table."""
        rows = self.connection.execute(
            'SELECT "table", "column", reason, rule, file, row, value, place '
            'FROM wb.fault WHERE "table" = ? ORDER BY place, rowid',
            [table],
        ).fetchall()
        names = ("table", "column", "reason", "rule", "file", "row", "value", "place")
        return [Fault(**dict(zip(names, row, strict=True))) for row in rows]

    def count_rows(self, table: str) -> tuple[int, int, int, int]:
        """Count the rows of a table: in, filtered, mapped, quarantined."""
        rows = self.connection.execute(
            "SELECT sum(rows_in), sum(rows_filtered), sum(rows_mapped), "
            'sum(rows_quarantined) FROM wb.lineage WHERE "table" = ?',
            [table],
        ).fetchall()
        total, filtered, mapped, quarantined = (int(item or 0) for item in rows[0])
        return total, filtered, mapped, quarantined

    def count_reasons(self) -> dict[str, int]:
        """Count quarantined rows by reason."""
        rows = self.connection.execute(
            "SELECT reason, count(*) FROM wb.quarantine GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        return {str(reason): int(count) for reason, count in rows}

    def write(self, folder: Path) -> None:
        """Write quarantine and lineage as Parquet."""
        for name in ("quarantine", "lineage"):
            target = quote_text(str(folder / f"_{name}.parquet"))
            self.connection.execute(
                f"COPY (SELECT * FROM wb.{name} ORDER BY rowid) TO {target} "
                "(FORMAT parquet, COMPRESSION zstd)"
            )

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert rows all at once; row by row would be slow for many."""
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            values = ", ".join("unnest(?)" for _ in columns)
            self.connection.execute(f"INSERT INTO {table} SELECT {values}", columns)


def _list_broken(table: str, sources: Sequence[Relation]) -> list[tuple[object, ...]]:
    """List the rows that no table could get, as they have no cells."""
    return [
        (table, "malformed_row", item.rule, relation.name, file, item.row, "", "")
        for relation in sources
        for file, rows in relation.broken.items()
        for item in rows
    ]
