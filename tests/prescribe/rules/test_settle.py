"""What a person gets of all that rules would propose."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prescribe.rules.draws import make_rule
from workbench.prescribe.rules.evaluate import Candidates
from workbench.prescribe.rules.language import ALWAYS, Limits
from workbench.prescribe.rules.settle import Fate, settle

RULES = tuple(make_rule(f"r{number}", ALWAYS) for number in range(4))
NAMES = [rule.id for rule in RULES]


def run(rows, limits, *, rules=RULES):
    """Settle rows of person, rule, target and gap; return what is proposed."""
    person, rule, target, gap = (np.array(column) for column in zip(*rows, strict=True))
    found = Candidates(
        person=person.astype(np.intp),
        rule=rule.astype(np.intp),
        row=np.arange(len(rows), dtype=np.intp),
    )
    order, fate = settle(
        found, rules, limits, target=target.astype(np.intp), gap=gap.astype(float)
    )
    kept = order[fate == Fate.PROPOSED]
    return [tuple(rows[number]) for number in kept], Counter(
        Fate(end).name for end in fate
    )


def test_priority_then_gap_decide_what_stays():
    rows = [(0, 1, 10, 5.0), (0, 1, 11, 9.0), (0, 0, 12, np.nan), (0, 2, 13, 1.0)]
    kept, fates = run(rows, Limits(actions_per_person=2, actions_per_rule=1))
    assert kept == [rows[2], rows[1]]
    assert fates == {"PROPOSED": 2, "OVER_RULE": 1, "OVER_PERSON": 1}


def test_a_target_is_proposed_once_and_by_the_first_rule():
    rows = [(0, 2, 7, 0.0), (0, 0, 7, 0.0), (1, 2, 7, 0.0)]
    kept, fates = run(rows, Limits())
    assert kept == [rows[1], rows[2]]
    assert fates["REPEATED"] == 1


def test_of_a_group_the_first_rule_stays_with_all_its_skills():
    rows = [(0, 1, 1, 0.0), (0, 1, 2, 3.0), (0, 3, 3, 0.0), (1, 3, 3, 0.0)]
    kept, fates = run(rows, Limits(actions_per_rule=2, only_one_of=(("r1", "r3"),)))
    assert kept == [rows[1], rows[0], rows[3]]
    assert fates["EXCLUDED"] == 1


def test_a_rule_that_gave_way_as_a_repetition_still_excludes():
    """Its action is proposed, by another rule: the next of the group stays out."""
    rows = [(0, 0, 5, 0.0), (0, 1, 5, 0.0), (0, 3, 6, 0.0)]
    kept, _ = run(rows, Limits(only_one_of=(("r1", "r3"),)))
    assert kept == [rows[0]]


def test_a_gap_that_is_not_known_goes_last():
    rows = [(0, 1, 1, np.nan), (0, 1, 2, 0.0)]
    kept, _ = run(rows, Limits(actions_per_rule=1))
    assert kept == [rows[1]]


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 3), st.integers(0, 5), st.integers(0, 3)
        ),
        min_size=1,
        max_size=40,
    ),
    person=st.integers(1, 3),
    rule=st.integers(1, 2),
    seed=st.integers(0, 9),
)
def test_limits_hold_and_the_order_of_rows_is_nothing(rows, person, rule, seed):
    limits = Limits(
        actions_per_person=person,
        actions_per_rule=rule,
        only_one_of=(("r0", "r2"),),
    )
    rows = list(dict.fromkeys(rows))
    kept, fates = run(rows, limits)
    assert sum(fates.values()) == len(rows)
    assert max(Counter(item[0] for item in kept).values()) <= person
    assert max(Counter(item[:2] for item in kept).values()) <= rule
    assert max(Counter((item[0], item[2]) for item in kept).values()) == 1
    for who in {item[0] for item in kept}:
        rules = {item[1] for item in kept if item[0] == who}
        assert not {0, 2} <= rules
    shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    distinct = len({(item[0], item[1], item[3]) for item in rows}) == len(rows)
    if distinct:
        assert run(shuffled, limits)[0] == kept
