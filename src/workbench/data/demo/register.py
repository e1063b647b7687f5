"""The register: consent, experiments with their assignments, and costs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from workbench.data.demo.arrays import Array, Columns, Draws
from workbench.data.demo.catalogue import PROGRAMS
from workbench.data.demo.consent import Consent
from workbench.data.demo.delivery import Delivery
from workbench.data.demo.files import CsvFile, split_rows, write_parquet
from workbench.data.demo.ids import number_people
from workbench.data.demo.world import World

__all__ = ["EXPERIMENTS", "write_register"]

EXPERIMENTS = (
    ("exp-first-contact", "individual", "support_l1_new", 0, "kpi_attainment"),
    ("exp-leading-people", "stepped_wedge", "team_leads", 2, "performance_rating"),
)
"""Id, design, persona, position of the programme, primary outcome."""

_PLATFORM_COST = 18_500.0
_TEAM_COST = 31_000.0
_PER_PROGRAM = (9_200.0, 3_100.0, 14_800.0, 7_400.0, 6_900.0)


def write_register(
    world: World, consent: Consent, draws: Draws, delivery: Delivery
) -> None:
    """Write consent, experiments, assignments and costs below ``register/``."""
    _write_consent(world, consent, draws, delivery)
    _write_experiments(world, delivery)
    _write_assignments(world, delivery)
    _write_costs(world, delivery)


def _write_consent(
    world: World, consent: Consent, draws: Draws, delivery: Delivery
) -> None:
    rng = draws.stream("consent_times")
    answered = np.flatnonzero(~np.isnat(consent.decided))
    revoked = np.flatnonzero(~np.isnat(consent.revoked))
    rows: Columns = {
        "number": number_people(np.concatenate([answered, revoked])),
        "granted": np.concatenate(
            [consent.granted[answered], np.zeros(revoked.size, bool)]
        ),
        "day": np.concatenate([consent.decided[answered], consent.revoked[revoked]]),
    }
    seconds = rng.integers(8 * 3600, 18 * 3600, rows["day"].size)
    rows["at"] = rows["day"].astype("datetime64[s]") + seconds.astype("timedelta64[s]")
    name = "register/consent.csv"
    with CsvFile(delivery.folder / name) as file:
        for part in split_rows(rows):
            file.write(delivery.shaper.shape(_CONSENT, part))
        delivery.note_file(name, file.rows)
    size = world.people.count
    refused = int((~consent.granted[answered]).sum())
    delivery.note_wart("consent", "no answer", size - answered.size)
    delivery.note_wart("consent", "refused", refused)
    delivery.note_wart("consent", "revoked later", revoked.size)


_CONSENT = """
select printf('AG%07d', number) as person, 'learning_impact' as purpose,
    case when granted then 'granted' else 'refused' end as decision,
    strftime("at", '%Y-%m-%dT%H:%M:%S') as decided_at
from rows
"""


def _write_experiments(world: World, delivery: Delivery) -> None:
    timeline = world.timeline
    names = ("experiment", "design", "persona", "start", "end", "courses", "primary")
    rows = []
    for number, (code, design, persona, program, outcome) in enumerate(EXPERIMENTS):
        steps = _steps(world, number)
        if not steps.size:
            continue
        courses = "|".join(course.id for course in PROGRAMS[program].courses)
        start = str(timeline.first[steps.min()])
        end = str(timeline.landmark(int(steps.max())))
        rows.append((code, design, persona, start, end, courses, outcome))
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    name = "register/experiments.csv"
    with CsvFile(delivery.folder / name) as file:
        text = [pa.array(list(column), pa.string()) for column in columns]
        file.write(pa.table(dict(zip(names, text, strict=True))))
        delivery.note_file(name, file.rows)


def _steps(world: World, experiment: int) -> Array:
    """List the quarters in which an experiment lets people start."""
    rows = world.assignments
    if not rows:
        return np.array([], int)
    return np.unique(rows["step"][rows["experiment"] == experiment])


def _write_assignments(world: World, delivery: Delivery) -> None:
    rows = world.assignments
    if not rows:
        return
    wedge = rows["experiment"] == 1
    columns = {
        **rows,
        "number": number_people(rows["person"]),
        "starts": world.timeline.first[rows["step"]],
        "assigned": np.where(
            wedge, _first_day(world, wedge), world.timeline.first[rows["step"]]
        ),
    }
    table = delivery.shaper.shape(_ASSIGNMENTS, columns)
    name = "register/assignments.parquet"
    write_parquet(delivery.folder / name, table)
    delivery.note_file(name, table.num_rows)


def _first_day(world: World, wedge: Array) -> np.datetime64:
    """First day of the stepped wedge, on which all its units are drawn."""
    steps = world.assignments["step"][wedge]
    return np.datetime64(world.timeline.first[steps.min() if steps.size else 0])


_ASSIGNMENTS = f"""
select case experiment when 0 then '{EXPERIMENTS[0][0]}' else '{EXPERIMENTS[1][0]}' end
        as experiment,
    printf('AG%07d', number) as person,
    case when experiment = 1 then printf('unit-%05d', "group") end as cluster,
    case when experiment = 1 then printf('wave_%d', arm)
        when arm = 1 then 'treatment' else 'control' end as arm,
    cast(assigned as timestamp) + interval 7 hour as assigned_at,
    case when experiment = 1 then cast(starts as date) end as exposed_from
from rows
"""


def _write_costs(world: World, delivery: Delivery) -> None:
    rows: list[tuple[str, str, str | None, float]] = []
    for quarter in world.timeline.quarters[1:]:
        rows.append((str(quarter), "platform", None, _PLATFORM_COST))
        rows.append((str(quarter), "learning_team", None, _TEAM_COST))
        rows += [
            (str(quarter), "delivery", program.courses[0].id, amount)
            for program, amount in zip(PROGRAMS, _PER_PROGRAM, strict=True)
        ]
    period, item, course, amount = zip(*rows, strict=True)
    name = "register/costs.csv"
    with CsvFile(delivery.folder / name, delimiter=";") as file:
        file.write(
            pa.table(
                {
                    "period": list(period),
                    "item": list(item),
                    "course": pa.array(course, pa.string()),
                    "amount": [f"{value:.2f}".replace(".", ",") for value in amount],
                    "currency": ["EUR"] * len(rows),
                }
            )
        )
        delivery.note_file(name, file.rows)
