"""Extracts as they arrive: encodings, line endings, formats, and damage."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from tests.data.conftest import FILES, Project, pseudonym
from workbench.core.errors import MissingColumnError, ParamError, SourceError

PEOPLE = FILES["people.csv"]


def genders(project: Project) -> list[object]:
    return [row[0] for row in project.query("SELECT gender FROM employees")]


def spoil(project: Project, **options: object) -> None:
    """Read the people with other options, mapping gender as it stands."""
    project.source_map["sources"]["people"].update(options)
    project.columns("employees")["gender"] = "sex"


TOWNS = PEOPLE.replace(",F\n", ",Köln „neu“\n")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TOWNS.encode(), None),
        (TOWNS.encode(), "utf-8"),
        (TOWNS.encode("utf-8-sig"), None),
        (TOWNS.encode("utf-8-sig"), "utf-8"),
        (TOWNS.encode("utf-16"), None),
        (TOWNS.encode("utf-16-le"), "utf-16-le"),
        (TOWNS.encode("cp1252"), "cp1252"),
        (TOWNS.encode("mac-roman"), "mac-roman"),
    ],
)
def test_encodings(project: Project, data: bytes, encoding: str | None) -> None:
    project.write("people.csv", data)
    spoil(project, encoding=encoding)
    assert project.load().warnings == ()
    assert genders(project) == ["Köln „neu“", "M", "Köln „neu“"]


def test_latin1_is_read_when_declared(project: Project) -> None:
    project.write("people.csv", PEOPLE.replace(",F\n", ",weiß\n").encode("latin-1"))
    spoil(project, encoding="latin-1")
    project.load()
    assert genders(project) == ["weiß", "M", "weiß"]


def test_odd_encodings_are_noted(project: Project) -> None:
    project.write("people.csv", TOWNS.encode("utf-8-sig"))
    spoil(project, encoding="latin-1")
    assert project.load().warnings == (
        "people.csv: read as utf-8-sig, as its byte order mark says, not latin-1",
    )
    assert genders(project)[0] == "Köln „neu“"
    project.write("people.csv", PEOPLE.replace(",F\n", ",weiß\n").encode())
    assert project.load().warnings == (
        "people.csv: declared latin-1, but its bytes read well as utf-8",
    )


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (
            PEOPLE.replace("M\n", "weiß\n").encode("latin-1"),
            None,
            r"(?s)not valid utf-8.*people\.csv, line 3.*0xdf.*encoding: latin-1",
        ),
        (
            TOWNS.encode("cp1252"),
            "utf-8",
            r"(?s)not valid utf-8.*people\.csv, line 2.*encoding: cp1252",
        ),
        (
            TOWNS.encode(),
            "ascii",
            r"(?s)not valid ascii.*line 2.*encoding: ",
        ),
        (
            TOWNS.encode("utf-16-le"),
            None,
            r"(?s)not valid utf-8|NUL bytes",
        ),
        (
            PEOPLE.encode("utf-16-le"),
            None,
            r"(?s)NUL bytes.*encoding: utf-16-le",
        ),
        (b"", None, r"(?s)source file is empty.*people\.csv.*0 bytes"),
        (b"\n\n", None, r"(?s)no header.*people\.csv.*line 1"),
        (
            PEOPLE.replace(",", ";").encode(),
            None,
            r"(?s)one single column.*delimiter: ';'",
        ),
        (
            PEOPLE.replace("E1,", 'E1,"').encode() + b"E4,2020-01-01,,,F\n" * 50,
            None,
            r"(?s)quote opens and never closes.*people\.csv, data row 1",
        ),
        (
            b'"emp,start,end\n' + PEOPLE.encode(),
            None,
            r"(?s)header of a delimited file cannot be read.*people\.csv",
        ),
    ],
)
def test_text_that_cannot_be_read(
    project: Project, data: bytes, encoding: str | None, message: str
) -> None:
    project.write("people.csv", data)
    spoil(project, encoding=encoding)
    with pytest.raises(SourceError, match=message) as caught:
        project.load()
    assert "E1" not in str(caught.value)


@pytest.mark.parametrize("ending", ["\r", "\r\n"])
def test_line_endings(project: Project, ending: str) -> None:
    project.write("people.csv", PEOPLE.replace("\n", ending))
    project.load()
    assert genders(project) == ["female", "male", "female"]


@pytest.mark.parametrize(
    "text",
    [
        PEOPLE.replace("\n", "\r\n", 2),
        PEOPLE.replace("\n", "\r", 2),
        PEOPLE.replace("F\nE2", "F\r\nE2"),
        PEOPLE.removesuffix("\n"),
        PEOPLE.replace("\nE3", "\n\nE3") + "\n\n",
    ],
)
def test_mixed_line_endings(project: Project, text: str) -> None:
    project.write("people.csv", text)
    assert project.load().quarantined == {}
    assert genders(project) == ["female", "male", "female"]


def test_line_break_within_quotes_stays(project: Project) -> None:
    project.write(
        "courses.csv",
        'id,title,kind,hours,before\nc1,"A\nB",other,1,\n'
        'c2,"say ""hi"", now",other,1,\n',
    )
    project.load()
    assert project.query("SELECT title FROM courses") == [("A\nB",), ('say "hi", now',)]


def test_rows_after_broken_ones_keep_their_number(project: Project) -> None:
    rows = [
        f"n{i},E1,c1,2024-01-01,,{'bad' if i % 100 == 5 else ''},enrolled"
        + (",more" if i % 100 in (3, 4) else "")
        for i in range(1, 5001)
    ]
    header = "no,emp,course,at,done,score,state\n"
    project.write("enrolments.csv", header + "\n".join(rows) + "\n")
    report = project.load()
    assert report.quarantined == {"malformed_row": 100, "unreadable_number": 50}
    numbers = [row[3] for row in project.quarantine() if row[1] == "unreadable_number"]
    assert numbers == list(range(5, 5001, 100))
    broken = [row[3] for row in project.quarantine() if row[1] == "malformed_row"]
    assert broken == [i for i in range(1, 5001) if i % 100 in (3, 4)]


def test_options_of_delimited_text(project: Project) -> None:
    project.write(
        "courses.csv",
        "Export of today\n\nid\ttitle\tkind\thours\tbefore\n"
        "c1\t~One\ttab~\tother\t1.234,5\tNA\nc2\tTwo\tother\t8,25\tc1\n".replace(
            "One\ttab", "One\ttab"
        ),
    )
    project.source_map["sources"]["courses"].update(
        delimiter="\t",
        quote="~",
        skip=2,
        decimal=",",
        thousands=".",
        null_values=["", "NA"],
    )
    project.load()
    assert project.query(
        "SELECT title, effort_hours, prerequisite_ids FROM courses"
    ) == [("One\ttab", 1234.5, None), ("Two", 8.25, ["c1"])]


def test_headers_with_blanks_doubles_and_gaps(project: Project) -> None:
    project.write(
        "people.csv",
        "emp , Start Date,x,X,,it's\n"
        "E1,2020-01-01,1,2,3,F\nE2,2020-01-01,1,2,3,F\nE3,2020-01-01,1,2,3,F\n",
    )
    project.source_map["tables"]["employees"]["columns"] = {
        "employee_id": "emp",
        "hire_date": "start date",
        "gender": "it's",
        "second": {"column": "X_2", "kind": "int"},
        "third": "column_5",
    }
    report = project.load()
    assert report.unmapped_columns["people"] == ("x",)
    assert project.query("SELECT DISTINCT gender, second, third FROM employees") == [
        ("F", 2, "3")
    ]


def test_names_with_quotes_and_signs_are_only_names(project: Project) -> None:
    name = 'pe\'ople [1]*; drop "x".csv'
    project.write(f"in '1'/{name}", PEOPLE.replace("emp,", "e'm\"p;--,"))
    project.source("people", format="csv", path="in '1'/pe'ople*.csv")
    project.columns("employees")["employee_id"] = "e'm\"p;--"
    project.load()
    assert project.query("SELECT file FROM _lineage LIMIT 1") == [(f"in '1'/{name}",)]
    project.source("people", format="csv", path=f"in '1'/{name}")
    assert project.load(force=True).tables["employees"] == 3


def test_packed_text(project: Project) -> None:
    (project.extracts / "people.csv").unlink()
    project.write("people.csv.gz", gzip.compress(PEOPLE.encode("utf-8-sig"), mtime=0))
    project.source("people", format="csv", path="people.csv.gz")
    assert project.load().tables["employees"] == 3
    whole = (project.extracts / "people.csv.gz").read_bytes()
    project.write("people.csv.gz", whole[:-12])
    with pytest.raises(SourceError, match=r"(?s)cannot be read.*people\.csv\.gz"):
        project.load()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nobody.csv", r"(?s)No file matches.*'people'.*courses\.csv, empty"),
        ("hris/*.csv", r"(?s)No file matches.*hris/\*\.csv"),
        ("empty", r"(?s)No file matches.*holds \.~lock, ~\$x\.csv"),
    ],
)
def test_missing_files(project: Project, path: str, message: str) -> None:
    project.write("empty/~$x.csv", "a,b\n")
    project.write("empty/.~lock", "")
    project.source("people", format="csv", path=path)
    with pytest.raises(SourceError, match=message):
        project.load()


def test_missing_columns_are_named_together_with_the_nearest(project: Project) -> None:
    columns = project.columns("employees")
    columns["hire_date"] = "startt"
    columns["gender"] = "gender"
    with pytest.raises(
        MissingColumnError,
        match=r"(?s)'people' lacks columns.*tables\.employees\.columns.*"
        r"exist: emp, start, end, why, sex.*'startt', 'gender'.*startt → start",
    ):
        project.load()


def test_files_of_one_pattern_may_lack_columns(project: Project) -> None:
    project.write("p/2023.csv", "emp,start,sex\nE1,2020-01-01,F\nE2,2020-01-01,M\n")
    project.write("p/2024.csv", "sex,end,start,emp,why\nF,2024-01-01,2020-01-01,E3,R\n")
    project.source("people", format="csv", path="p")
    report = project.load()
    assert report.warnings == ("p/2023.csv: lacks the columns end, why",)
    assert project.query("SELECT exit_date FROM employees") == [
        (None,),
        (None,),
        (date(2024, 1, 1),),
    ]


def test_parquet_with_partitions_and_types(project: Project) -> None:
    for quarter, number in (("2024Q1", 1.0), ("2024Q2", 2.0)):
        folder = project.extracts / "perf" / f"period={quarter}"
        folder.mkdir(parents=True)
        frame = pd.DataFrame({"emp": ["E1", "E2"], "rating": [number, float("nan")]})
        frame.to_parquet(folder / "part.parquet")
    project.source("perf", format="parquet", path="perf/**/*.parquet", hive=True)
    project.source_map["tables"]["performance"] = {
        "from": "perf",
        "columns": {"employee_id": "emp", "period": "period", "rating": "rating"},
    }
    report = project.load()
    assert report.warnings == ()
    assert project.query("SELECT period, rating FROM performance") == [
        ("2024Q1", 1.0),
        ("2024Q1", None),
        ("2024Q2", 2.0),
        ("2024Q2", None),
    ]
    assert project.query(
        "SELECT file, rows_in FROM _lineage WHERE source = 'perf'"
    ) == [
        ("perf/period=2024Q1/part.parquet", 2),
        ("perf/period=2024Q2/part.parquet", 2),
    ]


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (slice(None, -20), r"(?s)not written to its end.*half\.parquet"),
        (slice(None, 0), r"(?s)source file is empty.*half\.parquet"),
        (slice(4, None), r"(?s)Not a Parquet file.*half\.parquet"),
    ],
)
def test_damaged_parquet(project: Project, cut: slice, message: str) -> None:
    path = project.extracts / "half.parquet"
    pd.DataFrame({"emp": ["E1"] * 500}).to_parquet(path)
    path.write_bytes(path.read_bytes()[cut])
    project.source("half", format="parquet", path="half.parquet")
    with pytest.raises(SourceError, match=message):
        project.load()


def test_parquet_with_a_damaged_inside(project: Project) -> None:
    path = project.extracts / "people.parquet"
    frame = pd.DataFrame({"emp": [f"E{i}" for i in range(9000)], "start": "2020-01-01"})
    frame.to_parquet(path)
    data = bytearray(path.read_bytes())
    data[-300:-8] = b"\xff" * 292
    path.write_bytes(bytes(data))
    project.source("people", format="parquet", path="people.parquet")
    with pytest.raises(
        SourceError, match=r"(?s)'people' cannot be read.*people\.parquet"
    ):
        project.load()


def write_book(path: Path, rows: list[list[object]], title: str = "Ratings") -> None:
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def map_ratings(project: Project, **options: object) -> None:
    project.source(
        "ratings", format="excel", path="r/*.xlsx", sheet="Ratings", **options
    )
    project.source_map["tables"]["performance"] = {
        "from": "ratings",
        "columns": {
            "employee_id": "Employee",
            "period": {"sql": "year(day) || 'Q' || quarter(day)"},
            "rating": "Rating",
        },
    }


def test_workbooks(project: Project) -> None:
    map_ratings(project, skip=1)
    write_book(
        project.extracts / "r/a.xlsx",
        [
            ["Ratings of the year"],
            ["Employee", "day", "Rating", "Empty"],
            ["E1", datetime(2024, 1, 31), 4],
            [None, None, None],
            ["E2", datetime(2024, 5, 1), 3.5],
            ["E3", datetime(2024, 5, 1), "sick"],
        ],
    )
    write_book(
        project.extracts / "r/b.xlsx",
        [
            ["x"],
            ["Employee", "day", "Rating"],
            ["E3", datetime(2024, 8, 1), None],
        ],
    )
    report = project.load()
    assert project.query("SELECT period, rating FROM performance") == [
        ("2024Q1", 4.0),
        ("2024Q2", 3.5),
        ("2024Q3", None),
    ]
    assert project.quarantine() == [
        ("performance", "unreadable_number", "r/a.xlsx", 4, "rating", "sick")
    ]
    assert report.unmapped_columns["ratings"] == ("Empty",)
    assert report.warnings == ("r/b.xlsx: lacks the columns Empty",)


def test_dates_in_workbooks_are_read_whatever_the_formats(project: Project) -> None:
    project.source("people", format="excel", path="p.xlsx", sheet="Ratings")
    project.columns("employees")["hire_date"] = {
        "column": "start",
        "formats": ["%d.%m.%Y"],
    }
    write_book(
        project.extracts / "p.xlsx",
        [
            ["emp", "start", "end", "why", "sex"],
            [1001, datetime(2024, 1, 31), None, None, "F"],
            [1002.0, "01.02.2024", None, None, "F"],
        ],
    )
    project.write(
        "jobs.csv", "emp,from,what,role,level,boss\n1001,2024-01-31,hire,r,1,\n"
    )
    project.write(
        "enrolments.csv",
        "no,emp,course,at,done,score,state\nn1,1002,c1,2024-03-01,,,enrolled\n",
    )
    assert project.load().quarantined == {}
    assert project.query("SELECT employee_id, hire_date FROM employees") == [
        (pseudonym("1001"), date(2024, 1, 31)),
        (pseudonym("1002"), date(2024, 2, 1)),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("sheet", r"(?s)no sheet 'Ratings'.*one of Notes, Other"),
        ("empty", r"(?s)source file is empty.*a\.xlsx"),
        ("half", r"(?s)workbook cannot be read.*a\.xlsx.*BadZipFile"),
        ("text", r"(?s)workbook cannot be read.*a\.xlsx"),
        ("no header", r"(?s)sheet has no header.*a\.xlsx"),
    ],
)
def test_damaged_workbooks(project: Project, change: str, message: str) -> None:
    map_ratings(project)
    path = project.extracts / "r/a.xlsx"
    rows: list[list[object]] = [] if change == "no header" else [["Employee", "Rating"]]
    write_book(path, rows, "Other" if change == "sheet" else "Ratings")
    whole = path.read_bytes()
    path.write_bytes(
        {"empty": b"", "half": whole[:-100], "text": b"a,b\n"}.get(change, whole)
    )
    with pytest.raises(SourceError, match=message):
        project.load()


def test_derived_sources_may_stand_in_any_order(project: Project) -> None:
    project.source_map["sources"] = {
        "last": {
            "format": "sql",
            "sql": "select * from first_step where start is not null",
        },
        "first_step": {
            "format": "sql",
            "sql": "with people as (select * from staff) "
            "select emp, start, 'F' as sex from people -- all",
        },
        **project.source_map["sources"],
        "staff": {"format": "csv", "path": "people.csv"},
    }
    project.source_map["tables"]["employees"] = {
        "from": "last",
        "columns": {"employee_id": "emp", "hire_date": "start", "gender": "sex"},
    }
    report = project.load()
    assert report.tables["employees"] == 3
    assert project.query(
        "SELECT source, rows_in FROM _lineage WHERE \"table\" = 'employees'"
    ) == [("last", 3), ("first_step", 0), ("people", 0), ("staff", 0)]


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"a": "select * from b", "b": "select * from a"}, "in a circle"),
        ({"a": "select nobody from people"}, r"(?s)'a' cannot be computed.*nobody"),
        ({"a": "select * from nowhere"}, r"(?s)'a' cannot be computed.*nowhere"),
        ({"a": "selec 1"}, r"(?s)'a' cannot be computed.*sources\.a\.sql"),
    ],
)
def test_derived_sources_that_fail(
    project: Project, sources: dict[str, str], message: str
) -> None:
    for name, sql in sources.items():
        project.source(name, format="sql", sql=sql)
    with pytest.raises(ParamError, match=message):
        project.load()
