"""Databases as sources: read in chunks, read only, and without showing passwords."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, datetime

import duckdb
import pytest
import sqlalchemy as sa

from tests.data.conftest import Project, pseudonym
from workbench.core.errors import ParamError, SourceError
from workbench.data import chunks
from workbench.data.source_database import redact_url

ROWS = 500


def map_database(project: Project, url: str, query: str) -> None:
    project.source("enrolments", format="database", url=url, query=query)
    project.columns("enrollments")["enrolled_at"] = {
        "column": "at",
        "formats": ["%d.%m.%Y %H:%M"],
    }


def write_sqlite(project: Project, name: str = "lms base #1.sqlite") -> None:
    with closing(sqlite3.connect(project.extracts / name)) as base:
        base.execute(
            "create table enrolment (no, emp, course, at, done, score, state, hint)"
        )
        base.executemany(
            "insert into enrolment values (?, ?, ?, ?, ?, ?, ?, null)",
            [
                (
                    i,
                    f"E{i % 3 + 1}",
                    "c1",
                    "2024-01-10 09:00:00",
                    None,
                    i / 10 if i % 2 else i // 10,
                    "enrolled",
                )
                for i in range(ROWS)
            ],
        )
        base.execute("update enrolment set at = '11.01.2024 10:30' where no = 7")
        base.execute("update enrolment set score = 'ten' where no = 8")
        base.commit()


def test_sqlite(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_ROWS", 64)
    write_sqlite(project)
    map_database(project, "sqlite:///lms base #1.sqlite", "select * from enrolment")
    report = project.load()
    assert report.tables["enrollments"] == ROWS - 1
    assert report.unmapped_columns["enrolments"] == ("hint",)
    assert report.warnings == ()
    assert project.quarantine() == [
        (
            "enrollments",
            "unreadable_number",
            "sqlite:///lms base #1.sqlite",
            9,
            "score",
            "ten",
        )
    ]
    assert project.query(
        "SELECT enrollment_id, employee_id, enrolled_at FROM enrollments LIMIT 8"
    )[7] == ("7", pseudonym("E2"), datetime(2024, 1, 11, 10, 30))
    assert project.query("SELECT sum(score) FROM enrollments")[0][0] == pytest.approx(
        sum(i / 10 if i % 2 else i // 10 for i in range(ROWS) if i != 8)
    )
    assert project.load().skipped
    with closing(sqlite3.connect(project.extracts / "lms base #1.sqlite")) as base:
        base.execute("update enrolment set score = 1 where no = 8")
        base.commit()
    assert project.load().tables["enrollments"] == ROWS


def test_absolute_path_and_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sqlite(project, "a.sqlite")
    monkeypatch.setenv("LMS_FOLDER", str(project.extracts))
    map_database(project, "sqlite:///${LMS_FOLDER}/a.sqlite", "select * from enrolment")
    assert project.load().tables["enrollments"] == ROWS - 1
    monkeypatch.delenv("LMS_FOLDER")
    with pytest.raises(ParamError, match=r"(?s)variable.*not set.*'LMS_FOLDER'"):
        project.load()


@pytest.mark.parametrize(
    ("url", "query", "error", "message"),
    [
        (
            "sqlite:///none.sqlite",
            "select 1",
            SourceError,
            "database file does not exist",
        ),
        (
            "sqlite:///a.sqlite",
            "select * from nobody",
            SourceError,
            "no such table: nobody",
        ),
        (
            "sqlite:///a.sqlite",
            "delete from enrolment",
            SourceError,
            "readonly database",
        ),
        ("sqlite:///people.csv", "select * from nobody", SourceError, "not a database"),
        ("no address", "select 1", ParamError, "database address cannot be read"),
        ("oracle9x://u:hidden@h/b", "select 1", SourceError, "oracle9x"),
        (
            "postgresql+psycopg://u:hidden@127.0.0.1:1/b?password=hidden",
            "select 1",
            SourceError,
            r"u:\*\*\*@127\.0\.0\.1:1/b\?password=\*\*\*",
        ),
    ],
)
def test_databases_that_fail(
    project: Project, url: str, query: str, error: type[Exception], message: str
) -> None:
    write_sqlite(project, "a.sqlite")
    map_database(project, url, query)
    with pytest.raises(error, match=message) as caught:
        project.load()
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_secrets_are_taken_out_of_addresses() -> None:
    url = sa.make_url("postgresql://u:p%40ss@h/b?sslpassword=x&app=lms")
    shown = redact_url(url)
    assert shown == "postgresql://u:***@h/b?app=lms&sslpassword=***"


def test_cells_of_several_types_become_text(project: Project) -> None:
    folder = project.root / "chunks"
    mixed = [
        1,
        None,
        "x",
        date(2024, 1, 2),
        datetime(2024, 1, 2, 3),
        True,
        b"\x01",
        2.0,
    ]
    rows = [(i, (cell, None)) for i, cell in enumerate(mixed, start=1)]
    paths = chunks.write_chunks(rows, ["a", "b"], folder)
    assert [path.name for path in paths] == ["000000.parquet", "000001.parquet"]
    found = query_one_column(
        f"SELECT a FROM read_parquet('{paths[0]}') ORDER BY _wb_row"
    )
    assert found == [
        "1",
        None,
        "x",
        "2024-01-02",
        "2024-01-02 03:00:00",
        "true",
        "01",
        "2",
    ]
    assert query_one_column(f"SELECT b FROM read_parquet('{paths[1]}')") == []


def query_one_column(sql: str) -> list[object]:
    with duckdb.connect() as connection:
        return [row[0] for row in connection.execute(sql).fetchall()]


SETUP = r"""
create table enrolment as
select i as no, 'E' || (i % 3 + 1) as emp, cast('c1' as text) as course,
    timestamptz '2024-01-10 09\:00\:00+01' + i * interval '1 minute' as at,
    case when i % 4 = 0 then date '2024-03-01' end as done,
    case when i % 5 <> 0 then cast(i % 100 as numeric(6, 2)) end as score,
    cast('enrolled' as text) as state, array['x', 'y'] as tags,
    cast(null as int) as nothing,
    'a\:b %s ''q''' as odd
from generate_series(0, 249) as i
"""


@pytest.mark.postgres
def test_postgresql(
    project: Project, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_ROWS", 64)
    engine = sa.create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(sa.text(SETUP))
    secret = sa.make_url(postgres).password
    monkeypatch.setenv("LMS_PASSWORD", "s3cr%3At%2Fword")
    address = postgres.replace("s3cr%3At%2Fword", "${LMS_PASSWORD}")
    query = (
        "select *, no::text as label from enrolment "
        "where odd like 'a:b %' and state <> ':none' order by no"
    )
    map_database(project, address, query)
    project.columns("enrollments")["session_id"] = "odd"
    report = project.load()
    assert report.tables["enrollments"] == 250
    assert report.unmapped_columns["enrolments"] == ("tags", "label", "nothing")
    assert project.query(
        "SELECT enrollment_id, employee_id, enrolled_at, completed_at, score, "
        "session_id FROM enrollments LIMIT 2"
    ) == [
        (
            "0",
            pseudonym("E1"),
            datetime(2024, 1, 10, 8),
            datetime(2024, 3, 1),
            None,
            "a:b %s 'q'",
        ),
        ("1", pseudonym("E2"), datetime(2024, 1, 10, 8, 1), None, 1.0, "a:b %s 'q'"),
    ]
    kept = b"".join(path.read_bytes() for path in project.store.iterdir())
    assert str(secret).encode() not in kept
    assert project.load().skipped


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select * from nobody", r'relation "nobody" does not exist'),
        ("select nextval('numbers')", "read-only transaction"),
        ("select 'E1'::int", "does not fit its type"),
    ],
)
def test_postgresql_that_refuses(
    project: Project, postgres: str, query: str, message: str
) -> None:
    with sa.create_engine(postgres).begin() as connection:
        connection.execute(sa.text("create sequence if not exists numbers"))
    map_database(project, postgres, query)
    with pytest.raises(SourceError, match=message) as caught:
        project.load()
    assert "s3cr" not in str(caught.value)
    assert "E1" not in str(caught.value)


@pytest.mark.postgres
def test_wrong_password_is_not_shown(project: Project, postgres: str) -> None:
    map_database(project, postgres.replace("s3cr", "guess"), "select 1")
    with pytest.raises(SourceError, match="password authentication failed") as caught:
        project.load()
    assert "guess" not in str(caught.value)
