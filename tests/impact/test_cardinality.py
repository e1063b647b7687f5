"""Cardinality matching: as large as it can be, and balanced by proof."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from tests.impact.simulate import simulate_frame
from workbench.core.errors import DesignError, NoOverlapError
from workbench.impact import cardinality
from workbench.impact.cardinality import match_cardinality
from workbench.impact.design_matrix import Design, build_design
from workbench.impact.matching import Matches

COVARIATES = ("x1", "x2", "role")


def make(seed: int, **more: float) -> tuple[pd.DataFrame, Design]:
    frame = simulate_frame(seed, trials=2, **more)  # type: ignore[arg-type]
    frame = frame.sort_values(["trial", "unit"], ignore_index=True)
    return frame.assign(score=frame["x1"] + frame["x2"]), build_design(
        frame, covariates=COVARIATES
    )


def find_gaps(design: Design, treated: np.ndarray, matches: Matches) -> np.ndarray:
    values = design.terms.to_numpy()
    used = matches.weights > 0
    gap = values[used & treated].mean(axis=0) - values[used & ~treated].mean(axis=0)
    return np.abs(gap / values[treated].std(axis=0, ddof=1))


def test_exact_counts_by_hand() -> None:
    """6 learners in a and 4 in b meet 3 and 7 others: 3 and 4 pairs are possible."""
    people = pd.DataFrame(
        {
            "unit": [f"p{place:02d}" for place in range(20)],
            "trial": "2026Q1",
            "treated": [True] * 10 + [False] * 10,
            "group": ["a"] * 6 + ["b"] * 4 + ["a"] * 3 + ["b"] * 7,
            "score": 0.0,
        }
    )
    design = build_design(people, covariates=["group"], min_level=1)
    found = match_cardinality(people, design, tolerance=1e-6)
    groups = people.loc[found.pairs["row"], "group"].to_numpy()
    assert len(found.pairs) == 14
    assert (groups == "a").sum() == 6
    assert len(found.dropped) == 3


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.02, 0.05, 0.2]))
def test_means_agree_and_counts_are_equal_in_every_trial(
    seed: int, tolerance: float
) -> None:
    frame, design = make(seed, people=150)
    treated = frame["treated"].to_numpy()
    try:
        found = match_cardinality(frame, design, tolerance=tolerance)
    except NoOverlapError:
        return
    assert find_gaps(design, treated, found).max() <= tolerance + 1e-9
    pairs = found.pairs
    assert pairs.groupby("trial")["treated"].mean().eq(0.5).all()
    assert pairs.groupby("set")["trial"].nunique().eq(1).all()
    assert not pairs["row"].duplicated().any()
    assert len(pairs) / 2 + len(found.dropped) == treated.sum()


def test_nearly_as_many_as_the_whole_programme_finds() -> None:
    """Against the integer programme itself, solved to the optimum by HiGHS."""
    frame, design = make(3, people=200)
    treated = frame["treated"].to_numpy()
    found = match_cardinality(frame, design)
    sign = np.where(treated, -1.0, 1.0)
    values = design.terms.to_numpy()
    values = (values - values[treated].mean(axis=0)) / values[treated].std(
        axis=0, ddof=1
    )
    signed, room = (values * sign[:, None]).T, 0.05 * treated
    trials = np.array(
        [sign * (frame["trial"] == name) for name in ("2025Q1", "2025Q2")]
    )
    exact = milp(
        -treated.astype(float),
        constraints=[
            LinearConstraint(np.vstack([signed - room, -signed - room]), -np.inf, 0),
            LinearConstraint(trials, 0, 0),
        ],
        integrality=np.ones(len(treated)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.02, "node_limit": 200},
    )
    size = len(found.pairs) // 2
    assert size <= -exact.mip_dual_bound + 1e-6
    assert size >= 0.9 * -exact.mip_dual_bound


def test_pairs_are_the_nearest_in_order() -> None:
    frame, design = make(5, people=150)
    pairs = match_cardinality(frame, design).pairs
    scores = frame["score"].to_numpy()[pairs["row"]]
    ours = scores[pairs["treated"]]
    theirs = scores[~pairs["treated"]]
    for trial in frame["trial"].unique():
        here = (pairs.loc[pairs["treated"], "trial"] == trial).to_numpy()
        order = np.argsort(ours[here], kind="stable")
        assert (np.diff(theirs[here][order]) >= 0).all()
    assert pairs["distance"].to_numpy()[1::2] == pytest.approx(np.abs(ours - theirs))
    assert pairs["treated"].tolist() == [True, False] * (len(pairs) // 2)


def test_the_same_rows_give_the_same_sample() -> None:
    frame, design = make(7, people=200)
    one, two = (match_cardinality(frame, design).pairs for _ in range(2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_what_cannot_be_done_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, design = make(1, people=80)
    with pytest.raises(DesignError, match="tolerance is too small"):
        match_cardinality(frame, design, tolerance=0)
    apart = frame.assign(x1=np.where(frame["treated"], 10.0, 0.0) + frame["x1"] / 100)
    with pytest.raises(NoOverlapError, match="has equal means"):
        match_cardinality(apart, build_design(apart, covariates=["x1"]))
    monkeypatch.setattr(cardinality, "MAX_ROWS", 10)
    with pytest.raises(DesignError, match="Too many rows"):
        match_cardinality(frame, design)
