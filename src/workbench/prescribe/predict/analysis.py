"""One outcome predicted: split, two models, the choice between them, and its worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.cohorts.prediction_frames import PredictionFrame
from workbench.core.errors import DesignError
from workbench.impact.sample import code_clusters
from workbench.prescribe.predict.drift import list_moved, measure_drift
from workbench.prescribe.predict.features import (
    check_features,
    count_terms,
    read_features,
)
from workbench.prescribe.predict.importance import attribute_prediction, rank_features
from workbench.prescribe.predict.intervals import find_reach
from workbench.prescribe.predict.measures import Measure, measure_mean
from workbench.prescribe.predict.models import ModelName, Recipe
from workbench.prescribe.predict.scores import measure_gain
from workbench.prescribe.predict.split import Split, count_events, split_by_time
from workbench.prescribe.predict.subgroup_errors import GroupErrors, measure_groups
from workbench.prescribe.predict.tasks import Task
from workbench.prescribe.predict.time_models import fit_base, list_edges
from workbench.prescribe.predict.time_task import TimeTask
from workbench.prescribe.predict.value_task import ValueTask

__all__ = [
    "NAMES",
    "NO_BETTER",
    "HeldOut",
    "Predicted",
    "choose_model",
    "helps",
    "predict_target",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

NAMES: tuple[ModelName, ...] = ("simple", "boosting")
"""The models that are held against each other."""


NO_BETTER = "not shown to be better than one prediction for everybody"
"""Limitation of single predictions that held-out people do not bear out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """What one model predicted of the tested rows, and how good that was.

    ``terms`` counts the columns of the simple model.
    """

    predicted: FloatArray
    losses: FloatArray
    scores: tuple[Measure, ...]
    bins: pd.DataFrame
    recipe: Recipe
    terms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """Everything about the prediction of one outcome.

    Attributes
    ----------
    target : PredictionFrame
        What was predicted.
    split : Split
        Which rows taught and which tested.
    held : mapping
        By name of the model.
    chosen : str
        ``simple`` or ``boosting``.
    gain : Measure
        What boosting loses less per row than the simple model.
    events : int
        Of the rarer kind among the rows that teach.
    predictions, drift, importance : DataFrame
        As of the stage.
    groups : GroupErrors
        Errors of the chosen model by protected group.
    left_out : tuple of str
        Features that no model read, as they moved since the quarters that taught.
    day : float
        Day by which the calibration of a time is read; 0 for others.
    shift : Measure
        Observed less predicted, on average over the tested rows.
    """

    target: PredictionFrame
    split: Split
    held: Mapping[ModelName, HeldOut]
    chosen: ModelName
    gain: Measure
    events: int
    predictions: pd.DataFrame
    drift: pd.DataFrame
    importance: pd.DataFrame
    groups: GroupErrors
    left_out: tuple[str, ...]
    day: float
    shift: Measure

    @property
    def best(self) -> HeldOut:
        """What the chosen model predicted of the tested rows."""
        return self.held[self.chosen]

    def find(self, metric: str) -> Measure | None:
        """Return a score of the chosen model, if it has one of that name."""
        return next((item for item in self.best.scores if item.metric == metric), None)


def predict_target(
    target: PredictionFrame,
    *,
    before: pd.DataFrame,
    alpha: float,
    min_group: int,
    seed: int,
) -> Predicted:
    """Predict one outcome for people now, and say what that is worth.

    Parameters
    ----------
    target : PredictionFrame
        What is predicted, and from what.
    before : DataFrame
        People on the first day of the last quarter, for drift: the features.
    alpha : float
        One less the level of all intervals.
    min_group : int
        Fewest people of anything that is shown of a group.
    seed : int
        Of boosting, tuning and the rows that are taken apart.

    Returns
    -------
    Predicted
        The models were judged on quarters later than those that taught them; the one
        that is used is the same recipe fitted to all rows whose outcome is known now.
        Features that moved a long way since the quarters that taught are left out,
        which is seen before any tested outcome is.

    Raises
    ------
    ParamError
        If a protected attribute would be read.
    DesignError
        If there are too few quarters, too little happened, or every feature moved.
    ConvergenceError
        If a model has no answer.
    """
    check_features(target)
    split = split_by_time(target, seed=seed)
    target, left_out = _leave_out(target, split, min_group)
    task = _make_task(target, split, alpha)
    units = code_clusters(split.test["unit"])
    held = {name: _hold_out(task, name, split, alpha, seed) for name in NAMES}
    gain = measure_gain(
        held["simple"].losses, held["boosting"].losses, units, alpha=alpha
    )
    chosen = choose_model(gain)
    used = task.extend()
    model = used.fit(held[chosen].recipe, _list_known(target))
    now = used.predict(model, target.current)
    point, low, high = task.forecast(
        now, held=split.test, held_predicted=held[chosen].predicted
    )
    features = read_features(target.current, target.features)
    return Predicted(
        target=target,
        split=split,
        held=held,
        chosen=chosen,
        gain=gain,
        events=count_events(target.kind, split.train),
        predictions=target.current[["unit", "persona"]].assign(
            target=target.target,
            prediction=point,
            low=low,
            high=high,
            limitation="" if helps(held[chosen]) else NO_BETTER,
        ),
        drift=measure_drift(
            target.target,
            read_features(before, target.features),
            features,
            predicted_before=used.summarise(used.predict(model, before)),
            predicted_now=used.summarise(now),
            min_group=min_group,
        ),
        importance=rank_features(
            target.target,
            target.label,
            attribute_prediction(model, features, seed=seed),
            min_group=min_group,
        ),
        groups=_measure_groups(task, split, held[chosen].predicted, min_group),
        left_out=left_out,
        day=task.day,
        shift=task.score_group(split.test, held[chosen].predicted)[-1],
    )


def choose_model(gain: Measure) -> ModelName:
    """Choose boosting only where it beats the simple model beyond the error.

    Parameters
    ----------
    gain : Measure
        From `measure_gain`: what boosting loses less, per held-out row.

    Returns
    -------
    str
        ``boosting`` where the lower limit of the gain is above 0, else ``simple``,
        which is easier to explain and to check.
    """
    return "boosting" if gain.low > 0 else "simple"


def helps(held: HeldOut) -> bool:
    """Tell whether predictions are shown to be better than one for everybody."""
    return any(item.metric == "skill" and item.low > 0 for item in held.scores)


def _make_task(target: PredictionFrame, split: Split, alpha: float) -> Task:
    if target.kind != "time":
        base = float(split.train["outcome"].mean())
        return ValueTask(target=target, base=base, alpha=alpha)
    edges = list_edges(min(target.horizon_days or split.horizon, split.horizon))
    time = split.train["time"].to_numpy(dtype="float64")
    event = split.train["event"].to_numpy(dtype="bool")
    base_curve = fit_base(time, event, edges)
    return TimeTask(target=target, edges=edges, base=base_curve, alpha=alpha)


def _hold_out(
    task: Task, name: ModelName, split: Split, alpha: float, seed: int
) -> HeldOut:
    """Tune, fit and test one model."""
    recipe = task.tune(name, split.train, split.folds, seed=seed)
    model = task.fit(recipe, split.train)
    predicted = task.predict(model, split.test)
    scores = task.score(split.test, predicted)
    if task.target.kind == "continuous":
        scores.append(_cover(task, recipe, split, predicted, alpha))
    return HeldOut(
        predicted=predicted,
        losses=task.lose(split.test, predicted),
        scores=tuple(scores),
        bins=task.bin(split.test, predicted),
        recipe=recipe,
        terms=count_terms(model.encoder, model.features),
    )


def _cover(
    task: Task, recipe: Recipe, split: Split, predicted: FloatArray, alpha: float
) -> Measure:
    """Measure how many tested values lie within limits set before they were known."""
    tune = split.folds[0]
    later = split.train[tune]
    early = task.fit(recipe, split.train[~tune])
    known = later["outcome"].to_numpy(dtype="float64")
    reach = find_reach(known - task.predict(early, later), alpha=alpha)
    errors = split.test["outcome"].to_numpy(dtype="float64") - predicted
    inside = (np.abs(errors) <= reach).astype("float64")
    units = code_clusters(split.test["unit"])
    return measure_mean("coverage", inside, units, alpha=alpha, bounds=(0.0, 1.0))


def _list_known(target: PredictionFrame) -> pd.DataFrame:
    """List all rows whose outcome is known by the cut; times as far as followed."""
    if target.kind == "time":
        return target.frame
    return target.frame[target.frame["outcome"].notna()]


def _leave_out(
    target: PredictionFrame, split: Split, min_group: int
) -> tuple[PredictionFrame, tuple[str, ...]]:
    """Leave out the features that moved since the quarters that taught.

    A feature that has one value, or none, in those quarters tells nothing and goes too.
    """
    train, test = (
        read_features(rows, target.features) for rows in (split.train, split.test)
    )
    telling = [name for name in target.features if train[name].value_counts().size > 1]
    moved = list_moved(train[telling], test[telling], min_group=min_group)
    kept = tuple(name for name in telling if name not in moved)
    if not kept:
        raise DesignError.build(
            f"{target.label} has nothing left to be predicted from",
            rule="a feature that moved since the quarters that taught is not read",
            got=list(moved),
        )
    return replace(target, features=kept), moved


def _measure_groups(
    task: Task, split: Split, predicted: FloatArray, min_group: int
) -> GroupErrors:
    def measure(part: BoolArray) -> list[Measure]:
        return task.score_group(split.test[part], predicted[part])

    return measure_groups(
        task.target.target,
        split.test,
        protected=task.target.protected,
        needed=task.list_needed(split.test),
        measure=measure,
        min_group=min_group,
    )
