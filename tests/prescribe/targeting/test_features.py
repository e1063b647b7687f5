"""Facts in numbers, the same for people of the fit and people of today."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.core.errors import MissingColumnError
from workbench.prescribe.targeting.features import choose_terms

PEOPLE = pd.DataFrame(
    {
        "tenure_days": [10.0, 20.0, 30.0, np.nan] * 10,
        "shift": ["day"] * 20 + ["night"] * 15 + ["late"] * 5,
        "same": 1.0,
        "part_time": [True, False] * 20,
    }
)
FACTS = ["tenure_days", "shift", "same", "part_time"]


def test_levels_are_held_against_the_most_frequent_one_and_rare_ones_with_it() -> None:
    terms = choose_terms(PEOPLE, FACTS, min_level=10)
    assert terms.names == ["tenure_days", "shift=night", "part_time"]


def test_columns_are_standardised_and_gaps_are_the_median() -> None:
    terms = choose_terms(PEOPLE, FACTS)
    matrix = terms.matrix(PEOPLE)
    np.testing.assert_allclose(matrix.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(matrix.std(axis=0), 1, atol=1e-12)
    assert terms.tabulate(PEOPLE)["tenure_days"].iloc[3] == 20.0


def test_people_of_today_are_measured_as_those_of_the_fit() -> None:
    terms = choose_terms(PEOPLE, FACTS)
    today = pd.DataFrame(
        {
            "tenure_days": [20, None],
            "shift": pd.Categorical(["night", "new"]),
            "part_time": [False, True],
        },
        index=["a", "b"],
    )
    made = terms.tabulate(today)
    assert list(made.index) == ["a", "b"]
    assert made["tenure_days"].tolist() == [20.0, 20.0]
    assert made["shift=night"].tolist() == [1.0, 0.0]
    one = terms.items[0]
    assert terms.matrix(today)[0, 0] == pytest.approx((20 - one.centre) / one.spread)


def test_people_without_a_fact_are_refused() -> None:
    terms = choose_terms(PEOPLE, FACTS)
    with pytest.raises(MissingColumnError, match="shift"):
        terms.matrix(PEOPLE.drop(columns="shift"))
