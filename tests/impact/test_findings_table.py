"""Findings survive being written and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.core.store import read_parquet, write_parquet
from workbench.impact.evidence import Findings
from workbench.impact.findings_table import read_findings, tabulate_findings

FOUND = [
    Findings(design="matched", largest_smd=0.04, robust=True, threats=("a", "b")),
    Findings(design="did", largest_smd=0.1, failed_checks=("x",), robust=None),
    Findings(design="none", largest_smd=0.2, pretrend_powered=False),
]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_findings_come_back_as_they_were(tmp_path: Path, count: int) -> None:
    given = [("p", f"o{place}", item) for place, item in enumerate(FOUND[:count])]
    path = tmp_path / "findings.parquet"
    write_parquet(path, tabulate_findings(given))
    found = read_findings(read_parquet(path))
    assert found == {(program, outcome): item for program, outcome, item in given}
