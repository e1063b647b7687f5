"""The two models, and the rule by which one of them is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.prescribe.predict.drawn import FEATURES, draw_frame
from workbench.prescribe.predict.analysis import choose_model
from workbench.prescribe.predict.features import read_features
from workbench.prescribe.predict.measures import Measure
from workbench.prescribe.predict.models import Recipe, fit_recipe, lose, tune_recipe
from workbench.prescribe.predict.scores import measure_gain, score_values
from workbench.prescribe.predict.split import split_by_time

SPLIT = split_by_time(draw_frame("binary"), seed=1)
ROWS = read_features(SPLIT.train, FEATURES)
OUTCOME = SPLIT.train["outcome"].to_numpy()


def test_the_simple_model_is_a_penalised_regression_of_scaled_columns() -> None:
    recipe = Recipe(name="simple", kind="binary", strength=10, seed=1)
    columns = ROWS[["tenure_days", "noise"]]
    found = fit_recipe(recipe, columns, OUTCOME)
    scaled = (columns - columns.mean()) / columns.std(ddof=0)
    peer = LogisticRegression(C=0.1, solver="lbfgs", tol=1e-10).fit(scaled, OUTCOME)
    np.testing.assert_allclose(
        found.predict(columns), peer.predict_proba(scaled)[:, 1], atol=1e-6
    )


def test_missing_and_unknown_levels_are_predicted() -> None:
    new = ROWS.head(3).assign(role=["astronaut", "agent", "missing"])
    new.loc[new.index[0], "skill_gap"] = np.nan
    for name in ("simple", "boosting"):
        recipe = Recipe(name=name, kind="binary", strength=20, seed=1)
        found = fit_recipe(recipe, ROWS, OUTCOME).predict(new)
        assert ((found > 0) & (found < 1)).all()


def test_boosting_is_the_same_each_time_and_stops_on_the_rows_set_apart() -> None:
    recipes = [
        tune_recipe("boosting", "binary", ROWS, OUTCOME, folds=SPLIT.folds, seed=5)
        for _ in range(2)
    ]
    assert recipes[0] == recipes[1]
    assert 1 <= recipes[0].strength < 400
    first, second = (fit_recipe(item, ROWS, OUTCOME).predict(ROWS) for item in recipes)
    np.testing.assert_array_equal(first, second)


def test_a_weak_outcome_is_penalised_more_than_a_strong_one() -> None:
    rng = np.random.default_rng(1)
    noise = (rng.random(len(ROWS)) < 0.3).astype("float64")
    clear = (ROWS["noise"] + 0.3 * rng.normal(size=len(ROWS)) > 0).astype("float64")
    weak, strong = (
        tune_recipe("simple", "binary", ROWS, item, folds=SPLIT.folds, seed=1).strength
        for item in (noise, clear.to_numpy())
    )
    assert weak > strong


def test_losses_are_the_log_score_and_the_square() -> None:
    chance = lose("binary", np.array([1.0, 0.0]), np.array([0.8, 0.8]))
    np.testing.assert_allclose(chance, [-np.log(0.8), -np.log(0.2)])
    assert lose("continuous", np.array([3.0]), np.array([1.0])).tolist() == [4]


@pytest.mark.parametrize(
    ("low", "high", "chosen"),
    [(0.01, 0.05, "boosting"), (-0.01, 0.05, "simple"), (-0.05, -0.01, "simple")],
)
def test_boosting_must_be_better_beyond_the_error(
    low: float, high: float, chosen: str
) -> None:
    gain = Measure(metric="gain", value=(low + high) / 2, low=low, high=high, n=9)
    assert choose_model(gain) == chosen
    unknown = Measure(metric="gain", value=0.1, n=1)
    assert choose_model(unknown) == "simple"


def test_between_equals_boosting_is_rarely_chosen() -> None:
    rng = np.random.default_rng(3)
    chosen = [
        choose_model(
            measure_gain(
                rng.normal(1, 1, 200), rng.normal(1, 1, 200), np.arange(200), alpha=0.05
            )
        )
        for _ in range(400)
    ]
    assert 0.005 <= chosen.count("boosting") / 400 <= 0.05


def test_scores_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import (
        brier_score_loss,
        log_loss,
        mean_absolute_error,
        r2_score,
        roc_auc_score,
        root_mean_squared_error,
    )

    rng = np.random.default_rng(4)
    chance = rng.uniform(0.05, 0.6, 300)
    outcome = (rng.random(300) < chance).astype("float64")
    value = 3 + rng.normal(0, 1, 300)
    guess = 3 + 0.6 * (value - 3) + rng.normal(0, 0.5, 300)
    for kind, truth, predicted, metrics in (
        (
            "binary",
            outcome,
            chance,
            {"auc": roc_auc_score, "brier": brier_score_loss, "log_loss": log_loss},
        ),
        (
            "continuous",
            value,
            guess,
            {
                "r2": r2_score,
                "mae": mean_absolute_error,
                "rmse": root_mean_squared_error,
            },
        ),
    ):
        found = score_values(
            kind, truth, predicted, np.arange(300), base=truth.mean(), alpha=0.05
        )
        by_name = {item.metric: item for item in found}
        for name, metric in metrics.items():
            assert by_name[name].value == pytest.approx(metric(truth, predicted))
            assert by_name[name].low < by_name[name].value < by_name[name].high
        blank = lose(kind, truth, np.full(300, truth.mean())).mean()
        saved = 1 - lose(kind, truth, predicted).mean() / blank
        assert by_name["skill"].value == pytest.approx(saved)
