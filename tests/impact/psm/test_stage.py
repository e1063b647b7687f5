from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import (
    make_cohort,
    make_outcome,
    make_program,
    simulate_frame,
)
from workbench.cohorts.frames import Cohort
from workbench.core.results import StageResult
from workbench.core.store import read_json, read_parquet
from workbench.impact.psm.stage import estimate_psm_stage
from workbench.impact.psm.tables import TABLES


@dataclass(frozen=True)
class Gap:
    program: str
    outcome: str
    reason: str


def _cohort(frame: pd.DataFrame, outcome: str, **more: object) -> Cohort:
    kinds = {key: more.pop(key) for key in ("negative_control",) if key in more}
    return make_cohort(frame, outcome=make_outcome(id=outcome, **kinds), **more)


@pytest.fixture(scope="module")
def cohorts() -> list[Cohort]:
    frame = simulate_frame(31, people=500)
    noise = np.random.default_rng(1).normal(size=len(frame))
    learns = frame["treated"].to_numpy()
    other = make_program(id="advanced")
    return [
        _cohort(frame, "performance_rating"),
        _cohort(frame.assign(outcome=noise), "kpi_attainment"),
        _cohort(frame.assign(outcome=np.nan), "skill_proficiency"),
        _cohort(frame.assign(treated=False), "retention_12m"),
        _cohort(frame.head(3), "mobility"),
        _cohort(frame.assign(outcome=noise + learns), "permit", negative_control=True),
        _cohort(frame, "performance_rating", program=other),
    ]


@pytest.fixture(scope="module")
def result(cohorts: list[Cohort]) -> StageResult:
    gap = Gap("basics", "okr", "no exposure quarter's outcome window has closed")
    return estimate_psm_stage(cohorts, gaps=[gap], seed=1)  # type: ignore[list-item]


def _rows(result: StageResult, outcome: str) -> list[object]:
    return [
        item
        for item in result.estimates
        if item.outcome == outcome and item.program == "basics"
    ]


def test_every_comparison_is_answered_or_says_why(result: StageResult) -> None:
    assert result.status == "done"
    main = [item for item in result.estimates if item.headline]
    assert len(main) == 6
    reasons = {item.outcome: item.limitation for item in main}
    assert reasons["skill_proficiency"].startswith(
        "Not answerable: No outcome was observed"
    )
    assert "Nobody learnt" in reasons["retention_12m"]
    assert "at least 10 people" in reasons["mobility"]
    failed = [x for x in result.checks if x.check == "comparison" and x.passed is False]
    assert {x.outcome for x in failed} == {
        "skill_proficiency",
        "retention_12m",
        "mobility",
    }
    assert all(x.required and x.text for x in failed)


def test_counts_of_tiny_groups_are_not_told(result: StageResult) -> None:
    item = next(x for x in result.estimates if x.outcome == "mobility")
    assert item.suppressed
    assert item.n_treated is None
    assert item.n_control is None
    assert math.isnan(item.estimate)
    assert "learners and" not in item.limitation
    told = [x.text for x in result.checks if x.outcome == "mobility"]
    assert not any("learners and" in text for text in told)


def test_gaps_do_not_apply(result: StageResult) -> None:
    gap = next(x for x in result.checks if x.outcome == "okr")
    assert (gap.status, gap.program) == ("not_applicable", "basics")


def test_only_answered_headlines_are_adjusted(result: StageResult) -> None:
    family = [x for x in result.estimates if x.headline and not math.isnan(x.p_value)]
    assert len(family) == 3
    ranked = sorted(x.p_value for x in family)
    best = min(family, key=lambda x: x.p_value)
    assert best.p_adjusted == pytest.approx(
        min(3 * ranked[0], 1.5 * ranked[1], ranked[2])
    )
    assert all(math.isnan(x.p_adjusted) for x in result.estimates if not x.headline)
    assert result.facts["family"].startswith("6 headline estimates of newcomers")


def test_a_moved_negative_control_lowers_its_programme(result: StageResult) -> None:
    grades = {
        (x.program, x.outcome): x.evidence
        for x in result.estimates
        if x.method == "psm_nn"
    }
    assert grades["basics", "performance_rating"] == 1
    assert grades["advanced", "performance_rating"] == 2
    check = next(x for x in result.checks if x.check == "negative_control")
    assert (check.status, check.outcome) == ("warn", "permit")
    control = [x for x in result.estimates if x.outcome == "permit"]
    assert not any(x.headline for x in control)
    answer = result.facts["answers"][0]
    assert "negative control permit" in answer["evidence"]


def test_tables_name_programme_and_outcome(result: StageResult) -> None:
    assert set(result.tables) == {*TABLES, "findings"}
    for name, table in result.tables.items():
        assert list(table)[:2] == ["program", "outcome"], name
    for name in ("errors", "sensitivity", "refutation", "specification"):
        assert result.tables[name].groupby(["program", "outcome"]).ngroups == 3, name
    pairs = result.tables["pairs"]
    keys = set(map(tuple, pairs[["program", "outcome"]].drop_duplicates().to_numpy()))
    assert keys == {
        ("basics", "performance_rating"),
        ("basics", "kpi_attainment"),
        ("basics", "permit"),
        ("advanced", "performance_rating"),
    }


def test_answers_say_for_whom_or_why_not(result: StageResult) -> None:
    answers = result.facts["answers"]
    assert len(answers) == 7
    assert answers[0]["for_whom"].startswith("The effect is that of ")
    assert "No outcome was observed" in answers[2]["reason"]


def test_answers_say_what_would_overturn_them(result: StageResult) -> None:
    told = {
        (x["program"], x["outcome"]): x.get("overturn") for x in result.facts["answers"]
    }
    cause = "A cause nobody measured"
    assert told["advanced", "performance_rating"].startswith(cause)
    assert "Such a cause is at work" not in told["advanced", "performance_rating"]
    assert told["basics", "performance_rating"].startswith(cause)
    assert "at work: permit" in told["basics", "performance_rating"]
    assert told["basics", "kpi_attainment"].startswith("The interval already holds 0")
    assert "not answerable" in told["basics", "skill_proficiency"]
    assert "No outcome was observed" in told["basics", "skill_proficiency"]


def test_subgroups_are_rows_of_their_own() -> None:
    frame = simulate_frame(32, people=500)
    sex = np.where(np.arange(len(frame)) % 2, "f", "m")
    cohort = _cohort(frame.assign(gender=sex), "okr", protected=("gender",))
    found = estimate_psm_stage([cohort], seed=1)
    rows = [x for x in found.estimates if x.subgroup_by == "gender"]
    assert [x.subgroup for x in rows] == ["f", "m"]
    assert not any(x.headline for x in rows)
    table = found.tables["subgroups"]
    assert list(table["kind"]) == ["effect", "effect", "difference"]
    assert "gender" in found.facts["answers"][0]["subgroups"]


def test_learners_without_support_are_named_instead_of_a_number() -> None:
    frame = simulate_frame(33, people=600)
    far = frame["treated"] & (frame["x1"] > frame["x1"].median())
    cohort = _cohort(frame.assign(x1=frame["x1"] + 9.0 * far), "okr")
    found = estimate_psm_stage([cohort], seed=1)
    assert math.isnan(found.estimates[0].estimate)
    assert "higher x1" in found.estimates[0].limitation
    support = found.tables["support"].iloc[0]
    assert not support["answerable"]
    assert "higher x1" in support["region"]


def test_the_result_can_be_saved_and_is_the_same_again(
    cohorts: list[Cohort], result: StageResult, tmp_path: Path
) -> None:
    again = estimate_psm_stage(cohorts[:2], seed=1)
    first = estimate_psm_stage(cohorts[:2], seed=1)
    paths = [one.save(tmp_path / name) for one, name in ((first, "a"), (again, "b"))]
    for left, right in zip(*paths, strict=True):
        assert left.read_bytes() == right.read_bytes()
    result.save(tmp_path / "c")
    status = read_json(tmp_path / "c" / "status.json")
    assert status["status"] == "done"
    saved = read_parquet(tmp_path / "c" / "estimates.parquet")
    assert saved["subgroup_by"].isna().sum() == 4 * 7 + 3


def test_without_cohorts_it_does_not_apply() -> None:
    found = estimate_psm_stage([], seed=1)
    assert found.status == "not_applicable"
    assert "no programme names this persona" in found.reason
    assert set(found.tables) == set(TABLES)
    assert all(table.empty for table in found.tables.values())


def test_nothing_answerable_still_leaves_tables(cohorts: list[Cohort]) -> None:
    found = estimate_psm_stage([cohorts[2]], seed=1)
    assert found.status == "done"
    region = found.tables["support"]
    assert not region["answerable"].any()
    told = ("answers", "support")
    rest = [table for name, table in found.tables.items() if name not in told]
    assert all(table.empty for table in rest)
    assert "treated" in found.tables["pairs"]
