from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from tests.impact.simulate import simulate_frame
from workbench.impact.balance import check_balance, grade_balance, tabulate_balance
from workbench.impact.design_matrix import Design, build_design
from workbench.impact.overlap import count_effective


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return simulate_frame(7, people=400)


@pytest.fixture(scope="module")
def design(frame: pd.DataFrame) -> Design:
    return build_design(frame, covariates=["x1", "x2", "role"])


def _table(frame: pd.DataFrame, design: Design, weights: object) -> pd.DataFrame:
    return tabulate_balance(
        design,
        frame["treated"].to_numpy(),
        weights=np.asarray(weights, dtype="float64"),
        site=frame["site"],
    )


def test_before_matching_by_hand(frame: pd.DataFrame, design: Design) -> None:
    table = _table(frame, design, np.ones(len(frame)))
    row = table[(table["site"] == "_all") & (table["stage"] == "before")]
    row = row.set_index("term").loc["x1"]
    ours, theirs = (frame.loc[frame["treated"] == arm, "x1"] for arm in (True, False))
    assert row["smd"] == pytest.approx((ours.mean() - theirs.mean()) / ours.std())
    assert row["variance_ratio"] == pytest.approx(ours.var() / theirs.var())
    assert row["ks"] == pytest.approx(ks_2samp(ours, theirs).statistic)
    assert row["ecdf_max"] == row["ks"] >= row["ecdf_mean"] > 0
    assert (row["n_treated"], row["n_control"]) == (len(ours), len(theirs))
    level = table[(table["site"] == "_all") & (table["term"] == "role=b")].iloc[0]
    assert level["ks"] == pytest.approx(
        abs(level["mean_treated"] - level["mean_control"])
    )
    assert np.isnan(level["variance_ratio"])


def test_whole_weights_are_repeated_rows(frame: pd.DataFrame, design: Design) -> None:
    weights = np.random.default_rng(1).integers(0, 4, len(frame)).astype(float)
    weights[frame["treated"]] = 1.0
    table = _table(frame, design, weights)
    after = table[(table["site"] == "_all") & (table["stage"] == "after")]
    repeated = frame.loc[frame.index.repeat(weights.astype(int))]
    theirs = repeated[~repeated["treated"]]
    row = after.set_index("term").loc["x2"]
    assert row["mean_control"] == pytest.approx(theirs["x2"].mean())
    ours = frame.loc[frame["treated"], "x2"]
    assert row["ks"] == pytest.approx(ks_2samp(ours, theirs["x2"]).statistic)
    used = weights[~frame["treated"]]
    assert row["ess_control"] == pytest.approx(used.sum() ** 2 / (used**2).sum())


def test_the_denominator_is_the_same_before_and_after(
    frame: pd.DataFrame, design: Design
) -> None:
    weights = np.where(frame["x1"] > 0, 1.0, 0.0)
    table = _table(frame, design, weights)
    rows = table[(table["site"] == "_all") & (table["term"] == "x1")]
    spread = frame.loc[frame["treated"], "x1"].std()
    gaps = (rows["mean_treated"] - rows["mean_control"]) / spread
    np.testing.assert_allclose(rows["smd"], gaps)


def test_a_level_no_learner_has_still_counts(frame: pd.DataFrame) -> None:
    only = frame.assign(
        place=np.where(~frame["treated"] & (frame.index % 3 == 0), "far", "near")
    )
    design = build_design(only, covariates=["x1", "place"])
    table = _table(only, design, np.ones(len(only)))
    row = table[(table["term"] == "place=far") & (table["site"] == "_all")].iloc[0]
    assert row["mean_treated"] == 0
    assert -2 < row["smd"] < -0.3


def test_sites_are_compared_apart_and_small_ones_left_out(
    frame: pd.DataFrame, design: Design
) -> None:
    few = frame.assign(site=frame["site"].where(frame.index >= 6, "tiny"))
    table = _table(few, design, np.ones(len(few)))
    assert set(table["site"]) == {"_all", "north", "south"}
    north = few["site"] == "north"
    row = table[(table["site"] == "north") & (table["term"] == "x1")].iloc[0]
    theirs = few.loc[north & ~few["treated"], "x1"]
    assert row["mean_control"] == pytest.approx(theirs.mean())


def test_bands_and_checks() -> None:
    smd = pd.Series([0.0, -0.05, 0.051, -0.25, 0.26])
    assert grade_balance(smd).tolist() == ["good", "good", "fair", "fair", "poor"]
    base = pd.DataFrame(
        {
            "term": ["a", "b", "a"],
            "site": ["_all", "_all", "north"],
            "stage": "after",
            "smd": [0.02, -0.2, 0.4],
            "ess_treated": 100.0,
            "ess_control": 90.0,
        }
    )
    found = {item.check: item for item in check_balance(base)}
    assert found["balance"].passed
    assert found["balance"].value == pytest.approx(0.2)
    assert "(b)" in found["balance"].text
    assert found["balance_good"].status == "warn"
    assert found["balance_sites"].status == "warn"
    assert found["balance_sites"].limit > 0.25
    small = check_balance(base.assign(ess_treated=12.0))
    assert small[2].passed
    worse = check_balance(base.assign(smd=[0.02, -0.3, 0.1]))
    assert worse[0].passed is False


def test_effective_size() -> None:
    assert count_effective(np.ones(7)) == pytest.approx(7)
    assert count_effective(np.array([5.0, 0.0, 0.0])) == pytest.approx(1)
    assert count_effective(np.zeros(3)) == 0
    weights = np.random.default_rng(2).uniform(size=50)
    assert count_effective(weights * 9) == pytest.approx(count_effective(weights))
    assert count_effective(weights) < 50
