"""Statements against a schema written from the xAPI specification, part two."""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime

from jsonschema import Draft202012Validator, FormatChecker

from tests.prescribe.delivery.project import HOSTILE, STAMP, vary
from workbench.core.nudge_params import XapiParams
from workbench.prescribe.delivery.xapi_files import make_statement, make_statement_files

IRI = {"type": "string", "pattern": r"^https?://[^\s<>\"{}|\\^`]+$"}
LANGUAGE_MAP = {
    "type": "object",
    "patternProperties": {"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$": {"type": "string"}},
    "additionalProperties": False,
    "minProperties": 1,
}
STATEMENT = {
    "type": "object",
    "required": ["id", "actor", "verb", "object", "timestamp"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "actor": {
            "type": "object",
            "required": ["account"],
            "additionalProperties": False,
            "properties": {
                "objectType": {"const": "Agent"},
                "account": {
                    "type": "object",
                    "required": ["homePage", "name"],
                    "additionalProperties": False,
                    "properties": {
                        "homePage": IRI,
                        "name": {"type": "string", "minLength": 1},
                    },
                },
            },
        },
        "verb": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {"id": IRI, "display": LANGUAGE_MAP},
        },
        "object": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "objectType": {"const": "Activity"},
                "id": IRI,
                "definition": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"type": IRI, "name": LANGUAGE_MAP},
                },
            },
        },
        "context": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "platform": {"type": "string"},
                "extensions": {"type": "object", "propertyNames": IRI},
            },
        },
        "timestamp": {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
        },
    },
}
CHECK = Draft202012Validator(STATEMENT, format_checker=FormatChecker())
XAPI = XapiParams(home_page="https://p.example/", activities="https://l.example/a")


def make(**changes):
    return make_statement(vary(**changes), xapi=XAPI, org="small", stamp=STAMP)


def test_statements_fit_the_specification_whatever_the_titles_and_ids():
    for number, title in enumerate(HOSTILE):
        statement = make(action_id=f"a{number}", title=title, course_id=title)
        CHECK.validate(json.loads(json.dumps(statement)))
        address = statement["object"]["id"]
        assert address.startswith("https://l.example/a/")
        assert "/" not in address.removeprefix("https://l.example/a/")


def test_the_schema_sees_a_fault():
    statement = make()
    statement["actor"]["account"].pop("homePage")
    statement["id"] = "a1"
    paths = {error.json_path for error in CHECK.iter_errors(statement)}
    assert paths == {"$.actor.account", "$.id"}


def test_a_statement_says_who_was_recommended_what_and_when():
    statement = make(person="AG-01")
    account = {"homePage": "https://p.example", "name": "AG-01"}
    assert statement["actor"]["account"] == account
    assert statement["verb"]["id"].endswith("/recommended")
    assert statement["object"]["id"] == "https://l.example/a/c1"
    assert datetime.fromisoformat(statement["timestamp"]).date() == STAMP


def test_ids_are_of_version_five_and_follow_from_action_and_actor_alone():
    first = make(title="one")["id"]
    assert uuid.UUID(first).version == 5
    assert make(title="two")["id"] == first
    later = make_statement(vary(), xapi=XAPI, org="small", stamp=date(2026, 10, 2))
    assert later["id"] == first
    others = {
        make(action_id="a2")["id"],
        make_statement(vary(), xapi=XAPI, org="other", stamp=STAMP)["id"],
        make(person="AG-01")["id"],
    }
    assert len(others | {first}) == 4


def test_dots_alone_do_not_lead_upwards():
    assert make(course_id="..")["object"]["id"] == "https://l.example/a/%2E%2E"


def test_files_hold_a_thousand_statements_and_none_of_coaching():
    steps = [vary(action_id=str(i)) for i in range(2001)]
    steps.append(vary(action_id="x", kind="coaching_task"))
    made = list(make_statement_files(steps, xapi=XAPI, org="small", stamp=STAMP))
    assert [(name, number) for name, _, number in made] == [
        ("statements_0001.json", 1000),
        ("statements_0002.json", 1000),
        ("statements_0003.json", 1),
    ]
    found = [item for _, content, _ in made for item in json.loads(content)]
    assert len({item["id"] for item in found}) == 2001
    CHECK.validate(found[-1])
