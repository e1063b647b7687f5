"""Two models of how long something takes: penalised Cox, and boosted hazards."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import ConvergenceError
from workbench.prescribe.predict.features import (
    build_linear_encoder,
    build_tree_encoder,
)
from workbench.prescribe.predict.models import (
    ModelName,
    Recipe,
    build_boosting,
    count_trees,
)

__all__ = [
    "FittedTime",
    "fit_base",
    "fit_time",
    "list_edges",
    "lose_time",
    "read_quantile",
    "tune_time",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

_STEPS = 12
_PENALTIES = (0.01, 0.1, 1.0)
_MOST_TREES = 300
_EDGE = 1e-6
_FLAT = 1e-12
_LARGEST = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedTime:
    """A fitted model of a time; `edges` are the ends of its steps in days.

    ``base`` is the cumulative hazard of the Cox model at the edges; empty for boosting.
    """

    recipe: Recipe
    encoder: Any
    model: Any
    features: tuple[str, ...]
    edges: FloatArray
    base: FloatArray

    def survive(self, features: pd.DataFrame) -> FloatArray:
        """Predict the share to whom it has not happened, by row and edge."""
        columns = self.encoder.transform(features[list(self.features)])
        if self.recipe.name == "simple":
            return _follow(columns @ self.model, self.base)
        hazard = [
            self.model.predict_proba(_add_step(columns, step))[:, 1]
            for step in range(len(self.edges))
        ]
        survival = np.cumprod(1 - np.column_stack(hazard), axis=1)
        clipped: FloatArray = np.clip(np.asarray(survival), _EDGE, 1.0)
        return clipped


def list_edges(horizon: int) -> FloatArray:
    """List the ends of the twelve equal steps into which a horizon (days) is cut."""
    return np.linspace(0, float(horizon), _STEPS + 1)[1:]


def tune_time(
    name: ModelName,
    features: pd.DataFrame,
    time: FloatArray,
    event: BoolArray,
    *,
    edges: FloatArray,
    folds: Sequence[BoolArray],
    seed: int,
) -> Recipe:
    """Set the penalty, or the number of trees, on parts of what teaches.

    Parameters
    ----------
    name : {"simple", "boosting"}
        Cox or boosted hazards.
    features : DataFrame
        From `read_features`.
    time, event : array of shape (rows,)
        Days to the event or the end of the follow-up, and which it was.
    edges : array
        From `list_edges`.
    folds : sequence of array of bool
        Parts on which models of the rest are judged; trees are counted on the first.
    seed : int
        Of boosting.

    Returns
    -------
    Recipe
        The strength with the smallest loss (`lose_time`) on those parts.
    """
    base = Recipe(name=name, kind="time", strength=float(_MOST_TREES), seed=seed)
    if name == "boosting":
        tune = folds[0]
        rest = features[~tune]
        encoder = build_tree_encoder(rest).fit(rest)
        model = build_boosting(base, stop=True)
        known = _expand(encoder.transform(rest), time[~tune], event[~tune], edges)
        later = _expand(
            encoder.transform(features[tune]), time[tune], event[tune], edges
        )
        model.fit(*known, X_val=later[0], y_val=later[1])
        return replace(base, strength=float(count_trees(model)))
    tried = [replace(base, strength=item) for item in _PENALTIES]
    losses = [_try(tried, features, time, event, edges, tune) for tune in folds]
    return tried[int(np.argmin(np.sum(losses, axis=0)))]


def fit_time(
    recipe: Recipe,
    features: pd.DataFrame,
    time: FloatArray,
    event: BoolArray,
    *,
    edges: FloatArray,
) -> FittedTime:
    """Fit a tuned model of a time to all rows given.

    Raises
    ------
    ConvergenceError
        If the partial likelihood could not be solved.
    """
    names = tuple(str(name) for name in features.columns)
    base = np.empty(0)
    model: Any
    if recipe.name == "boosting":
        encoder = build_tree_encoder(features)
        rows = encoder.fit_transform(features)
        model = build_boosting(recipe).fit(*_expand(rows, time, event, edges))
    else:
        encoder = build_linear_encoder(features)
        rows = encoder.fit_transform(features)
        model, base = _fit_cox(rows, time, event, edges, recipe.strength)
    return FittedTime(
        recipe=recipe,
        encoder=encoder,
        model=model,
        features=names,
        edges=edges,
        base=base,
    )


def fit_base(time: FloatArray, event: BoolArray, edges: FloatArray) -> FloatArray:
    """Return the share left at each edge without any model: one curve for all."""
    steps, labels = _expand(np.empty((len(time), 0)), time, event, edges)
    step = steps[:, 0].astype("int64")
    at_risk = np.bincount(step, minlength=len(edges))
    happened = np.bincount(step, weights=labels, minlength=len(edges))
    survival = np.cumprod(1 - happened / np.maximum(at_risk, 1))
    return np.clip(survival, _EDGE, 1.0)


def lose_time(
    time: FloatArray, event: BoolArray, survival: FloatArray, edges: FloatArray
) -> FloatArray:
    r"""Return the log score of each row: how improbable what was seen had been.

    Parameters
    ----------
    time, event : array of shape (rows,)
        As observed.
    survival : array of shape (rows, edges)
        As predicted.
    edges : array
        Ends of the steps in days.

    Notes
    -----
    :math:`-\log\{S(t_{k-1}) - S(t_k)\}` for an event within step k, and
    :math:`-\log S` at the last edge that was lived through otherwise: a proper score of
    the step, or of what is known of it.
    """
    whole = np.column_stack([np.ones(len(time)), survival])
    rows = np.arange(len(time))
    step = np.searchsorted(edges, time, side="left")
    seen = event & (step < len(edges))
    last = np.minimum(step, len(edges) - 1)
    fell = np.maximum(whole[rows, last] - whole[rows, last + 1], _EDGE)
    left = whole[rows, np.searchsorted(edges, time, side="right")]
    return -np.log(np.where(seen, fell, left))


def read_quantile(survival: FloatArray, edges: FloatArray, share: float) -> FloatArray:
    """Return the day by which a share has had the event, by row; NaN beyond the last.

    Parameters
    ----------
    survival : array of shape (rows, edges)
        Predicted; straight lines between the edges, from 1 on day 0.
    edges : array
        Days.
    share : float
        Between 0 and 1; 0.5 gives the median.
    """
    whole = np.column_stack([np.ones(len(survival)), survival])
    days = np.concatenate([[0.0], edges])
    left = 1 - share
    reached = whole <= left
    at = np.maximum(reached.argmax(axis=1), 1)
    rows = np.arange(len(whole))
    before, after = whole[rows, at - 1], whole[rows, at]
    part = (before - left) / np.maximum(before - after, _FLAT)
    found = days[at - 1] + np.clip(part, 0.0, 1.0) * (days[at] - days[at - 1])
    return np.where(reached.any(axis=1), found, np.nan)


def _try(
    tried: Sequence[Recipe],
    features: pd.DataFrame,
    time: FloatArray,
    event: BoolArray,
    edges: FloatArray,
    tune: BoolArray,
) -> list[float]:
    """Return the losses on a part of Cox models fitted to the rest."""
    rest = features[~tune]
    encoder = build_linear_encoder(rest)
    columns = encoder.fit_transform(rest)
    judged = encoder.transform(features[tune])
    losses = []
    for item in tried:
        coef, base = _fit_cox(columns, time[~tune], event[~tune], edges, item.strength)
        survival = _follow(judged @ coef, base)
        losses.append(float(lose_time(time[tune], event[tune], survival, edges).sum()))
    return losses


def _follow(linear: FloatArray, base: FloatArray) -> FloatArray:
    """Return the share left at each edge under proportional hazards."""
    risk = np.exp(np.clip(linear, -_LARGEST, _LARGEST))
    clipped: FloatArray = np.clip(np.exp(-np.outer(risk, base)), _EDGE, 1.0)
    return clipped


def _fit_cox(
    rows: FloatArray,
    time: FloatArray,
    event: BoolArray,
    edges: FloatArray,
    penalty: float,
) -> tuple[FloatArray, FloatArray]:
    """Return the coefficients of all columns and the cumulative hazard at the edges."""
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError as NotConverged

    varying = rows.std(axis=0) > _FLAT
    table = pd.DataFrame(rows[:, varying]).add_prefix("x")
    table = table.assign(time=time, event=event)
    cox = CoxPHFitter(penalizer=penalty)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cox.fit(table, duration_col="time", event_col="event")
    except NotConverged as error:
        raise ConvergenceError.build(
            "The Cox model did not reach its answer", hint="fewer features"
        ) from error
    coef = np.zeros(rows.shape[1])
    coef[varying] = cox.params_.to_numpy()
    hazard = cox.baseline_cumulative_hazard_.iloc[:, 0]
    steps = np.searchsorted(hazard.index.to_numpy(dtype="float64"), edges, "right")
    whole = np.concatenate([[0.0], hazard.to_numpy(dtype="float64")])
    centre = float(rows[:, varying].mean(axis=0) @ coef[varying])
    return coef, whole[steps] * np.exp(-centre)


def _expand(
    columns: FloatArray, time: FloatArray, event: BoolArray, edges: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return one row per person and step lived through, and whether it happened."""
    inside = np.searchsorted(edges, time, side="left")
    seen = event & (inside < len(edges))
    lived = np.where(seen, inside + 1, np.searchsorted(edges, time, side="right"))
    owner = np.repeat(np.arange(len(time)), lived)
    first = np.cumsum(lived) - lived
    step = np.arange(len(owner)) - np.repeat(first, lived)
    label = (step == inside[owner]) & seen[owner]
    return _add_step(columns[owner], step), label.astype("float64")


def _add_step(columns: FloatArray, step: int | npt.NDArray[np.int64]) -> FloatArray:
    marks = np.broadcast_to(np.asarray(step, dtype="float64"), (len(columns),))
    return np.column_stack([columns.astype("float64"), marks])
