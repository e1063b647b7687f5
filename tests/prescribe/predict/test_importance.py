"""Shapley values against shap, and words that follow the direction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from shap import LinearExplainer

from tests.prescribe.predict.drawn import FEATURES, draw_frame
from workbench.prescribe.predict.features import is_number, list_slices, read_features
from workbench.prescribe.predict.importance import (
    MOST_ROWS,
    attribute_prediction,
    rank_features,
    write_effect,
)
from workbench.prescribe.predict.models import Recipe, fit_recipe
from workbench.prescribe.predict.split import split_by_time
from workbench.prescribe.predict.time_models import fit_time, list_edges

TRAIN = split_by_time(draw_frame("binary"), seed=1).train
ROWS, OUTCOME = read_features(TRAIN, FEATURES), TRAIN["outcome"].to_numpy()


def fit(name: str, strength: float = 30):
    recipe = Recipe(name=name, kind="binary", strength=strength, seed=1)  # type: ignore[arg-type]
    return fit_recipe(recipe, ROWS, OUTCOME)


def test_parts_of_a_linear_model_are_those_of_shap() -> None:
    model = fit("simple")
    columns = model.encoder.transform(ROWS)
    values = LinearExplainer(model.model, columns).shap_values(columns)
    expected = np.column_stack(
        [values[:, item].sum(axis=1) for item in list_slices(model.encoder, FEATURES)]
    )
    found = attribute_prediction(model, ROWS, seed=1).values
    centre = expected.mean(axis=0)
    np.testing.assert_allclose(found, expected - centre, atol=1e-9)
    assert np.abs(centre).max() < 0.2


@pytest.mark.parametrize("name", ["simple", "boosting"])
def test_parts_add_up_to_the_log_odds_but_for_a_constant(name: str) -> None:
    model = fit(name)
    chance = model.predict(ROWS)
    rest = np.log(chance / (1 - chance)) - attribute_prediction(
        model, ROWS, seed=1
    ).values.sum(axis=1)
    assert np.ptp(rest) < 1e-6


def test_what_drives_the_outcome_comes_first_with_its_direction() -> None:
    model = fit("simple", 1.0)
    found = attribute_prediction(model, ROWS, seed=1)
    table = rank_features("left", "Leaving (in a year)", found, min_group=10)
    assert table["feature"].iloc[0] == "skill_gap"
    words = table.set_index("feature")["effect_words"]
    assert (
        words["skill_gap"]
        == "higher skill gap goes with a higher probability of leaving"
    )
    assert words["role"].startswith("role: agent goes with a higher probability")
    assert table["mean_abs_shap"].is_monotonic_decreasing


def test_of_a_time_above_zero_means_longer() -> None:
    split = split_by_time(draw_frame("time", people=300), seed=1)
    rows = read_features(split.train, FEATURES)
    time = split.train["time"].to_numpy(dtype="float64")
    event = split.train["event"].to_numpy(dtype="bool")
    for name, strength in (("simple", 0.01), ("boosting", 40)):
        recipe = Recipe(name=name, kind="time", strength=strength, seed=1)  # type: ignore[arg-type]
        model = fit_time(recipe, rows, time, event, edges=list_edges(360))
        found = attribute_prediction(model, rows, seed=1)
        assert found.values.shape == (len(rows), len(FEATURES))
        table = rank_features("ramp", "Days to proficiency", found, min_group=10)
        words = table.set_index("feature")["effect_words"]["skill_gap"]
        assert words == "higher skill gap goes with more days to proficiency"


def test_no_direction_is_claimed_where_there_is_none() -> None:
    column = pd.Series(np.linspace(-1, 1, 101))
    options = {"label": "KPI", "kind": "continuous", "min_group": 10}
    bent = write_effect("size", column, column.to_numpy() ** 2, **options)
    assert bent == "size matters in no single direction"
    down = write_effect("size", column, -column.to_numpy(), **options)
    assert down == "higher size goes with a lower KPI"
    assert "no part" in write_effect("size", column, np.zeros(101), **options)


def test_small_levels_are_not_named() -> None:
    levels = pd.Series(["a"] * 50 + ["b"] * 50 + ["rare"] * 3)
    values = np.repeat([0.1, -0.1, -5.0], [50, 50, 3])
    words = write_effect(
        "site", levels, values, label="Rating", kind="continuous", min_group=10
    )
    assert words == "site: a goes with a higher rating, b with the opposite"
    alone = write_effect(
        "site", levels, values, label="Rating", kind="continuous", min_group=60
    )
    assert "hardly any part" in alone


def test_no_more_rows_are_taken_apart_than_needed() -> None:
    many = pd.concat([ROWS] * 5, ignore_index=True)
    found = attribute_prediction(fit("simple"), many, seed=3)
    assert len(many) > MOST_ROWS == len(found.features) == len(found.values)
    again = attribute_prediction(fit("simple"), many, seed=3)
    np.testing.assert_array_equal(found.values, again.values)


def test_features_come_in_two_kinds() -> None:
    table = pd.DataFrame(
        {"flag": [True, False], "role": ["a", None], "n": pd.array([1, None], "Int64")}
    )
    found = read_features(table, ["n", "role", "flag"])
    assert [is_number(found[name]) for name in found] == [True, False, True]
    assert found["role"].tolist() == ["a", "missing"]
    assert np.isnan(found["n"].iloc[1])
