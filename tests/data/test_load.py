"""A load keeps the account: every row is filtered, mapped or quarantined."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from tests.data.conftest import Project, pseudonym
from workbench.core.errors import ContractError, SourceError
from workbench.data.contract import TABLES


def test_a_sound_organisation_is_loaded_whole(project: Project) -> None:
    report = project.load()
    assert report.tables == {
        "employees": 3,
        "job_history": 3,
        "courses": 2,
        "enrollments": 3,
    }
    assert report.quarantined == {}
    assert report.warnings == ()
    assert not report.skipped
    assert set(report.missing_tables) == set(TABLES) - set(report.tables)
    rows = project.query("SELECT * FROM employees")
    assert rows[1] == (
        pseudonym("E2"),
        date(2021, 5, 1),
        date(2024, 2, 29),
        "voluntary",
        None,
        None,
        "male",
    )
    assert project.query("SELECT prerequisite_ids FROM courses") == [(None,), (["c1"],)]
    assert project.query("SELECT manager_id FROM job_history") == [
        (None,),
        (pseudonym("E1"),),
        (pseudonym("E1"),),
    ]
    assert project.query("SELECT completed_at, score FROM enrollments") == [
        (datetime(2024, 1, 20, 17, 30), 80.0),
        (None, None),
        (datetime(2024, 2, 1, 10), 55.5),
    ]


def test_store_has_the_contract_s_columns_and_types(project: Project) -> None:
    project.load()
    for name in ("employees", "job_history", "courses", "enrollments"):
        described = project.query(f"DESCRIBE {name}")
        assert [(row[0], row[1]) for row in described] == [
            (column.name, column.sql_type) for column in TABLES[name].columns
        ]


def test_facts_of_the_load_are_kept(project: Project) -> None:
    project.source_map["tables"]["employees"]["identifiers"] = ["SEX"]
    del project.columns("employees")["gender"]
    del project.columns("job_history")["manager_id"]
    project.source_map["control_totals"] = [
        {"name": "people", "sql": "select count(*) from people", "expected": 3},
        {
            "name": "hours",
            "sql": "select sum(hours::double) from courses",
            "expected": 9,
        },
    ]
    report = project.load()
    assert report.dropped_identifiers == {"people": ("sex",)}
    assert report.unmapped_columns == {"jobs": ("boss",)}
    assert report.warnings == ("control total hours: expected 9, found 10.5",)
    assert project.query("SELECT * FROM _control_totals") == [
        ("people", "people", 3.0, 3.0, True),
        ("hours", "courses", 9.0, 10.5, False),
    ]
    facts = json.loads((project.store / "_load.json").read_text())
    assert facts["org"] == "small"
    assert facts["tables"]["employees"] == 3
    assert facts["dropped_identifiers"] == {"people": ["sex"]}
    assert facts["timezone"] == "UTC"
    assert facts["year_starts"] == 1
    assert str(project.root) not in json.dumps(facts)
    again = project.load()
    assert again.skipped
    assert again.control_totals == report.control_totals
    assert again.dropped_identifiers == report.dropped_identifiers
    assert list(again.tables) == list(report.tables)


def test_lineage_names_every_file_with_its_hash(project: Project) -> None:
    project.write("people/b.csv", "emp,start\nE2,2021-05-01\nE3,2022-06-15\n")
    path = project.write("people/a.csv", "emp,start\nE1,2020-01-01\n,2020-01-01\n")
    project.source("people", format="csv", path="people")
    columns = project.columns("employees")
    for name in ("exit_date", "exit_type", "gender"):
        del columns[name]
    project.source_map["tables"]["employees"]["where"] = "emp is null or emp <> 'E3'"
    project.load()
    rows = project.query(
        "SELECT file, bytes, rows_in, rows_filtered, rows_mapped, rows_quarantined "
        "FROM _lineage WHERE \"table\" = 'employees'"
    )
    assert rows == [
        ("people/a.csv", path.stat().st_size, 2, 0, 1, 1),
        ("people/b.csv", 38, 2, 1, 1, 0),
    ]
    assert project.query("SELECT count(DISTINCT sha256) FROM _lineage") == [(5,)]


def test_two_loads_write_the_same_bytes(project: Project) -> None:
    rows = "".join(f"m{i},E{i % 3 + 1},c1,2024-01-10,,,enrolled\n" for i in range(5000))
    project.write("enrolments.csv", "no,emp,course,at,done,score,state\n" + rows)
    project.columns("enrollments")["minutes"] = {"sql": "length(base.no) * 1.1"}
    project.source_map["tables"]["enrollments"]["join"] = [
        {"source": "people", "on": "base.emp = people.emp"}
    ]
    project.columns("enrollments")["employee_id"] = "people.emp"
    project.load()
    first = {path.name: path.read_bytes() for path in project.store.iterdir()}
    project.load(force=True)
    second = {path.name: path.read_bytes() for path in project.store.iterdir()}
    assert first == second
    assert len(first) == 8


def test_rows_stay_in_the_order_of_the_extract(project: Project) -> None:
    rows = "".join(f"m{i},E1,c1,2024-01-10,,,enrolled\n" for i in range(3000, 0, -1))
    project.write("enrolments.csv", "no,emp,course,at,done,score,state\n" + rows)
    project.source_map["tables"]["enrollments"]["join"] = [
        {"source": "people", "on": "base.emp = people.emp"}
    ]
    project.columns("enrollments")["employee_id"] = {"column": "people.emp"}
    project.load()
    found = [row[0] for row in project.query("SELECT enrollment_id FROM enrollments")]
    assert found == [f"m{i}" for i in range(3000, 0, -1)]


@pytest.mark.parametrize(
    "change",
    ["nothing", "touch", "extract", "mapping", "key", "fiscal year", "store", "force"],
)
def test_load_is_skipped_only_if_nothing_changed(
    project: Project, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    project.load()
    if change == "touch":
        (project.extracts / "people.csv").touch()
    if change == "extract":
        (project.extracts / "people.csv").open("a").write("E4,2023-01-01,,,F\n")
    if change == "mapping":
        project.source_map["timezone"] = "Europe/Berlin"
    if change == "key":
        monkeypatch.setenv("WORKBENCH_KEY_SMALL", "another key, long enough too")
    if change == "fiscal year":
        text = (project.root / "params/small/workbench.yml").read_text()
        later = text.replace("2024Q4}", "2024Q4, fiscal_year_starts: 7}")
        project.write_param("workbench.yml", later)
    if change == "store":
        (project.store / "courses.parquet").unlink()
    report = project.load(force=change == "force")
    assert report.skipped == (change in ("nothing", "touch"))
    assert (project.store / "courses.parquet").exists()


def test_failed_load_leaves_the_old_store(project: Project) -> None:
    project.load()
    before = {path.name: path.read_bytes() for path in project.store.iterdir()}
    project.write("enrolments.csv", "no,emp,course,at,done,score,state\n")
    with pytest.raises(ContractError, match="required table enrollments has no row"):
        project.load()
    assert {p.name: p.read_bytes() for p in project.store.iterdir()} == before
    assert [p.name for p in project.store.parent.glob(".load-*")] == []


def test_leavings_of_a_killed_load_are_removed(project: Project) -> None:
    left = project.store.parent / ".load-killed"
    left.mkdir(parents=True)
    (left / "people.parquet").write_text("raw ids")
    project.load()
    assert not left.exists()


def test_extracts_by_argument_and_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.source_map["root"] = "nowhere"
    with pytest.raises(SourceError, match="folder of small's extracts does not exist"):
        project.load()
    monkeypatch.setenv("WORKBENCH_EXTRACTS_SMALL", str(tmp_path / "nobody"))
    assert project.load(extracts=project.extracts).tables["employees"] == 3
    monkeypatch.setenv("WORKBENCH_EXTRACTS_SMALL", str(project.extracts))
    assert project.load().skipped


def test_progress_is_told(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    project.load(progress=told.append)
    assert "source people" in told
    assert "table employees" in told
    assert capsys.readouterr() == ("", "")


def test_consent_must_be_mapped_where_it_is_the_basis(project: Project) -> None:
    project.write_param(
        "workbench.yml",
        "name: Small\nquarter: {first: 2024Q1, last: 2024Q4}\n"
        "privacy: {lawful_basis: consent}\n",
    )
    with pytest.raises(ContractError, match="no table of consent is mapped"):
        project.load()


def test_optional_table_without_rows_is_noted(project: Project) -> None:
    project.write("costs.csv", "quarter,item,amount,currency\n")
    project.source("costs", format="csv", path="costs.csv")
    project.source_map["tables"]["costs"] = {
        "from": "costs",
        "columns": {n: n for n in ("quarter", "item", "amount", "currency")},
    }
    report = project.load()
    assert report.tables["costs"] == 0
    assert report.warnings == ("costs: no row is left after filter and quarantine",)


def test_filter_that_leaves_nothing_is_refused(project: Project) -> None:
    project.source_map["tables"]["employees"]["where"] = "emp = 'E9'"
    with pytest.raises(ContractError, match="3 rows in, 3 filtered, 0 quarantined"):
        project.load()


def test_unused_source_and_loose_ids_are_noted(project: Project) -> None:
    project.write(
        "jobs.csv", "emp,from,what,role,level,boss\nE1,2020-01-01,hire,r,1,X\n"
    )
    project.write(
        "courses.csv",
        "id,title,kind,hours,before\nc1,A,other,1,c1|c8|c9\nc2,B,other,1,\n",
    )
    project.source("spare", format="csv", path="people.csv")
    report = project.load()
    assert report.warnings == (
        "source spare: no table and no control total reads it",
        "job_history.manager_id: 1 values stand in no row of employees; "
        "the rows are kept",
        "courses.prerequisite_ids: 2 values stand in no row of courses; "
        "the rows are kept",
    )
