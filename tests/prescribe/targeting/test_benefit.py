"""Predicted benefit: what it has seen, and whether it finds who gains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.prescribe.targeting.benefit import (
    fit_benefit,
    predict_benefit,
    predict_risk,
)
from workbench.prescribe.targeting.features import Terms
from workbench.prescribe.targeting.scores import Scores

FEW = 250
"""People of tests with forests, which take long."""


@pytest.mark.parametrize(
    ("model", "sequential"), [("linear", False), ("linear", True), ("forest", True)]
)
def test_predictions_of_a_fold_do_not_depend_on_its_scores(
    scores: Scores, terms: Terms, sequential: bool, model: str
) -> None:
    fold = 3
    if model == "forest":
        scores = scores.keep(scores.clusters["unit"] < FEW)
    held = scores.folds == fold
    moved = scores.held_out.copy()
    moved[held] += 100 * scores.frame["x2"].to_numpy()[held, None]
    asked = {"sequential": sequential, "model": model, "seed": 1}
    before = predict_benefit(scores, terms, **asked)  # type: ignore[arg-type]
    after = predict_benefit(
        replace(scores, held_out=moved),
        terms,
        **asked,  # type: ignore[arg-type]
    )
    np.testing.assert_array_equal(before[held], after[held])
    later = scores.folds > fold
    assert np.abs(before[later] - after[later]).max() > 1
    earlier = scores.folds < fold
    np.testing.assert_array_equal(
        np.array_equal(before[earlier], after[earlier], equal_nan=True), sequential
    )


def test_in_sequence_nobody_of_the_first_fold_is_predicted(
    scores: Scores, terms: Terms
) -> None:
    made = predict_benefit(scores, terms, sequential=True)
    np.testing.assert_array_equal(np.isnan(made), scores.folds == 0)


@pytest.mark.parametrize(("model", "least"), [("linear", 0.8), ("forest", 0.4)])
def test_predictions_go_with_the_truth(
    scores: Scores, terms: Terms, model: str, least: float
) -> None:
    if model == "forest":
        scores = scores.keep(scores.clusters["unit"] < 2 * FEW)
    made = predict_benefit(scores, terms, model=model, seed=2)  # type: ignore[arg-type]
    assert np.corrcoef(made, scores.frame["tau"])[0, 1] > least


def test_the_model_of_everybody_adds_up_over_outcomes(
    scores: Scores, terms: Terms
) -> None:
    made = fit_benefit(scores, terms)
    truth = 1.5 * scores.frame["tau"]
    predicted = made.predict(scores.frame)
    assert made.tabulate().set_index("term")["slope"].abs().idxmax() == "skill_gap"
    assert np.polyfit(predicted, truth, 1)[0] == pytest.approx(1.0, abs=0.35)
    assert predicted.mean() == pytest.approx(truth.mean(), abs=0.4)


def test_risk_is_the_outcome_expected_without_learning(
    scores: Scores, terms: Terms
) -> None:
    """Good is 3 - 0.05 gap + 0.3 x2, and minus half of bad 0.5 less of the same."""
    made = predict_risk(scores, terms)
    gap, x2 = scores.frame["skill_gap"], scores.frame["x2"]
    truth = 2 * (0.05 * gap - 0.3 * x2) - 3 - (3 - 2.5)
    assert np.corrcoef(made, truth)[0, 1] > 0.95
    assert made.mean() == pytest.approx(truth.mean(), abs=0.15)
