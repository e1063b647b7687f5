"""Bad rows are set apart with reason, file and row, and no person shows in them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.data.conftest import Project, pseudonym
from workbench.core.errors import ContractError, SourceError

PEOPLE = "emp,start,end,why,sex\n"
ENROLMENTS = "no,emp,course,at,done,score,state\n"


def assert_account(project: Project) -> None:
    """Every table and file: in = filtered + mapped + quarantined, and so stored."""
    assert (
        project.query(
            "SELECT * FROM _lineage "
            "WHERE rows_in <> rows_filtered + rows_mapped + rows_quarantined"
        )
        == []
    )
    listed = project.query(
        'SELECT "table", count(*) FROM _quarantine GROUP BY ALL ORDER BY ALL'
    )
    counted = project.query(
        'SELECT "table", sum(rows_quarantined)::BIGINT AS n FROM _lineage '
        "GROUP BY ALL HAVING n > 0 ORDER BY ALL"
    )
    assert listed == counted
    for table, mapped in project.query(
        'SELECT "table", sum(rows_mapped)::BIGINT FROM _lineage GROUP BY ALL'
    ):
        assert project.query(f"SELECT count(*) FROM {table}") == [(mapped,)]


@pytest.mark.parametrize(
    ("row", "reason", "column", "value"),
    [
        ("n9,E1,c1,,,,enrolled", "null_required", "enrolled_at", ""),
        ("n9,,c1,2024-01-01,,,enrolled", "null_required", "employee_id", ""),
        (
            "n9,E1,c1,01.02.2024,,,enrolled",
            "unreadable_date",
            "enrolled_at",
            "01.02.2024",
        ),
        (
            "n9,E1,c1,2024-02-30,,,enrolled",
            "unreadable_date",
            "enrolled_at",
            "2024-02-30",
        ),
        ("n9,E1,c1,2024-01-01,,ten,enrolled", "unreadable_number", "score", "ten"),
        ("n9,E1,c1,2024-01-01,,101,enrolled", "out_of_range", "score", "101.0"),
        ("n9,E1,c1,2024-01-01,,-1,enrolled", "out_of_range", "score", "-1.0"),
        ("n9,E1,c1,2024-01-01,,,done", "out_of_list", "status", "done"),
        (
            "n9,E1,c1,1824-01-01,,,enrolled",
            "impossible_date",
            "enrolled_at",
            "1824-01-01 00:00:00",
        ),
        (
            "n9,E1,c1,2024-01-10 08:00:00,2024-01-09 08:00:00,,completed",
            "impossible_date",
            "completed_at",
            "2024-01-09 08:00:00 < 2024-01-10 08:00:00",
        ),
        (
            "n9,E1,c1,2024-01-10 08:00:00,2024-01-10 07:59:59,,completed",
            "impossible_date",
            "completed_at",
            "2024-01-10 07:59:59 < 2024-01-10 08:00:00",
        ),
        (
            "n9,E7,c1,2024-01-01,,,enrolled",
            "unknown_employee",
            "employee_id",
            pseudonym("E7"),
        ),
        ("n9,E1,c7,2024-01-01,,,enrolled", "unknown_course", "course_id", "c7"),
        (
            "n1,E1,c1,2024-01-10 09:00:00,2024-01-20 17:30:00,80,completed",
            "duplicate_row",
            "enrollment_id",
            "n1",
        ),
        (
            "n1,E1,c1,2024-01-10 09:00:00,2024-01-20 17:30:00,81,completed",
            "duplicate_key",
            "enrollment_id",
            "n1",
        ),
        ("n9,E1,c1,2024-01-01", "malformed_row", "", ""),
        ("n9,E1,c1,2024-01-01,,,enrolled,more", "malformed_row", "", ""),
        ('n9,"E1"x,c1,2024-01-01,,,enrolled', "malformed_row", "", ""),
    ],
)
def test_bad_enrolment(
    project: Project, row: str, reason: str, column: str, value: str
) -> None:
    with (project.extracts / "enrolments.csv").open("a") as file:
        file.write(f"{row}\nn10,E1,c1,2024-05-01,,,enrolled\n")
    report = project.load()
    assert report.quarantined == {reason: 1}
    assert project.quarantine() == [
        ("enrollments", reason, "enrolments.csv", 4, column, value)
    ]
    assert report.tables["enrollments"] == 4
    assert_account(project)


def test_completion_dated_by_day_only_counts_for_that_day(project: Project) -> None:
    project.source_map["timezone"] = "Europe/Berlin"
    project.write(
        "enrolments.csv",
        ENROLMENTS + "n1,E1,c1,2024-01-10 09:00:00,2024-01-10,,completed\n"
        "n2,E1,c1,2024-01-10 09:00:00,2024-01-09,,completed\n",
    )
    project.load()
    assert project.query("SELECT enrollment_id FROM enrollments") == [("n1",)]
    assert project.quarantine()[0][1:4] == ("impossible_date", "enrolments.csv", 2)


def test_exit_before_hire_and_those_who_depend_on_it(project: Project) -> None:
    project.write(
        "people.csv",
        PEOPLE + "E1,2020-01-01,,,F\nE2,2021-05-01,2021-04-30,R,M\nE3,2022-06-15,,,F\n",
    )
    report = project.load()
    assert report.quarantined == {"impossible_date": 1, "unknown_employee": 2}
    assert report.tables["employees"] == 2
    assert_account(project)


def test_value_not_in_its_map(project: Project) -> None:
    project.write(
        "people.csv",
        PEOPLE + "E1,2020-01-01,,,F\nE2,2021-05-01,,,divers\nE3,2022-06-15,,,\n",
    )
    project.load()
    assert project.quarantine()[0] == (
        "employees",
        "out_of_list",
        "people.csv",
        2,
        "gender",
        "divers",
    )
    project.columns("employees")["gender"]["otherwise"] = None
    assert project.load().quarantined == {}
    project.columns("employees")["gender"]["otherwise"] = "keep"
    project.load()
    assert project.query("SELECT gender FROM employees") == [
        ("female",),
        ("divers",),
        (None,),
    ]


def test_first_sound_row_of_a_key_is_kept(project: Project) -> None:
    project.write(
        "enrolments.csv",
        ENROLMENTS + "n1,E1,c1,never,,,enrolled\nn1,E1,c1,2024-01-01,,1,enrolled\n"
        "n1,E1,c1,2024-01-01,,2,enrolled\nn1,E1,c1,2024-01-01,,1,enrolled\n",
    )
    project.load()
    assert project.query("SELECT score FROM enrollments") == [(1.0,)]
    assert [(row[1], row[3]) for row in project.quarantine()] == [
        ("unreadable_date", 1),
        ("duplicate_key", 3),
        ("duplicate_row", 4),
    ]
    assert_account(project)


def test_keys_with_an_empty_part(project: Project) -> None:
    project.write("needs.csv", "role,level,skill,need\nr,,s,50\nr,1,s,60\nr,,s,70\n")
    project.source("needs", format="csv", path="needs.csv")
    project.source_map["tables"]["role_skills"] = {
        "from": "needs",
        "columns": {
            "role": "role",
            "level": "level",
            "skill": "skill",
            "required": "need",
        },
    }
    project.load()
    assert project.query("SELECT required FROM role_skills") == [(50.0,), (60.0,)]
    assert project.quarantine()[0][:4] == (
        "role_skills",
        "duplicate_key",
        "needs.csv",
        3,
    )


def test_tables_without_a_key_keep_equal_rows(project: Project) -> None:
    project.write("events.csv", "e,c,t,v\n" + "E1,c1,2024-01-01 10:00:00,viewed\n" * 3)
    project.source("events", format="csv", path="events.csv")
    project.source_map["tables"]["lms_events"] = {
        "from": "events",
        "columns": {
            "employee_id": "e",
            "course_id": "c",
            "event_at": "t",
            "event": "v",
        },
    }
    assert project.load().tables["lms_events"] == 3


def add_table(project: Project, name: str, header: str, *rows: str) -> None:
    project.write(f"{name}.csv", "\n".join([header, *rows]) + "\n")
    project.source(f"{name}_csv", format="csv", path=f"{name}.csv")
    columns: dict[str, Any] = {item: item for item in header.split(",")}
    project.source_map["tables"][name] = {"from": f"{name}_csv", "columns": columns}


@pytest.mark.parametrize(
    ("table", "header", "row", "reason", "column"),
    [
        (
            "surveys",
            "employee_id,asked_at,instrument,score",
            "E1,2024-01-01,learner_nps,11",
            "out_of_range",
            "score",
        ),
        (
            "performance",
            "employee_id,period,rating,rating_scale_max",
            "E1,2024Q1,6,5",
            "out_of_range",
            "rating",
        ),
        (
            "performance",
            "employee_id,period,rating,rating_scale_max",
            "E1,2024-1,6,5",
            "unreadable_value",
            "period",
        ),
        (
            "proficiency_dates",
            "employee_id,role,role_start,proficient_at",
            "E1,r,2024-02-01,2024-01-31",
            "impossible_date",
            "proficient_at",
        ),
        (
            "manager_actions",
            "manager_id,employee_id,acted_at,action",
            "E9,E1,2024-01-01,coaching",
            "unknown_employee",
            "manager_id",
        ),
        (
            "consent",
            "employee_id,purpose,granted,decided_at",
            "E1,learning,maybe,2024-01-01",
            "unreadable_value",
            "granted",
        ),
        (
            "skill_assessments",
            "employee_id,skill,assessed_at,proficiency,kind,course_id",
            "E1,s,2024-01-01,50,pre,c9",
            "unknown_course",
            "course_id",
        ),
    ],
)
def test_rules_of_other_tables(
    project: Project, table: str, header: str, row: str, reason: str, column: str
) -> None:
    add_table(project, table, header, row)
    assert project.load().quarantined == {reason: 1}
    assert project.quarantine()[0][4] == column
    assert_account(project)


def test_assignment_to_an_unknown_experiment(project: Project) -> None:
    add_table(
        project,
        "experiments",
        "experiment_id,design,started_on,course_ids,primary_outcome",
        "x1,individual,2024-01-01,c1,rating",
    )
    add_table(
        project,
        "assignments",
        "experiment_id,employee_id,arm,assigned_at",
        "x1,E1,control,2024-01-01",
        "x2,E1,control,2024-01-01",
    )
    assert project.load().quarantined == {"unknown_experiment": 1}


def test_later_decisions_on_consent_are_no_duplicates(project: Project) -> None:
    add_table(
        project,
        "consent",
        "employee_id,purpose,granted,decided_at",
        "E1,learning_impact,yes,2024-01-01",
        "E1,learning_impact,no,2024-02-01",
        "E1,learning_impact,yes,2024-02-01",
        "E1,learning_impact,no,2024-02-01",
    )
    report = project.load()
    assert report.tables["consent"] == 3
    assert report.quarantined == {"duplicate_row": 1}


def test_no_raw_person_id_shows_anywhere(project: Project) -> None:
    secret = "PERSON-4711"
    project.write("people.csv", PEOPLE + f"E1,2020-01-01,,,F\n{secret},x,,,F\n")
    project.write(
        "jobs.csv",
        "emp,from,what,role,level,boss\n"
        f"E1,2020-01-01,hire,r,1,{secret}\n{secret},2020-01-01,hire,r,1,\n"
        f"E1,2020-01-01,hire,r,2,{secret}\n{secret},short\n",
    )
    project.write(
        "enrolments.csv",
        ENROLMENTS + f"n1,{secret},c1,2024-01-01,,,enrolled\n"
        "n2,E1,c1,2024-01-01,,,enrolled\n",
    )
    project.load()
    assert len(project.quarantine()) == 5
    for path in project.store.iterdir():
        table = [] if path.suffix == ".json" else project.query(f'FROM "{path.stem}"')
        assert secret not in repr(table) + path.read_bytes().decode("latin-1")
    project.columns("employees")["birth_year"] = {"sql": "cast(emp as integer)"}
    with pytest.raises(SourceError, match="cannot be loaded") as caught:
        project.load()
    assert secret not in str(caught.value)
    assert caught.value.__suppress_context__
    assert project.check().tables[0].error == str(caught.value)
    project.columns("employees")["birth_year"] = {"constant": "x"}
    with pytest.raises(
        ContractError, match=r"unreadable_number 'x' in people\.csv"
    ) as shown:
        project.load()
    assert secret not in str(shown.value)


def test_long_values_are_cut(project: Project) -> None:
    with (project.extracts / "enrolments.csv").open("a") as file:
        file.write(f"n9,E1,c1,{'x' * 500},,,enrolled\n")
    project.load()
    assert project.quarantine()[0][5] == "x" * 80


def test_whole_column_of_a_wrong_type_is_refused_with_its_first_values(
    project: Project,
) -> None:
    project.columns("employees")["hire_date"] = {
        "column": "start",
        "formats": ["%d.%m.%Y"],
    }
    with pytest.raises(
        ContractError,
        match=r"(?s)required table employees has no row.*3 quarantined.*hire_date: "
        r"unreadable_date '2020-01-01' in people.csv, row 1 \(written as %d.%m.%Y\)",
    ):
        project.load()


def test_unpivoted_and_joined_rows_keep_the_account(project: Project) -> None:
    project.write(
        "ratings.csv", "emp,2024Q1,2024Q2,note\nE1,4,5,a\nE2,x,,b\nE9,1,2,c\n"
    )
    project.source("ratings", format="csv", path="ratings.csv")
    project.source_map["tables"]["performance"] = {
        "from": "ratings",
        "unpivot": {"columns": ["2024Q1", "2024Q2"], "name": "period", "value": "v"},
        "join": [{"source": "jobs", "on": "base.emp = jobs.emp", "how": "inner"}],
        "where": "note <> 'z'",
        "columns": {"employee_id": "base.emp", "period": "period", "rating": "v"},
    }
    project.load()
    assert project.query("SELECT employee_id, period, rating FROM performance") == [
        (pseudonym("E1"), "2024Q1", 4.0),
        (pseudonym("E1"), "2024Q2", 5.0),
        (pseudonym("E2"), "2024Q2", None),
    ]
    lineage = project.query(
        "SELECT source, rows_in, rows_filtered, rows_mapped, rows_quarantined "
        "FROM _lineage WHERE \"table\" = 'performance'"
    )
    assert lineage == [("ratings", 6, 2, 3, 1), ("jobs", 0, 0, 0, 0)]
    assert_account(project)


def test_join_that_multiplies_rows_is_noted(project: Project) -> None:
    project.write("two.csv", "emp,x\nE1,1\nE1,2\n")
    project.source("two", format="csv", path="two.csv")
    project.source_map["tables"]["employees"]["join"] = [
        {"source": "two", "on": "base.emp = two.emp"}
    ]
    project.columns("employees")["employee_id"] = "base.emp"
    report = project.load()
    assert report.quarantined == {"duplicate_row": 1}
    assert "employees: its joins make 4 rows of 3" in report.warnings[0]
    assert_account(project)


def test_broken_rows_of_sources_read_indirectly_are_listed(project: Project) -> None:
    with (project.extracts / "people.csv").open("a") as file:
        file.write("E4,2020-01-01\n")
    project.source("staff", format="sql", sql="select * from people order by emp desc")
    project.source_map["tables"]["employees"]["from"] = "staff"
    report = project.load()
    assert report.quarantined == {"malformed_row": 1}
    assert project.quarantine()[0][:4] == (
        "employees",
        "malformed_row",
        "people.csv",
        4,
    )
    assert project.query("SELECT employee_id FROM employees")[0] == (pseudonym("E3"),)
    assert_account(project)
