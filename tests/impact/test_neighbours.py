"""The pool of neighbours and the matcher against plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import DesignError, MissingColumnError
from workbench.impact.matching import Matches, match_nearest, pool_deviation

Found = dict[str, list[tuple[str, float]]]


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Draw small samples with many equal scores, in any order of rows."""
    size = draw(st.integers(4, 26))
    rows = [
        {
            "unit": f"u{number:02d}",
            "trial": draw(st.sampled_from(["q1", "q2"])),
            "treated": draw(st.booleans()),
            "score": draw(st.integers(-6, 6)) / 4,
        }
        for number in range(size)
    ]
    rows += [
        {"unit": f"z{place}", "trial": "q1", "treated": place < 2, "score": place / 4}
        for place in range(4)
    ]
    order = draw(st.permutations(range(len(rows))))
    return pd.DataFrame(rows).iloc[list(order)].reset_index(drop=True)


def match_by_loops(
    frame: pd.DataFrame, *, width: float, ratio: int, replace: bool
) -> Found:
    """Match as the documentation says, comparing everybody with everybody."""
    found: Found = {}
    people = frame.to_dict("records")
    for trial in ("q1", "q2"):
        cell = [row for row in people if row["trial"] == trial]
        left = {row["unit"]: row["score"] for row in cell if not row["treated"]}
        ours = [(-row["score"], row["unit"]) for row in cell if row["treated"]]
        for _ in range(ratio):
            for score, unit in sorted(ours):
                taken = {other for other, _ in found.get(unit, [])}
                free = [
                    (abs(value + score), other)
                    for other, value in left.items()
                    if other not in taken and abs(value + score) <= width
                ]
                if free:
                    far, other = min(free)
                    found.setdefault(unit, []).append((other, far))
                    if not replace:
                        del left[other]
    return found


def read_sets(matches: Matches) -> Found:
    found: Found = {}
    names: dict[int, str] = {}
    for row in matches.pairs.to_dict("records"):
        if row["treated"]:
            names[row["set"]] = row["unit"]
            found[row["unit"]] = []
        else:
            found[names[row["set"]]].append((row["unit"], row["distance"]))
    return found


@settings(max_examples=60, deadline=None)
@given(frame=frames(), ratio=st.integers(1, 3), caliper=st.sampled_from([None, 0.5]))
def test_without_replacement_equals_plain_loops(
    frame: pd.DataFrame, ratio: int, caliper: float | None
) -> None:
    matches = match_nearest(frame, ratio=ratio, caliper=caliper)
    wanted = match_by_loops(frame, width=matches.caliper, ratio=ratio, replace=False)
    assert read_sets(matches) == wanted


@settings(max_examples=60, deadline=None)
@given(frame=frames(), ratio=st.integers(1, 3), caliper=st.sampled_from([None, 0.5]))
def test_with_replacement_finds_the_same_distances(
    frame: pd.DataFrame, ratio: int, caliper: float | None
) -> None:
    """Which of several equal rows is taken may differ, how near it is may not."""
    matches = match_nearest(frame, ratio=ratio, caliper=caliper, replace=True)
    wanted = match_by_loops(frame, width=matches.caliper, ratio=ratio, replace=True)
    found = read_sets(matches)
    assert found.keys() == wanted.keys()
    for unit, others in found.items():
        assert len({other for other, _ in others}) == len(others)
        assert sorted(far for _, far in others) == sorted(
            far for _, far in wanted[unit]
        )


@settings(max_examples=40, deadline=None)
@given(frame=frames(), ratio=st.integers(1, 3))
def test_all_ties_share(frame: pd.DataFrame, ratio: int) -> None:
    matches = match_nearest(frame, ratio=ratio, caliper=None, replace=True, ties="all")
    for unit, others in read_sets(matches).items():
        me = frame[frame["unit"] == unit].iloc[0]
        pool = frame[~frame["treated"] & (frame["trial"] == me["trial"])]
        far = (pool["score"] - me["score"]).abs().sort_values()
        last = far.iloc[min(ratio, len(far)) - 1]
        assert len(others) == int((far <= last).sum())
    weights = matches.pairs.groupby(["set", "treated"])["weight"].sum()
    assert weights.to_numpy() == pytest.approx(1.0)


@settings(max_examples=30, deadline=None)
@given(
    frame=frames(),
    ratio=st.integers(1, 2),
    replace=st.booleans(),
    shuffle=st.randoms(use_true_random=False),
)
def test_the_order_of_rows_changes_nothing(
    frame: pd.DataFrame, ratio: int, replace: bool, shuffle: object
) -> None:
    order = list(range(len(frame)))
    shuffle.shuffle(order)  # type: ignore[attr-defined]
    other = frame.iloc[order].reset_index(drop=True)
    columns = ["set", "unit", "trial", "treated", "distance", "weight"]
    first = match_nearest(frame, ratio=ratio, replace=replace).pairs[columns]
    second = match_nearest(other, ratio=ratio, replace=replace).pairs[columns]
    pd.testing.assert_frame_equal(first, second)


@settings(max_examples=60, deadline=None)
@given(frame=frames(), ratio=st.integers(1, 3), replace=st.booleans())
def test_weights_and_counts_add_up(
    frame: pd.DataFrame, ratio: int, replace: bool
) -> None:
    before = frame.copy()
    matches = match_nearest(frame, ratio=ratio, replace=replace)
    pd.testing.assert_frame_equal(frame, before)
    learners = frame["treated"].to_numpy()
    sets = matches.pairs["set"].nunique()
    assert sets + len(matches.dropped) == learners.sum()
    assert matches.weights[learners].sum() == pytest.approx(sets)
    assert matches.weights[~learners].sum() == pytest.approx(sets)
    others = matches.pairs[~matches.pairs["treated"]]
    assert (others["distance"] <= matches.caliper).all()
    assert others.groupby("set").size().max() <= ratio if len(others) else True
    if not replace:
        assert not others["row"].duplicated().any()


def test_equal_rows_are_taken_in_turn() -> None:
    frame = pd.DataFrame(
        {
            "unit": list("abcdefgh"),
            "trial": "q",
            "treated": [True] * 4 + [False] * 4,
            "score": 0.0,
        }
    )
    matches = match_nearest(frame, caliper=None, replace=True, ratio=2)
    used = matches.pairs[~matches.pairs["treated"]].groupby("unit").size()
    assert used.to_dict() == {"e": 2, "f": 2, "g": 2, "h": 2}


def test_exact_columns_and_missing_values() -> None:
    frame = pd.DataFrame(
        {
            "unit": list("abcdef"),
            "trial": "q",
            "treated": [True, True, True, False, False, False],
            "score": [0.0, 0.0, 0.0, 0.0, 0.1, 0.2],
            "site": ["n", "s", None, "s", "n", None],
        }
    )
    matches = match_nearest(frame, exact=("trial", "site"), caliper=None)
    assert read_sets(matches) == {
        "a": [("e", 0.1)],
        "b": [("d", 0.0)],
        "c": [("f", 0.2)],
    }
    assert "the same trial and site" in matches.text


def test_the_text_defines_the_caliper() -> None:
    frame = pd.DataFrame(
        {
            "unit": list("abcd"),
            "trial": "q",
            "treated": [True, True, False, False],
            "score": [0.0, 2.0, 0.0, 4.0],
        }
    )
    matches = match_nearest(frame, caliper=0.5)
    spread = pool_deviation(frame["score"].to_numpy(), frame["treated"].to_numpy())
    assert spread == pytest.approx(np.sqrt((2 + 8) / 2))
    assert matches.caliper == pytest.approx(0.5 * spread)
    assert "0.5 pooled standard deviations" in matches.text
    assert matches.dropped.tolist() == [1]


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ({"ratio": 0}, DesignError, "ratio is too small"),
        ({"caliper": 0.0}, DesignError, "caliper is too small"),
        ({"exact": ("site",)}, MissingColumnError, "Columns to match on are absent"),
    ],
)
def test_wrong_options(
    change: dict[str, object], kind: type[Exception], text: str
) -> None:
    frame = pd.DataFrame(
        {
            "unit": ["a", "b"],
            "trial": "q",
            "treated": [True, False],
            "score": [0.0, 1.0],
        }
    )
    with pytest.raises(kind, match=text):
        match_nearest(frame, **change)  # type: ignore[arg-type]
