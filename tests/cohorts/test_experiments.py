"""Experiments on the hand-made organisation: every row is checked by eye."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.cohorts.conftest import fill
from tests.cohorts.drawn import DRAWN, assign, declare, make_changes, read, register
from workbench.cohorts.experiment_frames import Experiment
from workbench.cohorts.experiments import ExperimentGap, ExperimentSet, load_experiments
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.run_params import RunParams
from workbench.core.stages import find_stage
from workbench.core.store import Workspace, write_json

READ_ONCE: dict[str, ExperimentSet] = {}


@pytest.fixture
def found(tmp_path: Path, params: OrgParams) -> Experiment:
    if not READ_ONCE:
        READ_ONCE["drawn"] = read(
            tmp_path, params, experiments=[declare()], assignments=assign(DRAWN)
        )
    made = READ_ONCE["drawn"]
    assert made.gaps == ()
    return made.experiments[0]


def only_gap(made: ExperimentSet) -> ExperimentGap:
    assert made.experiments == ()
    assert len(made.gaps) == 1
    return made.gaps[0]


def test_everybody_drawn_stands_in_the_frame_as_drawn(found: Experiment) -> None:
    frame = found.frame.set_index("unit")
    assert frame["arm"].to_dict() == {
        "m1": "control",
        "p1": "treatment",
        "p2": "control",
        "p3": "treatment",
        "p4": "control",
        "p5": "treatment",
        "q3": "control",
        "q5": "treatment",
    }
    assert (frame["assigned"] == (frame["arm"] == "treatment")).all()
    assert (frame["cluster"] == frame.index).all()
    assert set(frame["trial"]) == {"2026Q1"}
    assert frame.loc["q5", "assigned_on"] == pd.Timestamp("2025-12-20")
    assert found.arms == ("control", "treatment")


def test_outcome_comes_after_and_the_prior_value_before_the_draw(
    found: Experiment,
) -> None:
    frame = found.frame.set_index("unit")
    outcome = frame["outcome"].dropna().to_dict()
    assert outcome == {"p1": 4.0, "p2": 2.5, "p4": 3.5}
    assert frame["prior"].dropna().to_dict() == {
        "m1": 5.0,
        "p1": 3.0,
        "p2": 2.0,
        "p3": 4.0,
    }
    assert frame.loc["p1", "known_on"] == pd.Timestamp("2026-06-30")
    assert frame["known_on"].isna().sum() == 5
    lost = frame["lost"].dropna().to_dict()
    assert lost.pop("p3") == "left"
    assert set(lost.values()) == {"not recorded"}
    assert set(lost) == {"m1", "p5", "q3", "q5"}


def test_learnt_follows_the_rule_of_completion_up_to_the_quarters_end(
    found: Experiment,
) -> None:
    learnt = found.frame.set_index("unit")["learnt"]
    assert learnt.dtype == bool
    assert set(learnt.index[learnt]) == {"p1", "p3", "p4"}


def test_covariates_are_the_facts_of_the_day_of_the_draw(found: Experiment) -> None:
    frame = found.frame.set_index("unit")
    hired = pd.Timestamp("2024-01-10")
    assert frame.loc["p1", "tenure_days"] == (pd.Timestamp("2026-01-15") - hired).days
    assert frame.loc["q5", "tenure_days"] == (pd.Timestamp("2025-12-20") - hired).days
    assert frame.loc["p1", "skill_gap"] == 0.0
    assert frame.loc["p3", "prior_modules"] == 2
    assert pd.isna(frame.loc["p5", "tenure_days"])
    assert "prior_rating" not in found.covariates
    assert set(found.covariates) <= set(frame.columns)
    assert frame["gender"].dropna().to_dict() == {
        "m1": "f",
        "p1": "f",
        "p2": "m",
        "p3": "f",
        "p4": "m",
        "q3": "f",
        "q5": "f",
    }


def test_the_flow_counts_who_is_left_after_each_step(found: Experiment) -> None:
    assert found.flow.to_numpy().tolist() == [
        ["assigned, and may be read", 7, 6],
        ["assigned once, while the experiment ran", 4, 5],
        ["employed on the day of the draw", 4, 4],
        ["outcome window closed", 4, 4],
        ["outcome observed", 1, 2],
    ]


def test_notes_say_what_was_set_right(found: Experiment) -> None:
    text = " ".join(found.notes)
    assert "fewer than 5 of 14 assignments belong to people who may not be" in text
    assert "drawn into two arms at the same moment and are left out" in text
    assert "drawn again into another arm later; they stay in the first" in text
    assert "drawn before the experiment began" in text
    assert "drawn after the experiment had ended and are left out" in text
    assert "had left before they were assigned" in text
    assert "were not in the persona" in text
    assert "hired after the day" in text
    assert "had learnt the programme before they were drawn" in text
    assert "x/1" not in text


def test_a_store_written_in_another_order_gives_the_same_frame(
    tmp_path: Path, params: OrgParams, found: Experiment
) -> None:
    made = read(
        tmp_path / "again",
        params,
        experiments=[declare()],
        assignments=assign(DRAWN[::-1]),
    )
    pd.testing.assert_frame_equal(made.experiments[0].frame, found.frame)


def test_registered_outcomes_are_read_as_well(
    tmp_path: Path, params: OrgParams
) -> None:
    written = register(
        secondary_outcomes=["skill_proficiency"],
        guardrails=[{"outcome": "retention", "margin": {"absolute": 0.1}}],
        allocation={"control": 0.4, "treatment": 0.4, "coached": 0.2},
    )
    made = read(
        tmp_path,
        replace(params, registrations=(written,)),
        experiments=[declare()],
        assignments=assign(DRAWN),
    )
    primary, skill, kept = made.experiments
    assert [item.primary for item in made.experiments] == [True, False, False]
    assert primary.registration == written
    assert primary.arms == ("control", "coached", "treatment")
    skills = skill.frame.set_index("unit")
    assert skills["outcome"].dropna().to_dict() == {"p1": 70.0}
    assert skills["prior"].dropna().to_dict() == {"p1": 99.0, "p2": 90.0}
    stayed = kept.frame.set_index("unit")["outcome"]
    assert stayed.index[stayed == 0].tolist() == ["p3"]
    assert stayed.notna().all()
    table = made.tabulate(min_group=8)
    assert table["outcome"].tolist() == [
        "performance_rating",
        "skill_proficiency",
        "retention",
    ]
    assert table["people"].tolist() == [8, 8, 8]
    assert table["observed"].isna().tolist() == [True, True, False]


def test_people_whose_window_has_not_closed_wait(
    tmp_path: Path, params: OrgParams
) -> None:
    rows = [
        ("p1", "treatment", "2026-01-15"),
        ("p2", "control", "2026-04-15"),
        ("p4", "control", "2026-01-15"),
    ]
    made = read(
        tmp_path,
        params,
        experiments=[declare(ended_on=None)],
        assignments=assign(rows),
        quarter="2026Q2",
    )
    experiment = made.experiments[0]
    assert experiment.frame["unit"].tolist() == ["p1", "p4"]
    assert experiment.ended_on is None
    assert "drawn too late for their outcome to be known" in experiment.notes[-1]
    assert experiment.flow["n_control"].tolist() == [2, 2, 2, 1, 1]


BOTH = (("p1", "treatment", "2026-01-15"), ("p2", "control", "2026-01-15"))
WEDGE = (("p1", "a", "2026-01-05", "g1", "2026-01-05"),)

UNREADABLE: dict[str, tuple[dict[str, object], tuple[tuple[str | None, ...], ...]]] = {
    "belong to no programme": ({"course_ids": ["c1", "z1", "z2"]}, BOTH),
    "not one of outcomes.yml": ({"primary_outcome": "luck"}, BOTH),
    "Nobody who may be read is assigned": ({}, (("q1", "control", "2026-01-15"),)),
    "None of its arms is named control": (
        {},
        (("p1", "a", "2026-01-15"), ("p2", "b", "2026-01-15")),
    ),
    "no assignment names its group": ({"design": "cluster"}, BOTH),
    "1 group has people in two arms": (
        {"design": "cluster"},
        tuple((*row, "g1") for row in BOTH),
    ),
    "2 groups have people with different starts": (
        {"design": "stepped_wedge"},
        (
            ("p1", "a", "2026-01-05", "g1", "2026-01-05"),
            ("p2", "a", "2026-01-05", "g1", "2026-04-01"),
            ("p4", "a", "2026-01-05", "g2", "2026-01-05"),
            ("p3", "a", "2026-01-05", "g2", None),
        ),
    ),
    "No group had a date from which it was to be exposed": (
        {"design": "stepped_wedge"},
        (("p1", "a", "2026-01-05", "g1", "2026-12-01"),),
    ),
    "It is read once per person": (
        {"design": "stepped_wedge", "primary_outcome": "permit"},
        WEDGE,
    ),
    "It takes 365 days to be known": (
        {"design": "stepped_wedge", "primary_outcome": "retention"},
        WEDGE,
    ),
}


def test_what_cannot_be_read_has_a_reason(tmp_path: Path, params: OrgParams) -> None:
    slow = [
        outcome.model_copy(update={"horizon_days": 365})
        if outcome.id == "retention"
        else outcome
        for outcome in params.outcomes
    ]
    made = read(
        tmp_path,
        replace(params, outcomes=tuple(slow)),
        experiments=[
            declare(experiment_id=reason, **change)
            for reason, (change, _) in UNREADABLE.items()
        ],
        assignments=[
            row
            for reason, (_, rows) in UNREADABLE.items()
            for row in assign(rows, experiment=reason)
        ],
    )
    assert made.experiments == ()
    assert {gap.experiment for gap in made.gaps} == set(UNREADABLE)
    for gap in made.gaps:
        assert gap.experiment in gap.reason
        assert gap.primary
        assert gap.started_on == pd.Timestamp("2026-01-05")


def test_an_outcome_that_is_not_known_yet_names_the_day(
    tmp_path: Path, params: OrgParams
) -> None:
    made = read(
        tmp_path,
        params,
        experiments=[declare()],
        assignments=assign(BOTH),
        quarter="2026Q1",
    )
    gap = only_gap(made)
    assert gap.reason == (
        "No outcome window has closed by the end of 2026Q1; the first closes on"
        " 2026-06-30."
    )
    assert (gap.people, gap.clusters, gap.arms) == (2, 2, ("control", "treatment"))


def test_without_completions_nobody_knows_who_learnt(
    tmp_path: Path, params: OrgParams
) -> None:
    made = read(
        tmp_path,
        params,
        experiments=[declare()],
        assignments=assign(BOTH),
        tables=["performance"],
    )
    (experiment,) = made.experiments
    assert experiment.frame["learnt"].isna().all()
    assert any("not known who learnt" in note for note in experiment.notes)


def test_an_absent_table_is_named(tmp_path: Path, params: OrgParams) -> None:
    made = read(
        tmp_path,
        params,
        experiments=[declare()],
        assignments=assign(BOTH),
        tables=["employees"],
    )
    assert only_gap(made).reason == "The table performance is not loaded."


def test_a_single_arm_is_left_to_the_analysis(
    tmp_path: Path, params: OrgParams
) -> None:
    made = read(
        tmp_path,
        params,
        experiments=[declare()],
        assignments=assign([("p1", "treatment", "2026-01-15")]),
    )
    assert made.experiments[0].arms == ("treatment",)


def test_an_experiment_belongs_to_its_persona_or_to_all_its_programme_is_for(
    tmp_path: Path, params: OrgParams
) -> None:
    other = params.personas[0].model_copy(
        update={"id": "clerks", "where": "role = 'clerk'", "priority": 2}
    )
    both = replace(params, personas=(*params.personas, other))
    experiments = [
        declare(experiment_id=str(drawn_for), persona=drawn_for)
        for drawn_for in ("agents", None, "nobody")
    ]
    rows = [
        row
        for declared in experiments
        for row in assign(BOTH, experiment=str(declared["experiment_id"]))
    ]
    shown = read(tmp_path, both, experiments=experiments, assignments=rows)
    assert {item.id for item in shown.experiments} == {"agents", "None", "nobody"}
    notes = {item.id: " ".join(item.notes) for item in shown.experiments}
    assert "names a persona that does not exist" in notes["nobody"]
    assert "names a persona" not in notes["None"]
    elsewhere = read(
        tmp_path, both, experiments=experiments, assignments=rows, persona="clerks"
    )
    assert (elsewhere.experiments, elsewhere.gaps) == ((), ())


def test_registered_experiments_that_have_not_begun_are_named(
    tmp_path: Path, params: OrgParams
) -> None:
    known = replace(params, registrations=(register(),))
    late = only_gap(read(tmp_path / "1", known, experiments=[], assignments=[]))
    assert "the table experiments does not hold it" in late.reason
    early = only_gap(
        read(tmp_path / "2", known, experiments=[], assignments=[], quarter="2025Q4")
    )
    assert "has not started by the end of 2025Q4" in early.reason
    unwritten = read(
        tmp_path / "3", known, experiments=[], assignments=[], quarter="2025Q3"
    )
    assert unwritten.gaps == ()


def test_many_days_of_assignment_are_looked_at_by_month(
    tmp_path: Path, params: OrgParams
) -> None:
    staff = [f"r{number:02d}" for number in range(13)]
    changes: dict[str, list[dict[str, object]]] = {
        "employees": [{"employee_id": u, "hire_date": "2024-01-10"} for u in staff],
        "job_history": [
            {
                "employee_id": unit,
                "effective_date": "2024-01-10",
                "event": "hire",
                "role": "agent",
                "level": "l1",
            }
            for unit in staff
        ],
        "consent": [
            {
                "employee_id": unit,
                "purpose": "learning_impact",
                "granted": True,
                "decided_at": "2024-01-01",
            }
            for unit in staff
        ],
    }
    rows = [
        (unit, "control" if place % 2 else "treatment", f"2026-01-{place + 10}")
        for place, unit in enumerate(staff)
    ]
    rows.append(("p5", "control", "2026-02-20"))
    made = read(
        tmp_path,
        params,
        experiments=[declare()],
        assignments=assign(rows),
        changes=changes,
    )
    frame = made.experiments[0].frame.set_index("unit")
    first = (pd.Timestamp("2026-01-01") - pd.Timestamp("2024-01-10")).days
    assert set(frame.loc[staff, "tenure_days"]) == {first}
    assert frame.loc["p5", "tenure_days"] == 0


def test_a_stepped_wedge_has_a_row_per_person_and_period(
    tmp_path: Path, params: OrgParams
) -> None:
    rows = [
        ("p1", "wave_1", "2026-01-01", "g1", "2026-01-01"),
        ("p2", "wave_2", "2026-01-01", "g2", "2026-04-01"),
        ("p4", "later", "2026-01-01", "g3", "2026-12-01"),
    ]
    made = read(
        tmp_path,
        params,
        experiments=[
            declare(
                design="stepped_wedge", started_on="2026-01-01", ended_on="2026-06-30"
            )
        ],
        assignments=assign(rows),
    )
    experiment = made.experiments[0]
    assert experiment.periods == ("2026Q1", "2026Q2", "2026Q3")
    frame = experiment.frame
    assert frame["unit"].tolist() == ["p1"] * 3 + ["p2"] * 3 + ["p4"] * 3
    assert frame["period"].tolist() == [1, 2, 3] * 3
    assert frame["starts"].tolist() == [2] * 3 + [3] * 3 + [0] * 3
    assert frame["exposed"].tolist() == [False, True, True, False, False, True] + (
        [False] * 3
    )
    assert (frame["assigned"] == frame["exposed"]).all()
    learnt = [False, True, True] + [False] * 3 + [True] * 3
    assert frame["learnt"].tolist() == learnt
    nan = float("nan")
    pd.testing.assert_series_equal(
        frame["outcome"],
        pd.Series([3.9, 4.0, nan, nan, 2.5, nan, nan, 3.5, nan]),
        check_names=False,
    )
    assert frame["prior"].tolist()[:6] == [3.0] * 3 + [2.0] * 3
    assert frame["lost"].tolist()[-1] == "left"
    assert experiment.flow["n_treated"].tolist() == [2, 2, 2, 2, 1]
    assert experiment.flow["n_control"].tolist() == [3, 3, 3, 3, 3]
    assert "in the first of them nobody is exposed" in experiment.notes[-1]


def test_a_run_reads_the_store_and_counts_who_may_not_be_read(
    tmp_path: Path, params: OrgParams
) -> None:
    store = tmp_path / "outputs" / "small" / "store"
    fill(store, make_changes([declare()], assign(DRAWN)))
    write_json(store / "_load.json", {"tables": ["performance"]})
    run = RunParams(
        stage=find_stage("psm"),
        params=params,
        quarter=Quarter.parse("2026Q3"),
        persona="agents",
        seed=1,
        workspace=Workspace(tmp_path),
        folder=tmp_path / "results",
        own={},
    )
    made = load_experiments(run)
    assert len(made.experiments) == 1
    assert "of 14 assignments" in made.experiments[0].notes[0]
