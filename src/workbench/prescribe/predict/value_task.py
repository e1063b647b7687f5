"""Predicting a chance or a value, such as leaving within a year, or a rating."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.prediction_frames import PredictionFrame
from workbench.core.errors import ContractError
from workbench.impact.sample import code_clusters
from workbench.prescribe.predict.calibration import bin_calibration
from workbench.prescribe.predict.features import read_features
from workbench.prescribe.predict.intervals import find_reach
from workbench.prescribe.predict.measures import Measure, measure_mean
from workbench.prescribe.predict.models import (
    Fitted,
    ModelName,
    Recipe,
    fit_recipe,
    lose,
    tune_recipe,
)
from workbench.prescribe.predict.ranking import measure_auc
from workbench.prescribe.predict.scores import score_values
from workbench.prescribe.predict.tasks import Model, Task

__all__ = ["ValueTask"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueTask:
    """How a chance or a value is predicted; see `Task`.

    Attributes
    ----------
    target : PredictionFrame
        Of kind ``binary`` or ``continuous``.
    base : float
        Mean outcome of the rows that teach.
    alpha : float
        One less the level of intervals.
    """

    target: PredictionFrame
    base: float
    alpha: float

    @property
    def day(self) -> float:
        """Return 0: a chance or a value is read at its horizon."""
        return 0.0

    def tune(
        self,
        name: ModelName,
        rows: pd.DataFrame,
        folds: Sequence[BoolArray],
        *,
        seed: int,
    ) -> Recipe:
        """Set the strength of a model on marked parts of the rows."""
        features = read_features(rows, self.target.features)
        kind = self.target.kind
        return tune_recipe(name, kind, features, _read(rows), folds=folds, seed=seed)

    def fit(self, recipe: Recipe, rows: pd.DataFrame) -> Fitted:
        """Fit a tuned model."""
        return fit_recipe(
            recipe, read_features(rows, self.target.features), _read(rows)
        )

    def predict(self, model: Model, rows: pd.DataFrame) -> FloatArray:
        """Predict one number per row."""
        if not isinstance(model, Fitted):
            raise ContractError.build("A model of a time cannot predict a value")
        return model.predict(read_features(rows, self.target.features))

    def lose(self, rows: pd.DataFrame, predicted: FloatArray) -> FloatArray:
        """Return the log score of a chance, the squared error of a value."""
        return lose(self.target.kind, _read(rows), predicted)

    def score(self, rows: pd.DataFrame, predicted: FloatArray) -> list[Measure]:
        """Score predictions; see `score_values`."""
        return score_values(
            self.target.kind,
            _read(rows),
            predicted,
            code_clusters(rows["unit"]),
            base=self.base,
            alpha=self.alpha,
        )

    def score_group(self, rows: pd.DataFrame, predicted: FloatArray) -> list[Measure]:
        """Score a group: ``auc`` or ``mae``, and ``mean_error``."""
        outcome, units = _read(rows), code_clusters(rows["unit"])
        error = outcome - predicted
        if self.target.kind == "binary":
            first = measure_auc(outcome > 0, predicted, units, alpha=self.alpha)
        else:
            first = measure_mean("mae", np.abs(error), units, alpha=self.alpha)
        return [first, measure_mean("mean_error", error, units, alpha=self.alpha)]

    def bin(self, rows: pd.DataFrame, predicted: FloatArray) -> pd.DataFrame:
        """Return the calibration by tenths; see `bin_calibration`."""
        units = code_clusters(rows["unit"])
        kind = self.target.kind
        return bin_calibration(kind, _read(rows), predicted, units, alpha=self.alpha)

    def list_needed(self, rows: pd.DataFrame) -> tuple[BoolArray, BoolArray]:
        """Mark rows with and without the event; twice all rows for a value."""
        if self.target.kind == "binary":
            happened = _read(rows) > 0
            return happened, ~happened
        whole = np.ones(len(rows), dtype="bool")
        return whole, whole

    def forecast(
        self,
        predicted: FloatArray,
        *,
        held: pd.DataFrame,
        held_predicted: FloatArray,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the chance without limits, or the value with conformal ones."""
        if self.target.kind == "binary":
            blank = np.full(len(predicted), np.nan)
            return predicted, blank, blank
        reach = find_reach(_read(held) - held_predicted, alpha=self.alpha)
        return predicted, predicted - reach, predicted + reach

    def summarise(self, predicted: FloatArray) -> FloatArray:
        """Return the predictions."""
        return predicted

    def extend(self) -> Task:
        """Return the task itself."""
        return self


def _read(rows: pd.DataFrame) -> FloatArray:
    values: FloatArray = rows["outcome"].to_numpy(dtype="float64")
    return values
