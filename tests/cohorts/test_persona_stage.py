from __future__ import annotations

from pathlib import Path

import pytest

from tests.cohorts.conftest import fill
from workbench.cohorts.persona_stage import describe_personas
from workbench.cohorts.target_trial import load_cohorts
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.run_params import RunParams
from workbench.core.stages import find_stage
from workbench.core.store import ALL_PERSONAS, Workspace, write_json

LOADED = {
    "employees": 6, "job_history": 8, "courses": 2, "enrollments": 8, "performance": 8,
    "skill_assessments": 5, "course_skills": 1, "role_skills": 1, "consent": 6,
}  # fmt: skip


def make_run(
    tmp_path: Path,
    params: OrgParams,
    stage: str,
    *,
    quarter: str = "2026Q3",
    tables: dict[str, int] = LOADED,
) -> RunParams:
    workspace = Workspace(tmp_path)
    store = fill(workspace.store(params.org))
    write_json(store / "_load.json", {"tables": tables})
    persona = "agents" if find_stage(stage).per_persona else ALL_PERSONAS
    return RunParams(
        stage=find_stage(stage),
        params=params,
        quarter=Quarter.parse(quarter),
        persona=persona,
        seed=1,
        workspace=workspace,
        folder=tmp_path / "stage",
        own={},
    )


def test_personas_are_counted_on_the_morning_after_the_cut(
    tmp_path: Path, params: OrgParams
) -> None:
    result = describe_personas(make_run(tmp_path, params, "personas"))
    personas = result.tables["personas"].iloc[0]
    assert personas["people"] == 3
    assert personas["people_last_quarter"] == 3
    assert personas["share_kept"] != personas["share_kept"]
    assert bool(personas["suppressed"])
    assert result.facts["people"] == 4


def test_small_personas_fail_their_check_and_show_no_means(
    tmp_path: Path, params: OrgParams
) -> None:
    result = describe_personas(make_run(tmp_path, params, "personas"))
    size = next(item for item in result.checks if item.check == "size of agents")
    assert size.passed is False
    means = result.tables["personas"].filter(like="mean_")
    assert means.isna().all().all()
    access = result.tables["access"]
    assert set(access["group_by"]) == {"gender"}
    assert access["uptake"].isna().all()


def test_every_outcome_has_a_baseline_or_a_gap(
    tmp_path: Path, params: OrgParams
) -> None:
    result = describe_personas(make_run(tmp_path, params, "personas"))
    assert set(result.tables["baseline"]["outcome"]) == {
        outcome.id for outcome in params.outcomes
    }


def test_a_missing_table_becomes_a_gap_with_its_reason(
    tmp_path: Path, params: OrgParams
) -> None:
    tables = {name: rows for name, rows in LOADED.items() if name != "performance"}
    cohorts = load_cohorts(make_run(tmp_path, params, "psm", tables=tables))
    assert [gap.outcome for gap in cohorts.gaps] == ["performance_rating"]
    assert "performance is not loaded" in cohorts.gaps[0].reason


def test_an_outcome_whose_window_is_open_becomes_a_gap(
    tmp_path: Path, params: OrgParams
) -> None:
    run = make_run(tmp_path, params, "psm", quarter="2025Q3")
    cohorts = load_cohorts(run)
    assert not cohorts.cohorts
    reasons = {gap.reason for gap in cohorts.gaps}
    assert reasons == {"no exposure quarter's outcome window has closed by 2025Q3"}


def test_the_table_of_comparisons_counts_people(
    tmp_path: Path, params: OrgParams
) -> None:
    cohorts = load_cohorts(make_run(tmp_path, params, "psm"))
    table = cohorts.tabulate().set_index("outcome")
    assert table.loc["performance_rating", "learners"] == 2
    assert table.loc["performance_rating", "trials"] == 4


@pytest.mark.parametrize("stage", ["personas"])
def test_the_stage_saves_what_the_contract_names(
    tmp_path: Path, params: OrgParams, stage: str
) -> None:
    result = describe_personas(make_run(tmp_path, params, stage))
    names = {path.name for path in result.save(tmp_path / "stage")}
    assert {"personas.parquet", "access.parquet", "baseline.parquet"} <= names
