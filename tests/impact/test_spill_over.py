from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import make_cohort, simulate_frame
from workbench.core.errors import DesignError
from workbench.impact.design_matrix import build_design
from workbench.impact.psm.analysis import estimate_psm
from workbench.impact.sample import Sample, prepare_sample
from workbench.impact.spill_over import check_spill_over, estimate_spill_over

RUNS = 120
LARGEST_SIZE = 0.04
"""Share of 120 draws below 1 %: five or more of them come about once in 120 times."""


def _sample(frame: pd.DataFrame) -> tuple[Sample, np.ndarray]:
    sample = prepare_sample(make_cohort(frame))
    design = build_design(sample.frame, covariates=("x1", "x2", "role"), min_level=10)
    return sample, design.matrix()


def _spill(frame: pd.DataFrame, slope: float) -> pd.DataFrame:
    """Raise the outcome of others by `slope` times the share of mates who learnt."""
    groups = frame.groupby(["trial", "team"])["treated"]
    mates = groups.transform("size") - 1
    share = (groups.transform("sum") - frame["treated"]) / mates.where(mates > 0)
    raised = slope * share.fillna(0.0) * ~frame["treated"]
    return frame.assign(outcome=frame["outcome"] + raised)


def test_what_colleagues_gain_is_found() -> None:
    sample, covariates = _sample(_spill(simulate_frame(3, people=1500), 1.0))
    found = estimate_spill_over(sample, covariates)
    low, high = found.interval(0.05)
    assert low < 1.0 < high
    check = check_spill_over(sample, covariates)
    assert check.passed is False
    assert "all of whose team learnt" in check.text
    assert "reaches those who did not learn" in check.advice


def test_without_spill_over_it_is_rarely_claimed() -> None:
    values = []
    for seed in range(RUNS):
        frame = simulate_frame(seed, people=400, teams=50, team_sd=0.4)
        values.append(check_spill_over(*_sample(frame)).value)
    assert np.mean(np.array(values) < 0.01) <= LARGEST_SIZE
    assert np.mean(np.array(values) < 0.5) == pytest.approx(0.5, abs=0.12)


def test_the_slope_equals_a_plain_regression() -> None:
    frame = simulate_frame(5, people=600, trials=2)
    sample, covariates = _sample(frame)
    rows = sample.frame.assign(position=np.arange(len(sample.frame)))
    values, shares, kept = [], [], []
    for row in rows.itertuples():
        mates = rows[
            (rows["trial"] == row.trial)
            & (rows["team"] == row.team)
            & (rows["position"] != row.position)
        ]
        if row.treated or mates.empty:
            continue
        kept.append(row.position)
        shares.append(mates["treated"].mean())
        values.append(row.outcome)
    second = (rows["trial"].to_numpy()[kept] == "2025Q2").astype(float)
    columns = np.column_stack(
        [shares, np.ones(len(kept)), covariates[kept], second]
    ).astype(float)
    slope = np.linalg.lstsq(columns, np.array(values), rcond=None)[0][0]
    assert estimate_spill_over(sample, covariates).value == pytest.approx(slope)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"team": pd.NA}, "Nobody's team is known"),
        ({"team": "all"}, "Fewer than 10 teams"),
    ],
)
def test_where_it_cannot_be_tested_it_says_so(
    change: dict[str, object], said: str
) -> None:
    sample, covariates = _sample(simulate_frame(2, people=300).assign(**change))
    with pytest.raises(DesignError, match=said):
        estimate_spill_over(sample, covariates)
    check = check_spill_over(sample, covariates)
    assert check.passed is None
    assert said in check.text


def test_it_lowers_the_evidence() -> None:
    frame = simulate_frame(3, people=1500)
    quiet = estimate_psm(make_cohort(frame), seed=1)
    loud = estimate_psm(make_cohort(_spill(frame, 1.0)), seed=1)
    assert "possible spill-over" not in quiet.findings.threats
    assert "possible spill-over" in loud.findings.threats
