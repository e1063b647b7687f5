"""Rules and actions from the command line."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.prescribe.actions.crowd import make_crowd
from tests.prescribe.actions.test_propose import propose
from workbench.cli import action_commands, app
from workbench.core.store import Workspace, write_parquet
from workbench.prescribe.actions.signoffs import read_signoffs

ROOT = Path(__file__).resolve().parents[2]
DEMO = ("--org", "demo")
BY = ("--by", "desk lead")
NOW = datetime(2026, 10, 20, 9, tzinfo=UTC)
CROWD = propose(make_crowd(80)).table


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The demo's parameters, and actions of two of its personas."""
    shutil.copytree(ROOT / "params" / "demo", tmp_path / "params" / "demo")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(action_commands, "_read_clock", lambda: NOW)
    workspace = Workspace(tmp_path)
    for start, persona in enumerate(("team_leads", "engineers")):
        own = CROWD.iloc[start::2].assign(persona=persona)
        folder = tmp_path / "outputs" / "demo" / "2026Q3" / persona / "prescription"
        write_parquet(folder / "actions.parquet", own)
    return workspace


def read_ledger(project):
    return read_signoffs(project.outputs / "demo" / "signoffs" / "2026Q3.jsonl")


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def succeed(*words):
    result = call(*words)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def fail(*words):
    result = call(*words)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return " ".join((result.stderr + result.output).split())


def edit(project, before, after):
    path = project.params / "demo" / "rules.yml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    return text[: text.index(before)].count("\n") + 1


def test_the_demo_s_rules_pass(project):
    told = succeed("rules", "check", *DEMO)
    assert "10 rules, 25 examples, 0 of them come out otherwise" in told
    assert "names of courses were not checked: no data are loaded" in told
    assert "path_begin" in told


def test_a_fault_is_told_with_its_line(project):
    line = edit(project, "{at_least: 10 points}", "{at_least: 10 pints}")
    told = fail("rules", "check", *DEMO)
    assert f"rules.yml:{line}:" in told
    assert "'points' is meant?" in told


def test_a_wrong_example_is_told_and_ends_with_code_1(project):
    edit(project, "expect: [path_begin]", "expect: none")
    told = fail("rules", "check", *DEMO)
    assert "1 of them come out otherwise" in told
    assert "a path that has not begun: expected none, proposed path_begin" in told


def test_conflicts_unreachable_and_untested_rules_are_told(project):
    line = edit(
        project,
        "  - id: path_continue\n",
        """  - id: never
    label: Never
    when: {tenure: {above: 9 days, below: 9 days}}
    then:
      {action: practice, title: Rest, effort_hours: 1, expires_after_days: 9,
       priority: 50, reason_code: never, reason: Never.}
  - id: path_continue
""",
    )
    edit(project, "priority: 8\n", "priority: 7\n")
    told = fail("rules", "check", *DEMO)
    assert f"rules.yml:{line}: never (line {line}) can never hold" in told
    assert f"rules.yml:{line}: no example expects never" in told
    assert "can hold at once and exclude each other at priority 7" in told


def test_counts_are_listed_without_people(project):
    told = succeed("actions", "list", *DEMO)
    assert f"{len(CROWD)} actions of 2026Q3, as of 2026-10-20" in told
    assert "team_leads" in told
    assert "engineers" in told
    assert CROWD["unit"].iloc[0][:8] not in told
    one = succeed("actions", "list", *DEMO, "-p", "team_leads", "--rule", "path_begin")
    assert "engineers" not in one
    assert "gap_coaching" not in one


def test_each_action_is_listed_with_a_short_pseudonym(project):
    unit = CROWD["unit"].iloc[0]
    told = succeed("actions", "list", *DEMO, "--each", "--quarter", "2026Q3")
    assert f"{unit[:8]}…" in told
    assert unit not in told
    assert CROWD["action_id"].iloc[0] in told


def test_actions_are_approved_by_id_and_by_its_beginning(project):
    first, second = CROWD["action_id"].iloc[:2]
    told = succeed("actions", "approve", first, second[:8], *DEMO, *BY)
    assert "2 actions of 2026Q3 approved by desk lead" in told
    signed = read_ledger(project)
    assert signed["action_id"].tolist() == [first, second]
    assert set(signed["by"]) == {"desk lead"}
    assert set(signed["at"]) == {"2026-10-20T09:00:00+00:00"}
    assert "approved by desk lead" in succeed("actions", "list", *DEMO, "--each")


def test_actions_are_decided_on_by_rule_persona_or_all_but_once(project):
    rule = CROWD["rule"].mode()[0]
    of_rule = CROWD.iloc[0::2]["rule"] == rule
    told = succeed("actions", "approve", *DEMO, *BY, "-p", "team_leads", "--rule", rule)
    assert f"{of_rule.sum()} actions" in told
    rest = len(CROWD) - of_rule.sum()
    expired = int((CROWD["expires_on"] < "2026-10-20").sum())
    assert expired == 0
    told = succeed("actions", "decline", *DEMO, *BY, "--all", "--note", "release weeks")
    assert f"{rest} actions of 2026Q3 declined" in told
    assert "0 actions of 2026Q3 approved" in succeed(
        "actions", "approve", *DEMO, *BY, "--all"
    )
    assert len(read_ledger(project)) == len(CROWD)


def test_what_has_expired_is_left_out_of_all_and_refused_by_id(project, monkeypatch):
    late = datetime(2027, 6, 1, tzinfo=UTC)
    monkeypatch.setattr(action_commands, "_read_clock", lambda: late)
    told = succeed("actions", "approve", *DEMO, *BY, "--all")
    assert f"{len(CROWD)} had expired and were left out" in told
    action = CROWD["action_id"].iloc[0]
    assert "have expired and cannot be approved" in fail(
        "actions", "approve", action, *DEMO, *BY
    )
    assert read_ledger(project).empty
    assert "expired" in succeed("actions", "list", *DEMO, "--each")


def test_what_changed_since_it_was_approved_is_open_again_and_counted(project):
    succeed("actions", "approve", "--all", *DEMO, *BY)
    assert "changed" not in succeed("actions", "list", *DEMO)
    folder = project.outputs / "demo" / "2026Q3" / "team_leads" / "prescription"
    own = CROWD.iloc[0::2].assign(persona="team_leads")
    changed = own.iloc[:3]["action_id"].tolist()
    reasons = own["reason"].where(~own["action_id"].isin(changed), "Because.")
    write_parquet(folder / "actions.parquet", own.assign(reason=reasons))
    told = succeed("actions", "list", *DEMO)
    assert "3 were approved and have changed since: decide again" in told
    assert "open again" in succeed("actions", "list", *DEMO, "--each")
    told = succeed("actions", "approve", "--all", *DEMO, *BY)
    assert "3 actions of 2026Q3 approved" in told
    assert "3 of them had been approved and have changed since" in told
    assert read_ledger(project)["action_id"].tolist()[-3:] == changed
    assert "changed" not in succeed("actions", "list", *DEMO)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("approve", *DEMO, *BY), "Which actions are meant is not said"),
        (("approve", "abcdef00", "--all", *DEMO, *BY), "by id and by something else"),
        (("approve", "0123456789abcdef", *DEMO, *BY), "do not exist in this quarter"),
        (("approve", "--rule", "x", *DEMO, *BY), "comes from a rule 'x'"),
        (("approve", "-p", "ghosts", *DEMO, *BY), "no persona 'ghosts'"),
        (("approve", "--all", *DEMO, "--by", " "), "the name of who decides"),
        (("decline", "--all", *DEMO, *BY, "--note", " "), "Declining needs a note"),
        (("list", *DEMO, "-q", "2026Q2"), "There are no actions of 2026Q2 yet"),
        (("list", *DEMO, "-q", "2031Q2"), "2031Q2 is not a quarter of demo"),
        (("list", "--org", "ghosts"), "no organisation 'ghosts'"),
    ],
)
def test_faults_get_a_message(project, words, message):
    assert message in fail("actions", *words)
    assert read_ledger(project).empty


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("actions", "approve", "--all", *DEMO), "Missing option '--by'"),
        (("actions", "decline", "--all", *DEMO, *BY), "Missing option '--note'"),
        (("actions", "fly"), "No such command 'fly'"),
        (("rules", "check"), "Missing option '--org'"),
    ],
)
def test_wrong_usage_ends_with_code_2(project, monkeypatch, words, message):
    monkeypatch.delenv("WORKBENCH_ORG", raising=False)
    result = call(*words)
    assert result.exit_code == 2
    assert message in result.output
