"""Models of a time: against lifelines, hand-worked numbers and the law drawn from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from tests.prescribe.predict.drawn import FEATURES, draw_frame
from workbench.prescribe.predict.features import read_features
from workbench.prescribe.predict.models import Recipe
from workbench.prescribe.predict.split import split_by_time
from workbench.prescribe.predict.time_models import (
    fit_base,
    fit_time,
    list_edges,
    lose_time,
    read_quantile,
    tune_time,
)

EDGES = list_edges(360)


def draw(size: int = 600, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gap = rng.normal(0, 1, size)
    days = np.ceil(rng.exponential(100 * np.exp(0.8 * gap)))
    ends = np.ceil(rng.uniform(60, 500, size))
    return pd.DataFrame({"gap": gap}), np.minimum(days, ends), days <= ends


def test_edges_are_twelve_equal_steps() -> None:
    assert EDGES.tolist() == [30.0 * step for step in range(1, 13)]


def test_the_cox_curves_are_those_of_lifelines() -> None:
    features, time, event = draw()
    recipe = Recipe(name="simple", kind="time", strength=0.1, seed=1)
    found = fit_time(recipe, features, time, event, edges=EDGES).survive(features)
    scaled = (features - features.mean()) / features.std(ddof=0)
    peer = CoxPHFitter(penalizer=0.1).fit(
        scaled.assign(time=time, event=event), "time", "event"
    )
    curves = peer.predict_survival_function(scaled)
    at = np.searchsorted(curves.index.to_numpy(), EDGES, side="right") - 1
    np.testing.assert_allclose(found, curves.to_numpy()[at].T, atol=1e-6)


@pytest.mark.parametrize("name", ["simple", "boosting"])
def test_curves_come_close_to_the_law(name: str) -> None:
    features, time, event = draw(3000)
    recipe = Recipe(
        name=name, kind="time", strength=60 if name == "boosting" else 0.01, seed=1
    )
    new = pd.DataFrame({"gap": [-1.0, 0.0, 1.0]})
    found = fit_time(recipe, features, time, event, edges=EDGES).survive(new)
    law = np.exp(-np.outer(1 / (100 * np.exp(0.8 * new["gap"])), EDGES))
    assert np.abs(found - law).max() < 0.08
    assert (np.diff(found, axis=1) <= 0).all()


def test_one_curve_for_all_is_the_life_table() -> None:
    time = np.array([10.0, 30.0, 31.0, 45.0, 60.0, 400.0])
    event = np.array([True, True, True, False, False, True])
    found = fit_base(time, event, EDGES)
    # step 1: 2 of 6; step 2: 1 of the 3 followed to its end or the event
    np.testing.assert_allclose(found[:3], [4 / 6, 4 / 6 * 2 / 3, 4 / 6 * 2 / 3])


def test_the_log_score_is_worked_out_by_hand() -> None:
    survival = np.tile([0.8, 0.5, 0.4], (4, 1))
    edges = np.array([10.0, 20.0, 30.0])
    time = np.array([10.0, 15.0, 20.0, 40.0])
    event = np.array([True, False, False, True])
    found = lose_time(time, event, survival, edges)
    np.testing.assert_allclose(found, -np.log([0.2, 0.8, 0.5, 0.4]))


def test_quantiles_lie_between_the_edges() -> None:
    survival = np.array([[0.75, 0.25, 0.2], [0.9, 0.8, 0.7]])
    edges = np.array([10.0, 20.0, 30.0])
    found = read_quantile(survival, edges, 0.5)
    assert found[0] == pytest.approx(15)
    assert np.isnan(found[1])
    assert read_quantile(survival, edges, 0.1)[1] == pytest.approx(10)


def test_both_models_are_tuned_on_the_rows_set_apart() -> None:
    split = split_by_time(draw_frame("time", people=250), seed=1)
    rows = read_features(split.train, FEATURES)
    time = split.train["time"].to_numpy(dtype="float64")
    event = split.train["event"].to_numpy(dtype="bool")
    for name, allowed in (("simple", {0.01, 0.1, 1.0}), ("boosting", range(1, 300))):
        recipe = tune_time(
            name, rows, time, event, edges=EDGES, folds=split.folds, seed=2
        )
        assert recipe.strength in allowed
