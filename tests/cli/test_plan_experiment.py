"""Planning an experiment from the command line."""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from tests.cohorts.planning_store import make_planned
from workbench.cli import app
from workbench.core.params import load_org_params

ORG = ("plan-experiment", "--org", "planned")
AGENTS = (*ORG, "--persona", "agents", "--program", "talking")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make_planned(tmp_path_factory.mktemp("cli"))


@pytest.fixture
def project(workspace, monkeypatch):
    monkeypatch.chdir(workspace.root)
    yield workspace
    shutil.rmtree(workspace.params / "planned" / "experiments", ignore_errors=True)


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def fail(*words):
    result = call(*words)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def test_a_plan_within_reach_is_shown_and_registered(project):
    result = call(*AGENTS, "--effect", "0.4", "--per-quarter", "200")
    assert result.exit_code == 0, result.output
    told = " ".join(result.output.split())
    assert "Agents: talking Rating; data up to 2026Q3" in told
    assert "effect of completing it 0.4 points more" in told
    assert "30 people offered it in earlier experiments" in told
    assert "Within reach:" in told
    assert "2026-10-01 to" in told
    path = project.params / "planned" / "experiments" / "talking_2026q4.yml"
    assert str(path) in result.output
    (written,) = load_org_params("planned", project.params).registrations
    assert written.experiment == "talking_2026q4"
    assert written.primary_outcome == "rating"
    assert written.smallest_effect == pytest.approx(0.4 * 0.5)
    assert f"{written.people} people give" in told
    before = path.read_bytes()
    again = fail(*AGENTS, "--effect", "0.5", "--per-quarter", "200")
    assert "registered already" in again
    assert path.read_bytes() == before
    forced = call(*AGENTS, "--effect", "0.5", "--per-quarter", "200", "--force")
    assert forced.exit_code == 0
    assert path.read_bytes() != before


def test_a_dry_run_shows_the_file_and_writes_nothing(project):
    result = call(*AGENTS, "--effect", "12%", "--per-quarter", "500", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "Nothing is written." in result.output
    assert "\nexperiment: talking_2026q4\n" in result.output
    assert not (project.params / "planned" / "experiments").exists()


def test_out_of_reach_ends_with_code_1_and_says_what_could_be_found(project):
    result = call(*AGENTS, "--quarters", "1")
    assert result.exit_code == 1
    told = " ".join(result.output.split())
    assert "Out of reach:" in told
    assert "Nothing is registered" in told
    assert "80% power is an effect of" in told
    found = told.split("--effect ")[1].split(".  ")[0].split(". ")[0]
    assert not (project.params / "planned" / "experiments").exists()
    again = call(*AGENTS, "--quarters", "1", "--effect", found, "--dry-run")
    assert again.exit_code == 0, again.output


def test_teams_and_waves_can_be_planned(project):
    teams = call(*AGENTS, "--design", "cluster", "--effect", "0.7", "--dry-run")
    assert "teams, about" in teams.output
    wedge = call(*AGENTS, "--design", "stepped_wedge", "--effect", "0.6", "--dry-run")
    assert wedge.exit_code == 0, wedge.output
    assert "in 4 waves" in wedge.output
    assert "steps:" in wedge.output
    assert "read every week" not in wedge.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*ORG, "--persona", "ghosts"), "no persona 'ghosts'"),
        ((*ORG, "--persona", "agents"), "agents has 2 programmes"),
        ((*ORG, "--persona", "agents", "--program", "x"), "no programme 'x'"),
        ((*AGENTS, "--outcome", "joy"), "There is no outcome 'joy'"),
        ((*AGENTS, "--outcome", "days"), "cannot be planned on days"),
        ((*AGENTS, "--outcome", "stayed"), "Everybody has the same outcome"),
        ((*AGENTS, "--outcome", "slow"), "No quarter's window of slow has closed"),
        ((*AGENTS, "--effect", "much"), "not the size of an effect"),
        ((*AGENTS, "--effect=-0.2"), "An effect to be found is above 0"),
        ((*AGENTS, "--allocation", "1"), "allocation 1: between 0 and 1"),
        ((*AGENTS, "--power", "2"), "do not make a test"),
        ((*AGENTS, "--uptake", "0.02"), "the offer changes nothing"),
        ((*AGENTS, "--name", "../x"), "cannot be the name of an experiment"),
        ((*AGENTS, "--quarter", "2031Q1"), "2031Q1 is not a quarter of planned"),
    ],
)
def test_what_cannot_be_planned_ends_with_code_1_and_a_message(project, words, message):
    assert message in fail(*words)
    assert not (project.params / "planned" / "experiments").exists()


def test_without_data_it_says_how_to_load_them(project, tmp_path):
    store = project.store("planned")
    moved = store.rename(tmp_path / "store")
    try:
        assert "load the organisation first" in fail(*AGENTS)
    finally:
        moved.rename(store)


def test_an_outcome_without_a_threshold_needs_an_effect(project):
    text = project.params / "planned" / "outcomes.yml"
    before = text.read_text()
    text.write_text(before.replace(", threshold: {relative: 0.05}", ""))
    try:
        assert "has no threshold to plan for" in fail(*AGENTS)
    finally:
        text.write_text(before)


def test_a_name_taken_by_another_file_is_refused(project):
    folder = project.params / "planned" / "experiments"
    call(*AGENTS, "--effect", "0.5", "--per-quarter", "300", "--name", "mine")
    (folder / "mine.yml").rename(folder / "other.yml")
    assert "'mine' is registered already" in fail(*AGENTS, "--name", "mine")
