"""Faults that rows of the store still show: keys, ids, dates, ranges, contradictions.

The loader quarantines what breaks the contract, so most counts here should be zero;
they are taken again because a store may be written by other programs. Only counts
leave this module, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pandas as pd

from workbench.data.contract import TABLES, Column, Table
from workbench.data.sql import quote_name, quote_text

__all__ = [
    "FAULT_COLUMNS",
    "REASON_DIMENSIONS",
    "UNKNOWN",
    "count_faults",
    "find_dimension",
]

FAULT_COLUMNS = ["table", "reason", "column", "dimension", "rows", "faults", "text"]

REASON_DIMENSIONS = {
    "null_required": "completeness",
    "duplicate_row": "uniqueness",
    "duplicate_key": "uniqueness",
    "unknown_employee": "consistency",
    "unknown_course": "consistency",
    "unknown_experiment": "consistency",
    "contradiction": "consistency",
    "impossible_date": "consistency",
    "repeated_row": "",
}
"""Which dimension a reason counts against; one not named here counts against validity.

The names are those of the loader's quarantine, with two of the audit's own. Rows of
tables without a key may repeat, so that counts against none.
"""

UNKNOWN = {
    "employees": "unknown_employee",
    "courses": "unknown_course",
    "experiments": "unknown_experiment",
}
"""Reason for an id that its table does not have."""

_IN_HOUSE = {"manager_id": "employees"}
# instructors may come from outside; managers are people of the organisation

_LISTS_OF_COURSES = (("courses", "prerequisite_ids"), ("experiments", "course_ids"))

_SAMPLE_ABOVE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contradiction:
    """A fact of one row that cannot be true beside another."""

    table: str
    column: str
    text: str
    broken: str
    joined: str = ""


_PERSON = "left join employees p on p.employee_id = t.employee_id"

_CONTRADICTIONS = (
    _Contradiction(
        table="employees",
        column="employee_id",
        text="a person without any job record",
        broken="j.employee_id is null",
        joined="left join (select distinct employee_id from job_history) j"
        " on j.employee_id = t.employee_id",
    ),
    _Contradiction(
        table="job_history",
        column="effective_date",
        text="a job record before hire or after exit",
        broken="t.effective_date < p.hire_date or t.effective_date > p.exit_date",
        joined=_PERSON,
    ),
    _Contradiction(
        table="job_history",
        column="manager_id",
        text="a person as own manager",
        broken="t.manager_id = t.employee_id",
    ),
    _Contradiction(
        table="enrollments",
        column="completed_at",
        text="completed without a date of completion",
        broken="t.status = 'completed' and t.completed_at is null",
    ),
    _Contradiction(
        table="enrollments",
        column="status",
        text="a date of completion on an enrolment that was not completed",
        broken="t.completed_at is not null and t.status in ('enrolled', 'in_progress')",
    ),
    _Contradiction(
        table="enrollments",
        column="enrolled_at",
        text="enrolled after exit",
        broken="cast(t.enrolled_at as date) > p.exit_date",
        joined=_PERSON,
    ),
    _Contradiction(
        table="lms_events",
        column="event_at",
        text="activity after exit",
        broken="cast(t.event_at as date) > p.exit_date",
        joined=_PERSON,
    ),
    _Contradiction(
        table="skill_assessments",
        column="assessed_at",
        text="assessed after exit",
        broken="cast(t.assessed_at as date) > p.exit_date",
        joined=_PERSON,
    ),
)


def find_dimension(reason: str) -> str:
    """Return the dimension of quality that a reason counts against."""
    return REASON_DIMENSIONS.get(reason, "validity")


def count_faults(
    con: duckdb.DuckDBPyConnection, *, sample_above: int = _SAMPLE_ABOVE
) -> pd.DataFrame:
    """Count the faults of every canonical table, out of core.

    Parameters
    ----------
    con : DuckDBPyConnection
        From `open_cut`; one view per table of the contract.
    sample_above : int
        In a table without a key and with more rows than this, repeated rows are
        looked for among a fixed part of the people only.

    Returns
    -------
    DataFrame
        ``table``, ``reason``, ``column``, ``dimension``, ``rows`` (looked at),
        ``faults`` (rows that break the rule) and ``text``; one row per rule, also
        where nothing breaks it. A table of no rows has no rules.
    """
    found: list[tuple[object, ...]] = []
    for table in TABLES.values():
        rows = _count(con, f"select count(*) from {table.name}")
        if rows:
            found += _count_rules(con, table, rows)
            found += _count_unknown(con, table)
            found += _count_repeated(con, table, rows, sample_above)
    found += _count_unknown_courses(con)
    found += _count_contradictions(con)
    frame = pd.DataFrame(found, columns=[c for c in FAULT_COLUMNS if c != "dimension"])
    frame.insert(3, "dimension", frame["reason"].map(find_dimension))
    return frame


Fault = tuple[str, str, str, int, int, str]


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0] or 0)


def _count_rules(
    con: duckdb.DuckDBPyConnection, table: Table, rows: int
) -> Iterator[Fault]:
    """Count all rules over single rows of a table in one pass."""
    rules = list(_list_rules(table))
    counts = ", ".join(f"count(*) filter (where {rule[3]})" for rule in rules)
    found = con.execute(f"select {counts} from {table.name}").fetchall()[0]
    for (column, reason, text, _), faults in zip(rules, found, strict=True):
        yield table.name, reason, column, rows, faults, text


def _list_rules(table: Table) -> Iterator[tuple[str, str, str, str]]:
    """List column, reason, text and SQL that is true where the rule is broken."""
    for column in table.columns:
        yield from _list_column_rules(column)
    for earlier, later in table.orders:
        broken = (
            f"cast({quote_name(later)} as date) < cast({quote_name(earlier)} as date)"
        )
        yield later, "impossible_date", f"{later} before {earlier}", broken
    for rule in table.rules:
        yield rule.column, rule.reason, f"breaks: {rule.text}", rule.broken


def _list_column_rules(column: Column) -> Iterator[tuple[str, str, str, str]]:
    name = quote_name(column.name)
    if not column.nullable:
        yield column.name, "null_required", "no value", f"{name} is null"
    if column.values:
        allowed = ", ".join(quote_text(value) for value in column.values)
        broken = f"{name} not in ({allowed})"
        yield column.name, "out_of_list", "not in the closed list", broken
    if column.kind == "float":
        broken = f"not isfinite({name})"
        yield column.name, "out_of_range", "not a finite number", broken
    limits = [(column.minimum, "<", "below"), (column.maximum, ">", "above")]
    for limit, sign, word in limits:
        if limit is not None:
            # NaN sorts above every number in DuckDB and is counted apart
            finite = f"isfinite(cast({name} as double))"
            broken = f"{name} {sign} {limit!r} and {finite}"
            yield column.name, "out_of_range", f"{word} {limit:g}", broken


def _count_unknown(con: duckdb.DuckDBPyConnection, table: Table) -> Iterator[Fault]:
    """Count ids that their table does not have."""
    for column in table.columns:
        refers = column.refers or _IN_HOUSE.get(column.name, "")
        if not refers or refers == table.name:
            continue
        name, key = quote_name(column.name), quote_name(TABLES[refers].key[0])
        rows = _count(con, f"select count({name}) from {table.name}")
        if not rows:
            continue
        faults = _count(
            con,
            f"select count(*) from {table.name} t"
            f" anti join {refers} r on t.{name} = r.{key} where t.{name} is not null",
        )
        text = f"{column.name} is not in {refers}"
        yield table.name, UNKNOWN[refers], column.name, rows, faults, text


def _count_repeated(
    con: duckdb.DuckDBPyConnection, table: Table, rows: int, sample_above: int
) -> Iterator[Fault]:
    """Count rows beyond the first of each key, or of each whole row without a key."""
    names = ", ".join(quote_name(name) for name in table.key or table.names)
    where, text = "", "stands more than once"
    if not table.key and rows > sample_above and table.subject:
        parts = -(-rows // sample_above)
        where = f" where hash({quote_name(table.subject)}) % {parts} = 0"
        text += f" (looked for among one person in {parts})"
        rows = _count(con, f"select count(*) from {table.name}{where}")
    faults = _count(
        con,
        f"select sum(n - 1) from (select count(*) as n from {table.name}{where}"
        f" group by {names} having count(*) > 1)",
    )
    label = ", ".join(table.key) or "whole row"
    reason = "duplicate_key" if table.key else "repeated_row"
    yield table.name, reason, label, rows, faults, text


def _count_unknown_courses(con: duckdb.DuckDBPyConnection) -> Iterator[Fault]:
    for table, column in _LISTS_OF_COURSES:
        rows = _count(con, f"select count(*) from {table}")
        faults = _count(
            con,
            f"select count(distinct id) from (select t.rowid as id, unnest({column})"
            f" as course_id from (select row_number() over () as rowid, {column}"
            f" from {table}) t) anti join courses using (course_id)",
        )
        if rows:
            text = f"{column} names courses that do not exist"
            yield table, UNKNOWN["courses"], column, rows, faults, text


def _count_contradictions(con: duckdb.DuckDBPyConnection) -> Iterator[Fault]:
    for item in _CONTRADICTIONS:
        sql = (
            f"select count(*), count(*) filter (where {item.broken})"
            f" from {item.table} t {item.joined}"
        )
        rows, faults = con.execute(sql).fetchall()[0]
        if rows:
            yield item.table, "contradiction", item.column, rows, faults, item.text
