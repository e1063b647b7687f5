"""What was known on the day of the data cut, and of whom it may be read."""

from __future__ import annotations

import os
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb

from workbench.core.errors import ContractError, SourceError
from workbench.core.params import Privacy
from workbench.core.store import read_json
from workbench.data.connection import open_duckdb
from workbench.data.contract import TABLES, Column, Table, select_empty
from workbench.data.sql import quote_name, quote_path, quote_text

__all__ = ["count_consent", "list_consenting", "open_cut"]


def open_cut(
    store: Path,
    cut: date,
    privacy: Privacy,
    *,
    consented_only: bool = True,
    year_starts: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open the canonical tables as they were known on the day of the data cut.

    Parameters
    ----------
    store : Path
        Folder of the canonical tables.
    cut : date
        Last day (UTC) of which anything may be read.
    privacy : Privacy
        Says whether consent is needed, and for which purpose.
    consented_only : bool
        Whether to leave out people without consent where the lawful basis is consent.
    year_starts : int, optional
        Month in which the fiscal year starts; by default as the store was loaded.

    Returns
    -------
    duckdb.DuckDBPyConnection
        In memory, one thread (sums of floats repeat to the last bit), with one view
        per table of the contract; an absent table is an empty view. Rows dated after
        the cut are not there, later facts within a row are missing: an exit after the
        cut, the completion of a course, the end of an experiment. Where the lawful
        basis is consent, rows about people without it are not there, and where such a
        person is named in another's row (manager, instructor) a label takes the place
        of the pseudonym: it still tells teams apart and joins to nobody.

    Raises
    ------
    SourceError
        If the store does not exist or a table of it cannot be read.
    ContractError
        If a table lacks a required column, or consent is needed and no table holds it.
    """
    if not store.is_dir():
        raise SourceError.build(
            "There is no store of canonical tables",
            where=str(store),
            hint="load the organisation first: workbench run, or workbench demo",
        )
    starts = _find_year_starts(store) if year_starts is None else year_starts
    spill = Path(tempfile.gettempdir()) / f"workbench-cut-{os.getpid()}"
    connection = open_duckdb(spill, threads=1)
    moment = _Moment(cut, starts)
    try:
        selects = {
            table.name: _select_visible(connection, store, table, moment)
            for table in TABLES.values()
        }
        if consented_only and privacy.lawful_basis == "consent":
            _hold_consenting(connection, store, selects["consent"], privacy)
            selects = {
                name: _select_consenting(TABLES[name], select)
                for name, select in selects.items()
            }
        for name, select in selects.items():
            connection.execute(f"CREATE VIEW {quote_name(name)} AS {select}")
    except duckdb.Error as error:
        connection.close()
        raise SourceError.build(
            "The store of canonical tables cannot be read",
            where=str(store),
            got=str(error).splitlines()[0],
            hint="load the organisation again with --force",
        ) from error
    except ContractError:
        connection.close()
        raise
    return connection


def count_consent(store: Path, cut: date, privacy: Privacy) -> dict[str, int]:
    """Count people by what they decided on or before the data cut.

    Parameters
    ----------
    store : Path
        Folder of the canonical tables.
    cut : date
        Last day of which a decision counts.
    privacy : Privacy
        Names the purpose.

    Returns
    -------
    dict
        ``people`` employed by the cut, and of them ``granted``, ``refused`` and
        ``undecided``.
    """
    connection = open_cut(store, cut, privacy, consented_only=False)
    try:
        rows = connection.execute(
            "SELECT count(*), count(*) FILTER (granted), "
            "count(*) FILTER (NOT granted), count(*) FILTER (granted IS NULL) "
            f"FROM employees LEFT JOIN ({_decisions('consent', privacy)}) "
            "USING (employee_id)"
        ).fetchall()
    finally:
        connection.close()
    names = ("people", "granted", "refused", "undecided")
    return dict(zip(names, map(int, rows[0]), strict=True))


def list_consenting(store: Path, day: date, privacy: Privacy) -> frozenset[str]:
    """List the people who may be read of, by what they had decided on a day.

    Parameters
    ----------
    store : Path
        Folder of the canonical tables.
    day : date
        Last day of which a decision counts; `date.max` for the latest known.
    privacy : Privacy
        Lawful basis and purpose; where the basis is not consent, everybody.

    Returns
    -------
    frozenset of str
        Pseudonyms.
    """
    last = min(day, date.max - timedelta(days=1))
    connection = open_cut(store, last, privacy)
    try:
        rows = connection.execute("SELECT employee_id FROM employees").fetchall()
    finally:
        connection.close()
    return frozenset(str(row[0]) for row in rows)


class _Moment:
    """The data cut, as SQL compares each kind of date with it."""

    def __init__(self, cut: date, year_starts: int) -> None:
        self.end = f"TIMESTAMP {quote_text(f'{cut + timedelta(days=1)} 00:00:00')}"
        self._starts = year_starts

    def is_visible(self, column: Column) -> str:
        """Write the condition that a value of a column lies on or before the cut."""
        name = quote_name(column.name)
        if column.kind != "quarter":
            return f"{name} < {self.end}"
        shift = self._starts - 1 - (12 if self._starts > 1 else 0)
        months = (
            f"CAST({name}[1:4] AS INTEGER) * 12 + CAST({name}[6:6] AS INTEGER) * 3"
            f" + {shift}"
        )
        after = f"make_date(({months}) // 12, ({months}) % 12 + 1, 1)"
        return f"{after} <= {self.end}"


def _find_year_starts(store: Path) -> int:
    path = store / "_load.json"
    return int(read_json(path).get("year_starts", 1)) if path.is_file() else 1


def _select_visible(
    connection: duckdb.DuckDBPyConnection, store: Path, table: Table, moment: _Moment
) -> str:
    """Write the SELECT of one table at the cut; an absent file gives an empty one."""
    path = store / f"{table.name}.parquet"
    if not path.is_file():
        return select_empty(table)
    scan = f"read_parquet({quote_path(path)})"
    described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    present = [str(row[0]) for row in described]
    typed = [_type_column(column, table, present) for column in table.columns]
    further = [quote_name(item) for item in present if item not in table.names]
    shown = [_show_column(column, table, moment) for column in table.columns]
    visible = [moment.is_visible(item) for item in table.columns if item.cut == "row"]
    return (
        f"SELECT {', '.join(shown + further)} FROM "
        f"(SELECT {', '.join(typed + further)} FROM {scan}) "
        f"WHERE {' AND '.join(visible) or 'true'}"
    )


def _type_column(column: Column, table: Table, present: list[str]) -> str:
    name = quote_name(column.name)
    if column.name in present:
        return f"CAST({name} AS {column.sql_type}) AS {name}"
    if column.nullable:
        return f"CAST(NULL AS {column.sql_type}) AS {name}"
    raise ContractError.build(
        f"The stored table {table.name} lacks the column {column.name}",
        rule="columns of the data contract",
        hint="load the organisation again with --force",
    )


def _show_column(column: Column, table: Table, moment: _Moment) -> str:
    """Write a column as it was known at the cut."""
    name = quote_name(column.name)
    if column.name in table.recast:
        return f"{table.recast[column.name].format(end=moment.end)} AS {name}"
    dates = [
        item
        for item in table.columns
        if item.cut == "mask" and column.name in (item.name, *item.clears)
    ]
    if not dates:
        return name
    known = " AND ".join(moment.is_visible(item) for item in dates)
    return f"CASE WHEN {known} THEN {name} END AS {name}"


def _decisions(consent: str, privacy: Privacy) -> str:
    """Write the last decision of each person; of two at one time, the refusal."""
    return (
        "SELECT employee_id, arg_max(granted, (decided_at, NOT granted)) AS granted "
        f"FROM {consent} WHERE purpose = {quote_text(privacy.purpose)} "
        "GROUP BY employee_id"
    )


def _hold_consenting(
    connection: duckdb.DuckDBPyConnection, store: Path, consent: str, privacy: Privacy
) -> None:
    """Keep the pseudonyms of those whose last decision was to grant."""
    if not (store / "consent.parquet").is_file():
        raise ContractError.build(
            "The lawful basis is consent, but there is no table of consent",
            where=str(store),
            rule="privacy.lawful_basis: consent needs the table consent",
            hint="map the table consent in source.yml, or correct lawful_basis",
        )
    connection.execute("CREATE SCHEMA held")
    connection.execute(
        "CREATE TABLE held.consenting AS SELECT employee_id FROM "
        f"({_decisions(f'({consent})', privacy)}) WHERE granted ORDER BY employee_id"
    )


def _select_consenting(table: Table, select: str) -> str:
    """Narrow a SELECT to rows about consenting people, naming no other people."""
    if not table.subject:
        return select
    allowed = "(SELECT employee_id FROM held.consenting)"
    labels = ", ".join(
        f"CASE WHEN {other} IN {allowed} THEN {other} "
        f"ELSE 'team-' || left(sha256({other}), 12) END AS {other}"
        for other in map(quote_name, table.person_columns)
        if other != quote_name(table.subject)
    )
    columns = f"* REPLACE ({labels})" if labels else "*"
    subject = quote_name(table.subject)
    return f"SELECT {columns} FROM ({select}) WHERE {subject} IN {allowed}"
