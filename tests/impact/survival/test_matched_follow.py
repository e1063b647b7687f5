"""Matched people followed over time: laws, simpler cases, coverage."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.impact.survival.simulate_follow import (
    make_follow_up,
    make_retention,
    simulate_rows,
)
from workbench.core.errors import DesignError
from workbench.impact.comparison import compare_groups
from workbench.impact.matched import estimate_matched
from workbench.impact.matching import match_nearest
from workbench.impact.sample import prepare_sample
from workbench.impact.survival.competing import estimate_incidence
from workbench.impact.survival.delayed_entry import estimate_delayed_entry
from workbench.impact.survival.kaplan_meier import estimate_restricted_mean
from workbench.impact.survival.matched_follow import (
    Followed,
    estimate_first_detail,
    estimate_followed,
    estimate_naive_follow,
    follow_matched,
    make_pseudo_outcomes,
)

CLOSED = 1e-9  # closed forms, in shares and days

COVERAGE_RUNS = 100
COVERAGE_LEAST = 0.90  # a true 95 % lies below in 1 of 90 sets of 100 draws


def follow(frame: pd.DataFrame, *, min_group: int = 10, **more: object) -> Followed:
    made = make_follow_up(frame, **more)  # type: ignore[arg-type]
    cohort = made.cohort
    compared = compare_groups(
        replace(cohort, frame=cohort.frame.assign(outcome=frame["duration"])),
        matching={"caliper": 0.2, "ratio": 1, "replace": False},
        exact=(),
        propensity="logistic",
        min_group=min_group,
        seed=1,
    )
    return follow_matched(made, compared, min_group=min_group)


def follow_known_scores(frame: pd.DataFrame) -> Followed:
    """Match on the true log-odds, which spares the fit of a model."""
    made = make_follow_up(frame)
    sample = prepare_sample(made.cohort)
    logit = (0.6 * sample.frame["x1"] + 0.36 * sample.frame["x2"]).to_numpy()
    compared = SimpleNamespace(
        sample=sample,
        matches=match_nearest(sample.frame.assign(score=logit)),
        scores=SimpleNamespace(logit=logit),
    )
    return follow_matched(made, compared, min_group=10)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return simulate_rows(5, people=1000)


@pytest.fixture(scope="module")
def followed(frame: pd.DataFrame) -> Followed:
    return follow(frame)


def arms(followed: Followed) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return [
        (followed.duration[rows], followed.cause[rows], followed.weight[rows])
        for rows in (followed.arm(treated=True), followed.arm(treated=False))
    ]


def test_plain_difference_is_that_of_the_curves(followed: Followed) -> None:
    shares = [
        1 - float(estimate_incidence(ends, cause, weights=weight).at([365.0])[0][0])
        for ends, cause, weight in arms(followed)
    ]
    effect = estimate_followed(followed, covariates=None)
    assert effect.value == pytest.approx(shares[0] - shares[1], abs=CLOSED)
    assert effect.baseline == pytest.approx(shares[1], abs=CLOSED)
    assert effect.estimand == "RD"


def test_plain_days_are_those_of_the_restricted_means(followed: Followed) -> None:
    means = [
        estimate_restricted_mean(ends, cause == 1, 365.0, weights=weight).value
        for ends, cause, weight in arms(followed)
    ]
    effect = estimate_followed(followed, covariates=None, measure="days")
    assert effect.value == pytest.approx(means[0] - means[1], abs=CLOSED)
    assert effect.estimand == "RMST_DIFF"


def test_without_censoring_it_is_the_matched_comparison_of_stage_03(
    frame: pd.DataFrame,
) -> None:
    whole = simulate_rows(5, people=1000, after=1000)
    followed = follow(whole)
    stayed = ~((followed.cause == 1) & (followed.duration <= 365))
    sample = replace(followed.sample, outcome=stayed.astype(float))
    matrix = followed.compared.design.matrix()
    known = estimate_matched(sample, followed.compared.matches, covariates=matrix)
    found = estimate_followed(followed, covariates=matrix)
    assert found.value == pytest.approx(known.value, abs=CLOSED)
    assert found.std_error == pytest.approx(known.std_error, rel=1e-6)
    assert found.df == known.df


def test_pseudo_outcomes_average_to_the_arm(followed: Followed) -> None:
    outcome = make_pseudo_outcomes(followed, days=False)
    assert (outcome[followed.weight == 0] == 0).all()
    for rows in (followed.arm(treated=True), followed.arm(treated=False)):
        share = (
            1
            - estimate_incidence(followed.duration[rows], followed.cause[rows]).at(
                [365.0]
            )[0][0]
        )
        weights = followed.weight[rows]
        assert np.average(outcome[rows], weights=weights) == pytest.approx(share)


def test_order_of_rows_changes_nothing(frame: pd.DataFrame, followed: Followed) -> None:
    before = frame.copy()
    other = follow(frame.sample(frac=1.0, random_state=3))
    pd.testing.assert_frame_equal(frame, before)
    for days in ("share", "days"):
        one = estimate_followed(followed, covariates=None, measure=days)
        two = estimate_followed(other, covariates=None, measure=days)
        assert one.value == pytest.approx(two.value, abs=CLOSED)
        assert one.std_error == pytest.approx(two.std_error, abs=CLOSED)


def test_intervals_cover_with_half_censored_and_people_repeated() -> None:
    held = {"share": 0, "days": 0}
    censored = []
    for seed in range(COVERAGE_RUNS):
        frame = simulate_rows(seed, people=400, after=10, trials=6, start=-2.0)
        followed = follow_known_scores(frame)
        ours = followed.arm(treated=True)
        cut = (followed.duration < 365) & (followed.cause == 0)
        censored.append(cut[followed.weight > 0].mean())
        for measure in held:
            effect = estimate_followed(followed, covariates=None, measure=measure)
            low, high = effect.interval(0.05)
            truth = followed.sample.frame.loc[ours, f"truth_{measure}"].mean()
            held[measure] += low <= truth <= high
    assert np.mean(censored) > 0.45
    assert min(held.values()) >= COVERAGE_LEAST * COVERAGE_RUNS


def test_error_of_the_naive_difference_allows_for_people_in_many_trials(
    followed: Followed,
) -> None:
    naive = estimate_naive_follow(followed)
    assert naive.estimand == "ASSOCIATION"
    assert naive.std_error > 1.05 * naive.plain_error


def test_arm_without_events_gets_the_rule_of_three(frame: pd.DataFrame) -> None:
    spared = frame.assign(cause=frame["cause"].where(~frame["treated"], 0))
    followed = follow(spared)
    effect = estimate_followed(followed, covariates=None)
    rows = followed.arm(treated=True) & (followed.duration >= 365)
    people = followed.sample.count_units(rows)
    theirs = followed.arm(treated=False)
    left = estimate_incidence(followed.duration[theirs], followed.cause[theirs])
    assert effect.value == pytest.approx(left.at([365.0])[0][0])
    alone = effect.std_error**2 - 2 / people**2
    assert 0 < alone < effect.std_error**2
    assert "rule of three" in effect.error


def test_event_to_everybody_is_answered() -> None:
    frame = simulate_rows(2, people=500, trials=2, after=3000, other=0.0, start=-1.5)
    frame["duration"] = 1 + frame["duration"] % 300
    frame["cause"] = 1
    effect = estimate_followed(follow(frame), covariates=None)
    assert effect.value == pytest.approx(0.0, abs=CLOSED)
    assert effect.std_error > 0


def test_too_short_a_follow_up_is_refused(frame: pd.DataFrame) -> None:
    recent = frame[frame["trial"] > "T05"]
    with pytest.raises(DesignError, match="Too few people have been followed for 365"):
        follow(recent)
    with pytest.raises(DesignError, match="the longest follow-up is 244 days"):
        follow(recent)


def test_finer_cause_competes_with_the_others(frame: pd.DataFrame) -> None:
    known = frame.assign(
        detail=np.where(
            frame["cause"] == 1,
            1 + (frame["x1"] > 0),
            np.where(frame["cause"] == 2, 4, 0),
        )
    )
    made = make_follow_up(known)
    made = replace(made, details=("regretted", "other", "not judged", "left otherwise"))
    compared = compare_groups(
        made.cohort,
        matching={"caliper": 0.2, "ratio": 1, "replace": False},
        exact=(),
        propensity="logistic",
        min_group=10,
        seed=1,
    )
    followed = follow_matched(made, compared, min_group=10)
    whole = estimate_followed(followed, covariates=None)
    first = estimate_first_detail(followed, covariates=None, method="first")
    assert first is not None
    second = estimate_first_detail(
        replace(followed, detail=np.array([0, 2, 1, 3, 4])[followed.detail]),
        covariates=None,
        method="second",
    )
    assert second is not None
    assert first.value + second.value == pytest.approx(whole.value, abs=CLOSED)
    plain = replace(followed, detail=None, details=())
    assert estimate_first_detail(plain, covariates=None, method="none") is None


def make_ramp(seed: int) -> pd.DataFrame:
    """Draw days in a role: entering at ``elapsed``, learners go 1.5 times as fast."""
    frame = simulate_rows(seed, people=1200, ratio=1.5, rate=2.0, start=-2.0)
    days = np.random.default_rng(seed).integers(1, 120, len(frame))
    return frame.assign(elapsed=days.astype(float))


def test_delayed_entry_compares_days_since_the_start_of_the_clock() -> None:
    ramp = make_retention(
        id="ramp_days", source="proficiency_dates.days", unit="days", direction="down"
    )
    followed = follow(make_ramp(3), outcome=ramp, origin="role start")
    assert followed.in_days
    assert not followed.kept
    late = estimate_delayed_entry(followed, min_group=10)
    assert late is not None
    own = estimate_followed(followed, covariates=None)
    assert own.estimand == late.estimand == "RMST_DIFF"
    assert late.value < 0
    assert own.value < 0
    # a constant hazard forgets when people entered, so both read the same means
    gap = abs(late.value - own.value)
    assert gap < 3 * max(late.std_error, own.std_error)
    assert late.n_clusters <= followed.arm(treated=True).sum()
    assert estimate_delayed_entry(followed, min_group=100_000) is None


def test_shares_are_of_the_whole_time_since_the_start_of_the_clock() -> None:
    ramp = make_retention(
        id="ramp_days", source="proficiency_dates.days", unit="days", direction="down"
    )
    followed = follow(make_ramp(3), outcome=ramp, origin="role start")
    passed = followed.elapsed[followed.arm(treated=True)].mean()
    fresh = replace(followed, elapsed=np.zeros_like(followed.elapsed))
    outcome = make_pseudo_outcomes(followed, days=True)
    rows = followed.weight > 0
    gap = outcome - make_pseudo_outcomes(fresh, days=True)
    assert gap[rows] == pytest.approx(passed)
    assert (gap[~rows] == 0).all()
    own = estimate_followed(followed, covariates=None)
    plain = estimate_followed(fresh, covariates=None)
    assert own.value == pytest.approx(plain.value, abs=CLOSED)
    assert own.std_error == pytest.approx(plain.std_error)
    assert own.baseline == pytest.approx(plain.baseline + passed)
