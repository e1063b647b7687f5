"""The whole way from results to files: what goes out, to whom, and on what terms."""

from __future__ import annotations

import csv
import hashlib
import json
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import icalendar
import pytest

from tests.prescribe.delivery.project import (
    HOSTILE,
    LEADERS,
    PEOPLE,
    QUARTER,
    DeliveryProject,
)
from workbench.core.errors import MissingColumnError, ParamError, SourceError
from workbench.data.load import load_org
from workbench.data.reidentify import Access, read_access_log
from workbench.prescribe.delivery.formats import FORMATS

FAST = ("lms", "xapi", "calendar", "chat", "feed")
"""Formats without documents, whose making takes seconds."""

ACCESS = Access(
    by="learning operations",
    purpose="enrolment",
    what="export",
    at=datetime(2026, 11, 30, 9, tzinfo=UTC),
)


def read_all(root: Path) -> dict[str, bytes]:
    """Read every visible file below a folder."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_format_is_written_hashed_and_the_same_the_second_time(project):
    project.approve("micro_module-E01", "coaching_task-E01", "micro_module-E10")
    report = project.export()
    first = read_all(report.root)
    assert set(report.counts) == set(FORMATS)
    assert {path.split("/")[0] for path in first} == {*FORMATS, "manifest.json"}
    manifest = json.loads(first.pop("manifest.json"))
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in first.items()}
    assert manifest["files"] == hashes
    assert manifest["complete"] is True
    assert manifest["identified"] is False
    assert set(manifest["formats"]) == set(FORMATS)
    again = project.export()
    second = read_all(again.root)
    assert json.loads(second.pop("manifest.json")) == manifest
    assert second == first
    assert again == report


def test_nothing_is_exported_without_a_sign_off(project):
    """The table says approved; only the ledger of sign-offs counts."""
    report = project.export()
    assert (report.steps, report.people) == (0, 0)
    assert report.left_out == {"not approved": len(project.list_actions())}
    files = read_all(report.root)
    assert not [name for name in files if name.endswith((".ics", ".md", ".docx"))]
    for who in PEOPLE:
        assert not [
            n for n, data in files.items() if project.hash(who).encode() in data
        ]
    assert report.counts["pack"] == {"documents": 0}


def test_only_what_is_approved_is_exported(project):
    project.approve("micro_module-E01", "micro_module-E10")
    report = project.export(formats=FAST)
    assert (report.steps, report.people) == (2, 2)
    users = {row["username"] for row in read_csv(report.root / "lms/moodle.csv")}
    assert users == {project.hash("E01"), project.hash("E10")}


def test_a_preview_shows_what_is_proposed_but_never_with_ids(project):
    project.approve("micro_module-E01")
    report = project.export(formats=("lms",), status="proposed")
    assert report.steps == len(project.list_actions()) - 2
    assert report.left_out == {"not proposed": 1, "nobody leads the person": 1}
    assert report.root == project.exports / "_proposed" / "_all"
    assert project.export(formats=("lms",)).root == project.exports / "_all"
    with pytest.raises(ParamError, match="Only approved actions are exported with"):
        project.export(status="proposed", access=ACCESS)


def test_a_managers_note_holds_the_own_team_and_nobody_else(approved):
    root = approved.export(formats=("agenda",)).root
    rows = read_csv(root / "agenda/index.csv")
    notes = {row["manager"]: row["file"].removesuffix(".docx") for row in rows}
    assert set(notes) == {approved.hash(who) for who in LEADERS}
    for who, team in LEADERS.items():
        text = (root / "agenda" / f"{notes[approved.hash(who)]}.md").read_text()
        own = {f"E{number:02}" for number in team}
        for person in PEOPLE:
            shown = approved.hash(person) in text
            assert shown == (person in own or person == who), person


def test_a_team_is_the_one_of_the_day_not_of_the_table(approved):
    """Who has moved to another manager since is in that one's note."""
    jobs = approved.root / "extracts" / "jobs.csv"
    moved = "E01,2026-09-30,transfer,seller,1,berlin,day,E09\n"
    jobs.write_text(jobs.read_text() + moved)
    load_org(approved.params, approved.workspace)
    root = approved.export(formats=("agenda",)).root
    notes = {row["manager"]: row["file"] for row in read_csv(root / "agenda/index.csv")}
    for who, expected in (("E00", False), ("E09", True)):
        path = root / "agenda" / notes[approved.hash(who)]
        text = path.with_suffix(".md").read_text()
        assert (approved.hash("E01") in text) is expected


def test_a_manager_who_has_left_gets_nothing(approved):
    """The jobs still name the manager; the people's own steps go on."""
    approved.write_extracts(gone=("E00",))
    load_org(approved.params, approved.workspace)
    report = approved.export(formats=("calendar", "chat", "agenda"))
    for path, data in read_all(report.root).items():
        assert approved.hash("E00").encode() not in data, path
    assert report.left_out["nobody leads the person"] == 4 + 1
    assert report.people == len(PEOPLE) - 1


def test_a_manager_without_consent_keeps_a_label(approved):
    approved.write_extracts(refuse=("E00",))
    load_org(approved.params, approved.workspace)
    root = approved.export(formats=("agenda",)).root
    managers = {row["manager"] for row in read_csv(root / "agenda/index.csv")}
    (label,) = managers - {approved.hash("E09")}
    assert label.startswith("team-")


def test_limits_of_reminders_hold_over_the_exports_of_all_personas(approved):
    """A manager's own step is of one persona, those of the team of another."""
    events = {
        persona: read_events(
            approved.export(formats=("calendar",), persona=persona).root,
            approved.hash("E00"),
        )
        for persona in ("sellers", "leads", None)
    }
    assert len(events["sellers"]) == 4
    assert len(events["leads"]) == 1
    assert events["sellers"] | events["leads"] == events[None]


def read_events(root: Path, recipient: str) -> dict[str, datetime]:
    """Read when each event of a recipient begins."""
    rows = read_csv(root / "calendar/index.csv")
    (path,) = (row["file"] for row in rows if row["recipient"] == recipient)
    content = (root / "calendar" / path).read_bytes()
    return {
        str(event["UID"]): event.decoded("DTSTART")
        for event in icalendar.Calendar.from_ical(content).walk("VEVENT")
    }


def test_a_persona_without_results_takes_up_no_room(approved):
    folder = approved.workspace.stage("small", QUARTER, "sellers", "prescription")
    (folder / "actions.parquet").unlink()
    assert approved.export(formats=("calendar",), persona="leads").people == 2


def test_messages_to_be_sent_are_those_that_were_written(approved):
    report = approved.export(formats=("chat",))
    written = {path.read_bytes() for path in (report.root / "chat").rglob("*.json")}
    assert {item.content for item in report.messages} == written
    assert {item.recipient for item in report.messages} == set(
        map(approved.hash, LEADERS)
    )
    assert approved.export(formats=("lms",)).messages == ()


def test_who_withdrew_consent_or_left_since_gets_nothing(approved):
    approved.write_extracts(refuse=("E01",), gone=("E02",))
    load_org(approved.params, approved.workspace)
    report = approved.export(formats=FAST)
    assert report.left_out["person has left, or withdrew consent"] == 3
    files = read_all(report.root)
    for who, expected in (("E01", False), ("E02", False), ("E03", True)):
        found = [n for n, data in files.items() if approved.hash(who).encode() in data]
        assert bool(found) is expected, who


def test_what_has_expired_on_the_first_day_is_left_out(approved):
    report = approved.export(formats=("lms",), start=date(2027, 1, 1))
    assert report.steps == 0
    assert set(report.left_out) == {"expired"}


def test_one_persona_has_a_folder_of_its_own(approved):
    report = approved.export(formats=("lms",), persona="leads")
    assert report.root == approved.exports / "leads"
    assert report.people == len(LEADERS)
    with pytest.raises(ParamError, match="There is no persona 'nobody'"):
        approved.export(persona="nobody")


def test_some_formats_leave_the_others_as_they_were(approved):
    approved.export(formats=("lms", "feed"))
    before = approved.read_manifest()["files"]
    approved.export(formats=("feed",), start=date(2026, 12, 1))
    manifest = approved.read_manifest()
    assert manifest["files"] == before
    first = {name: facts["from"] for name, facts in manifest["formats"].items()}
    assert first == {"lms": "2026-10-01", "feed": "2026-12-01"}
    with pytest.raises(ParamError, match="There is no such format"):
        approved.export(formats=("lms", "fax"))


def test_people_are_pseudonyms_unless_identified_and_that_is_logged(approved):
    plain = approved.export(formats=FAST)
    text = b"".join(read_all(plain.root).values())
    assert not any(f'"{who}"'.encode() in text for who in PEOPLE)
    assert not read_access_log(approved.workspace, "small")
    named = approved.export(formats=(*FAST, "agenda"), access=ACCESS)
    assert named.root == approved.exports / "_identified" / "_all"
    users = {row["username"] for row in read_csv(named.root / "lms/moodle.csv")}
    assert users == {who.lower() for who in PEOPLE}
    canvas = {row["user_id"] for row in read_csv(named.root / "lms/canvas.csv")}
    assert canvas == set(PEOPLE)
    for name, data in read_all(named.root).items():
        assert not [who for who in PEOPLE if approved.hash(who).encode() in data], name
    log = read_access_log(approved.workspace, "small")
    assert [(row["by"], row["asked"], row["found"]) for row in log] == [
        ("learning operations", 13, 13)
    ]


def test_files_that_name_people_are_for_their_owner_only(approved):
    root = approved.export(formats=("lms",), access=ACCESS).root
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert stat.S_IMODE((root / "lms").stat().st_mode) == 0o700
    for path in (root / "lms/moodle.csv", root / "manifest.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_who_is_not_in_the_extract_is_left_out_when_identified(approved):
    people = approved.root / "extracts" / "people.csv"
    lines = [line for line in people.read_text().splitlines() if "E03" not in line]
    people.write_text("\n".join(lines) + "\n")
    report = approved.export(formats=("lms",), access=ACCESS)
    assert report.left_out["person is not in the extract"] == 2


def test_hostile_titles_change_no_file_but_its_text(approved):
    root = approved.export(formats=FAST).root
    names = {path.name for path in root.rglob("*")}
    assert not any(".." in name or "cmd" in name for name in names)
    for path in root.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            delimiter = ";" if path.name == "own.csv" else ","
            cells = [c for row in csv.reader(file, delimiter=delimiter) for c in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]
        assert not [cell for cell in cells if cell.startswith("＝")]
    for path in (*root.rglob("*.json"), *root.rglob("*.ics")):
        assert b"<script" not in path.read_bytes()
    titles = [row["name"] for row in read_own(root)]
    assert titles[0].startswith("'=cmd")
    assert len(titles) == len(PEOPLE) <= len(HOSTILE)


def read_own(root: Path) -> list[dict[str, str]]:
    with (root / "lms/own.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return sorted(rows, key=lambda row: "=cmd" not in row["name"])


def test_results_that_are_not_there_are_asked_for(approved):
    for path in approved.workspace.outputs.rglob("actions.parquet"):
        path.unlink()
    with pytest.raises(SourceError, match=r"workbench run 2026Q3 --org small"):
        approved.export()


def test_a_table_without_a_column_is_refused(approved):
    approved.write_results(approved.list_actions().drop(columns="expires_on"))
    with pytest.raises(MissingColumnError, match=r"'expires_on'"):
        approved.export()


def test_an_error_leaves_the_export_of_before(approved):
    before = read_all(approved.export(formats=("lms", "agenda")).root)
    before.pop("manifest.json")
    approved.write_param("templates/agenda.md", "{{nobody}}\n")
    with pytest.raises(ParamError, match=r"agenda\.md:1"):
        approved.export(formats=("agenda",))
    after = read_all(approved.exports / "_all")
    assert json.loads(after.pop("manifest.json"))["complete"] is False
    assert after == before
    assert isinstance(approved, DeliveryProject)
