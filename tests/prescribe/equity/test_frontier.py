"""The frontier: prices rise with the floor, and their errors are right."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from workbench.core.errors import MissingColumnError
from workbench.prescribe.equity.frontier import ALL, trace_frontier
from workbench.prescribe.equity.seats import allocate_seats

NORMAL = 1.959963984540054


def make(seed: int, size: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "unit": [f"u{place:03d}" for place in range(size)],
            "team": [f"t{place // 10}" for place in range(size)],
            "gender": rng.choice(["f", "m"], size),
            "shift": rng.choice(["day", "late"], size),
        }
    )
    gain = rng.gamma(2, 1, size) + (frame["gender"] == "m")
    return frame.assign(benefit=gain, score=gain + rng.normal(0, 1, size), error=0.5)


def test_prices_rise_with_the_floor_and_equal_the_allocation() -> None:
    frame = make(1)
    table = trace_frontier(frame, seats=90, attributes=["gender", "shift"])
    assert list(table["attribute"].unique()) == ["gender", "shift", ALL]
    for _, part in table.groupby("attribute"):
        known = part.dropna(subset=["price"])
        assert known["price"].is_monotonic_increasing
        assert known["price"].iloc[0] == 0
        assert (known["selection_ratio"] >= known["floor"] - 1e-9).all()
    both = table[(table["attribute"] == ALL) & (table["floor"] == 0.8)].iloc[0]
    found = allocate_seats(frame, seats=90, attributes=["gender", "shift"], floor=0.8)
    assert both["value"] == pytest.approx(found.value / 90)
    assert both["price"] == pytest.approx(found.price / 90)
    assert both["limitation"] == "the error is not known"


def test_a_floor_that_whole_seats_cannot_hold_is_said_with_the_highest_that_can() -> (
    None
):
    """Groups of 7 and 11 with 6 seats: 2/7 and 4/11 give 22/28."""
    frame = pd.DataFrame(
        {
            "unit": [f"u{n:02d}" for n in range(18)],
            "gender": ["f"] * 7 + ["m"] * 11,
            "benefit": np.arange(18.0),
        }
    )
    table = trace_frontier(
        frame, seats=6, attributes=["gender"], floors=(0, 0.5, 0.9, 1), min_group=1
    ).set_index("floor")
    stuck = table[table["limitation"].str.startswith("no allocation")]
    assert stuck.index.tolist() == [0.9, 1.0]
    assert stuck["value"].isna().all()
    top = table.drop(index=stuck.index).iloc[-1]
    assert top["selection_ratio"] == pytest.approx(22 / 28)
    assert 0.784 < top.name <= 22 / 28


def test_no_ratio_tells_a_small_number_of_the_selected() -> None:
    """19 of 104 and 18 of 96 are fine, and 3 of 7 left out are not, nor 5 of 96."""
    few = pd.DataFrame(
        {
            "unit": [f"u{n:03d}" for n in range(207)],
            "gender": ["f"] * 104 + ["m"] * 96 + ["x"] * 7,
            "benefit": [9.0] * 19 + [1.0] * 85 + [9.0] * 18 + [1.0] * 78 + [9.0] * 7,
        }
    )
    asked = {"attributes": ["gender"], "floors": (0, 0.5)}
    table = trace_frontier(few, seats=40, **asked)
    assert table["selection_ratio"].isna().all()
    assert table["value"].notna().all()
    without = few[few["gender"] != "x"]
    table = trace_frontier(without, seats=37, **asked)
    assert table["selection_ratio"].iloc[0] == pytest.approx(19 / 104 * 96 / 18)
    rare = without.assign(benefit=[9.0] * 40 + [1.0] * 64 + [9.0] * 5 + [1.0] * 91)
    assert trace_frontier(rare, seats=45, **asked)["selection_ratio"].isna().iloc[0]


def test_errors_of_value_and_price_by_hand() -> None:
    """Scores tell value and error; the price compares the same people."""
    frame = make(2)
    table = trace_frontier(
        frame, seats=90, attributes=["gender"], floors=(0, 1), score="score"
    )
    free = allocate_seats(frame, seats=90).frame["selected"].to_numpy()
    equal = allocate_seats(
        frame, seats=90, attributes=["gender"], floor=table["floor"].max()
    )
    row = table.dropna(subset=["value"]).iloc[-1]
    scores = frame["score"].to_numpy()
    if not equal.feasible:
        equal = allocate_seats(
            frame, seats=90, attributes=["gender"], floor=row["floor"]
        )
    held = equal.frame["selected"].to_numpy()
    size = len(frame)
    parts = held * (scores - scores[held].mean()) / 90
    other = free * (scores - scores[free].mean()) / 90
    reach = NORMAL * math.sqrt(np.sum(parts**2) * size / (size - 1))
    span = NORMAL * math.sqrt(np.sum((other - parts) ** 2) * size / (size - 1))
    assert row["value"] == pytest.approx(scores[held].mean())
    assert row["value_high"] - row["value"] == pytest.approx(reach)
    assert row["price"] == pytest.approx(scores[free].mean() - scores[held].mean())
    assert row["price_high"] - row["price"] == pytest.approx(span)


def test_the_error_is_clustered_where_a_cluster_is_named() -> None:
    frame = make(3)
    frame["score"] += np.random.default_rng(1).normal(0, 3, 30)[np.arange(300) // 10]
    given = {"seats": 90, "attributes": ["gender"], "floors": (0,), "score": "score"}
    alone = trace_frontier(frame, **given).iloc[0]
    teams = trace_frontier(frame, **given, cluster="team").iloc[0]
    assert teams["value"] == alone["value"]
    assert teams["value_high"] - teams["value"] > alone["value_high"] - alone["value"]


def test_given_errors_are_summed_over_the_seats() -> None:
    row = trace_frontier(
        make(4), seats=100, attributes=["gender"], floors=(0,), std_error="error"
    ).iloc[0]
    assert row["value_high"] - row["value"] == pytest.approx(NORMAL * 0.5 / 10)
    assert row["price_high"] == row["price_low"] == 0


def test_value_intervals_cover_the_truth() -> None:
    """400 samples of a rule with a known value per seat; 95 % within simulation."""
    inside = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        need = rng.normal(0, 1, 200)
        frame = pd.DataFrame(
            {
                "unit": [f"u{n}" for n in range(200)],
                "gender": "f",
                "benefit": need,
                "score": 0.3 + rng.normal(0, 2, 200),
            }
        )
        row = trace_frontier(
            frame, seats=60, attributes=["gender"], floors=(0,), score="score"
        ).iloc[0]
        inside += row["value_low"] <= 0.3 <= row["value_high"]
    assert 0.925 <= inside / 400 <= 0.975


def test_a_missing_column_is_named() -> None:
    with pytest.raises(MissingColumnError, match="lack a column"):
        trace_frontier(make(5), seats=9, attributes=["gender"], score="gone")
