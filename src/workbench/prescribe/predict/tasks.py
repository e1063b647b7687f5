"""The one shape in which chances, values and times are predicted and judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.prediction_frames import PredictionFrame
from workbench.prescribe.predict.measures import Measure
from workbench.prescribe.predict.models import Fitted, ModelName, Recipe
from workbench.prescribe.predict.time_models import FittedTime

__all__ = ["Model", "Task"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

Model = Fitted | FittedTime


class Task(Protocol):
    """How one kind of outcome is fitted, predicted and scored.

    Rows are those of a `PredictionFrame`. What is predicted is one number per row, or
    for a time one share per row and step.
    """

    @property
    def target(self) -> PredictionFrame:
        """What is predicted."""

    @property
    def day(self) -> float:
        """Day by which the calibration of a time is read; 0 for others."""

    def tune(
        self,
        name: ModelName,
        rows: pd.DataFrame,
        folds: Sequence[BoolArray],
        *,
        seed: int,
    ) -> Recipe:
        """Set the strength of a model on marked parts of the rows."""

    def fit(self, recipe: Recipe, rows: pd.DataFrame) -> Model:
        """Fit a tuned model."""

    def predict(self, model: Model, rows: pd.DataFrame) -> FloatArray:
        """Predict the rows."""

    def lose(self, rows: pd.DataFrame, predicted: FloatArray) -> FloatArray:
        """Return the loss of each row by which models are chosen."""

    def score(self, rows: pd.DataFrame, predicted: FloatArray) -> list[Measure]:
        """Score predictions on rows that did not teach."""

    def score_group(self, rows: pd.DataFrame, predicted: FloatArray) -> list[Measure]:
        """Score predictions of a protected group, the mean error last."""

    def bin(self, rows: pd.DataFrame, predicted: FloatArray) -> pd.DataFrame:
        """Return the calibration by tenths."""

    def list_needed(self, rows: pd.DataFrame) -> tuple[BoolArray, BoolArray]:
        """Mark two kinds of rows of which scores of a group need enough people."""

    def forecast(
        self,
        predicted: FloatArray,
        *,
        held: pd.DataFrame,
        held_predicted: FloatArray,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return predictions for people now with limits set by the rows held out."""

    def summarise(self, predicted: FloatArray) -> FloatArray:
        """Return one number per row, by which predictions are compared over time."""

    def extend(self) -> Task:
        """Return the task of the model that is used: over the whole horizon."""
