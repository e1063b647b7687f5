"""The LMS: a SQLite database of courses and enrolments, and Parquet files of events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.data.demo.arrays import Array, Columns, Draws
from workbench.data.demo.attempts import CHANNELS, COURSE, STATUSES
from workbench.data.demo.catalogue import ELECTIVES, list_courses
from workbench.data.demo.delivery import Delivery
from workbench.data.demo.files import label, split_rows, write_parquet, write_sqlite
from workbench.data.demo.ids import OUTSIDER, number_people
from workbench.data.demo.world import World

__all__ = ["count_outsiders", "list_enrolments", "write_events", "write_lms"]

(
    _SOUND,
    _TWICE,
    _OUTSIDE,
    _TEST_ACCOUNT,
    _TOO_EARLY,
    _BAD_SCORE,
    _BAD_DATE,
    _NO_COURSE,
) = range(8)
_SHARES = {
    _OUTSIDE: 0.004,
    _TEST_ACCOUNT: 0.001,
    _TOO_EARLY: 0.004,
    _BAD_SCORE: 0.003,
    _BAD_DATE: 0.001,
    _NO_COURSE: 0.001,
}
_DOUBLED = 0.008
_WARTS = {
    _TWICE: ("duplicate enrolment", "duplicate_row"),
    _OUTSIDE: ("person without HRIS row", "unknown_employee"),
    _TEST_ACCOUNT: ("test account", "unknown_employee"),
    _TOO_EARLY: ("completed before enrolment", "impossible_date"),
    _BAD_SCORE: ("score out of range", "out_of_range"),
    _BAD_DATE: ("date that is none", "unreadable_date"),
    _NO_COURSE: ("course that is gone", "unknown_course"),
}
_MODALITIES = {
    "elearning": "WBT",
    "classroom": "Classroom",
    "virtual": "Webinar",
    "blended": "Blended",
    "coaching": "Coaching",
    "on_the_job": "Workplace",
}
_STATES = ("Registered", "Started", "Passed", "Failed", "Cancelled")
_ORIGINS = ("Self", "Supervisor", "Mandatory", "Rule", "Study")
_EVENT_ROWS = 2_000_000
_VERBS = ("launched", "progressed", "answered", "paused", "resumed", "completed")
_VERB_WEIGHTS = np.array([0.12, 0.45, 0.22, 0.1, 0.1, 0.01])
_PER_ENROLMENT = 30


def count_outsiders(size: int) -> int:
    """Count the people that other systems know and the HRIS does not."""
    return max(5, round(size * 0.004))


def write_lms(world: World, draws: Draws, delivery: Delivery) -> None:
    """Write ``lms/lms.sqlite``: ``course``, ``course_tag`` and ``enrolment``."""
    rows = list_enrolments(world, draws)
    tags = [
        (course.id, skill, 1.0) for course in list_courses() for skill in course.skills
    ]
    written = write_sqlite(
        delivery.folder / "lms/lms.sqlite",
        {
            "course": (
                "code text, title text, format text, duration_min real, price real,"
                " setup_cost real, requires text, is_live integer",
                [_list_courses()],
            ),
            "course_tag": (
                "course_code text, tag text, weight real",
                [_transpose(tags, ("course_code", "tag", "weight"))],
            ),
            "enrolment": (
                "id text, user_id text, course_code text, session text, created text,"
                " started text, finished text, grade real, seconds integer,"
                " trainer text, assigned_by text, state text",
                _shape_enrolments(rows, delivery),
            ),
        },
    )
    for table, count in written.items():
        delivery.note_file(f"lms/lms.sqlite/{table}", count)
    for fault, (name, reason) in _WARTS.items():
        count = int((rows["fault"] == fault).sum())
        delivery.note_wart("enrollments", name, count, reason)
    for number, name in ((1, "slashes, no seconds"), (2, "T between date and time")):
        count = int((_format_of(rows["id"]) == number).sum())
        delivery.note_wart("enrollments", f"time with {name}", count)
    untagged = sum(not course.skills for course in list_courses())
    delivery.note_wart("courses", "course without skill tags", untagged)


def list_enrolments(world: World, draws: Draws) -> Columns:
    """List all enrolments with the faulty rows among them.

    Returns
    -------
    Columns
        Those of `World.enrolments`, ``number`` (personnel number), ``id``, and
        ``fault``. A faulty row is a further row: no sound one is spoiled.
    """
    rng = draws.stream("lms")
    sound = world.enrolments
    size = sound["person"].size
    rows = [
        {
            **sound,
            "number": number_people(sound["person"]),
            "fault": np.zeros(size, int),
        }
    ]
    first = COURSE[ELECTIVES[0].id]
    models = np.flatnonzero(
        (sound["course"] >= first) & (sound["status"] == STATUSES.index("completed"))
    )
    for fault, share in _SHARES.items():
        model = rng.choice(models, max(2, round(share * size)))
        copy = {name: values[model] for name, values in rows[0].items()}
        rows.append(_spoil(copy, fault, rng, count_outsiders(world.people.count)))
    joined = {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}
    order = np.argsort(joined["enrolled"], kind="stable")
    joined = {name: values[order] for name, values in joined.items()}
    joined["id"] = 1 + np.arange(order.size)
    sound_rows = np.flatnonzero(joined["fault"] == _SOUND)
    twice = rng.choice(sound_rows, max(2, round(_DOUBLED * size)), replace=False)
    again = {name: values[np.sort(twice)] for name, values in joined.items()}
    again["fault"] = np.full(twice.size, _TWICE)
    return {name: np.concatenate([joined[name], again[name]]) for name in joined}


def _spoil(
    rows: Columns, fault: int, rng: np.random.Generator, outsiders: int
) -> Columns:
    """Put one fault into copies of sound rows."""
    size = rows["person"].size
    rows["fault"] = np.full(size, fault)
    never = np.full(size, np.datetime64("NaT", "s"))
    if fault == _OUTSIDE:
        rows["number"] = OUTSIDER + rng.integers(0, outsiders, size)
    elif fault == _TOO_EARLY:
        early = rng.integers(1, 31, size).astype("timedelta64[D]")
        rows["completed"] = rows["enrolled"] - early
        rows["started"] = never
    elif fault == _BAD_SCORE:
        rows["score"] = rng.choice([-5.0, 104.0, 180.0, 999.0], size)
    elif fault == _BAD_DATE:
        rows["completed"] = never
    return rows


def _list_courses() -> pa.Table:
    rows = [
        (
            course.id,
            course.title,
            _MODALITIES[course.modality],
            course.hours * 60,
            course.unit_cost,
            course.fixed_cost,
            "|".join(course.prerequisites) or None,
            1,
        )
        for course in list_courses()
    ]
    names = ("code", "title", "format", "duration_min", "price", "setup_cost")
    return _transpose(rows, (*names, "requires", "is_live"))


def _transpose(rows: list[tuple[Any, ...]], names: tuple[str, ...]) -> pa.Table:
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _shape_enrolments(rows: Columns, delivery: Delivery) -> Iterator[pa.Table]:
    """Write enrolments as the LMS does, in parts."""
    codes = [course.id for course in list_courses()]
    for part in split_rows(rows):
        columns = {
            **part,
            "format": _format_of(part["id"]),
            "course": label(part["course"], codes),
            "assigned": label(part["channel"], _ORIGINS[: len(CHANNELS)]),
            "state": label(part["status"], _STATES[: len(STATUSES)]),
        }
        yield delivery.shaper.shape(_ENROLMENTS, columns)


def _format_of(number: Array) -> Array:
    """Choose how the times of a row are written: mostly as usual."""
    return np.where(number % 10 < 7, 0, np.where(number % 10 < 9, 1, 2))


_TIME = (
    "case format when 0 then strftime({0}, '%Y-%m-%d %H:%M:%S')"
    " when 1 then strftime({0}, '%d/%m/%Y %H:%M')"
    " else strftime({0}, '%Y-%m-%dT%H:%M:%S') end"
)
_ENROLMENTS = f"""
select printf('E-%09d', id) as id,
    case when fault = {_TEST_ACCOUNT} then printf('test%02d', id % 20)
        else printf('ag%07d', number) end as user_id,
    case when fault = {_NO_COURSE} then 'old-77' else cast(course as varchar) end
        as course_code,
    case when trainer > 0 then printf('%s/%d-%d', course, year(enrolled),
        quarter(enrolled)) end as session,
    {_TIME.format("enrolled")} as created, {_TIME.format("started")} as started,
    case when fault = {_BAD_DATE} then '0000-00-00 00:00:00'
        else {_TIME.format("completed")} end as finished,
    score as grade, cast(round(minutes * 60) as bigint) as seconds,
    case when trainer > 0 then printf('T%02d', trainer) end as trainer,
    assigned as assigned_by, state
from rows
"""


def write_events(
    world: World, draws: Draws, delivery: Delivery, *, per_person: int | None
) -> None:
    """Write ``lms/events/quarter=…/part-….parquet``, one folder per quarter.

    Parameters
    ----------
    world, draws, delivery
        What happened, and where it goes.
    per_person : int, optional
        Events per person ever employed, spread over all enrolments; by default 30
        per enrolment.
    """
    rows = world.enrolments
    total = rows["person"].size
    wanted = (
        total * _PER_ENROLMENT
        if per_person is None
        else world.people.count * per_person
    )
    if not wanted:
        return
    edges = np.round(np.arange(total + 1) * (wanted / total)).astype(np.int64)
    for step, quarter in enumerate(world.timeline.quarters):
        mine = np.flatnonzero(rows["step"] == step)
        size = max(1, int(_EVENT_ROWS / max(wanted / total, 1.0)))
        for number, part in enumerate(split_rows({"row": mine}, size)):
            rng = draws.stream("events", step * 10_000 + number)
            counts = np.diff(edges)[part["row"]]
            table = _draw_events(rows, np.repeat(part["row"], counts), rng)
            name = f"lms/events/quarter={quarter}/part-{number:03d}.parquet"
            write_parquet(delivery.folder / name, table)
            delivery.note_file("lms/events", table.num_rows)


def _draw_events(rows: Columns, row: Array, rng: np.random.Generator) -> pa.Table:
    """Draw the events of enrolments, one per entry of `row`."""
    begins = rows["enrolled"][row].astype("datetime64[ms]")
    ends = rows["completed"][row].astype("datetime64[ms]")
    open_end = begins + np.timedelta64(5 * 24 * 3600 * 1000, "ms")
    span = (np.where(np.isnat(ends), open_end, ends) - begins).astype(np.int64)
    at = begins + (rng.random(row.size, np.float32) * span).astype("timedelta64[ms]")
    edges = np.cumsum(_VERB_WEIGHTS).astype(np.float32)
    verb = np.searchsorted(edges[:-1], rng.random(row.size, np.float32), side="right")
    codes = [course.id for course in list_courses()]
    return pa.table(
        {
            "actor": pa.array(number_people(rows["person"][row]).astype(np.int32)),
            "course": label(rows["course"][row].astype(np.int16), codes),
            "occurred": pa.array(at),
            "verb": label(verb.astype(np.int8), _VERBS),
            "duration_s": np.round(
                rng.exponential(90.0, row.size).astype(np.float32), 1
            ),
        }
    )
