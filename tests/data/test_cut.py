"""Nothing after the cut and nobody without consent is visible."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from workbench.core.errors import ContractError, SourceError
from workbench.core.params import Privacy
from workbench.data.contract import TABLES, Column
from workbench.data.cut import count_consent, list_consenting, open_cut
from workbench.data.sql import quote_text

CUT = date(2026, 9, 30)
BEFORE = {"date": "2026-09-30", "ts": "2026-09-30 23:59:59", "quarter": "2026Q3"}
AFTER = {"date": "2026-10-01", "ts": "2026-10-01 00:00:00", "quarter": "2026Q4"}
OPEN = Privacy(lawful_basis="contract")
CONSENT = Privacy(lawful_basis="consent")


def _value(column: Column, dates: dict[str, str], person: str) -> str:
    if column.person:
        return quote_text(person)
    if column.kind in dates:
        return quote_text(dates[column.kind])
    if column.values:
        return quote_text(column.values[-1])
    plain = {"bool": "true", "list": "['x']", "int": "1980", "float": "1.0"}
    return plain.get(column.kind, quote_text("x"))


def _row(table: str, dates: dict[str, str], person: str) -> str:
    columns = TABLES[table].columns
    return "SELECT " + ", ".join(
        f"CAST({_value(column, dates, person)} AS {column.sql_type}) AS {column.name}"
        for column in columns
    )


def write_table(store: Path, table: str, *selects: str) -> None:
    store.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY ({' UNION ALL '.join(selects)}) "
            f"TO {quote_text(str(store / f'{table}.parquet'))} (FORMAT parquet)"
        )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Every table with one row of a person before the cut and one dated after."""
    folder = tmp_path / "store [1]"
    for table in TABLES:
        before = _row(table, BEFORE, "known")
        write_table(folder, table, before, _row(table, AFTER, "later"))
    return folder


@pytest.fixture
def cut(store: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_cut(store, CUT, OPEN) as connection:
        yield connection


def _fetch(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


@pytest.mark.parametrize("table", list(TABLES))
def test_no_row_dated_after_the_cut(cut: duckdb.DuckDBPyConnection, table: str) -> None:
    dated = any(column.cut == "row" for column in TABLES[table].columns)
    assert _fetch(cut, f"SELECT count(*) FROM {table}") == [(1 if dated else 2,)]
    for column in TABLES[table].columns:
        if column.kind in ("date", "ts"):
            latest = _fetch(cut, f"SELECT max({column.name})::DATE FROM {table}")
            assert latest == [(CUT,)]
        if column.person:
            assert _fetch(cut, f"SELECT DISTINCT {column.name} FROM {table}") == [
                ("known",)
            ]


def test_later_facts_within_a_row_are_hidden(store: Path) -> None:
    write_table(
        store,
        "employees",
        "SELECT 'e' AS employee_id, DATE '2020-01-01' AS hire_date, "
        "DATE '2026-10-01' AS exit_date, 'voluntary' AS exit_type, "
        "true AS regrettable, 1980 AS birth_year, 'female' AS gender, 'no' AS veteran",
        "SELECT 'u', DATE '2020-01-01', NULL, 'other', NULL, NULL, NULL, 'yes'",
    )
    with open_cut(store, CUT, OPEN) as cut:
        rows = _fetch(
            cut,
            "SELECT exit_date, exit_type, regrettable, veteran FROM employees "
            "ORDER BY employee_id",
        )
        assert rows == [(None, None, None, "no"), (None, None, None, "yes")]
    with open_cut(store, date(2026, 10, 1), OPEN) as cut:
        rows = _fetch(
            cut,
            "SELECT exit_date, exit_type, regrettable FROM employees "
            "WHERE employee_id = 'e'",
        )
        assert rows == [(date(2026, 10, 1), "voluntary", True)]


def _enrolment(started: str, completed: str, status: str) -> str:
    return (
        "SELECT 'n' AS enrollment_id, 'e' AS employee_id, 'c' AS course_id, "
        "TIMESTAMP '2026-01-01' AS enrolled_at, "
        f"CAST({started} AS TIMESTAMP) AS started_at, "
        f"CAST({completed} AS TIMESTAMP) AS completed_at, "
        f"80.0 AS score, 30.0 AS minutes, '{status}' AS status"
    )


@pytest.mark.parametrize(
    ("started", "completed", "status", "expected"),
    [
        ("'2026-02-01'", "'2026-10-02'", "completed", (None, None, "in_progress")),
        ("'2026-10-01'", "'2026-10-02'", "completed", (None, None, "enrolled")),
        ("NULL", "'2026-10-02'", "failed", (None, None, "enrolled")),
        ("'2026-10-01'", "NULL", "in_progress", (80.0, None, "enrolled")),
        ("'2026-02-01'", "'2026-03-02'", "completed", (80.0, 30.0, "completed")),
        ("'2026-02-01'", "NULL", "withdrawn", (80.0, None, "withdrawn")),
    ],
)
def test_enrolment_as_it_stood_at_the_cut(
    store: Path,
    started: str,
    completed: str,
    status: str,
    expected: tuple[object, ...],
) -> None:
    write_table(store, "enrollments", _enrolment(started, completed, status))
    with open_cut(store, CUT, OPEN) as cut:
        assert _fetch(cut, "SELECT score, minutes, status FROM enrollments") == [
            expected
        ]
        later = "SELECT count(*) FROM enrollments WHERE completed_at >= '2026-10-01'"
        assert _fetch(cut, later) == [(0,)]


@pytest.mark.parametrize(
    ("starts", "last"), [(1, "2026Q3"), (7, "2027Q1"), (10, "2026Q4"), (9, "2026Q4")]
)
def test_periods_end_by_the_fiscal_year(store: Path, starts: int, last: str) -> None:
    year = int(last[:4])
    quarters = [
        f"{item}Q{number}"
        for item in (year - 1, year, year + 1)
        for number in (1, 2, 3, 4)
    ]
    rows = [_row("performance", {"quarter": item}, "known") for item in quarters]
    write_table(store, "performance", *rows)
    (store / "_load.json").write_text(json.dumps({"year_starts": starts}))
    for given in (None, starts):
        with open_cut(store, CUT, OPEN, year_starts=given) as cut:
            assert _fetch(cut, "SELECT max(period) FROM performance") == [(last,)]


def test_absent_tables_are_empty_views_of_the_right_shape(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    with open_cut(store, CUT, OPEN) as cut:
        for name, table in TABLES.items():
            relation = cut.sql(f"SELECT * FROM {name}")
            assert relation.columns == list(table.names)
            assert relation.fetchall() == []


def _decide(
    person: str, granted: bool, at: str, purpose: str = "learning_impact"
) -> str:
    return (
        f"SELECT '{person}' AS employee_id, '{purpose}' AS purpose, "
        f"{granted} AS granted, TIMESTAMP '{at}' AS decided_at"
    )


@pytest.fixture
def consented_store(store: Path) -> Path:
    people = ("yes", "no", "withdrew", "regranted", "late", "other", "none", "tie")
    for table in TABLES:
        if TABLES[table].person_columns and table != "consent":
            rows = [_row(table, BEFORE, person) for person in people]
            write_table(store, table, *rows)
    write_table(
        store,
        "consent",
        _decide("yes", True, "2026-01-01"),
        _decide("no", False, "2026-01-01"),
        _decide("withdrew", True, "2026-01-01"),
        _decide("withdrew", False, "2026-02-01"),
        _decide("regranted", False, "2026-01-01"),
        _decide("regranted", True, "2026-09-30 23:59:59"),
        _decide("late", True, "2026-10-01 00:00:00"),
        _decide("other", True, "2026-01-01", "marketing"),
        _decide("tie", True, "2026-01-01"),
        _decide("tie", False, "2026-01-01"),
    )
    return store


@pytest.mark.parametrize(
    "table", [name for name, table in TABLES.items() if table.person_columns]
)
def test_people_without_consent_are_in_no_table(
    consented_store: Path, table: str
) -> None:
    with open_cut(consented_store, CUT, CONSENT) as cut:
        found = _fetch(cut, f"SELECT DISTINCT employee_id FROM {table} ORDER BY ALL")
        assert found == [("regranted",), ("yes",)]
    with open_cut(consented_store, CUT, CONSENT, consented_only=False) as cut:
        found = _fetch(cut, f"SELECT DISTINCT employee_id FROM {table}")
        assert len(found) == (6 if table == "consent" else 8)
    with open_cut(consented_store, CUT, OPEN) as cut:
        assert len(_fetch(cut, f"SELECT DISTINCT employee_id FROM {table}")) > 2


def test_manager_without_consent_becomes_a_label(consented_store: Path) -> None:
    rows = [
        "SELECT 'yes' AS employee_id, DATE '2026-01-01' AS effective_date, "
        f"'hire' AS event, 'r' AS role, 'l' AS level, {manager} AS manager_id"
        for manager in ("'no'", "'regranted'", "NULL")
    ]
    write_table(consented_store, "job_history", *rows)
    with open_cut(consented_store, CUT, CONSENT) as cut:
        found = {row[0] for row in _fetch(cut, "SELECT manager_id FROM job_history")}
    labels = {str(item) for item in found - {"regranted", None}}
    assert len(found) == 3
    assert len(labels) == 1
    assert labels.pop().startswith("team-")


def test_consent_is_counted(consented_store: Path) -> None:
    assert count_consent(consented_store, CUT, CONSENT) == {
        "people": 8,
        "granted": 2,
        "refused": 3,
        "undecided": 3,
    }


def test_who_agrees_is_listed_as_of_a_day_and_as_of_the_latest_known(
    consented_store: Path,
) -> None:
    assert list_consenting(consented_store, CUT, CONSENT) == {"yes", "regranted"}
    assert list_consenting(consented_store, date.max, CONSENT) == {
        "yes",
        "regranted",
        "late",
    }
    assert len(list_consenting(consented_store, CUT, OPEN)) == 8


def test_consent_needed_but_not_at_hand_is_refused(store: Path) -> None:
    (store / "consent.parquet").unlink()
    with pytest.raises(ContractError, match="there is no table of consent"):
        open_cut(store, CUT, CONSENT)
    open_cut(store, CUT, CONSENT, consented_only=False).close()


def test_missing_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no store of canonical tables"):
        open_cut(tmp_path / "none", CUT, OPEN)


def test_damaged_table_is_refused(store: Path) -> None:
    path = store / "surveys.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SourceError, match="cannot be read"):
        open_cut(store, CUT, OPEN)


def test_required_column_missing_is_refused(store: Path) -> None:
    write_table(store, "costs", "SELECT '2026Q1' AS quarter, 'x' AS item")
    with pytest.raises(ContractError, match="costs lacks the column amount"):
        open_cut(store, CUT, OPEN)


def test_sums_use_one_thread_and_utc(cut: duckdb.DuckDBPyConnection) -> None:
    settings = "SELECT current_setting('threads'), current_setting('TimeZone')"
    assert _fetch(cut, settings) == [(1, "UTC")]
    moment = _fetch(cut, "SELECT max(enrolled_at) FROM enrollments")
    assert moment == [(datetime(2026, 9, 30, 23, 59, 59),)]
