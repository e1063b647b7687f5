"""The second computation agrees, and refuses what it would misread."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.impact.did.staggered import make_staggered
from workbench.cohorts.frames import Panel
from workbench.core.errors import ContractError, DesignError
from workbench.impact.did.aggregate import aggregate_simple
from workbench.impact.did.engine import check_against_engine, fit_engine
from workbench.impact.did.group_time import estimate_group_time


@pytest.mark.parametrize("control", ["never", "not_yet"])
@pytest.mark.parametrize("base", ["varying", "universal"])
@pytest.mark.parametrize("anticipation", [0, 1])
def test_effects_and_errors_agree(control: str, base: str, anticipation: int) -> None:
    panel = make_staggered(81, people=300, lose=0.1)
    found = estimate_group_time(
        panel,
        control=control,  # type: ignore[arg-type]
        base=base,  # type: ignore[arg-type]
        anticipation=anticipation,
    )
    check = check_against_engine(panel, found)
    assert check.passed is True
    assert check.value < 1e-10
    cells = int((~found.table["reference"]).sum())
    assert f"{cells} of {cells} effects" in check.text


@pytest.mark.parametrize(("method", "limit"), [("reg", 1e-9), ("ipw", 1e-6)])
def test_adjusted_effects_agree(method: str, limit: float) -> None:
    panel = make_staggered(82, choice=0.7, drift=0.1, covariates=["x", "kind"])
    found = estimate_group_time(panel, method=method)  # type: ignore[arg-type]
    check = check_against_engine(panel, found)
    assert check.passed is True
    assert check.value < limit


def test_doubly_robust_effects_are_close() -> None:
    panel = make_staggered(83, choice=0.7, drift=0.1, covariates=["x"])
    found = estimate_group_time(panel)
    check = check_against_engine(panel, found)
    assert check.passed is True
    assert "standard errors (limit 0.1)" in check.text


def test_simple_average_and_clustered_error_agree() -> None:
    panel = make_staggered(84, people=500, teams=50, clusters=("unit", "team"))
    ours = aggregate_simple(estimate_group_time(panel))
    theirs = fit_engine(panel)
    assert ours.value == pytest.approx(theirs.value)
    assert ours.std_error == pytest.approx(theirs.std_error)


def test_a_wrong_number_is_noticed() -> None:
    panel = make_staggered(85, people=200)
    found = estimate_group_time(panel)
    table = found.table.copy()
    table.loc[3, "att"] += 0.01
    check = check_against_engine(panel, dataclasses.replace(found, table=table))
    assert check.passed is False
    assert "do not publish" in check.advice


def test_a_cell_the_engine_lacks_is_noticed() -> None:
    panel = make_staggered(86, people=200)
    found = estimate_group_time(panel)
    table = found.table.copy()
    table.loc[0, "period"] = 99
    check = check_against_engine(panel, dataclasses.replace(found, table=table))
    assert check.passed is False


def test_cells_under_another_rule_are_left_out() -> None:
    panel = make_staggered(88, people=200)
    found = estimate_group_time(panel)
    table = found.table.copy()
    table.loc[0, "att"] += 1.0
    table.loc[0, "trimmed"] = 1
    check = check_against_engine(panel, dataclasses.replace(found, table=table))
    assert check.passed is True
    everywhere = table.assign(unsupported=1)
    check = check_against_engine(panel, dataclasses.replace(found, table=everywhere))
    assert check.passed is None


def test_what_the_engine_refuses_is_an_error_of_ours() -> None:
    panel = make_staggered(89, people=60, never=False, groups=(4,))
    with pytest.raises(DesignError, match="diff-diff cannot estimate"):
        fit_engine(panel, control="never")


def spoil(panel: Panel, **columns: object) -> Panel:
    """Return a panel with a frame that its own contract would refuse."""
    spoilt = dataclasses.replace(panel)
    object.__setattr__(spoilt, "frame", panel.frame.assign(**columns))
    return spoilt


def test_traps_are_refused_together() -> None:
    panel = make_staggered(87, people=100)
    gap = panel.frame["first_treat"].astype("float64").copy()
    gap.iloc[0] = np.nan
    with pytest.raises(ContractError, match="first_treat is missing"):
        fit_engine(spoil(panel, first_treat=gap))
    with pytest.raises(ContractError, match="period is no whole number"):
        fit_engine(spoil(panel, period=panel.frame["period"] + 0.5))
    moving = panel.frame["first_treat"].to_numpy().copy()
    moving[0] = 5 if moving[0] != 5 else 6
    with pytest.raises(ContractError, match="first_treat changes within a person"):
        fit_engine(spoil(panel, first_treat=moving))
    with pytest.raises(ContractError, match="twice in one period"):
        fit_engine(spoil(panel, period=1))
