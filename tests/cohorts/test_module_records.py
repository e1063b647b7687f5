"""Modules of the hand-made organisation, row by row, and of a small demo."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from tests.cohorts.conftest import CUT, fill, make_params
from tests.cohorts.follow import SPELLS, TABLES, Rows, complete, join
from tests.data.demo.conftest import consent, loaded, made, world
from workbench.cohorts.module_records import (
    ModuleRecords,
    build_module_records,
    load_all_records,
    load_module_records,
    prepare_records,
)
from workbench.cohorts.target_trial import build_cohorts, prepare_members
from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import OrgParams, load_org_params
from workbench.core.path_params import PathParams
from workbench.core.quarters import Quarter
from workbench.core.run_params import RunParams
from workbench.core.stages import find_stage
from workbench.core.store import Workspace, write_json
from workbench.data.cut import open_cut

__all__ = ["consent", "loaded", "made", "world"]

QUARTER = Quarter(2026, 3)
PRESENT = ("employees", "performance", "skill_assessments", "job_history", *TABLES)
CATALOGUE: Rows = {
    "courses": [
        {
            "course_id": "c9",
            "title": "Calm",
            "modality": "elearning",
            "effort_hours": 2.0,
            "unit_cost": 10.0,
            "prerequisite_ids": ["c1"],
        }
    ],
    "course_skills": [
        {"course_id": "c9", "skill": "talk", "weight": 0.2},
        {"course_id": "c9", "skill": "write", "weight": 0.9},
    ],
}


def attempt(unit: str, course: str, done: str, **more: object) -> dict[str, object]:
    return {
        "enrollment_id": f"{unit}-{course}-{done}",
        "employee_id": unit,
        "course_id": course,
        "enrolled_at": "2025-01-01",
        "completed_at": done,
        "status": "completed",
    } | more


def read(
    folder: Path,
    params: OrgParams,
    changes: Rows | None = None,
    *,
    quarter: Quarter = QUARTER,
) -> ModuleRecords:
    con = open_cut(fill(folder, changes), quarter.last_day, params.workbench.privacy)
    try:
        prepare_records(con, params, quarter, persona="agents")
        return build_module_records(
            con,
            params,
            quarter,
            persona="agents",
            program=params.programs[0],
            tables=PRESENT,
        )
    finally:
        con.close()


def with_paths(params: OrgParams, **more: object) -> OrgParams:
    paths = PathParams.model_validate(more)
    return dataclasses.replace(params, paths=paths)


def test_modules_are_those_passed_by_the_landmark(
    tmp_path: Path, params: OrgParams
) -> None:
    records = read(tmp_path / "store", params)
    passed = records.passed.set_index(["trial", "unit"])
    # p1 finished c1 in January and c2 in March; p2's second score was too low, and p3
    # left before the landmark, p4 had learnt the year before
    assert passed.loc[("2026Q1", "p1")].tolist() == [True, True]
    assert passed.loc[("2026Q1", "p2")].tolist() == [True, False]
    assert passed.loc[("2025Q4", "p1")].tolist() == [False, False]
    assert passed.loc[("2025Q3", "p4")].tolist() == [True, True]
    assert ("2026Q1", "p3") not in passed.index
    assert ("2026Q1", "p4") not in passed.index
    # p2 keeps the module in the quarters after
    assert passed.loc[("2026Q2", "p2")].tolist() == [True, False]
    assert passed.index.equals(passed.sort_index().index)


def test_every_row_of_a_cohort_has_its_modules(
    tmp_path: Path, params: OrgParams
) -> None:
    records = read(tmp_path / "store", complete(params), SPELLS)
    known = set(map(tuple, records.passed[["unit", "trial"]].to_numpy()))
    assert known == set(map(tuple, records.hours[["unit", "trial"]].to_numpy()))
    frames = [item.frame for item in records.cohorts]
    frames += [item.cohort.frame for item in records.follow_ups]
    assert len(frames) == 8
    for frame in frames:
        assert known.issuperset(map(tuple, frame[["unit", "trial"]].to_numpy()))


def test_the_span_is_that_of_paths_and_the_outcome_stays_as_declared(
    tmp_path: Path, params: OrgParams
) -> None:
    narrow = params.outcomes[0].model_copy(update={"exposure_window_quarters": 1})
    params = dataclasses.replace(params, outcomes=(narrow, *params.outcomes[1:]))
    trials = {}
    for quarters in (2, 8):
        found = read(
            tmp_path / f"{quarters}", with_paths(params, window_quarters=quarters)
        )
        assert found.cohorts[0].outcome == narrow
        trials[quarters] = sorted(found.cohorts[0].frame["trial"].unique())
    assert trials[2] == ["2026Q1", "2026Q2"]
    assert trials[8] == ["2025Q3", "2025Q4", "2026Q1", "2026Q2"]


def test_where_the_spans_agree_cohorts_are_those_of_the_other_stages(
    tmp_path: Path, params: OrgParams
) -> None:
    project = make_project(tmp_path, params)
    records = read(
        project.workspace.store("small"), with_paths(params, window_quarters=4)
    )
    con = open_cut(project.workspace.store("small"), CUT, params.workbench.privacy)
    prepare_members(con, params, QUARTER, persona="agents")
    usual = build_cohorts(con, project, "agents").cohorts
    con.close()
    assert [item.outcome.id for item in records.cohorts] == [
        item.outcome.id for item in usual
    ]
    for ours, theirs in zip(records.cohorts, usual, strict=True):
        pd.testing.assert_frame_equal(ours.frame, theirs.frame)
        assert ours.covariates == theirs.covariates


def test_days_to_proficiency_are_followed_and_named_as_a_gap(
    tmp_path: Path, params: OrgParams
) -> None:
    records = read(tmp_path / "store", complete(params), SPELLS)
    (gap,) = records.gaps
    assert gap.outcome == "ramp_days"
    followed = [item.cohort.outcome.id for item in records.follow_ups]
    assert followed == ["retention", "moves", "ramp_days"]
    # everybody who can be followed to the cut, and not only those whose time is over
    closed = next(x for x in records.cohorts if x.outcome.id == "retention").frame
    assert len(records.follow_ups[0].cohort.frame) >= len(closed)


def test_hours_are_those_between_time_zero_and_landmark(
    tmp_path: Path, params: OrgParams
) -> None:
    more: Rows = {
        "courses": [{"course_id": "c3", "title": "c3", "effort_hours": 5.0}],
        "enrollments": [
            attempt("p2", "c1", "2026-02-10", minutes=90.0, score=70.0),
            attempt("p2", "c2", "2026-03-31 23:00", minutes=30.0, status="failed"),
            attempt("p2", "c2", "2026-04-01", minutes=600.0),
            attempt("p2", "c3", "2026-02-10"),  # of another programme
        ],
    }
    records = read(tmp_path / "store", params, more)
    hours = records.hours.set_index(["trial", "unit"])["hours"]
    assert hours[("2026Q1", "p2")] == pytest.approx(2.0)
    assert hours[("2026Q2", "p2")] == pytest.approx(10.0)
    assert hours[("2025Q4", "p2")] == 0


def test_courses_without_minutes_take_what_the_catalogue_says(
    tmp_path: Path, params: OrgParams
) -> None:
    program = params.programs[0].model_copy(update={"courses": ("c1", "c2", "c9")})
    params = dataclasses.replace(params, programs=(program,))
    more = join(
        CATALOGUE, {"enrollments": [attempt("p2", "c9", "2026-02-10", score=99)]}
    )
    hours = read(tmp_path / "store", params, more).hours.set_index(["trial", "unit"])
    assert hours.loc[("2026Q1", "p2"), "hours"] == pytest.approx(2.0)


def test_the_catalogue_describes_modules_in_their_order(
    tmp_path: Path, params: OrgParams
) -> None:
    params = with_paths(params, also=["c9", "c1", "gone"])
    done = [attempt(f"p{n}", "c1", "2026-05-05", minutes=60.0 * n) for n in range(1, 5)]
    more = join(CATALOGUE, {"enrollments": done})
    records = read(tmp_path / "store", params, more)
    assert records.catalogue["course_id"].tolist() == ["c1", "c2"]
    assert records.catalogue["skills"].tolist() == [["talk"], []]
    # p1 to p4 completed c1, four people with minutes are fewer than the smallest group
    assert records.catalogue["n_completions"].tolist() == [4, 4]
    assert records.catalogue["measured_hours"].isna().all()
    assert records.also is not None
    known, gone = records.also.to_dict("records")
    assert known["course_id"] == "c9"
    assert known["prerequisites"] == ["c1"]
    assert known["skills"] == ["write", "talk"]
    assert (known["effort_hours"], known["unit_cost"]) == (2.0, 10.0)
    assert pd.isna(known["fixed_cost"])
    assert known["active"] is True
    assert (gone["course_id"], gone["active"]) == ("gone", False)


def test_measured_hours_need_enough_people(tmp_path: Path, params: OrgParams) -> None:
    units = ("p1", "p2", "p3", "p4", "p5")
    done = [
        attempt(unit, "c1", "2026-02-05", minutes=60.0 * (at + 1))
        for at, unit in enumerate(units)
    ]
    late = [attempt("p5", "c1", "2026-10-01", minutes=6000.0)]  # after the cut
    records = read(tmp_path / "store", params, {"enrollments": done + late})
    assert records.catalogue["measured_hours"].tolist()[0] == pytest.approx(3.0)


def test_nothing_after_the_cut_is_read(tmp_path: Path, params: OrgParams) -> None:
    later: Rows = {
        "enrollments": [attempt("p2", "c2", "2026-07-01", score=90, minutes=60.0)],
        "performance": [{"employee_id": "p2", "period": "2026Q3", "rating": 5.0}],
        "skill_assessments": [
            {
                "employee_id": "p2",
                "skill": "talk",
                "assessed_at": "2026-07-02",
                "proficiency": 99.0,
                "kind": "periodic",
            }
        ],
    }
    quarter = Quarter(2026, 2)
    before = read(tmp_path / "a", complete(params), SPELLS, quarter=quarter)
    after = read(tmp_path / "b", complete(params), join(SPELLS, later), quarter=quarter)
    pd.testing.assert_frame_equal(before.passed, after.passed)
    pd.testing.assert_frame_equal(before.hours, after.hours)
    pd.testing.assert_frame_equal(before.catalogue, after.catalogue)
    for one, other in zip(before.cohorts, after.cohorts, strict=True):
        pd.testing.assert_frame_equal(one.frame, other.frame)
    for one, other in zip(before.follow_ups, after.follow_ups, strict=True):
        pd.testing.assert_frame_equal(one.cohort.frame, other.cohort.frame)


def test_modules_and_outcomes_of_different_people_are_refused(
    tmp_path: Path, params: OrgParams
) -> None:
    records = read(tmp_path / "store", params)
    with pytest.raises(ContractError, match="not of the same people"):
        dataclasses.replace(records, passed=records.passed.iloc[1:])
    doubled = pd.concat([records.passed, records.passed.iloc[:1]])
    with pytest.raises(ContractError, match="not of the same people"):
        dataclasses.replace(records, passed=doubled)
    with pytest.raises(MissingColumnError, match="c2"):
        dataclasses.replace(records, passed=records.passed.drop(columns="c2"))


def make_project(tmp_path: Path, params: OrgParams) -> RunParams:
    """A run of the hand-made organisation as a stage has it."""
    workspace = Workspace(tmp_path)
    store = fill(workspace.store("small"))
    write_json(store / "_load.json", {"tables": {name: {} for name in PRESENT}})
    return RunParams(
        stage=find_stage("psm"),
        params=params,
        quarter=QUARTER,
        persona="agents",
        seed=1,
        workspace=workspace,
        folder=tmp_path / "out",
        own={},
    )


def test_one_persona_is_read_as_among_all(tmp_path: Path) -> None:
    run = make_project(tmp_path, make_params(tmp_path))
    (one,), (all_,) = load_module_records(run), load_all_records(run)
    pd.testing.assert_frame_equal(one.passed, all_.passed)
    pd.testing.assert_frame_equal(one.cohorts[0].frame, all_.cohorts[0].frame)
    # not loaded: manager_actions and others are no concern, proficiency has no outcome
    assert [item.outcome.id for item in one.cohorts] == [
        item.id for item in run.params.outcomes
    ]


def test_modules_of_the_demo_are_those_of_its_truth(loaded, world, consent) -> None:
    root = loaded.store.parents[2]
    params = load_org_params("demo", root / "params")
    params = dataclasses.replace(
        params, outcomes=(params.find_outcome("retention_12m"),)
    )
    con = open_cut(loaded.store, QUARTER.last_day, params.workbench.privacy)
    prepare_records(con, params, QUARTER)
    held = consent.held_on(world.timeline.end)
    compared = 0
    for number, persona in enumerate(item.id for item in params.personas):
        (program,) = params.find_programs(persona)
        records = build_module_records(
            con, params, QUARTER, persona=persona, program=program, tables=PRESENT
        )
        frame = records.follow_ups[0].cohort.frame[["unit", "trial", "treated"]]
        learners = frame[frame["treated"]].merge(records.passed, on=["unit", "trial"])
        courses = list(program.courses)
        found = learners.groupby("trial")[courses].sum()
        for item in world.learners:
            trial = str(world.timeline.quarters[item.step])
            if trial == str(QUARTER):
                continue
            mine = (item.program == number) & item.stays & held[item.person]
            true = item.passed[mine][:, : len(courses)].sum(axis=0)
            if true.sum():
                assert found.loc[trial].tolist() == true.tolist(), (persona, trial)
                compared += int(true.sum())
    con.close()
    assert compared > 300
