"""Messages for the incoming webhooks of chat systems, as JSON payloads.

Slack: page "Sending messages using incoming webhooks"; a text for notifications and
blocks, here of ``plain_text`` alone, in which no mention or link is read. Teams: page
"Create and send messages" (a message with one adaptive card); here a
``RichTextBlock``, whose text runs hold no Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.core.nudge_params import ChatParams
from workbench.prescribe.delivery.safe_text import (
    escape_chat,
    find_file_name,
    format_json,
)
from workbench.prescribe.delivery.steps import Step

__all__ = ["Message", "make_messages"]

_MOST_LINES = 10
_LONGEST = 2900
_CARD = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One payload and whom it is for.

    Attributes
    ----------
    recipient : str
        Person or manager.
    path : str
        Place of the file.
    content : bytes
        What is posted, to the last byte.
    """

    recipient: str
    path: str
    content: bytes


def make_messages(
    steps: Sequence[Step],
    *,
    chat: ChatParams,
    quarter: str,
    team_sizes: Mapping[str, int],
    min_group: int,
) -> Iterator[Message]:
    """Make one message per manager, or per person, as `nudges.yml` says.

    Parameters
    ----------
    steps : sequence of Step
        What is delivered.
    chat : ChatParams
        Form and audience. A manager's message says how the team's steps are called
        and names nobody; a person's message holds no reason.
    quarter : str
        Named in the heading.
    team_sizes : mapping
        People per manager's pseudonym.
    min_group : int
        Teams of fewer people get no titles either: others may read the channel, and
        would know whom they are for.

    Yields
    ------
    Message
        By recipient's pseudonym; managers whose id is wanted and not known get none.
    """
    by_manager = chat.audience == "manager"
    found: dict[str, list[Step]] = {}
    for step in steps:
        key = step.team_key if by_manager else step.key
        if by_manager or not step.for_manager:
            found.setdefault(key, []).append(step)
    for key in sorted(found):
        own = found[key]
        recipient = own[0].team if by_manager else own[0].person
        if not (key and recipient):
            continue
        small = team_sizes.get(key, 0) < min_group
        lines = _list_titles(own, small) if by_manager else _list_steps(own)
        heading = (
            f"Next steps of your team, {quarter}"
            if by_manager
            else f"Your next steps, {quarter}"
        )
        name = find_file_name(recipient)
        yield Message(
            recipient=recipient,
            path=f"{name[:2]}/{name}.json",
            content=format_json(_WRITERS[chat.format](heading, lines), compact=True),
        )


def _list_titles(steps: Sequence[Step], small: bool) -> list[str]:
    """List what a team is to do, without saying who or how many."""
    if small:
        return ["What they are stands in your agenda note."]
    titles = sorted({step.title for step in steps})
    return [*_shorten(titles), "Who they are for stands in your agenda note."]


def _list_steps(steps: Sequence[Step]) -> list[str]:
    return _shorten(
        [f"{step.title.removesuffix('.')}, by {step.ends_on}" for step in steps]
    )


def _shorten(lines: list[str]) -> list[str]:
    rest = len(lines) - _MOST_LINES
    return lines if rest <= 0 else [*lines[:_MOST_LINES], f"and {rest} more"]


def _write_slack(heading: str, lines: list[str]) -> dict[str, Any]:
    body = "\n".join(f"• {line}" for line in lines)[:_LONGEST]
    return {
        "text": escape_chat(f"{heading}\n{body}"),
        "blocks": [
            {"type": "header", "text": _plain(heading)},
            {"type": "section", "text": _plain(body)},
        ],
    }


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _write_teams(heading: str, lines: list[str]) -> dict[str, Any]:
    runs = [{"type": "TextRun", "text": heading, "weight": "Bolder"}]
    blocks = [runs, *([{"type": "TextRun", "text": f"• {line}"}] for line in lines)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": [{"type": "RichTextBlock", "inlines": item} for item in blocks],
    }
    return {
        "type": "message",
        "attachments": [{"contentType": _CARD, "contentUrl": None, "content": card}],
    }


_WRITERS = {"slack": _write_slack, "teams": _write_teams}
