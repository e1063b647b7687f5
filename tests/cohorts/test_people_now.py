"""People of the hand-made organisation on the day after the cut, fact by fact."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tests.cohorts.conftest import fill
from tests.cohorts.follow import Rows, complete, join
from workbench.cohorts.people_now import PeopleNow, build_people_now
from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.data.cut import open_cut

TABLES = ("employees", "manager_actions")


def read(
    folder: Path,
    params: OrgParams,
    changes: Rows | None = None,
    *,
    quarter: str = "2026Q3",
    persona: str | None = None,
    tables: tuple[str, ...] = TABLES,
) -> PeopleNow:
    parsed = Quarter.parse(quarter)
    con = open_cut(fill(folder, changes), parsed.last_day, params.workbench.privacy)
    try:
        return build_people_now(con, params, parsed, persona=persona, tables=tables)
    finally:
        con.close()


def person(found: PeopleNow, unit: str) -> pd.Series:
    return found.frame.set_index("unit").loc[unit]


def gap(found: PeopleNow, unit: str, skill: str = "talk") -> pd.Series:
    return found.gaps.set_index(["unit", "skill"]).loc[(unit, skill)]


def enrol(unit: str, course: str, day: str, **more: object) -> dict[str, object]:
    return {
        "enrollment_id": f"{unit}-{course}-{day}",
        "employee_id": unit,
        "course_id": course,
        "enrolled_at": day,
        "status": "in_progress",
    } | more


def act(unit: str, day: str, action: str = "coaching") -> dict[str, object]:
    return {
        "manager_id": "m1",
        "employee_id": unit,
        "acted_at": day,
        "action": action,
    }


def assess(unit: str, day: str, points: float) -> dict[str, object]:
    return {
        "employee_id": unit,
        "skill": "talk",
        "assessed_at": day,
        "proficiency": points,
        "kind": "periodic",
    }


def test_everybody_employed_after_the_cut_is_there_once(
    tmp_path: Path, params: OrgParams
) -> None:
    found = read(tmp_path / "store", params)
    # p3 and p4 left in February and June
    assert found.frame["unit"].tolist() == ["m1", "p1", "p2", "p5"]
    assert found.as_of == date(2026, 10, 1)
    assert found.frame["trial"].unique().tolist() == ["2026Q4"]
    assert person(found, "p1")["level"] == "l2"
    assert person(found, "p1")["team"] == "m1"
    assert person(found, "p1")["site"] == "north"
    assert (
        person(found, "p1")["tenure_days"]
        == (date(2026, 10, 1) - date(2024, 1, 10)).days
    )
    assert pd.isna(person(found, "m1")["team"])
    assert pd.isna(person(found, "m1")["persona"])
    assert person(found, "p5")["persona"] == "agents"


def test_people_without_consent_are_absent(tmp_path: Path, params: OrgParams) -> None:
    refused: Rows = {
        "consent": [
            {
                "employee_id": unit,
                "purpose": "learning_impact",
                "granted": False,
                "decided_at": "2026-08-01",
            }
            for unit in ("p2", "m1")
        ]
    }
    found = read(tmp_path / "store", params, refused)
    assert found.frame["unit"].tolist() == ["p1", "p5"]
    assert set(found.gaps["unit"]) == {"p1", "p5"}
    assert "p2" not in set(found.done["unit"])
    # a manager who refused is a label that joins to nobody
    assert person(found, "p1")["team"].startswith("team-")


def test_standing_says_what_is_learnt_and_what_is_left(
    tmp_path: Path, params: OrgParams
) -> None:
    found = read(tmp_path / "store", params)
    assert person(found, "p1")["learnt"]
    assert not person(found, "p2")["learnt"]
    assert not person(found, "m1")["learnt"]
    standing = found.standing.set_index("unit")
    assert standing.loc["p1", "learnt_on"] == pd.Timestamp("2026-03-02")
    assert standing["prior_modules"].to_dict() == {"p1": 2, "p2": 1, "p5": 0}
    # p1 was assessed with 70 in May, p2 with 90 in December
    assert standing.loc["p1", "prior_program_skill"] == 70
    table = found.for_program("agents", "talking").set_index("unit")
    assert table["learnt"].to_dict() == {"p1": True, "p2": False, "p5": False}
    assert table.loc["p2", "prior_modules"] == 1


def test_courses_count_as_passed_with_the_score_their_rule_asks_for(
    tmp_path: Path, params: OrgParams
) -> None:
    more = {
        "courses": [{"course_id": "c9", "title": "c9"}],
        "enrollments": [
            enrol(
                "p2", "c9", "2026-01-01", status="completed", completed_at="2026-01-05"
            ),
            enrol(
                "p1",
                "c1",
                "2026-08-01",
                status="completed",
                completed_at="2026-08-05",
                score=75.0,
            ),
        ],
    }
    done = read(tmp_path / "store", params, more).done
    assert done.values.tolist() == [
        ["p1", "c1", pd.Timestamp("2026-08-05")],
        ["p1", "c2", pd.Timestamp("2026-03-02")],
        ["p2", "c1", pd.Timestamp("2026-01-20")],
        ["p2", "c9", pd.Timestamp("2026-01-05")],
    ]


def test_the_lowest_score_that_a_programme_asks_for_is_enough(
    tmp_path: Path, params: OrgParams
) -> None:
    easy = params.programs[0].model_copy(
        update={
            "id": "easy",
            "courses": ("c2",),
            "complete": params.programs[0].complete.model_copy(
                update={"at_least": 1, "min_score": 40}
            ),
        }
    )
    both = dataclasses.replace(params, programs=(*params.programs, easy))
    found = read(tmp_path / "store", both)
    done = found.done
    assert "c2" in set(done[done["unit"] == "p2"]["course_id"])
    # p2 has learnt one programme of two
    assert not person(found, "p2")["learnt"]
    assert person(found, "p1")["learnt"]
    assert (
        not found.for_program("agents", "talking").set_index("unit").loc["p2", "learnt"]
    )
    assert found.for_program("agents", "easy").set_index("unit").loc["p2", "learnt"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([enrol("p5", "c1", "2026-09-01")], ["c1"]),
        ([enrol("p5", "c2", "2026-09-01", status="enrolled")], ["c2"]),
        ([enrol("p5", "c1", "2026-04-04")], ["c1"]),  # 180 days before
        ([enrol("p5", "c1", "2026-04-03")], []),
        ([enrol("p5", "c1", "2026-09-01", status="withdrawn")], []),
        ([enrol("p5", "c1", "2026-10-01")], []),  # after the cut
        (
            # a completion after the cut has not happened yet
            [
                enrol(
                    "p5",
                    "c1",
                    "2026-09-01",
                    started_at="2026-09-02",
                    completed_at="2026-10-02",
                    status="completed",
                )
            ],
            ["c1"],
        ),
        (
            # enrolled twice, and completed since the first
            [
                enrol("p5", "c1", "2026-08-01"),
                enrol(
                    "p5",
                    "c1",
                    "2026-08-10",
                    completed_at="2026-08-20",
                    status="completed",
                ),
            ],
            [],
        ),
    ],
)
def test_what_is_in_progress(
    tmp_path: Path,
    params: OrgParams,
    rows: list[dict[str, object]],
    expected: list[str],
) -> None:
    found = read(tmp_path / "store", params, {"enrollments": rows})
    assert person(found, "p5")["in_progress"] == expected


def test_recent_learning_and_help_are_counted(
    tmp_path: Path, params: OrgParams
) -> None:
    more = {
        "enrollments": [
            enrol("p1", "c1", "2026-07-01", completed_at=day, status="completed")
            for day in ("2026-07-03 09:00", "2026-07-02 09:00")  # 90 and 91 days before
        ],
        "manager_actions": [
            act("p1", "2026-09-21 10:00"),
            act("p1", "2026-07-03 10:00", "one_to_one"),
            act("p1", "2026-07-02 10:00"),
            act("p1", "2026-10-01 10:00"),
            act("p2", "2026-02-01 10:00", "one_to_one"),
        ],
    }
    more["enrollments"][1]["enrollment_id"] = "second"
    found = read(tmp_path / "store", complete(params), more)
    names = [
        "completions_90d",
        "manager_actions_90d",
        "coaching_90d",
        "one_to_one_days",
    ]
    assert person(found, "p1")[names].tolist() == [1, 2, 1, 10]
    assert person(found, "p2")[names].tolist() == [0, 0, 0, 242]
    assert person(found, "p1")["last_completed_days"] == 90
    assert person(found, "p5")[names[:3]].tolist() == [0, 0, 0]
    assert pd.isna(person(found, "p5")["one_to_one_days"])
    assert pd.isna(person(found, "p5")["last_completed_days"])
    assert found.actions[["unit", "action", "count_90d", "days"]].values.tolist() == [
        ["p1", "coaching", 1, 10],
        ["p1", "one_to_one", 1, 90],
        ["p2", "one_to_one", 0, 242],
    ]


def test_what_no_table_tells_is_missing_and_not_nought(
    tmp_path: Path, params: OrgParams
) -> None:
    names = ["manager_actions_90d", "coaching_90d", "one_to_one_days"]
    silent = read(tmp_path / "a", complete(params), tables=("employees",))
    assert silent.frame[names].isna().all(axis=None)
    undeclared = read(tmp_path / "b", params)
    assert undeclared.frame["coaching_90d"].isna().all()
    assert (undeclared.frame["manager_actions_90d"] == 0).all()


def test_gaps_are_those_of_the_last_assessment(
    tmp_path: Path, params: OrgParams
) -> None:
    found = read(tmp_path / "store", params)
    p1 = gap(found, "p1")
    # 50 in 2025Q4 (the last of the quarter), 99 in 2026Q1, 70 in 2026Q2; 80 are needed
    assert p1[["required", "proficiency", "gap"]].tolist() == [80, 70, 10]
    assert p1["assessed_days"] == (date(2026, 10, 1) - date(2026, 5, 5)).days
    assert p1["gap_quarters"] == 1
    assert gap(found, "p2")[["gap", "gap_quarters"]].tolist() == [0, 0]
    never = gap(found, "p5")
    assert never[["proficiency", "gap", "assessed_days"]].isna().all()
    assert never["gap_quarters"] == 0
    assert "m1" not in set(found.gaps["unit"])


def test_gaps_persist_over_quarters_in_a_row(tmp_path: Path, params: OrgParams) -> None:
    tested = [
        assess("p2", "2026-02-01", 60),
        assess("p2", "2026-02-20", 85),  # closed by the end of that quarter
        assess("p2", "2026-05-01", 60),
        assess("p2", "2026-07-20", 79),
        assess("p2", "2026-09-20", 75),
        assess("p2", "2026-10-02", 99),  # after the cut
    ]
    more: Rows = {"skill_assessments": tested}
    assert gap(read(tmp_path / "a", params, more), "p2")["gap_quarters"] == 2
    assert gap(read(tmp_path / "b", params, more, quarter="2026Q2"), "p2")[
        ["proficiency", "gap", "gap_quarters"]
    ].tolist() == [60, 20, 1]


def test_quarters_of_gaps_follow_the_fiscal_year(
    tmp_path: Path, params: OrgParams
) -> None:
    # from February on, April and May are of one quarter and July of the same
    more: Rows = {
        "skill_assessments": [
            assess("p2", "2026-05-01", 60),
            assess("p2", "2026-07-20", 60),
        ]
    }
    shifted = params.workbench.model_copy(
        update={
            "quarter": params.workbench.quarter.model_copy(
                update={"fiscal_year_starts": 2}
            )
        }
    )
    usual = read(tmp_path / "a", params, more)
    fiscal = read(tmp_path / "b", dataclasses.replace(params, workbench=shifted), more)
    assert gap(usual, "p2")["gap_quarters"] == 2
    assert gap(fiscal, "p2")["gap_quarters"] == 1


def test_a_requirement_of_the_level_goes_before_that_of_the_role(
    tmp_path: Path, params: OrgParams
) -> None:
    more: Rows = {
        "role_skills": [
            {"role": "agent", "level": "l2", "skill": "talk", "required": 95.0}
        ]
    }
    found = read(tmp_path / "store", params, more)
    assert gap(found, "p1")["required"] == 95
    assert gap(found, "p2")["required"] == 80


def test_a_persona_reads_its_own_people_alike(
    tmp_path: Path, params: OrgParams
) -> None:
    more = {"manager_actions": [act("p1", "2026-09-21 10:00")]}
    everybody = read(tmp_path / "a", complete(params), more)
    own = read(tmp_path / "b", complete(params), more, persona="agents")
    chosen = everybody.frame[everybody.frame["persona"] == "agents"]
    pd.testing.assert_frame_equal(own.frame, chosen.reset_index(drop=True))
    pd.testing.assert_frame_equal(own.gaps, everybody.gaps)
    pd.testing.assert_frame_equal(own.standing, everybody.standing)


def test_nothing_after_the_cut_is_read(tmp_path: Path, params: OrgParams) -> None:
    later = join(
        {"enrollments": [enrol("p2", "c2", "2026-07-02")]},
        {"manager_actions": [act("p2", "2026-07-02 10:00")]},
        {"skill_assessments": [assess("p2", "2026-07-02", 10)]},
        {"performance": [{"employee_id": "p2", "period": "2026Q3", "rating": 1.0}]},
        {
            "job_history": [
                {
                    "employee_id": "p2",
                    "effective_date": "2026-07-02",
                    "event": "change",
                    "role": "clerk",
                }
            ]
        },
    )
    before = read(tmp_path / "a", complete(params), quarter="2026Q2")
    after = read(tmp_path / "b", complete(params), later, quarter="2026Q2")
    for name in ("frame", "gaps", "done", "standing", "actions"):
        pd.testing.assert_frame_equal(getattr(before, name), getattr(after, name))


def test_tables_that_do_not_fit_are_refused(tmp_path: Path, params: OrgParams) -> None:
    found = read(tmp_path / "store", params)
    with pytest.raises(MissingColumnError, match="gap_quarters"):
        dataclasses.replace(found, gaps=found.gaps.drop(columns="gap_quarters"))
    doubled = pd.concat([found.frame, found.frame.iloc[:1]])
    with pytest.raises(ContractError, match="stands twice"):
        dataclasses.replace(found, frame=doubled)
