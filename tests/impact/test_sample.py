from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import make_cohort, simulate_frame
from workbench.core.errors import DesignError, NoVariationError, TooFewUnitsError
from workbench.impact.sample import code_clusters, prepare_sample


@pytest.fixture
def frame() -> pd.DataFrame:
    return simulate_frame(2, people=120, trials=2)


def test_rows_are_ordered_and_counted(frame: pd.DataFrame) -> None:
    frame.loc[frame.index[:15], "outcome"] = np.nan
    lone = frame.iloc[:4].assign(trial="2024Q4", treated=True, unit=list("abcd"))
    cohort = make_cohort(pd.concat([frame, lone.assign(outcome=1.0)]))
    before = cohort.frame.copy()
    sample = prepare_sample(cohort)
    pd.testing.assert_frame_equal(cohort.frame, before)
    assert not sample.frame["trial"].eq("2024Q4").any()
    ordered = sample.frame.sort_values(["trial", "unit"]).index
    assert ordered.tolist() == list(range(len(sample.frame)))
    assert np.isfinite(sample.outcome).all()
    assert sample.flow["step"].tolist() == [
        "in the trials",
        "outcome observed",
        "trial has learners and others",
    ]
    totals = sample.flow[["n_treated", "n_control"]].sum(axis=1).tolist()
    assert totals == [len(frame) + 4, len(frame) + 4 - 15, len(frame) - 15]


def test_rows_of_one_person_are_not_independent(frame: pd.DataFrame) -> None:
    stacked = prepare_sample(make_cohort(frame))
    single = prepare_sample(make_cohort(frame[frame["trial"] == "2025Q1"]))
    grouped = prepare_sample(
        make_cohort(frame[frame["trial"] == "2025Q1"], clusters=("unit", "team"))
    )
    assert not stacked.independent
    assert single.independent
    assert not grouped.independent
    assert stacked.count_units(~stacked.treated) < (~stacked.treated).sum()


def test_a_missing_cluster_stands_alone() -> None:
    codes = code_clusters(pd.Series(["b", None, "a", "b", None]))
    assert codes.tolist() == [1, 2, 0, 1, 3]


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ({"treated": False}, NoVariationError, "Nobody learnt"),
        ({"treated": True}, NoVariationError, "Everybody learnt"),
        ({"outcome": np.nan}, DesignError, "No outcome was observed"),
        ({"outcome": 3.0}, NoVariationError, "one value only"),
    ],
)
def test_designs_that_cannot_answer(
    frame: pd.DataFrame, change: dict[str, object], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        prepare_sample(make_cohort(frame.assign(**change)))


@pytest.mark.parametrize("people", [3, 15])
def test_too_few_people(people: int) -> None:
    frame = simulate_frame(3, people=60).head(people)
    with pytest.raises(TooFewUnitsError, match=r"privacy\.min_group"):
        prepare_sample(make_cohort(frame))


def test_people_are_counted_not_rows(frame: pd.DataFrame) -> None:
    """Nine learners in two trials each are nine people, not eighteen."""
    first = frame[frame["trial"] == "2025Q1"].copy()
    learners = first[first["treated"]].head(9)
    others = first[~first["treated"]].head(40)
    once = pd.concat([learners, others])
    twice = pd.concat([once, once.assign(trial="2025Q2")])
    with pytest.raises(TooFewUnitsError, match="9 learners and 40 others"):
        prepare_sample(make_cohort(twice))


def test_a_fold_lost_to_missing_outcomes_counts(frame: pd.DataFrame) -> None:
    frame.loc[frame["treated"], "outcome"] = np.nan
    with pytest.raises(NoVariationError, match="Nobody learnt"):
        prepare_sample(make_cohort(frame))
