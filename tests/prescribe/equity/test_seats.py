"""Seats: the best allocation under floors equals trying every one of them."""

from __future__ import annotations

import time
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest

from workbench.core.errors import MissingColumnError, ParamError
from workbench.prescribe.equity.seats import SeatAllocation, allocate_seats

INSTANCES = 100
FLOORS = (0.0, 0.5, 0.8, 0.9, 1.0)
TOLERANCE = 1e-6
"""The solver's, relative to the largest benefit."""


def draw_people(seed: int) -> tuple[pd.DataFrame, int, float]:
    """Eleven people in two attributes; benefits follow the groups."""
    rng = np.random.default_rng(seed)
    size = 11
    frame = pd.DataFrame(
        {
            "unit": [f"u{place:02d}" for place in rng.permutation(size)],
            "gender": rng.choice(["f", "m"], size),
            "shift": rng.choice(["day", "late", "night"], size),
        }
    )
    lift = 1.5 * (frame["gender"] == "m") + (frame["shift"] == "day")
    frame["benefit"] = rng.normal(0, 1, size) + lift
    if seed % 4 == 0:
        frame["benefit"] = frame["benefit"].round()
    return frame, int(rng.integers(0, size + 1)), float(rng.choice(FLOORS))


def find_best(frame: pd.DataFrame, seats: int, floor: float) -> float | None:
    """Try every choice of so many people, floors in whole numbers."""
    choices = np.array(list(product((0, 1), repeat=len(frame))))
    choices = choices[choices.sum(axis=1) == seats]
    fits = np.ones(len(choices), dtype=bool)
    for attribute in ("gender", "shift"):
        groups = [list(rows) for rows in frame.groupby(attribute).indices.values()]
        for ours, theirs in permutations(groups, 2):
            part = 10 * choices[:, ours].sum(axis=1) * len(theirs)
            rest = round(10 * floor) * choices[:, theirs].sum(axis=1) * len(ours)
            fits &= part >= rest
    sums = choices[fits] @ frame["benefit"].to_numpy()
    return float(sums.max()) if fits.any() else None


@pytest.mark.parametrize("start", range(0, INSTANCES, 20))
def test_the_allocation_is_that_of_trying_everything(start: int) -> None:
    for seed in range(start, start + 20):
        frame, seats, floor = draw_people(seed)
        best = find_best(frame, seats, floor)
        found = allocate_seats(
            frame,
            seats=seats,
            attributes=["gender", "shift"],
            floor=floor,
            min_group=1,
        )
        assert found.feasible == (best is not None), seed
        if best is None:
            assert not found.frame["selected"].any()
            continue
        chosen = found.frame["selected"].to_numpy()
        assert found.value == pytest.approx(best, abs=TOLERANCE), seed
        assert chosen.sum() == seats
        alone = find_best(frame.assign(benefit=chosen), seats, floor)
        assert alone == seats, "the choice itself holds the floor"
        free = frame["benefit"].nlargest(seats).sum()
        assert found.price == pytest.approx(free - best, abs=2 * TOLERANCE)


def test_the_instances_hold_every_kind_of_case() -> None:
    counts = {"infeasible": 0, "priced": 0, "free": 0}
    for seed in range(INSTANCES):
        frame, seats, floor = draw_people(seed)
        found = allocate_seats(
            frame, seats=seats, attributes=["gender"], floor=floor, min_group=1
        )
        counts["infeasible"] += not found.feasible
        counts["priced"] += found.price > 1e-6
        counts["free"] += found.price == 0
    assert min(counts.values()) >= 10


def make_large(seed: int, size: int = 5000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "unit": [f"u{place:05d}" for place in range(size)],
            "gender": rng.choice(["f", "m", "x"], size, p=[0.48, 0.5, 0.02]),
            "shift": rng.choice(["day", "late", "night"], size, p=[0.5, 0.3, 0.2]),
            "region": rng.choice(list("abcde"), size),
        }
    )
    lift = 1 + 0.8 * (frame["shift"] == "day") + 0.4 * (frame["gender"] == "m")
    return frame.assign(benefit=rng.gamma(2, 1, size) * lift)


def allocate(frame: pd.DataFrame, **more: object) -> SeatAllocation:
    given = {"seats": 1500, "attributes": ["gender", "shift", "region"], **more}
    return allocate_seats(frame, **given)  # type: ignore[arg-type]


def test_five_thousand_people_take_less_than_two_seconds() -> None:
    """Of the processor, so that what else runs here does not count."""
    frame = make_large(1)
    allocate(frame.head(50), seats=10)
    started = time.process_time()
    found = allocate(frame)
    assert time.process_time() - started < 2
    ratios = found.ratios
    assert found.feasible
    assert ratios["ratio"].min() >= 0.8
    assert found.price > 0
    assert found.frame["selected"].sum() == 1500


def test_the_order_of_rows_decides_nothing() -> None:
    frame = make_large(2, size=600).assign(benefit=lambda f: f["benefit"].round())
    first = allocate(frame, seats=150).frame.set_index("unit")["selected"]
    turned = allocate(frame.sample(frac=1, random_state=3), seats=150).frame
    assert turned.set_index("unit")["selected"].reindex(first.index).equals(first)


def test_ties_go_by_the_unit() -> None:
    frame = pd.DataFrame({"unit": ["c", "a", "b"], "benefit": [1.0, 1.0, 1.0]})
    found = allocate_seats(frame, seats=2)
    assert found.frame["selected"].tolist() == [False, True, True]


def test_small_groups_are_pooled_or_left_out_and_said() -> None:
    frame = make_large(4, size=400)
    frame["gender"] = ["x"] * 6 + ["y"] * 5 + ["f"] * 189 + [None] * 200
    found = allocate_seats(frame, seats=90, attributes=["gender"])
    assert set(found.ratios["group"]) == {"f", "not recorded", "small groups"}
    assert "gender: 2 groups below 10 are pooled." in found.text
    alone = frame.assign(gender=["x"] * 6 + ["f"] * 194 + ["m"] * 200)
    found = allocate_seats(alone, seats=90, attributes=["gender"])
    assert set(found.ratios["group"]) == {"f", "m"}
    assert "gender: no floor for groups below 10 people." in found.text


def test_more_seats_than_people_go_to_everybody() -> None:
    found = allocate(make_large(5, size=60), seats=100)
    assert found.frame["selected"].all()
    assert found.price == 0


def test_the_text_names_ratio_and_price() -> None:
    """Ten seats: all go to m; a floor of 1 takes five of them away."""
    frame = pd.DataFrame(
        {
            "unit": [f"u{n:02d}" for n in range(40)],
            "gender": ["m"] * 20 + ["f"] * 20,
            "benefit": [2.0] * 20 + [1.0] * 20,
        }
    )
    found = allocate_seats(frame, seats=10, attributes=["gender"], floor=1.0)
    assert found.price == pytest.approx(5)
    assert found.text == (
        "By the order alone the lowest ratio by gender is 0.00; the floor of 1 costs "
        "25.0% of the sum that the order goes by."
    )


def test_the_text_tells_no_small_number() -> None:
    frame = pd.DataFrame(
        {
            "unit": [f"u{n:02d}" for n in range(40)],
            "gender": ["m"] * 20 + ["f"] * 20,
            "benefit": [2.0] * 12 + [1.0] * 25 + [2.0] * 3,
        }
    )
    found = allocate_seats(frame, seats=15, attributes=["gender"], floor=0.1)
    assert found.text == (
        "By the order alone the lowest ratio by gender is not shown; the floor of 0.1 "
        "changes nothing."
    )


@pytest.mark.parametrize(
    ("change", "more", "error", "match"),
    [
        ({"benefit": np.nan}, {}, ParamError, "benefit is missing"),
        ({"unit": "u"}, {}, ParamError, "stands twice"),
        ({}, {"seats": -1}, ParamError, "seats are out of range"),
        ({}, {"floor": 1.1}, ParamError, "floor is out of range"),
        ({}, {"attributes": ["age"]}, MissingColumnError, "lack an attribute"),
        ({}, {"benefit": "gain"}, MissingColumnError, "lack a column"),
    ],
)
def test_faults_are_named(change, more, error, match) -> None:
    with pytest.raises(error, match=match):
        allocate(make_large(6, size=60).assign(**change), **{"seats": 9, **more})
