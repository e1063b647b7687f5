"""Orders: seats, areas by brute force, and errors beside the bootstrap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import ParamError
from workbench.prescribe.targeting.ranking import (
    Order,
    choose_top,
    rank_rows,
    weigh_autoc,
    weigh_qini,
)
from workbench.prescribe.targeting.scores import Scores

FEW, DRAWS = 400, 300
"""People and samples of the bootstrap."""

ONE = np.zeros(8, dtype="int64")
MERIT = np.array([3.0, 7.0, 1.0, 5.0, 2.0, 8.0, 6.0, 4.0])
EFFECT = np.array([0.2, 1.5, -0.4, 0.9, 0.3, 2.0, 1.0, -0.1])


def test_areas_equal_sums_over_every_share() -> None:
    best = EFFECT[np.argsort(-MERIT)]
    toc = np.array([best[:k].mean() - best.mean() for k in range(1, 9)])
    share = np.arange(1, 9) / 8
    assert weigh_autoc(MERIT, ONE) @ EFFECT / 8 == pytest.approx(toc.mean())
    assert weigh_qini(MERIT, ONE) @ EFFECT / 8 == pytest.approx((share * toc).mean())


def test_an_order_without_information_has_no_area() -> None:
    same = np.ones(8)
    assert weigh_autoc(same, ONE) @ EFFECT == pytest.approx(0.0)
    assert weigh_qini(same, ONE) @ EFFECT == pytest.approx(0.0)
    assert rank_rows(same, ONE) == pytest.approx(0.5)


@settings(max_examples=50, deadline=None)
@given(
    merit=st.lists(st.integers(0, 5), min_size=2, max_size=40),
    share=st.floats(0, 1),
    parts=st.integers(1, 3),
)
def test_every_cell_gives_its_share_and_nobody_is_passed_over(
    merit: list[int], share: float, parts: int
) -> None:
    values = np.array(merit, dtype="float64")
    cells = np.arange(len(values)) % parts
    give = choose_top(values, share, cells)
    assert ((give >= 0) & (give <= 1 + 1e-12)).all()
    for cell in np.unique(cells):
        inside = cells == cell
        assert give[inside].mean() == pytest.approx(share)
        order = np.argsort(-values[inside], kind="stable")
        assert (np.diff(give[inside][order]) <= 1e-12).all()


def test_a_share_beyond_one_is_refused() -> None:
    with pytest.raises(ParamError, match="share of seats"):
        choose_top(MERIT, 1.2, ONE)


def order_by_gap(scores: Scores) -> Order:
    merit = scores.frame["skill_gap"].to_numpy()
    return Order(scores=scores, merit=merit, cells=scores.outcome_codes)


@pytest.mark.parametrize("name", ["seats", "autoc", "qini"])
def test_the_influence_gives_the_error_of_a_bootstrap_that_orders_anew(
    scores: Scores, name: str
) -> None:
    """People are drawn with all their rows; the two errors differ by chance only."""
    scores = scores.keep(scores.clusters["unit"] < FEW)
    weigh = {
        "seats": lambda merit, cells: choose_top(merit, 0.3, cells),
        "autoc": weigh_autoc,
        "qini": weigh_qini,
    }[name]
    order = order_by_gap(scores)
    value, influence = order.value(weigh(order.merit, order.cells))
    units = scores.clusters["unit"]
    error = np.sqrt((np.bincount(units, influence) ** 2).sum())
    rng = np.random.default_rng(6)
    rows_of = np.split(np.argsort(units, kind="stable"), np.cumsum(np.bincount(units)))
    drawn = []
    for _ in range(DRAWS):
        who = rng.integers(0, units.max() + 1, units.max() + 1)
        rows = np.concatenate([rows_of[code] for code in who])
        codes = scores.outcome_codes[rows]
        weight = 1 / np.bincount(codes)[codes]
        give = weigh(order.merit[rows], codes)
        drawn.append(weight @ (give * scores.effect[rows]))
    assert value == pytest.approx(np.mean(drawn), abs=0.3 * error)
    assert error == pytest.approx(np.std(drawn), rel=0.15)


def test_equal_effects_make_seats_in_any_order_worth_the_same_error(
    scores: Scores,
) -> None:
    """Where all gain alike, it does not matter who sits where."""
    level = replace(scores, effect=np.full(len(scores.effect), 2.0))
    order = order_by_gap(level)
    value, influence = order.value(choose_top(order.merit, 0.25, order.cells))
    assert value == pytest.approx(2 * 2.0 * 0.25)
    np.testing.assert_allclose(influence, 0, atol=1e-12)
