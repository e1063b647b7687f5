"""Target trials on the hand-made organisation: every row is checked by eye."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.cohorts.conftest import CUT, fill
from workbench.cohorts.facts import check_nothing_later
from workbench.cohorts.frames import Cohort
from workbench.cohorts.target_trial import (
    build_cohort,
    prepare_members,
    prepare_program,
)
from workbench.core.causal_file import read_causes
from workbench.core.errors import DesignError, ParamError
from workbench.core.params import ImpactParams, OrgParams, Persona
from workbench.core.quarters import Quarter
from workbench.data.cut import open_cut

Q3 = Quarter.parse("2026Q3")


def build(
    con: duckdb.DuckDBPyConnection,
    params: OrgParams,
    outcome: str = "performance_rating",
    quarter: Quarter = Q3,
) -> Cohort:
    prepare_members(con, params, quarter)
    prepare_program(con, persona="agents", program=params.programs[0])
    return build_cohort(
        con,
        params,
        quarter,
        persona="agents",
        program=params.programs[0],
        outcome=params.find_outcome(outcome),
    )


def row(cohort: Cohort, unit: str, trial: str) -> pd.Series:
    frame = cohort.frame
    found = frame[(frame["unit"] == unit) & (frame["trial"] == trial)]
    assert len(found) == 1
    return found.iloc[0]


def units(cohort: Cohort, trial: str) -> list[str]:
    return cohort.frame.loc[cohort.frame["trial"] == trial, "unit"].tolist()


def test_a_learner_is_who_completed_enough_courses_with_the_score(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    cohort = build(con, params)
    assert bool(row(cohort, "p1", "2026Q1")["treated"])
    assert not bool(row(cohort, "p2", "2026Q1")["treated"])
    assert "fewer than 5 of" in cohort.notes[1]


def test_an_earlier_learner_is_no_longer_eligible(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    cohort = build(con, params)
    assert "p1" not in units(cohort, "2026Q2")
    assert "p4" not in units(cohort, "2025Q4")


def test_a_learner_is_a_control_before_learning(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    assert not bool(row(build(con, params), "p1", "2025Q4")["treated"])


def test_who_left_before_the_landmark_is_counted_and_left_out(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    cohort = build(con, params)
    assert "p3" not in units(cohort, "2026Q1")
    assert "p3" in units(cohort, "2025Q4")
    flow = cohort.flow.set_index("step")
    before = flow.loc["had not learnt the programme before"]
    after = flow.loc["still employed at the landmark"]
    assert before["n_treated"] - after["n_treated"] == 1
    assert before["n_control"] == after["n_control"]


def test_people_hired_in_the_quarter_wait_for_the_next(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    cohort = build(con, params)
    assert "p5" not in units(cohort, "2026Q1")
    assert "p5" in units(cohort, "2026Q2")


def test_people_hired_in_the_quarter_may_enter_on_their_first_day(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    workbench = params.workbench.model_copy(
        update={"cohort": params.workbench.cohort.model_copy(update={"entry": "hire"})}
    )
    cohort = build(con, _replace(params, workbench=workbench))
    entered = row(cohort, "p5", "2026Q1")
    assert entered["time_zero"].date() == date(2026, 2, 1)
    assert entered["tenure_days"] == 0


def test_the_rating_is_that_of_the_quarter_after(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    cohort = build(con, params)
    assert row(cohort, "p1", "2026Q1")["outcome"] == 4.0
    assert row(cohort, "p1", "2026Q1")["prior_rating"] == 3.0
    lost = row(cohort, "p3", "2025Q4")
    assert pd.isna(lost["outcome"])
    assert lost["lost"] == "left"
    assert row(cohort, "p5", "2026Q2")["lost"] == "not recorded"


def test_only_assessments_before_time_zero_make_the_gap(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    cohort = build(con, params, "skill_proficiency")
    learner = row(cohort, "p1", "2026Q1")
    assert learner["skill_gap"] == 30.0
    assert learner["prior_program_skill"] == 50.0
    assert learner["outcome"] == 70.0
    assert row(cohort, "p2", "2026Q1")["skill_gap"] == 0.0


def test_voluntary_exits_count_and_others_do_not(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    cohort = build(con, params, "retention")
    assert row(cohort, "p3", "2025Q4")["outcome"] == 0.0
    assert row(cohort, "p1", "2025Q4")["outcome"] == 1.0


def test_notes_count_within_the_outcomes_own_quarters(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    notes = build(con, params, "retention").notes
    assert notes[0] == "Exposure quarters 2025Q3, 2025Q4, 2026Q1, 2026Q2."
    assert notes[1].startswith("fewer than 5 of 9 others")
    assert notes[2].startswith("Others may learn later within the 90 days")
    early = build(con, params, "retention", quarter=Quarter.parse("2026Q1")).notes
    assert [text for text in early if "completed a part" in text] == []


def test_moves_are_counted_after_the_landmark_only(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    cohort = build(con, params, "moves")
    assert row(cohort, "p1", "2026Q1")["outcome"] == 1.0
    assert row(cohort, "p1", "2025Q3")["outcome"] == 0.0


def test_team_facts_leave_the_person_out(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    learner = row(build(con, params), "p1", "2026Q1")
    assert learner["team_size"] == 3
    assert learner["team_prior_rating"] == pytest.approx((2.0 + 4.0) / 2)


def test_one_programme_per_team_clusters_by_team(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    by_team = params.programs[0].model_copy(update={"assigned_by": "team"})
    cohort = build(con, _replace(params, programs=(by_team,)))
    assert cohort.clusters == ("unit", "team")
    assert set(cohort.frame["team"]) == {"m1"}


def test_nothing_dated_after_time_zero_changes_a_covariate(
    tmp_path: Path, con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    future: dict[str, list[dict[str, object]]] = {
        "performance": [
            {
                "employee_id": "p2",
                "period": "2026Q1",
                "rating": 5.0,
                "kpi_attainment": 2.0,
            }
        ],
        "skill_assessments": [
            {
                "employee_id": "p2",
                "skill": "talk",
                "assessed_at": "2026-01-01",
                "proficiency": 1.0,
                "kind": "post",
            }
        ],
        "job_history": [
            {
                "employee_id": "p2",
                "effective_date": "2026-01-02",
                "event": "promotion",
                "role": "agent",
                "level": "l9",
                "location": "moon",
                "manager_id": "p1",
            }
        ],
    }
    planted = open_cut(
        fill(tmp_path / "planted", future), CUT, params.workbench.privacy
    )
    cohort = build(con, params)
    columns = list(cohort.covariates)
    expected = row(cohort, "p2", "2026Q1")[columns]
    found = row(build(planted, params), "p2", "2026Q1")[columns]
    pd.testing.assert_series_equal(found, expected)
    planted.close()


def test_nothing_dated_after_the_cut_changes_a_cohort(
    tmp_path: Path, params: OrgParams
) -> None:
    q1 = Quarter.parse("2026Q1")
    later: dict[str, list[dict[str, object]]] = {
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
    }
    cohorts = []
    for name, changes in (("plain", None), ("planted", later)):
        con = open_cut(
            fill(tmp_path / name, changes), q1.last_day, params.workbench.privacy
        )
        cohorts.append(build(con, params, quarter=q1))
        con.close()
    pd.testing.assert_frame_equal(cohorts[0].frame, cohorts[1].frame)
    assert not cohorts[1].frame["treated"].any() or "p2" not in units(
        cohorts[1], "2026Q2"
    )


def test_a_planted_leak_is_refused(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    prepare_members(con, params, Q3)
    con.execute("update facts set known_rating = time_zero where unit = 'p1'")
    with pytest.raises(DesignError, match="dated after time zero") as caught:
        check_nothing_later(con)
    assert "rating" in str(caught.value)


def test_a_planted_outcome_before_the_landmark_is_refused(
    con: duckdb.DuckDBPyConnection, params: OrgParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.cohorts import outcomes

    def leak(con: duckdb.DuckDBPyConnection, _field: str) -> None:
        con.execute(
            "create or replace temp table outcome_values as select m.unit, m.trial,"
            " 1.0 as outcome, w.landmark as seen_on"
            " from at_risk m join windows w using (trial)"
        )

    monkeypatch.setitem(outcomes._READERS, "performance", leak)
    with pytest.raises(DesignError, match="outside the outcome window"):
        build(con, params)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("role = ", "cannot be read"),
        ("rolle = 'agent'", "rolle"),
        ("tenure_days", "is not a condition"),
        ("unit in (select employee_id from performance)", "cannot be read"),
        ("exit_date is null", "exit_date"),
        ("known_rating > '2026-01-01'", "known_rating"),
    ],
)
def test_rules_reach_for_facts_only(
    con: duckdb.DuckDBPyConnection, params: OrgParams, rule: str, message: str
) -> None:
    persona = Persona(id="agents", label="Agents", where=rule, priority=1)
    with pytest.raises(ParamError, match=message):
        build(con, _replace(params, personas=(persona,)))


def test_covariates_must_be_facts(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    workbench = params.workbench.model_copy(
        update={"impact": ImpactParams(covariates=("role", "rating_next"))}
    )
    with pytest.raises(ParamError, match="rating_next"):
        build(con, _replace(params, workbench=workbench))


def test_declared_causes_decide_on_covariates_and_what_is_missing(
    tmp_path: Path, con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    path = tmp_path / "graph.yml"
    path.write_text(
        "nodes:\n"
        "  - {id: place, label: Place, measured_by: [location]}\n"
        "  - {id: past, label: Past, measured_by: [prior_rating]}\n"
        "  - {id: drive, label: Drive}\n"
        "arrows:\n"
        "  place: [past, learning, outcome]\n"
        "  past: [learning]\n"
        "  drive: [past, learning]\n"
        "for_outcomes:\n"
        "  - outcomes: [performance_rating, retention, moves, skill_proficiency]\n"
        "    arrows: {past: [outcome], drive: [outcome], learning: [outcome]}\n"
    )
    declared = read_causes(path, params.outcomes)
    cohort = build(con, _replace(params, causes=declared))
    assert cohort.covariates == ("location", "prior_rating")
    assert cohort.unmeasured == ("Drive",)
    assert cohort.notes[-1].endswith("Not measured, though needed as well: Drive.")
    usual = build(con, params)
    assert usual.unmeasured == ()
    assert usual.notes[-1].startswith("No causes are declared")


def test_people_without_consent_are_nowhere(tmp_path: Path, params: OrgParams) -> None:
    refusal: dict[str, list[dict[str, object]]] = {
        "consent": [
            {
                "employee_id": "p1",
                "purpose": "learning_impact",
                "granted": False,
                "decided_at": "2026-09-01",
            }
        ]
    }
    con = open_cut(fill(tmp_path / "refused", refusal), CUT, params.workbench.privacy)
    cohort = build(con, params)
    con.close()
    assert "p1" not in set(cohort.frame["unit"])


def _replace(params: OrgParams, **changes: object) -> OrgParams:
    import dataclasses

    return dataclasses.replace(params, **changes)  # type: ignore[arg-type]
