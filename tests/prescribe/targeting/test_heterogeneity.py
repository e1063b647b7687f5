"""Whether predictions sort: tests, curves, and the decision that follows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from workbench.prescribe.targeting.benefit import predict_benefit
from workbench.prescribe.targeting.dr_tester import test_with_econml as run_econml
from workbench.prescribe.targeting.estimates import Value
from workbench.prescribe.targeting.features import Terms
from workbench.prescribe.targeting.heterogeneity import (
    GRID,
    Evidence,
    decide_ranking,
    draw_curves,
    examine_order,
    fit_best_line,
)
from workbench.prescribe.targeting.ranking import Order
from workbench.prescribe.targeting.scores import Scores
from workbench.prescribe.targeting.seat_order import order_unseen


@pytest.fixture(scope="module")
def later(scores: Scores, terms: Terms) -> Order:
    made = order_unseen(scores, predict_benefit(scores, terms, sequential=True))
    assert made is not None
    return made


def test_predictions_sort_people_who_gain_unlike(later: Order) -> None:
    found = examine_order(later)
    for area in (found.autoc, found.qini):
        assert area.interval(0.05)[0] > 0
    against = Order(scores=later.scores, merit=-later.merit, cells=later.cells)
    assert examine_order(against).qini.value == pytest.approx(-found.qini.value)


def test_curves_start_with_the_best_and_end_at_the_average(later: Order) -> None:
    table = draw_curves(later, alpha=0.05, seed=1)
    toc = table[table["curve"] == "toc"].set_index("share")
    qini = table[table["curve"] == "qini"].set_index("share")
    assert tuple(toc.index) == GRID
    assert toc.loc[1.0, ["value", "low", "high"]].tolist() == pytest.approx([0, 0, 0])
    np.testing.assert_allclose(qini["value"], toc["value"] * toc.index)
    assert (toc["low"] <= toc["value"]).all()
    assert toc.loc[0.3, "low"] > 0
    area = float(np.trapezoid(qini["value"], qini.index))
    assert area == pytest.approx(examine_order(later).qini.value, rel=0.15)


def test_the_best_line_equals_a_regression_with_an_intercept_per_cell(
    later: Order,
) -> None:
    """One outcome, folds as intercepts: statsmodels, clustered by person."""
    rows = later.scores.outcome_codes == 0
    part = later.scores.keep(rows)
    part_one = _only(part)
    folds = np.eye(5)[part_one.folds][:, 1:]
    columns = np.column_stack([later.merit[rows], folds])
    known = sm.OLS(part_one.effect, columns).fit(
        cov_type="cluster",
        cov_kwds={"groups": part_one.clusters["unit"], "use_correction": False},
    )
    found = fit_best_line(part_one, later.merit[rows])
    count = len(np.unique(part_one.clusters["unit"]))
    assert found.value == pytest.approx(known.params[0])
    assert found.std_error == pytest.approx(
        known.bse[0] * np.sqrt(count / (count - 1)), rel=1e-6
    )


def _only(scores: Scores) -> Scores:
    """Return scores of one outcome only."""
    return replace(scores, outcomes=scores.outcomes.head(1))


def make_evidence(autoc: float, qini: float, df: float = 500.0) -> Evidence:
    return Evidence(
        autoc=Value(value=autoc, std_error=1.0, df=df),
        qini=Value(value=qini, std_error=1.0, df=df),
    )


@pytest.mark.parametrize(
    ("evidence", "ranking", "said"),
    [
        (make_evidence(3.0, 2.5), "predicted", "gained more than the average"),
        (make_evidence(3.0, 1.0), "need", "not shown"),
        (make_evidence(1.0, 3.0), "need", "not shown"),
        (make_evidence(9.0, 9.0, df=33.0), "need", "34 people or teams in effect"),
        (None, "need", "same benefit for everybody"),
    ],
)
def test_predicted_benefit_orders_people_only_where_it_was_shown_to(
    evidence: Evidence | None, ranking: str, said: str
) -> None:
    found, text = decide_ranking(evidence, alpha=0.05)
    assert found == ranking
    assert said in text


def test_econml_sees_the_same_and_leaves_the_global_generator_alone(
    scores: Scores, terms: Terms
) -> None:
    made = predict_benefit(scores, terms)
    np.random.seed(11)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(11)  # noqa: NPY002
    table = run_econml(scores, made, alpha=0.05, seed=3)
    assert np.random.random() == expected  # noqa: NPY002
    again = run_econml(scores, made, alpha=0.05, seed=3)
    assert table.equals(again)
    keyed = table.set_index("test")
    assert keyed["passed"].astype(bool).all()
    held = scores.folds >= 3
    part = scores.keep(held)
    cells = np.zeros(len(part.effect), dtype="int64")
    ours = examine_order(Order(scores=part, merit=made[held], cells=cells))
    assert keyed.loc["econml_qini", "value"] == pytest.approx(ours.qini.value, rel=0.25)
    line = fit_best_line(part, made[held])
    assert keyed.loc["econml_blp", "value"] == pytest.approx(line.value, rel=0.25)


def test_equal_predictions_are_not_examined(scores: Scores) -> None:
    assert order_unseen(scores, np.ones(len(scores.effect))) is None
    assert run_econml(scores, np.ones(len(scores.effect)), alpha=0.05, seed=1).empty
