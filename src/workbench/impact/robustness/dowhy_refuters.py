"""dowhy's refuters around the matched estimator; importing this imports dowhy."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from dowhy.causal_estimator import CausalEstimate, CausalEstimator
from dowhy.causal_identifier.identified_estimand import IdentifiedEstimand
from dowhy.causal_refuters.data_subset_refuter import refute_data_subset
from dowhy.causal_refuters.placebo_treatment_refuter import (
    PlaceboType,
    refute_placebo_treatment,
)
from dowhy.causal_refuters.random_common_cause import refute_random_common_cause

from workbench.core.errors import ConvergenceError, DesignError
from workbench.impact.robustness.refuters import Drawn, Refit, shuffle_treatment

__all__ = ["MatchedEstimator", "draw_with_dowhy"]

_SUBSET = 0.8
_METHOD = "backdoor"
_NOISE = "w_random"


class MatchedEstimator(CausalEstimator):  # type: ignore[misc]
    """The headline's estimator as dowhy calls it; remembers what it estimated.

    Parameters
    ----------
    estimand : IdentifiedEstimand
        Names the column that holds learning.
    refit : Refit
        The estimator.
    values : list of float
        Every estimate is added here; missing where nobody could be matched.
    """

    def __init__(
        self, estimand: IdentifiedEstimand, *, refit: Refit, values: list[float]
    ) -> None:
        super().__init__(estimand)
        self._refit = refit
        self._values = values
        self._target_units = "att"
        self._effect_modifier_names: list[str] = []

    def fit(self, *_: Any, **__: Any) -> MatchedEstimator:
        """Do nothing: scores are fitted with the matching, on the data given there."""
        return self

    def get_new_estimator_object(
        self, identified_estimand: IdentifiedEstimand, *_: Any, **__: Any
    ) -> MatchedEstimator:
        """Return a fresh estimator that adds to the same list."""
        return MatchedEstimator(
            identified_estimand, refit=self._refit, values=self._values
        )

    def estimate_effect(self, data: pd.DataFrame, **_: Any) -> CausalEstimate:
        """Estimate the effect from the rows, learning and noise in `data`."""
        column = self._target_estimand.treatment_variable[0]
        try:
            value = self._refit.estimate(
                rows=data["row"].to_numpy(dtype="int64"),
                treated=data[column].to_numpy() == 1,
                cause=data[_NOISE].to_numpy(dtype="float64")
                if _NOISE in data
                else None,
            )
        except (ConvergenceError, DesignError):
            value = math.nan
        self._values.append(value)
        made = CausalEstimate(
            data=None,
            treatment_name=[column],
            outcome_name=["outcome"],
            estimate=value,
            target_estimand=self._target_estimand,
            realized_estimand_expr=None,
            control_value=0,
            treatment_value=1,
        )
        made.add_estimator(self)
        return made


class _WithinTrials(np.random.RandomState):
    """Draws permutations that keep trials, and teams, together."""

    def __init__(self, refit: Refit, seed: int) -> None:
        super().__init__(seed)
        self._refit = refit

    def choice(self, *_: Any, **__: Any) -> npt.NDArray[np.int64]:  # type: ignore[override]
        """Return the row whose learning each row takes."""
        return shuffle_treatment(self._refit.sample, self)


def draw_with_dowhy(refit: Refit, *, draws: int, seed: int) -> Iterator[Drawn]:
    """Run dowhy's placebo, random common cause and data subset.

    Parameters
    ----------
    refit : Refit
        The estimator.
    draws : int
        Draws of each.
    seed : int
        Of a fresh generator for each; a whole number given to dowhy itself would make
        all subsets the same.

    Yields
    ------
    Drawn
        In the order ``placebo``, ``random_cause``, ``subset``.

    Notes
    -----
    dowhy permutes learning over all rows. The generator given to it permutes within
    trials (and by team) instead, as learning was decided there. It gets a copy of the
    rows for each refuter, since it writes into them, and one process, since several
    would repeat each other's draws.
    """
    values: list[float] = []
    estimand = IdentifiedEstimand(
        None,
        treatment_variable=["learns"],
        outcome_variable=["outcome"],
        backdoor_variables={_METHOD: []},
        default_backdoor_id=_METHOD,
        identifier_method=_METHOD,
    )
    data = pd.DataFrame(
        {
            "row": np.arange(len(refit.sample.treated)),
            "learns": refit.sample.treated.astype("int64"),
            "outcome": refit.sample.outcome,
        }
    )
    logger = logging.getLogger("dowhy")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        estimator = MatchedEstimator(estimand, refit=refit, values=values)
        known = {
            "target_estimand": estimand,
            "estimate": estimator.estimate_effect(data),
            "num_simulations": draws,
            "n_jobs": 1,
        }
        expected = values.pop()
        refute_placebo_treatment(
            data.copy(),
            treatment_names=["learns"],
            placebo_type=PlaceboType.PERMUTE,
            random_state=_WithinTrials(refit, seed),
            **known,
        )
        yield _take("placebo", values, 0.0)
        random = np.random.RandomState(seed)
        refute_random_common_cause(data.copy(), random_state=random, **known)
        yield _take("random_cause", values, expected)
        random = np.random.RandomState(seed)
        refute_data_subset(
            data.copy(), subset_fraction=_SUBSET, random_state=random, **known
        )
        yield _take("subset", values, expected)
    finally:
        logger.setLevel(level)


def _take(refuter: str, values: list[float], expected: float) -> Drawn:
    """Return what was drawn and empty the list for the next refuter."""
    drawn = np.array(values, dtype="float64")
    values.clear()
    return Drawn(refuter=refuter, values=drawn, expected=expected)
