"""What is predicted of the hand-made organisation, each value by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from tests.cohorts.conftest import fill
from tests.cohorts.follow import SPELLS, Rows, complete, join
from workbench.cohorts import prediction_frames
from workbench.cohorts.facts import FACT_COLUMNS
from workbench.cohorts.prediction_frames import (
    FEATURES,
    PredictionFrame,
    build_prediction_frames,
)
from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.data.cut import open_cut

TABLES = ("employees", "performance", "job_history", "proficiency_dates")


def read(
    folder: Path,
    params: OrgParams,
    changes: Rows | None = None,
    *,
    quarter: str = "2026Q3",
    tables: tuple[str, ...] = TABLES,
) -> dict[str, PredictionFrame]:
    parsed = Quarter.parse(quarter)
    con = open_cut(fill(folder, changes), parsed.last_day, params.workbench.privacy)
    try:
        found = build_prediction_frames(con, params, parsed, tables=tables)
    finally:
        con.close()
    return {item.target: item for item in found}


def values(item: PredictionFrame, trial: str, column: str = "outcome") -> dict:
    rows = item.frame[item.frame["trial"] == trial]
    return rows.set_index("unit")[column].dropna().to_dict()


def test_four_kinds_are_predicted_and_no_others(
    tmp_path: Path, params: OrgParams
) -> None:
    found = read(tmp_path / "store", complete(params), SPELLS)
    assert {name: item.kind for name, item in found.items()} == {
        "performance_rating": "continuous",
        "retention": "binary",
        "moves": "binary",
        "ramp_days": "time",
    }
    assert found["performance_rating"].horizon_days is None
    assert found["retention"].horizon_days == 90


def test_a_rating_is_that_of_the_quarter_that_begins(
    tmp_path: Path, params: OrgParams
) -> None:
    item = read(tmp_path / "store", params)["performance_rating"]
    assert values(item, "2026Q1") == {"p1": 3.9}
    assert values(item, "2026Q2") == {"p1": 4.0, "p2": 2.5, "p4": 3.5}
    # what is known on the first day is of the quarter before
    assert values(item, "2026Q1", "prior_rating")["p1"] == 3.0
    assert values(item, "2026Q2", "prior_rating")["p1"] == 3.9
    assert values(item, "2026Q1", "period")["p1"] == 2  # 2025Q3 is the first


def test_shares_are_coded_as_in_the_other_stages(
    tmp_path: Path, params: OrgParams
) -> None:
    found = read(tmp_path / "store", params)
    # p3 resigned on 15 February, p4 was dismissed on 20 June
    assert values(found["retention"], "2026Q1")["p3"] == 0
    assert values(found["retention"], "2025Q4")["p3"] == 1
    assert values(found["retention"], "2026Q2")["p4"] == 1
    # p1 was promoted on 10 May, 39 days after the first of April and 129 after January
    assert values(found["moves"], "2026Q2")["p1"] == 1
    assert values(found["moves"], "2026Q1")["p1"] == 0
    assert values(found["moves"], "2025Q3")["p4"] == 0  # on the day itself


def test_only_days_whose_horizon_has_passed_are_read(
    tmp_path: Path, params: OrgParams
) -> None:
    found = read(tmp_path / "store", params)
    # the quarter's 92 days count its first one
    whole = params.outcomes[1].model_copy(update={"horizon_days": 92})
    exact = dataclasses.replace(params, outcomes=(whole,))
    assert read(tmp_path / "a", exact)["retention"].frame["trial"].max() == "2026Q3"
    assert found["retention"].frame["trial"].max() == "2026Q3"
    long = params.outcomes[1].model_copy(update={"horizon_days": 93})
    later = dataclasses.replace(params, outcomes=(long,))
    assert read(tmp_path / "b", later)["retention"].frame["trial"].max() == "2026Q2"


def test_a_horizon_after_the_cut_leaves_a_late_starter_without_a_value(
    tmp_path: Path, params: OrgParams
) -> None:
    entry = params.workbench.cohort.model_copy(update={"entry": "hire"})
    workbench = params.workbench.model_copy(update={"cohort": entry})
    hired: Rows = {
        "employees": [{"employee_id": "p6", "hire_date": "2026-07-10"}],
        "job_history": [
            {"employee_id": "p6", "effective_date": "2026-07-10", "event": "hire"}
        ],
        "consent": [
            {
                "employee_id": "p6",
                "purpose": "learning_impact",
                "granted": True,
                "decided_at": "2026-07-10",
            }
        ],
    }
    late = dataclasses.replace(params, workbench=workbench)
    frame = read(tmp_path / "store", late, hired)["retention"].frame
    row = frame[(frame["unit"] == "p6") & (frame["trial"] == "2026Q3")]
    assert len(row) == 1
    assert row["outcome"].isna().all()


def test_days_to_proficiency_are_of_those_on_the_way(
    tmp_path: Path, params: OrgParams
) -> None:
    item = read(tmp_path / "store", complete(params), SPELLS)["ramp_days"]
    time = item.frame.set_index(["trial", "unit"])
    # p1 became proficient on 10 November 2025
    assert time.loc[("2025Q4", "p1"), ["time", "event", "outcome"]].tolist() == [
        40,
        True,
        40,
    ]
    assert ("2026Q1", "p1") not in time.index
    # p4 changed role on 20 January, p3 left on 15 February, p2 is on the way still
    for key, days in (
        (("2026Q1", "p4"), 19),
        (("2026Q1", "p3"), 45),
        (("2026Q3", "p2"), 91),
        (("2026Q2", "p5"), 182),
    ):
        assert time.loc[key, ["time", "event"]].tolist() == [days, False]
        assert pd.isna(time.loc[key, "outcome"])
    # p5 will be proficient on 5 October, which nobody knows at the cut
    assert item.current["unit"].tolist() == ["p2", "p5"]


def test_those_of_today_have_what_the_others_have(
    tmp_path: Path, params: OrgParams
) -> None:
    item = read(tmp_path / "store", params)["performance_rating"]
    assert item.current["unit"].tolist() == ["m1", "p1", "p2", "p5"]
    assert item.current["trial"].unique().tolist() == ["2026Q4"]
    assert item.current["period"].unique().tolist() == [5]
    assert "outcome" not in item.current
    for name in item.features:
        assert item.current[name].dtype == item.frame[name].dtype
    assert str(item.frame["role"].dtype) == "category"


def test_neither_age_nor_managers_nor_protected_attributes_are_features(
    tmp_path: Path, params: OrgParams
) -> None:
    item = read(tmp_path / "store", params)["retention"]
    assert {*FACT_COLUMNS} - {*FEATURES} == {"manager_id", "age"}
    assert item.protected == ("gender",)
    with pytest.raises(ContractError, match="protected attribute is a feature"):
        dataclasses.replace(item, features=(*item.features, "gender"))
    with pytest.raises(MissingColumnError, match="outcome"):
        dataclasses.replace(item, frame=item.frame.drop(columns="outcome"))


def test_what_is_not_recorded_is_not_predicted(
    tmp_path: Path, params: OrgParams
) -> None:
    found = read(tmp_path / "a", complete(params), tables=("employees",))
    assert list(found) == ["retention"]
    assert read(tmp_path / "b", complete(params), quarter="2025Q3").keys() == {
        "retention",
        "moves",
    }


def test_of_very_many_only_some_are_learnt_from(
    tmp_path: Path, params: OrgParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(tmp_path / "a", params)["performance_rating"]
    assert whole.share == 1
    people = whole.frame["unit"].nunique()
    monkeypatch.setattr(prediction_frames, "MOST_ROWS", len(whole.frame) // 2)
    item = read(tmp_path / "b", params)["performance_rating"]
    chosen = set(item.frame["unit"])
    assert 1 <= len(chosen) < people
    assert item.share == pytest.approx(len(chosen) / people)
    # each with all of their days, and everybody of today
    kept = whole.frame[whole.frame["unit"].isin(chosen)].reset_index(drop=True)
    assert item.frame.astype(str).equals(kept.astype(str))
    assert item.current["unit"].tolist() == whole.current["unit"].tolist()
    again = read(tmp_path / "c", params)["performance_rating"]
    assert again.frame.equals(item.frame)


def test_nothing_after_the_cut_is_read(tmp_path: Path, params: OrgParams) -> None:
    later = join(
        SPELLS,
        {
            "job_history": [
                {
                    "employee_id": "p2",
                    "effective_date": "2026-07-03",
                    "event": "promotion",
                    "role": "clerk",
                }
            ],
            "performance": [{"employee_id": "p2", "period": "2026Q3", "rating": 1.0}],
            "enrollments": [
                {
                    "enrollment_id": "late",
                    "employee_id": "p2",
                    "course_id": "c1",
                    "enrolled_at": "2026-07-02",
                    "completed_at": "2026-07-03",
                    "status": "completed",
                }
            ],
        },
    )
    before = read(tmp_path / "a", complete(params), SPELLS, quarter="2026Q2")
    after = read(tmp_path / "b", complete(params), later, quarter="2026Q2")
    assert before.keys() == after.keys()
    for name, item in before.items():
        pd.testing.assert_frame_equal(item.frame, after[name].frame)
        pd.testing.assert_frame_equal(item.current, after[name].current)
