"""The skills platform: people by e-mail address, proficiency from 0 to 10, UTC."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from workbench.data.demo.arrays import Columns, Draws
from workbench.data.demo.catalogue import list_courses
from workbench.data.demo.delivery import Delivery
from workbench.data.demo.files import CsvFile, label, split_rows
from workbench.data.demo.identity import MAIL_SQL, Identity
from workbench.data.demo.ids import OUTSIDER
from workbench.data.demo.lms import count_outsiders
from workbench.data.demo.outcomes import ASSESSMENT_KINDS
from workbench.data.demo.settings import ROLES
from workbench.data.demo.world import World

__all__ = ["write_platform"]

_SKILLS = [name for role in ROLES for name, _ in role.skills]
_KINDS = {"periodic": "REG", "pre": "PRE", "post": "POST"}
_TOO_HIGH = 10.8
_PARTS = 125_000


def write_platform(
    world: World, identity: Identity, draws: Draws, delivery: Delivery
) -> None:
    """Write assessments by quarter, role profiles and times to proficiency."""
    _write_assessments(world, identity, draws, delivery)
    _write_profiles(delivery)
    _write_spells(world, identity, delivery)


def _write_assessments(
    world: World, identity: Identity, draws: Draws, delivery: Delivery
) -> None:
    rng = draws.stream("platform")
    day = world.skills["at"].astype("datetime64[D]")
    step = np.searchsorted(world.timeline.first, day, side="right") - 1
    outsiders = count_outsiders(world.people.count)
    bad = max(2, world.people.count // 500)
    for number, quarter in enumerate(world.timeline.quarters):
        path = delivery.folder / f"skills/assessments_{quarter}.csv"
        mine = np.flatnonzero(step == number)
        with CsvFile(path) as file:
            for part in split_rows({"row": mine}, _PARTS):
                rows = {key: item[part["row"]] for key, item in world.skills.items()}
                columns = _describe(rows, identity)
                file.write(delivery.shaper.shape(_ASSESSMENTS, columns))
            if number == world.timeline.count - 1:
                model = rng.choice(mine, outsiders + bad)
                rows = {key: item[model] for key, item in world.skills.items()}
                file.write(_spoil(rows, identity, outsiders, delivery))
            delivery.note_file("skills/assessments", file.rows)
    delivery.note_wart(
        "skill_assessments", "person without HRIS row", outsiders, "unknown_employee"
    )
    delivery.note_wart("skill_assessments", "above the scale", bad, "out_of_range")


def _spoil(
    rows: Columns, identity: Identity, outsiders: int, delivery: Delivery
) -> pa.Table:
    """Put faults into copies of sound rows: unknown people, then impossible values."""
    size = rows["person"].size
    rows = {**rows, "at": rows["at"].astype("datetime64[D]") + np.timedelta64(23, "h")}
    table = delivery.shaper.shape(_ASSESSMENTS, _describe(rows, identity))
    # four skills per row: of each, the first one is kept
    table = table.take(pa.array(4 * np.arange(size)))
    mails = table["user"].to_pylist()
    scores = table["score"].to_pylist()
    for at in range(size):
        if at < outsiders:
            mails[at] = f"extern.{OUTSIDER + at}@partner.example"
        else:
            scores[at] = f"{_TOO_HIGH:.4f}"
    table = table.set_column(0, "user", pa.array(mails))
    return table.set_column(2, "score", pa.array(scores))


def _describe(rows: Columns, identity: Identity) -> dict[str, Any]:
    """Give one row per assessed skill."""
    each = np.repeat(np.arange(rows["person"].size), 4)
    slot = np.tile(np.arange(4), rows["person"].size)
    scores = np.column_stack([rows[f"skill_{number}"] for number in range(4)])
    codes = [course.id for course in list_courses()]
    return {
        **identity.mail_columns(rows["person"][each]),
        "skill": label(rows["role"][each] * 4 + slot, _SKILLS),
        "value": scores.ravel(),
        "at": rows["at"][each].astype("datetime64[s]"),
        "kind": label(rows["kind"][each], [_KINDS[name] for name in ASSESSMENT_KINDS]),
        "course": label(rows["course"][each], codes),
    }


_ASSESSMENTS = f"""
select {MAIL_SQL} as "user", cast(skill as varchar) as skill,
    printf('%.4f', value / 10) as score,
    strftime("at", '%Y-%m-%d %H:%M:%S') as taken_at, cast(kind as varchar) as type,
    cast(course as varchar) as course
from rows
"""


def _write_profiles(delivery: Delivery) -> None:
    rows = [
        (role.id.upper(), skill, f"{required / 10:.1f}")
        for role in ROLES
        for skill, required in role.skills
    ]
    columns = list(zip(*rows, strict=True))
    names = ("role_code", "skill", "required")
    name = "skills/role_profiles.csv"
    with CsvFile(delivery.folder / name) as file:
        file.write(pa.table(dict(zip(names, map(list, columns), strict=True))))
        delivery.note_file(name, file.rows)


def _write_spells(world: World, identity: Identity, delivery: Delivery) -> None:
    name = "skills/time_to_proficiency.csv"
    with CsvFile(delivery.folder / name) as file:
        for part in split_rows(world.spells):
            columns = {
                **identity.mail_columns(part["person"]),
                "role": label(part["role"], [role.id.upper() for role in ROLES]),
                "start": part["role_start"],
                "reached": part["proficient"],
            }
            file.write(delivery.shaper.shape(_SPELLS, columns))
        delivery.note_file(name, file.rows)


_SPELLS = f"""
select {MAIL_SQL} as "user", cast(role as varchar) as role_code,
    strftime(start, '%Y-%m-%d') as started, strftime(reached, '%Y-%m-%d') as reached
from rows
"""
