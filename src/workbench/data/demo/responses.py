"""Surveys and the managers' log, exported by a service in another time zone."""

from __future__ import annotations

import numpy as np

from workbench.data.demo.arrays import Columns, Draws, stamp
from workbench.data.demo.catalogue import list_courses
from workbench.data.demo.delivery import Delivery
from workbench.data.demo.feedback import (
    ACTIONS,
    INSTRUMENTS,
    draw_actions,
    draw_surveys,
    list_comments,
)
from workbench.data.demo.files import CsvFile, label, split_rows
from workbench.data.demo.ids import OUTSIDER, number_people
from workbench.data.demo.lms import count_outsiders
from workbench.data.demo.world import World

__all__ = ["write_responses"]

_FORMS = {
    "learner_nps": "Course feedback",
    "manager_nps": "Upward feedback",
    "engagement": "Pulse",
}
_ACTIVITIES = {
    "one_to_one": "1:1 talk",
    "coaching": "Coaching",
    "practice_task": "Practice task",
    "feedback_note": "Written feedback",
    "shadowing": "Shadowing",
}
_TOO_MANY = 11.0


def write_responses(world: World, draws: Draws, delivery: Delivery) -> None:
    """Write ``surveys/responses.csv`` and ``surveys/manager_log.csv``."""
    _write_answers(world, draws, delivery)
    _write_log(world, draws, delivery)


def _write_answers(world: World, draws: Draws, delivery: Delivery) -> None:
    rng = draws.stream("responses")
    sound = draw_surveys(world, draws)
    sound["number"] = number_people(sound["person"])
    size = sound["number"].size
    outsiders = count_outsiders(world.people.count)
    learner = np.flatnonzero(sound["instrument"] == INSTRUMENTS.index("learner_nps"))
    bad = max(2, size // 2000)
    parts = [sound]
    unknown = _copy(sound, rng.choice(learner, outsiders))
    unknown["number"] = OUTSIDER + np.arange(outsiders)
    spoilt = _copy(sound, rng.choice(learner, bad))
    spoilt["score"] = np.full(bad, _TOO_MANY)
    parts += [unknown, spoilt]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in sound}
    rows = _copy(rows, np.argsort(rows["at"], kind="stable"))
    codes = [course.id for course in list_courses()]
    name = "surveys/responses.csv"
    with CsvFile(delivery.folder / name) as file:
        for part in split_rows(rows):
            columns = {
                **part,
                "form": label(part["instrument"], [_FORMS[key] for key in INSTRUMENTS]),
                "course": label(part["course"], codes),
                "comment": label(part["comment"], list_comments()),
            }
            file.write(delivery.shaper.shape(_ANSWERS, columns))
        delivery.note_file(name, file.rows)
    delivery.note_wart(
        "surveys", "person without HRIS row", outsiders, "unknown_employee"
    )
    delivery.note_wart("surveys", "score above 10", bad, "out_of_range")


def _copy(rows: Columns, at: np.ndarray) -> Columns:
    return {name: values[at] for name, values in rows.items()}


_ANSWERS = """
select printf('P%d', number) as respondent,
    strftime("at", '%Y-%m-%d %H:%M:%S') as sent_at, cast(form as varchar) as form,
    cast(score as integer) as score, cast(course as varchar) as course,
    cast(comment as varchar) as comment
from rows
"""


def _write_log(world: World, draws: Draws, delivery: Delivery) -> None:
    rng = draws.stream("manager_log")
    rows = draw_actions(world, draws)
    rows["at"] = stamp(rows["date"], rng)
    rows = _copy(rows, np.argsort(rows["at"], kind="stable"))
    codes = [course.id for course in list_courses()]
    name = "surveys/manager_log.csv"
    with CsvFile(delivery.folder / name) as file:
        for part in split_rows(rows):
            columns = {
                "manager": number_people(part["manager"]),
                "number": number_people(part["person"]),
                "at": part["at"],
                "activity": label(
                    part["action"], [_ACTIVITIES[key] for key in ACTIONS]
                ),
                "course": label(part["course"], codes),
            }
            file.write(delivery.shaper.shape(_LOG, columns))
        delivery.note_file(name, file.rows)


_LOG = """
select printf('P%d', manager) as supervisor, printf('P%d', number) as team_member,
    strftime("at", '%m/%d/%Y %I:%M %p') as logged_at, cast(activity as varchar)
    as activity, cast(course as varchar) as course
from rows
"""
