"""The HRIS: personnel master and job history, Latin-1, semicolons, decimal comma."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.data.demo.arrays import Array, Columns, Draws
from workbench.data.demo.careers import EVENTS, EXIT_TYPES
from workbench.data.demo.delivery import Delivery
from workbench.data.demo.files import CsvFile, label, split_rows
from workbench.data.demo.identity import MAIL_SQL, Identity
from workbench.data.demo.ids import number_people, sql_hris_id
from workbench.data.demo.settings import FAMILIES, LEVELS, ROLES, SHIFTS, SITES
from workbench.data.demo.world import World

__all__ = ["write_hris"]

_EVENTS = {
    "hire": "Einstellung",
    "change": "Änderung",
    "transfer": "Versetzung",
    "promotion": "Beförderung",
    "exit": "Austritt",
}
_REASONS = {"voluntary": "K1", "involuntary": "K2", "other": "RE"}
_GENDERS = ("W", "M", "D")
_SHIFTS = {"day": "Früh", "late": "Spät", "night": "Nacht"}
_REGRET_FROM = 3.6
_ISO_EVERY = 7
_CANDIDATE = 8_000_001

_DATE = f"case when {{key}} % {_ISO_EVERY} = 0 then strftime({{date}}, '%Y-%m-%d') " + (
    "else strftime({date}, '%d.%m.%Y') end"
)


def write_hris(
    world: World, identity: Identity, draws: Draws, delivery: Delivery
) -> None:
    """Write ``hris/personnel_master.csv`` and ``hris/job_history.csv``."""
    _write_people(world, identity, draws, delivery)
    _write_jobs(world, draws, delivery)


def _write_people(
    world: World, identity: Identity, draws: Draws, delivery: Delivery
) -> None:
    rng = draws.stream("hris")
    size = world.people.count
    person = np.arange(size)
    doubled = _some(rng, size, 0.0005)
    candidates = max(3, size // 200)
    waiting = rng.integers(0, size, candidates)
    missing = rng.random((2, size))
    gender = np.where(missing[0] < 0.02, -1, world.people.gender)
    born = np.where(missing[1] < 0.01, np.nan, world.people.birth_year)
    rows: Columns = {
        "person": np.concatenate([person, person[doubled], waiting]),
        "candidate": np.zeros(size + doubled.size + candidates, int),
    }
    rows["candidate"][size + doubled.size :] = np.arange(candidates) + _CANDIDATE
    name = "hris/personnel_master.csv"
    with CsvFile(delivery.folder / name, delimiter=";", encoding="latin-1") as file:
        for part in split_rows(rows):
            columns = _describe_people(world, identity, part, gender, born)
            file.write(delivery.shaper.shape(_PEOPLE, columns))
        delivery.note_file(name, file.rows)
    delivery.note_wart("employees", "duplicate row", doubled.size, "duplicate_row")
    delivery.note_wart("employees", "candidate", candidates)
    iso = (number_people(rows["person"]) % _ISO_EVERY == 0) & (rows["candidate"] == 0)
    delivery.note_wart("employees", "date in another format", int(iso.sum()))


def _describe_people(
    world: World, identity: Identity, part: Columns, gender: Array, born: Array
) -> dict[str, Any]:
    """Give the columns of the personnel master for one part of its rows."""
    who = part["person"]
    state = world.state
    waiting = part["candidate"] > 0
    kind = np.where(waiting, -1, state.exit_type[who])
    never = np.datetime64("NaT", "D")
    last = np.nan_to_num(state.rating[who])
    regret = np.where((kind == 0) & (last > 0), last >= _REGRET_FROM, -1).astype(int)
    return {
        **identity.mail_columns(who),
        **identity.name_columns(who),
        "shown": np.where(waiting, part["candidate"], number_people(who)),
        "waiting": waiting,
        "born": born[who],
        "gender": label(np.where(waiting, -1, gender[who]), _GENDERS),
        "hired": np.where(waiting, never, world.people.hire_date[who]),
        "left": np.where(waiting, never, state.exit_date[who]),
        "reason": label(kind, [_REASONS[name] for name in EXIT_TYPES]),
        "regret": label(regret, ("N", "J")),
        "parking": label(world.people.parking[who].astype(int), ("N", "J")),
    }


_PEOPLE = f"""
select {sql_hris_id("shown")} as PERSNR,
    case when waiting then 'Bewerber' when "left" is null then 'aktiv'
        else 'ausgeschieden' end as STATUS,
    family as NACHNAME, given as VORNAME, {MAIL_SQL} as E_MAIL,
    cast(born as integer) as GEBURTSJAHR,
    coalesce(cast(gender as varchar), 'NA') as GESCHLECHT,
    {_DATE.format(key="number", date="hired")} as EINTRITT,
    {_DATE.format(key="number", date='"left"')} as AUSTRITT,
    reason as AUSTRITTSGRUND, regret as BEDAUERT, parking as PARKAUSWEIS
from rows
"""


def _write_jobs(world: World, draws: Draws, delivery: Delivery) -> None:
    rng = draws.stream("hris_jobs")
    jobs = world.jobs
    order = np.lexsort((jobs["date"], jobs["person"]))
    doubled = _some(rng, order.size, 0.0003)
    order = np.concatenate([order, order[doubled]])
    name = "hris/job_history.csv"
    with CsvFile(delivery.folder / name, delimiter=";", encoding="latin-1") as file:
        for part in split_rows({"row": order}):
            row = {key: values[part["row"]] for key, values in jobs.items()}
            file.write(delivery.shaper.shape(_JOBS, _describe_jobs(row)))
        delivery.note_file(name, file.rows)
    delivery.note_wart("job_history", "duplicate row", doubled.size, "duplicate_row")
    days = jobs["date"][order].astype("datetime64[D]").astype(int)
    other = int((days % _ISO_EVERY == 0).sum())
    delivery.note_wart("job_history", "date in another format", other)


def _describe_jobs(row: Columns) -> dict[str, Any]:
    """Give the columns of the job history."""
    day = row["date"].astype("datetime64[D]")
    return {
        "number": number_people(row["person"]),
        "date": day,
        "key": day.astype(int),
        "event": label(row["event"], [_EVENTS[name] for name in EVENTS]),
        "role": label(row["role"], [role.label for role in ROLES]),
        "level": label(row["level"].astype(int) - 1, LEVELS),
        "family": label(row["family"], FAMILIES),
        "site": label(row["site"], [site.label for site in SITES]),
        "region": label(row["site"], [site.region for site in SITES]),
        "shift": label(row["shift"], [_SHIFTS[name] for name in SHIFTS]),
        "fte": row["fte"],
        "manager": np.where(row["manager"] < 0, -1, number_people(row["manager"])),
    }


_JOBS = f"""
select {sql_hris_id("number")} as PERSNR,
    {_DATE.format(key="key", date="date")} as GUELTIG_AB, event as MASSNAHME,
    role as STELLE, level as STUFE, family as BEREICH, site as STANDORT,
    region as REGION, shift as SCHICHT,
    case when manager >= 0 then {sql_hris_id("manager")} end as VORGESETZTER,
    replace(printf('%.2f', fte), '.', ',') as "BESCHÄFTIGUNGSGRAD"
from rows
"""


def _some(rng: np.random.Generator, size: int, share: float) -> Array:
    """Choose a share of positions, at least two, in order."""
    count = min(size, max(2, round(size * share)))
    return np.sort(rng.choice(size, count, replace=False))
