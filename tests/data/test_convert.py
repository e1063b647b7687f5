"""What an extract holds, read as the contract's kinds."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import duckdb
import pytest

from workbench.data.connection import open_duckdb
from workbench.data.contract import Kind
from workbench.data.convert import Reading, convert, write_as_text
from workbench.data.source_model import ColumnMap
from workbench.data.sql import quote_name, quote_path, quote_text


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with open_duckdb(tmp_path_factory.mktemp("spill")) as opened:
        yield opened


def read(
    connection: duckdb.DuckDBPyConnection,
    value: str,
    kind: Kind,
    how: Reading | None = None,
    **spec: Any,
) -> object:
    """Read one value, given as SQL, and return it."""
    column = ColumnMap(column="x", **spec)
    raw_type = connection.execute(f"DESCRIBE SELECT {value} AS x").fetchall()[0][1]
    sql = convert("x", raw_type, kind, column, how or Reading())
    rows = connection.execute(f"SELECT {sql} FROM (SELECT {value} AS x)").fetchall()
    return rows[0][0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'2024-02-29'", date(2024, 2, 29)),
        ("'2024-2-9'", date(2024, 2, 9)),
        ("'2024-02-29 23:59:00'", date(2024, 2, 29)),
        ("DATE '2024-02-29'", date(2024, 2, 29)),
        ("TIMESTAMP '2024-02-29 23:59:00'", date(2024, 2, 29)),
        ("'2023-02-29'", None),
        ("'29.02.2024'", None),
        ("'epoch'", None),
        ("20240229", None),
        ("' '", None),
    ],
)
def test_dates_without_a_format_are_iso(
    connection: duckdb.DuckDBPyConnection, value: str, expected: date | None
) -> None:
    assert read(connection, value, "date") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'03.04.2024'", date(2024, 4, 3)),
        ("'03.04.24'", date(2024, 4, 3)),
        ("'04/03/2024'", date(2024, 4, 3)),
        ("'3 April 2024'", date(2024, 4, 3)),
        ("20240403", None),
        ("'31.04.2024'", None),
        ("'2024-04-03'", None),
    ],
)
def test_formats_are_tried_in_order(
    connection: duckdb.DuckDBPyConnection, value: str, expected: date | None
) -> None:
    formats = ("%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%d %B %Y")
    assert read(connection, value, "date", formats=formats) == expected


def test_first_format_that_fits_wins(connection: duckdb.DuckDBPyConnection) -> None:
    day_first = ("%d/%m/%Y", "%m/%d/%Y")
    value = "'03/04/2024'"
    assert read(connection, value, "date", formats=day_first) == date(2024, 4, 3)
    month_first = day_first[::-1]
    assert read(connection, value, "date", formats=month_first) == date(2024, 3, 4)
    assert read(connection, "'13/04/2024'", "date", formats=month_first) == date(
        2024, 4, 13
    )


def test_number_as_date_with_its_format(connection: duckdb.DuckDBPyConnection) -> None:
    assert read(connection, "20240403", "date", formats=("%Y%m%d",)) == date(2024, 4, 3)


def test_sources_with_dates_of_their_own_read_iso_too(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    value = "'2024-04-03 00:00:00'"
    spec = {"formats": ("%d.%m.%Y",)}
    assert read(connection, value, "date", Reading(iso_too=True), **spec) == date(
        2024, 4, 3
    )
    assert read(connection, value, "date", Reading(), **spec) is None


BERLIN = Reading(timezone="Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "spec", "expected"),
    [
        ("'2024-07-01 12:00:00'", {}, datetime(2024, 7, 1, 10)),
        ("'2024-01-01 12:00:00'", {}, datetime(2024, 1, 1, 11)),
        ("'2024-07-01'", {}, datetime(2024, 6, 30, 22)),
        ("DATE '2024-07-01'", {}, datetime(2024, 6, 30, 22)),
        ("TIMESTAMP '2024-07-01 12:00:00'", {}, datetime(2024, 7, 1, 10)),
        ("TIMESTAMPTZ '2024-07-01 12:00:00+00'", {}, datetime(2024, 7, 1, 12)),
        ("'2024-07-01T12:00:00Z'", {}, datetime(2024, 7, 1, 12)),
        ("'2024-07-01T12:00:00+05:30'", {}, datetime(2024, 7, 1, 6, 30)),
        ("'2024-07-01 12:00:00'", {"timezone": "UTC"}, datetime(2024, 7, 1, 12)),
        (
            "'2024-07-01 12:00'",
            {"timezone": "America/New_York"},
            datetime(2024, 7, 1, 16),
        ),
        (
            "'01.07.24 12:00'",
            {"formats": ("%d.%m.%y %H:%M",)},
            datetime(2024, 7, 1, 10),
        ),
        (
            "'2024-07-01 12:00 -0200'",
            {"formats": ("%Y-%m-%d %H:%M %z",)},
            datetime(2024, 7, 1, 14),
        ),
        ("'2024-07-01 25:00:00'", {}, None),
    ],
)
def test_times_are_stored_in_utc(
    connection: duckdb.DuckDBPyConnection,
    value: str,
    spec: dict[str, Any],
    expected: datetime | None,
) -> None:
    assert read(connection, value, "ts", BERLIN, **spec) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'2024-07-01T23:30:00Z'", date(2024, 7, 2)),
        ("TIMESTAMPTZ '2024-07-01 23:30:00+00'", date(2024, 7, 2)),
        ("'2024-07-01 23:30:00'", date(2024, 7, 1)),
    ],
)
def test_day_of_a_time_is_the_local_day(
    connection: duckdb.DuckDBPyConnection, value: str, expected: date
) -> None:
    assert read(connection, value, "date", BERLIN) == expected


GERMAN = Reading(decimal=",", thousands=".")
SWISS = Reading(thousands="'")


@pytest.mark.parametrize(
    ("value", "how", "expected"),
    [
        ("'3.5'", Reading(), 3.5),
        ("' -3e2 '", Reading(), -300.0),
        ("'1_000'", Reading(), None),
        ("'inf'", Reading(), None),
        ("'nan'", Reading(), None),
        ("'3,5'", Reading(), None),
        ("'3,5'", Reading(decimal=","), 3.5),
        ("'3.5'", Reading(decimal=","), None),
        ("'1.234.567,25'", GERMAN, 1234567.25),
        ("'1.234'", GERMAN, 1234.0),
        ("'12'", GERMAN, 12.0),
        ("'1.5'", GERMAN, None),
        ("$$1'234.5$$", SWISS, 1234.5),
        ("CAST(3 AS TINYINT)", Reading(), 3.0),
        ("CAST(2.50 AS DECIMAL(6, 2))", Reading(), 2.5),
        ("CAST('nan' AS DOUBLE)", Reading(), None),
        ("CAST('inf' AS DOUBLE)", Reading(), None),
        ("true", Reading(), None),
    ],
)
def test_numbers(
    connection: duckdb.DuckDBPyConnection,
    value: str,
    how: Reading,
    expected: float | None,
) -> None:
    assert read(connection, value, "float", how) == expected


def test_units_are_scaled_and_shifted(connection: duckdb.DuckDBPyConnection) -> None:
    assert read(connection, "'90'", "float", scale=1 / 60) == pytest.approx(1.5)
    fahrenheit = {"scale": 5 / 9, "offset": -32 * 5 / 9}
    assert read(connection, "212", "float", **fahrenheit) == pytest.approx(100)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("'7'", 7), ("'7.0'", 7), ("'7.5'", None), ("7.0::DOUBLE", 7), ("'x'", None)],
)
def test_whole_numbers(
    connection: duckdb.DuckDBPyConnection, value: str, expected: int | None
) -> None:
    assert read(connection, value, "int") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("' E 1 '", "E 1"),
        ("''", None),
        ("1001", "1001"),
        ("1001.0::DOUBLE", "1001"),
        ("1e15::DOUBLE", "1000000000000000"),
        ("1001.5::DOUBLE", "1001.5"),
        ("CAST('nan' AS DOUBLE)", None),
        ("CAST(1001 AS DECIMAL(10, 2))", "1001"),
        (
            "UUID '00000000-0000-0000-0000-000000000001'",
            "00000000-0000-0000-0000-000000000001",
        ),
    ],
)
def test_ids_read_the_same_from_text_and_numbers(
    connection: duckdb.DuckDBPyConnection, value: str, expected: str | None
) -> None:
    assert read(connection, value, "id") == expected


@pytest.mark.parametrize("value", ["'yes'", "'TRUE'", "' t '", "'1'", "1", "true"])
def test_truth(connection: duckdb.DuckDBPyConnection, value: str) -> None:
    assert read(connection, value, "bool") is True


@pytest.mark.parametrize(
    ("value", "expected"), [("'No'", False), ("0", False), ("'ja'", None), ("2", None)]
)
def test_falsehood(
    connection: duckdb.DuckDBPyConnection, value: str, expected: bool | None
) -> None:
    assert read(connection, value, "bool") is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'2024q3'", "2024Q3"),
        ("'2024Q5'", None),
        ("'24Q3'", None),
        ("'2024Q3 '", "2024Q3"),
    ],
)
def test_quarters(
    connection: duckdb.DuckDBPyConnection, value: str, expected: str | None
) -> None:
    assert read(connection, value, "quarter") == expected


@pytest.mark.parametrize(
    ("value", "spec", "expected"),
    [
        ("'a| b ||c'", {"separator": "|"}, ["a", "b", "c"]),
        ("'a|b'", {}, ["a|b"]),
        ("''", {"separator": "|"}, None),
        ("'|'", {"separator": "|"}, None),
        ("[1, 2]", {}, ["1", "2"]),
        ("CAST([] AS INTEGER[])", {}, None),
    ],
)
def test_lists(
    connection: duckdb.DuckDBPyConnection,
    value: str,
    spec: dict[str, Any],
    expected: list[str] | None,
) -> None:
    assert read(connection, value, "list", **spec) == expected


@pytest.mark.parametrize(
    ("value", "otherwise", "expected"),
    [
        ("'F'", "quarantine", "female"),
        ("' M '", "quarantine", "it's male"),
        ("'X'", "quarantine", None),
        ("'X'", "keep", "X"),
        ("'X'", "null", None),
        ("'-'", "keep", None),
        ("''", "keep", None),
    ],
)
def test_value_maps(
    connection: duckdb.DuckDBPyConnection,
    value: str,
    otherwise: str,
    expected: str | None,
) -> None:
    pairs = {"F": "female", "M": "it's male", "-": None}
    assert read(connection, value, "cat", map=pairs, otherwise=otherwise) == expected


def test_map_goes_before_the_kind(connection: duckdb.DuckDBPyConnection) -> None:
    assert read(connection, "'ja'", "bool", map={"ja": True}) is True
    assert read(connection, "2", "float", map={"2": 2.5}) == 2.5


@pytest.mark.parametrize("sign", ["'", '"', "*", "[", "\\", ";--", "%", "{x}"])
def test_quoting_keeps_every_sign(
    connection: duckdb.DuckDBPyConnection, sign: str, tmp_path: Any
) -> None:
    text = f"a{sign}b"
    rows = connection.execute(
        f"SELECT {quote_name(text)} FROM (SELECT {quote_text(text)} AS "
        f"{quote_name(text)})"
    ).fetchall()
    assert rows == [(text,)]
    path = tmp_path / f"{text}.parquet"
    connection.execute(f"COPY (SELECT 1 AS x) TO {quote_text(str(path))}")
    connection.execute(
        f"COPY (SELECT 2 AS x) TO {quote_text(str(tmp_path / 'ab.parquet'))}"
    )
    scan = f"read_parquet({quote_path(path)}, filename=true)"
    assert connection.execute(f"SELECT * FROM {scan}").fetchall() == [(1, str(path))]


def test_text_of_a_text_is_trimmed() -> None:
    assert write_as_text("x", "VARCHAR") == "nullif(trim(x), '')"
