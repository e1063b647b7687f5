"""Enrolments for learning management systems, as CSV files to be uploaded there."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from workbench.core.nudge_params import LmsFormat
from workbench.prescribe.delivery.lms_presets import fill_preset
from workbench.prescribe.delivery.safe_text import guard_cell, is_plain_id
from workbench.prescribe.delivery.steps import Step

__all__ = ["EnrolmentFile", "format_csv", "list_enrolments", "make_enrolment_file"]

_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentFile:
    """One file for one system.

    Attributes
    ----------
    content : bytes
        UTF-8, lines ending as RFC 4180 says.
    enrolments : int
        Enrolments in it.
    refused : tuple of Step
        Steps whose person or course has an id that no other system should be given;
        to change it would enrol somebody else, or nobody.
    """

    content: bytes
    enrolments: int
    refused: tuple[Step, ...]


def list_enrolments(steps: Sequence[Step]) -> list[Step]:
    """List the steps that are courses, each person and course once."""
    found: dict[tuple[str, str], Step] = {}
    for step in steps:
        if step.course_id and not step.for_manager:
            found.setdefault((step.key, step.course_id), step)
    return list(found.values())


def make_enrolment_file(steps: Sequence[Step], form: LmsFormat) -> EnrolmentFile:
    """Write enrolments in the form of one system.

    Parameters
    ----------
    steps : sequence of Step
        From `list_enrolments`.
    form : LmsFormat
        A preset, or columns of one's own.

    Returns
    -------
    EnrolmentFile
        Rows in the order of the steps; every cell is harmless in a spreadsheet.
    """
    full = fill_preset(form)
    sound, refused = [], []
    for step in steps:
        values = _list_values(step, full)
        plain = is_plain_id(values["person"]) and is_plain_id(values["course"])
        sound.append((step, values)) if plain else refused.append(step)
    if full.layout == "person":
        header, rows = _write_people(sound, full)
    else:
        header = list(full.columns)
        rows = [
            [_fill(text, values) for text in full.columns.values()]
            for _, values in sound
        ]
    lines = [header, *rows] if full.header else rows
    return EnrolmentFile(
        content=format_csv(lines, delimiter=full.delimiter),
        enrolments=len(sound),
        refused=tuple(refused),
    )


def format_csv(rows: Iterable[Sequence[object]], *, delimiter: str = ",") -> bytes:
    """Write rows as quoted CSV (RFC 4180) whose cells no spreadsheet calculates."""
    text = io.StringIO()
    writer = csv.writer(
        text, delimiter=delimiter, lineterminator="\r\n", quoting=csv.QUOTE_ALL
    )
    writer.writerows([guard_cell(str(cell)) for cell in row] for row in rows)
    return text.getvalue().encode()


def _list_values(step: Step, form: LmsFormat) -> dict[str, str]:
    """List what the columns of one enrolment may be filled with."""
    person = step.person.replace(form.remove, "") if form.remove else step.person
    start = datetime.combine(step.starts_on, time(), UTC)
    end = datetime.combine(step.ends_on + timedelta(days=1), time(), UTC)
    return {
        "person": person.lower() if form.lower else person,
        "course": form.courses.get(step.course_id, step.course_id),
        "title": step.title,
        "persona": step.persona,
        "action": step.action_id,
        "role": form.role,
        "days": str(_count_days(step.starts_on, step.ends_on)),
        "starts_on": step.starts_on.isoformat(),
        "ends_on": step.ends_on.isoformat(),
        "starts_at": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "ends_at": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "starts_unix": str(int(start.timestamp())),
        "ends_unix": str(int(end.timestamp())),
    }


def _count_days(first: date, last: date) -> int:
    return (last - first).days + 1


def _fill(text: str, values: dict[str, str]) -> str:
    return _FIELD.sub(lambda match: values[match[1]], text)


def _write_people(
    enrolments: Sequence[tuple[Step, dict[str, str]]], form: LmsFormat
) -> tuple[list[str], list[list[str]]]:
    """Write one row per person, the columns of a course again for each course."""
    people: dict[str, list[dict[str, str]]] = {}
    for step, values in enrolments:
        people.setdefault(step.key, []).append(values)
    single = {name: text for name, text in form.columns.items() if "#" not in name}
    repeated = {name: text for name, text in form.columns.items() if "#" in name}
    most = max(map(len, people.values()), default=1)
    header = [
        *single,
        *(name.replace("#", str(i)) for i in range(1, most + 1) for name in repeated),
    ]
    rows = []
    for own in people.values():
        cells = [_fill(text, own[0]) for text in single.values()]
        cells += [_fill(text, item) for item in own for text in repeated.values()]
        rows.append(cells + [""] * (len(header) - len(cells)))
    return header, rows
