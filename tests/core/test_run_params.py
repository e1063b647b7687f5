from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.test_params import write
from workbench.core.declared import REDECLARED, keep_declared
from workbench.core.errors import ParamError
from workbench.core.quarters import Quarter
from workbench.core.run_params import RunParams, check_stage_params, derive_seed


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path / "params")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("WORKBENCH_PROJECT", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_STAGE_FOLDER", raising=False)
    return tmp_path


def test_a_run_knows_its_folder_and_its_needs(project: Path) -> None:
    run = RunParams.create(
        "psm", org="small", quarter="2026Q3", persona="agents", seed=0, caliper=0.1
    )
    outputs = project / "outputs" / "small" / "2026Q3"
    assert run.folder == outputs / "agents" / "psm"
    assert run.needed("personas") == outputs / "_all" / "personas"
    assert run.own == {"caliper": 0.1}


def test_a_stage_of_all_personas_names_whose_results_it_needs(project: Path) -> None:
    run = RunParams.create("personas", org="small", quarter="2026Q3", seed=0)
    outputs = project / "outputs" / "small" / "2026Q3"
    assert run.needed("psm", persona="agents") == outputs / "agents" / "psm"
    assert run.needed("audit", persona="agents") == outputs / "_all" / "audit"


def test_a_threshold_changed_after_the_first_run_is_a_threat(project: Path) -> None:
    def read() -> RunParams:
        return RunParams.create(
            "psm", org="small", quarter="2026Q3", persona="agents", seed=0
        )

    run = read()
    first = run.params.outcomes[0].id
    assert run.list_threats(first) == ()
    keep_declared(project / "outputs/small/2026Q3", run.params.outcomes)
    assert run.list_threats(first) == ()
    path = project / "params/small/outcomes.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("continuous", "binary", 1), encoding="utf-8")
    assert read().list_threats(first) == (REDECLARED,)


def test_the_batch_may_name_another_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_STAGE_FOLDER", str(project / "elsewhere"))
    run = RunParams.create("audit", org="small", quarter="2026Q3", seed=1)
    assert run.folder == project / "elsewhere"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"calliper": 0.2}, "calliper: unknown parameter"),
        ({"caliper": "wide"}, "caliper: must be float"),
        ({"ratio": 1.5}, "ratio: must be int"),
        ({"ratio": True}, "ratio: must be int"),
        ({"replace": 1}, "replace: must be bool"),
    ],
)
def test_unknown_and_ill_typed_parameters_are_refused(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(ParamError, match=message):
        check_stage_params("psm", values)


@pytest.mark.usefixtures("project")
def test_a_stage_per_persona_needs_one() -> None:
    with pytest.raises(ParamError, match="needs a persona"):
        RunParams.create("psm", org="small", quarter="2026Q3", seed=0)
    with pytest.raises(ParamError, match="no persona 'nobody'"):
        RunParams.create("psm", org="small", quarter="2026Q3", persona="nobody", seed=0)


def test_seeds_differ_by_stage_and_are_the_same_everywhere() -> None:
    quarter = Quarter(2026, 3)
    assert derive_seed(7, quarter, "agents", "psm") == 336818997
    seeds = {
        derive_seed(seed, quarter, persona, stage)
        for seed in (7, 8)
        for persona in ("a", "b")
        for stage in ("psm", "did", "ab", "survival")
    }
    assert len(seeds) == 16
