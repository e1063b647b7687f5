from __future__ import annotations

from dataclasses import replace

import pytest

from tests.impact.experiment.draw_arms import draw_experiment
from workbench.impact.experiment.lee_bounds import measure_loss
from workbench.impact.experiment.stage import estimate_experiment_stage
from workbench.impact.experiment.unread import check_unread


def test_as_many_unread_in_both_arms_is_fine() -> None:
    drawn = draw_experiment(1, people=400)
    check = check_unread(replace(drawn, unread={"control": 20, "treatment": 22}))
    assert check.passed is True
    assert "of control and" in check.text


def test_consent_taken_back_in_one_arm_lowers_the_evidence() -> None:
    drawn = draw_experiment(1, people=400)
    torn = replace(drawn, unread={"control": 4, "treatment": 40})
    check = check_unread(torn)
    assert check.passed is False
    assert check.value < 0.001
    assert "taken back" in check.advice
    assert check in measure_loss(torn).checks
    grades = [
        next(
            x.evidence
            for x in estimate_experiment_stage([item], seed=1).estimates
            if x.headline
        )
        for item in (drawn, torn)
    ]
    assert grades[1] == grades[0] - 1


@pytest.mark.parametrize(
    ("unread", "said"),
    [({}, "Everybody"), ({"control": 0, "treatment": 0}, "Everybody")],
)
def test_nobody_unread_needs_no_test(unread: dict[str, int], said: str) -> None:
    check = check_unread(replace(draw_experiment(1, people=100), unread=unread))
    assert check.passed is None
    assert check.text.startswith(said)


def test_groups_are_not_tested_as_people() -> None:
    drawn = draw_experiment(1, people=400, clusters=20)
    check = check_unread(replace(drawn, unread={"control": 1, "treatment": 30}))
    assert check.passed is None
    assert "in groups" in check.text
