"""The tree: the question it should ask, its honesty, and its words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench.core.errors import TooFewUnitsError
from workbench.prescribe.targeting.estimates import PathShift, Value
from workbench.prescribe.targeting.features import Terms
from workbench.prescribe.targeting.scores import Scores
from workbench.prescribe.targeting.tree import PolicyTree, describe_tree, grow_tree


def test_the_tree_finds_those_who_lose_and_is_worth_more_than_everybody(
    scores: Scores, terms: Terms
) -> None:
    """Learning harms below a gap of -6.4: tau = 1 + 1.5 tanh(gap / 8)."""
    made = grow_tree(scores, terms, seed=1)
    assert made.groups["share"].sum() == pytest.approx(1.0)
    denied = made.groups[~made.groups["give"]]
    assert 0.03 < denied["share"].sum() < 0.4
    assert denied["group"].str.contains("skill gap up to −").all()
    assert made.value.interval(0.05)[0] > 0
    assert 0.6 < made.share < 1.0
    text = " ".join(describe_tree(made))
    assert "Do not give it to people with skill gap up to −" in text
    assert "On people that it was not made of" in text


def test_the_gain_of_a_group_is_told_by_people_who_found_no_question(
    scores: Scores, terms: Terms
) -> None:
    asked = np.isin(scores.folds, (0, 2, 4))
    moved = scores.effect + asked * 50.0
    before = grow_tree(scores, terms, seed=1)
    after = grow_tree(replace(scores, effect=moved), terms, seed=1)
    assert after.groups["gain"].max() < 10
    assert before.groups["gain"].max() < 10


def test_a_cost_above_all_gains_leaves_nobody(scores: Scores, terms: Terms) -> None:
    made = grow_tree(scores, terms, cost=8.0, seed=1)
    assert not made.groups["give"].any()
    assert made.share == 0
    assert made.value.value == 0
    words = describe_tree(made)
    assert "nobody gets it" in words[0]
    assert "not shown to be better than nobody" in words[1]


def test_a_path_that_adds_much_leaves_everybody(scores: Scores, terms: Terms) -> None:
    plain = grow_tree(scores, terms, cost=8.0, seed=1)
    made = grow_tree(scores, terms, cost=8.0, shift=PathShift(value=16.0), seed=1)
    assert made.groups["give"].all()
    assert "everybody gets it" in describe_tree(made)[0]
    assert made.share == 1.0
    expected = scores.mean(scores.effect) - 8.0 + 16.0
    assert made.value.value == pytest.approx(expected)
    assert plain.share == 0


def test_groups_hold_enough_people(scores: Scores, terms: Terms) -> None:
    made = grow_tree(scores, terms, min_group=60, seed=1)
    assert (made.groups["n_people"] >= 60).all()


def test_trees_are_the_same_again(scores: Scores, terms: Terms) -> None:
    one, two = (grow_tree(scores, terms, seed=9) for _ in range(2))
    pd.testing.assert_frame_equal(one.groups, two.groups)
    assert one.value == two.value


def test_answers_are_written_once_per_fact() -> None:
    groups = pd.DataFrame(
        {
            "group": ["shift night and time in the role above 90 days"],
            "give": [True],
            "gain": [0.52],
            "low": [0.1],
            "high": [0.94],
            "share": [0.25],
            "n_people": [80],
        }
    )
    groups = pd.concat([groups, groups.assign(give=False, gain=-0.52, low=-0.94)])
    groups["high"] = [0.94, -0.1]
    tree = PolicyTree(
        groups=groups,
        value=Value(value=0.3, std_error=0.1, df=100.0),
        share=0.25,
        cost=0.2,
    )
    first, second, last = describe_tree(tree)
    assert first == (
        "Give it to people with shift night and time in the role above 90 days (25% of "
        "people, gain +0.52, +0.10 to +0.94)."
    )
    assert second.startswith("Do not give it to people with shift night")
    assert "less its cost" in last
    assert last.endswith("with 25% of them learning.")


def test_a_rule_that_is_not_shown_to_pay_is_put_as_what_it_would_do() -> None:
    groups = pd.DataFrame(
        {
            "group": ["skill gap above 5 points", "skill gap up to 5 points"],
            "give": [True, False],
            "gain": [0.5, -0.5],
            "low": [-0.5, -1.5],
            "high": [1.5, 0.5],
            "share": [0.5, 0.5],
            "n_people": [80, 80],
        }
    )
    value = Value(value=0.1, std_error=0.2, df=100.0)
    tree = PolicyTree(groups=groups, value=value, share=0.5, cost=0.0)
    first, second, last = describe_tree(tree)
    assert first.startswith("It would give it to people with skill gap above")
    assert second.startswith("It would not give it to")
    assert last.endswith("not shown to be better than nobody learning.")


def test_the_gain_of_a_group_from_one_team_is_not_told(
    scores: Scores, terms: Terms
) -> None:
    """The people of a small gap are one team; the others are many."""
    low = scores.frame["skill_gap"].to_numpy() < -6
    team = np.where(low, 0, 1 + scores.clusters["unit"])
    teams = {**scores.clusters, "team": team.astype("int64")}
    made = grow_tree(replace(scores, clusters=teams), terms, seed=1)
    assert len(made.groups) > 1
    alone = replace(scores, clusters={**teams, "team": np.zeros_like(team)})
    with pytest.raises(TooFewUnitsError, match="one cluster"):
        grow_tree(alone, terms, seed=1)
    harmed = scores.effect + np.where(low, -30.0, 30.0)
    held = scores.held_out + np.where(low, -30.0, 30.0)[:, None]
    split = replace(scores, effect=harmed, held_out=held, clusters=teams)
    sharp = grow_tree(split, terms, seed=1).groups
    unknown = sharp[sharp["gain"].isna()]
    assert len(unknown) >= 1
    assert not unknown["give"].any()
    assert unknown["group"].str.contains("skill gap up to −").all()
    value = Value(value=1.0, std_error=0.1, df=100.0)
    tree = PolicyTree(groups=sharp, value=value, share=0.5, cost=0.0)
    assert "not told by so few" in " ".join(describe_tree(tree))
