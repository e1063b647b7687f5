"""The dashboard feed: numbers as counted, and small groups that cannot be found."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prescribe.delivery.project import HOSTILE, vary
from workbench.prescribe.delivery.safe_text import clean_text
from workbench.prescribe.delivery.team_feed import FEED_COLUMNS, format_feed, list_feed
from workbench.prescribe.delivery.whereabouts import Person, Whereabouts


def list_rows(teams, sizes=None, places=None, min_group=10):
    """Make a feed of teams in which so many people have two steps each."""
    steps, people = [], {}
    for team, count in teams.items():
        for number in range(count):
            key = f"{team}-{number}"
            people[key] = Person((places or {}).get(team, "berlin"), "", team)
            steps += [
                vary(action_id=f"{key}-{i}", key=key, team=team, team_key=team)
                for i in (1, 2)
            ]
    where = Whereabouts(people=people, team_sizes=sizes or teams)
    return list_feed(steps, whereabouts=where, min_group=min_group)


def find(rows, level):
    return {row["group"]: row for row in rows if row["level"] == level}


def test_groups_are_counted_by_people_steps_and_hours():
    rows = list_rows({"a": 12, "b": 30})
    assert find(rows, "organisation")["all"] == {
        "level": "organisation",
        "group": "all",
        "people": 42,
        "steps": 84,
        "hours": 168.0,
        "suppressed": False,
    }
    assert {k: row["people"] for k, row in find(rows, "team").items()} == {
        "a": 12,
        "b": 30,
    }


def test_a_team_below_the_limit_shows_nothing_and_cannot_be_worked_out():
    teams = find(list_rows({"a": 12, "b": 9, "c": 30}), "team")
    assert {name for name, row in teams.items() if row["suppressed"]} == {"a", "b"}
    assert teams["b"] | {"people": None, "steps": None, "hours": None} == teams["b"]


def test_a_large_team_with_few_steps_and_a_small_one_are_kept_back():
    teams = find(list_rows({"a": 5, "b": 12}, {"a": 40, "b": 12}), "team")
    assert all(row["suppressed"] for row in teams.values())
    small = find(
        list_rows({"a": 10, "b": 12, "c": 11}, {"a": 9, "b": 12, "c": 11}), "team"
    )
    assert small["a"]["suppressed"]


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 25), min_size=1),
    st.integers(5, 15),
)
def test_no_difference_gives_a_small_group_away(teams, min_group):
    """What is kept back is nobody, several groups, or all there is of the total."""
    rows = list_rows(teams, min_group=min_group)
    for level in ("team", "location", "persona", "kind"):
        groups = find(rows, level)
        hidden = [name for name, row in groups.items() if row["suppressed"]]
        shown = [row["people"] for row in groups.values() if not row["suppressed"]]
        assert all(number >= min_group for number in shown)
        if hidden and shown:
            assert len(hidden) > 1
            assert sum(teams.values()) - sum(shown) >= min_group
        if level == "team":
            low = {name for name, number in teams.items() if number < min_group}
            assert low <= set(hidden)


def test_the_whole_is_kept_back_where_it_is_small():
    rows = list_rows({"a": 3})
    assert all(row["suppressed"] for row in rows)


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_names_of_places_are_harmless_in_both_forms(title):
    as_json, as_csv = format_feed(
        list_rows({"a": 12, "b": 12}, places={"a": title, "b": title})
    )
    rows = list(csv.DictReader(io.StringIO(as_csv.decode(), newline="")))
    assert list(rows[0]) == list(FEED_COLUMNS)
    assert not [row for row in rows if row["group"][:1] in ("=", "+", "-", "@", "＝")]
    found = {row["group"] for row in json.loads(as_json) if row["level"] == "location"}
    assert found == {clean_text(title)}
    assert b"<" not in as_json


def test_both_forms_say_the_same():
    rows = list_rows({"a": 12, "b": 3})
    as_json, as_csv = format_feed(rows)
    assert json.loads(as_json) == rows
    cells = list(csv.DictReader(io.StringIO(as_csv.decode(), newline="")))
    assert [row["people"] for row in cells] == [
        "" if row["people"] is None else str(row["people"]) for row in rows
    ]
