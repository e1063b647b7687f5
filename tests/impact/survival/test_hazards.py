"""Hazard ratio and tests among matched people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.impact.survival.simulate_follow import simulate_rows
from tests.impact.survival.test_matched_follow import follow
from workbench.impact.survival.checks import (
    check_competing,
    check_direction,
    check_events,
    check_follow_up,
)
from workbench.impact.survival.hazards import COLUMNS, compare_hazards
from workbench.impact.survival.log_rank import LogRank
from workbench.impact.survival.matched_follow import Followed


@pytest.fixture(scope="module")
def followed() -> Followed:
    return follow(simulate_rows(5, people=2500, ratio=0.5, other=0.2))


def test_recovers_the_ratio_with_a_baseline_per_trial(followed: Followed) -> None:
    found = compare_hazards(followed, ("x1", "x2"), alpha=0.05)
    assert found.cox is not None
    assert found.cox.names == ("learning", "x1", "x2")
    assert found.cox.low[0] < 0.5 < found.cox.high[0]
    assert found.cox.high[0] < 1
    assert "matched set and person" in found.cox.error
    assert tuple(found.tests.columns) == COLUMNS
    assert found.tests["test"].tolist() == ["log-rank"] + ["proportional hazards"] * 4
    assert [item.check for item in found.checks] == ["proportional_hazards"]


def test_few_events_carry_few_terms(followed: Followed) -> None:
    rare = followed.cause * (np.arange(len(followed.cause)) % 12 == 0)
    found = compare_hazards(replace(followed, cause=rare), ("x1", "x2"), alpha=0.05)
    events = (rare == 1) & (followed.duration <= 365) & (followed.weight > 0)
    assert events.sum() < 20
    assert found.cox is not None
    assert found.cox.names == ("learning",)


def test_no_event_is_said(followed: Followed) -> None:
    calm = replace(followed, cause=np.zeros_like(followed.cause))
    found = compare_hazards(calm, ("x1",), alpha=0.05)
    assert found.cox is None
    assert found.tests.empty
    assert found.checks[0].status == "not_applicable"
    assert "nobody matched" in found.checks[0].text


def test_arm_without_events_has_no_ratio_but_a_test(followed: Followed) -> None:
    cause = np.where(followed.sample.treated, 0, followed.cause)
    found = compare_hazards(replace(followed, cause=cause), ("x1",), alpha=0.05)
    assert found.cox is None
    assert found.checks[0].check == "hazard_ratio"
    assert "learning cannot be estimated" in found.checks[0].text
    assert found.tests["p_value"].iloc[0] < 0.05


def test_checks_of_the_follow_up(followed: Followed) -> None:
    reach = check_follow_up(followed)
    assert reach.passed
    known = (followed.duration >= 365) | (followed.cause > 0)
    shares = [known[followed.arm(treated=side)].mean() for side in (True, False)]
    assert reach.value == pytest.approx(min(shares))
    short = replace(followed, duration=np.minimum(followed.duration, 30.0))
    late = check_follow_up(replace(short, cause=np.zeros_like(followed.cause)))
    assert late.status == "warn"
    assert "read it again next quarter" in late.advice
    events = check_events(followed)
    assert events.passed
    assert events.value >= 10
    few = check_events(replace(followed, cause=np.zeros_like(followed.cause)))
    assert few.status == "warn"
    assert np.isnan(few.value)
    assert "fewer than 10 people" in few.text


def test_competing_events_are_incidences(followed: Followed) -> None:
    found = check_competing(followed, ("resignation", "other exit"))
    # 0.2 a year over one year, less those who resigned first
    assert 0.10 < found.value < 0.20
    assert found.text.startswith("Other exit: ")
    assert check_competing(followed, ("left",)).status == "not_applicable"


def test_curves_and_horizon_may_disagree() -> None:
    tested = LogRank(statistic=9.0, df=1, p_value=0.003, error="")
    assert check_direction(tested, 0.01).passed
    assert check_direction(tested, 0.4).status == "warn"
    assert check_direction(None, 0.4).status == "not_applicable"
