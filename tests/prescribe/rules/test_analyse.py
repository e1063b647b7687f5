"""Conflicts and unreachable rules, against trying everybody."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prescribe.rules.books import make_book, make_rule, read
from tests.prescribe.rules.draws import (
    conditions,
    list_people,
    make_group,
    make_situation,
    make_skilled,
    person_tests,
    skill_tests,
)
from tests.prescribe.rules.draws import make_rule as draw_rule
from workbench.prescribe.rules.analyse import MOST_CONFLICTS, analyse_rules
from workbench.prescribe.rules.evaluate import find_candidates
from workbench.prescribe.rules.language import Not, list_tests
from workbench.prescribe.rules.settle import Fate, settle

EVERYBODY = make_situation(list_people())
SKILLED = make_skilled()
MANY = settings(max_examples=60, deadline=None)


def list_findings(book, kind):
    return {finding.rules for finding in analyse_rules(book) if finding.kind == kind}


def list_reached(book, situation):
    """Rules that are proposed to somebody, after exclusion within groups."""
    rules = book.order
    found = find_candidates(rules, situation)
    order, fate = settle(
        found,
        rules,
        book.limits,
        target=np.arange(len(found.person)),
        gap=np.zeros(len(found.person)),
    )
    left = found.rule[order][fate != Fate.EXCLUDED]
    return {rules[number].id for number in left}


def list_together(book, situation):
    """Pairs of rules that hold for one person at once."""
    rules = book.rules
    found = find_candidates(rules, situation)
    holds = np.zeros((situation.count, len(rules)), dtype=bool)
    holds[found.person, found.rule] = True
    return {
        (rules[i].id, rules[j].id)
        for i in range(len(rules))
        for j in range(i + 1, len(rules))
        if (holds[:, i] & holds[:, j]).any()
    }


@MANY
@given(whens=st.lists(conditions(person_tests()), min_size=1, max_size=3))
def test_unreachable_are_just_the_rules_proposed_to_nobody(whens):
    rules = [draw_rule(f"r{i}", when, priority=i + 1) for i, when in enumerate(whens)]
    book = make_group(*rules)
    dead = {names[0] for names in list_findings(book, "unreachable")}
    assert {rule.id for rule in rules} - dead == list_reached(book, EVERYBODY)
    assert list_findings(book, "conflict") == set()


@MANY
@given(whens=st.lists(conditions(person_tests()), min_size=2, max_size=3))
def test_conflicts_are_just_the_exclusive_rules_that_hold_at_once(whens):
    rules = [draw_rule(f"r{i}", when) for i, when in enumerate(whens)]
    book = make_group(*rules)
    dead = {names[0] for names in list_findings(book, "unreachable")}
    expected = {pair for pair in list_together(book, EVERYBODY) if not dead & {*pair}}
    assert list_findings(book, "conflict") == expected


def drawn_rules(priorities):
    """Two rules, each for every skill or for the person."""

    def fits(rule):
        own = [
            test
            for test in list_tests(rule.when)
            if test.fact == "skill" or (test.fact == "gap" and not test.subject)
        ]
        return rule.for_each_skill or not own

    single = [
        st.builds(
            draw_rule,
            st.just(f"r{number}"),
            conditions(skill_tests()),
            each=st.booleans(),
            priority=st.just(priority),
        ).filter(fits)
        for number, priority in enumerate(priorities)
    ]
    return st.tuples(*single)


@MANY
@given(rules=drawn_rules((1, 2)))
def test_with_skills_unreachable_are_just_those_proposed_to_nobody(rules):
    book = make_group(*rules)
    dead = {names[0] for names in list_findings(book, "unreachable")}
    assert {rule.id for rule in rules} - dead == list_reached(book, SKILLED)


@MANY
@given(rules=drawn_rules((1, 1)))
def test_with_skills_conflicts_are_just_those_that_hold_at_once(rules):
    book = make_group(*rules)
    dead = {names[0] for names in list_findings(book, "unreachable")}
    expected = set() if dead else list_together(book, SKILLED)
    assert list_findings(book, "conflict") == expected


def analyse(tmp_path, *rules, limits=""):
    return analyse_rules(read(tmp_path, make_book(*rules, limits=limits)))


def test_contradictions_are_told_with_their_line(tmp_path):
    (found,) = analyse(
        tmp_path,
        make_rule("fine", "{tenure: known}"),
        make_rule("dead", "{tenure: {above: 9 days, below: 10 days}}"),
    )
    assert found.kind == "unreachable"
    assert found.lines == (13,)
    assert found.text == (
        "dead (line 13) can never hold: its conditions contradict each other"
    )


def test_what_the_action_needs_counts(tmp_path):
    (found,) = analyse(
        tmp_path,
        make_rule("dead", "{passed: m-1}", action="micro_module", more="module: m-1"),
    )
    assert found.text.endswith("its conditions contradict what its action needs")
    (other,) = analyse(
        tmp_path,
        make_rule(
            "lonely",
            "{has_manager: false}",
            action="coaching_task",
            more="behaviour: coaching",
        ),
    )
    assert other.rules == ("lonely",)


def test_a_rule_behind_broader_ones_of_its_group_is_never_reached(tmp_path):
    rules = (
        make_rule("young", "{tenure: {at_most: 30 days}}", priority=1),
        make_rule("old", "{tenure: {above: 30 days}}", priority=2),
        make_rule("some", "{tenure: {at_least: 10 days}}", priority=3),
        make_rule("unknown", "{not: {tenure: {at_least: 10 days}}}", priority=4),
    )
    group = "{only_one_of: [[young, old, some, unknown]]}"
    (found,) = analyse(tmp_path, *rules, limits=group)
    assert found.rules == ("some", "young", "old")
    assert found.text == (
        "some (line 25) is never reached: whenever it holds, young (line 3) or old"
        " (line 14) of the same group holds too, and goes first"
    )
    alone = "{only_one_of: [[young, some]]}"
    assert analyse(tmp_path, *rules, limits=alone) == ()
    assert analyse(tmp_path, *rules) == ()


def test_a_rule_whose_module_may_be_missing_leaves_room_behind_it(tmp_path):
    first = make_rule(
        "module", "{tenure: known}", action="path_module", more="module: next_in_path"
    )
    then = make_rule("talk", "{tenure: known}", priority=2)
    assert (
        analyse(tmp_path, first, then, limits="{only_one_of: [[module, talk]]}") == ()
    )


def test_conflicts_name_both_lines_and_a_person(tmp_path):
    rules = (
        make_rule("early", "{tenure: {at_most: 30 days}}"),
        make_rule("gap", "{mean_gap: {at_least: 10 points}}"),
    )
    (found,) = analyse(tmp_path, *rules, limits="{only_one_of: [[early, gap]]}")
    assert found.kind == "conflict"
    assert found.lines == (3, 14)
    assert found.text == (
        "early (line 3) and gap (line 14) can hold at once and exclude each other at"
        " priority 1: only their order in the file decides. For instance: mean_gap 10"
        " points, tenure 0 days"
    )


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"action": "coaching_task", "more": "behaviour: coaching"}, {}, True),
        (
            {"action": "coaching_task", "more": "behaviour: coaching"},
            {"more": "behaviour: one_to_one"},
            False,
        ),
        (
            {"action": "micro_module", "more": "module: m-1"},
            {"more": "module: m-2"},
            False,
        ),
        (
            {"action": "micro_module", "more": "module: m-1"},
            {"action": "path_module", "more": "module: m-1"},
            True,
        ),
        ({"action": "practice"}, {"priority": 2}, False),
        ({"action": "practice"}, {"more": "skill: coaching"}, False),
        (
            {"action": "practice", "more": "skill: coaching"},
            {"each": True, "more": ""},
            True,
        ),
        ({"action": "practice", "each": True, "more": ""}, {}, True),
        (
            {"action": "practice", "each": True, "more": ""},
            {"action": "assessment"},
            False,
        ),
    ],
)
def test_the_same_action_twice_at_one_priority(tmp_path, first, second, same):
    found = analyse(
        tmp_path,
        make_rule("one", "{tenure: {at_least: 5 days}}", **first),
        make_rule("two", "{tenure: {at_most: 9 days}}", **first | second),
    )
    assert [item.rules for item in found] == ([("one", "two")] if same else [])
    assert all("propose the same" in item.text for item in found)


def test_rules_for_different_skills_do_not_propose_the_same(tmp_path):
    rules = (
        make_rule("one", "{skill: coaching}", each=True, more=""),
        make_rule("two", "{skill: {is_not: coaching}}", each=True, more=""),
    )
    assert analyse(tmp_path, *rules) == ()
    (found,) = analyse(tmp_path, *rules, limits="{only_one_of: [[one, two]]}")
    assert "exclude each other" in found.text


def test_one_skill_cannot_have_two_gaps_but_two_skills_can(tmp_path):
    low = make_rule("low", "{gap: {below: 5 points}}", each=True, more="")
    high = make_rule("high", "{gap: {at_least: 5 points}}", each=True, more="")
    assert analyse(tmp_path, low, high) == ()
    (found,) = analyse(tmp_path, low, high, limits="{only_one_of: [[low, high]]}")
    assert "gap of a skill" in found.text
    assert "gap of another skill" in found.text


def test_of_many_conflicts_the_first_are_told(tmp_path):
    rules = [make_rule(f"r{number}", "{tenure: known}") for number in range(40)]
    found = analyse(tmp_path, *rules)
    assert len(found) == MOST_CONFLICTS < 40 * 39 / 2
    assert found[0].rules == ("r0", "r1")


def test_a_negated_rule_is_still_read(tmp_path):
    (rule,) = read(
        tmp_path, make_book(make_rule("one", "{not: {programme_learnt: true}}"))
    ).rules
    assert isinstance(rule.when, Not)
