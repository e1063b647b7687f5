from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.audit.score import (
    DIMENSIONS,
    build_quality,
    rate_share,
    score_table,
)

NAMES = [item.name for item in DIMENSIONS]
SHARES = st.one_of(st.just(math.nan), st.floats(0, 1))
PROFILES = st.fixed_dictionaries(dict.fromkeys(NAMES, SHARES))


def test_weights_sum_to_one() -> None:
    assert math.fsum(item.weight for item in DIMENSIONS) == pytest.approx(1)


def test_score_by_hand() -> None:
    shares = {
        "completeness": 0.96,
        "validity": 1.0,
        "uniqueness": 1.0,
        "consistency": 0.99,
        "timeliness": 1.0,
    }
    assert score_table(shares) == pytest.approx(100 - 1.0 - 0.25)


def test_score_leaves_out_what_does_not_apply() -> None:
    shares = dict.fromkeys(NAMES, math.nan) | {"completeness": 0.96, "validity": 1.0}
    assert score_table(shares) == pytest.approx(98.0)
    assert math.isnan(score_table(dict.fromkeys(NAMES, math.nan)))


def test_one_bad_side_cannot_hide() -> None:
    good = dict.fromkeys(NAMES, 1.0)
    assert score_table(good | {"uniqueness": 0.98}) == 89.0
    assert score_table(good | {"uniqueness": 0.94}) == 59.0
    assert score_table(dict.fromkeys(NAMES, 0.2)) == pytest.approx(20.0)


@given(PROFILES)
def test_score_stays_between_zero_and_hundred(shares: dict[str, float]) -> None:
    score = score_table(shares)
    assert math.isnan(score) or 0 <= score <= 100


@given(PROFILES, st.sampled_from(NAMES), st.floats(0, 1))
def test_score_never_falls_when_a_share_rises(
    shares: dict[str, float], name: str, share: float
) -> None:
    low, high = sorted((shares[name], share))
    if not math.isnan(shares[name]):
        worse, better = shares | {name: low}, shares | {name: high}
        assert score_table(worse) <= score_table(better) + 1e-9


@pytest.mark.parametrize("item", DIMENSIONS, ids=lambda item: item.name)
def test_limits_belong_to_the_better_side(item: object) -> None:
    name, limit, floor = item.name, item.limit, item.floor  # type: ignore[attr-defined]
    assert rate_share(name, limit) == "pass"
    assert rate_share(name, limit - 0.001) == "warn"
    assert rate_share(name, floor) == "warn"
    assert rate_share(name, floor - 0.001) == "fail"
    assert rate_share(name, math.nan) == "not_applicable"


def test_a_source_is_as_good_as_its_worst_table() -> None:
    shares = pd.DataFrame(
        [("employees", name, 1.0, 10, "") for name in NAMES]
        + [("consent", name, 0.5, 10, "late") for name in NAMES],
        columns=["table", "dimension", "value", "rows", "text"],
    )
    sources = {"employees": "hris", "consent": "hris"}
    quality = build_quality(
        shares, sources=sources, order=["employees", "consent", "courses"]
    )
    assert len(quality) == 3 * len(NAMES)
    scores = quality.drop_duplicates("table").set_index("table")
    assert scores["table_score"].loc[["employees", "consent"]].tolist() == [100.0, 50.0]
    assert scores["source_score"].loc[["employees", "consent"]].tolist() == [50.0, 50.0]
    assert scores["source"].loc["courses"] == "courses"
    assert math.isnan(scores["source_score"].loc["courses"])
