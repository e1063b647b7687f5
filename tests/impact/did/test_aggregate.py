"""Averages of group-time effects, their errors and baselines."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from tests.impact.did.staggered import gain, make_staggered
from workbench.core.errors import TooFewUnitsError
from workbench.impact.did.aggregate import (
    aggregate_at_lag,
    aggregate_calendar,
    aggregate_dynamic,
    aggregate_group,
    aggregate_simple,
)
from workbench.impact.did.group_time import GroupTime, estimate_group_time
from workbench.impact.effects import make_estimate


@pytest.fixture(scope="module")
def found() -> GroupTime:
    return estimate_group_time(make_staggered(21, people=2000))


def test_the_headline_is_the_weighted_effect_at_the_lag(found: GroupTime) -> None:
    headline = aggregate_at_lag(found, exposures=[4, 5, 6], lag=1)
    table = found.table.query("event_time == 1")
    sizes = found.weights.loc[table["group"]].to_numpy()
    assert headline.value == pytest.approx((sizes @ table["att"]) / sizes.sum())
    truth = sum(n * gain(g, 1) for g, n in found.weights.items()) / sizes.sum()
    assert abs(headline.value - truth) < 3 * headline.std_error
    assert headline.n_treated == sizes.sum()
    assert headline.notes == ()


def test_the_headline_counts_only_its_exposures(found: GroupTime) -> None:
    one = aggregate_at_lag(found, exposures=[5], lag=1)
    cell = found.table.query("group == 5 and event_time == 1").iloc[0]
    assert one.value == cell["att"]
    assert one.std_error == pytest.approx(cell["std_error"])
    assert one.n_control == cell["n_control"]


def test_missing_exposures_are_named(found: GroupTime) -> None:
    late = aggregate_at_lag(found, exposures=[4, 5, 6], lag=2)
    assert late.notes == (
        f"{found.weights[6]} learners of period 6 have no effect at lag 2.",
    )
    with pytest.raises(TooFewUnitsError, match="5 quarters after the exposure"):
        aggregate_at_lag(found, exposures=[4], lag=5)


def test_the_baseline_is_the_mean_without_learning(found: GroupTime) -> None:
    headline = aggregate_at_lag(found, exposures=[4], lag=1)
    ours = found.first_treat == 4
    level = found.outcomes[ours, 4].mean()
    assert headline.baseline == pytest.approx(level - headline.value)
    error = math.sqrt(headline.baseline_variance)
    total = math.sqrt(headline.std_error**2 + error**2 + 2 * headline.covariance)
    spread = found.outcomes[ours, 4].std(ddof=0) / math.sqrt(ours.sum())
    assert total == pytest.approx(spread, rel=1e-6)


def test_the_weights_have_an_error_too(found: GroupTime) -> None:
    """Doubling every person halves the variance: it has no fixed part."""
    simple = aggregate_simple(found)
    both = dataclasses.replace(
        found,
        influence=np.vstack([found.influence, found.influence]) / 2,
        units=np.concatenate([found.units, found.units]),
        first_treat=np.concatenate([found.first_treat, found.first_treat]),
        outcomes=np.vstack([found.outcomes, found.outcomes]),
        clusters=np.arange(2 * len(found.units)),
    )
    twice = aggregate_simple(both)
    assert twice.value == pytest.approx(simple.value)
    assert twice.std_error == pytest.approx(simple.std_error / math.sqrt(2))
    fixed = found.find_cells(before=False)
    sizes = found.table["n_treated"].to_numpy()[fixed]
    plain = found.influence[:, fixed] @ (sizes / sizes.sum())
    assert simple.std_error > math.sqrt(plain @ plain)


def test_the_error_is_the_spread_over_samples() -> None:
    """Forty redrawn panels: the mean error equals their standard deviation."""
    values, errors = [], []
    for seed in range(40):
        panel = make_staggered(100 + seed, people=250)
        one = aggregate_simple(estimate_group_time(panel))
        values.append(one.value)
        errors.append(one.std_error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25)


def test_families_agree_with_their_cells(found: GroupTime) -> None:
    after = found.table.query("event_time >= 0")
    groups = aggregate_group(found)
    assert list(groups.table["term"]) == [4, 5, 6]
    for row in groups.table.itertuples():
        own = after.loc[after["group"] == row.term, "att"]
        assert row.value == pytest.approx(own.mean())
        assert row.n_cells == len(own)
    sizes = found.weights.loc[groups.table["term"]].to_numpy()
    overall = groups.overall
    assert overall is not None
    assert overall.value == pytest.approx(sizes @ groups.table["value"] / sizes.sum())
    calendar = aggregate_calendar(found)
    assert list(calendar.table["term"]) == [4, 5, 6, 7]
    assert calendar.overall is not None
    assert calendar.overall.value == pytest.approx(calendar.table["value"].mean())


def test_event_study_and_its_covariance(found: GroupTime) -> None:
    study = aggregate_dynamic(found)
    assert list(study.table["term"]) == [-4, -3, -2, -1, 0, 1, 2, 3]
    errors = np.sqrt(np.diag(study.covariance))
    np.testing.assert_allclose(study.table["std_error"], errors)
    assert study.overall is not None
    since = (study.table["term"] >= 0).to_numpy()
    assert study.overall.value == pytest.approx(study.table["value"][since].mean())
    part = study.covariance[np.ix_(since, since)]
    assert study.overall.std_error == pytest.approx(math.sqrt(part.mean()))


def test_event_study_of_some_groups(found: GroupTime) -> None:
    study = aggregate_dynamic(found, groups=[4])
    cells = found.table.query("group == 4")
    np.testing.assert_array_equal(study.table["value"], cells["att"])
    with pytest.raises(TooFewUnitsError, match="for these groups"):
        aggregate_dynamic(found, groups=[3])


def test_balanced_event_times_keep_the_mix(found: GroupTime) -> None:
    study = aggregate_dynamic(found, balance=2)
    assert list(study.table["term"]) == [-3, -2, -1, 0, 1, 2]
    after = study.table.query("term >= 0")
    assert set(after["n_cells"]) == {2}


def test_without_effects_after_exposure() -> None:
    panel = make_staggered(22, people=300, never=False, groups=(6, 7))
    late = estimate_group_time(panel)
    only = late.table["group"] == 7
    before = dataclasses.replace(
        late,
        table=late.table[~only & (late.table["event_time"] < 0)].reset_index(drop=True),
    )
    assert aggregate_dynamic(before).overall is None
    with pytest.raises(TooFewUnitsError, match="since exposure"):
        aggregate_simple(before)


def test_few_teams_give_student_intervals() -> None:
    panel = make_staggered(23, people=600, teams=12, clusters=("unit", "team"))
    headline = aggregate_at_lag(estimate_group_time(panel), exposures=[4, 5, 6], lag=1)
    assert headline.n_clusters == 12
    assert headline.df == 11
    assert "12 clusters by team" in headline.error
    effect = headline.effect(method="did_cs")
    assert effect.plain_error == pytest.approx(math.sqrt((headline.influence**2).sum()))


def test_an_average_becomes_a_published_estimate() -> None:
    panel = make_staggered(24, people=600, exposures=(4, 5, 6), lag=1)
    headline = aggregate_at_lag(
        estimate_group_time(panel), exposures=panel.exposures, lag=panel.lag
    )
    estimate = make_estimate(
        headline.effect(method="did_cs"), panel, stage="did", headline=True
    )
    assert estimate.estimate == headline.value
    assert estimate.baseline == headline.baseline
    assert estimate.ci_low < estimate.estimate < estimate.ci_high
    assert "by person, divisor n" in headline.error
