"""The change of learners against that of the people they were matched with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.cohorts.frames import Panel
from workbench.core.errors import TooFewUnitsError
from workbench.core.params import Completion, Outcome, Program
from workbench.impact.did.matched_change import estimate_matched_change


def _make(count: int = 30, *, effect: float = 0.5) -> tuple[Panel, pd.DataFrame]:
    """Make pairs whose members differ by a constant and rise by 0.2 alike."""
    rng = np.random.default_rng(3)
    start = rng.normal(3, 1, count)
    rows = []
    for arm in (0, 1):
        for person in range(count):
            level = start[person] + 0.3 * arm
            name = f"{'ol'[arm]}{person:02d}"
            rows.append((name, 1, level, 2 * arm))
            rows.append((name, 3, level + 0.2 + effect * arm, 2 * arm))
    frame = pd.DataFrame(rows, columns=["unit", "period", "outcome", "first_treat"])
    frame["team"] = [f"t{name[1]}" for name in frame["unit"]]
    pairs = pd.DataFrame(
        {
            "set": list(range(count)) * 2,
            "unit": [f"{arm}{i:02d}" for arm in "lo" for i in range(count)],
            "trial": "2026Q2",
            "treated": [True] * count + [False] * count,
            "weight": 1.0,
        }
    )
    panel = Panel(
        quarter="2026Q3",
        persona="team_leads",
        program=Program(
            id="lead",
            personas=("team_leads",),
            courses=("a",),
            complete=Completion(at_least=1),
        ),
        outcome=Outcome(id="rating", source="performance.rating", kind="continuous"),
        frame=frame.sort_values(["unit", "period"]),
        periods=("2026Q1", "2026Q2", "2026Q3"),
        exposures=(2,),
        lag=1,
        flow=pd.DataFrame(),
    )
    return panel, pairs


def test_the_common_rise_and_the_constant_difference_drop_out() -> None:
    panel, pairs = _make()
    found = estimate_matched_change(panel, pairs)
    assert found.value == pytest.approx(0.5)
    assert found.n_treated == found.n_control == 30


def test_a_pair_without_both_outcomes_is_left_out() -> None:
    panel, pairs = _make()
    gone = panel.frame["unit"].eq("o00") & panel.frame["period"].eq(1)
    short = _with_frame(panel, panel.frame[~gone])
    found = estimate_matched_change(short, pairs)
    assert (found.n_treated, found.n_control) == (29, 29)


def test_a_set_that_loses_one_of_two_others_keeps_its_weight() -> None:
    panel, pairs = _make()
    second = pairs[~pairs["treated"]].copy()
    second["unit"] = np.roll(second["unit"].to_numpy(), 1)
    halved = pairs.assign(weight=np.where(pairs["treated"], 1.0, 0.5))
    both = pd.concat([halved, second.assign(weight=0.5)], ignore_index=True)
    gone = panel.frame["unit"].eq("o00") & panel.frame["period"].eq(1)
    short = _with_frame(panel, panel.frame[~gone])
    assert estimate_matched_change(short, both).value == pytest.approx(0.5)


def test_too_few_people_are_refused() -> None:
    panel, pairs = _make(9)
    with pytest.raises(TooFewUnitsError, match="before and after"):
        estimate_matched_change(panel, pairs)


def _with_frame(panel: Panel, frame: pd.DataFrame) -> Panel:
    names = ["quarter", "persona", "program", "outcome", "periods", "exposures"]
    own = {name: getattr(panel, name) for name in [*names, "lag", "flow"]}
    return Panel(**own, frame=frame)
