"""Sensitivity analyses against published values.

Rosenbaum bounds: lead in the blood of children and smoking pairs of Rosenbaum (2002),
Observational Studies, tables 4.1 to 4.3, as printed there to four (p-values) or two
decimals; the data as in R's rbounds 2.1 (psens, hlsens, binarysens). Omitted causes:
attitudes after violence in Darfur, Cinelli and Hazlett (2020), with the digits of the
tests of R's sensemakr 0.1.6. E-values: VanderWeele and Ding (2017) and R's EValue
4.1.3.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from workbench.impact.robustness.e_value import (
    approximate_ratio,
    compute_e_value,
    measure_e_value,
)
from workbench.impact.robustness.omitted import (
    adjust_effect,
    bound_confounder,
    find_bias,
    find_robustness_value,
    measure_partial_r2,
)
from workbench.impact.robustness.rosenbaum import (
    bound_discordant,
    bound_hodges_lehmann,
    bound_sets,
    bound_signed_rank,
    find_critical_gamma,
)
from workbench.impact.robustness.strengths import Regressed, Strength

EXPOSED = (
    "38 23 41 18 37 36 23 62 31 34 24 14 21 17 16 20 15 10 45 39 22 35 49 48 44 35"
)
EXPOSED += " 43 39 34 13 73 25 27"
CONTROL = (
    "16 18 18 24 19 11 10 15 16 18 18 13 19 10 16 16 24 13 9 14 21 19 7 18 19 12 11"
)
CONTROL += " 22 25 16 13 11 13"
LEAD = np.array(EXPOSED.split(), dtype="float64") - np.array(
    CONTROL.split(), dtype="float64"
)

DARFUR = Regressed(value=0.09731582, std_error=0.02325654, df=783, strengths=())
FEMALE = (
    # times as strong, R2 with treatment, R2 with outcome, estimate, error, t, ends
    (1, 0.00916428667, 0.124640923, 0.0752202699, 0.0218733298, 3.43890347),
    (2, 0.0183285734, 0.249324064, 0.0529151689, 0.0203500640, 2.60024582),
    (3, 0.0274928600, 0.374050471, 0.0303960179, 0.0186700666, 1.62806157),
)
ENDS = ((0.03228296, 0.11815758), (0.01296803, 0.09286231), (-0.00625329, 0.06704533))


def make_female() -> Strength:
    """Turn the printed bounds for once the strength back into the strength itself."""
    _, treatment, outcome, *_ = FEMALE[0]
    own = treatment / (1 + treatment)
    shared = own**2 / (1 - own) ** 2
    factor = (1 + math.sqrt(shared)) / math.sqrt(1 - shared)
    odds = outcome / factor**2
    return Strength(name="female", r2_treatment=own, r2_outcome=odds / (1 + odds))


@pytest.mark.parametrize(
    ("gamma", "printed"),
    [(1, 0.0000), (2, 0.0018), (3, 0.0136), (4, 0.0388), (4.25, 0.0468), (5, 0.0740)],
)
def test_lead_signed_rank(gamma: float, printed: float) -> None:
    assert bound_signed_rank(LEAD, gamma=gamma)[1] == pytest.approx(printed, abs=5e-5)


def test_lead_without_hidden_bias_is_the_signed_rank_test() -> None:
    """Rosenbaum (2002, section 3.2): deviate from the permutation distribution."""
    from scipy.stats import wilcoxon

    found = bound_signed_rank(LEAD, gamma=1.0)
    plain = wilcoxon(
        LEAD, zero_method="pratt", alternative="greater", method="approx"
    ).pvalue
    assert found[0] == found[1] == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize(
    ("gamma", "low", "high"),
    [(1, 15.0, 15.0), (2, 10.25, 19.5), (3, 8.0, 23.0), (4, 6.5, 25.0), (5, 5.0, 26.5)],
)
def test_lead_hodges_lehmann(gamma: float, low: float, high: float) -> None:
    found = bound_hodges_lehmann(LEAD, gamma=gamma)
    assert found == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(
    ("gamma", "exact", "printed"),
    [(3, 0.00002, 0.0001), (4, 0.00196, 0.0036), (5, 0.02317, 0.03), (6, 0.09693, 0.1)],
)
def test_smoking_pairs(gamma: float, exact: float, printed: float) -> None:
    """110 of 122 pairs: the binomial sum of binarysens; the book's normal one."""
    assert bound_discordant(110, 12, gamma=gamma)[1] == pytest.approx(exact, abs=5e-6)
    chance = gamma / (1 + gamma)
    deviate = (109.5 - 122 * chance) / math.sqrt(122 * chance * (1 - chance))
    assert norm.sf(deviate) == pytest.approx(printed, abs=1.6e-3)


def test_smoking_pairs_as_sets_are_the_normal_approximation() -> None:
    """The Mantel-Haenszel form, without continuity correction."""
    outcome = np.repeat([[1.0, 0.0], [0.0, 1.0]], [110, 12], axis=0).ravel()
    treated = np.tile([True, False], 122)
    sets = np.repeat(np.arange(122), 2)
    chance = 4 / 5
    deviate = (110 - 122 * chance) / math.sqrt(122 * chance * (1 - chance))
    found = bound_sets(outcome, treated, sets, gamma=4.0)[1]
    assert found == pytest.approx(norm.sf(deviate), rel=1e-9)


def test_where_the_lead_study_turns() -> None:
    """Between the printed 4.25 (0.0468) and 5 (0.0740)."""
    critical = find_critical_gamma(
        lambda gamma: bound_signed_rank(LEAD, gamma=gamma)[1], alpha=0.05
    )
    assert 4.25 < critical < 5
    assert bound_signed_rank(LEAD, gamma=critical)[1] == pytest.approx(0.05, abs=1e-9)


def test_darfur_robustness_values() -> None:
    known = {"std_error": DARFUR.std_error, "df": DARFUR.df}
    found = find_robustness_value(DARFUR.value, **known)
    assert found == pytest.approx(0.1387764, abs=1e-6)
    quantile = float(t.ppf(0.975, 782))
    found = find_robustness_value(DARFUR.value, **known, quantile=quantile)
    assert found == pytest.approx(0.07625797, abs=1e-6)
    part = measure_partial_r2(DARFUR.value, **known)
    assert part == pytest.approx(0.02187309, abs=1e-7)


@pytest.mark.parametrize("row", FEMALE, ids=["once", "twice", "thrice"])
def test_darfur_bounds_by_female(row: tuple[float, ...]) -> None:
    times, treatment, outcome, *_ = row
    found = bound_confounder(make_female(), times=times)
    assert found == pytest.approx((treatment, outcome), rel=1e-6)


@pytest.mark.parametrize(("row", "ends"), list(zip(FEMALE, ENDS, strict=True)))
def test_darfur_adjusted_estimates(
    row: tuple[float, ...], ends: tuple[float, float]
) -> None:
    _, treatment, outcome, value, error, ratio = row
    found = adjust_effect(
        DARFUR.value, base=DARFUR, r2_treatment=treatment, r2_outcome=outcome
    )
    assert found == pytest.approx((value, error), rel=1e-6)
    assert found[0] / found[1] == pytest.approx(ratio, rel=1e-6)
    half = float(t.ppf(0.975, 782)) * found[1]
    assert (found[0] - half, found[0] + half) == pytest.approx(ends, abs=1e-6)


def test_darfur_extremes() -> None:
    """As sensemakr's tests: a cause of strength RV, or explaining all, leaves 0."""
    known = {"std_error": DARFUR.std_error, "df": DARFUR.df}
    share = find_robustness_value(DARFUR.value, **known)
    bias = find_bias(**known, r2_treatment=share, r2_outcome=share)
    assert bias == pytest.approx(DARFUR.value, rel=1e-9)
    part = measure_partial_r2(DARFUR.value, **known)
    assert find_bias(**known, r2_treatment=part, r2_outcome=1.0) == pytest.approx(
        DARFUR.value, rel=1e-9
    )
    # R2 with treatment 1 of a negative effect is the mirror image
    mirrored = adjust_effect(
        -DARFUR.value,
        base=DARFUR,
        r2_treatment=FEMALE[0][1],
        r2_outcome=FEMALE[0][2],
    )
    assert mirrored[0] == pytest.approx(-FEMALE[0][3], rel=1e-6)


@pytest.mark.parametrize(
    ("ratio", "printed", "digits"),
    [
        (10.73, 20.94777, 5e-6),  # smoking and lung cancer, R's EValue
        (8.02, 15.52336, 5e-6),
        (3.9, 7.26, 5e-3),  # breast feeding and respiratory death
        (1.8, 3.0, 5e-3),
        (0.80, 1.81, 5e-3),  # maternal breast feeding and leukaemia
        (0.91, 1.43, 5e-3),
    ],
)
def test_e_values(ratio: float, printed: float, digits: float) -> None:
    assert compute_e_value(ratio) == pytest.approx(printed, abs=digits)


def test_e_value_of_an_interval_that_leaves_out_one() -> None:
    found = measure_e_value(0.80, 0.71, 0.91)
    assert (found.point, found.limit) == pytest.approx((1.81, 1.43), abs=5e-3)


def test_e_value_of_a_standardised_difference() -> None:
    r"""VanderWeele and Ding's :math:`\exp(0.91 d)`, ends :math:`\pm 1.78 s_d`."""
    effect, error, deviation = 0.4, 0.1, 1.0
    low, high = (
        approximate_ratio(effect + side * 1.96 * error, deviation=deviation)
        for side in (-1, 1)
    )
    assert low == pytest.approx(math.exp(0.91 * 0.4 - 1.78 * 0.1), rel=5e-4)
    assert high == pytest.approx(math.exp(0.91 * 0.4 + 1.78 * 0.1), rel=5e-4)
