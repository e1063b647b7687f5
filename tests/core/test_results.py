from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbench.core.errors import ParamError
from workbench.core.results import (
    Check,
    Estimate,
    StageResult,
    tabulate_checks,
    tabulate_estimates,
)
from workbench.core.store import read_json

CONTRACT = [
    "quarter", "persona", "stage", "program", "outcome", "estimand", "method",
    "headline", "subgroup_by", "subgroup", "period", "estimate", "std_error", "ci_low",
    "ci_high", "ci_level", "p_value", "p_adjusted", "unit", "baseline",
    "relative_effect", "relative_ci_low", "relative_ci_high", "n_treated", "n_control",
    "n_clusters", "threshold", "direction", "meets_threshold", "evidence", "suppressed",
    "limitation",
]  # fmt: skip

BASE: dict[str, Any] = {
    "quarter": "2026Q3",
    "persona": "agents",
    "stage": "psm",
    "program": "talk",
    "outcome": "rating",
    "estimand": "ATT",
    "method": "psm_nn",
    "estimate": 0.1,
    "std_error": 0.05,
    "ci_low": 0.0,
    "ci_high": 0.2,
    "p_value": 0.04,
    "unit": "rating points",
    "n_treated": 40,
    "n_control": 40,
}


def test_the_table_has_the_columns_of_the_contract() -> None:
    table = tabulate_estimates([Estimate(**BASE)])
    assert set(table.columns) == set(CONTRACT)
    assert set(tabulate_estimates([]).columns) == set(CONTRACT)


def test_types_do_not_depend_on_the_rows() -> None:
    some = tabulate_estimates([Estimate(**BASE | {"evidence": 2, "subgroup": "f"})])
    none = tabulate_estimates([Estimate(**BASE)])
    pd.testing.assert_series_equal(some.dtypes, none.dtypes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ci_low": 0.11}, "interval does not hold"),
        ({"ci_high": 0.09}, "interval does not hold"),
        ({"std_error": -1.0}, "standard error is negative"),
        ({"p_value": 1.1}, "outside 0 to 1"),
        ({"estimate": math.nan}, "needs a limitation"),
    ],
)
def test_impossible_estimates_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamError, match=message):
        Estimate(**BASE | change)


def test_estimates_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Estimate(**BASE).estimate = 1.0  # type: ignore[misc]


def test_status_of_a_check() -> None:
    assert Check(check="a", passed=True).status == "pass"
    assert Check(check="a", passed=False).status == "warn"
    assert Check(check="a", passed=False, required=True).status == "fail"
    assert Check(check="a", passed=None, text="no data").status == "not_applicable"
    with pytest.raises(ParamError, match="needs the reason"):
        Check(check="a", passed=None)


def test_a_stage_leaves_tables_diagnostics_and_status(tmp_path: Path) -> None:
    result = StageResult(
        stage="psm",
        estimates=(Estimate(**BASE),),
        checks=(Check(check="overlap", passed=True, value=0.9, limit=0.5),),
        tables={"balance": pd.DataFrame({"covariate": ["x"]})},
        facts={"people": 3},
    )
    result.save(tmp_path)
    names = sorted(item.name for item in tmp_path.iterdir())
    assert names == [
        "balance.parquet",
        "diagnostics.parquet",
        "estimates.parquet",
        "status.json",
    ]
    assert read_json(tmp_path / "status.json")["facts"] == {"people": 3}
    assert list(tabulate_checks(result.checks)["status"]) == ["pass"]


def test_a_stage_that_is_not_done_says_why() -> None:
    with pytest.raises(ParamError, match="needs a reason"):
        StageResult(stage="ab", status="not_applicable")
