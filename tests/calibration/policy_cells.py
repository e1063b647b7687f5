"""Cells for targeting: values of rules, their gains, and tests of heterogeneity."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.calibration.cells import Cell, Measured
from tests.calibration.policy_draws import (
    SEATS,
    Gains,
    draw_people,
    find_law,
    wrap_people,
)
from workbench.core.errors import DesignError
from workbench.prescribe.targeting.benefit import predict_benefit
from workbench.prescribe.targeting.estimates import NO_SHIFT, PathShift, Value
from workbench.prescribe.targeting.features import choose_terms
from workbench.prescribe.targeting.heterogeneity import examine_order
from workbench.prescribe.targeting.policies import value_policies
from workbench.prescribe.targeting.ranking import Order
from workbench.prescribe.targeting.scores import Scores, score_programme
from workbench.prescribe.targeting.seat_order import order_by_fold, order_unseen

FloatArray = npt.NDArray[np.float64]

VALUE = "value of the rule against nobody learning"
GAIN = "gain of the rule over another"
AUTOC = "area under the TOC curve"
EACH_OTHER = "folds that predict each other"
_SHIFT = 0.2
_FEATURES = ("skill_gap", "x2")


def measure_policy(
    seed: int,
    *,
    gains: Gains,
    against: str = "",
    predicted: bool = False,
    path: bool = False,
) -> Measured:
    """Value the rule of a draw, or its gain, and compare it with the truth.

    The truth is that of all the people that draws come from where the rule goes by
    the gap, and that of the rows at hand where it was learnt from others. ``naive`` is
    the raw difference of learners and others, for the seats.
    """
    scores = _score(seed, gains)
    order = _order_later(scores) if predicted else _order_by_gap(scores)
    scores = order.scores
    shift = _draw_shift(scores, seed) if path else NO_SHIFT
    found = value_policies(scores, chosen=order, risk=None, seats=SEATS, shift=shift)
    table = found.gains.set_index("against") if against else found.table
    row = table.loc[against or 0]
    truth = _find_truth(scores, found.chosen, gains, against, predicted=predicted)
    return Measured(
        estimate=float(row["gain" if against else "value"]),
        std_error=float(row["std_error"]),
        ci_low=float(row["low"]),
        ci_high=float(row["high"]),
        truth=truth + (SEATS * _SHIFT if path else 0.0),
        naive=math.nan if against else SEATS * _compare_raw(scores),
        warned=any(item.passed is False for item in scores.checks),
    )


def measure_sorting(seed: int, *, gains: Gains, predicted: bool) -> Measured:
    """Measure AUTOC, of predicted benefit on later folds or of the gap on everybody.

    The usual way predicts each fold by all others.
    """
    scores = _score(seed, gains)
    if not predicted:
        found = examine_order(_order_by_gap(scores)).autoc
        return _measure_area(found, truth=find_law(gains).autoc)
    found = examine_order(_order_later(scores)).autoc
    terms = choose_terms(scores.frame, _FEATURES)
    others = order_by_fold(scores, predict_benefit(scores, terms))
    usual = examine_order(others).autoc.interval(0.05)
    return _measure_area(found, truth=0.0, usual=usual)


def _score(seed: int, gains: Gains) -> Scores:
    cohorts = wrap_people(draw_people(seed, gains), gains)
    return score_programme(cohorts, seed=seed % 1000)


def _order_by_gap(scores: Scores) -> Order:
    merit = scores.frame["skill_gap"].to_numpy(dtype="float64")
    return Order(scores=scores, merit=merit, cells=scores.outcome_codes)


def _order_later(scores: Scores) -> Order:
    """Order people of each fold by models of earlier folds."""
    terms = choose_terms(scores.frame, _FEATURES)
    found = order_unseen(scores, predict_benefit(scores, terms, sequential=True))
    if found is None:
        raise DesignError.build("The same benefit is predicted for everybody")
    return found


def _draw_shift(scores: Scores, seed: int) -> PathShift:
    """Estimate the shift of a path from the people of the scores and as many others."""
    rng = np.random.default_rng(seed + 1)
    units = scores.frame["unit"].unique()
    names = np.concatenate([units, np.char.add("other ", units.astype("str"))])
    drawn = rng.normal(_SHIFT, 6.0, size=len(names))
    influence = pd.Series((drawn - drawn.mean()) / len(drawn), index=names)
    return PathShift(value=float(drawn.mean()), influence=influence)


def _find_truth(
    scores: Scores, chosen: FloatArray, gains: Gains, against: str, *, predicted: bool
) -> float:
    if not predicted:
        law = find_law(gains)
        return law.chosen - (float(getattr(law, against)) if against else 0.0)
    half = np.where(scores.frame["outcome"] == "good", 1.0, 0.5)
    worth = scores.frame["tau"].to_numpy(dtype="float64") * half
    other = SEATS if against == "random" else 0.0
    return scores.mean((chosen - other) * worth)


def _compare_raw(scores: Scores) -> float:
    """Add up over outcomes what learners have more than others."""
    factor = scores.outcomes.set_index("outcome")["factor"]
    learnt = scores.frame["treated"].to_numpy(dtype=bool)
    ours = scores.frame[learnt].groupby("outcome")["value"].mean()
    theirs = scores.frame[~learnt].groupby("outcome")["value"].mean()
    return float(((ours - theirs) * factor).sum())


def _measure_area(
    found: Value, *, truth: float, usual: tuple[float, float] = (math.nan, math.nan)
) -> Measured:
    low, high = found.interval(0.05)
    return Measured(
        estimate=found.value,
        std_error=found.std_error,
        ci_low=low,
        ci_high=high,
        truth=truth,
        naive=math.nan,
        warned=False,
        usual_low=usual[0],
        usual_high=usual[1],
    )


def _cell(
    name: str,
    design: str,
    estimand: str,
    measure: Callable[[int], Measured],
    **more: Any,
) -> Cell:
    return Cell(
        name=name,
        family="policy",
        design=design,
        estimand=estimand,
        measure=measure,
        **more,
    )


def list_policy_cells() -> list[Cell]:
    """List the cells in the order of the published table."""
    people, teams = Gains(), Gains(teams=60)
    same, alike = Gains(varied=0.0), Gains(varied=0.0, teams=60)
    rule = partial(partial, measure_policy)
    sorts = partial(partial, measure_sorting)
    return [
        _cell(
            "policy_value",
            "700 people in two quarters, seats for three in ten by skill gap",
            VALUE,
            rule(gains=people),
        ),
        _cell(
            "policy_over_current",
            "the same, against what was done",
            GAIN,
            rule(gains=people, against="current"),
        ),
        _cell(
            "policy_over_random",
            "the same, against the same seats by lot",
            GAIN,
            rule(gains=people, against="random"),
        ),
        _cell(
            "policy_path",
            "the same on a path whose worth is estimated from other people too",
            VALUE,
            rule(gains=people, path=True),
        ),
        _cell(
            "policy_predicted",
            "the same people, seats by predicted benefit",
            VALUE,
            rule(gains=people, predicted=True),
        ),
        _cell(
            "policy_predicted_over_random",
            "the same, against the same seats by lot",
            GAIN,
            rule(gains=people, predicted=True, against="random"),
        ),
        _cell(
            "policy_teams",
            "60 teams of a dozen learn as one, seats by skill gap",
            VALUE,
            rule(gains=teams),
        ),
        _cell(
            "policy_teams_over_current",
            "the same, against what was done",
            GAIN,
            rule(gains=teams, against="current"),
        ),
        _cell(
            "autoc_gap",
            "700 people, those with a large gap gain more",
            AUTOC,
            sorts(gains=people, predicted=False),
        ),
        _cell(
            "autoc_no_heterogeneity",
            "everybody gains alike, predicted benefit is examined",
            AUTOC,
            sorts(gains=same, predicted=True),
            no_effect=True,
            usual=EACH_OTHER,
        ),
        _cell(
            "autoc_teams_no_heterogeneity",
            "the same in 60 teams that learn as one",
            AUTOC,
            sorts(gains=alike, predicted=True),
            no_effect=True,
            usual=EACH_OTHER,
        ),
    ]
