"""Stepped wedges: against other tools, known truth, and by laws."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from linearmodels.panel import PanelOLS

from tests.impact.experiment.draw_wedges import draw_wedge, wrap_wedge
from tests.reference.mpdta_panel import draw_counties
from workbench.core.errors import NoVariationError, TooFewUnitsError
from workbench.impact.experiment.stepped_wedge import (
    SteppedWedge,
    estimate_stepped_wedge,
)
from workbench.impact.experiment.wedge_cells import (
    estimate_cr2,
    fit_column,
    make_effect,
    read_cells,
)
from workbench.impact.experiment.wedge_draws import redraw_starts

SAME = 1e-9
"""Closed forms computed in two ways: rounding alone may differ."""

PUBLISHED = 5e-6
"""Published to six decimals."""

TREND = 0.3
FEW_DRAWS = 199


@pytest.fixture(scope="module")
def wedge() -> SteppedWedge:
    return estimate_stepped_wedge(
        draw_wedge(3, trend=TREND, shock_sd=0.1), seed=1, draws=999
    )


def drop_rows(seed: int):
    """Lose a tenth of the outcomes, so that no cell is like another."""
    experiment = draw_wedge(seed, trend=TREND, shock_sd=0.2)
    frame = experiment.frame.copy()
    lost = np.random.default_rng(seed).random(len(frame)) < 0.1
    frame.loc[lost, "outcome"] = np.nan
    return replace(experiment, frame=frame)


def test_the_effect_and_its_cluster_error_are_those_of_dummy_regression() -> None:
    experiment = drop_rows(5)
    cells = read_cells(experiment)
    fit = fit_column(cells, cells.exposed, cells.periods)
    rows = experiment.frame.dropna(subset="outcome")
    rows = rows.assign(exposed=rows["exposed"].astype(float))
    # statsmodels 0.15: ordinary least squares with dummies, CR1 by cluster
    found = smf.ols("outcome ~ exposed + C(cluster) + C(period)", rows).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(rows["cluster"])[0]}
    )
    assert fit.value == pytest.approx(found.params["exposed"], rel=SAME)
    made = make_effect(cells, fit, method="ab_itt")
    assert made.plain_error == pytest.approx(found.bse["exposed"], rel=SAME)


def test_cr2_on_cells_is_cr2_on_rows_of_another_tool() -> None:
    from diff_diff.linalg import LinearRegression

    experiment = drop_rows(6)
    cells = read_cells(experiment)
    ours = estimate_cr2(cells, fit_column(cells, cells.exposed, cells.periods))
    rows = experiment.frame.dropna(subset="outcome")
    dummies = pd.get_dummies(
        rows[["cluster", "period"]].astype(str), drop_first=True
    ).to_numpy(dtype=float)
    design = np.column_stack([rows["exposed"].astype(float), dummies])
    # diff-diff 3.13, which equals clubSandwich's CR2 on STAR
    model = LinearRegression(
        vcov_type="hc2_bm", cluster_ids=pd.factorize(rows["cluster"])[0]
    )
    with pytest.warns(UserWarning, match="Satterthwaite"):
        found = model.fit(design, rows["outcome"].to_numpy()).get_inference(1)
    assert ours[0] == pytest.approx(float(found.se), rel=SAME)
    assert ours[1] == pytest.approx(float(found.df), rel=SAME)


def test_the_published_two_way_effect_on_county_employment_holds() -> None:
    """Effect of minimum wages, mpdta of the R package did, two-way fixed effects.

    -0.0365489 (Stata and R, as METHODS says), here with counties as groups of one; the
    stand-in has exactly the moments of the published data.
    """
    frame = draw_counties().rename(columns={"first_treat": "starts"})
    experiment = wrap_wedge(frame.assign(cluster=frame["unit"]))
    cells = read_cells(experiment)
    fit = fit_column(cells, cells.exposed, cells.periods)
    assert fit.value == pytest.approx(-0.0365489, abs=PUBLISHED)


def test_effects_of_people_equal_effects_of_groups_where_nobody_is_lost(
    wedge: SteppedWedge,
) -> None:
    assert wedge.within_people is not None
    assert wedge.within_people.value == pytest.approx(wedge.effect.value, rel=1e-7)


def test_effects_of_people_are_those_of_a_panel_regression() -> None:
    experiment = drop_rows(7)
    found = estimate_stepped_wedge(experiment, seed=1, draws=FEW_DRAWS)
    rows = experiment.frame.dropna(subset="outcome").set_index(["unit", "period"])
    dummies = PanelOLS(
        rows["outcome"],
        rows[["exposed"]].astype(float),
        entity_effects=True,
        time_effects=True,
    ).fit()
    assert found.within_people is not None
    assert found.within_people.value == pytest.approx(dummies.params.iloc[0])
    assert found.within_people.value != pytest.approx(found.effect.value, rel=1e-4)


def test_the_truth_is_found_where_before_and_after_is_wrong(
    wedge: SteppedWedge,
) -> None:
    low, high = wedge.effect.interval(0.05)
    assert low < 0.5 < high
    assert wedge.effect.std_error < 0.15
    assert wedge.naive.value > 0.5 + 0.5
    assert wedge.naive.interval(0.05)[0] > 0.5
    assert wedge.test.ci_low < 0.5 < wedge.test.ci_high
    assert wedge.test.p_value == pytest.approx(0.001)
    assert all(check.passed for check in wedge.checks)


def test_the_counterfactual_mean_is_that_of_exposed_rows_without_the_effect() -> None:
    experiment = draw_wedge(
        4, effect=2.0, trend=TREND, noise_sd=0.05, shock_sd=0.0, clusters=16
    )
    found = estimate_stepped_wedge(experiment, seed=1, draws=FEW_DRAWS)
    exposed = experiment.frame["exposed"]
    truth = experiment.frame.loc[exposed, "outcome"].mean() - 2.0
    assert found.effect.baseline == pytest.approx(truth, abs=0.05)
    assert found.effect.n_treated == found.effect.n_control == 16 * 8
    assert found.effect.n_clusters == 16


def test_an_effect_that_builds_up_is_shown_and_warned_of() -> None:
    experiment = draw_wedge(
        8,
        clusters=32,
        effect=lambda since: 0.5 * since,
        trend=TREND,
        shock_sd=0.05,
    )
    found = estimate_stepped_wedge(experiment, seed=1, draws=FEW_DRAWS)
    constant = {check.check: check for check in found.checks}
    assert constant["wedge_constant_effect"].status == "warn"
    table = found.by_exposure.set_index("since")
    for since in range(4):
        row = table.loc[since]
        assert row["ci_low"] < 0.5 * since < row["ci_high"]
    assert found.average is not None
    assert found.average.value == pytest.approx(table["estimate"].mean())
    low, high = found.average.interval(0.05)
    assert low < 0.75 < high
    assert found.effect.value < 0.5


def test_groups_that_prepare_for_their_start_are_found() -> None:
    experiment = draw_wedge(9, clusters=24, before=0.6, trend=TREND)
    found = estimate_stepped_wedge(experiment, seed=1, draws=FEW_DRAWS)
    status = {check.check: check.status for check in found.checks}
    assert status["wedge_before_start"] == "warn"


def test_people_who_leave_differently_are_found() -> None:
    experiment = draw_wedge(10, effect=0.0, people=20, noise_sd=0.1)
    frame = experiment.frame.copy()
    level = frame.groupby("unit")["outcome"].transform("mean")
    weak = level < level.groupby(frame["cluster"]).transform("median")
    frame.loc[weak & frame["exposed"], "outcome"] = np.nan
    found = estimate_stepped_wedge(
        replace(experiment, frame=frame), seed=1, draws=FEW_DRAWS
    )
    status = {check.check: check.status for check in found.checks}
    assert status["wedge_leavers"] == "warn"
    assert found.within_people is not None
    assert abs(found.within_people.value) < 0.1 < found.effect.value


def test_all_orders_of_few_groups_are_tried_and_counted_by_hand() -> None:
    experiment = draw_wedge(11, clusters=6, steps=3, effect=0.2, shock_sd=0.1)
    cells = read_cells(experiment)
    test = redraw_starts(cells, seed=1)
    assert (test.listed, test.assignments) == (True, 90)
    own = abs(fit_column(cells, cells.exposed, cells.periods).value)
    orders = set(permutations(cells.starts.tolist()))
    values = [
        abs(fit_column(cells, cells.expose(np.array(order)), cells.periods).value)
        for order in orders
    ]
    assert test.p_value == sum(value >= own - 1e-12 for value in values) / 90


def test_drawn_orders_repeat_with_the_seed(wedge: SteppedWedge) -> None:
    cells = read_cells(draw_wedge(3, trend=TREND, shock_sd=0.1))
    assert redraw_starts(cells, seed=1, draws=999) == wedge.test
    assert redraw_starts(cells, seed=2, draws=999) != wedge.test


def test_names_order_and_unit_of_measurement_do_not_matter(
    wedge: SteppedWedge,
) -> None:
    experiment = draw_wedge(3, trend=TREND, shock_sd=0.1)
    frame = experiment.frame.sample(frac=1, random_state=1)
    frame["outcome"] = 10 * frame["outcome"]
    found = estimate_stepped_wedge(
        replace(experiment, frame=frame), seed=1, draws=FEW_DRAWS
    )
    assert found.effect.value == pytest.approx(10 * wedge.effect.value)
    assert found.effect.std_error == pytest.approx(10 * wedge.effect.std_error)
    assert found.effect.df == pytest.approx(wedge.effect.df)


def test_no_effect_is_rarely_found_with_few_groups() -> None:
    """Level 5 %: 100 draws, so that 11 % is 2.8 standard errors above.

    Groups have their own shocks in every period, which errors by row ignore. Larger
    simulations stand in the calibration.
    """
    runs = 100
    found = np.zeros((runs, 2))
    for seed in range(runs):
        experiment = draw_wedge(
            seed,
            clusters=8,
            people=3,
            effect=0.0,
            trend=TREND,
            shock_sd=0.6,
        )
        cells = read_cells(experiment)
        fit = fit_column(cells, cells.exposed, cells.periods)
        effect = make_effect(cells, fit, method="ab_itt")
        plain = replace(
            effect, std_error=float(np.sqrt(fit.influence @ fit.influence)), df=np.inf
        )
        found[seed] = effect.p_value() < 0.05, plain.p_value() < 0.05
    careful, naive = found.mean(axis=0)
    assert careful <= 0.11
    assert naive > 0.13


def test_small_numbers_of_people_are_kept_back() -> None:
    experiment = draw_wedge(12, clusters=8, people=3)
    found = estimate_stepped_wedge(experiment, seed=1, draws=FEW_DRAWS, min_group=10)
    periods = found.by_period.set_index("period")
    assert periods.loc[2, "people_exposed"] is pd.NA
    assert np.isnan(periods.loc[2, "mean_exposed"])
    assert periods.loc[2, "people_waiting"] == 18
    assert periods.loc[1, "people_exposed"] == 0
    since = found.by_exposure.set_index("since")
    assert since.loc[0, "people"] == 24
    assert since.loc[3, "people"] is pd.NA
    assert np.isnan(since.loc[3, ["estimate", "ci_low", "p_value"]].astype(float)).all()


def test_the_errors_stand_side_by_side(wedge: SteppedWedge) -> None:
    table = wedge.inference.set_index("method")
    assert list(table.index) == ["row", "cr1", "cr2", "randomisation"]
    assert table["headline"].sum() == 1
    assert table.loc["cr2", "headline"]
    assert table.loc["cr1", "df"] == 11
    assert table.loc["cr2", "std_error"] <= wedge.effect.std_error + SAME
    assert table.loc["randomisation", "p_value"] == wedge.test.p_value


def test_the_text_names_groups_steps_and_the_wrong_number(
    wedge: SteppedWedge,
) -> None:
    assert wedge.text.startswith("12 of 12 groups started in 4 steps")
    assert f"{wedge.effect.value:.2f} rating points" in wedge.text
    assert f"would have shown {wedge.naive.value:.3g}" in wedge.text


def test_a_start_everywhere_at_once_tells_nothing() -> None:
    frame = draw_wedge(1).frame.assign(starts=3)
    experiment = wrap_wedge(frame[["unit", "cluster", "period", "starts", "outcome"]])
    with pytest.raises(NoVariationError, match="determine who is exposed"):
        estimate_stepped_wedge(experiment, seed=1)


def test_one_group_or_one_period_is_refused() -> None:
    frame = draw_wedge(1).frame
    columns = ["unit", "cluster", "period", "starts", "outcome"]
    for rows in (frame[frame["cluster"] == "g000"], frame[frame["period"] == 1]):
        with pytest.raises(TooFewUnitsError, match="groups and periods to compare"):
            estimate_stepped_wedge(wrap_wedge(rows[columns]), seed=1)


def test_two_periods_are_read_without_a_course_of_the_effect() -> None:
    frame = draw_wedge(2, clusters=10).frame
    frame = frame[frame["period"] <= 2]
    frame["starts"] = frame["starts"].where(frame["starts"] == 2, 0)
    columns = ["unit", "cluster", "period", "starts", "outcome"]
    found = estimate_stepped_wedge(wrap_wedge(frame[columns]), seed=1, draws=FEW_DRAWS)
    status = {check.check: check.status for check in found.checks}
    assert status["wedge_constant_effect"] == "not_applicable"
    assert status["wedge_before_start"] == "not_applicable"
    assert found.average is None
    assert found.text.startswith("3 of 10 groups started in 1 step,")


def test_people_seen_once_cannot_be_compared_with_themselves() -> None:
    frame = draw_wedge(1).frame[["unit", "cluster", "period", "starts", "outcome"]]
    once = frame.assign(unit=frame["unit"] + "-" + frame["period"].astype("str"))
    found = estimate_stepped_wedge(wrap_wedge(once), seed=1, draws=FEW_DRAWS)
    status = {check.check: check.status for check in found.checks}
    assert found.within_people is None
    assert status["wedge_leavers"] == "not_applicable"
    assert found.effect.n_treated == frame["period"].ge(frame["starts"]).sum()


def test_a_p_value_is_never_written_as_zero() -> None:
    found = estimate_stepped_wedge(draw_wedge(3, clusters=20, effect=2.0), seed=1)
    (told,) = [c.text for c in found.checks if c.check == "wedge_errors_agree"]
    assert "0.000 by" not in told
    assert "e-" in told
