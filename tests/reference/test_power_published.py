"""Power and sample sizes that others have published.

Sources:

* R 4 stats, ``power.t.test``: ``n = 20, delta = 1`` gives power 0.8689528 (the chance
  of the wrong sign left out), ``power = .90, delta = 1`` gives n = 22.02110.
* pwr 1.3 (Champely 2020), after Cohen (1988): n = 393.4057 a group for d = 0.2 and
  power 0.8; exercise 2.3 on page 437, n = 90 and 60, d = 0.6, one-sided, 0.9737262.
  statsmodels 0.15 ``TTestIndPower`` is run beside it.
* clusterPower 0.7.0 (Kleinman, Sakrejda, Moyer and others), manual pages ``cpa.normal``
  and ``cpa.sw.normal``; its authors checked them against the NIH calculator and PASS.
* Killip, Mahfoud and Pearce (2004), What is an intracluster correlation coefficient?,
  Annals of Family Medicine 2, 204-208: design effects, effective sizes and power at an
  ICC of 0.017.
* swCRTdesign 4.0 (Hughes and others), README: Hussey and Hughes' design of 24 clusters,
  binomial, variance at the mean of both shares, 0.7861896.
* Stata ``sampsi 12 16, sd(5)`` with ``sampclus, obsclus(10) rho(0.3)``, as held by the
  tests of pwrcalc: 93 people an arm, 19 clusters (normal, not rounded up per arm).
* Armitage, McPherson and Rowe (1969), JRSS A 132, 235-244; Pocock (1977) and O'Brien
  and Fleming (1979) constants for five looks, as in Jennison and Turnbull (2000).
* ConfSeq (Howard 2019-), unit tests of the two-sided normal mixture, themselves from
  an implementation in R: rho 12.60056, boundary 30.35209 at v = v_opt = 100.

Tolerances: half a unit of the last place printed, unless a constant says why not.
"""

from __future__ import annotations

import math

import pytest
from statsmodels.stats.power import TTestIndPower

from workbench.impact.experiment.crossing import calculate_crossing
from workbench.impact.experiment.power import (
    Precision,
    calculate_power,
    find_detectable,
    find_size,
)
from workbench.impact.experiment.sequential import find_boundary, find_mixing
from workbench.impact.planning.expected_error import (
    expect_cluster,
    expect_individual,
    expect_wedge,
    plan_waves,
)

ROOT = 2e-4
"""clusterPower and R stop their root finding at four significant digits."""

WRONG_SIGN = 1e-4
"""R and clusterPower leave out the chance of a significant result of the wrong sign."""

SEVEN = 5e-7
"""Half a unit of the seventh decimal, and a little for its rounding."""


def two_groups(size: float, other: float | None = None) -> Precision:
    return expect_individual(sd=1.0, treated=size, control=other or size)


def as_known(precision: Precision) -> Precision:
    """Take the error for known, as programs on normal theory do."""
    return Precision(std_error=precision.std_error, df=math.inf)


def test_r_power_of_the_t_test():
    assert calculate_power(1.0, two_groups(20)) == pytest.approx(
        0.8689528, abs=WRONG_SIGN
    )
    assert calculate_power(1.0, two_groups(22.02110)) == pytest.approx(0.9, abs=ROOT)


def test_pwr_393_a_group():
    assert calculate_power(0.2, two_groups(393.4057)) == pytest.approx(0.8, abs=SEVEN)
    size = find_size(0.2, lambda total: two_groups(total / 2))
    assert size == math.ceil(2 * 393.4057)
    solved = TTestIndPower().solve_power(effect_size=0.2, power=0.8, alpha=0.05)
    assert solved == pytest.approx(393.4057, abs=5e-5)


def test_cohen_s_exercise_of_unequal_groups():
    found = calculate_power(0.6, two_groups(90, 60), alpha=0.10)
    assert found == pytest.approx(0.9737262, abs=SEVEN)


@pytest.mark.parametrize(
    ("effect", "size", "ratio", "alpha"),
    [(0.3, 100, 1.0, 0.05), (0.5, 40, 2.5, 0.01), (0.1, 900, 0.4, 0.1)],
)
def test_statsmodels_powers(effect, size, ratio, alpha):
    wanted = TTestIndPower().power(effect, size, alpha, ratio=ratio)
    found = calculate_power(effect, two_groups(size, size * ratio), alpha=alpha)
    assert found == pytest.approx(wanted, abs=SEVEN)
    back = find_detectable(
        lambda _: two_groups(size, size * ratio), power=wanted, alpha=alpha
    )
    assert back == pytest.approx(effect, rel=1e-6)


def test_clusterpower_equal_clusters():
    def expect(clusters: float) -> Precision:
        return expect_cluster(
            sd=5**0.5, treated=clusters / 2, control=clusters / 2, size=10, icc=0.1
        )

    assert calculate_power(1.0, expect(32)) == pytest.approx(0.801766, abs=5e-6)
    assert find_size(1.0, expect) in (31, 32), "more than 15 an arm, so 16"


def test_clusterpower_unequal_clusters():
    found = expect_cluster(
        sd=1.0,
        treated=20,
        control=20,
        size=100,
        icc=0.1,
        size_cv=0.5,
        weighting="efficient",
    )
    assert calculate_power(0.2, found) == pytest.approx(0.4559881, abs=WRONG_SIGN)


@pytest.mark.parametrize(
    ("size", "inflation", "power"),
    [(10, 1.153, 29), (20, 1.323, 47), (40, 1.663, 67), (80, 2.343, 82)],
)
def test_killip_design_effects_of_four_practices(size, inflation, power):
    """The table tests at the effective size, with its degrees of freedom."""
    error = expect_cluster(sd=1.0, treated=2, control=2, size=size, icc=0.017).std_error
    assert error**2 * size == pytest.approx(inflation, abs=5e-4)
    effective = math.floor(4 * size / inflation)
    found = calculate_power(0.5, two_groups(effective / 2))
    assert 100 * found == pytest.approx(power, abs=1.0)


def test_stata_nineteen_clusters():
    def expect(people: float) -> Precision:
        half = people / 2
        return as_known(
            expect_cluster(
                sd=5.0, treated=half / 10, control=half / 10, size=10, icc=0.3
            )
        )

    people = find_size(4.0, expect, smallest=40)
    assert people is not None
    by_hand = 2 * 25 * (1.959964 + 0.841621) ** 2 / 16 * 3.7
    assert people / 2 == pytest.approx(by_hand, abs=0.5)
    assert math.ceil(25 * 3.7) == 93, "Stata rounds up before it inflates"
    assert people <= 2 * 93


def test_swcrtdesign_hussey_and_hughes():
    share, tau = (0.05 + 0.035) / 2, 0.01
    total = share * (1 - share) + tau**2
    starts, periods = plan_waves(24, 4)
    found = expect_wedge(
        sd=total**0.5,
        starts=starts,
        periods=periods,
        size=120,
        icc=tau**2 / total,
        weighting="efficient",
    )
    power = calculate_power(0.05 - 0.035, as_known(found))
    assert power == pytest.approx(0.7861896, abs=SEVEN)


def test_hussey_and_hughes_closed_form():
    """Their equation 8, for waves of unequal size."""
    starts, periods, size, icc = [2, 2, 3, 4, 4, 5], 5, 30, 0.06
    sigma2, tau2 = (1 - icc) / size, icc
    exposed = [[float(period >= start) for period in range(1, 6)] for start in starts]
    total = sum(map(sum, exposed))
    by_time = sum(sum(column) ** 2 for column in zip(*exposed, strict=True))
    by_cluster = sum(sum(row) ** 2 for row in exposed)
    clusters = len(starts)
    top = clusters * sigma2 * (sigma2 + periods * tau2)
    left = (clusters * total - by_time) * sigma2
    right = (
        total**2
        + clusters * periods * total
        - periods * by_time
        - clusters * by_cluster
    ) * tau2
    found = expect_wedge(
        sd=1.0,
        starts=starts,
        periods=periods,
        size=size,
        icc=icc,
        weighting="efficient",
    )
    assert found.std_error**2 == pytest.approx(top / (left + right), rel=1e-10)


def test_clusterpower_wedge_with_a_correlation_that_fades():
    """1.288772 clusters a step: the variance is inverse to their number."""
    starts, periods = plan_waves(5, 5)
    one = expect_wedge(
        sd=4.0,
        starts=starts,
        periods=periods,
        size=50,
        icc=0.2,
        cluster_autocorrelation=0.8,
        weighting="efficient",
    )
    many = Precision(std_error=one.std_error / 1.288772**0.5, df=math.inf)
    assert calculate_power(1.5, many) == pytest.approx(0.8, abs=ROOT)


@pytest.mark.parametrize(
    ("looks", "found"),
    [(2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193), (20, 0.248)],
)
def test_armitage_repeated_tests(looks, found):
    shares = [look / looks for look in range(1, looks + 1)]
    crossing = calculate_crossing([1.959964] * looks, shares=shares)
    assert crossing == pytest.approx(found, abs=5e-4)


def test_pocock_and_o_brien_fleming():
    shares = [0.2, 0.4, 0.6, 0.8, 1.0]
    flat = calculate_crossing([2.413] * 5, shares=shares)
    steep = calculate_crossing([2.040 * share**-0.5 for share in shares], shares=shares)
    assert flat == pytest.approx(0.05, abs=1e-4)
    assert steep == pytest.approx(0.05, abs=1e-4)


def test_confseq_normal_mixture():
    assert find_mixing(100.0) == pytest.approx(12.60056, abs=5e-6)
    assert 10 * find_boundary(1.0) == pytest.approx(30.35209, abs=5e-5)
    later = math.sqrt(400) * find_boundary(4.0)
    by_hand = math.sqrt(412.60056 * math.log(412.60056 / (12.60056 * 0.05**2)))
    assert later == pytest.approx(by_hand, rel=1e-6)
