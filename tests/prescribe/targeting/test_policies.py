"""Values of rules: by hand, against the truth, with floors and paths."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.calibration.policy_draws import SEATS, Gains, find_law
from workbench.core.errors import ParamError
from workbench.prescribe.targeting.estimates import (
    PathShift,
    draw_band,
    estimate_values,
)
from workbench.prescribe.targeting.policies import value_policies
from workbench.prescribe.targeting.ranking import Order, choose_top
from workbench.prescribe.targeting.scores import Scores

ERRORS = 4.0
"""Standard errors within which an estimate lies of its truth."""


def order(scores: Scores, column: str = "skill_gap") -> Order:
    merit = scores.frame[column].to_numpy(dtype="float64")
    return Order(scores=scores, merit=merit, cells=scores.outcome_codes)


def value(scores: Scores, **more: object) -> pd.DataFrame:
    asked = {"chosen": order(scores), "risk": order(scores, "x2"), "seats": SEATS}
    made = value_policies(scores, **(asked | more))  # type: ignore[arg-type]
    return made.table.set_index("policy")


def test_values_are_means_of_scores(scores: Scores) -> None:
    table = value(scores)
    expected = dict.fromkeys(table.index, 0.0)
    for rows in scores.frame.groupby("outcome").groups.values():
        effect = scores.effect[rows]
        best = np.argsort(-scores.frame.loc[rows, "skill_gap"].to_numpy())
        seats = SEATS * len(rows)
        whole = int(seats)
        top = effect[best[:whole]].sum() + (seats - whole) * effect[best[whole]]
        expected["chosen"] += top / len(rows)
        expected["everyone"] += effect.mean()
        expected["random"] += SEATS * effect.mean()
        expected["current"] += scores.practice[rows].mean()
    for name in ("chosen", "everyone", "random", "current"):
        assert table.loc[name, "value"] == pytest.approx(expected[name])


def test_values_and_gains_hold_the_truth(scores: Scores) -> None:
    table = value(scores)
    law = find_law(Gains(effect=1.0, varied=1.5))
    truth = {"chosen": law.chosen, "random": law.random, "current": law.current}
    for name, known in truth.items():
        row = table.loc[name]
        assert abs(row["value"] - known) < ERRORS * row["std_error"]
        gain = row["gain_over_current"] - (known - law.current)
        assert abs(gain) <= ERRORS * row["std_error"]
    assert table.loc["chosen", "low"] > 0
    assert table.loc["chosen", "gain_low"] > 0


def test_the_error_of_a_gain_is_joint(scores: Scores) -> None:
    made = value_policies(scores, chosen=order(scores), risk=order(scores), seats=SEATS)
    gains = made.gains.set_index("against")
    assert gains.loc["top_risk", "gain"] == 0
    assert gains.loc["top_risk", "std_error"] == pytest.approx(0, abs=1e-12)
    alone = made.table.set_index("policy")["std_error"]
    apart = np.hypot(alone["chosen"], alone["random"])
    assert 0 < gains.loc["random", "std_error"] < apart
    current = made.table.set_index("policy").loc["current"]
    assert current["gain_over_current"] == current["gain_low"] == 0


def test_rows_of_a_person_count_as_one(scores: Scores) -> None:
    """Everybody twice leaves values and errors as they are, but for the CR1 factor."""
    frame = pd.concat([scores.frame, scores.frame], ignore_index=True)
    twice = replace(
        scores,
        frame=frame,
        effect=np.tile(scores.effect, 2),
        held_out=np.tile(scores.held_out, (2, 1)),
        practice=np.tile(scores.practice, 2),
        weight=np.tile(scores.weight, 2) / 2,
        clusters={"unit": np.tile(scores.clusters["unit"], 2)},
    )
    one, two = value(scores), value(twice)
    np.testing.assert_allclose(two["value"], one["value"], atol=2e-3)
    np.testing.assert_allclose(two["std_error"], one["std_error"], rtol=2e-3)


def test_a_path_moves_learners_on_it_and_nobody_else(scores: Scores) -> None:
    units = scores.frame["unit"].unique()
    known, moved = value(scores), value(scores, shift=PathShift(value=0.4))
    off = moved["value"] - known["value"]
    assert off.to_dict() == pytest.approx(
        {
            "chosen": 0.4 * SEATS,
            "random": 0.4 * SEATS,
            "everyone": 0.4,
            "top_risk": 0.4 * SEATS,
            "current": 0.0,
        }
    )
    np.testing.assert_allclose(moved["std_error"], known["std_error"])
    others = pd.Series(
        np.random.default_rng(1).normal(size=500) * 0.05,
        index=[f"other {number}" for number in range(500)],
    )
    alone = np.sqrt((others**2).sum())
    apart = value(scores, shift=PathShift(value=0.4, influence=others))
    expected = np.hypot(known.loc["everyone", "std_error"], alone)
    assert apart.loc["everyone", "std_error"] == pytest.approx(expected, rel=0.005)
    own = scores.centre(scores.effect)
    sums = pd.Series(-own).groupby(scores.frame["unit"].to_numpy()).sum()
    cancels = value(scores, shift=PathShift(value=0.0, influence=sums.loc[units]))
    assert cancels.loc["everyone", "std_error"] == pytest.approx(0, abs=1e-9)
    assert cancels.loc["current", "std_error"] == pytest.approx(
        known.loc["current", "std_error"], rel=1e-3
    )


def test_an_error_from_elsewhere_adds_its_variance_to_who_is_on_the_path(
    scores: Scores,
) -> None:
    known = value(scores)
    found = value(scores, shift=PathShift(value=0.4, std_error=0.3))
    for policy, share in (("everyone", 1.0), ("random", SEATS), ("chosen", SEATS)):
        assert found.loc[policy, "std_error"] == pytest.approx(
            np.hypot(known.loc[policy, "std_error"], 0.3 * share), rel=1e-6
        )
        width = found.loc[policy, "high"] - found.loc[policy, "low"]
        assert width > 2 * 1.959 * found.loc[policy, "std_error"]
    assert found.loc["current", "std_error"] == known.loc["current", "std_error"]
    # against what was done only the chosen side is on the path
    wide = found.loc["chosen", "gain_high"] - found.loc["chosen", "gain_low"]
    plain = known.loc["chosen", "gain_high"] - known.loc["chosen", "gain_low"]
    assert wide > plain


def test_a_selection_with_a_floor_is_asked_cell_by_cell(scores: Scores) -> None:
    asked = []

    def select(frame: pd.DataFrame, share: float) -> np.ndarray:
        asked.append((frame["outcome"].iloc[0], len(frame), share))
        assert frame["merit"].equals(frame["skill_gap"])
        return np.full(len(frame), share)

    table = value(scores, select=select)
    sizes = scores.frame["outcome"].value_counts()
    assert asked == [("good", sizes["good"], SEATS), ("bad", sizes["bad"], SEATS)]
    assert table.loc["chosen", "value"] == pytest.approx(table.loc["random", "value"])


def test_a_selection_as_an_array_is_taken_as_it_is(scores: Scores) -> None:
    by_gap = order(scores)
    give = choose_top(by_gap.merit, SEATS, by_gap.cells)
    table = value(scores, select=give)
    assert table.loc["chosen", "value"] == pytest.approx(
        value(scores).loc["chosen", "value"]
    )
    with pytest.raises(ParamError, match="does not fit"):
        value(scores, select=give[:-1])
    with pytest.raises(ParamError, match="probability"):
        value(scores, select=give * 1.5)


def test_a_value_without_error_has_no_p_value(scores: Scores) -> None:
    nothing = (0.0, np.zeros(len(scores.effect)))
    found = estimate_values(scores, [nothing])[0]
    assert found.std_error == 0
    assert np.isnan(found.p_value())
    assert found.interval(0.05) == (0, 0)


def test_degrees_of_freedom_are_those_of_the_clusters_that_carry_the_error() -> None:
    """Normal clusters count in full; ten loud ones among many count for some ten."""
    rng = np.random.default_rng(3)
    drawn = rng.normal(size=4000)
    stand_in = SimpleNamespace(clusters={"unit": np.arange(4000)})
    loud = np.where(np.arange(4000) < 10, 100.0, 0.1) * np.sign(drawn)
    for influence, low, high in ((drawn, 3400, 3999), (loud, 19, 21)):
        found = estimate_values(
            stand_in,  # type: ignore[arg-type]
            [(0.0, influence)],
        )[0]
        assert low < found.df <= high


def test_a_band_is_wider_than_intervals_and_holds_where_they_do_not() -> None:
    """Twenty independent points, nothing true: the band misses in 5 % of draws."""
    rng = np.random.default_rng(5)
    missed = 0
    for number in range(200):
        drawn = rng.normal(size=(150, 20))
        influence = (drawn - drawn.mean(axis=0)) / 150
        stand_in = SimpleNamespace(clusters={"unit": np.arange(150)})
        band = draw_band(
            drawn.mean(axis=0),
            influence,
            stand_in,  # type: ignore[arg-type]
            alpha=0.05,
            seed=number,
        )
        missed += bool(((band.low > 0) | (band.high < 0)).any())
        assert band.critical > 2.7
    assert 2 <= missed <= 22
