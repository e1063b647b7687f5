"""The county panel of the R package did, and a stand-in with the same moments."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import make_outcome, make_program
from tests.reference.samples import read_expected
from workbench.cohorts.frames import Panel

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(os.environ.get("WORKBENCH_MPDTA", ROOT / "../shared/data/mpdta.csv"))
needs_counties = pytest.mark.skipif(
    not SOURCE.is_file(),
    reason="no county data: write did::mpdta to a CSV file and name it in "
    "WORKBENCH_MPDTA",
)


def make_panel(frame: pd.DataFrame, *, teams: bool = False) -> Panel:
    """Wrap periods 1 to 5 and groups 2, 4, 5 as a panel; no covariates by default."""
    return Panel(
        quarter="2026Q3",
        persona="counties",
        program=make_program(),
        outcome=make_outcome(),
        frame=frame.sort_values(["unit", "period"]).reset_index(drop=True),
        periods=("2003", "2004", "2005", "2006", "2007"),
        exposures=(2, 4, 5),
        lag=1,
        clusters=("unit", "team") if teams else ("unit",),
        flow=pd.DataFrame(columns=["step", "n_treated", "n_control"]),
    )


def read_counties() -> pd.DataFrame:
    """Read the counties: ``lpop`` is the covariate, ``team`` the state."""
    raw = pd.read_csv(SOURCE).astype({"countyreal": "int64"})
    first = raw["first.treat"].astype("int64")
    return pd.DataFrame(
        {
            "unit": raw["countyreal"].map("{:05d}".format),
            "period": raw["year"].astype("int64") - 2002,
            "outcome": raw["lemp"],
            "first_treat": np.where(first > 0, first - 2002, 0),
            "team": (raw["countyreal"] // 1000).astype("str"),
            "lpop": raw["lpop"],
        }
    )


def draw_counties() -> pd.DataFrame:
    """Make people whose outcomes have exactly the stored means and covariances."""
    rng = np.random.default_rng(1)
    tables = []
    for group, known in read_expected("mpdta")["moments"]["groups"].items():
        drawn = rng.normal(size=(known["people"], 5))
        drawn -= drawn.mean(axis=0)
        own = np.linalg.cholesky(drawn.T @ drawn / len(drawn))
        wanted = np.linalg.cholesky(np.array(known["covariance"]))
        rows = drawn @ np.linalg.inv(own).T @ wanted.T + np.array(known["mean"])
        tables.append(
            pd.DataFrame(
                {
                    "unit": np.repeat(
                        [f"g{group}-{i:03d}" for i in range(len(rows))], 5
                    ),
                    "period": np.tile(np.arange(1, 6), len(rows)),
                    "outcome": rows.ravel(),
                    "first_treat": int(group),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)
