"""Whether predicted benefit sorts people who were not used for predicting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.impact.inference import FEW_CLUSTERS
from workbench.impact.wording import write_alike, write_p
from workbench.prescribe.targeting.estimates import (
    Value,
    draw_band,
    estimate_values,
)
from workbench.prescribe.targeting.ranking import (
    Order,
    choose_top,
    weigh_autoc,
    weigh_qini,
)
from workbench.prescribe.targeting.scores import Scores

__all__ = [
    "GRID",
    "Evidence",
    "Ranking",
    "decide_ranking",
    "describe_value",
    "draw_curves",
    "examine_order",
    "fit_best_line",
]

FloatArray = npt.NDArray[np.float64]
Ranking = Literal["predicted", "need"]

GRID = tuple(round(0.05 * step, 2) for step in range(2, 21))
"""Shares of people at which curves are drawn: the best tenth to everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How well an order sorts people by what they gain.

    Attributes
    ----------
    autoc, qini : Value
        Areas under the TOC and the Qini curve, in thresholds: 0 where the order tells
        nothing, below 0 where those first in it gain less than others.
    """

    autoc: Value
    qini: Value


def examine_order(order: Order) -> Evidence:
    r"""Measure how well an order sorts people by what they gain.

    Parameters
    ----------
    order : Order
        Made without the outcomes of the people it orders. A model's order must come
        from folds before the one it orders: errors of folds that predict each other
        are correlated, and a test on them rejects too often.

    Returns
    -------
    Evidence
        With clustered errors.

    Notes
    -----
    :math:`\mathrm{TOC}(q)` is the mean effect of the first share q less that of all;
    AUTOC its integral over q, and the Qini area that of :math:`q \mathrm{TOC}(q)`.

    References
    ----------
    .. [1] Yadlowsky, S. et al. (2025). Evaluating treatment prioritization rules via
       rank-weighted average treatment effects. JASA 120, 38-51.
       doi:10.1080/01621459.2024.2393466
    .. [2] Wager, S. (2024). Sequential validation of treatment heterogeneity.
       arXiv:2405.05534
    """
    found = [
        order.value(weigh(order.merit, order.cells))
        for weigh in (weigh_autoc, weigh_qini)
    ]
    autoc, qini = estimate_values(order.scores, found)
    return Evidence(autoc=autoc, qini=qini)


def draw_curves(order: Order, *, alpha: float, seed: int) -> pd.DataFrame:
    """Draw the TOC and the Qini curve of an order, with bands that hold throughout.

    Parameters
    ----------
    order : Order
        As for `examine_order`.
    alpha : float
        One less the level of each band.
    seed : int
        Of the draws behind the bands.

    Returns
    -------
    DataFrame
        ``curve`` (``toc``, ``qini``), ``share``, ``value``, ``low``, ``high``, in
        thresholds: what the first share gains beyond the average, per person of that
        share (TOC) or of all (Qini).
    """
    found = [
        order.value(choose_top(order.merit, share, order.cells) - share)
        for share in GRID
    ]
    value = np.array([item[0] for item in found])
    influence = np.column_stack([item[1] for item in found])
    tables = []
    for curve, scale in (("toc", 1 / np.array(GRID)), ("qini", np.ones(len(GRID)))):
        band = draw_band(
            value * scale, influence * scale, order.scores, alpha=alpha, seed=seed
        )
        tables.append(
            pd.DataFrame(
                {
                    "curve": curve,
                    "share": GRID,
                    "value": value * scale,
                    "low": band.low,
                    "high": band.high,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def fit_best_line(scores: Scores, predicted: FloatArray) -> Value:
    """Regress scores on predictions: 1 where these are right, 0 where they say nothing.

    Parameters
    ----------
    scores : Scores
        Rows that the predictions did not see.
    predicted : array of shape (rows,)
        Predicted benefit on the composite, in thresholds.

    Returns
    -------
    Value
        Slope within outcome and fold, with a clustered error.

    References
    ----------
    .. [1] Chernozhukov, V., Demirer, M., Duflo, E. and Fernández-Val, I. (2025).
       Fisher-Schultz lecture: generic machine learning inference on heterogeneous
       treatment effects in randomized experiments. Econometrica 93, 1121-1164.
       doi:10.3982/ECTA19303
    """
    cells = scores.outcome_codes * scores.n_folds + scores.folds
    off = _centre_cells(predicted, scores.weight, cells)
    spread = scores.mean(off**2) / len(scores.outcomes)
    if not spread > 0:
        return Value(value=math.nan, std_error=math.nan, df=math.nan)
    rest = _centre_cells(scores.effect, scores.weight, cells)
    slope = scores.mean(off * rest) / spread
    # Effects add up over outcomes; each carries its part of the composite's slope.
    error = rest - slope / len(scores.outcomes) * off
    influence = scores.weight * off * error / spread
    found = estimate_values(scores, [(slope, influence)])
    return found[0]


def decide_ranking(evidence: Evidence | None, *, alpha: float) -> tuple[Ranking, str]:
    """Decide by what people are ordered.

    Parameters
    ----------
    evidence : Evidence or None
        Of predicted benefit; None where nothing could be predicted.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    tuple
        ``predicted`` if the intervals of both areas lie above 0 and errors rest on at
        least 40 clusters in effect, else ``need``; and a sentence that says why. AUTOC
        alone may hang on a few people at the top; the Qini area weighs everybody.
    """
    by_need = "Seats go to the largest skill gap: "
    if evidence is None:
        return "need", by_need + "the data predict the same benefit for everybody."
    lows = [item.interval(alpha)[0] for item in (evidence.autoc, evidence.qini)]
    shown = (
        f"({describe_value('AUTOC', evidence.autoc, alpha)}; "
        f"{describe_value('Qini area', evidence.qini, alpha)})"
    )
    if min(lows) <= 0:
        return "need", by_need + (
            "among people the model had not seen, it was not shown that those with the "
            f"largest predicted benefit gain more {shown}."
        )
    clusters = round(min(evidence.autoc.df, evidence.qini.df)) + 1
    if clusters < FEW_CLUSTERS:
        return "need", by_need + (
            "predicted benefit seems to sort people the model had not seen, but the "
            f"errors rest on {clusters} people or teams in effect {shown}."
        )
    return "predicted", (
        "Seats go to the largest predicted benefit: among people the model had not "
        f"seen, those it put first gained more than the average {shown}."
    )


def describe_value(name: str, value: Value, alpha: float) -> str:
    """Say an estimate with its interval and p-value."""
    low, high = value.interval(alpha)
    point, start, end = write_alike(value.value, low, high, signed=True)
    said = f"{name} {point}, {1 - alpha:.0%} interval {start} to {end}"
    return f"{said}, p {write_p(value.p_value())}"


def _centre_cells(
    values: FloatArray, weight: FloatArray, cells: npt.NDArray[np.int64]
) -> FloatArray:
    codes = np.unique(cells, return_inverse=True)[1]
    means = np.bincount(codes, weight * values) / np.bincount(codes, weight)
    centred: FloatArray = values - means[codes]
    return centred
