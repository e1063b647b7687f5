"""State laws on self-defence (causaldata castle): effects computed again by diff-diff.

Log homicides per 100,000 in 50 states, 2000 to 2010; a state learns in the first year
whose ``post`` is above 0. diff-diff 3.13.0 on the same rows; tolerance 1e-6 standard
deviations, relative 1e-5 for errors (the data are single precision). The data come
with the package, so this runs everywhere.
"""

from __future__ import annotations

import causaldata
import numpy as np
import pandas as pd
import pytest

from tests.impact.did.classic_panels import make_panel
from workbench.cohorts.frames import Panel
from workbench.impact.did.aggregate import aggregate_dynamic, aggregate_simple
from workbench.impact.did.engine import check_against_engine, fit_engine
from workbench.impact.did.group_time import estimate_group_time
from workbench.impact.did.pretrends import judge_pretrend


@pytest.fixture(scope="module")
def castle() -> Panel:
    raw = causaldata.castle.load_pandas().data
    year = raw["year"].astype("int64")
    first = raw["sid"].map(year[raw["post"] > 0].groupby(raw["sid"]).min())
    frame = pd.DataFrame(
        {
            "unit": raw["sid"].astype("int64").map("{:02d}".format),
            "period": year - 1999,
            "outcome": np.log(raw["homicide"].astype("float64")),
            "first_treat": first.sub(1999).fillna(0).astype("int64"),
        }
    )
    return make_panel(frame, lag=1)


@pytest.mark.parametrize("control", ["never", "not_yet"])
@pytest.mark.parametrize("base", ["varying", "universal"])
def test_thirty_effects_and_errors(castle: Panel, control: str, base: str) -> None:
    found = estimate_group_time(
        castle,
        control=control,  # type: ignore[arg-type]
        base=base,  # type: ignore[arg-type]
        min_group=2,
    )
    engine = fit_engine(
        castle,
        control=control,  # type: ignore[arg-type]
        base=base,  # type: ignore[arg-type]
    )
    assert check_against_engine(castle, found).passed
    known = found.table[~found.table["reference"]]
    both = known.merge(engine.table, on=["group", "period"], suffixes=("", "_engine"))
    assert len(both) == len(known) == 30
    np.testing.assert_allclose(both["std_error"], both["std_error_engine"], rtol=1e-5)


def test_states_alone_in_their_year_are_named(castle: Panel) -> None:
    found = estimate_group_time(castle, control="never", min_group=2)
    assert sorted(found.dropped["group"].unique()) == [7, 11]
    assert found.weights.to_dict() == {7: 1, 8: 13, 9: 4, 10: 2, 11: 1}
    assert found.table["n_control"].unique().tolist() == [29]
    assert aggregate_simple(found).n_treated == 19


def test_cells_of_two_states_cannot_carry_a_joint_test(castle: Panel) -> None:
    """Wald's test over all cells is void here: the covariance is all but singular."""
    found = estimate_group_time(castle, control="never", min_group=2)
    assert judge_pretrend(found, by="cell").reason
    assert len(aggregate_dynamic(found).table) > 8
