"""Reading rules: what is understood, and every fault with line and column."""

from __future__ import annotations

import contextlib

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.prescribe.rules.books import EXAMPLES, GOOD, make_book, make_rule, read
from workbench.core.errors import ParamError
from workbench.prescribe.rules.language import AllOf, AnyOf, Not, Test
from workbench.prescribe.rules.vocabulary import Vocabulary


def find_line(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def fail(tmp_path, text: str, *, known: Vocabulary | None = None) -> str:
    with pytest.raises(ParamError) as caught:
        read(tmp_path, text) if known is None else read(tmp_path, text, known)
    return str(caught.value)


def test_a_good_file_is_understood(tmp_path):
    book = read(tmp_path)
    gap, stale = book.rules
    assert gap.for_each_skill
    assert gap.when == AllOf(
        (
            Test(fact="gap", op="at_least", values=(5.0,)),
            Test(fact="gap_quarters", op="at_least", values=(2.0,)),
        )
    )
    assert stale.when == Test(
        fact="days_since_assessment", op="above", values=(26 * 7.0,)
    )
    assert gap.then.module == "best_for_skill"
    assert gap.then.effort_hours is None
    assert gap.then.expected.source == "module"
    assert stale.then.expected.source == "unknown"
    assert book.limits.actions_per_person == 2
    assert book.limits.find_group("stale") == ("gap", "stale")
    assert gap.spot.line == find_line(GOOD, "- id: gap")
    (example,) = book.examples
    assert example.expect == ("gap",)
    assert example.given.skills == ("coaching",)
    assert example.given.facts["gap", "coaching"] == 6.0


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{tenure: {at_least: 2 weeks}}", ("tenure", "", "at_least", (14.0,))),
        ("{completions_90d: {equals: 2}}", ("completions_90d", "", "equals", (2.0,))),
        (
            "{completions_90d: {below: 3 times}}",
            ("completions_90d", "", "below", (3.0,)),
        ),
        (
            "{gap: {of: coaching, above: 2.5 points}}",
            ("gap", "coaching", "above", (2.5,)),
        ),
        ("{programme_learnt: false}", ("programme_learnt", "", "is", (False,))),
        ("{persona: leads}", ("persona", "", "one_of", ("leads",))),
        ("{persona: [leads, others]}", ("persona", "", "one_of", ("leads", "others"))),
        ("{persona: {is_not: leads}}", ("persona", "", "none_of", ("leads",))),
        ("{level: {none_of: [L1]}}", ("level", "", "none_of", ("L1",))),
        ("{tenure: known}", ("tenure", "", "known", ())),
        (
            "{manager_actions_90d: {of: coaching, at_most: 1}}",
            ("manager_actions_90d", "coaching", "at_most", (1.0,)),
        ),
        (
            "{module_for_skill: {of: coaching, is: true}}",
            ("module_for_skill", "coaching", "is", (True,)),
        ),
    ],
)
def test_single_conditions(tmp_path, when, expected):
    (rule,) = read(tmp_path, make_book(make_rule("one", when))).rules
    fact, subject, op, values = expected
    assert rule.when == Test(fact=fact, subject=subject, op=op, values=values)


def test_conditions_that_are_several(tmp_path):
    def when(text):
        return read(tmp_path, make_book(make_rule("one", text))).rules[0].when

    low = Test(fact="tenure", op="at_least", values=(10.0,))
    high = Test(fact="tenure", op="at_most", values=(20.0,))
    assert when("{tenure: {between: [10 days, 20 days]}}") == AllOf((low, high))
    assert when("{tenure: {at_least: 10 days, at_most: 20 days}}") == AllOf((low, high))
    assert when("{tenure: missing}") == Not(Test(fact="tenure", op="known"))
    passed = [
        Test(fact="passed", subject=m, op="is", values=(True,)) for m in ("m-1", "m-2")
    ]
    assert when("{passed: m-1}") == AllOf((passed[0],))
    assert when("{passed: [m-1, m-2]}") == AllOf(tuple(passed))
    assert when("{passed: {any_of: [m-1, m-2]}}") == AnyOf(tuple(passed))
    assert when("{passed: {none_of: [m-1]}}") == Not(AnyOf((passed[0],)))
    assert when("{any: [{tenure: known}, {not: {tenure: known}}]}") == AnyOf(
        (Test(fact="tenure", op="known"), Not(Test(fact="tenure", op="known")))
    )


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("{gaps: {at_least: 5 points}}", "there is no fact 'gaps'; 'gap' is meant?"),
        ("{gender: female}", "gender is a protected attribute, and never a condition"),
        (
            "{tenure: {at_leest: 5 days}}",
            "unknown key 'at_leest'; 'at_least' is meant?",
        ),
        (
            "{tenure: {at_least: 5}}",
            "the unit is missing: tenure is in days, so write 5",
        ),
        (
            "{tenure: {at_least: 5 points}}",
            "tenure is in days, not in 'points': write day or days or week or weeks",
        ),
        ("{tenure: {at_least: 5 dayz}}", "; 'day' is meant?"),
        ("{tenure: {at_least: 5 months}}", "tenure is in days, not in 'months'"),
        (
            "{tenure: {at_least: soon}}",
            "tenure is a number of days: write it as 5 days",
        ),
        ("{tenure: {at_least: true}}", "tenure is a number of days"),
        ("{tenure: {at_least: 1.5 days}}", "tenure is a whole number of days"),
        ("{tenure: {at_least: -5 days}}", "tenure is at least 0, got '-5 days'"),
        ("{mean_gap: {above: 150 points}}", "mean_gap lies between 0 and 100 points"),
        ("{tenure: 5 days}", "tenure takes comparisons such as {at_least: 5 days}"),
        ("{tenure: {}}", "tenure is compared with nothing"),
        ("{tenure: {is: unknown}}", "a number is missing or known"),
        ("{tenure: {between: [9 days, 3 days]}}", "from the lower to the higher"),
        ("{tenure: {between: 9 days}}", "between takes a list of two numbers"),
        ("{completions_90d: missing}", "completions_90d is known of everybody"),
        ("{gap: {at_least: 5 points}}", "gap belongs to a skill: name it with of"),
        (
            "{gap: {of: couching, above: 5 points}}",
            "no skill 'couching'; 'coaching' is",
        ),
        ("{programme_learnt: yes}", "programme_learnt is true or false, got 'yes'"),
        ("{programme_learnt: {at_least: 1}}", "programme_learnt is true or false"),
        ("{module_for_skill: {of: coaching}}", "the key 'is' is missing"),
        ("{persona: lead}", "there is no persona 'lead'; 'leads' is meant?"),
        ("{persona: 3}", "the name of a persona is expected, got 3"),
        ("{persona: []}", "the list of names is empty"),
        ("{skill: coaching}", "skill needs a rule that holds for_each: skill"),
        ("{passed: m-3}", "there is no course 'm-3'"),
        ("{passed: {some: [m-1]}}", "unknown key 'some'"),
        (
            "{manager_actions_90d: {of: talk, above: 1}}",
            "there is no behaviour 'talk'",
        ),
        ("{all: []}", "all takes a list of conditions, got a list"),
        ("{all: {tenure: known}}", "all takes a list of conditions, got a mapping"),
        (
            "{tenure: known, gap: known}",
            "one key (all, any, not or a fact), got 2 keys",
        ),
        ("often", "a condition is a mapping with one key"),
        ("{not: [{tenure: known}]}", "a condition is a mapping with one key"),
        (
            f"{{any: [{', '.join(['{tenure: known}'] * 25)}]}}",
            "a rule has at most 24 comparisons, this one has 25",
        ),
    ],
)
def test_faults_of_conditions(tmp_path, when, message):
    text = make_book(make_rule("one", when))
    told = fail(tmp_path, text)
    assert message in told
    line = find_line(text, "    when:")
    assert f"rules.yml:{line}:" in told


def test_a_fault_tells_the_very_column(tmp_path):
    text = make_book(make_rule("one", "{all: [{tenure: known}, {gapp: known}]}"))
    line = text.splitlines()[find_line(text, "gapp") - 1]
    place = f"rules.yml:{find_line(text, 'gapp')}:{line.index('gapp') + 1}: there is"
    assert place in fail(tmp_path, text)


@pytest.mark.parametrize(
    ("before", "after", "message", "at"),
    [
        ("action: assessment", "action: asessment", "'assessment' is meant?", "asess"),
        (
            "expires_after_days: 30\n      priority: 2",
            "priority: 2",
            "'expires_after",
            "",
        ),
        (
            "priority: 2",
            "priority: 0",
            "priority is a whole number from 1 to 99",
            "y: 0",
        ),
        ("priority: 2", "priority: high", "priority is a whole number", "y: high"),
        ("priority: 2", "prio: 2", "unknown key 'prio'; 'priority' is meant?", "prio:"),
        ("effort_hours: 0.5", "effort_hours: 0", "a number of hours above 0", "s: 0"),
        ("effort_hours: 0.5", "effort_hours: 1 h", "a number of hours above 0", "1 h"),
        ("effort_hours: 0.5\n      ", "", "action assessment needs effort_hours", ""),
        ("reason_code: stale", "reason_code: Too Old", "lower-case letters", "Too"),
        ("reason: Assessed", "reason: 12 #", "reason is a text, got 12", ": 12 #"),
        (
            "{days_since_assessment}",
            "{days_since_assesment}",
            "no placeholder",
            "Asses",
        ),
        ("{days_since_assessment}", "{unit.__class__}", "there is no placeholder", ""),
        ("{days_since_assessment}", "{0}", "there is no placeholder {0}", ""),
        ("{days_since_assessment}", "{module}", "the action has no module", ""),
        ("{days_since_assessment}", "{tenure", "a brace is not closed", ""),
        (
            "module: best_for_skill",
            "module: best_for_skil",
            "'best_for_skill' is me",
            "",
        ),
        (
            "module: best_for_skill",
            "module: next_in_path",
            "action path_module",
            "",
        ),
        ("module: best_for_skill", "module: [m-1]", "the name of a course is exp", ""),
        (
            "action: assessment",
            "action: assessment\n      module: m-1",
            "takes no mod",
            "",
        ),
        (
            "action: assessment",
            "action: practice\n      skill: coaching",
            "has one",
            "",
        ),
        ("action: assessment", "action: coaching_task", "needs behaviour", ""),
        (
            "action: assessment",
            "action: coaching_task\n      behaviour: coachin",
            "there is no behaviour 'coachin'; 'coaching' is meant?",
            "coachin\n",
        ),
        ("{from: module}", "{from: modul}", "'module' is meant?", "modul}"),
        ("{from: module}", "{}", "the key 'from' is missing", ""),
        ("{from: module}", "{from: module, value: 2}", "value does not belong to", ""),
        (
            "{from: module}",
            "{from: declared, value: 2}",
            "needs low, high, unit, so",
            "",
        ),
        (
            "Stale\n    for_each: skill",
            "Stale\n    for_each: day",
            "takes skill",
            ": day",
        ),
        (
            "Stale\n    for_each: skill",
            "Stale",
            "the action needs a skill: name it",
            "",
        ),
        ("id: stale", "id: gap", "the rule 'gap' stands twice, first in line 5", ""),
        ("id: stale", "id: Stale One", "id is of lower-case letters", "Stale One"),
        (
            "label: Stale",
            "labl: Stale",
            "unknown key 'labl'; 'label' is meant?",
            "labl",
        ),
        (
            "[[gap, stale]]",
            "[[gap, stales]]",
            "no rule 'stales'; 'stale' is meant?",
            "",
        ),
        ("[[gap, stale]]", "[[gap]]", "a group has at least two rules", ""),
        ("[[gap, stale]]", "[gap]", "only_one_of is a list of lists", ""),
        ("[[gap, stale]]", "[[gap, stale], [gap, stale]]", "in a group already", ""),
        ("actions_per_person: 2", "actions_per_person: 0", "from 1 to 20", ""),
        ("actions_per_person: 2", "actions: 2", "unknown key 'actions'; 'act", ""),
        ("expect: [gap]", "expect: [gaps]", "there is no rule 'gaps'; 'gap'", "gaps"),
        ("given: {skills", "giving: {skills", "'given' is meant?", "giving"),
        ("gap: 6 points", "gap: 6", "the unit is missing: gap is in points", ": 6"),
        ("gap: 6 points", "skill: 6", "unknown key 'skill'", ""),
        ("{coaching: {gap", "{couching: {gap", "there is no skill 'couching'", ""),
        ("{skills:", "{tenure: none, skills:", "tenure is a number of days", ""),
        ("{skills:", "{completions_90d: missing, skills:", "known of everybody", ""),
        ("{skills:", "{persona: [leads, others], skills:", "has one persona", ""),
        ("{skills:", "{behaviours: [], skills:", "a mapping from behaviours is", ""),
    ],
)
def test_faults_of_the_rest(tmp_path, before, after, message, at):
    assert before in GOOD
    text = GOOD.replace(before, after, 1)
    told = fail(tmp_path, text)
    assert message in told
    if at:
        assert f"rules.yml:{find_line(text, at)}:" in told


def test_declared_effects_need_interval_unit_and_source(tmp_path):
    declared = "{from: declared, value: 2, low: 1, high: 3, unit: points, source: %s}"
    book = read(
        tmp_path, GOOD.replace("{from: module}", declared % "'Trial of 2024, p. 3'")
    )
    assert book.rules[0].then.expected.citation == "Trial of 2024, p. 3"
    told = fail(tmp_path, GOOD.replace("{from: module}", declared % "known"))
    assert "source is a text of at least 10 characters, got 'known'" in told
    for wrong in ("value: 4", "value: .nan", "value: 2, high: .inf"):
        text = GOOD.replace("{from: module}", declared % "'Trial of 2024, p. 3'")
        text = text.replace("value: 2", wrong).replace(
            ".inf, low: 1, high: 3", ".inf, low: 1"
        )
        assert "the interval from low to high does not hold the value" in fail(
            tmp_path, text
        )
    text = GOOD.replace("{from: module}", declared % "'Trial of 2024, p. 3'")
    assert "low is a number, got 'a'" in fail(
        tmp_path, text.replace("low: 1", "low: a")
    )


def test_all_faults_are_reported_at_once_in_the_order_of_the_file(tmp_path):
    text = (
        GOOD.replace("5 points}", "5 days}")
        .replace("2 quarters}", "two}", 1)
        .replace("priority: 2", "priority: x")
        .replace("expect: [gap]", "expect: [nothing]")
    )
    told = fail(tmp_path, text)
    assert "rules.yml cannot be used as it is (4 faults)" in told
    lines = [int(part.split(":")[0]) for part in told.split("rules.yml:")[1:]]
    assert lines == sorted(lines)
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "A parameter file is empty"),
        ("rules: [", "is not valid YAML"),
        ("- a", "a mapping is expected here, got a list"),
        ("rules: []\n" + EXAMPLES, "rules is a list of rules, got a list"),
        ("rules: 3\n" + EXAMPLES, "rules is a list of rules, got 3"),
        ("rules: [3]\n" + EXAMPLES, "1:9: a mapping is expected here, got 3"),
        (
            make_book(make_rule("a", "{tenure: known}")).replace(EXAMPLES, ""),
            "'examples'",
        ),
        (GOOD.split("examples:")[0] + "examples: []\n", "examples is a list of people"),
        ("rules: &a []\nexamples: *a\n", "1:8: YAML aliases are not read"),
        ("rules: !!set {}\n", "rules is a list of rules"),
        ("rules: !odd 3\n", "1:8: tags are not read here: !odd"),
        ("rules: 1\nrules: 2\n", "2:1: the key 'rules' stands twice"),
        ("? [a]\n: 2\n", "a key must be a plain word"),
    ],
)
def test_files_that_are_no_rules(tmp_path, text, message):
    assert message in fail(tmp_path, text)


def test_there_are_at_most_two_hundred_rules(tmp_path):
    rules = [make_rule(f"r{number}", "{tenure: known}") for number in range(201)]
    assert len(read(tmp_path, make_book(*rules[:200])).rules) == 200
    told = fail(tmp_path, make_book(*rules).replace("none", "[gap]"))
    assert "2:3: there are at most 200 rules, these are 201" in told
    assert "there is no rule" not in told


def test_a_protected_attribute_is_neither_condition_nor_reason_even_as_a_fact(tmp_path):
    known = Vocabulary(protected=("level", "role", "skill"))
    for when in ("{level: L1}", "{any: [{tenure: known}, {not: {role: lead}}]}"):
        told = fail(tmp_path, make_book(make_rule("one", when)), known=known)
        assert "is a protected attribute, and never a condition" in told
    text = make_book(make_rule("one", "{tenure: known}"))
    for word in ("level", "role", "skill"):
        reason = text.replace("Because.", f"As {{{word}}} says.")
        told = fail(tmp_path, reason, known=known)
        assert f"{word} is a protected attribute, and never a reason" in told
        titled = text.replace("title: Do it", f"title: 'Do {{{word}}}'")
        assert "and never a reason" in fail(tmp_path, titled, known=known)
    level = text.replace("Because.", "As {level} says.")
    assert read(tmp_path, level, Vocabulary()).rules[0].then.reason == (
        "As {level} says."
    )


def test_an_absent_or_huge_file_is_named(tmp_path):
    from workbench.prescribe.rules.read import read_rules

    with pytest.raises(
        ParamError, match=r"A parameter file is missing[\s\S]*none\.yml"
    ):
        read_rules(tmp_path / "none.yml", Vocabulary())
    assert "too large" in fail(tmp_path, "#" * 2_000_001)


def test_without_known_names_none_is_doubted(tmp_path):
    text = make_book(
        make_rule("one", "{all: [{passed: z-9}, {persona: whoever}, {role: any_role}]}")
    )
    assert len(read(tmp_path, text, Vocabulary()).rules) == 1
    assert Vocabulary().list_unchecked() == [
        *("persona", "behaviour", "course", "skill", "role")
    ]


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(["", "5 points", "gap", "known", "none", "{x}", ".nan", "1e999"]),
    st.just([]),
    st.just({}),
    st.just([["gap"], {"gap": "missing"}]),
    st.just({"any": [{"gap": {"above": "1 point"}}], "of": "coaching"}),
)


def list_places(value, at=()):
    """Keys and positions that lead to every part of a plain value."""
    yield at
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in inner:
        yield from list_places(item, (*at, key))


PLACES = list(list_places(yaml.safe_load(GOOD)))[1:]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(place=st.sampled_from(PLACES), junk=JUNK)
def test_whatever_stands_anywhere_ends_in_rules_or_in_faults(tmp_path, place, junk):
    value = yaml.safe_load(GOOD)
    part = value
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = junk
    with contextlib.suppress(ParamError):
        assert read(tmp_path, yaml.safe_dump(value)).rules
