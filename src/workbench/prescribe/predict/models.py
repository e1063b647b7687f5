"""Two models of a value or of a chance: a regularised linear one, and boosted trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.prescribe.predict.features import (
    build_linear_encoder,
    build_tree_encoder,
)

__all__ = [
    "Fitted",
    "Kind",
    "ModelName",
    "Recipe",
    "build_boosting",
    "count_trees",
    "fit_recipe",
    "lose",
    "tune_recipe",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Kind = Literal["binary", "continuous", "time"]
ModelName = Literal["simple", "boosting"]

_PENALTIES = (1.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
_MOST_TREES = 400
_PATIENCE = 20
_EDGE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a model is fitted once it has been tuned.

    ``strength`` is the penalty on squared coefficients of a simple model, or the number
    of trees of boosting.
    """

    name: ModelName
    kind: Kind
    strength: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fitted model of a value or a chance: encoder, model, and the names it reads."""

    recipe: Recipe
    encoder: Any
    model: Any
    features: tuple[str, ...]

    def predict(self, features: pd.DataFrame) -> FloatArray:
        """Predict one number per row: the value, or the probability of the event."""
        columns = self.encoder.transform(features[list(self.features)])
        return _apply(self.model, self.recipe.kind, columns)


def tune_recipe(
    name: ModelName,
    kind: Kind,
    features: pd.DataFrame,
    outcome: FloatArray,
    *,
    folds: Sequence[BoolArray],
    seed: int,
) -> Recipe:
    """Set the penalty, or the number of trees, on parts of what teaches.

    Parameters
    ----------
    name : {"simple", "boosting"}
        Which model.
    kind : {"binary", "continuous"}
        Logistic or linear.
    features : DataFrame
        From `read_features`, one row per row that teaches.
    outcome : array of shape (rows,)
        0 or 1, or the value.
    folds : sequence of array of bool of shape (rows,)
        Parts on which models of the rest are judged; trees are counted on the first.
    seed : int
        Of boosting.

    Returns
    -------
    Recipe
        The strength with the smallest loss on those parts.
    """
    base = Recipe(name=name, kind=kind, strength=float(_MOST_TREES), seed=seed)
    if name == "boosting":
        tune = folds[0]
        rest = features[~tune]
        encoder = build_tree_encoder(rest).fit(rest)
        model = build_boosting(base, stop=True)
        model.fit(
            encoder.transform(rest),
            outcome[~tune],
            X_val=encoder.transform(features[tune]),
            y_val=outcome[tune],
        )
        return _strengthen(base, count_trees(model))
    tried = [_strengthen(base, item) for item in _PENALTIES]
    losses = [_try(tried, features, outcome, tune) for tune in folds]
    return tried[int(np.argmin(np.sum(losses, axis=0)))]


def fit_recipe(recipe: Recipe, features: pd.DataFrame, outcome: FloatArray) -> Fitted:
    """Fit a tuned model to all rows given."""
    names: Sequence[str] = list(features.columns)
    if recipe.name == "boosting":
        encoder = build_tree_encoder(features)
        model = build_boosting(recipe)
    else:
        encoder = build_linear_encoder(features)
        model = _build_simple(recipe)
    model.fit(encoder.fit_transform(features), outcome)
    return Fitted(recipe=recipe, encoder=encoder, model=model, features=tuple(names))


def lose(kind: Kind, outcome: FloatArray, predicted: FloatArray) -> FloatArray:
    """Return the loss of each row that models are chosen by: log score or square."""
    if kind == "binary":
        happened = outcome > 0
        return -np.log(np.where(happened, predicted, 1 - predicted))
    return (outcome - predicted) ** 2


def build_boosting(recipe: Recipe, *, stop: bool = False) -> Any:
    """Build boosted trees, not fitted.

    With `stop` they stop when 20 more trees did not help; the rows to judge that by are
    then given to ``fit`` and none are drawn at random.
    """
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    settings: dict[str, Any] = {
        "learning_rate": 0.05,
        "max_iter": int(recipe.strength),
        "max_leaf_nodes": 8,
        "min_samples_leaf": 30,
        "l2_regularization": 1.0,
        "early_stopping": stop,
        "n_iter_no_change": _PATIENCE,
        "random_state": recipe.seed % 2**32,
    }
    if recipe.kind == "continuous":
        return HistGradientBoostingRegressor(**settings)
    return HistGradientBoostingClassifier(**settings)


def count_trees(model: Any) -> int:
    """Count the trees of a model that stopped, without those that did not help."""
    return max(int(model.n_iter_) - _PATIENCE, 1)


def _apply(model: Any, kind: Kind, columns: FloatArray) -> FloatArray:
    """Predict from columns; chances keep clear of 0 and 1."""
    if kind == "binary":
        chance = np.asarray(model.predict_proba(columns)[:, 1], dtype="float64")
        clipped: FloatArray = np.clip(chance, _EDGE, 1 - _EDGE)
        return clipped
    return np.asarray(model.predict(columns), dtype="float64")


def _try(
    tried: Sequence[Recipe],
    features: pd.DataFrame,
    outcome: FloatArray,
    tune: BoolArray,
) -> list[float]:
    """Return the losses on a part of simple models fitted to the rest."""
    rest = features[~tune]
    encoder = build_linear_encoder(rest)
    columns = encoder.fit_transform(rest)
    judged = encoder.transform(features[tune])
    losses = []
    for item in tried:
        model = _build_simple(item).fit(columns, outcome[~tune])
        predicted = _apply(model, item.kind, judged)
        losses.append(float(lose(item.kind, outcome[tune], predicted).sum()))
    return losses


def _strengthen(recipe: Recipe, strength: float) -> Recipe:
    return Recipe(
        name=recipe.name, kind=recipe.kind, strength=float(strength), seed=recipe.seed
    )


def _build_simple(recipe: Recipe) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    if recipe.kind == "continuous":
        return Ridge(alpha=recipe.strength)
    return LogisticRegression(
        C=1 / recipe.strength, solver="newton-cholesky", max_iter=200, tol=1e-8
    )
