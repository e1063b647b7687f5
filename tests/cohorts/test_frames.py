"""The panel refuses what cannot be compared over time."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.cohorts.frames import Panel
from workbench.core.errors import ContractError, MissingColumnError
from workbench.core.params import Completion, Outcome, Program


def _make_panel(frame: pd.DataFrame, **more: object) -> Panel:
    given: dict[str, object] = {
        "quarter": "2026Q3",
        "persona": "team_leads",
        "program": Program(
            id="lead",
            personas=("team_leads",),
            courses=("a",),
            complete=Completion(at_least=1),
        ),
        "outcome": Outcome(id="rating", source="performance.rating", kind="continuous"),
        "frame": frame,
        "periods": ("2026Q1", "2026Q2"),
        "exposures": (2,),
        "lag": 0,
        "flow": pd.DataFrame(),
    }
    return Panel(**{**given, **more})  # type: ignore[arg-type]


def _make_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit": ["a", "a", "b", "b"],
            "period": [1, 2, 1, 2],
            "outcome": [3.0, 4.0, 3.0, 3.0],
            "first_treat": [2, 2, 0, 0],
            "team": ["x", "x", "y", "y"],
        }
    )


def test_a_panel_keeps_its_rows() -> None:
    assert len(_make_panel(_make_frame(), clusters=("unit", "team")).frame) == 4


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("period", [1, 1, 1, 2], "twice in one quarter"),
        ("period", [1, 3, 1, 2], "outside 1 to 2"),
        ("period", [1.0, 2.0, 1.0, 2.0], "whole numbers"),
        ("outcome", [3.0, float("nan"), 3.0, 3.0], "not a finite number"),
        ("first_treat", [2, 0, 0, 0], "first_treat changes within a person"),
        ("team", ["x", "y", "y", "y"], "team changes within a person"),
    ],
)
def test_a_fault_of_a_panel_is_named(
    column: str, value: list[object], message: str
) -> None:
    frame = _make_frame().assign(**{column: value})
    with pytest.raises(ContractError, match=message):
        _make_panel(frame, clusters=("unit", "team"))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(MissingColumnError, match="skill"):
        _make_panel(_make_frame(), covariates=("skill",))
