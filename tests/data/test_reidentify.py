"""Finding people behind pseudonyms: with the key, on the record, and not else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import yaml

from tests.data.conftest import KEY
from workbench.core.errors import ParamError, SourceError
from workbench.core.params import load_org_params
from workbench.data.pseudonyms import PseudonymKey
from workbench.data.reidentify import (
    ACCESS_LOG,
    Access,
    identify_people,
    read_access_log,
)

AT = datetime(2026, 11, 30, 10, 0, tzinfo=timezone(timedelta(hours=1)))
ACCESS = Access(by="learning operations", purpose="enrolment", what="lms", at=AT)
HASHED = {PseudonymKey(KEY.encode()).pseudonymise(f"E{i}"): f"E{i}" for i in (1, 2, 3)}


def identify(project, wanted, access=ACCESS):
    project.write_param("source.yml", yaml.safe_dump(project.source_map))
    params = load_org_params("small", project.workspace.params)
    return identify_people(params, project.workspace, wanted, access=access)


def test_ids_are_read_again_from_the_source_and_hashed(project):
    assert identify(project, HASHED) == HASHED


def test_only_those_asked_for_are_found(project):
    one = next(iter(HASHED))
    assert identify(project, [one, "0" * 32]) == {one: HASHED[one]}


def test_the_mappings_sql_and_filter_hold_as_at_the_load(project):
    """An id that the mapping makes is hashed as the load hashed it."""
    table = project.source_map["tables"]["employees"]
    table["columns"]["employee_id"] = {"sql": "'AG-' || emp"}
    table["where"] = "emp <> 'E2'"
    key = PseudonymKey(KEY.encode())
    wanted = {key.pseudonymise(f"AG-E{i}"): f"AG-E{i}" for i in (1, 2, 3)}
    found = identify(project, wanted)
    assert sorted(found.values()) == ["AG-E1", "AG-E3"]


def test_every_time_is_logged_in_order_before_ids_are_given(project):
    identify(project, HASHED)
    with pytest.raises(SourceError, match="None of the pseudonyms"):
        identify(project, ["0" * 32])
    log = read_access_log(project.workspace, "small")
    assert [(row["asked"], row["found"]) for row in log] == [(3, 3), (1, 0)]
    assert log[0]["at"] == "2026-11-30T09:00:00+00:00"
    assert (log[0]["by"], log[0]["purpose"]) == ("learning operations", "enrolment")
    text = (project.workspace.outputs / "small" / ACCESS_LOG).read_text()
    assert KEY not in text
    assert not [who for who in ("E1", *HASHED) if f'"{who}"' in text]


def test_the_log_is_only_added_to_and_shows_changes(project):
    for _ in range(3):
        identify(project, HASHED)
    path = project.workspace.outputs / "small" / ACCESS_LOG
    lines = path.read_text().splitlines()
    assert len(lines) == 3
    assert path.stat().st_mode & 0o077 == 0
    changed = json.dumps({**json.loads(lines[0]), "by": "nobody"}, sort_keys=True)
    for spoilt in ([changed, *lines[1:]], [lines[0], lines[2]], ["{", *lines[1:]]):
        path.write_text("\n".join(spoilt) + "\n")
        with pytest.raises(SourceError, match="has been changed"):
            read_access_log(project.workspace, "small")


def test_a_purpose_with_separators_stays_one_line(project):
    text = "talks\u2028and\x85notes"
    asked = Access(by="operations", purpose=text, what="lms", at=AT)
    for _ in range(2):
        identify(project, HASHED, asked)
    log = read_access_log(project.workspace, "small")
    assert [row["purpose"] for row in log] == [text, text]


def test_a_line_cut_off_by_a_crash_swallows_no_other(project):
    path = project.workspace.outputs / "small" / ACCESS_LOG
    for _ in range(2):
        identify(project, HASHED)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert len(read_access_log(project.workspace, "small")) == 1
    identify(project, HASHED)
    assert path.read_bytes() == whole


def test_nobody_is_identified_on_a_log_that_was_changed(project):
    path = project.workspace.outputs / "small" / ACCESS_LOG
    for _ in range(2):
        identify(project, HASHED)
    spoilt = path.read_text().replace("enrolment", "something", 1)
    path.write_text(spoilt)
    with pytest.raises(SourceError, match="has been changed"):
        identify(project, HASHED)
    assert path.read_text() == spoilt


def test_a_log_that_is_a_link_is_not_followed(project, tmp_path):
    target = tmp_path / "other.txt"
    target.write_text("mine")
    path = project.workspace.outputs / "small" / ACCESS_LOG
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    with pytest.raises(SourceError, match="is a link"):
        identify(project, HASHED)
    assert target.read_text() == "mine"


@pytest.mark.parametrize("field", ["by", "purpose"])
def test_somebody_must_answer_for_it(field):
    values = {"by": "x", "purpose": "y", "what": "z", "at": datetime.now(UTC)}
    with pytest.raises(ParamError, match=f"--{field}"):
        Access(**{**values, field: " "})


def test_without_the_key_nobody_is_identified_and_none_is_made(project, monkeypatch):
    monkeypatch.delenv("WORKBENCH_KEY_SMALL")
    with pytest.raises(ParamError, match="There is no key"):
        identify(project, HASHED)
    assert not (project.root / "keys").exists()


def test_another_key_finds_nobody(project, monkeypatch):
    monkeypatch.setenv("WORKBENCH_KEY_SMALL", "another key, long enough")
    with pytest.raises(SourceError, match="None of the pseudonyms"):
        identify(project, HASHED)


def test_asking_for_nobody_is_logged_and_gives_nobody(project):
    assert identify(project, []) == {}
    assert len(read_access_log(project.workspace, "small")) == 1


def test_no_log_is_an_empty_one(project):
    assert read_access_log(project.workspace, "small") == []
