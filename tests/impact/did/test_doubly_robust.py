"""Changes of learners against changes of others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.impact.did.doubly_robust import TRIM, compare_changes

METHODS = ["dr", "reg", "ipw"]


def draw(seed: int, people: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Changes with a true effect of 1, confounded by the first covariate."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(people, 2))
    learns = rng.random(people) < 1 / (1 + np.exp(0.5 - 0.8 * x[:, 0]))
    change = 0.5 * x[:, 0] + learns + rng.normal(size=people)
    return change, learns, x


@pytest.mark.parametrize("method", METHODS)
def test_without_covariates_it_is_a_difference_of_means(method: str) -> None:
    change = np.array([3.0, 5.0, 1.0, 2.0, 3.0])
    learns = np.array([True, True, False, False, False])
    found = compare_changes(change, learns, method=method)  # type: ignore[arg-type]
    assert found.att == 2.0
    variance = 2.0 / 2**2 + 2.0 / 3**2
    assert (found.influence**2).sum() == pytest.approx(variance)


@pytest.mark.parametrize("method", METHODS)
def test_adjustment_recovers_the_truth(method: str) -> None:
    change, learns, x = draw(1)
    raw = compare_changes(change, learns)
    found = compare_changes(change, learns, x, method=method)  # type: ignore[arg-type]
    error = float(np.sqrt((found.influence**2).sum()))
    assert raw.att > 1.2
    assert abs(found.att - 1) < 3 * error
    assert found.influence.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_influence_is_the_change_when_a_person_is_left_out(method: str) -> None:
    change, learns, x = draw(2, 400)
    found = compare_changes(change, learns, x, method=method)  # type: ignore[arg-type]
    for row in range(0, 400, 57):
        keep = np.arange(400) != row
        less = compare_changes(
            change[keep],
            learns[keep],
            x[keep],
            method=method,  # type: ignore[arg-type]
        )
        assert found.att - less.att == pytest.approx(
            found.influence[row], abs=0.05 * np.abs(found.influence).max()
        )


@pytest.mark.parametrize("method", METHODS)
def test_collinear_columns_change_nothing(method: str) -> None:
    change, learns, x = draw(3, 300)
    doubled = np.column_stack([x, x[:, 0] - x[:, 1], np.ones(300)])
    one = compare_changes(change, learns, x, method=method)  # type: ignore[arg-type]
    two = compare_changes(
        change,
        learns,
        doubled,
        method=method,  # type: ignore[arg-type]
    )
    assert two.att == pytest.approx(one.att, abs=1e-9)
    np.testing.assert_allclose(two.influence, one.influence, atol=1e-9)


def test_separation_is_a_problem_not_a_number() -> None:
    change, learns, _ = draw(4, 200)
    x = np.random.default_rng(1).normal(size=(200, 1)) + 40.0 * learns[:, None]
    found = compare_changes(change, learns, x)
    assert np.isnan(found.att)
    assert found.problem


def test_learners_unlike_all_others() -> None:
    change, learns, x = draw(4, 400)
    mark = np.where(learns, 1.0, -1.0)[:, None]
    found = compare_changes(change, learns, mark)
    assert found.problem == "no others like 100% of the learners"
    few = np.zeros((400, 1))
    few[np.flatnonzero(learns)[:3]] = 1.0
    found = compare_changes(change, learns, np.hstack([x, few]))
    plain = compare_changes(change, learns, x)
    assert found.unsupported == 3
    assert found.att == pytest.approx(plain.att)
    assert plain.unsupported == 0


def test_certainty_is_no_overlap() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4000, 1)) * 3
    learns = rng.random(4000) < 1 / (1 + np.exp(-1.5 * x[:, 0]))
    found = compare_changes(rng.normal(size=4000), learns, x)
    assert "no overlap" in found.problem
    kept = compare_changes(rng.normal(size=4000), learns, x, method="reg")
    assert kept.problem == ""


def test_others_all_but_certain_to_learn_get_no_weight() -> None:
    rng = np.random.default_rng(2)
    people = 6000
    x = np.where(np.arange(people) < 2100, 1.0, 0.0)
    learns = np.zeros(people, dtype=bool)
    learns[:2092] = True
    learns[2100:3000] = True
    change = rng.normal(size=people)
    change[2092:2100] = 1000.0
    found = compare_changes(change, learns, x[:, None], method="ipw")
    assert found.trimmed == 8
    assert TRIM <= 2092 / 2100
    assert abs(found.att) < 1


def test_too_few_others_for_the_terms() -> None:
    rng = np.random.default_rng(6)
    learns = np.arange(20) > 2
    found = compare_changes(rng.normal(size=20), learns, rng.normal(size=(20, 5)))
    assert found.problem == "fewer others than covariate terms"


@settings(max_examples=25, deadline=None)
@given(
    shift=st.floats(-50, 50),
    scale=st.floats(0.1, 20),
    method=st.sampled_from(METHODS),
)
def test_units_of_the_outcome(shift: float, scale: float, method: str) -> None:
    change, learns, x = draw(7, 150)
    one = compare_changes(change, learns, x, method=method)  # type: ignore[arg-type]
    two = compare_changes(
        scale * change + shift,
        learns,
        x,
        method=method,  # type: ignore[arg-type]
    )
    assert two.att == pytest.approx(scale * one.att, abs=1e-6)
    np.testing.assert_allclose(two.influence, scale * one.influence, atol=1e-6)
