"""The prediction stage: every outcome predicted for people now, or why it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.cohorts.prediction_frames import PredictionFrame
from workbench.core.errors import ConvergenceError, DesignError
from workbench.core.results import Check, StageResult
from workbench.impact.stage_parts import shorten_error
from workbench.prescribe.predict import cards as card_tables
from workbench.prescribe.predict import drift, importance, outlook, subgroup_errors
from workbench.prescribe.predict.analysis import NAMES, Predicted, predict_target
from workbench.prescribe.predict.card_numbers import describe_model, describe_scores
from workbench.prescribe.predict.checks import list_checks, refuse_target

__all__ = ["STAGE", "predict_stage"]

STAGE = "prediction"

_TABLES: Mapping[str, Sequence[str]] = {
    "predictions": (
        "unit",
        "persona",
        "target",
        "prediction",
        "low",
        "high",
        "limitation",
    ),
    "scores": ("target", "model", "metric", "value", "low", "high", "n", "chosen"),
    "calibration": (
        "target",
        "model",
        "bin",
        "predicted",
        "observed",
        "low",
        "high",
        "n",
    ),
    "importance": importance.COLUMNS,
    "drift": drift.COLUMNS,
    "subgroup_errors": subgroup_errors.COLUMNS,
    "cards": card_tables.COLUMNS,
    "outlook": outlook.COLUMNS,
}


def predict_stage(
    frames: Sequence[PredictionFrame],
    *,
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> StageResult:
    """Predict every outcome for people now, with all that says what it is worth.

    Parameters
    ----------
    frames : sequence of PredictionFrame
        From `load_prediction_frames`.
    alpha : float
        One less the level of all intervals.
    min_group : int
        Fewest people of anything that is shown of a group.
    seed : int
        Of boosting, tuning and draws; the same seed gives the same bytes.

    Returns
    -------
    StageResult
        Tables ``predictions`` (``unit``, ``persona``, ``target``, ``prediction``,
        ``low``, ``high``, ``limitation``: per person, for planning and never to be
        published),
        ``scores`` and ``calibration`` of both models, ``importance``, ``drift``,
        ``subgroup_errors``, ``cards``, and ``outlook`` (by persona); checks named by
        outcome; facts ``purpose``, ``associations`` and ``targets``.
        ``not_applicable`` where nothing can be predicted; the cards then say why.

    Raises
    ------
    ParamError
        If a protected attribute would be read.
    """
    found: list[Predicted] = []
    checks: list[Check] = []
    cards: list[pd.DataFrame] = []
    refused: dict[str, str] = {}
    for target in frames:
        try:
            one = predict_target(
                target,
                before=_find_last(frames, target),
                alpha=alpha,
                min_group=min_group,
                seed=seed,
            )
        except (DesignError, ConvergenceError) as error:
            reason = shorten_error(error)
            refused[target.target] = reason
            checks.append(refuse_target(target.target, reason))
            cards.append(card_tables.refuse_card(target.target, target.label, reason))
            continue
        found.append(one)
        checks += list_checks(one, alpha=alpha, min_group=min_group)
        cards.append(card_tables.tabulate_card(one, min_group=min_group))
    whole = " ".join(refused.values()) or "No outcome is declared that is predicted."
    return StageResult(
        stage=STAGE,
        status="done" if found else "not_applicable",
        reason="" if found else whole,
        checks=tuple(checks),
        tables={
            **_tabulate(found),
            "cards": _stack("cards", cards),
            "outlook": outlook.tabulate_outlook(
                found, alpha=alpha, min_group=min_group
            ),
        },
        facts={
            "purpose": card_tables.PURPOSE,
            "associations": importance.NOT_CAUSES,
            "level": 1 - alpha,
            "targets": [_describe(item) for item in found],
            "refused": refused,
        },
    )


def _find_last(
    frames: Sequence[PredictionFrame], target: PredictionFrame
) -> pd.DataFrame:
    """Return people on the latest earlier day that is known of the same people.

    An outcome whose window takes a year has no rows of the last quarter; the features
    of everybody are then those of another outcome.
    """
    same = [
        item
        for item in frames
        if (item.kind == "time") == (target.kind == "time")
        and set(target.features) <= set(item.features)
    ]
    latest = max(same, key=lambda item: int(item.frame["period"].max()))
    rows = latest.frame
    return rows[rows["period"] == rows["period"].max()]


def _tabulate(found: Sequence[Predicted]) -> dict[str, pd.DataFrame]:
    read: Mapping[str, Callable[[Predicted], pd.DataFrame]] = {
        "predictions": lambda item: item.predictions,
        "scores": _list_scores,
        "calibration": _list_bins,
        "importance": lambda item: item.importance,
        "drift": lambda item: item.drift,
        "subgroup_errors": lambda item: item.groups.table,
    }
    return {
        name: _stack(name, [table(item) for item in found])
        for name, table in read.items()
    }


def _stack(name: str, tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = list(_TABLES[name])
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True)[columns]


def _list_scores(found: Predicted) -> pd.DataFrame:
    target = found.target.target
    rows = [
        (target, name, item, name == found.chosen)
        for name in NAMES
        for item in found.held[name].scores
    ]
    rows.append((target, "boosting", found.gain, found.chosen == "boosting"))
    return pd.DataFrame(
        {
            "target": name,
            "model": model,
            "metric": item.metric,
            "value": item.value,
            "low": item.low,
            "high": item.high,
            "n": item.n,
            "chosen": chosen,
        }
        for name, model, item, chosen in rows
    )


def _list_bins(found: Predicted) -> pd.DataFrame:
    tables = [
        found.held[name].bins.assign(target=found.target.target, model=name)
        for name in NAMES
    ]
    return pd.concat(tables, ignore_index=True)


def _describe(found: Predicted) -> dict[str, Any]:
    target = found.target
    return {
        "target": target.target,
        "label": target.label,
        "kind": target.kind,
        "unit": target.unit,
        "horizon_days": target.horizon_days,
        "chosen": found.chosen,
        "split": found.split.text,
        "model": describe_model(found),
        "scores": describe_scores(found),
    }
