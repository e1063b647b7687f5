"""Errors by protected group against fairlearn; small cells; stand-ins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from scipy.stats.contingency import association
from sklearn.metrics import mean_absolute_error, roc_auc_score

from workbench.impact.sample import code_clusters
from workbench.prescribe.predict.measures import Measure, measure_mean
from workbench.prescribe.predict.proxies import find_proxies, measure_association
from workbench.prescribe.predict.ranking import measure_auc
from workbench.prescribe.predict.subgroup_errors import GroupErrors, measure_groups


def draw(size: int = 900, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.1, 0.6, size)
    return pd.DataFrame(
        {
            "unit": [f"u{number}" for number in range(size)],
            "gender": rng.choice(["female", "male", "other"], size, p=[0.5, 0.4, 0.1]),
            "chance": chance,
            "outcome": (rng.random(size) < chance).astype("float64"),
        }
    )


def measure(rows: pd.DataFrame, *, min_group: int = 10) -> GroupErrors:
    happened = rows["outcome"].to_numpy() > 0

    def score(part: np.ndarray) -> list[Measure]:
        held = rows[part]
        units = code_clusters(held["unit"])
        error = (held["outcome"] - held["chance"]).to_numpy()
        return [
            measure_auc(happened[part], held["chance"].to_numpy(), units, alpha=0.05),
            measure_mean("mae", np.abs(error), units, alpha=0.05),
            measure_mean("mean_error", error, units, alpha=0.05),
        ]

    return measure_groups(
        "left",
        rows,
        protected=["gender"],
        needed=(happened, ~happened),
        measure=score,
        min_group=min_group,
    )


def test_scores_by_group_are_those_of_fairlearn() -> None:
    rows = draw()
    found = measure(rows).table.pivot_table(
        index="group", columns="metric", values="value"
    )
    peer = MetricFrame(
        metrics={"auc": roc_auc_score, "mae": mean_absolute_error},
        y_true=rows["outcome"],
        y_pred=rows["chance"],
        sensitive_features=rows["gender"],
    ).by_group
    pd.testing.assert_frame_equal(
        found[["auc", "mae"]], peer[["auc", "mae"]].astype("float64"),
        check_names=False,
    )  # fmt: skip


def test_small_groups_keep_everything_back() -> None:
    rows = draw()
    small = rows["gender"].eq("other") & (rows.index > 60)
    rows = rows[~small].reset_index(drop=True)
    table = measure(rows).table
    hidden = table[table["group"] == "other"]
    assert hidden["suppressed"].all()
    assert hidden[["value", "low", "high", "n"]].isna().all(axis=None)
    shown = table[~table["suppressed"]]
    assert shown["value"].notna().all()
    assert shown.groupby("group")["n"].first().isna().sum() == 1


def test_no_group_is_blamed_for_chance_and_a_real_gap_is_found() -> None:
    worst = [
        min(item.p_adjusted for item in measure(draw(seed=seed)).gaps)
        for seed in range(60)
    ]
    assert np.mean(np.array(worst) < 0.05) <= 0.12
    rows = draw()
    women = rows["gender"] == "female"
    rows["chance"] = rows["chance"].where(~women, rows["chance"] + 0.2)
    found = {item.metric: item for item in measure(rows).gaps}
    assert found["mean_error"].p_adjusted < 0.001
    assert found["mean_error"].spread == pytest.approx(0.2, abs=0.08)
    assert found["auc"].p_adjusted > 0.01


def test_missing_attributes_are_a_group() -> None:
    rows = draw()
    rows["gender"] = rows["gender"].where(rows["gender"] != "other")
    assert "not stated" in set(measure(rows).table["group"])


def test_association_is_cramer_s_v_less_what_chance_gives() -> None:
    rng = np.random.default_rng(1)
    first = pd.Series(rng.choice(["a", "b", "c"], 4000))
    same = first.where(rng.random(4000) < 0.5, "a")
    plain = association(pd.crosstab(first, same).to_numpy(), method="cramer")
    assert measure_association(first, same) == pytest.approx(plain, abs=0.002)
    assert measure_association(first, first) == pytest.approx(1, abs=1e-3)
    other = pd.Series(rng.choice(["x", "y"], 4000))
    assert measure_association(first, other) < 0.03
    assert measure_association(pd.Series(["a"] * 9), pd.Series(["b"] * 9)) == 0


def test_stand_ins_are_named_the_strongest_first() -> None:
    rng = np.random.default_rng(2)
    gender = pd.Series(rng.choice(["female", "male"], 2000))
    woman = (gender == "female").to_numpy()
    features = pd.DataFrame(
        {
            "fte": np.where(woman & (rng.random(2000) < 0.5), 0.5, 1.0),
            "height": rng.normal(size=2000) - 2.0 * woman,
            "noise": rng.normal(size=2000),
        }
    )
    found = find_proxies(features, gender.to_frame("gender"))
    assert [item[:2] for item in found] == [("height", "gender"), ("fte", "gender")]
