from __future__ import annotations

from datetime import date, timedelta
from statistics import mean, stdev

import pandas as pd
import pytest

from tests.data.audit.conftest import Opener
from tests.data.audit.stores import LAST, Rows, build_params
from workbench.core.params import Completion, Outcome, Program
from workbench.data.audit.baseline import describe_baselines
from workbench.data.audit.pairing import pair_outcomes

OUTCOMES = build_params().outcomes


def _describe(
    rows: Rows, opened: Opener, *more: Outcome, min_group: int = 5
) -> pd.DataFrame:
    found = describe_baselines(
        opened(rows), [*OUTCOMES, *more], cut=LAST.last_day, min_group=min_group
    )
    return found.set_index("outcome")


def test_performance_is_the_latest_period_of_people_employed(
    rows: Rows, opened: Opener
) -> None:
    rows["performance"] = [
        row
        for row in rows["performance"]
        if row["period"] != "2026Q3" or row["rating"] != 1.0
    ]
    row = _describe(rows, opened).loc["performance_rating"]
    values = [1.0 + i % 5 for i in range(6, 60) if i % 5]
    assert (row["n"], row["missing"]) == (len(values), 54 - len(values))
    assert row["mean"] == pytest.approx(mean(values))
    assert row["sd"] == pytest.approx(stdev(values))
    assert row["read"] == "period 2026Q3, people employed at the cut"


def test_retention_and_mobility_look_back(rows: Rows, opened: Opener) -> None:
    found = _describe(rows, opened)
    # 60 people a year ago, six of whom left; one promoted
    assert found.loc["retention_12m", ["n", "missing"]].tolist() == [60, 0]
    assert found.loc["retention_12m", "mean"] == pytest.approx(0.9)
    assert found.loc["internal_mobility_12m", "mean"] == pytest.approx(1 / 60)
    assert "2025-09-30" in found.loc["retention_12m", "read"]


def test_other_exits_do_not_count_against_voluntary(rows: Rows, opened: Opener) -> None:
    rows["employees"][0]["exit_type"] = "involuntary"
    any_exit = Outcome(
        id="all_exits", source="exits.any", kind="time_to_event", horizon_days=365
    )
    found = _describe(rows, opened, any_exit)
    assert found.loc["retention_12m", "mean"] == pytest.approx(55 / 60)
    assert found.loc["all_exits", "mean"] == pytest.approx(54 / 60)


def test_skills_and_columns_of_employees(rows: Rows, opened: Opener) -> None:
    for number, row in enumerate(rows["employees"]):
        row["permit"] = str(number % 2)
    permit = Outcome(
        id="permit", source="employees.permit", kind="binary", negative_control=True
    )
    found = _describe(rows, opened, permit)
    skills = [40.0 + i % 20 for i in range(6, 60)]
    assert found.loc["skill_proficiency", "mean"] == pytest.approx(mean(skills))
    assert found.loc["permit", ["n", "mean"]].tolist() == [54, 0.5]
    assert found.loc["permit", "negative_control"]


def test_too_few_people_are_suppressed(rows: Rows, opened: Opener) -> None:
    row = _describe(rows, opened, min_group=55).loc["performance_rating"]
    assert row["suppressed"]
    assert row[["n", "missing", "mean", "sd"]].isna().all()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("performance.charm", "performance has no column charm"),
        ("employees.charm", "employees has no column charm"),
        ("performance.okr_attainment", "holds no okr_attainment up to the cut"),
        ("weather.rain", "the audit has no reading of weather.rain"),
    ],
)
def test_what_cannot_be_read_is_said(
    rows: Rows, opened: Opener, source: str, text: str
) -> None:
    odd = Outcome(id="odd", source=source, kind="continuous")
    row = _describe(rows, opened, odd).loc["odd"]
    assert text in row["read"]
    assert pd.isna(row["n"])
    assert not row["suppressed"]


def test_nobody_has_a_value(opened: Opener) -> None:
    found = _describe({}, opened)
    assert found["n"].isna().all()
    assert "nobody has a value" in found.loc["retention_12m", "read"]


def _pair(rows: Rows, opened: Opener, **changes: object) -> pd.DataFrame:
    values = {"min_group": 5, "programs": build_params().programs} | changes
    programs = values.pop("programs")
    found = pair_outcomes(opened(rows), programs, OUTCOMES, quarter=LAST, **values)  # type: ignore[arg-type]
    return found.set_index("outcome")


def test_learners_with_later_values_are_paired(rows: Rows, opened: Opener) -> None:
    found = _pair(rows, opened)
    assert found["paired"].astype(bool).all()
    row = found.loc["performance_rating"]
    assert (row["learners"], row["with_outcome"], row["share"]) == (27, 27, 1.0)


def test_values_before_the_programme_do_not_pair(rows: Rows, opened: Opener) -> None:
    rows["performance"] = [
        row for row in rows["performance"] if row["period"] == "2024Q4"
    ]
    found = _pair(rows, opened)
    assert not found.loc["performance_rating", "paired"]
    assert found.loc["performance_rating", "with_outcome"] == 0
    assert found.loc["skill_proficiency", "paired"]


def test_without_any_outcome_completions_stand_alone(
    rows: Rows, opened: Opener
) -> None:
    del rows["performance"], rows["skill_assessments"]
    for row in rows["employees"]:
        row["exit_date"] = None
    rows["job_history"] = [row for row in rows["job_history"] if row["event"] == "hire"]
    found = _pair(rows, opened)
    assert not found["paired"].astype(bool).any()
    assert set(found["text"]) == {"the data hold nothing to read it from"}


def test_completion_rule_is_applied(rows: Rows, opened: Opener) -> None:
    both = Program(
        id="both",
        personas=("agents",),
        courses=("c1", "c2"),
        complete=Completion(at_least=2),
    )
    strict = Program(
        id="strict",
        personas=("agents",),
        courses=("c1",),
        complete=Completion(at_least=1, min_score=80),
    )
    assert _pair(rows, opened, programs=(both,))["learners"].tolist() == [0] * 4
    # odd numbers from 31 to 39 have 80 or more points of 89
    assert set(_pair(rows, opened, programs=(strict,))["learners"]) == {5}


def test_few_learners_are_suppressed(rows: Rows, opened: Opener) -> None:
    found = _pair(rows, opened, min_group=28)
    assert found["suppressed"].all()
    assert found[["learners", "with_outcome", "share", "paired"]].isna().all(axis=None)


def test_learning_of_the_last_quarter_is_too_young(rows: Rows, opened: Opener) -> None:
    rows["enrollments"] = [
        row
        for row in rows["enrollments"]
        if row["completed_at"].date() >= date(2026, 7, 1)
    ]
    found = _pair(rows, opened)
    assert found["paired"].isna().all()
    assert set(found["learners"]) == {0}


RAMP = Outcome(
    id="ramp_days",
    source="proficiency_dates.days",
    kind="time_to_event",
    unit="days",
    horizon_days=90,
)


def test_ramp_is_read_among_those_proficient_of_late(
    rows: Rows, opened: Opener
) -> None:
    # 0 to 5 have left; 10 to 14 are proficient since 1 August, after 100 + i days
    rows["proficiency_dates"] = [
        {
            "employee_id": rows["employees"][i]["employee_id"],
            "role": "agent",
            "role_start": date(2026, 8, 1) - timedelta(days=100 + i),
            "proficient_at": date(2026, 8, 1) if i < 15 else None,
        }
        for i in (0, *range(10, 20))
    ]
    row = _describe(rows, opened, RAMP).loc["ramp_days"]
    assert (row["n"], row["missing"]) == (5, 49)
    assert row["mean"] == pytest.approx(112)
    assert "2026-07-02" in row["read"]


def test_ramp_pairs_learners_who_were_still_on_the_way(
    rows: Rows, opened: Opener
) -> None:
    rows["proficiency_dates"] = [
        {
            "employee_id": row["employee_id"],
            "role": "agent",
            "role_start": date(2024, 1, 15),
            "proficient_at": date(2024, 2, 15) if number % 4 < 2 else None,
        }
        for number, row in enumerate(rows["employees"])
    ]
    programs = build_params().programs
    found = pair_outcomes(opened(rows), programs, [RAMP], quarter=LAST, min_group=5)
    row = found.set_index("outcome").loc["ramp_days"]
    assert 0 < row["with_outcome"] < row["learners"]
