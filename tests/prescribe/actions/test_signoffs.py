"""The ledger of sign-offs: only added to, by one writer at a time."""

from __future__ import annotations

import json
import multiprocessing
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest

from tests.prescribe.actions.crowd import QUARTER, make_crowd
from tests.prescribe.actions.test_propose import propose
from workbench.core.errors import ParamError, SourceError
from workbench.core.quarters import Quarter
from workbench.core.store import Workspace, write_parquet
from workbench.prescribe.actions.quarter_actions import (
    choose_actions,
    expand_ids,
    read_actions,
)
from workbench.prescribe.actions.signoffs import (
    SIGNOFF_COLUMNS,
    apply_signoffs,
    find_ledger,
    list_changed,
    read_signoffs,
    sign_off,
)

NOW = datetime(2026, 10, 5, 12, 30, tzinfo=UTC)
ACTIONS = propose(make_crowd(60)).table
IDS = ACTIONS["action_id"].tolist()


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "signoffs" / "2026Q3.jsonl"


def sign(ledger, ids, status="approved", **more):
    usual = {"by": "desk lead", "at": NOW}
    return sign_off(ledger, ACTIONS, action_ids=ids, status=status, **usual | more)


def test_nothing_decided_is_an_empty_table(ledger):
    signed = read_signoffs(ledger)
    assert signed.columns.tolist() == list(SIGNOFF_COLUMNS)
    applied = apply_signoffs(ACTIONS, signed)
    assert set(applied["status"]) == {"proposed"}
    assert applied["signed_by"].isna().all()
    assert applied.dtypes.to_dict() == ACTIONS.dtypes.to_dict()


def test_the_last_decision_stands_and_all_are_kept(ledger):
    assert sign(ledger, [IDS[0], IDS[1], IDS[0]]) == 2
    early = ledger.read_bytes()
    sign(ledger, [IDS[0]], "declined", by="head of desk", note="on  leave\nthen")
    assert ledger.read_bytes().startswith(early)
    signed = read_signoffs(ledger)
    assert signed["status"].tolist() == ["approved", "approved", "declined"]
    assert signed["note"].iloc[2] == "on leave then"
    applied = apply_signoffs(ACTIONS, signed).set_index("action_id")
    assert applied.loc[IDS[0], "status"] == "declined"
    assert applied.loc[IDS[0], "signed_by"] == "head of desk"
    assert applied.loc[IDS[0], "signed_at"] == "2026-10-05T12:30:00+00:00"
    assert applied.loc[IDS[1], "status"] == "approved"
    assert applied.loc[IDS[2], "status"] == "proposed"
    assert set(ACTIONS["status"]) == {"proposed"}


def test_times_are_kept_in_utc(ledger):
    local = NOW.astimezone(timezone(timedelta(hours=5)))
    sign(ledger, IDS[:1], at=local)
    assert read_signoffs(ledger)["at"].tolist() == ["2026-10-05T12:30:00+00:00"]


@pytest.mark.parametrize(
    ("ids", "more", "message"),
    [
        (
            ["ffff000011112222", IDS[0]],
            {},
            "1 of 2 actions do not exist in this quarter",
        ),
        ([], {}, "No action is named"),
        (IDS[:1], {"status": "declined"}, "Declining needs a note"),
        (IDS[:1], {"status": "declined", "note": " \n"}, "Declining needs a note"),
        (IDS[:1], {"status": "maybe"}, "There is no such decision"),
        (IDS[:1], {"by": "  "}, "needs the name of who decides"),
        (IDS[:1], {"by": "x" * 81}, "needs the name of who decides"),
        (IDS[:1], {"by": "a\x00b"}, "needs the name of who decides"),
        (IDS[:1], {"note": "x" * 1001}, "The note is too long"),
        (IDS[:1], {"at": NOW.replace(tzinfo=None)}, "has no time zone"),
        (IDS[:2], {"at": NOW + timedelta(days=200)}, "2 of 2 actions have expired"),
    ],
)
def test_what_is_not_sound_is_refused_and_nothing_written(ledger, ids, more, message):
    with pytest.raises(ParamError, match=message):
        sign(ledger, ids, **more)
    assert not ledger.exists()


def test_the_last_day_still_counts_and_expired_ones_can_be_declined(ledger):
    row = ACTIONS.iloc[0]
    end = row["expires_on"].to_pydatetime().replace(tzinfo=UTC, hour=23)
    assert sign(ledger, [row["action_id"]], at=end) == 1
    later = end + timedelta(days=1)
    with pytest.raises(ParamError, match="have expired"):
        sign(ledger, [row["action_id"]], at=later)
    assert sign(ledger, [row["action_id"]], "declined", at=later, note="late") == 1


def test_a_line_cut_off_by_a_crash_is_not_read_and_gives_way(ledger):
    sign(ledger, IDS[:1])
    with ledger.open("ab") as file:
        file.write(b'{"action_id": "0123')
    assert len(read_signoffs(ledger)) == 1
    sign(ledger, IDS[1:2])
    assert read_signoffs(ledger)["action_id"].tolist() == IDS[:2]


def write_line(**changes):
    usual = dict.fromkeys(SIGNOFF_COLUMNS, "x") | {"status": "approved"}
    return json.dumps(usual | changes)


@pytest.mark.parametrize(
    "line",
    [
        *("nonsense", "[]", '{"action_id": "x"}', "", "[" * 9000),
        write_line(status="shipped"),
        write_line(status="proposed"),
        write_line(status=None),
        write_line(by=None),
        write_line(note=["x"]),
        write_line(digest=1),
    ],
)
def test_a_line_that_was_tampered_with_is_named(ledger, line):
    sign(ledger, IDS[:1])
    with ledger.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(SourceError, match=r"2026Q3\.jsonl:2"):
        read_signoffs(ledger)


def test_words_of_people_cannot_break_lines(ledger):
    sign(ledger, IDS[:1], by='lead "A"', note='},\n{"status": "declined"}')
    assert ledger.read_text().count("\n") == 1
    assert json.loads(ledger.read_text())["by"] == 'lead "A"'


def write_thirty(ledger, name):
    for action in IDS[:30]:
        sign(ledger, [action], by=name, note="x" * 500)


def test_writers_at_once_lose_no_line(ledger):
    names = ("first", "second", "third")
    fork = multiprocessing.get_context("fork")
    running = [fork.Process(target=write_thirty, args=(ledger, name)) for name in names]
    for process in running:
        process.start()
    for process in running:
        process.join(timeout=120)
    assert [process.exitcode for process in running] == [0, 0, 0]
    signed = read_signoffs(ledger)
    assert signed["by"].value_counts().to_dict() == dict.fromkeys(names, 30)
    for name in names:
        own = signed.loc[signed["by"] == name, "action_id"].tolist()
        assert own == IDS[:30]


@pytest.mark.parametrize(
    "change",
    [
        {"action": "practice"},
        {"course_id": "m-9"},
        {"skill": "planning"},
        {"behaviour": "one_to_one"},
        {"title": "Another"},
        {"reason": "Because."},
        {"effort_hours": 40.0},
        {"expires_on": pd.Timestamp("2027-12-31")},
        {"expected_effect": 9.0},
        {"expected_low": -9.0},
        {"expected_high": 9.0},
        {"expected_unit": "points"},
        {"expected_text": "proven"},
    ],
)
def test_an_approval_does_not_stand_for_what_nobody_saw(ledger, change):
    sign(ledger, IDS[:2])
    later = ACTIONS.copy()
    (name, value) = next(iter(change.items()))
    later.loc[later["action_id"] == IDS[0], name] = value
    signed = read_signoffs(ledger)
    applied = apply_signoffs(later, signed).set_index("action_id")
    assert applied.loc[IDS[0], "status"] == "proposed"
    assert pd.isna(applied.loc[IDS[0], "signed_by"])
    assert applied.loc[IDS[1], "status"] == "approved"
    assert list_changed(later, signed) == IDS[:1]
    sign_off(
        ledger, later, action_ids=IDS[:1], status="approved", by="desk lead", at=NOW
    )
    again = read_signoffs(ledger)
    assert list_changed(later, again) == []
    assert list_changed(ACTIONS, again) == IDS[:1]


def test_what_was_declined_stays_so_and_what_is_written_alike_stays_approved(ledger):
    sign(ledger, IDS[:1], "declined", note="on leave")
    sign(ledger, IDS[1:3])
    same = ACTIONS.assign(
        title=ACTIONS["title"].where(ACTIONS["action_id"] != IDS[0], "Another"),
        effort_hours=ACTIONS["effort_hours"] * (1 + 1e-12),
        expires_on=ACTIONS["expires_on"].dt.date,
        skill=ACTIONS["skill"].astype(object).where(ACTIONS["skill"].notna(), None),
    )
    signed = read_signoffs(ledger)
    applied = apply_signoffs(same, signed).set_index("action_id")
    assert applied.loc[IDS[:3], "status"].tolist() == [
        *("declined", "approved", "approved")
    ]
    assert list_changed(same, signed) == []


def test_decisions_on_actions_that_are_gone_are_left_out(ledger):
    sign(ledger, IDS[:2])
    rest = ACTIONS.iloc[1:]
    applied = apply_signoffs(rest, read_signoffs(ledger))
    assert len(applied) == len(rest)
    assert (applied["status"] == "approved").sum() == 1


def test_actions_of_a_quarter_come_with_their_decisions(tmp_path):
    workspace, quarter = Workspace(tmp_path), Quarter.parse(QUARTER)
    with pytest.raises(SourceError, match=r"no actions of 2026Q3 yet[\s\S]*--stage"):
        read_actions(workspace, "acme", quarter, ["leads", "others"])
    folder = workspace.stage("acme", quarter, "leads", "prescription")
    write_parquet(folder / "actions.parquet", ACTIONS)
    path = find_ledger(workspace, "acme", quarter)
    assert path == tmp_path / "outputs" / "acme" / "signoffs" / "2026Q3.jsonl"
    before = (folder / "actions.parquet").read_bytes()
    sign(path, IDS[:1])
    read = read_actions(workspace, "acme", quarter, ["leads", "others"])
    assert read["status"].value_counts()["approved"] == 1
    assert (folder / "actions.parquet").read_bytes() == before


def test_open_actions_are_chosen_by_persona_and_rule():
    rule = ACTIONS["rule"].iloc[0]
    signed = ACTIONS.assign(status=["approved", *["proposed"] * (len(ACTIONS) - 1)])
    ids, expired = choose_actions(signed, on=NOW.date(), persona="leads", rule=rule)
    assert set(ids) == set(ACTIONS.loc[ACTIONS["rule"] == rule, "action_id"]) - {IDS[0]}
    assert expired == 0
    assert choose_actions(signed, on=NOW.date(), persona="others") == ([], 0)
    late = NOW.date() + timedelta(days=200)
    assert choose_actions(signed, on=late) == ([], len(ACTIONS) - 1)
    every, _ = choose_actions(signed, on=late, open_only=False)
    assert len(every) == len(ACTIONS) - 1
    with pytest.raises(ParamError, match="No action of the quarter comes from a rule"):
        choose_actions(signed, on=late, rule="unheard")


def test_ids_may_be_cut_short_if_they_tell():
    table = pd.DataFrame({"action_id": ["abcdef0000000000", "abcdef1111111111"]})
    assert expand_ids(table, ["abcdef0"]) == ["abcdef0000000000"]
    assert expand_ids(table, ["fffffff"]) == ["fffffff"]
    for text in ("abcdef", "abcd"):
        with pytest.raises(ParamError, match="does not tell which action"):
            expand_ids(table, [text])
