"""The whole way on a real learning system: all registrations, all rows of clicks."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.e2e.project import ROOT, copy_project, run_workbench
from workbench.core.store import read_json

EXTRACTS = Path(
    os.environ.get("WORKBENCH_EXTRACTS_OULAD", ROOT / "../shared/data/oulad")
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.oulad,
    pytest.mark.skipif(
        not EXTRACTS.is_dir(),
        reason="no OULAD extracts: get the Open University Learning Analytics Dataset "
        "(CC BY 4.0) and name its folder in WORKBENCH_EXTRACTS_OULAD",
    ),
]

QUARTER = "2014Q4"
MOST_MEMORY = 6 * 2**30


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_project(tmp_path_factory.mktemp("oulad"))
    source = str(EXTRACTS.resolve())
    for command in ("run", "brief"):
        done = run_workbench(
            folder, command, QUARTER, "--org", "oulad",
            WORKBENCH_EXTRACTS_OULAD=source,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_all_rows_are_loaded_within_the_memory(project: Path) -> None:
    tables = read_json(project / "outputs/oulad/store/_load.json")["tables"]
    assert tables["employees"] == 32_593
    assert tables["lms_events"] == 10_655_280
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert peak < MOST_MEMORY


def test_the_audit_reproduces_the_known_facts(project: Path) -> None:
    audit = project / "outputs/oulad" / QUARTER / "_all/audit"
    totals = pd.read_parquet(audit / "control_totals.parquet")
    assert len(totals) == 15
    assert totals["ok"].all()
    found = totals.set_index("name")["found"]
    assert found["clicks"] == 39_605_099
    assert found["withdrawn"] == 10_156


def test_nothing_is_quarantined_that_the_mapping_could_read(project: Path) -> None:
    path = project / "outputs/oulad/store/_quarantine.parquet"
    assert duckdb.sql(f"select count(*) from '{path}'").fetchall() == [(0,)]


def test_the_parts_without_data_say_so(project: Path) -> None:
    missing = read_json(project / "outputs/oulad/store/_load.json")["missing_tables"]
    assert {"consent", "experiments", "surveys", "costs"} <= set(missing)


def test_every_comparison_has_an_answer(project: Path) -> None:
    folder = project / "outputs/oulad" / QUARTER
    paths = sorted(folder.glob("*/psm/estimates.parquet"))
    assert len(paths) == 3
    table = pd.concat([pd.read_parquet(path) for path in paths])
    headline = table[table["headline"]]
    assert len(headline) == 6
    answered = headline["estimate"].notna() | (headline["limitation"] != "")
    assert answered.all()
    learners = headline.loc[headline["estimate"].notna(), "n_treated"]
    assert (learners >= 10).all()


def test_the_site_is_complete(project: Path) -> None:
    version = project / "outputs/oulad/briefs" / QUARTER / "v1"
    for page in ("index", "personas/stem_first_attempt", "data_quality", "methods"):
        assert (version / f"{page}.html").is_file()
