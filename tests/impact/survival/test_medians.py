from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from workbench.impact.survival.kaplan_meier import estimate_survival
from workbench.impact.survival.medians import compare_medians


@dataclass
class _Arms:
    """The part of `Followed` that medians are made from."""

    duration: np.ndarray
    cause: np.ndarray
    weight: np.ndarray
    treated: np.ndarray

    def arm(self, *, treated: bool) -> np.ndarray:
        return (self.treated == treated) & (self.weight > 0)


def _draw(scale: float, *, last: float = math.inf) -> _Arms:
    rng = np.random.default_rng(4)
    treated = np.arange(400) % 2 == 0
    days = np.ceil(rng.exponential(50, 400) * np.where(treated, scale, 1.0))
    return _Arms(
        duration=np.minimum(days, last),
        cause=(days <= last).astype(int),
        weight=rng.choice([0.0, 0.5, 1.0, 2.0], 400),
        treated=treated,
    )


def test_medians_are_those_of_the_weighted_curves() -> None:
    arms = _draw(0.6)
    found = compare_medians(arms, alpha=0.05)  # type: ignore[arg-type]
    known = {}
    for treated in (True, False):
        rows = arms.arm(treated=treated)
        curve = estimate_survival(
            arms.duration[rows], arms.cause[rows], weights=arms.weight[rows]
        )
        known[treated] = curve.quantile(0.5)
    ours, theirs = known[True], known[False]
    assert (found.learners, found.others) == (ours[0], theirs[0])
    assert found.difference == ours[0] - theirs[0] < 0
    low = math.hypot(ours[0] - ours[1], theirs[2] - theirs[0])
    high = math.hypot(ours[2] - ours[0], theirs[0] - theirs[1])
    assert found.low == pytest.approx(found.difference - low)
    assert found.high == pytest.approx(found.difference + high)


def test_swapping_the_arms_flips_the_sign() -> None:
    arms = _draw(0.6)
    found = compare_medians(arms, alpha=0.1)  # type: ignore[arg-type]
    arms.treated = ~arms.treated
    other = compare_medians(arms, alpha=0.1)  # type: ignore[arg-type]
    assert other.difference == -found.difference
    assert (other.low, other.high) == pytest.approx((-found.high, -found.low))


def test_a_median_that_was_not_reached_is_not_made_up() -> None:
    found = compare_medians(_draw(0.2, last=15), alpha=0.05)  # type: ignore[arg-type]
    assert math.isfinite(found.learners)
    assert math.isnan(found.others)
    assert math.isnan(found.difference)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
