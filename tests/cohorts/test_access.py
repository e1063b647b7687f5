from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cohorts.access import compare_access


def counts(**groups: tuple[int, int]) -> pd.DataFrame:
    rows = [
        {"group": name, "n_eligible": eligible, "n_learners": learners}
        for name, (eligible, learners) in groups.items()
    ]
    return pd.DataFrame(rows)


def test_ratio_and_interval_by_hand() -> None:
    table = compare_access(counts(a=(100, 10), b=(200, 40)), min_group=10)
    first = table.set_index("group").loc["a"]
    error = math.sqrt(1 / 10 - 1 / 100 + 1 / 40 - 1 / 200)
    assert first["uptake"] == pytest.approx(0.1)
    assert first["ratio"] == pytest.approx(0.5)
    assert first["ratio_ci_low"] == pytest.approx(0.5 * math.exp(-1.959964 * error))
    assert first["ratio_ci_high"] == pytest.approx(0.5 * math.exp(1.959964 * error))


def test_a_single_small_group_takes_the_next_smallest_with_it() -> None:
    table = compare_access(counts(a=(100, 10), b=(40, 4), c=(9, 3)), min_group=10)
    assert table.set_index("group")["suppressed"].to_dict() == {
        "a": False,
        "b": True,
        "c": True,
    }
    assert table.loc[table["suppressed"], ["n_eligible", "uptake"]].isna().all().all()


def test_no_learner_means_no_ratio() -> None:
    table = compare_access(counts(a=(50, 0), b=(50, 5)), min_group=10)
    assert table["ratio"].isna().all()
    assert table["uptake"].tolist() == [0.0, 0.1]


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 60)), min_size=1))
def test_what_is_hidden_cannot_be_had_by_subtraction(
    sizes: list[tuple[int, int]],
) -> None:
    groups = {f"g{i:03d}": (n, min(n, k)) for i, (n, k) in enumerate(sizes)}
    table = compare_access(counts(**groups), min_group=10)
    hidden = table["suppressed"].sum()
    assert hidden != 1 or len(table) == 1
    assert (table.loc[~table["suppressed"], "n_eligible"] >= 10).all()
