"""The ridge regression beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge as Known

from workbench.prescribe.targeting.ridge import fit_ridge

GRID = (1.0, 10.0, 100.0, 1000.0)


def draw(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(rows)
    matrix = rng.normal(size=(rows, columns)) + 0.3
    return matrix, 5 + matrix[:, 0] + rng.normal(size=rows) * 3


@pytest.mark.parametrize(("rows", "columns"), [(60, 5), (20, 30)])
@pytest.mark.parametrize("penalty", GRID)
def test_slopes_equal_scikit_learn(rows: int, columns: int, penalty: float) -> None:
    matrix, y = draw(rows, columns)
    known = Known(alpha=penalty).fit(matrix, y)
    ours = fit_ridge(matrix, y, penalties=(penalty,))
    np.testing.assert_allclose(ours.slopes, known.coef_, atol=1e-9)
    np.testing.assert_allclose(ours.predict(matrix), known.predict(matrix), atol=1e-9)


def test_the_penalty_is_that_of_the_smallest_score_computed_by_hand() -> None:
    matrix, y = draw(60, 5)
    scored = []
    for penalty in GRID:
        centred = matrix - matrix.mean(axis=0)
        hat = centred @ np.linalg.solve(
            centred.T @ centred + penalty * np.eye(5), centred.T
        )
        rest = (y - y.mean()) - hat @ (y - y.mean())
        scored.append(60 * rest @ rest / (60 - 1 - np.trace(hat)) ** 2)
    assert fit_ridge(matrix, y, penalties=GRID).penalty == GRID[int(np.argmin(scored))]


def test_noise_is_drawn_to_its_mean_and_a_signal_is_not() -> None:
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(400, 6))
    noise = fit_ridge(matrix, rng.normal(size=400))
    signal = fit_ridge(matrix, matrix[:, 1] * 3 + rng.normal(size=400))
    assert noise.penalty > 30 * signal.penalty
    assert signal.slopes[1] == pytest.approx(3.0, abs=0.2)
