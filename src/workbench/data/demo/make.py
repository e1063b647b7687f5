"""Making the demo organisation: simulate, export, and write the truth apart."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.core.errors import ParamError
from workbench.core.quarters import Quarter
from workbench.core.store import write_json, write_parquet
from workbench.data.demo.arrays import Draws
from workbench.data.demo.consent import Consent, draw_consent
from workbench.data.demo.delivery import Delivery, Wart
from workbench.data.demo.files import Shaper
from workbench.data.demo.hris import write_hris
from workbench.data.demo.identity import draw_identity
from workbench.data.demo.learning import COACHED, UNCOACHED
from workbench.data.demo.lms import write_events, write_lms
from workbench.data.demo.platform import write_platform
from workbench.data.demo.register import write_register
from workbench.data.demo.responses import write_responses
from workbench.data.demo.reviews import write_reviews
from workbench.data.demo.simulation import simulate
from workbench.data.demo.truth import (
    list_learners,
    tabulate_effects,
    tabulate_modules,
    tabulate_people,
)
from workbench.data.demo.world import World

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["MOTIVATION", "DemoSummary", "make_demo"]

MOTIVATION = 0.1
"""Default strength of unmeasured motivation: too weak to be seen in an estimate."""

_FEWEST = 60
_MOST = 1_250_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSummary:
    """What was made.

    Attributes
    ----------
    folder, truth_folder : Path
        Where the extracts and the truth lie.
    employees : int
        People ever employed.
    first, last : str
        Reported quarters.
    files : dict
        File, table of a database or pattern of files to its rows.
    warts : tuple of Wart
        Every fault put in on purpose.
    reviews : str
        ``excel``; ``csv`` where one sheet could not hold the reviews: the source
        ``reviews`` of ``source.yml`` must then read ``reviews/ratings_*.csv``.
    """

    folder: Path
    truth_folder: Path
    employees: int
    first: str
    last: str
    files: Mapping[str, int]
    warts: tuple[Wart, ...]
    reviews: str


def make_demo(
    folder: Path,
    truth_folder: Path,
    *,
    employees: int = 4000,
    quarters: int = 8,
    last: str = "2026Q3",
    seed: int = 7,
    motivation: float = MOTIVATION,
    events_per_person: int | None = None,
    console: Console | None = None,
) -> DemoSummary:
    """Make the extracts of six systems of a synthetic organisation, and its truth.

    Parameters
    ----------
    folder : Path
        For the extracts: ``hris/``, ``lms/``, ``reviews/``, ``skills/``,
        ``surveys/``, ``register/`` and ``delivery_note.csv``. What an earlier demo
        left under these names is replaced.
    truth_folder : Path
        For ``truth.json`` and Parquet tables of true effects; not within `folder`.
    employees : int
        People ever employed, 60 to 1,250,000.
    quarters : int
        Reported quarters, 2 to 40; reviews and skills begin one quarter earlier.
    last : str
        Last of them.
    seed : int
        Same seed, same bytes.
    motivation : float
        Strength of unmeasured motivation on learning and on outcomes: 0 for none,
        1 biases adjusted ratings by about 0.05 points.
    events_per_person : int, optional
        Size of the activity stream; by default 30 events per enrolment, with 0 none.
    console : rich.console.Console, optional
        Is told what is being done.

    Returns
    -------
    DemoSummary
        Rows per file and counts of every fault.

    Raises
    ------
    ParamError
        If a number is out of range or the truth would lie among the extracts.
    """
    quarter = Quarter.parse(last)
    _check(folder, truth_folder, employees, quarters, motivation, events_per_person)
    tell = console.print if console is not None else _keep_quiet
    tell(f"Simulating {employees:,} people over {quarters} quarters")
    world = simulate(
        employees=employees,
        last=quarter,
        quarters=quarters,
        seed=seed,
        motivation=motivation,
    )
    draws = Draws(seed)
    consent = draw_consent(world.people, world.timeline, world.state, draws)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as temporary:
        delivery = Delivery(folder=Path(temporary), shaper=Shaper())
        reviews = _export(world, consent, draws, delivery, events_per_person, tell)
        _replace(delivery.folder, folder)
    summary = DemoSummary(
        folder=folder,
        truth_folder=truth_folder,
        employees=employees,
        first=str(world.timeline.quarters[1]),
        last=str(quarter),
        files=dict(sorted(delivery.files.items())),
        warts=tuple(delivery.warts),
        reviews=reviews,
    )
    tell("Writing the truth")
    settings = {"seed": seed, "motivation": motivation, "quarters": quarters}
    _write_truth(world, consent, summary, settings)
    return summary


def _export(
    world: World,
    consent: Consent,
    draws: Draws,
    delivery: Delivery,
    events_per_person: int | None,
    tell: Callable[[str], object],
) -> str:
    """Write all extracts; return the format of the reviews."""
    identity = draw_identity(world.people.count, draws)
    tell("Exporting HRIS and reviews")
    write_hris(world, identity, draws, delivery)
    reviews = write_reviews(world, draws, delivery)
    tell("Exporting LMS")
    write_lms(world, draws, delivery)
    write_events(world, draws, delivery, per_person=events_per_person)
    tell("Exporting skills, surveys and register")
    write_platform(world, identity, draws, delivery)
    write_responses(world, draws, delivery)
    write_register(world, consent, draws, delivery)
    delivery.write_note()
    delivery.shaper.close()
    return reviews


def _replace(source: Path, target: Path) -> None:
    """Move finished extracts into place, over those of an earlier demo."""
    for item in sorted(source.iterdir()):
        old = target / item.name
        if old.is_dir():
            shutil.rmtree(old)
        item.replace(old)


def _write_truth(
    world: World, consent: Consent, summary: DemoSummary, settings: dict[str, Any]
) -> None:
    """Write the truth's tables, and what is small of it once more as JSON."""
    folder = summary.truth_folder
    people = tabulate_people(world, consent)
    learners = list_learners(world, consent)
    effects = tabulate_effects(people)
    modules = tabulate_modules(world, consent)
    write_parquet(folder / "truth_people.parquet", people)
    write_parquet(folder / "truth_learners.parquet", learners)
    write_parquet(folder / "truth_effects.parquet", effects)
    write_parquet(folder / "truth_modules.parquet", modules)
    pooled = effects[effects["exposure_quarter"] == "reported"]
    write_json(
        folder / "truth.json",
        {
            "schema": 1,
            "employees": summary.employees,
            "first": summary.first,
            "last": summary.last,
            **settings,
            "contrast": "att: learnt in the quarter, against not learning for as long "
            "as the outcome is followed; att_diluted: against learning later as usual; "
            "consenting learners employed at the landmark",
            "effects": _to_records(pooled),
            "effects_by_quarter": _to_records(
                effects[effects["exposure_quarter"] != "reported"]
            ),
            "modules": _to_records(modules),
            "mediation": {
                "without_coaching": UNCOACHED,
                "coaching_adds": COACHED,
                "learners_coached": _mean(learners, "coached"),
            },
            "consenting": int(consent.held_on(world.timeline.end).sum()),
            "files": dict(summary.files),
            "warts": [asdict(wart) for wart in summary.warts],
        },
    )


def _to_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn a table into JSON's records; a missing number is null."""
    records: list[dict[str, Any]] = json.loads(
        table.to_json(orient="records", double_precision=10)
    )
    return records


def _mean(table: pd.DataFrame, column: str) -> float | None:
    return float(table[column].mean()) if len(table) else None


def _check(
    folder: Path,
    truth_folder: Path,
    employees: int,
    quarters: int,
    motivation: float,
    events_per_person: int | None,
) -> None:
    """Refuse numbers and folders that cannot be meant."""
    ranges = (
        ("employees", employees, _FEWEST, _MOST),
        ("quarters", quarters, 2, 40),
        ("motivation", motivation, 0, 5),
        ("events_per_person", events_per_person or 0, 0, 1000),
    )
    for name, value, low, high in ranges:
        if not low <= value <= high:
            raise ParamError.build(
                f"The demo cannot be made with this number of {name}",
                rule=f"{low:,} to {high:,}",
                got=value,
            )
    if truth_folder.resolve().is_relative_to(folder.resolve()):
        raise ParamError.build(
            "The truth would lie among the extracts",
            where=str(truth_folder),
            rule=f"a folder outside {folder}",
        )


def _keep_quiet(_text: str) -> None:
    """Say nothing."""
