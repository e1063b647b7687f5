from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.core.errors import MissingColumnError
from workbench.impact.design_matrix import build_design, select_terms


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trial": ["a"] * 20 + ["b"] * 20,
            "tenure": np.arange(40.0),
            "rating": [np.nan] * 10 + [1.0, 2.0, 6.0] * 10,
            "role": pd.Categorical(["x"] * 22 + ["y"] * 14 + ["z"] * 2 + ["w"] * 2),
            "level": "one",
            "remote": [True, False] * 20,
        }
    )


def test_terms_scaling_and_reference(frame: pd.DataFrame) -> None:
    before = frame.copy()
    design = build_design(frame, covariates=["tenure", "role", "remote"], min_level=5)
    pd.testing.assert_frame_equal(frame, before)
    assert design.names == ["tenure", "role=other levels", "role=y", "remote"]
    assert design.reference == ("role=x",)
    assert design.numeric == ("tenure",)
    matrix = design.matrix()
    assert matrix.shape == (40, 5)
    assert matrix[:, 0].mean() == pytest.approx(0)
    assert matrix[:, 0].std() == pytest.approx(1)
    assert set(np.unique(matrix[:, 3])) == {0.0, 1.0}
    assert matrix[:, 4].tolist() == [0.0] * 20 + [1.0] * 20
    assert [x.check for x in design.checks] == ["covariate_pooled"]


def test_a_gap_becomes_the_median_and_is_declared(frame: pd.DataFrame) -> None:
    design = build_design(frame, covariates=["rating"])
    assert list(design.terms) == ["rating", "rating=missing"]
    assert design.terms["rating"].iloc[:10].tolist() == [2.0] * 10
    assert design.terms["rating=missing"].sum() == 10
    check = design.checks[0]
    assert check.check == "covariate_missing"
    assert check.value == pytest.approx(0.25)


def test_a_missing_category_is_a_level(frame: pd.DataFrame) -> None:
    holed = frame.assign(role=frame["role"].where(frame.index >= 8))
    design = build_design(holed, covariates=["role"], min_level=4)
    assert "role=missing" in design.terms
    assert design.terms.sum(axis=1).eq(1).all()


@pytest.mark.parametrize(
    ("column", "status"),
    [
        ("level", "not_applicable"),
        ("same", "not_applicable"),
        ("empty", "warn"),
        ("blank", "warn"),
    ],
)
def test_a_constant_covariate_is_left_out_with_a_check(
    frame: pd.DataFrame, column: str, status: str
) -> None:
    blank = pd.Series([None] * len(frame), dtype="object")
    wide = frame.assign(empty=np.nan, same=3.0, blank=blank)
    design = build_design(wide, covariates=["tenure", column])
    assert list(design.terms) == ["tenure"]
    check = design.checks[0]
    assert (check.check, check.status) == ("covariate_constant", status)
    assert column in check.text


def test_unknown_covariates_are_refused_together(frame: pd.DataFrame) -> None:
    with pytest.raises(MissingColumnError, match="'nope', 'none'"):
        build_design(frame, covariates=["nope", "tenure", "none"])


def test_few_rows_carry_few_terms(frame: pd.DataFrame) -> None:
    design = build_design(frame, covariates=["tenure", "role", "remote"], min_level=5)
    imbalance = pd.Series({"tenure": 0.1, "remote": -0.4, "role=y": 0.2})
    chosen, check = select_terms(design, imbalance, n_rows=40)
    assert chosen == ["role=y", "remote"]
    assert (check.passed, check.value) == (False, 0.1)
    assert "2 of 4 covariate terms" in check.text
    everything, fine = select_terms(design, imbalance, n_rows=400)
    assert everything == design.names
    assert fine.passed
    assert design.matrix(chosen).shape == (40, 3)


def test_a_change_of_unit_leaves_the_matrix_alone(frame: pd.DataFrame) -> None:
    one = build_design(frame, covariates=["tenure"]).matrix()
    other = build_design(
        frame.assign(tenure=frame["tenure"] * 365 + 7), covariates=["tenure"]
    ).matrix()
    np.testing.assert_allclose(one, other, atol=1e-12)
