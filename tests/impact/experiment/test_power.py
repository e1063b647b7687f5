"""Power: laws, what each design expects, and the table of the stage."""

from __future__ import annotations

import doctest
import importlib
import math

import numpy as np
import pytest
from scipy import stats

from workbench.core.errors import DesignError, ParamError, TooFewUnitsError
from workbench.impact.experiment.power import (
    POWER_COLUMNS,
    Precision,
    calculate_power,
    find_detectable,
    find_size,
    tabulate_power,
)
from workbench.impact.planning.expected_error import (
    dilute_effect,
    expect_cluster,
    expect_individual,
    expect_wedge,
    find_binary_spread,
    plan_waves,
)

CLOSED = 1e-10
"""Closed forms."""

DRAWS = 4_000


def halves(size: float, **more: float) -> Precision:
    return expect_individual(sd=1.0, treated=size / 2, control=size / 2, **more)  # type: ignore[arg-type]


def three_errors(share: float) -> float:
    return 3 * (share * (1 - share) / DRAWS) ** 0.5


def test_without_an_effect_power_is_the_level():
    assert calculate_power(0.0, halves(40)) == pytest.approx(0.05, abs=CLOSED)
    known = Precision(std_error=1.0, df=math.inf)
    assert calculate_power(0.0, known, alpha=0.01) == pytest.approx(0.01, abs=CLOSED)


def test_power_rises_to_one_and_does_not_mind_the_sign():
    found = [calculate_power(effect, halves(30)) for effect in np.linspace(0, 60, 40)]
    assert np.all(np.diff(found) >= -CLOSED)
    assert found[-1] == 1.0
    assert calculate_power(-0.4, halves(30)) == calculate_power(0.4, halves(30))


def test_the_power_of_people_is_that_of_drawn_trials():
    rng = np.random.default_rng(2)
    ours, theirs = rng.normal(size=(DRAWS, 15)) + 0.9, rng.normal(size=(DRAWS, 30))
    found = (stats.ttest_ind(ours, theirs, axis=1).pvalue < 0.05).mean()
    expected = expect_individual(sd=1.0, treated=15, control=30)
    power = calculate_power(0.9, expected)
    assert power == pytest.approx(found, abs=three_errors(power))


def test_the_error_by_cluster_is_that_of_drawn_trials():
    """Difference of the means of all people, clusters of unequal size."""
    rng = np.random.default_rng(3)
    sizes = np.array([2, 4, 6, 8, 20, 2, 4, 6, 8, 20])
    team = np.repeat(np.arange(10), sizes)
    ours = team < 5
    shared = rng.normal(size=(DRAWS, 10)) * 0.3**0.5
    values = shared[:, team] + rng.normal(size=(DRAWS, 80)) * 0.7**0.5
    drawn = values[:, ours].mean(axis=1) - values[:, ~ours].mean(axis=1)
    cv = float(sizes.std() / sizes.mean())
    expected = expect_cluster(
        sd=1.0, treated=5, control=5, size=8, icc=0.3, size_cv=cv
    ).std_error
    assert drawn.std() == pytest.approx(expected, rel=3 / (2 * DRAWS) ** 0.5)


@pytest.mark.parametrize("weighting", ["people", "efficient"])
def test_the_error_of_a_wedge_is_that_of_drawn_roll_outs(weighting):
    """Effects of groups and periods by least squares, as the analysis has them; and
    generalised least squares with the true covariance. The same people each time."""
    rng = np.random.default_rng(4)
    starts, periods = plan_waves(6, 3)
    size, icc, kept, own = 5, 0.2, 0.7, 0.5
    expected = expect_wedge(
        sd=1.0,
        starts=starts,
        periods=periods,
        size=size,
        icc=icc,
        cluster_autocorrelation=kept,
        person_autocorrelation=own,
        weighting=weighting,
    )
    shape = (DRAWS, 6, periods)
    constant = rng.normal(size=(DRAWS, 6, 1)) * (icc * kept) ** 0.5
    moving = rng.normal(size=shape) * (icc * (1 - kept)) ** 0.5
    people = rng.normal(size=(DRAWS, 6, 1)) * ((1 - icc) * own / size) ** 0.5
    noise = rng.normal(size=shape) * ((1 - icc) * (1 - own) / size) ** 0.5
    means = constant + moving + people + noise
    same, each = np.ones((periods, periods)), np.eye(periods)
    covariance = icc * (kept * same + (1 - kept) * each)
    covariance = covariance + (1 - icc) / size * (own * same + (1 - own) * each)
    weight = np.linalg.inv(np.kron(np.eye(6), covariance))
    exposed = np.array([[p >= s for p in range(1, periods + 1)] for s in starts])
    design = np.column_stack([np.tile(each, (6, 1)), exposed.ravel().astype(float)])
    solve = np.linalg.inv(design.T @ weight @ design) @ design.T @ weight
    if weighting == "people":
        groups = np.kron(np.eye(6), np.ones((periods, 1)))
        solve = np.linalg.pinv(np.column_stack([groups, design[:, 1:]]))
    drawn = (means.reshape(DRAWS, -1) @ solve.T)[:, -1]
    assert drawn.std() == pytest.approx(expected.std_error, rel=3 / (2 * DRAWS) ** 0.5)
    assert expected.df == 4


def test_adjustment_for_the_value_before_saves_its_share_of_the_sample():
    plain = find_size(0.2, halves)
    adjusted = find_size(0.2, lambda size: halves(size, correlation=0.6), smallest=6)
    assert adjusted is not None
    assert plain is not None
    assert adjusted / plain == pytest.approx(1 - 0.6**2, rel=0.01)


def test_one_person_per_cluster_is_the_individual_design():
    clusters = expect_cluster(sd=2.0, treated=40, control=60, size=1, icc=0.3)
    people = expect_individual(sd=2.0, treated=40, control=60)
    assert clusters.std_error == pytest.approx(people.std_error, rel=CLOSED)
    assert clusters.df == people.df


def test_with_a_fixed_number_of_clusters_more_people_do_not_help_for_ever():
    """Hemming and others 2011: feasible only above n times ICC clusters."""
    alone = find_size(0.2, halves)
    assert alone is not None
    needed = alone * 0.1

    def expect(clusters: float, size: int) -> Precision:
        half = clusters / 2
        found = expect_cluster(sd=1.0, treated=half, control=half, size=size, icc=0.1)
        return Precision(std_error=found.std_error, df=math.inf)

    assert calculate_power(0.2, expect(needed * 0.95, 10**6)) < 0.8
    assert calculate_power(0.2, expect(needed * 1.05, 10**6)) > 0.8


def test_the_smallest_size_is_the_smallest():
    size = find_size(0.5, halves, power=0.9)
    assert size is not None
    assert calculate_power(0.5, halves(size)) >= 0.9
    assert calculate_power(0.5, halves(size - 1)) < 0.9
    assert find_size(5.0, halves, smallest=6) == 6


def test_what_no_size_can_show_has_none():
    assert find_size(0.0, halves) is None
    assert find_size(1e-9, halves) is None


def test_the_detectable_effect_is_found_with_the_power_wanted():
    effect = find_detectable(lambda _: halves(50), power=0.9, alpha=0.01)
    assert calculate_power(effect, halves(50), alpha=0.01) == pytest.approx(0.9)


def test_a_share_cannot_rise_beyond_one():
    def expect(effect: float) -> Precision:
        sd, other = find_binary_spread(0.9, effect)
        return expect_individual(sd=sd, sd_treated=other, treated=20, control=20)

    assert math.isnan(find_detectable(expect, highest=0.1))
    assert find_binary_spread(0.5, 0.4) == pytest.approx((0.5, 0.3))
    with pytest.raises(DesignError, match=r"from 0\.9 to 1\.1"):
        find_binary_spread(0.9, 0.2)


def test_those_who_do_not_take_it_up_dilute_the_effect():
    assert dilute_effect(0.2, taken=0.6, taken_control=0.1) == pytest.approx(0.1)
    with pytest.raises(DesignError, match="the offer changes nothing"):
        dilute_effect(0.2, taken=0.3, taken_control=0.3)


def test_the_table_of_the_stage_shows_plan_and_achievement():
    precision = Precision(std_error=0.05, df=120)
    table = tabulate_power(precision, n=300, clusters=300, planned_effect=-0.1)
    assert tuple(table.columns) == POWER_COLUMNS
    assert table["effect"].is_monotonic_increasing
    achieved = table["achieved_mde"].iloc[0]
    assert calculate_power(achieved, precision) == pytest.approx(0.8)
    assert table["planned_effect"].unique() == [0.1]
    assert table["effect"].iloc[-1] == pytest.approx(1.5 * achieved)
    assert table["power"].iloc[0] == pytest.approx(0.05)
    unplanned = tabulate_power(precision, n=3, clusters=3, planned_effect=math.nan)
    assert unplanned["planned_effect"].isna().all()
    assert unplanned["effect"].notna().all()


def test_what_has_no_error_has_no_power():
    with pytest.raises(DesignError, match="without an error has no power"):
        Precision(std_error=0.0, df=10)
    with pytest.raises(TooFewUnitsError, match="Too few people or clusters"):
        expect_cluster(sd=1.0, treated=1, control=1, size=30, icc=0.1)
    with pytest.raises(ParamError, match="ICC lies between 0 and 1"):
        expect_cluster(sd=1.0, treated=5, control=5, size=30, icc=1.4)
    with pytest.raises(ParamError, match="do not make a test"):
        find_size(0.2, halves, power=0.01)
    with pytest.raises(ParamError, match="do not make a test"):
        find_detectable(lambda _: halves(50), alpha=0.7)


def test_a_wedge_needs_waves_that_differ():
    with pytest.raises(DesignError, match="two waves, and a cluster in each"):
        plan_waves(3, 4)
    with pytest.raises(DesignError, match="cannot be told from calendar time"):
        expect_wedge(sd=1.0, starts=[2, 2, 2], periods=3, size=5, icc=0.1)
    with pytest.raises(DesignError, match="cannot be told from calendar time"):
        expect_wedge(
            sd=1.0,
            starts=[2, 2, 2],
            periods=3,
            size=5,
            icc=0.1,
            weighting="efficient",
        )


@pytest.mark.parametrize("name", ["crossing", "power", "sequential"])
def test_examples(name):
    module = importlib.import_module(f"workbench.impact.experiment.{name}")
    found = doctest.testmod(module)
    assert found.attempted
    assert found.failed == 0
