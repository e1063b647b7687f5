"""Ways to date learning: the naive one finds effects where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import make_program
from tests.impact.survival.simulate_follow import make_retention, simulate_histories
from workbench.cohorts.follow_frames import Histories
from workbench.impact.survival.cox import fit_cox
from workbench.impact.survival.immortal import (
    COLUMNS,
    LANDMARK,
    NAIVE,
    TIME_VARYING,
    Datings,
    compare_datings,
)

CLOSED = 1e-8
RUNS = 100
MOST_FALSE = 11  # of 100 draws at 5 %: more in 1 of 100 sets of draws


def compare(histories: Histories, **more: int) -> Datings:
    known = {"landmark_days": 92, "horizon": 365, "min_group": 10}
    return compare_datings(histories, alpha=0.05, **(known | more))  # type: ignore[arg-type]


def draw(seed: int, **more: float) -> Histories:
    return simulate_histories(seed, program=make_program(), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found() -> Datings:
    return compare(draw(1))


def test_without_effect_only_the_naive_dating_finds_one() -> None:
    tables = [compare(draw(seed, people=250)).table for seed in range(RUNS)]
    counts = pd.concat(tables).assign(found=lambda x: x["p_value"] < 0.05)
    false = counts.groupby("dating")["found"].sum()
    assert false[NAIVE] > RUNS / 2
    assert false[LANDMARK] <= MOST_FALSE
    assert false[TIME_VARYING] <= MOST_FALSE


def test_recovers_a_known_ratio() -> None:
    row = compare(draw(2, people=3000, ratio=0.6)).table.set_index("dating")
    ends = row.loc[TIME_VARYING]
    assert ends["ratio_low"] < 0.6 < ends["ratio_high"]
    assert ends["ratio_high"] < 0.8
    assert row.loc[NAIVE, "ratio_high"] < 0.6


def test_table_is_whole(found: Datings) -> None:
    table = found.table
    assert tuple(table.columns) == COLUMNS
    assert table["dating"].tolist() == [NAIVE, LANDMARK, TIME_VARYING]
    shares = table.set_index("dating")["difference"]
    assert shares[[NAIVE, LANDMARK]].notna().all()
    assert np.isnan(shares[TIME_VARYING])
    gaps = table["learners_share"] - table["others_share"]
    np.testing.assert_allclose(gaps[:2], table["difference"][:2], atol=CLOSED)


def test_text_says_what_would_have_been_claimed(found: Datings) -> None:
    ratio = found.table["hazard_ratio"].iloc[0]
    assert "would have shown that learners leave less often" in found.text
    assert f"hazard ratio {ratio:.2f}, interval" in found.text
    assert "That dating is wrong" in found.text
    assert "None of these is the result of this stage" in found.text
    assert [item.status for item in found.checks] == ["not_applicable"]


def test_start_stop_rows_by_hand() -> None:
    """Four kinds of people, split by hand, against the rows made here."""
    histories = draw(3, people=60)
    frame = histories.frame
    length = (frame["ended"] - frame["entered"]).to_numpy()
    learnt = (frame["learnt"] - frame["entered"]).to_numpy()
    rows = []
    for place in range(len(frame)):
        event, day = frame["cause"].iloc[place] == 1, learnt[place]
        if np.isnan(day) or day >= length[place]:
            rows.append((0.0, length[place], event, 0.0))
            continue
        rows.append((0.0, day, False, 0.0))
        rows.append((day, length[place], event, 1.0))
    start, end, event, learns = (np.array(part) for part in zip(*rows, strict=True))
    known = fit_cox(end, event, learns[:, None], names=("learning",), entry=start)
    plain = replace(histories, covariates=())
    table = compare(plain, min_group=2).table.set_index("dating")
    assert table.loc[TIME_VARYING, "hazard_ratio"] == pytest.approx(
        known.hazard_ratio[0], rel=CLOSED
    )


def test_order_of_rows_changes_nothing(found: Datings) -> None:
    histories = draw(1)
    before = histories.frame.copy()
    shuffled = histories.frame.sample(frac=1.0, random_state=5)
    again = compare(replace(histories, frame=shuffled))
    pd.testing.assert_frame_equal(again.table, found.table, rtol=1e-6)
    pd.testing.assert_frame_equal(histories.frame, before)


def test_small_arms_are_kept_back() -> None:
    found = compare(draw(4, people=60), min_group=25)
    hidden = found.table[found.table["suppressed"]]
    assert len(hidden)
    assert hidden[["hazard_ratio", "difference"]].isna().all(axis=None)
    assert hidden[["learners", "others"]].isna().all(axis=None)
    nothing = compare(draw(4, people=60), min_group=500)
    assert nothing.table["suppressed"].all()
    assert nothing.text.startswith("Too few people learnt")


def test_no_event_is_said_and_no_number_given() -> None:
    histories = draw(5)
    calm = replace(histories, frame=histories.frame.assign(cause=0))
    found = compare(calm)
    assert found.table["hazard_ratio"].isna().all()
    assert found.table["note"].str.contains("No hazard ratio: The event").all()
    assert found.text.startswith("Too few people learnt, or too few events")


def test_incidence_where_staying_is_not_the_outcome(found: Datings) -> None:
    moves = make_retention(id="moves", source="job_history.internal_move")
    other = compare(replace(draw(1), outcome=moves))
    one = found.table.set_index("dating")["difference"]
    two = other.table.set_index("dating")["difference"]
    assert two[LANDMARK] == pytest.approx(-one[LANDMARK], abs=CLOSED)
    assert "learners move less often" in other.text
