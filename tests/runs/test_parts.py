"""The parts of a run that need no kernel of papermill: folders, status, progress."""

from __future__ import annotations

import io
import subprocess
from datetime import date
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec
from rich.console import Console

from workbench.core.errors import StageError
from workbench.runs.folders import (
    clear_leftovers,
    lock_quarter,
    make_beside,
    put_in_place,
)
from workbench.runs.kernels import OwnKernelManager
from workbench.runs.plan import plan_quarter
from workbench.runs.pool import build_environment
from workbench.runs.progress import LiveProgress, show_progress
from workbench.runs.provenance import read_commit
from workbench.runs.report import RunReport, TaskOutcome
from workbench.runs.status import read_status


def outcome(status="done", ran=True, **more):
    return TaskOutcome(
        stage="psm",
        persona="leads",
        status=status,
        ran=ran,
        notebook=Path("notebooks/03_psm.ipynb"),
        **more,
    )


def test_a_filled_folder_takes_the_place_of_the_old_one(tmp_path):
    target = tmp_path / "psm"
    for text in ("old", "new"):
        filled = make_beside(target)
        (filled / "a.txt").write_text(text)
        (filled / text).write_text("")
        put_in_place(filled, target)
    assert sorted(path.name for path in target.iterdir()) == ["a.txt", "new"]
    assert (target / "a.txt").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["psm"]
    assert target.stat().st_mode & 0o777 == 0o755


def test_leftovers_are_cleared_and_results_are_not(tmp_path):
    kept = tmp_path / "leads" / "psm"
    kept.mkdir(parents=True)
    (make_beside(kept) / "half.parquet").write_text("half")
    with clear_leftovers(tmp_path):
        assert [path.name for path in (tmp_path / "leads").iterdir()] == ["psm"]
        make_beside(kept)
    assert [path.name for path in (tmp_path / "leads").iterdir()] == ["psm"]


def test_a_quarter_is_locked_once_and_free_again(tmp_path):
    with lock_quarter(tmp_path), pytest.raises(StageError, match="Another run"):
        lock_quarter(tmp_path).__enter__()
    with lock_quarter(tmp_path):
        assert (tmp_path / ".run.lock").is_file()


def test_the_status_of_a_quarter_never_run(project):
    states = read_status(project.params, project.workspace, project.quarter, pages=True)
    assert {item.status for item in states} == {"missing"}
    assert [item.stage for item in states][:3] == ["audit", "personas", "psm"]
    assert "brief_index" in [item.stage for item in states]


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_names_stage_persona_and_what_happened(project, terminal):
    told = io.StringIO()
    console = Console(file=told, force_terminal=terminal, width=120, no_color=True)
    task = plan_quarter(project.params, project.workspace, project.quarter)[2]
    with show_progress(console, 2) as progress:
        assert isinstance(progress, LiveProgress) is terminal
        progress.begin(task, "changed: inputs")
        progress.end(task, outcome(seconds=2.5))
        progress.end(task, outcome("failed", reason="bad\nworse", seconds=1))
    text = told.getvalue()
    assert "psm" in text
    assert "2.5 s" in text
    assert "failed  1.0 s  bad" in text
    assert "worse" not in text


def test_progress_without_a_console_is_silent(project, capsys):
    task = plan_quarter(project.params, project.workspace, project.quarter)[0]
    with show_progress(None, 1) as progress:
        progress.begin(task, "never run")
        progress.end(task, outcome())
    assert capsys.readouterr() == ("", "")


def test_a_report_counts_kept_results_apart():
    outcomes = [outcome(), outcome(ran=False), outcome("skipped", ran=False)]
    report = RunReport(org="acme", quarter="2026Q3", outcomes=outcomes, seconds=1)
    assert report.count() == {"done": 1, "unchanged": 1, "skipped": 1}
    assert not report.ok
    assert report.bad == outcomes[2:]


def test_kernels_run_this_interpreter_over_sockets_where_paths_allow(
    tmp_path, monkeypatch
):
    short = OwnKernelManager(kernel_name="python3")
    assert isinstance(short.kernel_spec, KernelSpec)
    assert short.transport == "ipc"
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    assert OwnKernelManager(kernel_name="python3").transport == "tcp"


def test_the_environment_of_a_run_is_pinned(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("HOME", str(tmp_path))
    made = build_environment(Path("project"), date(2026, 9, 30), tmp_path)
    assert made["OMP_NUM_THREADS"] == "1"
    assert "MPLBACKEND" not in made
    assert made["HOME"] == str(tmp_path)
    assert made["WORKBENCH_PROJECT"] == "project"


def test_a_project_outside_git_has_no_commit(tmp_path):
    assert read_commit(tmp_path) == {"commit": None, "dirty": None}


def test_a_commit_is_named_and_changes_to_it_are_noticed(tmp_path):
    def git(*words):
        given = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", tmp_path, *given, *words], check=True)

    git("init", "-q")
    (tmp_path / "a.txt").write_text("a")
    git("add", "a.txt")
    git("commit", "-q", "-m", "a")
    clean = read_commit(tmp_path)
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (tmp_path / "a.txt").write_text("b")
    assert read_commit(tmp_path) == {"commit": clean["commit"], "dirty": True}
