"""Examples beside the rules: they are run, and a wrong one stops everything."""

from __future__ import annotations

import re

import pytest

from tests.prescribe.rules.books import GOOD, ROOT, make_rule, read
from workbench.core.errors import ParamError
from workbench.core.params import load_org_params
from workbench.prescribe.rules.analyse import analyse_rules
from workbench.prescribe.rules.examples import (
    check_examples,
    list_untested,
    run_examples,
)
from workbench.prescribe.rules.read import load_rules, read_rules
from workbench.prescribe.rules.vocabulary import Vocabulary, load_vocabulary

PERSON = "{skills: {coaching: {gap: 6 points, gap_quarters: 2 quarters}}}"


def with_examples(*examples: str) -> str:
    lines = "".join(f"  - {example}\n" for example in examples)
    return GOOD.split("examples:")[0] + "examples:\n" + lines


def test_the_good_file_s_example_holds(tmp_path):
    book = read(tmp_path)
    check_examples(book)
    assert [rule.id for rule in list_untested(book)] == ["stale"]


def test_a_wrong_example_is_told_with_line_and_what_was_proposed(tmp_path):
    text = with_examples(
        f"{{given: {PERSON}, expect: [gap]}}",
        f"{{label: nothing to do, given: {PERSON}, expect: none}}",
        "{given: {}, expect: stale}",
    )
    book = read(tmp_path, text)
    with pytest.raises(ParamError) as caught:
        check_examples(book)
    told = str(caught.value)
    first = text.splitlines().index("examples:") + 3
    assert "2 of 3 examples of rules.yml come out otherwise" in told
    assert f"rules.yml:{first}:5: nothing to do: expected none, proposed gap" in told
    assert f"rules.yml:{first + 1}:5: expected stale, proposed none" in told


def test_what_held_but_gave_way_is_told(tmp_path):
    person = PERSON.replace("2 quarters", "2 quarters, days_since_assessment: 300 days")
    book = read(tmp_path, with_examples(f"{{given: {person}, expect: [stale]}}"))
    (result,) = run_examples(book)
    assert result.proposed == ("gap",)
    assert result.held == ("gap", "stale")
    with pytest.raises(ParamError, match="proposed gap; stale held but gave way"):
        check_examples(book)


@pytest.mark.parametrize(
    ("given", "when", "proposed"),
    [
        ("{}", "{tenure: known}", False),
        ("{tenure: 0 days}", "{tenure: known}", True),
        ("{tenure: missing}", "{tenure: known}", False),
        ("{}", "{coaching_90d: {equals: 0}}", True),
        ("{coaching_90d: missing}", "{coaching_90d: {equals: 0}}", False),
        ("{}", "{programme_learnt: false}", True),
        ("{}", "{path_open: true}", True),
        ("{}", "{has_manager: true}", True),
        ("{in_progress: [m-1, m-2]}", "{courses_in_progress: {equals: 2}}", True),
        ("{in_progress: m-1}", "{in_progress: m-2}", False),
        ("{passed: m-1}", "{passed: [m-1, m-2]}", False),
        ("{passed: [m-1, m-2]}", "{passed: [m-1, m-2]}", True),
        ("{persona: leads}", "{persona: [others, leads]}", True),
        ("{}", "{persona: {is_not: leads}}", False),
        ("{}", "{manager_actions_90d: {of: coaching, equals: 0}}", True),
        (
            "{behaviours: {coaching: {manager_actions_90d: 2}}}",
            "{manager_actions_90d: {of: coaching, at_least: 2 times}}",
            True,
        ),
        ("{skills: {feedback: {}}}", "{gap: {of: feedback, is: missing}}", True),
        (
            "{skills: {feedback: {module_for_skill: false}}}",
            "{module_for_skill: {of: feedback, is: true}}",
            False,
        ),
    ],
)
def test_what_is_not_given_is_unknown_none_or_usual(tmp_path, given, when, proposed):
    expect = "one" if proposed else "none"
    text = f"rules:\n{make_rule('one', when)}examples:\n"
    text += f"  - {{given: {given}, expect: {expect}}}\n"
    check_examples(read(tmp_path, text))


def test_a_named_module_is_open_in_examples_unless_passed_or_in_progress(tmp_path):
    rule = make_rule("one", "{any: [{tenure: known}, {tenure: missing}]}")
    rule = rule.replace("practice", "micro_module").replace(
        "title: Do it", "module: m-1"
    )
    examples = (
        "  - {given: {}, expect: one}\n"
        "  - {given: {passed: m-1}, expect: none}\n"
        "  - {given: {in_progress: m-1}, expect: none}\n"
    )
    check_examples(read(tmp_path, f"rules:\n{rule}examples:\n{examples}"))


def test_the_demo_s_rules_hold_together():
    book = read_rules(ROOT / "params" / "demo" / "rules.yml", Vocabulary())
    check_examples(book)
    assert analyse_rules(book) == ()
    assert list_untested(book) == ()
    assert 8 <= len(book.rules) <= 12


def test_the_demo_s_rules_name_what_there_is():
    params = load_org_params("demo", ROOT / "params")
    book = load_rules(params, ROOT / "no-store")
    assert book is not None
    known = load_vocabulary(params, ROOT / "no-store")
    assert known.list_unchecked() == ["course", "skill", "role"]
    behaviours = {rule.then.behaviour for rule in book.rules} - {""}
    assert behaviours <= known.names["behaviour"]


def test_an_organisation_may_have_no_rules():
    params = load_org_params("oulad", ROOT / "params")
    assert load_rules(params, ROOT / "no-store") is None


def test_names_are_read_from_loaded_tables(tmp_path):
    import pandas as pd

    params = load_org_params("demo", ROOT / "params")
    pd.DataFrame({"course_id": ["l1-1", None]}).to_parquet(tmp_path / "courses.parquet")
    pd.DataFrame({"role": ["engineer"], "skill": ["coding"]}).to_parquet(
        tmp_path / "role_skills.parquet"
    )
    known = load_vocabulary(params, tmp_path)
    assert known.names["course"] == {"l1-1"}
    assert known.names["skill"] == {"coding"}
    assert known.list_unchecked() == []
    with pytest.raises(ParamError) as caught:
        load_rules(params, tmp_path)
    assert re.search(
        r"rules\.yml:\d+:\d+: there is no course 'l1-2'", str(caught.value)
    )
