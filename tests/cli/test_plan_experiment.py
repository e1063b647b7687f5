"""Planning an experiment from the command line."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.cohorts.planning_store import make_planned
from tests.impact.planning.test_plan import FACTS, plan
from tests.impact.simulate import make_outcome
from workbench.cli import app, plan_commands
from workbench.cli.examples import EXAMPLES
from workbench.cli.show_plan import show_plan
from workbench.core.params import load_org_params

ORG = ("plan-experiment", "--org", "planned")
AGENTS = (*ORG, "--persona", "agents", "--program", "talking")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make_planned(tmp_path_factory.mktemp("cli"))


@pytest.fixture
def project(workspace, monkeypatch):
    monkeypatch.chdir(workspace.root)
    set_today(monkeypatch, date(2026, 9, 20))
    yield workspace
    shutil.rmtree(workspace.params / "planned" / "experiments", ignore_errors=True)


def set_today(monkeypatch, day):
    monkeypatch.setattr(plan_commands, "_read_calendar", lambda: day)


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
        ((*AGENTS, "--effect", "inf"), "An effect to be found is above 0"),
        ((*AGENTS, "--allocation", "1"), "where: --allocation rule: a share above 0"),
        ((*AGENTS, "--power", "80"), "got: 80 try: write 80% as 0.8"),
        ((*AGENTS, "--alpha", "0.5"), "where: --alpha rule: the level of the test"),
        ((*AGENTS, "--quarters", "0"), "a whole number from 1 to 40 got: 0 try:"),
        ((*AGENTS, "--start", "soon"), "This is not a quarter"),
        ((*AGENTS, "--start", "2026Q3"), "--start 2026Q4 or later"),
        ((*AGENTS, "--start", "2026Q3", "--dry-run"), "within the data"),
        ((*AGENTS, "--uptake", "0.02"), "the offer changes nothing"),
        ((*AGENTS, "--name", "../x"), "cannot be the name of an experiment"),
        ((*AGENTS, "--quarter", "2031Q1"), "2031Q1 is not a quarter of planned"),
    ],
)
def test_what_cannot_be_planned_ends_with_code_1_and_a_message(project, words, message):
    assert message in fail(*words)
    assert not (project.params / "planned" / "experiments").exists()


@pytest.mark.parametrize(
    ("design", "option", "belongs"),
    [
        ("individual", "--clusters", "--design cluster or --design stepped_wedge"),
        ("cluster", "--per-quarter", "--design individual"),
        ("stepped_wedge", "--per-quarter", "--design individual"),
        ("cluster", "--quarters", "--design individual or --design stepped_wedge"),
        ("stepped_wedge", "--allocation", "--design individual or --design cluster"),
    ],
)
def test_options_of_another_design_are_refused(project, design, option, belongs):
    told = fail(*AGENTS, "--design", design, option, "0" if "all" in option else "8")
    assert f"{option} does not belong to the design {design}." in told
    assert f"{option} belongs to {belongs} got:" in told


def test_the_default_design_is_named_where_an_option_does_not_fit(project):
    told = fail(*AGENTS, "--clusters", "5")
    assert "design individual, the default for talking" in told


@pytest.mark.parametrize(
    ("today", "begins"),
    [
        (date(2026, 3, 1), "2026-10-01"),
        (date(2026, 9, 30), "2026-10-01"),
        (date(2026, 10, 1), "2027-01-01"),
        (date(2026, 11, 30), "2027-01-01"),
    ],
)
def test_it_begins_after_the_data_and_after_today(project, monkeypatch, today, begins):
    set_today(monkeypatch, today)
    result = call(*AGENTS, "--effect", "0.5", "--per-quarter", "300")
    assert result.exit_code == 0, result.output
    (written,) = load_org_params("planned", project.params).registrations
    assert str(written.starts_on) == begins
    assert written.written_on == today < written.starts_on
    (path,) = (project.params / "planned" / "experiments").iterdir()
    assert path.stem == ("talking_2026q4" if "2026" in begins else "talking_2027q1")
    assert path.read_text().startswith("# Written before the experiment began.")


def test_a_later_start_can_be_chosen_and_one_that_has_passed_only_looked_at(
    project, monkeypatch
):
    wanted = (*AGENTS, "--effect", "0.5", "--per-quarter", "300")
    later = call(*wanted, "--start", "2027Q3")
    assert later.exit_code == 0, later.output
    assert "begins later, on 2027-07-01" in later.output
    (written,) = load_org_params("planned", project.params).registrations
    assert (written.experiment, str(written.starts_on)) == (
        "talking_2027q3",
        "2027-07-01",
    )
    set_today(monkeypatch, date(2026, 10, 1))
    told = fail(*wanted, "--start", "2026Q4")
    assert "would have begun already" in told
    assert "try: --start 2027Q1 or later" in told
    looked = call(*wanted, "--start", "2026Q4", "--dry-run")
    assert looked.exit_code == 0, looked.output
    assert "Warning: the first day of 2026Q4" in looked.output
    assert "before the experiment began" not in looked.output


def test_a_file_that_exists_is_said_before_the_plan(project, monkeypatch):
    wanted = (*AGENTS, "--effect", "0.5", "--per-quarter", "300", "--name", "mine")
    assert call(*wanted).exit_code == 0
    looked = call(*wanted, "--dry-run")
    assert looked.exit_code == 0, looked.output
    assert "mine.yml exists. To replace it, --force would be needed." in looked.output
    assert looked.output.index("exists.") < looked.output.index("what the data say")
    assert "mine.yml exists; replaced, it would hold" in looked.output
    again = call(*wanted)
    assert again.exit_code == 1
    assert "what the data say" not in again.output
    set_today(monkeypatch, date(2026, 10, 1))
    assert "is not replaced" in fail(*wanted, "--force")
    begun = call(*wanted, "--dry-run")
    assert "not even --force replaces it" in begun.output


def test_one_line_says_which_power_decides(project):
    told = call(*AGENTS, "--quarters", "1").output
    (line,) = [item for item in told.splitlines() if "What decides" in item]
    assert re.search(r"power of \d+% without the value before", line)
    assert "the plain difference" in line


def show(made):
    console = Console(width=120)
    with console.capture() as capture:
        show_plan(console, made, label="Newcomers")
    return " ".join(capture.get().split())


def test_probabilities_are_told_as_people_of_100():
    outcome = make_outcome(kind="binary", unit="probability")
    facts = replace(FACTS, outcome=outcome, mean=0.812, correlation=0.0)
    told = show(plan(facts=facts, effect=0.1575))
    assert "mean without the programme 81.2 of 100 people (800 values)" in told
    assert "effect of completing it 15.8 of 100 people more" in told
    assert "effect of the offer 7.9 of 100 people (not all complete it)" in told
    assert "probability more" not in told
    assert "What decides" not in told
    small = show(plan("cluster", effect=0.008, clusters=200, facts=facts))
    assert "effect of completing it 0.8 of 100 people more" in small
    assert re.search(r"is an effect of 1\d\.\d of 100 people of completing", small)
    assert re.search(r"--effect 0\.1\d+\. Else", small)
    full = show(plan(facts=replace(facts, mean=0.95), effect=0.04))
    assert "out of reach: not even the largest that there can be, 5.0 of 100" in full


def test_shares_of_a_target_are_told_in_points_and_others_in_their_unit():
    outcome = make_outcome(unit="share of target", direction="down")
    told = show(plan(facts=replace(FACTS, outcome=outcome, mean=0.98), effect=0.3))
    assert "effect of completing it 30.0 percentage points less" in told
    assert "mean without the programme 98.0 %" in told
    assert "effect of completing it 0.3 rating points more" in show(plan())


def test_a_detectable_effect_that_is_huge_is_said_to_be_so():
    told = show(plan(facts=replace(FACTS, eligible=24, arrivals=0.0)))
    assert re.search(r"That is \d\.\d standard deviations", told)


def test_what_the_scale_leaves_no_room_for_is_refused(project):
    path = project.store("planned") / "performance.parquet"
    before = path.read_bytes()
    frame = pd.read_parquet(path)
    frame.assign(rating_scale_max=6.0).to_parquet(path, index=False)
    try:
        told = fail(*AGENTS, "--effect", "5")
    finally:
        path.write_bytes(before)
    assert "it can rise to 6 at most" in told
    assert "the largest effect possible is" in told


def test_examples_name_organisation_and_persona():
    for line in EXAMPLES["plan-experiment"]:
        assert {"--org", "--persona"} <= set(line.split())


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
