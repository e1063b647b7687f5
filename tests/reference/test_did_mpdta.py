"""Group-time effects on the county panel of did against R, Stata and diff-diff.

Values, tools and versions stand in ``mpdta/expected.json``. What needs no covariate
is computed from the stored means and covariances and runs everywhere; the covariate
and the states need the counties themselves.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from tests.reference.mpdta_panel import (
    draw_counties,
    make_panel,
    needs_counties,
    read_counties,
)
from tests.reference.samples import read_expected
from workbench.cohorts.frames import Panel
from workbench.impact.did.aggregate import (
    aggregate_at_lag,
    aggregate_calendar,
    aggregate_dynamic,
    aggregate_group,
    aggregate_simple,
)
from workbench.impact.did.averages import Aggregate, Family
from workbench.impact.did.engine import check_against_engine, fit_engine
from workbench.impact.did.group_time import GroupTime, estimate_group_time
from workbench.impact.did.pretrends import judge_pretrend
from workbench.impact.did.sensitivity import bound_relative_magnitudes
from workbench.impact.did.trend_power import solve_slope

EXPECTED = read_expected("mpdta")
NEVER, LPOP = EXPECTED["never"], EXPECTED["lpop"]
SIX = 6e-7
"""Values are stored to six or seven decimals."""
SEVEN = 6e-8
"""Stata prints seven decimals."""
FOUR = 6e-5
EXACT = 1e-10
"""Moments are stored to twelve decimals."""


@pytest.fixture(scope="module")
def panel() -> Panel:
    return make_panel(draw_counties())


@pytest.fixture(scope="module")
def never(panel: Panel) -> GroupTime:
    return estimate_group_time(panel, control="never")


@pytest.fixture(scope="module")
def counties() -> pd.DataFrame:
    return read_counties()


@pytest.fixture(scope="module")
def adjusted(counties: pd.DataFrame) -> GroupTime:
    panel = make_panel(counties)
    return estimate_group_time(panel, control="never", covariates=["lpop"])


def read_cell(found: GroupTime, group: int, period: int) -> tuple[float, float]:
    table = found.table.set_index(["group", "period"])
    row = table.loc[(group, period)]
    return float(row["att"]), float(row["std_error"])


def read_term(family: Family, term: int) -> tuple[float, float]:
    row = family.table.set_index("term").loc[term]
    return float(row["value"]), float(row["std_error"])


def pair(found: Aggregate | None) -> tuple[float, float]:
    assert found is not None
    return found.value, found.std_error


@pytest.mark.parametrize(("group", "period", "att", "error"), NEVER["cells"])
def test_all_twelve_effects(
    never: GroupTime, group: int, period: int, att: float, error: float
) -> None:
    assert read_cell(never, group, period) == pytest.approx((att, error), abs=SIX)


def test_there_are_twelve_and_none_is_dropped(never: GroupTime) -> None:
    assert len(never.table) == 12
    assert never.dropped.empty
    assert set(never.table["n_control"]) == {309}
    assert never.weights.to_dict() == {2: 20, 4: 40, 5: 131}


def test_simple_average(never: GroupTime) -> None:
    found = aggregate_simple(never)
    assert pair(found) == pytest.approx(NEVER["simple"], abs=SIX)
    assert found.value == pytest.approx(NEVER["simple_full"], abs=EXACT)
    assert (found.n_treated, found.n_control) == (191, 309)


@pytest.mark.parametrize(("term", "known"), NEVER["event"].items())
def test_event_times(never: GroupTime, term: str, known: list[float]) -> None:
    found = read_term(aggregate_dynamic(never), int(term))
    assert found == pytest.approx(known, abs=SIX)


@pytest.mark.parametrize(
    ("aggregate", "key"),
    [
        (aggregate_dynamic, "dynamic"),
        (aggregate_group, "group"),
        (aggregate_calendar, "calendar"),
    ],
)
def test_overall_averages(never: GroupTime, aggregate: object, key: str) -> None:
    found = aggregate(never).overall  # type: ignore[operator]
    assert pair(found) == pytest.approx(NEVER[key], abs=SIX)


def test_balanced_event_times(never: GroupTime) -> None:
    known = NEVER["balanced"]
    found = aggregate_dynamic(never, balance=1)
    assert pair(found.overall)[0] == pytest.approx(known["overall"], abs=FOUR)
    values = found.table.set_index("term")["value"]
    assert {str(term) for term in values.index} == set(known["event"])
    for term, value in known["event"].items():
        assert values[int(term)] == pytest.approx(value, abs=FOUR)


def test_headline_at_lag_one_is_the_event_time(never: GroupTime) -> None:
    found = aggregate_at_lag(never, exposures=[2, 4, 5], lag=1)
    assert pair(found) == pytest.approx(NEVER["event"]["1"], abs=SIX)
    assert found.notes == ("131 learners of period 5 have no effect at lag 1.",)


def test_pretrend_test(never: GroupTime) -> None:
    found = judge_pretrend(never, by="cell")
    assert found.statistic == pytest.approx(NEVER["wald"], abs=FOUR)
    assert found.p_value == pytest.approx(NEVER["p_value"], abs=6e-6)
    assert found.rank == 5


def test_universal_base(panel: Panel, never: GroupTime) -> None:
    known = EXPECTED["universal"]
    found = estimate_group_time(panel, control="never", base="universal")
    for group, period, att, error in known["cells"]:
        assert read_cell(found, group, period) == pytest.approx((att, error), abs=SIX)
    values = aggregate_dynamic(found).table.set_index("term")["value"]
    for term, value in known["event"].items():
        assert values[int(term)] == pytest.approx(value, abs=1e-8)
    assert values[-1] == 0
    both = [judge_pretrend(item, by="cell").statistic for item in (never, found)]
    assert both[0] == pytest.approx(both[1], rel=1e-9)


def test_not_yet_learnt_as_controls(panel: Panel) -> None:
    found = aggregate_simple(estimate_group_time(panel, control="not_yet"))
    assert pair(found) == pytest.approx(EXPECTED["not_yet"]["simple"], abs=SIX)


def test_identified_set_of_relative_magnitudes(panel: Panel) -> None:
    """Steps of the universal event study; the average of four lies 2.5 steps away."""
    known = EXPECTED["honest"]
    universal = estimate_group_time(panel, control="never", base="universal")
    study = aggregate_dynamic(universal).table.set_index("term")["value"]
    found = bound_relative_magnitudes(
        known["value"],
        0.02,
        np.diff(study.loc[-4:-1].to_numpy()),
        np.zeros(3),
        quarters=2.5,
        ratios=[1.0],
    )
    row = found.curve.iloc[0]
    assert row["range_low"] == pytest.approx(known["low"], abs=FOUR)
    assert row["range_high"] == pytest.approx(known["high"], abs=FOUR)


def test_detectable_slope_is_that_of_diff_diff(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """diff-diff 3.13.0 PreTrendsPower(pretest_form='wald') on the event study."""
    monkeypatch.setenv("DIFF_DIFF_BACKEND", "python")
    from diff_diff import CallawaySantAnna, PreTrendsPower

    frame = panel.frame.assign(unit=pd.factorize(panel.frame["unit"])[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = CallawaySantAnna(base_period="universal").fit(
            frame,
            outcome="outcome",
            unit="unit",
            time="period",
            first_treat="first_treat",
        )
        study = model.aggregate("event_study")
        known = PreTrendsPower(pretest_form="wald").fit(study).mdv
    universal = estimate_group_time(panel, control="never", base="universal")
    found = aggregate_dynamic(universal)
    slope = solve_slope(found.covariance[:3, :3], np.array([-3.0, -2.0, -1.0]))
    assert slope == pytest.approx(known, rel=1e-5)
    assert slope == pytest.approx(0.026014, abs=SIX)


@needs_counties
class TestCounties:
    """What needs the counties themselves."""

    @pytest.mark.parametrize(("group", "period", "att", "error"), NEVER["cells"])
    def test_moments_stand_for_the_counties(
        self,
        counties: pd.DataFrame,
        group: int,
        period: int,
        att: float,
        error: float,
    ) -> None:
        found = estimate_group_time(make_panel(counties), control="never")
        assert read_cell(found, group, period) == pytest.approx((att, error), abs=SIX)

    @pytest.mark.parametrize(("group", "period", "att", "error"), LPOP["cells"])
    def test_doubly_robust_effects_of_stata(
        self, adjusted: GroupTime, group: int, period: int, att: float, error: float
    ) -> None:
        found = read_cell(adjusted, group, period)
        assert found == pytest.approx((att, error), abs=SEVEN)

    def test_doubly_robust_average_of_stata(self, adjusted: GroupTime) -> None:
        found = pair(aggregate_simple(adjusted))
        assert found == pytest.approx(LPOP["simple"], abs=SEVEN)

    @pytest.mark.parametrize(
        ("aggregate", "key"),
        [
            (aggregate_dynamic, "event"),
            (aggregate_group, "group"),
            (aggregate_calendar, "calendar"),
        ],
    )
    def test_doubly_robust_families_of_stata(
        self, adjusted: GroupTime, aggregate: object, key: str
    ) -> None:
        family = aggregate(adjusted)  # type: ignore[operator]
        for term, known in LPOP[key].items():
            assert read_term(family, int(term)) == pytest.approx(known, abs=SEVEN)

    def test_doubly_robust_pretrend_of_stata(self, adjusted: GroupTime) -> None:
        found = judge_pretrend(adjusted, by="cell")
        assert found.statistic == pytest.approx(LPOP["wald"], rel=1e-6)
        assert found.p_value == pytest.approx(LPOP["p_value"], rel=1e-6)

    @pytest.mark.parametrize("method", ["reg", "ipw"])
    def test_regression_and_weighting(
        self, counties: pd.DataFrame, method: str
    ) -> None:
        found = estimate_group_time(
            make_panel(counties),
            control="never",
            method=method,  # type: ignore[arg-type]
            covariates=["lpop"],
        )
        known = LPOP["other_methods"][method]
        assert pair(aggregate_simple(found)) == pytest.approx(known, abs=SIX)

    def test_clusters_are_states(self, counties: pd.DataFrame) -> None:
        panel = make_panel(counties, teams=True)
        found = aggregate_simple(estimate_group_time(panel, control="never"))
        assert pair(found) == pytest.approx(EXPECTED["state"]["simple"], abs=SIX)
        learners = panel.frame.query("first_treat > 0")["team"].nunique()
        assert (found.n_clusters, found.df) == (29, learners - 1)

    def test_counties_seen_only_in_some_years(self, counties: pd.DataFrame) -> None:
        """diff-diff 3.13.0 differences those seen in both years, as we do."""
        kept = counties.sample(frac=0.9, random_state=2)
        panel = make_panel(kept)
        found = estimate_group_time(panel, control="never")
        engine = fit_engine(panel, control="never")
        check = check_against_engine(panel, found)
        assert check.passed
        assert check.value < EXACT
        average = aggregate_simple(found)
        assert average.value == pytest.approx(engine.value, abs=EXACT)
        assert average.std_error == pytest.approx(engine.std_error, rel=0.01)
        assert found.table["lost"].min() > 0
