"""Doubly robust scores: their formula, what they have not seen, and what they leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from econml.validate.utils import calculate_dr_outcomes

from tests.calibration.policy_draws import Gains, draw_people, wrap_people
from tests.impact.simulate import make_cohort, make_outcome, make_program
from workbench.cohorts.frames import Cohort
from workbench.core.errors import DesignError, TooFewUnitsError
from workbench.core.params import Threshold
from workbench.impact.design_matrix import build_design
from workbench.impact.sample import prepare_sample
from workbench.prescribe.targeting.nuisance import fit_nuisance
from workbench.prescribe.targeting.scores import LOWEST_SCORE, Scores, score_programme

ERRORS = 4.0
"""Standard errors within which an estimate lies of its truth."""


def test_scores_equal_the_formula_of_econml(
    cohorts: list[Cohort], scores: Scores
) -> None:
    """With the models of one fold held out, for the outcome whose factor is 1."""
    rows = (scores.frame["outcome"] == "good").to_numpy()
    frame = scores.frame[rows]
    sample = prepare_sample(cohorts[0])
    known = sample.frame.merge(frame[["unit", "trial", "fold"]], on=["unit", "trial"])
    assert len(known) == len(sample.frame)
    folds = known["fold"].to_numpy()
    matrix = build_design(sample.frame, covariates=cohorts[0].covariates).matrix()
    fitted = fit_nuisance(matrix, sample.treated, sample.outcome, folds, n_folds=5)
    own = np.arange(len(folds)), folds
    score = fitted.propensity[own]
    theirs = calculate_dr_outcomes(
        sample.treated.astype(int),
        sample.outcome,
        np.column_stack([fitted.without[own], fitted.learnt[own]]),
        np.column_stack([1 - score, score]),
    )
    np.testing.assert_allclose(scores.effect[rows], theirs[:, 0], atol=1e-9)


def test_the_mean_is_near_the_truth_for_everybody_and_for_what_was_done(
    scores: Scores,
) -> None:
    half = np.where(scores.frame["outcome"] == "good", 1.0, 0.5)
    worth = scores.frame["tau"].to_numpy() * half
    learnt = scores.frame["treated"].to_numpy()
    for values, truth in ((scores.effect, worth), (scores.practice, worth * learnt)):
        influence = scores.centre(values - truth)
        error = np.sqrt((influence**2).sum())
        assert abs(scores.mean(values - truth)) < ERRORS * error
    assert scores.mean(scores.effect) > ERRORS * np.sqrt(
        (scores.centre(scores.effect) ** 2).sum()
    )


def test_one_of_two_models_may_be_wrong() -> None:
    """Outcomes curve in a fact, which the linear models of the outcome cannot know."""
    frame = draw_people(8, Gains(effect=0.5, varied=0.0), people=6000)
    frame["good"] += np.exp(frame["x2"])
    cohort = wrap_people(frame, Gains())[0]
    made = score_programme([cohort], seed=1)
    error = np.sqrt((made.centre(made.effect) ** 2).sum())
    raw = frame.loc[frame["treated"], "good"].mean()
    raw -= frame.loc[~frame["treated"], "good"].mean()
    assert abs(made.mean(made.effect) - 0.5) < ERRORS * error
    assert abs(raw - 0.5) > ERRORS * error


def test_scores_of_a_held_out_fold_never_see_its_outcomes(
    cohorts: list[Cohort], scores: Scores
) -> None:
    fold = 2
    held = scores.folds == fold
    moved = []
    for cohort in cohorts:
        frame = cohort.frame.copy()
        away = frame["unit"].isin(set(scores.frame.loc[held, "unit"]))
        frame.loc[away, "outcome"] += frame.loc[away, "x2"] * 50
        moved.append(replace(cohort, frame=frame))
    again = score_programme(moved, seed=4)
    pd.testing.assert_series_equal(again.frame["fold"], scores.frame["fold"])
    np.testing.assert_allclose(
        again.held_out[~held, fold], scores.held_out[~held, fold], atol=1e-9
    )
    assert np.abs(again.effect[~held] - scores.effect[~held]).max() > 0.1


def test_a_person_is_in_one_fold_and_a_team_too() -> None:
    gains = Gains(teams=60)
    made = score_programme(wrap_people(draw_people(3, gains), gains), seed=1)
    assert made.frame.groupby("unit")["fold"].nunique().max() == 1
    assert made.frame.groupby("team")["fold"].nunique().max() == 1
    assert set(made.clusters) == {"unit", "team"}


def test_less_is_better_where_the_outcome_says_so(scores: Scores) -> None:
    table = scores.outcomes.set_index("outcome")
    assert table.loc["good", "factor"] == 1.0
    assert table.loc["bad", "factor"] == -0.5


def test_weights_and_relative_thresholds_scale_scores(cohorts: list[Cohort]) -> None:
    first = cohorts[0]
    relative = replace(first, outcome=make_outcome(id="good"))
    others = ~first.frame["treated"].to_numpy(dtype=bool)
    base = first.frame.loc[others, "outcome"].mean()
    plain = score_programme([first], seed=4)
    scaled = score_programme([relative], weights={"good": 3.0}, seed=4)
    np.testing.assert_allclose(scaled.effect, plain.effect * 3 / (0.05 * base))


def test_outcomes_that_do_not_count_are_left_out(cohorts: list[Cohort]) -> None:
    first = cohorts[0]
    none = make_outcome(id="free").model_copy(update={"threshold": None})
    control = make_outcome(id="permit", negative_control=True)
    few = first.frame.copy()
    treated = few.index[few["treated"]]
    few.loc[treated[12:], "outcome"] = np.nan
    rare = replace(first, frame=few, outcome=make_outcome(id="rare"))
    more = [replace(first, outcome=item) for item in (none, control)]
    made = score_programme([first, *more, rare], weights={}, seed=4)
    assert set(made.frame["outcome"]) == {"good"}
    said = {item.outcome: item.text for item in made.checks if item.outcome}
    assert "no threshold" in said["free"]
    assert "fewer than 30 learners" in said["rare"]
    without = score_programme(cohorts, weights={"bad": 0.0}, seed=4)
    assert set(without.frame["outcome"]) == {"good"}


def test_people_sure_to_learn_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=3000)
    treated = rng.random(3000) < 1 / (1 + np.exp(1.5 - 3 * x))
    frame = pd.DataFrame(
        {
            "unit": [f"p{number:04d}" for number in range(3000)],
            "team": "t",
            "site": "s",
            "treated": treated,
            "outcome": x + rng.normal(size=3000),
            "x": x,
        }
    )
    known = make_outcome(id="good", threshold=Threshold(absolute=1))
    made = score_programme(
        [make_cohort(frame, covariates=("x",), outcome=known)], seed=1
    )
    left = made.outcomes["n_left_out"].iloc[0]
    assert len(made.frame) + left == 3000
    score = made.frame["propensity"]
    assert score.between(LOWEST_SCORE, 1 - LOWEST_SCORE).all()
    check = next(item for item in made.checks if item.check == "targeting_overlap")
    assert check.value == pytest.approx(left / 3000)
    assert 0.02 < check.value < 0.5


def test_rows_in_another_order_and_other_names_change_nothing(
    cohorts: list[Cohort], scores: Scores
) -> None:
    mixed = [
        replace(item, frame=item.frame.sample(frac=1.0, random_state=1))
        for item in cohorts
    ]
    again = score_programme(mixed, seed=4)
    np.testing.assert_allclose(again.effect, scores.effect, atol=1e-9)


def test_what_cannot_be_scored_is_refused(cohorts: list[Cohort]) -> None:
    first = cohorts[0]
    other = replace(first, program=make_program(id="other"))
    with pytest.raises(DesignError, match="one programme"):
        score_programme([first, other], seed=1)
    control = replace(first, outcome=make_outcome(negative_control=True))
    with pytest.raises(DesignError, match="No outcome"):
        score_programme([control], seed=1)
    frame = first.frame.assign(outcome=first.frame["outcome"] * 0)
    frame.loc[frame["treated"], "outcome"] = 1.0
    around = replace(first, frame=frame, outcome=make_outcome(id="good"))
    with pytest.raises(DesignError, match="around 0"):
        score_programme([around], seed=1)


def test_too_few_learners_for_two_folds_held_out_are_refused() -> None:
    rng = np.random.default_rng(1)
    treated = np.arange(60) < 5
    folds = np.arange(60) % 5
    with pytest.raises(TooFewUnitsError, match="two folds"):
        fit_nuisance(
            rng.normal(size=(60, 2)), treated, rng.normal(size=60), folds, n_folds=5
        )
