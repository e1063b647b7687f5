from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from tests.impact.did.classic_panels import make_panel, simulate_panel
from workbench.core.errors import DesignError, TooFewUnitsError
from workbench.impact.did.event_study import estimate_static
from workbench.impact.did.sun_abraham import estimate_sun_abraham, fit_cohort_events
from workbench.impact.did.two_way import prepare_rows


@pytest.mark.parametrize("lose", [0.0, 0.15])
def test_it_equals_diff_diff(lose: float) -> None:
    """diff-diff 3.13.0 (python backend), itself held to R fixest, to nine digits."""
    os.environ.setdefault("DIFF_DIFF_BACKEND", "python")
    from diff_diff import SunAbraham

    panel = make_panel(simulate_panel(1, people=150, lose=lose, growth=0.2))
    rows, _ = prepare_rows(panel)
    rows["unit"] = pd.factorize(rows["unit"])[0]
    known = SunAbraham().fit(
        rows[["unit", "period", "outcome", "first_treat"]],
        outcome="outcome",
        unit="unit",
        time="period",
        first_treat="first_treat",
    )
    found = estimate_sun_abraham(panel)
    assert found.overall.value == pytest.approx(known.overall_att, rel=1e-9)
    assert found.overall.std_error == pytest.approx(known.overall_se, rel=1e-9)
    for time, effect in known.event_study_effects.items():
        own = found.effects[int(time)]
        assert own.value == pytest.approx(effect["effect"], rel=1e-8)
        assert own.std_error == pytest.approx(effect["se"], rel=1e-8)


def test_growing_effects_are_recovered_where_the_static_number_fails() -> None:
    frame = simulate_panel(
        2, people=1500, periods=9, starts=(0, 3, 6), growth=0.4, effect=0.2
    )
    panel = make_panel(frame)
    found = estimate_sun_abraham(panel)
    for time, effect in found.effects.items():
        truth = 0.2 + 0.4 * time if time >= 0 else 0.0
        assert abs(effect.value - truth) < 3.5 * effect.std_error
    static, _, _ = estimate_static(panel)
    after = frame[
        (frame["first_treat"] > 0) & (frame["period"] >= frame["first_treat"])
    ]
    truth = (0.2 + 0.4 * (after["period"] - after["first_treat"])).mean()
    assert abs(found.overall.value - truth) < 3 * found.overall.std_error
    assert abs(static.value - truth) > 3 * static.std_error


def test_the_covariance_matches_the_table() -> None:
    found = estimate_sun_abraham(make_panel(simulate_panel(3)))
    table = found.table[~found.table["reference"]]
    assert table["std_error"].tolist() == pytest.approx(
        np.sqrt(np.diag(found.covariance)).tolist()
    )
    assert found.covariance.index.tolist() == table["event_time"].tolist()


def test_the_last_cohort_serves_where_all_learn() -> None:
    panel = make_panel(simulate_panel(4, people=900, starts=(3, 4, 6)))
    found = estimate_sun_abraham(panel)
    assert any("cohort of period 6 serves as control" in note for note in found.notes)
    assert found.table["event_time"].max() == 2
    assert abs(found.overall.value - 0.5) < 3 * found.overall.std_error


def test_one_cohort_and_nobody_else_is_refused() -> None:
    with pytest.raises(TooFewUnitsError, match="Everybody learnt in one quarter"):
        estimate_sun_abraham(make_panel(simulate_panel(4, starts=(4,))))


def test_controls_missing_in_a_quarter_are_noticed() -> None:
    frame = simulate_panel(5, starts=(0, 4, 4))
    frame = frame[~((frame["first_treat"] == 0) & (frame["period"] == 5))]
    with pytest.raises(DesignError, match="cannot be told from those"):
        estimate_sun_abraham(make_panel(frame))


def test_one_team_is_refused_and_few_controls_warn() -> None:
    panel = make_panel(simulate_panel(6, teams=1), clusters=("unit", "team"))
    with pytest.raises(TooFewUnitsError, match="one cluster"):
        estimate_sun_abraham(panel)
    frame = simulate_panel(6, people=120, starts=(0, 3, 4, 4, 5, 5))
    (check,) = estimate_sun_abraham(make_panel(frame)).checks
    assert check.status == "warn"
    assert check.value == frame.loc[frame["first_treat"] == 0, "unit"].nunique()


def test_covariates_that_change_over_time() -> None:
    frame = simulate_panel(7, people=300)
    rng = np.random.default_rng(2)
    frame["x"] = rng.normal(size=len(frame)) + (
        (frame["first_treat"] > 0) & (frame["period"] >= frame["first_treat"])
    )
    frame["outcome"] += 2 * frame["x"]
    rows, _ = prepare_rows(make_panel(frame))
    plain = fit_cohort_events(rows).cells
    given = fit_cohort_events(rows, covariates=["x"]).cells
    after = given["event_time"] >= 0
    assert plain.loc[after, "estimate"].mean() > 2
    assert given.loc[after, "estimate"].mean() == pytest.approx(0.5, abs=0.1)
