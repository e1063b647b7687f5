"""The command that exports: its options, what it says, and what it refuses."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from tests.prescribe.delivery.project import PEOPLE, DeliveryProject
from workbench.cli import app
from workbench.data.reidentify import read_access_log
from workbench.prescribe.delivery.export import export_quarter


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return DeliveryProject(tmp_path_factory.mktemp("cli") / "made").make()


@pytest.fixture
def project(template, tmp_path, monkeypatch):
    """An approved copy that commands are called within, on a day in the quarter."""
    shutil.copytree(template.root, tmp_path / "project")
    made = DeliveryProject(tmp_path / "project")
    made.approve()
    monkeypatch.chdir(made.root)
    monkeypatch.setattr(
        "workbench.cli.export_commands._read_calendar", lambda: date(2026, 9, 30)
    )
    return made


def call(*words):
    return CliRunner().invoke(
        app, ["export", "2026Q3", "--org", "small", *map(str, words)]
    )


def fail(*words):
    """Call a command that must fail with a message and no traceback."""
    result = call(*words)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.stderr


def test_formats_are_exported_and_counted(project):
    result = call("--only", "lms, feed")
    assert result.exit_code == 0, result.output
    assert "18 approved steps of 13 people" in result.output
    assert "enrolments in moodle.csv" in result.output
    assert "nobody leads the person" in result.output
    assert str(project.exports / "_all") in result.output
    folders = {p.name for p in (project.exports / "_all").iterdir() if p.is_dir()}
    assert folders == {"lms", "feed"}


def test_a_folder_and_a_first_day_can_be_given(project, tmp_path):
    result = call("--only", "xapi", "--to", tmp_path / "out", "--from", "2026-12-01")
    assert result.exit_code == 0, result.output
    (path,) = (tmp_path / "out" / "xapi").iterdir()
    stamps = {item["timestamp"] for item in json.loads(path.read_text())}
    assert stamps == {"2026-12-01T00:00:00Z"}


def test_a_first_day_that_has_passed_is_said(project, monkeypatch):
    assert "has passed" not in call("--only", "feed").output
    monkeypatch.setattr(
        "workbench.cli.export_commands._read_calendar", lambda: date(2026, 11, 30)
    )
    assert "--from 2026-11-30 or later" in call("--only", "feed").output


def test_an_export_of_nothing_says_so(project):
    result = call("--only", "feed", "--status", "proposed")
    assert result.exit_code == 0
    assert "No action is proposed and can be delivered" in result.output


def test_ids_take_a_name_and_a_purpose_and_are_logged(project):
    words = ("--only", "lms", "--identify")
    assert "--by" in fail(*words, "--purpose", "enrolment")
    assert "--purpose" in fail(*words, "--by", "operations")
    assert read_access_log(project.workspace, "small") == []
    result = call(*words, "--by", "operations", "--purpose", "enrolment")
    assert result.exit_code == 0, result.output
    assert "The files name people" in result.output
    (row,) = read_access_log(project.workspace, "small")
    assert (row["by"], row["what"]) == ("operations", "export 2026Q3: lms")
    text = (project.exports / "_identified/_all/lms/canvas.csv").read_text()
    assert all(f',"{who}",' in text for who in PEOPLE)


def test_a_name_without_identify_is_half_a_question(project):
    assert "belong to --identify" in fail("--by", "operations")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--only", "fax"), "There is no such format"),
        (("--only", ","), "There is no such format"),
        (("--from", "tomorrow"), "This is not a day"),
        (("--persona", "nobody"), "There is no persona 'nobody'"),
        (("--send", "http://chat.example/x"), "cannot be sent to this address"),
        (("--send", "https://c.example", "--only", "lms"), "none are exported"),
        (("--send", "https://c.example", "--status", "proposed"), "Only approved"),
        (("--send", "https://c.example", "--from", "2026-09-29"), "--from 2026-09-30"),
        (("--send", "env"), "The environment holds no webhook"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    template, monkeypatch, words, message
):
    project = template
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(
        "workbench.cli.export_commands._read_calendar", lambda: date(2026, 9, 30)
    )
    monkeypatch.delenv("WORKBENCH_WEBHOOK", raising=False)
    assert message in fail(*words)
    assert not project.exports.exists()


class Hook(BaseHTTPRequestHandler):
    """Takes messages, or answers with the status of its class."""

    status = 200
    got: list[bytes]

    def do_POST(self) -> None:
        self.got.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def hook():
    handler = type("OwnHook", (Hook,), {"got": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    handler.address = f"http://127.0.0.1:{server.server_port}/hook"
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_messages_are_sent_once_and_are_those_in_the_files(project, hook):
    project.write_param("nudges.yml", "chat: {pause: 0, attempts: 1}\n")
    words = ("--only", "chat", "--send", hook.address)
    first = call(*words)
    assert first.exit_code == 0, first.output
    assert "2 messages sent, 0 had been sent before" in first.output
    files = (project.exports / "_all" / "chat").rglob("*.json")
    assert sorted(hook.got) == sorted(path.read_bytes() for path in files)
    assert hook.address not in first.output
    assert "0 messages sent, 2 had been sent before" in call(*words).output
    assert len(hook.got) == 2


def test_a_preview_beside_an_export_is_never_sent(project, hook, monkeypatch):
    """What is posted is what this command wrote, whatever lies in the folder since."""
    project.write_param("nudges.yml", "chat: {pause: 0, attempts: 1}\n")

    def meddle(*words, **more):
        report = export_quarter(*words, **more)
        for path in (report.root / "chat").rglob("*.json"):
            path.write_text('{"text": "nobody approved this"}')
        return report

    monkeypatch.setattr("workbench.prescribe.delivery.export.export_quarter", meddle)
    assert call("--only", "chat", "--send", hook.address).exit_code == 0
    assert len(hook.got) == 2
    assert b"nobody approved this" not in b"".join(hook.got)


def test_the_address_can_come_from_the_environment(project, hook, monkeypatch):
    project.write_param("nudges.yml", "chat: {pause: 0, attempts: 1}\n")
    monkeypatch.setenv("WORKBENCH_WEBHOOK", hook.address)
    assert call("--only", "chat").exit_code == 0
    assert hook.got == []
    assert "2 messages sent" in call("--only", "chat", "--send", "env").output


def test_a_message_without_an_answer_may_arrive_twice_and_this_is_said(project):
    project.write_param("nudges.yml", "chat: {pause: 0, timeout: 0.1}\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        result = call("--only", "chat", "--send", address)
    assert result.exit_code == 1
    assert "may then arrive twice" in result.output


def test_messages_that_are_not_taken_end_in_a_failure(project, hook):
    project.write_param("nudges.yml", "chat: {pause: 0, attempts: 1}\n")
    hook.status = 500
    result = call("--only", "chat", "--send", hook.address)
    assert result.exit_code == 1
    assert "2 were not taken; the same command tries again" in result.output
    assert "status 500 at attempt 1" in result.output


def test_nothing_is_sent_without_being_asked(project, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("http.client.HTTPConnection.connect", refuse)
    assert call("--only", "chat").exit_code == 0
