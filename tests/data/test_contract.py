"""The contract's declarations agree with each other and with what they derive."""

from __future__ import annotations

import duckdb
import pandas as pd
import pandera.errors
import pytest

from workbench.core.errors import ParamError
from workbench.data.contract import (
    TABLES,
    build_schema,
    describe_values,
    find_table,
    list_required,
    select_empty,
)


def _employees(**changes: object) -> pd.DataFrame:
    values: dict[str, object] = {
        "employee_id": ["a", "b"],
        "hire_date": pd.to_datetime(["2024-01-01", "2024-02-01"]).as_unit("us"),
        "exit_date": pd.to_datetime(["2024-03-01", None]).as_unit("us"),
        "exit_type": ["voluntary", None],
        "regrettable": [True, None],
        "birth_year": [1980, None],
        "gender": ["female", None],
    }
    return pd.DataFrame(values | changes)


def test_tables_of_the_prose_contract_are_all_declared() -> None:
    assert list(TABLES) == [
        "employees",
        "job_history",
        "courses",
        "course_skills",
        "enrollments",
        "lms_events",
        "performance",
        "skill_assessments",
        "role_skills",
        "proficiency_dates",
        "surveys",
        "manager_actions",
        "consent",
        "experiments",
        "assignments",
        "costs",
    ]
    assert list_required() == ("employees", "job_history", "courses", "enrollments")


@pytest.mark.parametrize("name", list(TABLES))
def test_declaration_names_only_its_own_columns(name: str) -> None:
    table = TABLES[name]
    named = {
        *table.key,
        *table.recast,
        *(item for pair in table.orders for item in pair),
    }
    named |= {rule.column for rule in table.rules}
    named |= {item for column in table.columns for item in column.clears}
    assert named <= set(table.names)
    assert len(set(table.names)) == len(table.names)
    earlier = list(TABLES)[: list(TABLES).index(name)]
    assert {column.refers for column in table.columns} - {""} <= set(earlier)


@pytest.mark.parametrize("name", list(TABLES))
def test_every_person_column_is_declared_one(name: str) -> None:
    people = {"employee_id", "manager_id", "instructor_id"} & set(TABLES[name].names)
    assert people == set(TABLES[name].person_columns)


@pytest.mark.parametrize("name", list(TABLES))
def test_every_date_takes_part_in_the_cut(name: str) -> None:
    dated = [c for c in TABLES[name].columns if c.kind in ("date", "ts", "quarter")]
    assert all(column.cut for column in dated)


@pytest.mark.parametrize("name", list(TABLES))
def test_empty_view_holds_the_schema(name: str) -> None:
    table = TABLES[name]
    with duckdb.connect() as connection:
        relation = connection.sql(select_empty(table))
        assert relation.columns == list(table.names)
        assert [str(kind) for kind in relation.types] == [
            column.sql_type for column in table.columns
        ]
        assert build_schema(name).validate(relation.df()).empty


def test_schema_accepts_a_good_table_and_further_columns() -> None:
    frame = _employees(disability=["no", "yes"])
    assert len(build_schema("employees").validate(frame)) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"employee_id": ["a", "a"]}, "not unique"),
        ({"exit_type": ["fired", None]}, "isin"),
        ({"birth_year": [1800, None]}, "greater_than_or_equal_to"),
        ({"hire_date": ["2024-01-01", "x"]}, "datetime64"),
        (
            {"exit_date": pd.to_datetime(["2023-03-01", None]).as_unit("us")},
            "hire_date not after exit_date",
        ),
    ],
)
def test_schema_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(pandera.errors.SchemaError, match=message):
        build_schema("employees").validate(_employees(**changes))


def test_closed_table_refuses_a_further_column() -> None:
    frame = pd.DataFrame(
        {"course_id": ["c"], "skill": ["s"], "weight": [1.0], "note": ["x"]}
    )
    with pytest.raises(pandera.errors.SchemaErrors, match="note"):
        build_schema("course_skills").validate(frame)


def test_unknown_table_is_refused() -> None:
    with pytest.raises(ParamError, match="no table 'people'"):
        find_table("people")


def test_values_in_words() -> None:
    enrollments = TABLES["enrollments"]
    assert describe_values(enrollments.column("score")) == "0 to 100"
    assert describe_values(enrollments.column("minutes")) == "at least 0"
    assert describe_values(enrollments.column("channel")).startswith("one of self,")
    assert "2026Q3" in describe_values(TABLES["performance"].column("period"))
