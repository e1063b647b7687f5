"""People of known gains, scored once."""

from __future__ import annotations

import pytest

from tests.calibration.policy_draws import Gains, draw_people, wrap_people
from workbench.cohorts.frames import Cohort
from workbench.prescribe.targeting.features import Terms, choose_terms
from workbench.prescribe.targeting.scores import Scores, score_programme

FEATURES = ("skill_gap", "x2")


@pytest.fixture(scope="session")
def cohorts() -> list[Cohort]:
    gains = Gains(effect=1.0, varied=1.5)
    return wrap_people(draw_people(21, gains, people=1500), gains)


@pytest.fixture(scope="session")
def scores(cohorts: list[Cohort]) -> Scores:
    return score_programme(cohorts, seed=4)


@pytest.fixture(scope="session")
def terms(scores: Scores) -> Terms:
    return choose_terms(scores.frame, FEATURES)
