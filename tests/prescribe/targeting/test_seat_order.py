"""The order that is decided, and the people on whom it is valued."""

from __future__ import annotations

import numpy as np
import pytest

from tests.calibration.policy_draws import Gains, draw_people, wrap_people
from workbench.cohorts.frames import Cohort
from workbench.core.path_params import PathParams
from workbench.prescribe.targeting.seat_order import SeatOrder, decide_order


@pytest.fixture(scope="module")
def unlike(cohorts: list[Cohort]) -> SeatOrder:
    return decide_order(cohorts, paths=PathParams(), seed=4)


def test_predicted_benefit_is_valued_on_folds_after_those_it_was_learnt_from(
    unlike: SeatOrder,
) -> None:
    assert unlike.ranking == "predicted"
    assert unlike.chosen.scores.folds.min() == 1
    assert unlike.by_risk.scores is unlike.chosen.scores
    assert len(unlike.by_risk.merit) == len(unlike.chosen.merit)
    assert unlike.by_need.scores.folds.min() == 0
    cells = unlike.chosen.cells
    for cell in np.unique(cells):
        frame = unlike.chosen.scores.frame[cells == cell]
        assert frame["fold"].nunique() == frame["outcome"].nunique() == 1


def test_risk_and_need_order_everybody_where_need_decides() -> None:
    gains = Gains(varied=0.0)
    cohorts = wrap_people(draw_people(5, gains), gains)
    found = decide_order(cohorts, paths=PathParams(), seed=4)
    assert found.ranking == "need"
    assert found.chosen is found.by_need
    assert len(found.by_risk.merit) == len(found.scores.effect)
    np.testing.assert_array_equal(
        found.by_need.merit, found.scores.frame["skill_gap"].to_numpy()
    )


def test_weights_of_the_paths_enter_the_scores(
    cohorts: list[Cohort], unlike: SeatOrder
) -> None:
    doubled = decide_order(
        cohorts, paths=PathParams(weights={"good": 2.0, "bad": 2.0}), seed=4
    )
    np.testing.assert_allclose(doubled.scores.effect, 2 * unlike.scores.effect)
