"""Notes for one-to-one talks: one per manager, about the own team and nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from workbench.prescribe.delivery.documents import WordTemplate
from workbench.prescribe.delivery.safe_text import (
    clean_text,
    escape_markdown,
    find_file_name,
)
from workbench.prescribe.delivery.steps import Step, format_hours
from workbench.prescribe.delivery.templates import load_template

__all__ = ["KIND_WORDS", "USUAL_PRACTICE", "USUAL_PROMPT", "AgendaNote", "make_notes"]

KIND_WORDS = {
    "micro_module": "short module",
    "path_module": "module of the path",
    "practice": "practice",
    "assessment": "assessment",
    "coaching_task": "coaching by you",
}
"""Kinds of actions in words."""

USUAL_PRACTICE = "choose one piece of work this month in which it is used"
"""What is written where `managers.yml` has no practice for a module."""

USUAL_PROMPT = "Where did you use it, and what changed?"
"""What is asked where `managers.yml` has no question for a module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaNote:
    """The note of one manager, as Markdown and as Word document."""

    manager: str
    path: str
    people: int
    markdown: bytes
    word: bytes


def make_notes(
    steps: Sequence[Step],
    *,
    folder: Path,
    organisation: str,
    quarter: str,
    start: date,
) -> Iterator[AgendaNote]:
    """Write a note for every manager of somebody who has a step.

    Parameters
    ----------
    steps : sequence of Step
        Each goes into the note of the person's manager only; people without a manager
        are in none.
    folder : Path
        ``params/<org>``, which may hold a template of its own.
    organisation, quarter : str
        Named in the heading.
    start : date
        First day of what is delivered.

    Yields
    ------
    AgendaNote
        By manager's pseudonym; managers whose id is wanted and not known get none.

    Raises
    ------
    ParamError
        If the template ``agenda.md`` does not hold.
    """
    template = load_template("agenda", folder)
    word = WordTemplate(template, stamp=start)
    teams: dict[str, list[Step]] = {}
    for step in steps:
        if step.team:
            teams.setdefault(step.team_key, []).append(step)
    for key in sorted(teams):
        own = teams[key]
        people = _list_people(own)
        values = {
            "organisation": clean_text(organisation),
            "quarter": quarter,
            "manager": clean_text(own[0].team),
            "from": str(start),
            "people": people,
        }
        name = find_file_name(own[0].team)
        yield AgendaNote(
            manager=own[0].team,
            path=f"{name[:2]}/{name}",
            people=len(people),
            markdown=template.render(values, escape_markdown).encode(),
            word=word.render(values),
        )


def _list_people(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """List the people of a team with their steps, both in the order of the export."""
    found: dict[str, list[Step]] = {}
    for step in steps:
        found.setdefault(step.key, []).append(step)
    return [
        {
            "person": clean_text(own[0].person),
            "steps": [_list_values(item) for item in own],
        }
        for own in found.values()
    ]


def _list_values(step: Step) -> dict[str, str]:
    return {
        "title": step.title,
        "kind": KIND_WORDS.get(step.kind, clean_text(step.kind)),
        "starts": step.starts_on.isoformat(),
        "by": step.ends_on.isoformat(),
        "hours": format_hours(step.effort_hours),
        "reason": step.reason,
        "practice": step.practice or USUAL_PRACTICE,
        "prompt": step.prompt or USUAL_PROMPT,
    }
