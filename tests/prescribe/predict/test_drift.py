"""Drift: known values of the index, and its limit under chance alone."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from workbench.prescribe.predict.drift import (
    PREDICTION,
    count_bins,
    list_moved,
    measure_drift,
)


def compare(before: pd.DataFrame, now: pd.DataFrame, **more: int) -> pd.DataFrame:
    table = measure_drift(
        "left",
        before,
        now,
        predicted_before=np.linspace(0, 1, len(before)),
        predicted_now=np.linspace(0, 1, len(now)),
        min_group=more.get("min_group", 10),
    )
    return table.set_index("feature")


def test_the_index_of_two_levels_is_worked_out_by_hand() -> None:
    before = pd.DataFrame({"role": ["a"] * 500 + ["b"] * 500})
    now = pd.DataFrame({"role": ["a"] * 700 + ["b"] * 300})
    first, second = 700.5 / 1001, 300.5 / 1001
    by_hand = (first - 0.5) * math.log(first / 0.5)
    by_hand += (second - 0.5) * math.log(second / 0.5)
    row = compare(before, now).loc["role"]
    assert row["psi"] == pytest.approx(by_hand, abs=1e-12)
    assert row["psi"] == pytest.approx(0.1693, abs=0.001)
    assert row["limit"] == pytest.approx(0.10 + 3.841459 * 2 / 1000, abs=1e-6)
    assert row["status"] == "moved"


def test_the_same_people_have_not_moved() -> None:
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"gap": rng.normal(size=400), "role": ["a", "b"] * 200})
    found = compare(table, table)
    assert found["psi"].max() == 0
    assert set(found["status"]) == {"stable"}
    assert PREDICTION in found.index


def test_chance_alone_rarely_moves_a_feature() -> None:
    rng = np.random.default_rng(2)
    moved = [
        compare(
            pd.DataFrame({"gap": rng.normal(size=150)}),
            pd.DataFrame({"gap": rng.normal(size=150)}),
        ).loc["gap", "status"]
        == "moved"
        for _ in range(200)
    ]
    assert np.mean(moved) <= 0.02


def test_few_people_are_not_said_to_be_stable() -> None:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"gap": rng.normal(size=60)})
    assert compare(table, table).loc["gap", "status"] == "too few"
    row = compare(table.head(5), table).loc["gap"]
    assert row["status"] == "too few"
    assert math.isnan(row["psi"])
    assert row["n"] is pd.NA


def test_missing_values_are_a_bin_of_their_own() -> None:
    before = pd.Series([1.0, 2.0, 3.0, np.nan])
    now = pd.Series([np.nan] * 3)
    old, new = count_bins(before, now)
    assert old.sum() == 4
    assert new.tolist()[-1] == 3
    assert old.tolist()[-1] == 1


def test_a_count_without_a_year_behind_it_is_left_out() -> None:
    rng = np.random.default_rng(4)
    taught = pd.DataFrame(
        {"courses": rng.poisson(1.0, 500), "gap": rng.normal(0, 1, 500)}
    ).astype("float64")
    tested = pd.DataFrame(
        {"courses": rng.poisson(5.0, 500), "gap": rng.normal(0.3, 1, 500)}
    ).astype("float64")
    assert list_moved(taught, tested, min_group=10) == ("courses",)
