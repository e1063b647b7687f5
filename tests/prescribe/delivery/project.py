"""A small organisation with hostile titles, its results, and what tests do to it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.core.params import OrgParams, load_org_params
from workbench.core.quarters import Quarter
from workbench.core.store import Workspace
from workbench.data.load import load_org
from workbench.data.pseudonyms import PseudonymKey, find_key
from workbench.prescribe.actions.signoffs import find_ledger, sign_off
from workbench.prescribe.delivery.export import (
    ExportReport,
    ExportRequest,
    export_quarter,
)
from workbench.prescribe.delivery.steps import Step

QUARTER = Quarter(2026, 3)
STAMP = date(2026, 10, 1)

HOSTILE = (
    "=cmd|'/C calc'!A0",
    "<script>alert(1)</script>",
    "../../x",
    '#image("/etc/passwd")',
    "＝HYPERLINK(1)",
    "\t=1+1",
    "\r\n@SUM(A1)",
    "-2+3",
    "+49 30",
    "{{manager}} and {{#people}}",
    "![x](file:///etc/passwd)",
    "BEGIN:VEVENT\r\nEND:VEVENT; a, b\\n",
    "<!channel> & <https://a.example|b>",
    "\u202egnp.exe",
    "| a | b |",
    "`code` $x$ *y* _z_ ~q~",
    "Größe: Qualität & Öffnung, 日本語",
)
"""Titles as somebody with bad intentions, or an odd catalogue, would write them."""

WORKBENCH = """
name: Small <b>Org</b>
quarter: {first: 2026Q1, last: 2026Q3}
privacy: {lawful_basis: consent, public_data: true, min_group: 5}
"""
PERSONAS = """
- id: sellers
  label: "Sellers, new"
  where: "role = 'seller'"
  priority: 1
  need: to sell
- {id: leads, label: Leads, where: "role = 'lead'", priority: 2}
"""
PROGRAMS = """
- {id: p, personas: [sellers, leads], courses: [c0], complete: {at_least: 1}}
"""
OUTCOMES = "- {id: o, source: performance.rating, kind: continuous}\n"
NUDGES = """
calendar:
  time_zone: Europe/Berlin
  shifts:
    day: {from: "09:00", to: "17:00"}
    night: {from: "22:00", to: "06:00", quiet: [{from: "02:00", to: "03:00"}]}
  places: {york: {time_zone: America/New_York, holidays: [2026-11-26]}}
lms:
  - {id: moodle, preset: moodle_upload, lower: true, remove: "-"}
  - {id: flat, preset: moodle_flat_file}
  - {id: canvas, preset: canvas_sis}
  - {id: own, columns: {user: "{person}", name: "{title}"}, delimiter: ";"}
xapi: {home_page: "https://people.example", activities: "https://learning.example/a"}
"""
MANAGERS = """
behaviours: [{id: coaching, label: Coaching talk, coaching: true}]
practice:
  - {course: c1, task: "use =it<b>", prompt: "What *changed*?", behaviour: coaching}
"""
SOURCE = """
root: extracts
timezone: UTC
sources:
  people: {format: csv, path: people.csv}
  jobs: {format: csv, path: jobs.csv}
  courses: {format: csv, path: courses.csv}
  enrolments: {format: csv, path: enrolments.csv}
  consent: {format: csv, path: consent.csv}
tables:
  employees:
    from: people
    columns: {employee_id: emp, hire_date: start, exit_date: end}
  job_history:
    from: jobs
    columns: {employee_id: emp, effective_date: from, event: what, role: role,
      level: level, location: place, shift: shift, manager_id: boss}
  courses:
    from: courses
    columns: {course_id: id, title: title, modality: kind, effort_hours: hours}
  enrollments:
    from: enrolments
    columns: {enrollment_id: no, employee_id: emp, course_id: course,
      enrolled_at: at, status: state}
  consent:
    from: consent
    columns: {employee_id: emp, purpose: purpose, granted: granted, decided_at: at}
"""

LEADERS = {"E00": range(1, 9), "E09": range(10, 13)}
"""Managers and the numbers of their people: teams of eight and of three."""

PEOPLE = [f"E{number:02}" for number in range(13)]


class DeliveryProject:
    """A project folder that can be exported, and whose parts a test can change."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)

    @property
    def root(self) -> Path:
        return self.workspace.root

    @property
    def params(self) -> OrgParams:
        return load_org_params("small", self.workspace.params)

    @property
    def exports(self) -> Path:
        return self.workspace.outputs / "small" / "exports" / "2026Q3"

    def make(self) -> DeliveryProject:
        """Write parameters, extracts, store and results; approve nothing yet."""
        (self.root / "notebooks").mkdir(parents=True)
        for name, text in (
            ("workbench.yml", WORKBENCH),
            ("personas.yml", PERSONAS),
            ("programs.yml", PROGRAMS),
            ("outcomes.yml", OUTCOMES),
            ("nudges.yml", NUDGES),
            ("managers.yml", MANAGERS),
            ("source.yml", SOURCE),
        ):
            self.write_param(name, text)
        self.write_extracts()
        load_org(self.params, self.workspace)
        self.write_results()
        return self

    def write_param(self, name: str, text: str) -> None:
        path = self.workspace.params / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def write_extracts(
        self, *, refuse: tuple[str, ...] = (), gone: tuple[str, ...] = ()
    ) -> None:
        """Write extracts in which some withdraw consent and some have left."""
        boss = {f"E{n:02}": who for who, team in LEADERS.items() for n in team}
        lines: dict[str, list[str]] = {
            "people.csv": ["emp,start,end"],
            "jobs.csv": ["emp,from,what,role,level,place,shift,boss"],
            "courses.csv": ["id,title,kind,hours", "c0,First,elearning,2"],
            "enrolments.csv": ["no,emp,course,at,state"],
            "consent.csv": ["emp,purpose,granted,at"],
        }
        for number, who in enumerate(PEOPLE):
            end = "2026-09-30" if who in gone else ""
            place = "york" if number % 3 == 0 else "berlin"
            shift = "night" if number % 4 == 0 else "day"
            lines["people.csv"].append(f"{who},2024-01-01,{end}")
            role = "lead" if who in LEADERS else "seller"
            lines["jobs.csv"].append(
                f"{who},2024-01-01,hire,{role},1,{place},{shift},{boss.get(who, '')}"
            )
            lines["enrolments.csv"].append(f"n{who},{who},c0,2026-01-05,enrolled")
            lines["consent.csv"].append(f"{who},learning_impact,true,2024-01-01")
            if who in refuse:
                lines["consent.csv"].append(f"{who},learning_impact,false,2026-11-15")
        folder = self.root / "extracts"
        folder.mkdir(exist_ok=True)
        for name, rows in lines.items():
            (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")

    @cached_property
    def key(self) -> PseudonymKey:
        return find_key(self.params, self.workspace)

    def hash(self, who: str) -> str:
        """Return the pseudonym of an employee id."""
        return self.key.pseudonymise(who)

    def list_actions(self) -> pd.DataFrame:
        """List one learning step per person, and a coaching task per odd one."""
        boss = {f"E{n:02}": who for who, team in LEADERS.items() for n in team}
        return pd.DataFrame(
            {
                "action_id": f"{kind}-{who}",
                "unit": self.hash(who),
                "team": self.hash(boss[who]) if who in boss else None,
                "persona": "leads" if who in LEADERS else "sellers",
                "action": kind,
                "course_id": "c1" if kind == "micro_module" else None,
                "skill": "selling",
                "title": HOSTILE[number % len(HOSTILE)],
                "reason_code": "gap",
                "reason": f"{HOSTILE[(number + 1) % len(HOSTILE)]} of {who}",
                "effort_hours": 2.5,
                "effective_on": date(2026, 10, 1),
                "expires_on": date(2026, 12, 31),
                "status": "approved",
                "signed_by": "somebody",
                "signed_at": "2026-10-01",
            }
            for number, who in enumerate(PEOPLE)
            for kind in ("micro_module", "coaching_task")[: 1 + number % 2]
        )

    def write_results(self, actions: pd.DataFrame | None = None) -> None:
        """Write tables as the stages leave them."""
        table = self.list_actions() if actions is None else actions
        for persona in ("sellers", "leads"):
            folder = self.workspace.stage("small", QUARTER, persona, "prescription")
            folder.mkdir(parents=True, exist_ok=True)
            own = table[table["persona"] == persona]
            own.to_parquet(folder / "actions.parquet", index=False)
        rows = [
            {
                "persona": persona,
                "program": "p",
                "position": place,
                "module": f"c{place}",
                "title": title,
                "modality": "on_the_job",
                "effort_hours": 1.5,
                "explore": place == 1,
                "reason": title,
                "practice": title,
                "behaviour": "coaching",
                "coaching_prompt": title,
            }
            for persona in ("sellers", "leads")
            for place, title in enumerate(HOSTILE[: 2 if persona == "leads" else None])
        ]
        folder = self.workspace.stage("small", QUARTER, "_all", "portfolio")
        folder.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_parquet(folder / "paths.parquet", index=False)

    def approve(self, *ids: str) -> None:
        """Sign off some actions, or all of them."""
        actions = self.list_actions()
        sign_off(
            find_ledger(self.workspace, "small", QUARTER),
            actions,
            action_ids=ids or actions["action_id"].tolist(),
            status="approved",
            by="tests",
            at=datetime(2026, 10, 1, tzinfo=UTC),
        )

    def export(self, **more: Any) -> ExportReport:
        request = ExportRequest(quarter=QUARTER, **more)
        return export_quarter(self.params, self.workspace, request)

    def read_manifest(self, folder: str = "_all") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (self.exports / folder / "manifest.json").read_text(encoding="utf-8")
        )
        return found


STEP = Step(
    action_id="a1",
    key="p" * 32,
    person="p" * 32,
    team_key="m" * 32,
    team="m" * 32,
    persona="sellers",
    kind="micro_module",
    course_id="c1",
    title="First steps",
    reason_code="gap",
    reason="A gap of 12 points",
    effort_hours=2.0,
    starts_on=date(2026, 10, 1),
    ends_on=date(2026, 12, 31),
    practice="use it",
    prompt="What changed?",
)
"""A step to be varied with `vary`."""


def vary(**changes: Any) -> Step:
    return replace(STEP, **changes)
