"""Actions from people and rules: consent first, then what is proposed and why."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from tests.prescribe.actions.crowd import (
    AS_OF,
    QUARTER,
    make_catalogue,
    make_crowd,
    make_gap,
    make_modules,
    make_paths,
    make_people,
    make_person,
    make_summary,
)
from tests.prescribe.rules.books import ROOT
from workbench.core.errors import ParamError
from workbench.core.managers import Behaviour, ManagerParams, Practice
from workbench.core.results import Check
from workbench.prescribe.actions.action_checks import check_actions
from workbench.prescribe.actions.courses import list_courses
from workbench.prescribe.actions.propose import Actions, propose_actions
from workbench.prescribe.actions.rows import ACTION_COLUMNS
from workbench.prescribe.rules.language import Example, Given
from workbench.prescribe.rules.read import read_rules
from workbench.prescribe.rules.vocabulary import Vocabulary

BOOK = read_rules(ROOT / "params" / "demo" / "rules.yml", Vocabulary())
MANAGERS = ManagerParams(
    behaviours=(
        Behaviour(id="coaching", label="Coaching talk", coaching=True),
        Behaviour(id="one_to_one", label="One-to-one talk"),
    ),
    practice=(
        Practice(skill="feedback", task="Give feedback within a day.", prompt="How?"),
    ),
)
LEARNT = {"learnt": True, "one_to_one_days": 5.0, "last_completed_days": 100.0}


def propose(people, *, book=BOOK, **more) -> Actions:
    usual = {
        "modules": make_modules(),
        "paths": make_paths(),
        "persona": "leads",
        "quarter": QUARTER,
        "as_of": AS_OF,
        "consent": set(people.frame["unit"]),
        "path_summary": make_summary(),
        "managers": MANAGERS,
    }
    return propose_actions(people, rules=book, **usual | more)


def find_hours(actions: Actions) -> Check:
    return {item.check: item for item in actions.checks}["manager_hours"]


def list_rules(actions: Actions) -> list[str]:
    return actions.table["rule"].tolist()


def test_people_without_consent_get_none_even_if_the_tables_hold_them():
    crowd = make_crowd(200)
    agreed = set(crowd.frame["unit"][::2])
    refused = set(crowd.frame["unit"]) - agreed
    everybody = propose(crowd)
    actions = propose(crowd, consent=agreed)
    assert refused & set(everybody.table["unit"])
    assert set(actions.table["unit"]) <= agreed
    kept = everybody.table[everybody.table["unit"].isin(agreed)]
    assert_frame_equal(actions.table, kept.reset_index(drop=True))
    check = actions.checks[0]
    assert (check.check, check.status, check.value) == ("actions_consent", "warn", 100)
    assert everybody.checks[0].status == "pass"
    nobody = propose(crowd, consent=())
    assert nobody.table.empty
    assert list(nobody.table.columns) == list(ACTION_COLUMNS)
    assert nobody.facts["people"] == 0


def test_few_people_without_consent_are_not_counted_out():
    crowd = make_crowd(50)
    actions = propose(crowd, consent=set(crowd.frame["unit"][3:]))
    assert math.isnan(actions.checks[0].value)
    assert "fewer than 10" in actions.checks[0].text


def test_one_action_from_end_to_end():
    (row,) = propose(make_people()).table.to_dict("records")
    text = "\x1f".join((QUARTER, "u1", "path_begin", "m-1"))
    assert row["action_id"] == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert row["unit"] == "u1"
    assert row["team"] == "m1"
    assert row["action"] == "path_module"
    assert row["course_id"] == "m-1"
    assert pd.isna(row["skill"])
    assert row["title"] == "Module m-1"
    assert row["reason"] == (
        "No module of this quarter's path has begun; Module m-1 comes first."
    )
    assert row["effort_hours"] == 3.0
    assert row["effective_on"] == pd.Timestamp(AS_OF)
    assert row["expires_on"] == pd.Timestamp("2026-11-30")
    assert row["expected_effect"] == 0.9
    assert row["expected_unit"] == "thresholds, for the whole path"
    assert row["status"] == "proposed"
    assert pd.isna(row["signed_by"])
    assert pd.isna(row["signed_at"])


def test_tables_are_typed_also_when_empty():
    empty = propose(make_people([make_person(persona="others")])).table
    full = propose(make_crowd(60)).table
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert str(full["effective_on"].dtype).startswith("datetime64")
    assert full["action_id"].is_unique


def test_the_path_goes_on_after_what_was_passed():
    people = make_people(done=[("u1", "m-1")])
    (row,) = propose(people).table.to_dict("records")
    assert (row["rule"], row["course_id"]) == ("path_continue", "m-2")
    assert row["expected_effect"] == 0.4
    assert "0.40 thresholds (0.10 to 0.70)" in row["expected_text"]
    done = make_people(done=[("u1", "m-1"), ("u1", "m-2")])
    assert propose(done).table.empty


def test_a_gap_gets_the_best_short_module_and_coaching():
    people = make_people(
        [make_person(**LEARNT | {"manager_actions_90d": 1.0})],
        [make_gap()],
        done=[("u1", "m-1")],
        actions=[("u1", "practice_task", 1, 10.0)],
    )
    module, talk = propose(people).table.to_dict("records")
    assert (module["rule"], module["course_id"]) == ("gap_micro_module", "m-2")
    assert module["skill"] == "coaching"
    assert module["reason"].startswith(
        "The gap in coaching is 12 points and was seen in 3 quarters in a row; Module"
    )
    assert (talk["rule"], talk["behaviour"]) == ("gap_coaching", "coaching")
    assert talk["title"] == "Coaching talk: coaching"
    assert talk["expected_unit"] == "not known"
    assert talk["expected_text"].startswith("not known: coaching alone")
    assert math.isnan(talk["expected_effect"])


def test_retired_modules_are_never_proposed():
    people = make_people([make_person(**LEARNT)], [make_gap(skill="feedback")])
    actions = propose(people)
    assert "m-3" not in set(actions.table["course_id"])
    kept = make_modules(m_3={"decision": "keep"})
    assert "m-3" in set(propose(people, modules=kept).table["course_id"])
    checks = {check.check: check for check in propose(make_crowd(100)).checks}
    assert checks["actions_retired"].status == "pass"


def test_a_rule_that_names_a_retired_module_is_told():
    rules = tuple(
        replace(rule, then=replace(rule.then, module="m-3"))
        if rule.id == "path_begin"
        else rule
        for rule in BOOK.rules
    )
    actions = propose(make_people(), book=replace(BOOK, rules=rules, examples=()))
    checks = {check.check: check for check in actions.checks}
    assert actions.table.empty
    assert checks["rules_retired"].status == "warn"
    assert "path_begin (line" in checks["rules_retired"].text
    assert "names m-3" in checks["rules_retired"].text


def test_without_a_manager_nobody_is_asked_to_coach():
    alone = make_person(**LEARNT | {"team": None, "in_progress": ["e-1", "e-2", "e-3"]})
    asked = propose(make_people([alone | {"team": "m1"}])).table
    assert "coaching_task" in set(asked["action"])
    assert propose(make_people([alone])).table.empty


def test_unknown_logs_of_managers_are_not_taken_for_silence():
    person = make_person(learnt=True, last_completed_days=40.0)
    known = make_people([person], [make_gap(gap=2.0)])
    assert "learnt_not_practised" in list_rules(propose(known))
    unlogged = person | {"manager_actions_90d": None, "coaching_90d": None}
    unknown = make_people([unlogged], [make_gap(gap=2.0)])
    assert "learnt_not_practised" not in list_rules(propose(unknown))


def test_practice_is_what_managers_yml_says():
    person = make_person(learnt=True, last_completed_days=40.0)
    people = make_people([person], [make_gap(skill="feedback", gap=2.0)])
    titles = dict(propose(people).table[["rule", "title"]].to_numpy())
    assert titles["learnt_not_practised"] == "Give feedback within a day."
    plain = dict(propose(people, managers=None).table[["rule", "title"]].to_numpy())
    assert plain["learnt_not_practised"] == "Practise feedback at work"


def test_titles_are_data_and_never_templates():
    paths = make_paths().replace("Module m-1", "x")
    modules = make_modules(m_1={"title": "{unit}\nand {skill}"})
    (row,) = propose(make_people(), modules=modules, paths=paths).table.to_dict(
        "records"
    )
    assert row["title"] == "{unit} and {skill}"
    assert "{unit} and {skill} comes first" in row["reason"]


def test_ids_stay_and_rows_do_not_depend_on_the_order_of_people():
    crowd = make_crowd(80)
    first = propose(crowd).table
    shuffled = replace(
        crowd,
        frame=crowd.frame.sample(frac=1, random_state=3),
        gaps=crowd.gaps.sample(frac=1, random_state=4),
        done=crowd.done.sample(frac=1, random_state=5),
    )
    again = propose(shuffled).table
    keys = ["unit", "rule", "action_id"]
    assert_frame_equal(
        first.sort_values(keys, ignore_index=True),
        again.sort_values(keys, ignore_index=True),
    )
    later = propose(replace(crowd, quarter="2026Q4"), quarter="2026Q4", book=BOOK).table
    assert not set(first["action_id"]) & set(later["action_id"])


def test_inputs_are_left_as_they_were():
    crowd = make_crowd(100)
    before = [frame.copy(deep=True) for frame in (crowd.frame, crowd.gaps, crowd.done)]
    modules, paths = make_modules(), make_paths()
    propose(crowd, modules=modules, paths=paths)
    after = (crowd.frame, crowd.gaps, crowd.done)
    for one, other in zip(before, after, strict=True):
        assert_frame_equal(one, other)
    assert_frame_equal(modules, make_modules())
    assert_frame_equal(paths, make_paths())


def test_limits_hold_for_everybody():
    table = propose(make_crowd(800)).table
    assert table.groupby("unit").size().max() == BOOK.limits.actions_per_person
    assert table.groupby(["unit", "rule"]).size().max() == 1
    assert not table.duplicated(["unit", "course_id"])[table["course_id"].notna()].any()
    modules = table[table["rule"].isin(BOOK.limits.only_one_of[0])]
    assert modules.groupby("unit").size().max() == 1
    ordered = table.groupby("unit")["priority"].apply(
        lambda p: p.is_monotonic_increasing
    )
    assert ordered.all()


def test_small_counts_are_kept_back_as_whole_rows():
    counts = propose(make_crowd(400)).counts
    assert counts["rule"].tolist() == [rule.id for rule in BOOK.order]
    shown = counts[~counts["suppressed"]]
    assert len(shown) > 0
    steps = shown[["people_met", "people_open", "people_proposed"]].astype(int)
    assert (steps.diff(axis=1).iloc[:, 1:] <= 0).all().all()
    few = propose(make_people()).counts.set_index("rule")
    assert few.loc["path_begin", "suppressed"]
    assert pd.isna(few.loc["path_begin", "people_met"])
    assert few.loc["many_courses", "people_met"] == 0
    plain = propose(make_people(), min_group=1).counts.set_index("rule")
    assert plain.loc["path_begin", "people_proposed"] == 1


def test_hours_of_managers_are_added_up_and_held_against_the_limit():
    person = {"team": "m1", **LEARNT, "in_progress": ["e-1", "e-2", "e-3"]}
    people = [make_person(f"u{number}", **person) for number in range(40)]
    actions = propose(make_people(people))
    check = find_hours(actions)
    assert math.isnan(check.value)
    assert (check.limit, check.status) == (8.0, "warn")
    assert check.text == (
        "Coaching tasks ask fewer than 10 managers, in this persona alone; some of them"
        " would need more than 8."
    )
    assert actions.facts["manager_hours"] == 10.0
    assert actions.facts["people_with_action"] == 40
    few = propose(make_people(people[:8]))
    assert find_hours(few).status == "pass"
    assert "none of them would need more than 8" in find_hours(few).text
    none = propose(make_people([make_person(learnt=True)]))
    assert find_hours(none).passed is None


@pytest.mark.parametrize(
    ("usual", "over", "value", "told"),
    [
        (12, 1, 0.5, "13 managers for 0.5 hours in the middle, in this persona alone;"),
        (12, 1, 0.5, "some of them would need"),
        (5, 12, 10.0, "most of them would need"),
        (0, 12, 10.0, "12 would need"),
        (12, 12, 5.25, "12 would need"),
        (12, 0, 0.5, "none of them would need"),
    ],
)
def test_hours_are_told_of_the_manager_in_the_middle(usual, over, value, told):
    hours = {f"m{number}": 0.5 for number in range(usual)}
    hours |= {f"over{number}": 10.0 for number in range(over)}
    table = pd.DataFrame(
        {
            "team": list(hours),
            "effort_hours": list(hours.values()),
            "action": "coaching_task",
            "course_id": None,
        }
    )
    courses = list_courses(make_modules(), make_paths(), "leads")
    checks = check_actions(table, BOOK, courses, refused=0, min_group=10)
    assert checks[-1].value == value
    assert checks[-1].passed is (over == 0)
    assert told in checks[-1].text
    assert "at most" not in checks[-1].text


def test_findings_of_the_analysis_are_told():
    first = BOOK.rules[0]
    rules = (*BOOK.rules, replace(first, id="again"))
    actions = propose(make_people(), book=replace(BOOK, rules=rules))
    checks = {check.check: check for check in actions.checks}
    assert checks["rules_conflict"].status == "warn"
    assert checks["rules_conflict"].value == 1
    assert "propose the same at priority 1" in checks["rules_conflict"].text
    assert checks["rules_unreachable"].status == "pass"


def test_a_wrong_example_stops_it():
    wrong = Example(given=Given(), expect=("path_continue",))
    with pytest.raises(ParamError, match="come out otherwise"):
        propose(make_people(), book=replace(BOOK, examples=(wrong,)))


@pytest.mark.parametrize("change", [{"quarter": "2026Q2"}, {"as_of": date(2026, 7, 1)}])
def test_people_of_another_day_are_refused(change):
    with pytest.raises(ParamError, match="People and actions are of different days"):
        propose(make_people(), **change)


def test_electives_of_the_catalogue_fill_gaps_without_a_made_up_effect():
    people = make_people([make_person(**LEARNT)], [make_gap()])
    catalogue = make_catalogue(
        {"course_id": "e-1"}, {"course_id": "e-0", "active": False}
    )
    table = propose(
        people, modules=make_modules(m_1={"skills": []}), catalogue=catalogue
    )
    row = table.table.set_index("rule").loc["gap_micro_module"]
    assert row["course_id"] == "e-1"
    assert row["expected_text"] == (
        "not known: the module belongs to no programme that was compared"
    )
