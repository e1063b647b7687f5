"""What learners would have without a module: one regression for all modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.impact.propensity import PENALTY
from workbench.prescribe.modules.parts import Part
from workbench.prescribe.modules.rows import N_FOLDS, ModuleRows

__all__ = ["Base", "fit_base", "mark_skipped"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Predictions of the outcome by people other than the row's own.

    Attributes
    ----------
    expected : array of shape (rows,)
        From the covariates and having learnt; every module passed.
    skipping : array of shape (rows, parts)
        What skipping a part adds, as the row's model has it.
    skipped : array of bool of shape (rows, parts)
        Learners who passed none of the part.
    """

    expected: FloatArray
    skipping: FloatArray
    skipped: BoolArray


def fit_base(rows: ModuleRows, parts: Sequence[Part]) -> Base:
    """Predict every row's outcome by a regression fitted on other people.

    Learners and others are fitted together, since there are many more others to tell
    what the covariates do: ridge regression on covariates, trials, having learnt, and
    having skipped each part.

    Parameters
    ----------
    rows : ModuleRows
        Learners and others.
    parts : sequence of Part
        What can be told apart.
    """
    treated = rows.sample.treated
    skipped = mark_skipped(rows, parts)
    columns = np.column_stack([rows.matrix, treated, skipped])
    terms = rows.matrix.shape[1] + 1
    expected = np.empty(len(treated))
    skipping = np.empty((len(treated), len(parts)))
    for fold in range(N_FOLDS):
        held = rows.folds == fold
        level, slopes = _fit_ridge(columns[~held], rows.sample.outcome[~held])
        expected[held] = level + columns[held][:, :terms] @ slopes[:terms]
        skipping[held] = slopes[terms:]
    return Base(expected=expected, skipping=skipping, skipped=skipped)


def mark_skipped(rows: ModuleRows, parts: Sequence[Part]) -> BoolArray:
    """Mark learners who passed no module of a part, one column per part."""
    marks = np.zeros((len(rows.known), len(parts)), dtype=bool)
    for place, part in enumerate(parts):
        marks[:, place] = rows.learners & ~rows.passed[:, list(part.columns)].any(
            axis=1
        )
    return marks


def _fit_ridge(matrix: FloatArray, outcome: FloatArray) -> tuple[float, FloatArray]:
    centre = matrix.mean(axis=0)
    centred = matrix - centre
    gram = centred.T @ centred + PENALTY * np.eye(matrix.shape[1])
    slopes = np.linalg.solve(gram, centred.T @ (outcome - outcome.mean()))
    return float(outcome.mean() - centre @ slopes), slopes
