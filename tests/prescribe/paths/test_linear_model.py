"""Goals in order: the second one never gives up a step of the first."""

from __future__ import annotations

import pytest

from workbench.core.errors import ConvergenceError
from workbench.prescribe.paths.linear_model import LinearModel


def build(**more: float) -> tuple[LinearModel, list[int]]:
    """At most two of four columns."""
    model = LinearModel(**more)
    places = [model.add_column() for _ in range(4)]
    model.add_row(dict.fromkeys(places, 1.0), high=2.0)
    return model, places


def test_the_second_goal_chooses_among_the_best_of_the_first() -> None:
    model, places = build()
    found = model.solve(
        dict(zip(places, (3, 2, 2, 1), strict=True)),
        dict(zip(places, (9.0, 5.0, 4.0, 1.0), strict=True)),
    )
    assert found is not None
    assert found.values.tolist() == [1, 0, 1, 0]
    assert (found.steps, found.effort, found.gap) == (5, 13, pytest.approx(0, abs=1e-9))


def test_one_step_of_the_first_goal_outweighs_any_effort() -> None:
    model, places = build()
    found = model.solve(
        dict(zip(places, (10_000_001, 10_000_000, 0, 0), strict=True)),
        dict(zip(places, (1e4, 1.0, 0.0, 0.0), strict=True)),
    )
    assert found is not None
    assert found.values.tolist() == [1, 1, 0, 0]
    model, places = build()
    model.add_row({places[0]: 1.0, places[1]: 1.0}, high=1.0)
    found = model.solve(
        dict(zip(places, (10_000_001, 10_000_000, 0, 0), strict=True)),
        dict(zip(places, (1e4, 1.0, 0.0, 0.0), strict=True)),
    )
    assert found is not None
    assert found.values.tolist() == [1, 0, 0, 0]


def test_rows_that_cannot_hold_give_none() -> None:
    model, places = build()
    model.add_row(dict.fromkeys(places, 1.0), low=3.0)
    assert model.solve(dict.fromkeys(places, 1), {}) is None


def test_an_unproven_optimum_is_refused() -> None:
    model = LinearModel(seconds=0.0)
    places = [model.add_column(high=9) for _ in range(30)]
    for start in range(20):
        weights = {place: float((place * 7 + start * 3) % 11 + 1) for place in places}
        model.add_row(weights, high=97.0)
    with pytest.raises(ConvergenceError, match="not proven within 0 seconds"):
        model.solve({place: place % 5 + 3 for place in places}, {})
