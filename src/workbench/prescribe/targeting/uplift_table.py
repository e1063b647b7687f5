"""Uplift of every arm of an experiment against its control, with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.core.errors import ContractError
from workbench.prescribe.targeting.uplift import (
    require_binary,
    score_qini,
    score_uplift,
)

__all__ = ["tabulate_uplift"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


def tabulate_uplift(
    frame: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    control: str,
    merits: Mapping[str, str],
    weights: str | None = None,
    negative_effects: bool = True,
    alpha: float = 0.05,
    draws: int = 199,
    seed: int,
) -> pd.DataFrame:
    """Score predicted uplift of every arm of an experiment against its control.

    It stands by itself, for experiments with one arm or several and a predicted
    uplift of each, wherever the predictions come from; no stage calls it, as they
    predict what a programme does to those who learn, not what an arm does. Each arm
    is compared with the control alone.

    Parameters
    ----------
    frame : DataFrame
        One row per person.
    outcome : str
        Column of 0 and 1.
    arm : str
        Column of the arm drawn.
    control : str
        The arm that the others are compared with.
    merits : mapping of str to str
        Column of the predicted uplift of each arm but the control.
    weights : str, optional
        Column of weights.
    negative_effects : bool
        See `draw_perfect_qini`.
    alpha : float
        One less the level of the intervals.
    draws : int
        Bootstrap samples of people behind an interval; 0 for none.
    seed : int
        Of the samples.

    Returns
    -------
    DataFrame
        ``arm``, ``metric`` (``qini``, ``auuc``), ``value``, ``low``, ``high``
        (percentiles), ``effect`` (difference of the arms' means), ``n_treated``,
        ``n_control``.

    Raises
    ------
    ContractError
        If an arm is absent, a value is missing, or the outcome is not 0 or 1.
    """
    _check_frame(frame, [outcome, *merits.values()], arm, [control, *merits])
    rows: list[dict[str, object]] = []
    streams = np.random.default_rng(seed).spawn(len(merits))
    for (name, merit), stream in zip(merits.items(), streams, strict=True):
        part = frame[frame[arm].isin([name, control])]
        data = _Arm(
            outcome=part[outcome].to_numpy(dtype="float64"),
            merit=part[merit].to_numpy(dtype="float64"),
            treated=(part[arm] == name).to_numpy(dtype=bool),
            weights=np.ones(len(part))
            if weights is None
            else part[weights].to_numpy(dtype="float64"),
        )
        require_binary(data.outcome)
        rows += _score_arm(name, data, negative_effects, alpha, draws, stream)
    return pd.DataFrame(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    """One arm and its control."""

    outcome: FloatArray
    merit: FloatArray
    treated: BoolArray
    weights: FloatArray


def _score_arm(
    name: str,
    data: _Arm,
    negative_effects: bool,
    alpha: float,
    draws: int,
    stream: np.random.Generator,
) -> list[dict[str, object]]:
    def qini(weights: FloatArray) -> float:
        return score_qini(
            data.outcome,
            data.merit,
            data.treated,
            weights=weights,
            negative_effects=negative_effects,
        )

    def auuc(weights: FloatArray) -> float:
        return score_uplift(data.outcome, data.merit, data.treated, weights=weights)

    count = len(data.outcome)
    samples = stream.multinomial(count, np.full(count, 1 / count), size=draws)
    ours, theirs = data.weights * data.treated, data.weights * ~data.treated
    effect = ours @ data.outcome / ours.sum() - theirs @ data.outcome / theirs.sum()
    rows = []
    metrics: tuple[tuple[str, Callable[[FloatArray], float]], ...] = (
        ("qini", qini),
        ("auuc", auuc),
    )
    for metric, measure in metrics:
        drawn = [measure(data.weights * sample) for sample in samples]
        ends = np.quantile(drawn, [alpha / 2, 1 - alpha / 2]) if draws else (None, None)
        rows.append(
            {
                "arm": name,
                "metric": metric,
                "value": measure(data.weights),
                "low": math.nan if ends[0] is None else float(ends[0]),
                "high": math.nan if ends[1] is None else float(ends[1]),
                "effect": float(effect),
                "n_treated": int(data.treated.sum()),
                "n_control": int((~data.treated).sum()),
            }
        )
    return rows


def _check_frame(
    frame: pd.DataFrame, columns: list[str], arm: str, arms: list[str]
) -> None:
    absent = [name for name in arms if not (frame[arm] == name).any()]
    if absent:
        raise ContractError.build(
            "An arm has nobody", where=arm, got=absent, hint="check the arms' names"
        )
    gaps = [name for name in columns if frame[name].isna().any()]
    if gaps:
        raise ContractError.build("Values are missing", got=gaps)
