"""Satisfiability against trying everybody; evaluation against a plain one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prescribe.rules.draws import (
    GRID,
    conditions,
    decide,
    list_people,
    make_situation,
    person_tests,
)
from workbench.core.errors import ParamError
from workbench.prescribe.rules.evaluate import hold
from workbench.prescribe.rules.language import ALWAYS, NEVER, AllOf, AnyOf, Not, Test
from workbench.prescribe.rules.satisfy import OTHER, find_witness, list_values
from workbench.prescribe.rules.situation import Situation

PEOPLE = list_people()
EVERYBODY = make_situation(PEOPLE)
MANY = settings(max_examples=75, deadline=None)


@MANY
@given(condition=conditions(person_tests()))
def test_a_condition_can_hold_if_and_only_if_it_holds_for_somebody(condition):
    anybody = bool(hold(condition, EVERYBODY).any())
    assert (find_witness(condition) is not None) == anybody


@MANY
@given(condition=conditions(person_tests()))
def test_the_person_found_is_one_for_whom_it_holds(condition):
    witness = find_witness(condition)
    if witness is not None:
        person = {key: values[0] for key, values in GRID.items()} | {
            key: "somebody" if value == OTHER else value
            for key, value in witness.items()
        }
        assert decide(condition, person)


@MANY
@given(
    condition=conditions(person_tests()),
    chosen=st.lists(st.integers(0, len(PEOPLE) - 1), min_size=1, max_size=20),
)
def test_masks_agree_with_people_looked_at_one_by_one(condition, chosen):
    people = [PEOPLE[number] for number in chosen]
    mask = hold(condition, make_situation(people))
    assert mask.tolist() == [decide(condition, person) for person in people]


@MANY
@given(condition=conditions(person_tests()))
def test_a_condition_or_its_opposite_can_hold(condition):
    assert (
        find_witness(condition) is not None or find_witness(Not(condition)) is not None
    )
    assert find_witness(AllOf((condition, Not(condition)))) is None


def number(fact, op, *values, of=""):
    return Test(fact=fact, subject=of, op=op, values=tuple(map(float, values)))


@pytest.mark.parametrize(
    ("parts", "possible"),
    [
        ((number("tenure", "above", 1), number("tenure", "below", 2)), False),
        ((number("tenure", "above", 1), number("tenure", "below", 3)), True),
        ((number("mean_gap", "above", 1), number("mean_gap", "below", 2)), True),
        ((number("mean_gap", "above", 100),), False),
        ((number("mean_gap", "at_least", 100),), True),
        ((number("tenure", "below", 0),), False),
        (
            (number("tenure", "at_least", 5), Not(Test(fact="tenure", op="known"))),
            False,
        ),
        ((Not(number("tenure", "at_least", 0)),), True),
        ((Not(number("completions_90d", "at_least", 0)),), False),
        (
            (
                Test(fact="persona", op="one_of", values=("a",)),
                Test(fact="persona", op="none_of", values=("a",)),
            ),
            False,
        ),
        (
            (
                Test(fact="passed", subject="m", op="is", values=(True,)),
                Test(fact="passed", subject="n", op="is", values=(False,)),
            ),
            True,
        ),
        ((ALWAYS,), True),
        ((NEVER,), False),
    ],
)
def test_cases_at_the_edges(parts, possible):
    assert (find_witness(AllOf(parts)) is not None) is possible


def test_values_stand_for_all_others():
    values = list_values(number("mean_gap", "at_least", 10))
    assert values["mean_gap", ""][:-1].tolist() == [0, 5, 10, 55, 100]
    assert math.isnan(values["mean_gap", ""][-1])
    days = list_values(AllOf((number("completions_90d", "above", 2),)))
    assert days["completions_90d", ""].tolist() == [0, 1, 2, 3, 4]


def test_a_condition_of_many_choices_is_decided_quickly():
    """Twelve pairs of choices, of which no combination is possible."""
    low = [number("tenure", "equals", day) for day in range(24)]
    pairs = [AnyOf((low[2 * i], low[2 * i + 1])) for i in range(12)]
    assert find_witness(AllOf(tuple(pairs))) is None


def test_facts_that_the_data_lack_are_named():
    with pytest.raises(ParamError, match="do not hold days since the hire"):
        hold(number("tenure", "above", 1), EVERYBODY)
    with pytest.raises(ParamError, match="last 90 days of coaching"):
        hold(number("manager_actions_90d", "above", 1, of="coaching"), EVERYBODY)


def test_a_situation_has_arrays_of_one_length():
    with pytest.raises(ParamError, match="not of one length"):
        Situation(
            count=2,
            people={("tenure", ""): np.zeros(3)},
            row_person=np.empty(0, dtype=np.intp),
            row_skill=np.empty(0, dtype=object),
            rows={},
        )


def test_skills_of_others_are_unknown_or_false():
    situation = Situation(
        count=2,
        people={},
        row_person=np.array([1, 1]),
        row_skill=np.array(["a", "b"], dtype=object),
        rows={"gap": np.array([3.0, 4.0]), "module_for_skill": np.array([True, False])},
    )
    assert hold(number("gap", "at_least", 0, of="a"), situation).tolist() == [
        False,
        True,
    ]
    assert hold(number("gap", "above", 3), situation, by_row=True).tolist() == [
        False,
        True,
    ]
    flag = Test(fact="module_for_skill", subject="a", op="is", values=(False,))
    assert hold(flag, situation).tolist() == [True, False]
