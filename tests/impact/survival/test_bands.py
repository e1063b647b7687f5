from __future__ import annotations

import numpy as np
import pytest

from workbench.core.errors import ParamError
from workbench.impact.survival.bands import find_band_quantile
from workbench.impact.survival.kaplan_meier import estimate_survival
from workbench.impact.survival.steps import limit_survival

PRINTED = 6e-5
"""Klein and Moeschberger print four decimals."""


def test_quantile_of_klein_and_moeschberger() -> None:
    """Survival Analysis (2003), section 4.4: a_L = .1, a_U = .6 gives 2.8826.

    Quoted from memory; the book was not at hand.
    """
    odds = 0.6 * 0.9 / (0.1 * 0.4)
    assert find_band_quantile(odds, alpha=0.05) == pytest.approx(2.8826, abs=PRINTED)


def test_quantile_grows_with_the_stretch_and_the_level() -> None:
    found = [find_band_quantile(ratio, alpha=0.05) for ratio in (1, 1.2, 4, 100)]
    assert found[0] >= 1.959963
    assert found == sorted(found)
    assert find_band_quantile(4, alpha=0.01) > found[2]


def test_a_band_holds_the_whole_curve_as_often_as_it_says() -> None:
    """400 samples of 150 with censoring; three errors of a share of 0.95 allowed."""
    rng = np.random.default_rng(12)
    held = held_pointwise = 0
    for _ in range(400):
        days, end = rng.exponential(1, 150), rng.uniform(0.5, 3, 150)
        curve = estimate_survival(np.minimum(days, end), days <= end)
        first, last = np.searchsorted(curve.time, [0.2, 1.2], side="right") - 1
        spread = curve.std_error / np.where(curve.value > 0, curve.value, 1.0)
        ratio = float(spread[last] / spread[first]) ** 2
        wide = find_band_quantile(ratio, alpha=0.05)
        limits = limit_survival(curve.value, curve.std_error, wide)
        outer_low, outer_high = (item[first : last + 1] for item in limits)
        edges = np.append(curve.time[first : last + 1], 1.2)
        held += bool(
            (np.exp(-edges[:-1]) <= outer_high).all()
            and (np.exp(-edges[1:]) >= outer_low).all()
        )
        value, low, high = curve.at(np.linspace(0.2, 1.2, 40))
        truth = np.exp(-np.linspace(0.2, 1.2, 40))
        held_pointwise += bool(((low <= truth) & (truth <= high)).all())
        assert ((low <= value) & (value <= high)).all()
    assert 400 * 0.95 - 3 * np.sqrt(400 * 0.95 * 0.05) <= held
    assert held_pointwise < 400 * 0.9


def test_what_has_no_quantile() -> None:
    with pytest.raises(ParamError, match="Variances cannot fall"):
        find_band_quantile(0.5, alpha=0.05)
    with pytest.raises(ParamError, match="alpha between 0 and 1"):
        find_band_quantile(2, alpha=0)
