"""Follow-ups on the hand-made organisation: every duration is counted by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from tests.cohorts.conftest import CUT, fill, make_params
from tests.cohorts.follow import (
    SPELLS,
    TABLES,
    Rows,
    complete,
    ending,
    find,
    follow,
    is_in,
    join,
)
from workbench.cohorts.follow_up import FollowUpSet, load_follow_ups
from workbench.cohorts.panels import load_panels
from workbench.cohorts.target_trial import load_cohorts, prepare_members
from workbench.core.errors import ParamError
from workbench.core.params import OrgParams, Outcome
from workbench.core.quarters import Quarter
from workbench.core.run_params import RunParams
from workbench.core.stages import find_stage
from workbench.core.store import Workspace, write_json
from workbench.data.cut import open_cut

LEAVER = {"hire_date": "2024-01-10", "exit_type": "voluntary", "birth_year": 1990}
LEAVER_JOB = {
    "effective_date": "2024-01-10",
    "event": "hire",
    "role": "agent",
    "level": "l1",
    "location": "north",
    "manager_id": "m1",
}


def make_leavers(**exits: tuple[str, bool | None]) -> Rows:
    """People of the persona who resign on a day, regretted or not."""
    return {
        "employees": [
            LEAVER | {"employee_id": unit, "exit_date": day, "regrettable": regret}
            for unit, (day, regret) in exits.items()
        ],
        "job_history": [LEAVER_JOB | {"employee_id": unit} for unit in exits],
        "consent": [
            {
                "employee_id": unit,
                "purpose": "learning_impact",
                "granted": True,
                "decided_at": "2024-01-01",
            }
            for unit in exits
        ],
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> FollowUpSet:
    folder = tmp_path_factory.mktemp("followed")
    return follow(folder / "store", complete(make_params(folder)), SPELLS)


def test_retention_is_followed_from_the_landmark_to_exit_or_cut(
    found: FollowUpSet,
) -> None:
    retention = find(found, "retention")
    assert retention.causes == ("resigned", "left otherwise")
    assert ending(retention, "p3", "2025Q4") == (46, 1, 0)  # 31 Dec to 15 Feb
    assert ending(retention, "p3", "2025Q3") == (138, 1, 0)
    assert ending(retention, "p1", "2026Q1") == (183, 0, 0)  # 31 Mar to the cut
    assert (retention.horizon, retention.origin) == (90, "landmark")


def test_who_left_otherwise_competes(found: FollowUpSet) -> None:
    assert ending(find(found, "retention"), "p4", "2025Q3") == (263, 2, 0)


def test_the_event_counts_within_the_horizon_only(found: FollowUpSet) -> None:
    frame = find(found, "retention").cohort.frame.set_index(["unit", "trial"])
    assert frame.loc[("p3", "2025Q4"), "outcome"] == 1
    assert frame.loc[("p3", "2025Q3"), "outcome"] == 0
    assert frame.loc[("p4", "2025Q3"), "outcome"] == 0
    assert frame["outcome"].notna().all()


def test_learners_and_others_are_those_of_the_trials(found: FollowUpSet) -> None:
    frame = find(found, "retention").cohort.frame
    learners = frame.loc[frame["treated"], ["unit", "trial"]].to_records(index=False)
    assert sorted(map(tuple, learners)) == [("p1", "2026Q1"), ("p4", "2025Q3")]


def test_any_exit_is_the_event_where_the_outcome_says_so(
    tmp_path: Path, params: OrgParams
) -> None:
    stays = Outcome(
        id="stays", source="exits.any", kind="time_to_event", horizon_days=90
    )
    made = dataclasses.replace(params, outcomes=(stays,))
    any_exit = find(follow(tmp_path / "store", made), "stays")
    assert any_exit.causes == ("left",)
    assert ending(any_exit, "p4", "2025Q3") == (263, 1, 0)


def test_who_leaves_at_the_landmark_is_not_followed(
    tmp_path: Path, params: OrgParams
) -> None:
    leavers = make_leavers(q1=("2025-12-31", None), q2=("2026-01-01", None))
    retention = find(follow(tmp_path / "store", params, leavers), "retention")
    assert not is_in(retention, "q1", "2025Q4")
    assert ending(retention, "q1", "2025Q3") == (92, 1, 0)
    assert ending(retention, "q2", "2025Q4") == (1, 1, 0)
    flow = retention.cohort.flow.set_index("step")["n_control"]
    left = (
        flow["had not learnt the programme before"]
        - flow["still employed at the landmark"]
    )
    assert left == 1


def test_regretted_resignations_are_told_apart_where_they_are_judged(
    tmp_path: Path, params: OrgParams
) -> None:
    leavers = make_leavers(q1=("2026-02-01", True), q2=("2026-02-01", False))
    retention = find(follow(tmp_path / "store", params, leavers), "retention")
    frame = retention.cohort.frame
    detail = frame[frame["trial"] == "2025Q4"].set_index("unit")["detail"]
    assert retention.details[detail["q1"] - 1] == "regrettable resignation"
    assert retention.details[detail["q2"] - 1] == "other resignation"
    assert retention.details[detail["p3"] - 1] == "resignation not judged"
    assert detail["p1"] == 0


def test_nothing_is_told_apart_where_nobody_was_judged(found: FollowUpSet) -> None:
    retention = find(found, "retention")
    assert retention.details == ()
    assert "detail" not in retention.cohort.frame


def test_moves_are_the_first_after_the_landmark_and_exits_compete(
    found: FollowUpSet,
) -> None:
    moves = find(found, "moves")
    assert moves.causes == ("promoted or transferred", "left")
    assert ending(moves, "p1", "2026Q1") == (40, 1, 0)  # 31 Mar to 10 May
    assert ending(moves, "p1", "2025Q3") == (222, 1, 0)
    assert ending(moves, "p3", "2025Q4") == (46, 2, 0)
    assert ending(moves, "p2", "2026Q2") == (92, 0, 0)


def test_ramp_is_followed_among_those_still_on_the_way(found: FollowUpSet) -> None:
    ramp = find(found, "ramp_days")
    assert ramp.causes == ("became proficient", "left", "changed role")
    assert ramp.origin == "role start"
    assert ending(ramp, "p1", "2025Q3") == (41, 1, 629)  # since 10 January 2024
    assert not is_in(ramp, "p1", "2025Q4")
    assert not is_in(ramp, "p1", "2026Q1")
    assert ending(ramp, "p3", "2025Q4") == (46, 2, 721)
    assert ending(ramp, "p4", "2025Q3") == (112, 3, 91)
    assert ending(ramp, "p2", "2026Q2") == (92, 0, 902)


def test_proficiency_after_the_cut_is_not_known(found: FollowUpSet) -> None:
    assert ending(find(found, "ramp_days"), "p5", "2026Q2") == (92, 0, 149)


def test_who_is_proficient_before_the_landmark_is_counted(found: FollowUpSet) -> None:
    cohort = find(found, "ramp_days").cohort
    flow = cohort.flow.set_index("step")
    # p1 to p4 in 2025Q3; p1, p2, p3 in 2025Q4; p2 in 2026Q1; p2, p5 in 2026Q2;
    # p1 is proficient in 2025Q4, p3 leaves in 2026Q1
    assert flow.loc["on the way to proficiency on the first day"].sum() == 10
    assert flow.loc["still in the role at the landmark"].sum() == 10
    assert flow.loc["not yet proficient at the landmark"].sum() == 9
    assert len(cohort.frame) == 9
    early = next(x for x in cohort.notes if "is left out" in x)
    assert "an effect that came that early is not seen" in early
    assert "makes the later difference look smaller" in early


def test_who_changed_role_by_the_landmark_is_not_followed(
    tmp_path: Path, params: OrgParams
) -> None:
    away: Rows = {
        "job_history": [
            LEAVER_JOB
            | {
                "employee_id": "p2",
                "effective_date": "2025-12-31",
                "event": "transfer",
                "role": "clerk",
            }
        ]
    }
    made = follow(tmp_path / "store", complete(params), join(SPELLS, away))
    ramp = find(made, "ramp_days")
    assert ending(ramp, "p2", "2025Q3") == (92, 3, 629)
    assert not is_in(ramp, "p2", "2025Q4")
    flow = ramp.cohort.flow.set_index("step").sum(axis=1)
    assert (
        flow["on the way to proficiency on the first day"]
        - flow["still in the role at the landmark"]
        == 1
    )


def test_exposures_since_the_last_closed_window_are_followed_too(
    tmp_path: Path, params: OrgParams
) -> None:
    long = params.find_outcome("retention").model_copy(
        update={"horizon_days": 180, "exposure_window_quarters": 1}
    )
    made = follow(tmp_path / "store", dataclasses.replace(params, outcomes=(long,)))
    frame = made.follow_ups[0].cohort.frame
    assert sorted(frame["trial"].unique()) == ["2026Q1", "2026Q2"]


def test_outcomes_that_take_no_time_are_gaps(found: FollowUpSet) -> None:
    reasons = {gap.outcome: gap.reason for gap in found.gaps}
    assert set(reasons) == {"performance_rating", "skill_proficiency", "permit"}
    assert all("nothing to follow" in reason for reason in reasons.values())
    assert [x.cohort.outcome.id for x in found.follow_ups] == [
        "retention",
        "moves",
        "ramp_days",
    ]


def test_absent_tables_and_horizons_are_gaps(tmp_path: Path, params: OrgParams) -> None:
    made = complete(params)
    open_ended = made.find_outcome("moves").model_copy(update={"horizon_days": None})
    made = dataclasses.replace(
        made, outcomes=(open_ended, made.find_outcome("ramp_days"))
    )
    tables = tuple(name for name in TABLES if name != "proficiency_dates")
    found = follow(tmp_path / "store", made, tables=tables)
    reasons = {gap.outcome: gap.reason for gap in found.gaps}
    assert "no horizon_days" in reasons["moves"]
    assert reasons["ramp_days"] == "The table proficiency_dates is not loaded."
    assert found.follow_ups == ()


def test_nothing_after_the_cut_changes_a_follow_up(
    tmp_path: Path, params: OrgParams
) -> None:
    later = join(
        SPELLS,
        {
            "job_history": [
                LEAVER_JOB
                | {
                    "employee_id": "p2",
                    "effective_date": "2026-04-01",
                    "event": "promotion",
                    "role": "boss",
                }
            ],
            "enrollments": [
                {
                    "enrollment_id": f"x{course}",
                    "employee_id": "p2",
                    "course_id": course,
                    "enrolled_at": "2025-10-01",
                    "completed_at": "2026-04-01",
                    "score": 99.0,
                    "status": "completed",
                }
                for course in ("c1", "c2")
            ],
        },
    )
    plain = follow(tmp_path / "a", complete(params), SPELLS, quarter="2026Q1")
    planted = follow(tmp_path / "b", complete(params), later, quarter="2026Q1")
    for one, other in zip(plain.follow_ups, planted.follow_ups, strict=True):
        pd.testing.assert_frame_equal(one.cohort.frame, other.cohort.frame)
    for mine, theirs in zip(plain.histories, planted.histories, strict=True):
        pd.testing.assert_frame_equal(mine.frame, theirs.frame)
    # p3 and p4 left after 31 March only in part: p4's exit on 20 June is not known
    assert ending(find(plain, "retention"), "p4", "2025Q3") == (182, 0, 0)


def test_people_without_consent_are_not_followed(
    tmp_path: Path, params: OrgParams
) -> None:
    refusal: Rows = {
        "consent": [
            {
                "employee_id": "p1",
                "purpose": "learning_impact",
                "granted": False,
                "decided_at": "2026-09-01",
            }
        ]
    }
    found = follow(tmp_path / "store", complete(params), join(SPELLS, refusal))
    for item in found.follow_ups:
        assert "p1" not in set(item.cohort.frame["unit"])
    assert "p1" not in set(found.histories[0].frame["unit"])


def test_facts_are_those_of_stage_03_though_built_for_one_persona(
    tmp_path: Path, params: OrgParams
) -> None:
    run = make_run(tmp_path, params)
    matched = {x.outcome.id: x for x in load_cohorts(run).cohorts}["retention"]
    followed = find(load_follow_ups(run), "retention").cohort
    assert followed.covariates == matched.covariates
    columns = ["unit", "trial", "team", "site", "treated", *matched.covariates]
    both = matched.frame.merge(followed.frame[["unit", "trial"]])
    assert len(both) == len(matched.frame)
    pd.testing.assert_frame_equal(
        followed.frame[columns].reset_index(drop=True),
        matched.frame[columns].reset_index(drop=True),
    )


def test_facts_do_not_depend_on_for_whom_they_are_built(
    tmp_path: Path, params: OrgParams
) -> None:
    store = fill(tmp_path / "store")
    tables = []
    for persona in (None, "agents"):
        con = open_cut(store, CUT, params.workbench.privacy)
        quarter = Quarter.parse("2026Q3")
        prepare_members(con, params, quarter, persona=persona)
        members = con.execute("select * from members").df()
        con.close()
        tables.append(members)
    everybody, few = tables
    assert len(few) < len(everybody)
    assert set(few["persona"]) == {"agents"}
    same = everybody[everybody["persona"] == "agents"].reset_index(drop=True)
    # whole numbers become nullable where somebody else has none
    pd.testing.assert_frame_equal(few.astype(same.dtypes), same, check_exact=True)


def test_stages_that_read_values_have_a_gap_for_ramp(
    tmp_path: Path, params: OrgParams
) -> None:
    run = make_run(tmp_path, complete(params))
    for gaps in (load_cohorts(run).gaps, load_panels(run).gaps):
        reasons = {gap.outcome: gap.reason for gap in gaps}
        assert "followed over time in the survival stage" in reasons["ramp_days"]


@pytest.mark.parametrize("rule", ["role = ", "rolle = 'agent'", "tenure_days"])
def test_rules_that_cannot_be_read_are_named(
    tmp_path: Path, params: OrgParams, rule: str
) -> None:
    persona = params.personas[0].model_copy(update={"where": rule})
    made = dataclasses.replace(params, personas=(persona,))
    with pytest.raises(ParamError, match="rule of persona agents"):
        follow(tmp_path / "store", made)


def test_counts_of_few_people_stay_back(found: FollowUpSet) -> None:
    table = found.tabulate().set_index("outcome")
    assert table.loc["retention", ["learners", "others"]].tolist() == [2, 9]
    assert table.loc["retention", "events"] == 1
    kept = found.tabulate(min_group=5).set_index("outcome")
    assert pd.isna(kept.loc["retention", "learners"])
    assert pd.isna(kept.loc["retention", "others"])  # 9 rows are of 4 people
    some = found.tabulate(min_group=4).set_index("outcome")
    assert some.loc["retention", "others"] == 9


def make_run(folder: Path, params: OrgParams) -> RunParams:
    """A run on the hand-made organisation, loaded where runs look for it."""
    workspace = Workspace(folder)
    store = fill(workspace.store("small"), SPELLS)
    write_json(
        store / "_load.json",
        {"tables": [*TABLES, "performance", "skill_assessments"], "year_starts": 1},
    )
    return RunParams(
        stage=find_stage("psm"),
        params=params,
        quarter=Quarter.parse("2026Q3"),
        persona="agents",
        seed=1,
        workspace=workspace,
        folder=folder,
        own={},
    )
