from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from tests.impact.did.classic_panels import make_panel, simulate_panel
from workbench.core.errors import DesignError, TooFewUnitsError
from workbench.impact.did.two_way import fit_two_way, prepare_rows, sweep_effects


def test_unbalanced_and_by_team_equals_dummies() -> None:
    frame = simulate_panel(1, people=60, teams=12, lose=0.2, team_sd=0.3)
    frame["post"] = (
        (frame["first_treat"] > 0) & (frame["period"] >= frame["first_treat"])
    ).astype(float)
    found = fit_two_way(frame, frame[["post"]], cluster="team")
    dummies = pd.get_dummies(
        frame[["unit", "period"]].astype(str), drop_first=True, dtype=float
    )
    columns = sm.add_constant(pd.concat([frame[["post"]], dummies], axis=1))
    known = sm.OLS(frame["outcome"], columns).fit(
        cov_type="cluster",
        cov_kwds={"groups": pd.factorize(frame["team"])[0]},
        use_t=True,
    )
    assert found.coefficients["post"] == pytest.approx(known.params["post"])
    assert found.std_errors["post"] == pytest.approx(known.bse["post"])
    np.testing.assert_allclose(found.residuals, known.resid, atol=1e-9)
    rest = sweep_effects(frame, frame["post"].to_numpy())
    other = sm.OLS(frame["post"], columns.drop(columns="post")).fit().resid
    np.testing.assert_allclose(rest, other, atol=1e-9)


def test_who_cannot_show_a_change_is_left_out_and_counted() -> None:
    frame = simulate_panel(2, people=50, starts=(0, 1, 3, 3))
    once = frame["unit"].unique()[:4]
    frame = frame[~(frame["unit"].isin(once) & (frame["period"] > 1))]
    rows, notes = prepare_rows(make_panel(frame))
    first = frame[frame["first_treat"] == 1]["unit"]
    early = set(first) - set(once)
    assert notes == (
        "8.0% of people were seen in one quarter only and were left out",
        f"{len(early) / 50:.1%} of people are learners not seen before exposure and "
        "were left out",
    )
    assert not set(rows["unit"]) & (set(once) | early)
    learns = rows["first_treat"] > 0
    assert rows.loc[~learns, "event_time"].isna().all()
    assert (rows["post"] == (rows["period"] >= 3) * learns).all()


def test_no_learner_before_and_after_is_refused() -> None:
    frame = simulate_panel(2, people=50, starts=(0, 1))
    with pytest.raises(TooFewUnitsError, match="before and after"):
        prepare_rows(make_panel(frame))


def test_a_term_that_the_effects_hold_is_refused() -> None:
    frame = simulate_panel(2, people=50)
    frame["learner"] = (frame["first_treat"] > 0).astype(float)
    with pytest.raises(DesignError, match="cannot be told from the effects"):
        fit_two_way(frame, frame[["learner"]])


def test_one_cluster_is_refused() -> None:
    frame = simulate_panel(2, people=50, teams=1)
    frame["post"] = (frame["period"] >= 4) * (frame["first_treat"] == 4) * 1.0
    with pytest.raises(TooFewUnitsError, match="one cluster"):
        fit_two_way(frame, frame[["post"]], cluster="team")
