"""One writer per format: it fills its folder and says how much there is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from workbench.core.nudge_params import NudgeParams
from workbench.core.params import OrgParams
from workbench.prescribe.delivery.agenda_notes import make_notes
from workbench.prescribe.delivery.calendar_files import make_calendars
from workbench.prescribe.delivery.chat_files import Message
from workbench.prescribe.delivery.enablement_pack import make_pack
from workbench.prescribe.delivery.folder import INDEX, ExportFolder
from workbench.prescribe.delivery.lms_files import (
    format_csv,
    list_enrolments,
    make_enrolment_file,
)
from workbench.prescribe.delivery.safe_text import clean_text, find_file_name
from workbench.prescribe.delivery.steps import Step
from workbench.prescribe.delivery.team_feed import format_feed, list_feed
from workbench.prescribe.delivery.whereabouts import Whereabouts
from workbench.prescribe.delivery.xapi_files import make_statement_files

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHAT", "FORMATS", "Delivery", "Tell"]

Tell = Callable[[int, int], None]
"""Told how much of a format is done, and of how much."""

CHAT = "chat"
"""The format whose files can be sent."""

_OFTEN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What the writers write.

    Attributes
    ----------
    params : OrgParams
        The organisation.
    quarter : str
        Of the results.
    start : date
        First day of what is delivered; stands for the clock in every file.
    steps : tuple of Step
        From `select_steps`.
    beside : tuple of Step
        Steps of other personas, which take up room in a recipient's calendar and are
        written nowhere.
    messages : tuple of Message
        Chat messages of the steps.
    whereabouts : Whereabouts
        Locations, shifts, managers.
    paths : DataFrame
        Paths of the personas with approved steps.
    """

    params: OrgParams
    quarter: str
    start: date
    steps: tuple[Step, ...]
    beside: tuple[Step, ...]
    messages: tuple[Message, ...]
    whereabouts: Whereabouts
    paths: pd.DataFrame

    @property
    def nudges(self) -> NudgeParams:
        """What `nudges.yml` says, or what is usual."""
        return self.params.nudges or NudgeParams()


def _write_lms(delivery: Delivery, folder: ExportFolder, tell: Tell) -> dict[str, int]:
    """Write one enrolment file per system, and what could not be put into them."""
    enrolments = list_enrolments(delivery.steps)
    counts: Counter[str] = Counter()
    refused = []
    forms = delivery.nudges.lms
    for number, form in enumerate(forms, start=1):
        made = make_enrolment_file(enrolments, form)
        folder.add(f"{form.id}.csv", made.content)
        counts[f"enrolments in {form.id}.csv"] = made.enrolments
        refused += [
            [form.id, step.action_id, clean_text(step.course_id)]
            for step in made.refused
        ]
        tell(number, len(forms))
    if refused:
        header = ["system", "action_id", "course_id"]
        folder.add("refused.csv", format_csv([header, *refused]))
        counts["refused: an id is no plain text"] = len(refused)
    return dict(counts)


def _write_xapi(delivery: Delivery, folder: ExportFolder, tell: Tell) -> dict[str, int]:
    done = 0
    for name, content, number in make_statement_files(
        delivery.steps,
        xapi=delivery.nudges.xapi,
        org=delivery.params.org,
        stamp=delivery.start,
    ):
        folder.add(name, content)
        done += number
        tell(done, len(delivery.steps))
    return {"statements": done}


def _write_calendars(
    delivery: Delivery, folder: ExportFolder, tell: Tell
) -> dict[str, int]:
    counts = Counter({"calendars": 0, "reminders": 0})
    index = []
    done = 0
    for item in make_calendars(
        delivery.steps,
        beside=delivery.beside,
        calendar=delivery.nudges.calendar,
        whereabouts=delivery.whereabouts,
        org=delivery.params.org,
        stamp=delivery.start,
    ):
        if item.content:
            folder.add(item.path, item.content)
            index.append([clean_text(item.recipient), item.path, item.reminders])
        counts["calendars"] += bool(item.content)
        counts["reminders"] += item.reminders
        counts["steps without room for a reminder"] += item.dropped
        done = _tell_often(tell, done, item.reminders + item.dropped, delivery.steps)
    folder.add(INDEX, format_csv([["recipient", "file", "reminders"], *index]))
    return dict(counts)


def _write_chat(delivery: Delivery, folder: ExportFolder, tell: Tell) -> dict[str, int]:
    index = []
    for item in delivery.messages:
        folder.add(item.path, item.content)
        index.append([clean_text(item.recipient), item.path])
        if len(index) % _OFTEN == 0:
            tell(len(index), len(delivery.messages))
    folder.add(INDEX, format_csv([["recipient", "file"], *index]))
    return {"messages": len(index)}


def _write_agenda(
    delivery: Delivery, folder: ExportFolder, tell: Tell
) -> dict[str, int]:
    index = []
    people = 0
    for note in make_notes(
        delivery.steps,
        folder=delivery.params.folder,
        organisation=delivery.params.workbench.name,
        quarter=delivery.quarter,
        start=delivery.start,
    ):
        folder.add(f"{note.path}.md", note.markdown)
        folder.add(f"{note.path}.docx", note.word)
        index.append([clean_text(note.manager), f"{note.path}.docx", note.people])
        people = _tell_often(tell, people, note.people, delivery.whereabouts.people)
    folder.add(INDEX, format_csv([["manager", "file", "people"], *index]))
    return {"notes": len(index), "people in notes": people}


def _write_feed(delivery: Delivery, folder: ExportFolder, tell: Tell) -> dict[str, int]:
    rows = list_feed(
        delivery.steps,
        whereabouts=delivery.whereabouts,
        min_group=delivery.params.workbench.privacy.min_group,
    )
    as_json, as_csv = format_feed(rows)
    folder.add("feed.json", as_json)
    folder.add("feed.csv", as_csv)
    tell(1, 1)
    hidden = sum(row["suppressed"] for row in rows)
    return {"groups shown": len(rows) - hidden, "groups kept back": hidden}


def _write_pack(delivery: Delivery, folder: ExportFolder, tell: Tell) -> dict[str, int]:
    """Write the pack of each persona somebody of which has a step to take."""
    personas = sorted({step.persona for step in delivery.steps})
    made = 0
    for number, persona in enumerate(personas, start=1):
        for name, content in make_pack(
            delivery.params,
            persona=persona,
            paths=delivery.paths,
            quarter=delivery.quarter,
            stamp=delivery.start,
        ):
            folder.add(f"{find_file_name(persona)}/{name}", content)
            made += 1
        tell(number, len(personas))
    return {"documents": made}


def _tell_often(
    tell: Tell, done: int, more: int, whole: Sequence[object] | Mapping[str, object]
) -> int:
    """Tell of progress each time some hundreds are full; return how much is done."""
    if (done + more) // _OFTEN > done // _OFTEN:
        tell(done + more, len(whole))
    return done + more


FORMATS: Mapping[str, Callable[[Delivery, ExportFolder, Tell], dict[str, int]]] = {
    "lms": _write_lms,
    "xapi": _write_xapi,
    "calendar": _write_calendars,
    CHAT: _write_chat,
    "agenda": _write_agenda,
    "feed": _write_feed,
    "pack": _write_pack,
}
"""Writers by the name of their folder, in the order in which they run."""
