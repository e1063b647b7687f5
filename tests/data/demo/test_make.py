"""Extracts: the same bytes for the same seed, the shape of each system, sizes."""

from __future__ import annotations

import csv
import sqlite3

import openpyxl
import pyarrow.parquet as pq
import pytest

from workbench.core.errors import ParamError
from workbench.core.store import hash_file
from workbench.data.demo import make_demo, reviews

SMALL = {"employees": 120, "quarters": 3, "events_per_person": 2}

HEADERS = {
    "hris/personnel_master.csv": [
        *("PERSNR", "STATUS", "NACHNAME", "VORNAME", "E_MAIL", "GEBURTSJAHR"),
        *("GESCHLECHT", "EINTRITT", "AUSTRITT", "AUSTRITTSGRUND", "BEDAUERT"),
        "PARKAUSWEIS",
    ],
    "hris/job_history.csv": [
        *("PERSNR", "GUELTIG_AB", "MASSNAHME", "STELLE", "STUFE", "BEREICH"),
        *("STANDORT", "REGION", "SCHICHT", "VORGESETZTER", "BESCHÄFTIGUNGSGRAD"),
    ],
    "skills/assessments_2026Q3.csv": [
        *("user", "skill", "score", "taken_at", "type", "course"),
    ],
    "skills/role_profiles.csv": ["role_code", "skill", "required"],
    "skills/time_to_proficiency.csv": ["user", "role_code", "started", "reached"],
    "surveys/responses.csv": [
        *("respondent", "sent_at", "form", "score", "course", "comment"),
    ],
    "surveys/manager_log.csv": [
        *("supervisor", "team_member", "logged_at", "activity", "course"),
    ],
    "register/consent.csv": ["person", "purpose", "decision", "decided_at"],
    "register/experiments.csv": [
        *("experiment", "design", "persona", "start", "end", "courses", "primary"),
    ],
    "register/costs.csv": ["period", "item", "course", "amount", "currency"],
    "delivery_note.csv": ["file", "rows"],
}


def list_hashes(folder):
    return {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def make(root, **more):
    return make_demo(root / "extracts", root / "truth", **{**SMALL, **more})


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    first, second, other = (tmp_path / name for name in ("a", "b", "c"))
    make(first)
    make(second)
    make(other, seed=8)
    hashes = list_hashes(first)
    assert list_hashes(second) == hashes
    assert set(list_hashes(other)) == set(hashes)
    fixed = {"extracts/skills/role_profiles.csv", "extracts/register/costs.csv"}
    changed = {
        name for name, value in list_hashes(other).items() if value != hashes[name]
    }
    assert set(hashes) - changed - fixed <= {"extracts/register/experiments.csv"}


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_each_text_file_has_the_columns_of_its_system(made, name):
    german = name.startswith("hris/")
    delimiter = ";" if german or name == "register/costs.csv" else ","
    encoding = "latin-1" if german else "utf-8"
    with (made.folder / name).open(encoding=encoding, newline="") as file:
        rows = list(csv.reader(file, delimiter=delimiter))
    assert rows[0] == HEADERS[name]
    assert {len(row) for row in rows} == {len(HEADERS[name])}
    if name in made.summary.files:
        assert len(rows) - 1 == made.summary.files[name]


def test_hris_is_latin_1_with_umlauts_decimal_comma_and_two_date_formats(made):
    people = (made.folder / "hris/personnel_master.csv").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        people.decode("utf-8")
    text = people.decode("latin-1")
    assert "Müller" in text
    assert "@aldergrove.example" in text
    assert '"Bewerber"' in text
    jobs = (made.folder / "hris/job_history.csv").read_bytes().decode("latin-1")
    assert '"1,00"' in jobs
    assert '"01.07.2024"' in jobs
    assert any(f'"{year}-' in jobs for year in range(2015, 2027))


def test_lms_is_a_database_with_three_tables_and_mixed_times(made):
    path = made.folder / "lms/lms.sqlite"
    con = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = con.execute("select name from sqlite_master where type = 'table'")
        assert {name for (name,) in tables} == {"course", "course_tag", "enrolment"}
        columns = [row[1] for row in con.execute("pragma table_info(enrolment)")]
        times = [time for (time,) in con.execute("select created from enrolment")]
    finally:
        con.close()
    assert columns == [
        *("id", "user_id", "course_code", "session", "created", "started", "finished"),
        *("grade", "seconds", "trainer", "assigned_by", "state"),
    ]
    slashes = sum("/" in time for time in times)
    with_t = sum("T" in time for time in times)
    assert slashes > with_t > 0
    assert len(times) == made.summary.files["lms/lms.sqlite/enrolment"]


def test_reviews_are_one_sheet_of_a_workbook(made):
    book = openpyxl.load_workbook(made.folder / "reviews/ratings.xlsx", read_only=True)
    try:
        assert book.sheetnames == ["Ratings"]
        rows = list(book["Ratings"].iter_rows(values_only=True))
    finally:
        book.close()
    assert rows[0] == (
        *("Personnel No", "Period", "Overall Rating", "Scale", "KPI %", "OKR"),
    )
    assert len(rows) - 1 == made.summary.files["reviews"]
    assert made.summary.reviews == "excel"


def test_events_and_assignments_are_parquet(made):
    events = sorted((made.folder / "lms/events").rglob("*.parquet"))
    assert events[0].parent.name == "quarter=2024Q3"
    schema = pq.read_schema(events[0])
    assert schema.names == ["actor", "course", "occurred", "verb", "duration_s"]
    total = sum(pq.read_metadata(path).num_rows for path in events)
    assert total == made.summary.files["lms/events"] == 4 * 700
    assignments = pq.read_schema(made.folder / "register/assignments.parquet")
    assert assignments.names == [
        *("experiment", "person", "cluster", "arm", "assigned_at", "exposed_from"),
    ]


def test_too_many_reviews_for_a_sheet_go_to_files_by_quarter(tmp_path, monkeypatch):
    monkeypatch.setattr(reviews, "EXCEL_ROWS", 100)
    summary = make(tmp_path)
    assert summary.reviews == "csv"
    files = sorted((tmp_path / "extracts/reviews").iterdir())
    assert [path.name for path in files] == [
        f"ratings_{name}.csv" for name in ("2025Q4", "2026Q1", "2026Q2", "2026Q3")
    ]
    rows = sum(len(path.read_text().splitlines()) - 1 for path in files)
    assert rows == summary.files["reviews"]


def test_size_follows_the_number_of_people_and_quarters(tmp_path):
    small = make(tmp_path / "small", employees=200)
    large = make(tmp_path / "large", employees=800)
    long = make(tmp_path / "long", employees=200, quarters=6)
    enrolments = "lms/lms.sqlite/enrolment"
    ratio = large.files[enrolments] / small.files[enrolments]
    assert ratio == pytest.approx(4, rel=0.2)
    assert large.files["lms/events"] == 4 * small.files["lms/events"]
    assert long.files["reviews"] > 1.5 * small.files["reviews"]
    assert (long.first, small.first, long.last) == ("2025Q2", "2026Q1", "2026Q3")


def test_no_events_are_written_when_none_are_asked_for(tmp_path):
    summary = make(tmp_path, events_per_person=0)
    assert "lms/events" not in summary.files
    assert not (tmp_path / "extracts/lms/events").exists()


def test_an_earlier_demo_is_replaced_and_other_files_stay(tmp_path):
    make(tmp_path, quarters=4)
    foreign = tmp_path / "extracts" / "notes.txt"
    foreign.write_text("mine")
    make(tmp_path, quarters=2)
    names = [path.name for path in (tmp_path / "extracts/skills").iterdir()]
    assert "assessments_2025Q3.csv" not in names
    assert foreign.read_text() == "mine"
    left = {path.name for path in (tmp_path / "extracts").iterdir()}
    assert not [name for name in left if name.startswith(".")]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"employees": 10}, "number of employees"),
        ({"employees": 2_000_000}, "number of employees"),
        ({"quarters": 1}, "number of quarters"),
        ({"motivation": -1.0}, "number of motivation"),
        ({"events_per_person": -5}, "number of events_per_person"),
        ({"last": "2026-3"}, "This is not a quarter"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(tmp_path, wrong, says):
    with pytest.raises(ParamError, match=says):
        make(tmp_path, **wrong)
    assert not (tmp_path / "extracts").exists()


def test_the_truth_may_not_lie_among_the_extracts(tmp_path):
    with pytest.raises(ParamError, match="truth would lie among the extracts"):
        make_demo(tmp_path, tmp_path / "truth", **SMALL)
