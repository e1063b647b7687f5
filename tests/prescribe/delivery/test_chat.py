"""Chat payloads against schemas, and what they say to whom."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from tests.prescribe.delivery.project import HOSTILE, vary
from workbench.core.nudge_params import ChatParams
from workbench.prescribe.delivery.chat_files import make_messages

PLAIN = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "plain_text"},
        "text": {"type": "string", "minLength": 1, "maxLength": 3000},
        "emoji": {"type": "boolean"},
    },
}
SLACK = {
    "type": "object",
    "required": ["text", "blocks"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string", "pattern": "^[^<>]*$", "maxLength": 40000},
        "blocks": {
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["type", "text"],
                "additionalProperties": False,
                "properties": {"type": {"enum": ["header", "section"]}, "text": PLAIN},
            },
        },
    },
}
TEAMS = {
    "type": "object",
    "required": ["type", "attachments"],
    "properties": {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "required": ["contentType", "content"],
                "properties": {
                    "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                    "content": {
                        "required": ["type", "version", "body"],
                        "properties": {
                            "type": {"const": "AdaptiveCard"},
                            "version": {"pattern": r"^1\.\d$"},
                            "body": {
                                "items": {
                                    "required": ["type", "inlines"],
                                    "properties": {
                                        "type": {"const": "RichTextBlock"},
                                        "inlines": {
                                            "items": {
                                                "required": ["type", "text"],
                                                "properties": {
                                                    "type": {"const": "TextRun"}
                                                },
                                            }
                                        },
                                    },
                                }
                            },
                        },
                    },
                },
            },
        },
    },
}
SCHEMAS = {
    "slack": Draft202012Validator(SLACK),
    "teams": Draft202012Validator(TEAMS),
}


def make(*steps, size=20, **chat):
    return list(
        make_messages(
            steps,
            chat=ChatParams(**chat),
            quarter="2026Q3",
            team_sizes={"m" * 32: size},
            min_group=10,
        )
    )


@pytest.mark.parametrize("form", ["slack", "teams"])
@pytest.mark.parametrize("audience", ["manager", "person"])
def test_payloads_fit_what_the_receiver_documents(form, audience):
    steps = [vary(action_id=str(i), title=title) for i, title in enumerate(HOSTILE * 9)]
    (message,) = make(*steps, format=form, audience=audience)
    payload = json.loads(message.content)
    SCHEMAS[form].validate(payload)
    assert b"<" not in message.content
    assert ("and 143 more" if audience == "person" else "and 7 more") in str(payload)


def test_a_managers_message_names_nobody_and_gives_no_reason():
    steps = [vary(action_id=str(i), person=f"person{i}", key=str(i)) for i in range(5)]
    (message,) = make(*steps)
    assert message.recipient == "m" * 32
    assert b"First steps" in message.content
    assert b"person" not in message.content.replace(b"persona", b"")
    assert b"12 points" not in message.content


def test_a_small_teams_message_gives_no_titles_either():
    (message,) = make(vary(), size=9)
    assert b"First steps" not in message.content
    assert b"agenda note" in message.content


def test_a_persons_message_has_no_coaching_and_no_reason():
    steps = (vary(), vary(action_id="t", kind="coaching_task", title="Coach them"))
    (message,) = make(*steps, audience="person")
    assert message.recipient == "p" * 32
    assert b"First steps, by 2026-12-31" in message.content
    assert b"Coach them" not in message.content
    assert b"12 points" not in message.content


def test_a_title_that_is_a_sentence_loses_its_full_stop_before_the_day():
    (message,) = make(vary(title="Copy one step."), audience="person")
    assert "Copy one step, by 2026-12-31" in message.content.decode()


def test_nobody_without_a_name_gets_a_message():
    assert make(vary(team="", team_key="")) == []
    assert make(vary(team="")) == []
