"""Change since before learning, against the change of matches."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from tests.impact.simulate import make_cohort, simulate_frame
from workbench.impact.before_after import (
    COLUMNS,
    estimate_change,
    find_prior,
    tabulate_changes,
)
from workbench.impact.comparison import Comparison, compare_groups

PRIOR = "prior_program_skill"


@pytest.fixture(scope="module")
def compared() -> Comparison:
    frame = simulate_frame(4, people=1500)
    rng = np.random.default_rng(8)
    before = 50 + 5 * rng.standard_normal(len(frame))
    frame[PRIOR] = before
    frame.loc[frame.index[::9], PRIOR] = np.nan
    frame["outcome"] = (
        before + 2 + 3 * frame["treated"] + rng.standard_normal(len(frame))
    )
    return compare_groups(
        make_cohort(frame),
        matching={"caliper": 0.2, "ratio": 1, "replace": False},
        exact=(),
        propensity="logistic",
        min_group=10,
        seed=1,
    )


def test_the_change_of_learners_less_that_of_matches_is_found(compared):
    effect = estimate_change(
        compared.sample, compared.matches, prior=PRIOR, min_group=10
    )
    assert effect.value == pytest.approx(3, abs=4 * effect.std_error)
    assert effect.method == "psm_change"


def test_it_equals_a_regression_of_the_change_in_complete_pairs(compared):
    pairs = compared.matches.pairs
    frame = compared.sample.frame.iloc[pairs["row"]].reset_index(drop=True)
    frame["set"] = pairs["set"].to_numpy()
    whole = frame.groupby("set")[PRIOR].transform(lambda item: item.notna().all())
    frame = frame[whole]
    fitted = sm.OLS(
        frame["outcome"] - frame[PRIOR],
        sm.add_constant(frame["treated"].astype(float)),
    ).fit()
    effect = estimate_change(
        compared.sample, compared.matches, prior=PRIOR, min_group=10
    )
    assert effect.value == pytest.approx(fitted.params["treated"], abs=1e-9)


def test_the_table_shows_either_arm_before_and_after(compared):
    table = tabulate_changes(
        compared.sample, compared.matches, prior=PRIOR, alpha=0.05, min_group=10
    ).set_index("arm")
    assert tuple(table.reset_index().columns) == COLUMNS
    assert table.loc["learners", "change"] == pytest.approx(5, abs=0.4)
    assert table.loc["others", "change"] == pytest.approx(2, abs=0.4)
    assert np.allclose(table["after"] - table["before"], table["change"])
    assert (table["low"] < table["change"]).all()


def test_few_people_with_an_earlier_value_give_nothing(compared):
    few = estimate_change(
        compared.sample, compared.matches, prior=PRIOR, min_group=10**6
    )
    assert few is None
    assert tabulate_changes(
        compared.sample, compared.matches, prior=PRIOR, alpha=0.05, min_group=10**6
    ).empty


def test_only_an_outcome_measured_before_has_an_earlier_value(compared):
    frame = compared.sample.frame
    outcome = make_cohort(frame).outcome
    skill = outcome.model_copy(update={"source": "skill_assessments.proficiency"})
    assert find_prior(skill, frame) == PRIOR
    assert find_prior(skill, frame.drop(columns=PRIOR)) is None
    assert find_prior(outcome, frame) is None
