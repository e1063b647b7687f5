"""Qini and AUUC beside scikit-uplift, on three arms, with ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklift.metrics import (
    perfect_qini_curve,
    perfect_uplift_curve,
    qini_auc_score,
    qini_curve,
    uplift_auc_score,
    uplift_curve,
)

from tests.prescribe.targeting.hillstrom import MENS, NO_MAIL, WOMENS, draw_hillstrom
from workbench.core.errors import ContractError
from workbench.prescribe.targeting.uplift import (
    draw_perfect_qini,
    draw_perfect_uplift,
    draw_qini,
    draw_uplift,
    score_qini,
    score_uplift,
)
from workbench.prescribe.targeting.uplift_table import tabulate_uplift

pytestmark = pytest.mark.filterwarnings("ignore:Function stable_cumsum")

SAME = 1e-6
"""Both are closed sums of the same counts."""

HILLSTROM = draw_hillstrom(8)
ORDERS = ("smooth", "coarse", "wrong_way")


def take(arm: str, order: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    part = HILLSTROM[HILLSTROM["segment"].isin([arm, NO_MAIL])]
    return (
        part["visit"].to_numpy(dtype="float64"),
        part[order].to_numpy(dtype="float64"),
        (part["segment"] == arm).to_numpy(),
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("arm", [MENS, WOMENS])
@pytest.mark.parametrize("negative", [True, False])
def test_scores_equal_scikit_uplift(arm: str, order: str, negative: bool) -> None:
    y, merit, treated = take(arm, order)
    theirs = y.astype(int), merit, treated.astype(int)
    assert score_qini(y, merit, treated, negative_effects=negative) == pytest.approx(
        qini_auc_score(*theirs, negative_effect=negative), abs=SAME
    )
    assert score_uplift(y, merit, treated) == pytest.approx(
        uplift_auc_score(*theirs), abs=SAME
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("arm", [MENS, WOMENS])
def test_curves_equal_scikit_uplift(arm: str, order: str) -> None:
    y, merit, treated = take(arm, order)
    theirs = y.astype(int), merit, treated.astype(int)
    answers = y.astype(int), treated.astype(int)
    for ours, known in (
        (draw_qini(y, merit, treated), qini_curve(*theirs)),
        (draw_uplift(y, merit, treated), uplift_curve(*theirs)),
        (draw_perfect_qini(y, treated), perfect_qini_curve(*answers)),
        (
            draw_perfect_qini(y, treated, negative_effects=False),
            perfect_qini_curve(*answers, negative_effect=False),
        ),
        (draw_perfect_uplift(y, treated), perfect_uplift_curve(*answers)),
    ):
        np.testing.assert_allclose(ours.served, known[0], atol=SAME)
        np.testing.assert_allclose(ours.gain, known[1], atol=SAME)


def test_perfect_uplift_of_more_responders_than_unmoved_equals_scikit_uplift() -> None:
    rng = np.random.default_rng(5)
    y = (rng.random(900) < 0.8).astype("float64")
    treated, merit = rng.random(900) < 0.2, rng.normal(size=900)
    assert score_uplift(y, merit, treated) == pytest.approx(
        uplift_auc_score(y.astype(int), merit, treated.astype(int)), abs=SAME
    )


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_weight_of_two_is_the_row_twice(data: st.DataObject) -> None:
    size = data.draw(st.integers(6, 30))
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    y = (rng.random(size) < 0.5).astype("float64")
    treated = np.arange(size) % 2 == 0
    merit = rng.integers(0, 4, size).astype("float64")
    weights = rng.integers(1, 4, size)
    often = np.repeat(np.arange(size), weights)
    for draw in (draw_qini, draw_uplift):
        ours = draw(y, merit, treated, weights=weights.astype("float64"))
        theirs = draw(y[often], merit[often], treated[often])
        np.testing.assert_allclose(ours.served, theirs.served)
        np.testing.assert_allclose(ours.gain, theirs.gain, atol=1e-9)
    for score in (score_qini, score_uplift):
        ours_score = score(y, merit, treated, weights=weights.astype("float64"))
        theirs_score = score(y[often], merit[often], treated[often])
        assert ours_score == pytest.approx(theirs_score, nan_ok=True)


def test_those_who_tie_are_served_together_in_any_order_of_rows() -> None:
    y, merit, treated = take(WOMENS, "coarse")
    mixed = np.random.default_rng(2).permutation(len(y))
    assert score_qini(y[mixed], merit[mixed], treated[mixed]) == pytest.approx(
        score_qini(y, merit, treated), abs=1e-12
    )
    assert len(draw_qini(y, merit, treated).served) == len(np.unique(merit)) + 1


def test_a_perfect_order_scores_one_and_its_mirror_image_less_than_nothing() -> None:
    y, _, treated = take(MENS, "smooth")
    best = np.where(treated, y, -y)
    assert score_qini(y, best, treated) == pytest.approx(1.0)
    assert score_qini(y, -best, treated) < 0


def test_nothing_to_gain_has_no_score() -> None:
    y = np.array([0.0, 1.0, 0.0, 1.0])
    treated = np.array([True, False, True, False])
    merit = np.arange(4.0)
    assert np.isnan(score_qini(y, merit, treated, negative_effects=False))


def test_the_table_compares_every_arm_with_the_control() -> None:
    table = tabulate_uplift(
        HILLSTROM,
        outcome="visit",
        arm="segment",
        control=NO_MAIL,
        merits={MENS: "smooth", WOMENS: "coarse"},
        seed=3,
    )
    keyed = table.set_index(["arm", "metric"])
    for arm, order in ((MENS, "smooth"), (WOMENS, "coarse")):
        y, merit, treated = take(arm, order)
        theirs = y.astype(int), merit, treated.astype(int)
        row = keyed.loc[(arm, "qini")]
        assert row["value"] == pytest.approx(qini_auc_score(*theirs), abs=SAME)
        assert row["low"] < row["value"] < row["high"]
        assert row["effect"] == pytest.approx(y[treated].mean() - y[~treated].mean())
        assert keyed.loc[(arm, "auuc"), "value"] == pytest.approx(
            uplift_auc_score(*theirs), abs=SAME
        )
        assert row["n_control"] == int((HILLSTROM["segment"] == NO_MAIL).sum())


def test_the_interval_of_an_order_that_sorts_lies_above_nothing() -> None:
    known = HILLSTROM.assign(
        knows=np.where(
            HILLSTROM["segment"] == MENS, HILLSTROM["visit"], -HILLSTROM["visit"]
        )
        + np.random.default_rng(1).normal(size=len(HILLSTROM))
    )
    asked = {"outcome": "visit", "arm": "segment", "control": NO_MAIL, "seed": 3}
    sorts = tabulate_uplift(known, merits={MENS: "knows"}, **asked)
    assert (sorts["low"] > 0).all()
    without = tabulate_uplift(known, merits={MENS: "knows"}, draws=0, **asked)
    assert without["low"].isna().all()
    np.testing.assert_array_equal(without["value"], sorts["value"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"merits": {"Childrens E-Mail": "smooth"}}, "nobody"),
        ({"outcome": "history"}, "yes or no"),
        ({"merits": {MENS: "gap"}}, "missing"),
    ],
)
def test_what_cannot_be_scored_is_refused(change: dict, said: str) -> None:
    frame = HILLSTROM.assign(gap=np.nan)
    right = {
        "outcome": "visit",
        "arm": "segment",
        "control": NO_MAIL,
        "merits": {MENS: "smooth"},
        "draws": 0,
        "seed": 1,
    }
    with pytest.raises(ContractError, match=said):
        tabulate_uplift(frame, **(right | change))
