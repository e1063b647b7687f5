"""Recommendations as xAPI statements (Experience API 1.0.3, part two: the data)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from workbench.core.nudge_params import XapiParams
from workbench.prescribe.delivery.safe_text import format_json
from workbench.prescribe.delivery.steps import Step

__all__ = ["make_statement", "make_statement_files"]

_NAMESPACE = uuid.UUID("0f7c1a52-7d44-5b6a-8a53-0e6f5a2f7d10")
_AT_ONCE = 1000
_COURSE = "http://adlnet.gov/expapi/activities/course"
_TASK = "http://id.tincanapi.com/activitytype/project"


def make_statement(
    step: Step, *, xapi: XapiParams, org: str, stamp: date
) -> dict[str, Any]:
    """Make the statement that a step was recommended to a person.

    Parameters
    ----------
    step : Step
        A step of the person; the manager's coaching tasks are none.
    xapi : XapiParams
        Addresses of people, activities and the verb; by default the verb
        "recommended" of the profile Total Learning Architecture.
    org : str
        Part of what the id is made of, beside action and actor: a statement that is
        sent again, from another day on, has the id of the first.
    stamp : date
        Day on which the recommendation holds, as midnight UTC.

    Returns
    -------
    dict
        Actor by account, verb, activity, time stamp and, as context, when and why.
    """
    place = _escape_part(step.course_id) or f"task/{_escape_part(step.action_id)}"
    extensions = f"{xapi.activities}/extensions"
    return {
        "id": str(uuid.uuid5(_NAMESPACE, f"{org}/{step.action_id}/{step.person}")),
        "actor": {
            "objectType": "Agent",
            "account": {"homePage": xapi.home_page, "name": step.person},
        },
        "verb": {"id": xapi.verb, "display": {"en": xapi.verb_display}},
        "object": {
            "objectType": "Activity",
            "id": f"{xapi.activities}/{place}",
            "definition": {
                "type": _COURSE if step.course_id else _TASK,
                "name": {"en": step.title},
            },
        },
        "context": {
            "platform": "workbench",
            "extensions": {
                f"{extensions}/action": step.action_id,
                f"{extensions}/reason": step.reason_code,
                f"{extensions}/expires": step.ends_on.isoformat(),
            },
        },
        "timestamp": f"{stamp}T00:00:00Z",
    }


def make_statement_files(
    steps: Sequence[Step], *, xapi: XapiParams, org: str, stamp: date
) -> Iterator[tuple[str, bytes, int]]:
    """Write statements as arrays of at most a thousand, one array per file.

    Yields
    ------
    tuple of (str, bytes, int)
        File name, JSON, number of statements.
    """
    own = [step for step in steps if not step.for_manager]
    for number, first in enumerate(range(0, len(own), _AT_ONCE), start=1):
        batch = [
            make_statement(step, xapi=xapi, org=org, stamp=stamp)
            for step in own[first : first + _AT_ONCE]
        ]
        content = format_json(batch, compact=True)
        yield f"statements_{number:04}.json", content, len(batch)


def _escape_part(text: str) -> str:
    """Write an id as one part of an address; dots alone would lead upwards."""
    part = quote(text, safe="")
    return part if part.strip(".") else part.replace(".", "%2E")
