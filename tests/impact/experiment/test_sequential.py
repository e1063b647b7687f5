"""Weekly looks: boundaries, intervals that hold at all looks, and the price of it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import integrate, optimize, stats

from tests.impact.experiment.draw_looks import FIRST_DAY, draw_running, wrap
from workbench.core.errors import ParamError
from workbench.impact.experiment.crossing import calculate_crossing
from workbench.impact.experiment.sequential import (
    FEWEST_PER_ARM,
    LOOK_COLUMNS,
    explain_no_looks,
    find_boundary,
    find_mixing,
    intersect_looks,
    tabulate_looks,
)

CLOSED = 1e-8
"""Closed forms and least squares."""

SOLVED = 1e-6
"""A root of a numerical integral."""

SHARES = [look / 30 for look in range(1, 31)]


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_boundary_is_where_a_normal_mixture_reaches_one_in_alpha(share, alpha):
    """Recomputed from its meaning: likelihood ratios averaged over normal effects."""
    spread = find_mixing(1.0, alpha=alpha) ** -0.5

    def average(height: float) -> float:
        total = height * math.sqrt(share)

        def weigh(effect: float) -> float:
            ratio = math.exp(effect * total - effect**2 * share / 2)
            return ratio * float(stats.norm.pdf(effect, scale=spread))

        wide = 12 * spread
        peak = total / (share + 1 / spread**2)
        return integrate.quad(weigh, -wide, wide, points=[peak], limit=200)[0]

    found = optimize.brentq(lambda height: average(height) - 1 / alpha, 0.5, 9)
    assert find_boundary(share, alpha=alpha) == pytest.approx(found, rel=SOLVED)


def test_the_interval_is_about_shortest_at_the_planned_sample():
    def width(mixing: float) -> float:
        return (1 + mixing) * math.log((1 + mixing) / (mixing * 0.05**2))

    best = optimize.minimize_scalar(width, bounds=(0.01, 1), method="bounded")
    assert width(find_mixing(1.0)) == pytest.approx(best.fun, rel=1e-3)


def test_thirty_looks_find_nothing_too_often_and_cost_a_known_price():
    limits = [find_boundary(share) for share in SHARES]
    assert calculate_crossing(limits, shares=SHARES) < 0.055
    assert calculate_crossing([1.96] * 30, shares=SHARES) > 0.25
    drift = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    watched = calculate_crossing(limits, shares=SHARES, drift=drift)
    larger = calculate_crossing(limits, shares=SHARES, drift=drift * math.sqrt(1.8))
    assert watched == pytest.approx(0.50, abs=0.01)
    assert larger == pytest.approx(0.82, abs=0.01)


def test_the_chance_of_crossing_is_that_of_drawn_paths():
    rng = np.random.default_rng(5)
    steps = rng.normal(size=(20_000, 4)) / 2
    shares, limits = [0.25, 0.5, 0.75, 1.0], [2.5, 2.2, 2.1, 2.0]
    paths = steps.cumsum(axis=1) + 1.5 * np.array(shares)
    crossed = (np.abs(paths / np.sqrt(shares)) > limits).any(axis=1).mean()
    found = calculate_crossing(limits, shares=shares, drift=1.5)
    assert found == pytest.approx(crossed, abs=3 * (0.25 / 20_000) ** 0.5)


def test_looks_need_shares_that_rise():
    with pytest.raises(ParamError, match="shares that rise"):
        calculate_crossing([2.0, 2.0], shares=[0.5, 0.5])
    with pytest.raises(ParamError, match="1 boundaries, 2 shares"):
        calculate_crossing([2.0], shares=[0.5, 1.0])


@pytest.mark.parametrize("more", [{}, {"skewed": True}, {"clusters": 40}])
def test_looks_over_thirty_weeks_hold_zero_where_ordinary_ones_do_not(more):
    """A quick version of the calibration cells; see tests/calibration/look_cells.py."""
    runs, lost, peeked = 25, 0, 0
    for seed in range(runs):
        looks = tabulate_looks(draw_running(seed, people=240, **more))
        low, high = intersect_looks(looks)
        lost += not low <= 0 <= high
        away = (looks["fixed_low"] > 0) | (looks["fixed_high"] < 0)
        peeked += bool(away.any())
    assert lost <= stats.binom.ppf(0.999, runs, 0.055)
    assert peeked > lost


def test_a_large_effect_is_found_before_the_end():
    looks = tabulate_looks(draw_running(3, effect=0.6))
    first = looks[looks["low"] > 0].iloc[0]
    assert first["n"] < 400
    assert tuple(looks.columns) == LOOK_COLUMNS
    assert looks["n"].is_monotonic_increasing
    assert (looks["low"] < looks["fixed_low"]).all()
    assert (looks["high"] > looks["fixed_high"]).all()


def test_the_last_look_is_the_adjusted_difference_with_its_error():
    experiment = draw_running(8, effect=0.2)
    last = tabulate_looks(experiment).iloc[-1]
    frame = experiment.frame.assign(d=experiment.frame["assigned"].astype(float))
    known = frame["prior"].fillna(frame["prior"].mean())
    frame["x"] = known - known.mean()
    fit = smf.ols("outcome ~ d * x", frame).fit(cov_type="HC2", use_t=True)
    assert last["estimate"] == pytest.approx(fit.params["d"], rel=CLOSED)
    low, high = fit.conf_int().loc["d"]
    assert last["fixed_low"] == pytest.approx(low, rel=CLOSED)
    assert last["fixed_high"] == pytest.approx(high, rel=CLOSED)
    assert last["day"] == "2026-07-27"
    assert last["n"] == 600


def test_without_a_prior_value_it_is_the_difference_of_the_means():
    experiment = draw_running(8)
    frame = experiment.frame.assign(prior=np.nan)
    last = tabulate_looks(wrap(frame)).iloc[-1]
    means = frame.groupby("assigned")["outcome"].mean()
    assert last["estimate"] == pytest.approx(means[True] - means[False], rel=CLOSED)
    ours, theirs = (frame.loc[frame["assigned"] == arm, "outcome"] for arm in (1, 0))
    error = math.sqrt(ours.var() / len(ours) + theirs.var() / len(theirs))
    half = stats.t.ppf(0.975, 598) * error
    assert last["fixed_high"] - last["estimate"] == pytest.approx(half, rel=CLOSED)


def test_of_teams_each_enters_when_the_last_of_its_people_is_known():
    experiment = draw_running(2, clusters=40, people=400)
    frame = experiment.frame.copy()
    late = frame["cluster"] == frame["cluster"].iloc[0]
    frame.loc[frame.index[late][0], "known_on"] = frame["known_on"].max()
    looks = tabulate_looks(wrap(frame, design="cluster"))
    usual = tabulate_looks(experiment)
    assert looks.iloc[-2]["n"] == usual.iloc[-2]["n"] - 10
    assert looks.iloc[-1]["n"] == 400
    assert (looks["n"] % 10 == 0).all()


def test_the_error_by_team_is_the_jackknife():
    frame = draw_running(2, clusters=30, people=300).frame.assign(prior=np.nan)
    last = tabulate_looks(wrap(frame, design="cluster")).iloc[-1]
    effects = []
    for name in frame["cluster"].unique():
        means = frame[frame["cluster"] != name].groupby("assigned")["outcome"].mean()
        effects.append(means[True] - means[False])
    error = math.sqrt(29 / 30 * np.sum((effects - np.mean(effects)) ** 2))
    half = stats.t.ppf(0.975, 28) * error
    assert last["fixed_high"] - last["estimate"] == pytest.approx(half, rel=CLOSED)


def test_order_of_rows_unit_and_arms_change_only_what_they_must():
    frame = draw_running(4, people=200, effect=0.4).frame
    looks = tabulate_looks(wrap(frame))
    shuffled = tabulate_looks(wrap(frame.sample(frac=1, random_state=1)))
    pd.testing.assert_frame_equal(shuffled, looks)
    scaled = tabulate_looks(wrap(frame.assign(outcome=10 * frame["outcome"])))
    np.testing.assert_allclose(scaled["low"], 10 * looks["low"])
    swapped = tabulate_looks(wrap(frame.assign(assigned=~frame["assigned"])))
    np.testing.assert_allclose(swapped["low"], -looks["high"])


def test_what_is_not_known_is_not_read():
    frame = draw_running(4, people=200).frame
    frame.loc[::4, "outcome"] = np.nan
    frame.loc[1::4, "known_on"] = pd.NaT
    assert tabulate_looks(wrap(frame)).iloc[-1]["n"] == 100


def test_looks_begin_with_enough_people_in_each_arm():
    experiment = draw_running(4, people=300)
    first = tabulate_looks(experiment).iloc[0]
    seen = experiment.frame[experiment.frame["known_on"] <= first["day"]]
    assert seen.groupby("assigned").size().min() >= FEWEST_PER_ARM
    few = experiment.frame.assign(known_on=FIRST_DAY).iloc[:15]
    assert tabulate_looks(wrap(few)).empty
    assert "begin with 10 people of each arm" in explain_no_looks(wrap(few))
    assert explain_no_looks(experiment) == ""


def test_few_teams_get_a_reason_that_speaks_of_clusters():
    experiment = draw_running(1, clusters=8, people=80)
    assert "10 clusters of each arm" in explain_no_looks(experiment)


def test_an_arm_of_zero_and_an_outcome_of_one_value_have_no_looks():
    frame = draw_running(1, people=100).frame
    alone = wrap(frame[frame["assigned"]])
    assert tabulate_looks(alone).empty
    assert "assigned to control and to treatment" in explain_no_looks(alone)
    assert tabulate_looks(wrap(frame.assign(outcome=1.0))).empty


def test_a_stepped_wedge_has_no_looks_and_says_why():
    frame = draw_running(1, people=100).frame
    frame = frame.assign(period=1, starts=1, exposed=frame["assigned"])
    wedge = wrap(frame, design="stepped_wedge")
    looks = tabulate_looks(wedge)
    assert looks.empty
    assert tuple(looks.columns) == LOOK_COLUMNS
    assert "not offered for a stepped wedge" in explain_no_looks(wedge)


def test_without_looks_nothing_is_excluded():
    assert intersect_looks(pd.DataFrame()) == (-math.inf, math.inf)
