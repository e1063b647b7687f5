"""Predicting how long something takes, such as the days to proficiency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.prediction_frames import PredictionFrame
from workbench.core.errors import ContractError
from workbench.impact.sample import code_clusters
from workbench.prescribe.predict.calibration import bin_time_calibration
from workbench.prescribe.predict.features import read_features
from workbench.prescribe.predict.intervals import limit_times
from workbench.prescribe.predict.measures import Measure, measure_mean
from workbench.prescribe.predict.models import ModelName, Recipe
from workbench.prescribe.predict.ranking import measure_concordance
from workbench.prescribe.predict.scores import (
    find_middle,
    list_errors,
    rank_times,
    score_times,
)
from workbench.prescribe.predict.tasks import Model
from workbench.prescribe.predict.time_models import (
    FittedTime,
    fit_time,
    list_edges,
    lose_time,
    read_quantile,
    tune_time,
)

__all__ = ["TimeTask"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTask:
    """How a time is predicted; see `Task`.

    Attributes
    ----------
    target : PredictionFrame
        Of kind ``time``.
    edges : array
        Ends of the steps in days; the last is the horizon that can be tested.
    base : array
        Share left at each edge of all rows that teach together.
    alpha : float
        One less the level of intervals.
    """

    target: PredictionFrame
    edges: FloatArray
    base: FloatArray
    alpha: float

    @property
    def day(self) -> float:
        """Return the day by which about half have had the event."""
        return float(self.edges[find_middle(self.base)])

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
        time, event = _read(rows)
        return tune_time(
            name, features, time, event, edges=self.edges, folds=folds, seed=seed
        )

    def fit(self, recipe: Recipe, rows: pd.DataFrame) -> FittedTime:
        """Fit a tuned model."""
        features = read_features(rows, self.target.features)
        return fit_time(recipe, features, *_read(rows), edges=self.edges)

    def predict(self, model: Model, rows: pd.DataFrame) -> FloatArray:
        """Predict the share left, by row and edge."""
        if not isinstance(model, FittedTime):
            raise ContractError.build("A model of a value cannot predict a time")
        return model.survive(read_features(rows, self.target.features))

    def lose(self, rows: pd.DataFrame, predicted: FloatArray) -> FloatArray:
        """Return the log score of each row."""
        return lose_time(*_read(rows), predicted, self.edges)

    def score(self, rows: pd.DataFrame, predicted: FloatArray) -> list[Measure]:
        """Score predictions; see `score_times`."""
        return score_times(
            *_read(rows),
            predicted,
            code_clusters(rows["unit"]),
            edges=self.edges,
            base=self.base,
            alpha=self.alpha,
        )

    def score_group(self, rows: pd.DataFrame, predicted: FloatArray) -> list[Measure]:
        """Score a group: ``c_index``, and ``mean_error``, events beyond those expected.

        The latter is per person, while followed within the horizon.
        """
        time, event = _read(rows)
        units = code_clusters(rows["unit"])
        error = list_errors(time, event, predicted, self.edges)
        return [
            measure_concordance(
                time, event, rank_times(predicted), units, alpha=self.alpha
            ),
            measure_mean("mean_error", error, units, alpha=self.alpha),
        ]

    def bin(self, rows: pd.DataFrame, predicted: FloatArray) -> pd.DataFrame:
        """Return the calibration by tenths; see `bin_time_calibration`."""
        chance = 1 - predicted[:, find_middle(self.base)]
        return bin_time_calibration(
            *_read(rows), chance, day=self.day, alpha=self.alpha
        )

    def list_needed(self, rows: pd.DataFrame) -> tuple[BoolArray, BoolArray]:
        """Mark rows whose event was seen, and all rows."""
        return _read(rows)[1], np.ones(len(rows), dtype="bool")

    def forecast(
        self,
        predicted: FloatArray,
        *,
        held: pd.DataFrame,
        held_predicted: FloatArray,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the median days with limits; NaN beyond the horizon.

        `predicted` is over the whole horizon, `held_predicted` over the tested one.
        """
        days = self.extend().edges
        time, event = _read(held)
        low, high = limit_times(
            predicted,
            days,
            held_time=time,
            held_event=event,
            held_survival=held_predicted,
            held_edges=self.edges,
            alpha=self.alpha,
        )
        return read_quantile(predicted, days, 0.5), low, high

    def summarise(self, predicted: FloatArray) -> FloatArray:
        """Return the share of the horizon that is expected to be needed."""
        return rank_times(predicted)

    def extend(self) -> TimeTask:
        """Return the task over the whole horizon of the outcome."""
        horizon = self.target.horizon_days or int(self.edges[-1])
        return replace(self, edges=list_edges(horizon))


def _read(rows: pd.DataFrame) -> tuple[FloatArray, BoolArray]:
    return rows["time"].to_numpy(dtype="float64"), rows["event"].to_numpy(dtype="bool")
