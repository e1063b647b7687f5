"""The command line: what it prints, how it ends, and that bad input gets a message."""

from __future__ import annotations

import inspect
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from tests.runs.conftest import SAVE, make_project
from workbench.cli import app
from workbench.cli.examples import EXAMPLES, format_examples
from workbench.core.stages import PAGES, STAGES
from workbench.runs.report import RunReport, TaskOutcome


def list_commands(group, before=""):
    """All commands by what is typed to call them, such as ``actions list``."""
    found = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        typed = f"{before}{name}"
        found |= (
            {typed: command} if inner is None else list_commands(command, f"{typed} ")
        )
    return found


COMMANDS = list_commands(get_command(app))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A loaded project; commands are called from within it."""
    made = make_project(tmp_path)
    monkeypatch.chdir(made.root)
    monkeypatch.delenv("WORKBENCH_ORG", raising=False)
    return made


@dataclass
class Report:
    """What a load says when nothing has changed."""

    org: str = "acme"
    skipped: bool = True


@pytest.fixture
def loaded(project, monkeypatch):
    """A project whose data are up to date; what loads were asked for is kept."""
    asked = []

    def load_org(params, workspace, **more):
        asked.append(more)
        return Report(params.org)

    monkeypatch.setattr("workbench.data.load.load_org", load_org)
    project.asked = asked
    return project


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def fail(*words, code=1):
    """Call a command that must fail with a message and no traceback."""
    result = call(*words)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.stderr


def test_help_is_there_at_once():
    began = time.monotonic()
    command = [sys.executable, "-c", "from workbench.cli import app; app()", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert time.monotonic() - began < 5
    assert all(f"  {name.split()[0]} " in done.stdout for name in EXAMPLES)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples_and_a_project(name):
    text = call(*name.split(), "--help").output
    assert f"  workbench {name}" in text.split("Examples:")[1]
    assert "--project FOLDER" in text


def test_examples_are_of_commands_that_exist_with_options_they_know():
    assert set(EXAMPLES) == set(COMMANDS)
    for name, lines in EXAMPLES.items():
        known = {flag for option in COMMANDS[name].params for flag in option.opts}
        for line in lines:
            words = line.split()
            assert line.startswith(f"workbench {name}")
            assert {word for word in words if word.startswith("--")} <= known


def test_the_readme_names_every_command():
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
    unnamed = [name for name in COMMANDS if f"workbench {name}" not in text]
    assert set(unnamed) <= {"demo", "load"}, "make brief and run stand for these two"


def test_examples_keep_their_lines():
    assert format_examples("lab").startswith("\b\nExamples:\n  workbench lab\n")


def test_the_version_is_said():
    from workbench import __version__

    assert call("--version").output == f"workbench {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Usage"),
        (("fly",), "No such command 'fly'"),
        (("run",), "Missing argument 'QUARTER'"),
        (("run", "2026Q3"), "Missing option '--org'"),
        (
            ("run", "2026Q3", "--org", "acme", "--jobs", "0"),
            "greater than or equal to 1",
        ),
        (("run", "2026Q3", "--org", "acme", "--jobs", "two"), "valid integer"),
        (("run", "2026Q3", "--org", "acme", "--fast"), "No such option"),
        (("brief", "2026Q3", "--org", "acme", "--renderer", "word"), "not one of"),
    ],
)
def test_wrong_usage_ends_with_code_2(project, words, message):
    result = call(*words)
    assert result.exit_code == 2
    assert message in result.output


ACME = ("--org", "acme")


def count_tasks(stages):
    """Notebooks of two personas."""
    return sum(2 if item.per_persona else 1 for item in stages)


TASKS = count_tasks(STAGES)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "2026Q3", "--org", "nobody"), "There is no organisation 'nobody'"),
        (("run", "2026Q3", "--org", "../etc"), "cannot be the name of an organisation"),
        (("run", "26Q3", *ACME), "This is not a quarter"),
        (("run", "2026Q5", *ACME), "This is not a quarter"),
        (("run", "2031Q1", *ACME), "2031Q1 is not a quarter of acme"),
        (("run", "2026Q3", *ACME, "--persona", "ghosts"), "no persona 'ghosts'"),
        (("run", "2026Q3", *ACME, "--stage", "pms"), "There is no stage 'pms'"),
        (("status", "--org", "nobody"), "There is no organisation 'nobody'"),
        (("status", "today", *ACME), "This is not a quarter"),
        (("brief", "26Q3", *ACME), "This is not a quarter"),
        (("brief", "2026Q3", *ACME), "There are no results of 2026Q3"),
        (("load", "--org", "nobody"), "There is no organisation 'nobody'"),
        (("load", *ACME), "source.yml"),
        (("check", "--org", "nobody"), "There is no organisation 'nobody'"),
        (("demo", "--employees", "3"), "employees"),
        (("demo", "--quarters", "0"), "quarters"),
        (("lab", "notebooks/99_none.ipynb"), "JupyterLab cannot open this"),
        (("lab", "/"), "JupyterLab cannot open this"),
        (("status", *ACME, "--project", "/"), "No workbench project found"),
    ],
)
def test_bad_input_ends_with_code_1_and_a_message(project, words, message):
    assert message in fail(*words)
    assert not (project.workspace.outputs / "acme" / "2026Q3").exists()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("workbench.yml", "nam: Acme", "nam: unknown key"),
        ("workbench.yml", "name: [", "not valid YAML"),
        ("personas.yml", "", "parameter file is empty"),
        ("outcomes.yml", "- {id: Rating}", "outcomes.yml:1"),
        ("programs.yml", None, "A parameter file is missing"),
    ],
)
def test_a_fault_in_a_parameter_file_is_shown_with_its_place(
    project, file, text, message
):
    path = project.params.folder / file
    path.unlink() if text is None else path.write_text(text)
    told = fail("run", "2026Q3", *ACME)
    assert message in told
    assert file in told


def test_a_run_loads_runs_and_says_so(loaded):
    result = call("run", "2026Q3", *ACME, "--jobs", "2", "--extracts", "elsewhere")
    assert result.exit_code == 0, result.output
    assert "The data of acme are unchanged." in result.output
    assert f"[{TASKS}/{TASKS}]" in result.output
    assert f"2026Q3 of acme: {TASKS} done in" in result.output
    assert str(loaded.asked[0]["extracts"]) == "elsewhere"
    again = call("run", "2026Q3", *ACME)
    assert f"2026Q3 of acme: {TASKS} unchanged in" in again.output
    assert call("status", *ACME).output.count("done") == TASKS


def test_a_run_that_fails_shows_where_why_and_how_to_open_it(loaded):
    loaded.write_notebook("03_psm.ipynb", "x = 1", "raise KeyError('grade')")
    result = call("run", "2026Q3", *ACME, "--persona", "leads")
    assert result.exit_code == 1
    table = " ".join(result.output.split())
    assert "psm leads failed notebooks/03_psm.ipynb 4 KeyError: 'grade'" in table
    assert "> raise KeyError('grade')" in table
    opened = "outputs/acme/2026Q3/leads/psm/failed.ipynb"
    assert f"workbench lab {opened}" in result.output
    assert (loaded.root / opened).is_file()
    # the portfolio of the quarter is that of all personas, so that theirs are run too
    assert "2026Q3 of acme: 5 done, 2 failed, 6 skipped in" in result.output


def test_the_status_tells_what_was_never_run_and_what_is_out_of_date(loaded):
    assert call("status", *ACME).output.count("missing") == TASKS + count_tasks(PAGES)
    assert call("run", "2026Q3", *ACME, "--stage", "audit").exit_code == 0
    loaded.write_notebook("01_data_audit.ipynb", SAVE, "x = 1")
    told = call("status", "2026Q3", *ACME).output
    assert "out of date" in told
    assert "changed: notebook" in told


@dataclass(frozen=True)
class Published:
    """What publishing gives back."""

    index: Path = Path("briefs/index.html")


def report_pages(status, reason=""):
    """A report of one page that ended so."""
    page = TaskOutcome(
        stage="brief_index",
        persona="_all",
        status=status,
        ran=True,
        notebook=Path("notebooks/brief/index.ipynb"),
        reason=reason,
    )
    return RunReport(org="acme", quarter="2026Q3", outcomes=[page], seconds=1)


def test_a_brief_is_published_after_its_pages_and_shown_where_it_is(
    project, monkeypatch
):
    wanted = []

    def publish(params, workspace, quarter, *, renderer, console):
        wanted.append(renderer)
        return Published()

    monkeypatch.setattr("workbench.brief.site.publish", publish)
    pages = {"report": report_pages("done")}
    monkeypatch.setattr(
        "workbench.runs.execute.run_pages", lambda *_, **__: pages["report"]
    )
    result = call("brief", "2026Q3", *ACME, "--renderer", "builtin")
    assert result.exit_code == 0, result.output
    assert "To read it, open\n  briefs/index.html" in result.output
    pages["report"] = report_pages("failed", "no results")
    assert "no results" in call("brief", "2026Q3", *ACME).output
    assert call("brief", "2026Q3", *ACME).exit_code == 1
    assert wanted == ["builtin"]


def test_lab_opens_a_notebook_below_the_project(project, monkeypatch):
    started = []
    monkeypatch.setattr("os.execv", lambda _, words: started.append(words))
    assert call("lab", "notebooks/03_psm.ipynb", "--no-browser").exit_code == 0
    assert call("lab").exit_code == 0
    first, second = started
    assert first[0] == sys.executable
    assert f"--ServerApp.root_dir={project.root}" in first
    assert "--LabApp.default_url=/lab/tree/notebooks/03_psm.ipynb" in first
    assert "--no-browser" in first
    assert "--LabApp.default_url=/lab/tree/notebooks" in second


def test_an_interrupt_is_told_from_a_failure(project, monkeypatch):
    def interrupt(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("workbench.runs.status.read_status", interrupt)
    assert "What has finished is kept" in fail("status", *ACME, code=130)


def test_an_unexpected_error_is_not_hidden(project, monkeypatch):
    def crash(*_args, **_more):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("workbench.runs.status.read_status", crash)
    result = call("status", *ACME)
    assert isinstance(result.exception, ZeroDivisionError)


def test_defaults_of_the_demo_are_those_of_the_library():
    from workbench.data.demo import make_demo

    known = inspect.signature(make_demo).parameters
    for option in COMMANDS["demo"].params:
        name = {"events": "events_per_person"}.get(option.name, option.name)
        if name in known:
            assert option.default == known[name].default
