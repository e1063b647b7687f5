from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.impact.did.classic_panels import make_panel, simulate_panel
from workbench.core.errors import TooFewUnitsError
from workbench.impact.did.two_by_two import estimate_two_by_two
from workbench.impact.effects import make_estimate


def test_one_cohort_is_the_difference_of_mean_changes() -> None:
    frame = simulate_panel(2, starts=(0, 4))
    found = estimate_two_by_two(make_panel(frame, lag=1))
    wide = frame.pivot_table(index="unit", columns="period", values="outcome")
    change = wide[5] - wide[3]
    learns = frame.drop_duplicates("unit").set_index("unit")["first_treat"] > 0
    ours, theirs = change[learns], change[~learns]
    assert found.effect.value == pytest.approx(ours.mean() - theirs.mean())
    known = sm.OLS(change, sm.add_constant(learns.astype(float))).fit(cov_type="HC1")
    assert found.effect.std_error == pytest.approx(known.bse.iloc[1])
    assert found.effect.baseline == pytest.approx(
        wide.loc[learns, 5].mean() - found.effect.value
    )
    assert found.effect.method == "did_2x2"
    assert found.effect.estimand == "ATT"


def test_one_cohort_equals_diff_diff() -> None:
    os.environ.setdefault("DIFF_DIFF_BACKEND", "python")
    from diff_diff import DifferenceInDifferences

    frame = simulate_panel(2, starts=(0, 4))
    found = estimate_two_by_two(make_panel(frame, lag=0))
    rows = frame[frame["period"].isin([3, 4])].assign(
        treat=lambda table: (table["first_treat"] > 0).astype(int),
        post=lambda table: (table["period"] == 4).astype(int),
        person=lambda table: pd.factorize(table["unit"])[0],
    )
    known = DifferenceInDifferences(cluster="person").fit(
        rows, outcome="outcome", treatment="treat", post="post"
    )
    assert found.effect.value == pytest.approx(known.att)
    assert found.effect.std_error == pytest.approx(known.se, rel=3e-3)


def test_cohorts_are_averaged_by_their_learners() -> None:
    panel = make_panel(simulate_panel(3, starts=(0, 3, 4, 4, 5), lose=0.05), lag=1)
    found = estimate_two_by_two(panel)
    cohorts = found.cohorts
    mean = np.average(cohorts["estimate"], weights=cohorts["n_treated"])
    assert found.effect.value == pytest.approx(mean)
    assert cohorts["n_treated"].sum() == found.effect.n_treated
    plain = estimate_two_by_two(panel, weighting="precision")
    assert plain.effect.value != pytest.approx(mean, abs=1e-6)


def test_the_truth_lies_within_three_errors() -> None:
    for growth in (0.0, 0.3):
        panel = make_panel(simulate_panel(5, growth=growth, people=900), lag=1)
        found = estimate_two_by_two(panel).effect
        assert abs(found.value - 0.5 - growth) < 3 * found.std_error


def test_covariates_remove_their_own_trend() -> None:
    frame = simulate_panel(6, people=900, starts=(0, 4))
    rng = np.random.default_rng(1)
    names = frame["unit"].unique()
    start = frame.drop_duplicates("unit").set_index("unit")["first_treat"]
    x = pd.Series(rng.normal(size=len(names)), index=names) + 0.8 * (start > 0)
    frame["x"] = frame["unit"].map(x)
    frame["outcome"] += 0.3 * frame["x"] * frame["period"]
    panel = make_panel(frame, lag=0, covariates=["x"])
    raw = estimate_two_by_two(panel).effect
    adjusted = estimate_two_by_two(panel, covariates=["x"]).effect
    assert raw.value - 0.5 > 5 * raw.std_error
    assert abs(adjusted.value - 0.5) < 3 * adjusted.std_error


def test_few_teams_get_the_careful_error() -> None:
    frame = simulate_panel(7, teams=10, by_team=True, starts=(0, 4), team_sd=0.3)
    found = estimate_two_by_two(make_panel(frame, clusters=("unit", "team"))).effect
    assert found.n_clusters == 10
    assert found.df < 9
    assert "CR2 by team" in found.error
    by_person = estimate_two_by_two(make_panel(frame)).effect
    assert by_person.value == pytest.approx(found.value)
    assert by_person.std_error < found.std_error


def test_missing_learners_fail_the_check() -> None:
    panel = make_panel(simulate_panel(8, lose=0.3), lag=1)
    found = estimate_two_by_two(panel)
    (check,) = found.checks
    learners = panel.frame.loc[panel.frame["first_treat"] > 0, "unit"].nunique()
    assert check.status == "warn"
    assert check.value == pytest.approx(
        found.changes.missing_treated
        / (found.changes.missing_treated + found.effect.n_treated)
    )
    assert found.changes.missing_treated + found.effect.n_treated == learners


def test_one_team_is_refused() -> None:
    panel = make_panel(simulate_panel(1, teams=1), clusters=("unit", "team"))
    with pytest.raises(TooFewUnitsError, match="one cluster"):
        estimate_two_by_two(panel)


def test_it_can_be_published_and_leaves_the_panel_alone() -> None:
    panel = make_panel(simulate_panel(1), lag=1)
    before = panel.frame.copy()
    estimate = make_estimate(estimate_two_by_two(panel).effect, panel, stage="did")
    pd.testing.assert_frame_equal(panel.frame, before)
    assert estimate.stage == "did"
    assert estimate.ci_low < estimate.estimate < estimate.ci_high
    assert estimate.relative_effect == pytest.approx(
        estimate.estimate / estimate.baseline
    )


@settings(max_examples=12, deadline=None)
@given(shift=st.floats(-5, 5), scale=st.floats(0.1, 20), seed=st.integers(0, 10**6))
def test_shift_scale_and_order_of_rows(shift: float, scale: float, seed: int) -> None:
    frame = simulate_panel(9, people=120, lose=0.1)
    plain = estimate_two_by_two(make_panel(frame)).effect
    other = frame.sample(frac=1, random_state=seed)
    other["outcome"] = shift + scale * other["outcome"]
    found = estimate_two_by_two(make_panel(other)).effect
    assert found.value == pytest.approx(scale * plain.value, rel=1e-8, abs=1e-9)
    assert found.std_error == pytest.approx(scale * plain.std_error, rel=1e-8)
