from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import make_cohort, simulate_frame
from tests.impact.test_effects import make_effect
from workbench.impact.attrition import Attrition, bound_effect, measure_attrition
from workbench.impact.matching import Matches, match_nearest
from workbench.impact.sample import Sample, prepare_sample


def _lose(frame: pd.DataFrame, ours: float, theirs: float) -> pd.DataFrame:
    """Lose given shares of either arm's outcomes, evenly over the rows."""
    gone = np.zeros(len(frame), dtype=bool)
    for arm, share in ((True, ours), (False, theirs)):
        rows = np.flatnonzero(frame["treated"].to_numpy() == arm)
        gone[rows[: round(share * len(rows))]] = True
    lost = frame.assign(outcome=frame["outcome"].where(~gone), lost=pd.NA)
    return lost.assign(lost=lost["lost"].astype("str").where(~gone, "left"))


def test_shares_difference_and_threats() -> None:
    frame = _lose(simulate_frame(1, people=900), 0.02, 0.25)
    found = measure_attrition(make_cohort(frame))
    assert found.treated == pytest.approx(0.02, abs=0.005)
    assert found.control == pytest.approx(0.25, abs=0.005)
    assert found.difference == pytest.approx(found.treated - found.control)
    assert found.ci_low < found.difference < found.ci_high < 0
    assert found.threats == ("differential attrition", "missing outcomes")
    assert found.table["missing"].sum() == frame["outcome"].isna().sum()
    assert set(found.table["reason"]) == {"left"}


def test_even_and_small_losses_are_no_threat() -> None:
    frame = _lose(simulate_frame(1, people=900), 0.06, 0.06)
    assert measure_attrition(make_cohort(frame)).threats == ()


def test_a_difference_within_its_error_is_no_threat() -> None:
    frame = _lose(simulate_frame(1, people=60), 0.12, 0.05)
    found = measure_attrition(make_cohort(frame))
    assert abs(found.difference) > 0.05
    assert found.ci_low < 0 < found.ci_high
    assert found.threats == ()


def test_those_gone_before_the_landmark_are_counted() -> None:
    flow = pd.DataFrame(
        {
            "step": ["had not learnt before", "still employed at the landmark"],
            "n_treated": [100, 90],
            "n_control": [200, 150],
        }
    )
    frame = _lose(simulate_frame(1, people=900), 0.2, 0.0)
    found = measure_attrition(make_cohort(frame, flow=flow))
    assert found.lost_treated == pytest.approx(1 - 0.8 * 0.9, abs=0.005)
    assert found.lost_control == pytest.approx(0.25)
    assert "Before the landmark 10.0% of learners" in found.checks[0].text


def _matched(frame: pd.DataFrame) -> tuple[Sample, Matches]:
    sample = prepare_sample(make_cohort(frame))
    return sample, match_nearest(sample.frame.assign(score=sample.frame["x1"]))


def _attrition(ours: float, theirs: float) -> Attrition:
    return Attrition(
        treated=ours,
        control=theirs,
        difference=ours - theirs,
        ci_low=0,
        ci_high=0,
        lost_treated=ours,
        lost_control=theirs,
        table=pd.DataFrame(),
        checks=(),
    )


def test_worst_case_of_a_share_by_hand() -> None:
    """80 of 100 learners seen, 40 of them 1; 90 of 100 others seen, 27 of them 1."""
    frame = simulate_frame(2)
    binary = frame.assign(outcome=(frame["outcome"] > 3).astype(float))
    sample, matches = _matched(binary)
    effect = make_effect(value=0.2, baseline=0.3)
    low, high = bound_effect(effect, _attrition(0.2, 0.1), sample, matches)
    assert (low, high) == pytest.approx((0.40 - 0.37, 0.60 - 0.27))


def test_lee_bounds_trim_the_arm_that_lost_less() -> None:
    frame = simulate_frame(3)
    sample, matches = _matched(frame)
    effect = make_effect(value=0.5)
    low, high = bound_effect(effect, _attrition(0.0, 0.2), sample, matches)
    kept = np.sort(sample.outcome[sample.treated & (matches.weights > 0)])
    cut = round(0.2 * len(kept))
    assert low == pytest.approx(0.5 + kept[:-cut].mean() - kept.mean(), abs=0.01)
    assert high == pytest.approx(0.5 + kept[cut:].mean() - kept.mean(), abs=0.01)
    turned = bound_effect(effect, _attrition(0.2, 0.0), sample, matches)
    assert turned[0] < 0.5 < turned[1]


def test_equal_losses_leave_a_point() -> None:
    sample, matches = _matched(simulate_frame(3))
    effect = make_effect(value=0.5)
    assert bound_effect(effect, _attrition(0.1, 0.1), sample, matches) == (0.5, 0.5)


def test_more_loss_wider_bounds() -> None:
    sample, matches = _matched(simulate_frame(4))
    widths = []
    for share in (0.02, 0.1, 0.3):
        low, high = bound_effect(make_effect(), _attrition(0.0, share), sample, matches)
        widths.append(high - low)
    assert 0 < widths[0] < widths[1] < widths[2]
