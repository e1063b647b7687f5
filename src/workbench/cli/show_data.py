"""What was loaded, or would be, as tables and lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from workbench.cli.show import show_lines, show_table

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.data.check import SourceCheck, TableCheck
    from workbench.data.ledger import Fault
    from workbench.data.load import LoadReport
    from workbench.data.totals import ControlResult

__all__ = ["show_check", "show_load"]

_MOST_FAULTS = 5


def show_load(console: Console, report: LoadReport) -> None:
    """Print what was loaded, or that nothing had changed."""
    if report.skipped:
        show_lines(console, [f"The data of {report.org} are unchanged."])
        return
    rows = [(name, f"{count:,}") for name, count in report.tables.items()]
    show_table(console, ["table", "rows"], rows)
    show_lines(
        console,
        [
            *_list_names("not mapped", report.missing_tables),
            *_list_reasons(report.quarantined),
            *_count_totals(report.control_totals),
            *report.warnings,
        ],
    )


def show_check(console: Console, check: SourceCheck) -> None:
    """Print what a load would do: every column, and the first bad values of each."""
    show_lines(console, [f"{check.org}: extracts in {check.root}"])
    for table in check.tables:
        _show_table_check(console, table)
    show_lines(
        console,
        [
            *_list_names("not mapped", check.missing_tables),
            *_list_reasons(check.quarantined),
            *_list_columns("direct identifiers, not loaded", check.dropped_identifiers),
            *_list_columns("not loaded", check.unmapped_columns),
            *_list_totals(check.control_totals),
            *check.warnings,
            *_describe_end(check),
        ],
    )


def _show_table_check(console: Console, table: TableCheck) -> None:
    counts = (
        f"{table.rows_in:,} rows, {table.rows_filtered:,} filtered out, "
        f"{table.rows_quarantined:,} set apart, {table.rows_mapped:,} loaded"
    )
    said = "cannot be loaded" if table.error and not table.columns else counts
    show_lines(console, ["", f"{table.table}, from {table.source}: {said}"])
    rows = [
        (
            item.column,
            item.origin,
            "\n".join(_describe_fault(fault) for fault in item.faults[:_MOST_FAULTS]),
        )
        for item in table.columns
    ]
    if rows:
        show_table(console, ["column", "from", "first bad values"], rows)
    lines = [_describe_fault(fault) for fault in table.faults[:_MOST_FAULTS]]
    show_lines(console, [*lines, *_list_names("left empty", table.absent)])


def _describe_fault(fault: Fault) -> str:
    found = f" {fault.value!r}" if fault.value else ""
    where = f"{fault.file or 'derived'} row {fault.row}"
    return f"{fault.reason.replace('_', ' ')}{found} ({where})"


def _list_names(what: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"{what}: {', '.join(names)}"


def _list_reasons(quarantined: Mapping[str, int]) -> Iterator[str]:
    for reason, count in quarantined.items():
        yield f"set apart: {count:,} rows, {reason.replace('_', ' ')}"


def _list_columns(what: str, columns: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for source, names in columns.items():
        yield from _list_names(f"{what}, {source}", names)


def _count_totals(totals: Sequence[ControlResult]) -> Iterator[str]:
    """Count the totals that were found as expected, and name each that was not."""
    bad = [item for item in totals if not item.ok]
    if totals:
        yield f"control totals as expected: {len(totals) - len(bad)} of {len(totals)}"
    yield from _list_totals(bad)


def _list_totals(totals: Iterable[ControlResult]) -> Iterator[str]:
    for item in totals:
        said = "as expected" if item.ok else f"expected {item.expected:,.10g}"
        yield f"control total {item.name}: {item.found:,.10g}, {said}"


def _describe_end(check: SourceCheck) -> Iterator[str]:
    if check.errors:
        yield "A load would be stopped by:"
        yield from check.errors
        return
    lost = [
        item.table for item in check.tables if item.rows_in and not item.rows_mapped
    ]
    if lost:
        yield f"A load would leave no row in: {', '.join(lost)}. See why above."
    else:
        yield "Nothing stops a load."
