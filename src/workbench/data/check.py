"""A trial load: what maps, what does not, and the first bad values, nothing kept."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import WorkbenchError
from workbench.core.params import OrgParams
from workbench.core.store import Workspace
from workbench.data.build import StoreBuilder
from workbench.data.connection import open_duckdb
from workbench.data.contract import TABLES
from workbench.data.files import find_root
from workbench.data.ledger import Fault
from workbench.data.load import check_consent, collect_all, list_mapped, prepare_builder
from workbench.data.mapping import CompiledTable
from workbench.data.protection import list_dropped, list_unmapped
from workbench.data.pseudonyms import PseudonymKey
from workbench.data.source_model import ColumnMap, read_source_map
from workbench.data.totals import ControlResult, check_totals

__all__ = ["ColumnCheck", "SourceCheck", "TableCheck", "check_sources"]

_TRIAL_KEY = PseudonymKey(b"a trial load keeps nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCheck:
    """A canonical column, where it is from, and its first bad values."""

    column: str
    origin: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCheck:
    """What became of one canonical table.

    Attributes
    ----------
    table, source : str
        Its name, and the source its rows are from.
    rows_in, rows_filtered, rows_mapped, rows_quarantined : int
        The first is the sum of the others.
    columns : tuple of ColumnCheck
        Mapped columns.
    absent : tuple of str
        Columns of the contract that stay empty.
    faults : tuple of Fault
        First rows that break a rule over several columns, or cannot be split.
    error : str
        Why the table could not be loaded, or empty.
    """

    table: str
    source: str
    rows_in: int = 0
    rows_filtered: int = 0
    rows_mapped: int = 0
    rows_quarantined: int = 0
    columns: tuple[ColumnCheck, ...] = ()
    absent: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck:
    """What a load of an organisation would do.

    Attributes
    ----------
    org, root : str
        The organisation, and where its extracts lie.
    tables : tuple of TableCheck
        Mapped tables, in the order of the contract.
    missing_tables : tuple of str
        Tables of the contract that are not mapped.
    quarantined : dict
        Rows that would be set apart, by reason.
    dropped_identifiers, unmapped_columns : dict
        Columns that would not be loaded, by source.
    control_totals : tuple of ControlResult
        Known numbers and what was found.
    warnings : tuple of str
        What is odd about the sources.
    errors : tuple of str
        What would stop the load; empty if nothing does.
    """

    org: str
    root: str
    tables: tuple[TableCheck, ...]
    missing_tables: tuple[str, ...]
    quarantined: Mapping[str, int]
    dropped_identifiers: Mapping[str, tuple[str, ...]]
    unmapped_columns: Mapping[str, tuple[str, ...]]
    control_totals: tuple[ControlResult, ...]
    warnings: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the organisation can be loaded."""
        return not self.errors


def check_sources(
    params: OrgParams, workspace: Workspace, *, extracts: Path | None = None
) -> SourceCheck:
    """Try the source mapping of an organisation on its extracts.

    Parameters
    ----------
    params : OrgParams
        The organisation.
    workspace : Workspace
        Its outputs are not touched.
    extracts : Path, optional
        Folder of the extracts, as for `load_org`.

    Returns
    -------
    SourceCheck
        A table that cannot be mapped is in it with its error, and so are the tables
        after it.

    Raises
    ------
    ParamError
        If `source.yml` does not fit its model.
    SourceError
        If an extract is missing, empty, damaged or unreadable: then there is nothing
        to check.
    """
    source_map = read_source_map(params)
    root = find_root(params, source_map, workspace, extracts)
    with tempfile.TemporaryDirectory(prefix="workbench-check-") as name:
        work = Path(name)
        target = work / "store"
        target.mkdir()
        collected = collect_all(source_map, root, work)
        with open_duckdb(work / "spill") as connection:
            builder = prepare_builder(
                connection, source_map, collected, _TRIAL_KEY, work, target
            )
            mapped = list_mapped(source_map)
            tables = tuple(_check_table(builder, item) for item in mapped)
            totals, trouble = _check_rest(params, builder)
            return SourceCheck(
                org=params.org,
                root=str(root),
                tables=tables,
                missing_tables=tuple(item for item in TABLES if item not in mapped),
                quarantined=builder.ledger.count_reasons(),
                dropped_identifiers=list_dropped(source_map, builder.relations),
                unmapped_columns=list_unmapped(source_map, builder.relations),
                control_totals=totals,
                warnings=tuple(builder.list_warnings()),
                errors=(*(item.error for item in tables if item.error), *trouble),
            )


def _check_table(builder: StoreBuilder, name: str) -> TableCheck:
    source = builder.source_map.tables[name].from_
    try:
        compiled = builder.build_table(name)
    except WorkbenchError as error:
        return TableCheck(table=name, source=source, error=str(error))
    error_text = ""
    try:
        builder.check_filled(name)
    except WorkbenchError as error:
        error_text = str(error)
    rows_in, filtered, mapped, quarantined = builder.ledger.count_rows(name)
    columns, others = _group_faults(builder, compiled)
    return TableCheck(
        table=name,
        source=source,
        rows_in=rows_in,
        rows_filtered=filtered,
        rows_mapped=mapped,
        rows_quarantined=quarantined,
        columns=columns,
        absent=tuple(column.name for column in compiled.absent),
        faults=others,
        error=error_text,
    )


def _group_faults(
    builder: StoreBuilder, compiled: CompiledTable
) -> tuple[tuple[ColumnCheck, ...], tuple[Fault, ...]]:
    """Group the first faults by column; those of no single column stay apart."""
    faults = builder.ledger.list_faults(compiled.table.name)
    columns = tuple(
        ColumnCheck(
            column=item.column.name,
            origin=_describe_origin(item.spec),
            faults=tuple(f for f in faults if f.column == item.column.name),
        )
        for item in compiled.columns
    )
    named = {item.column for item in columns}
    return columns, tuple(fault for fault in faults if fault.column not in named)


def _describe_origin(spec: ColumnMap) -> str:
    if spec.column:
        return spec.column
    if spec.constant is not None:
        return f"constant {spec.constant!r}"
    return "sql: " + " ".join((spec.sql or "").split())


def _check_rest(
    params: OrgParams, builder: StoreBuilder
) -> tuple[tuple[ControlResult, ...], tuple[str, ...]]:
    """Check what concerns no single table; return totals and troubles."""
    totals: tuple[ControlResult, ...] = ()
    troubles: list[str] = []
    try:
        check_consent(params, builder.source_map)
    except WorkbenchError as error:
        troubles.append(str(error))
    try:
        totals = check_totals(builder.connection, builder.source_map)
    except WorkbenchError as error:
        troubles.append(str(error))
    return totals, tuple(troubles)
