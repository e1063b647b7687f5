"""Which rows are set apart and why: rules derived from the contract, written as SQL.

A row is judged on its own first (`list_row_checks`), while it is being mapped; then
against other tables (`list_reference_checks`) and against its table (duplicates).
The first rule it breaks is the reason it is set apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.data.contract import (
    FIRST_YEAR,
    LAST_YEAR,
    TABLES,
    Column,
    RowRule,
    Table,
    describe_values,
)
from workbench.data.convert import is_mapped, is_one_of, read_mapped_text, write_as_text
from workbench.data.mapping import CompiledTable, MappedColumn
from workbench.data.sql import quote_name, quote_text

__all__ = [
    "FAULTS_COLUMN",
    "MAX_VALUE",
    "Check",
    "list_reference_checks",
    "list_row_checks",
    "raw_name",
    "select_duplicates",
    "write_faults",
]

FAULTS_COLUMN = "_wb_faults"
"""List of the checks that a row breaks, by number, each with the value found."""

MAX_VALUE = 80
"""Signs of an offending value that are kept."""

_UNREADABLE = {
    "date": "unreadable_date",
    "ts": "unreadable_date",
    "int": "unreadable_number",
    "float": "unreadable_number",
}
_UNKNOWN = {
    "employees": "unknown_employee",
    "courses": "unknown_course",
    "experiments": "unknown_experiment",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule: the column it concerns, its name, its words, and SQL for both sides.

    ``broken`` is true for a row that breaks it, ``value`` is what is shown of the row;
    it never is a person id, at most a pseudonym.
    """

    column: str
    reason: str
    rule: str
    broken: str
    value: str


def raw_name(column: str) -> str:
    """Name, quoted, under which a column's value before conversion is at hand."""
    return quote_name(f"_wb_raw_{column}")


def list_row_checks(compiled: CompiledTable) -> list[Check]:
    """List the rules that a row can break by itself, in the order they are tried."""
    checks: list[Check] = []
    for item in compiled.columns:
        checks += _check_reading(item)
        checks += _check_values(item.column)
    mapped = {item.column.name for item in compiled.columns}
    for earlier, later in compiled.table.orders:
        if {earlier, later} <= mapped:
            zone = compiled.reading.timezone
            checks.append(_check_order(compiled.table, earlier, later, zone))
    checks += [_check_rule(rule) for rule in compiled.table.rules]
    return checks


def list_reference_checks(table: Table, stored: dict[str, str]) -> list[Check]:
    """List the rules against other tables.

    Parameters
    ----------
    table : Table
        Whose rows are judged.
    stored : dict
        Table already in the store to the SQL that reads it.

    Returns
    -------
    list of Check
        One for each column that refers to a stored table.
    """
    checks = []
    for column in table.columns:
        if column.refers not in stored:
            continue
        name, key = quote_name(column.name), TABLES[column.refers].key[0]
        checks.append(
            Check(
                column=column.name,
                reason=_UNKNOWN[column.refers],
                rule=f"{column.name} stands in {column.refers}",
                broken=f"{name} IS NOT NULL AND {name} NOT IN "
                f"(SELECT {key} FROM {stored[column.refers]})",
                value=f"left({name}, {MAX_VALUE})",
            )
        )
    return checks


def write_faults(checks: list[Check]) -> str:
    """Write the SQL of `FAULTS_COLUMN`: null for a row that breaks nothing.

    Parameters
    ----------
    checks : list of Check
        To be tried on each row; numbered by their place.
    """
    kind = "STRUCT(check_number INTEGER, found VARCHAR)[]"
    if not checks:
        return f"CAST(NULL AS {kind}) AS {FAULTS_COLUMN}"
    anything = " OR ".join(f"({check.broken})" for check in checks)
    # the list is built for broken rows only: nearly all rows are sound
    each = ", ".join(
        f"CASE WHEN {check.broken} THEN "
        f"{{'check_number': {number}, 'found': CAST({check.value} AS VARCHAR)}} END"
        for number, check in enumerate(checks)
    )
    return (
        f"CAST(CASE WHEN {anything} THEN list_filter([{each}], "
        f"lambda x: x IS NOT NULL) END AS {kind}) AS {FAULTS_COLUMN}"
    )


def select_duplicates(table: Table, names: str, rows: str) -> str:
    """Write the SELECT of the rows whose key an earlier row has.

    Parameters
    ----------
    table : Table
        With a key.
    names : str
        All its columns, as SQL.
    rows : str
        SELECT of these and of ``_wb_n``, the order of the rows; sound rows only.

    Returns
    -------
    str
        SELECT of ``_wb_n``, of ``same`` (the whole row is alike) and of ``found``.
    """
    key = ", ".join(map(quote_name, table.key))
    shown = ", ".join(f"CAST({quote_name(name)} AS VARCHAR)" for name in table.key)
    # hashes first: the keys of a large table need not be in memory, only 8 bytes each
    return (
        f"WITH doubtful AS (SELECT hash({key}) AS h FROM ({rows}) "
        "GROUP BY h HAVING count(*) > 1), "
        f"candidates AS (SELECT * FROM ({rows}) "
        f"WHERE hash({key}) IN (SELECT h FROM doubtful)), "
        "ranked AS (SELECT *, row_number() OVER same_key AS place, "
        f"first(row({names})) OVER same_key AS leader "
        f"FROM candidates WINDOW same_key AS (PARTITION BY {key} ORDER BY _wb_n)) "
        f"SELECT _wb_n, row({names}) IS NOT DISTINCT FROM leader AS same, "
        f"left(concat_ws(', ', {shown}), {MAX_VALUE}) AS found "
        "FROM ranked WHERE place > 1"
    )


def _check_reading(item: MappedColumn) -> Iterator[Check]:
    """Check that a value stands in its map and can be read."""
    column, raw = item.column, raw_name(item.column.name)
    name = quote_name(column.name)
    value = _show(column, f"left(CAST({raw} AS VARCHAR), {MAX_VALUE})")
    if item.spec.map is not None and item.spec.otherwise == "quarantine":
        present = write_as_text(raw, item.raw_type)
        yield Check(
            column=column.name,
            reason="out_of_list",
            rule="mapped are " + ", ".join(item.spec.map),
            broken=f"{present} IS NOT NULL AND NOT "
            f"({is_mapped(raw, item.raw_type, item.spec)})",
            value=value,
        )
    if column.kind in ("id", "cat", "text", "list"):
        return
    text = read_mapped_text(raw, item.raw_type, item.spec)
    formats = " or ".join(item.spec.formats)
    yield Check(
        column=column.name,
        reason=_UNREADABLE.get(column.kind, "unreadable_value"),
        rule=f"written as {formats}" if formats else describe_values(column),
        broken=f"{name} IS NULL AND {text} IS NOT NULL",
        value=value,
    )


def _check_values(column: Column) -> Iterator[Check]:
    """Check a value that could be read against what the contract allows."""
    name = quote_name(column.name)
    value = _show(column, f"left(CAST({name} AS VARCHAR), {MAX_VALUE})")
    if not column.nullable:
        yield Check(
            column=column.name,
            reason="null_required",
            rule="a value is required",
            broken=f"{name} IS NULL",
            value="''",
        )
    if column.values:
        yield Check(
            column=column.name,
            reason="out_of_list",
            rule=describe_values(column),
            broken=f"NOT {is_one_of(name, column.values)}",
            value=value,
        )
    bounds = [
        f"{name} {sign} {bound!r}"
        for sign, bound in (("<", column.minimum), (">", column.maximum))
        if bound is not None
    ]
    if bounds:
        yield Check(
            column=column.name,
            reason="out_of_range",
            rule=describe_values(column),
            broken=" OR ".join(bounds),
            value=value,
        )
    if column.kind in ("date", "ts"):
        yield Check(
            column=column.name,
            reason="impossible_date",
            rule=describe_values(column),
            broken=f"year({name}) NOT BETWEEN {FIRST_YEAR} AND {LAST_YEAR} "
            f"OR NOT isfinite({name})",
            value=value,
        )


def _check_order(table: Table, earlier: str, later: str, zone: str) -> Check:
    """Check the order of two dates; one without a time counts for its whole day."""
    early, late = quote_name(earlier), quote_name(later)
    broken = f"{late} < {early}"
    if table.column(later).kind == "ts":
        local = f"timezone({quote_text(zone)}, timezone('UTC', {{}}))"
        here, there = local.format(late), local.format(early)
        # within CASE, zones are looked at only where the order is wrong
        broken = (
            f"CASE WHEN {broken} THEN {here} <> date_trunc('day', {here}) "
            f"OR {here} <> date_trunc('day', {there}) END"
        )
    return Check(
        column=later,
        reason="impossible_date",
        rule=f"{later} is not before {earlier}",
        broken=broken,
        value=f"concat({late}, ' < ', {early})",
    )


def _check_rule(rule: RowRule) -> Check:
    name = quote_name(rule.column)
    return Check(
        column=rule.column,
        reason=rule.reason,
        rule=rule.text,
        broken=rule.broken,
        value=f"left(CAST({name} AS VARCHAR), {MAX_VALUE})",
    )


def _show(column: Column, value: str) -> str:
    """Show nothing of a person: what cannot be a pseudonym stays blank."""
    return "''" if column.person else value
