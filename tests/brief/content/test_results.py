"""Reading what stages left: whole, missing, failed, damaged, withheld."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.brief.content.project import BEFORE, QUARTER, make_row, write_results
from workbench.brief.results import BriefData
from workbench.brief.stage_reads import mask_estimates
from workbench.core.errors import ParamError
from workbench.core.results import tabulate_estimates

NUMBERS = ["estimate", "std_error", "ci_low", "ci_high", "p_value", "relative_effect"]


def open_data(**more):
    return BriefData.open(org="alder", quarter=QUARTER, **more)


def folder(project, stage, persona="_all"):
    return project / "outputs" / "alder" / QUARTER / persona / stage


def test_a_quarter_without_results_opens_and_says_so(bare):
    data = open_data()
    assert {item.status for item in data.stages.values()} == {"missing"}
    assert data.estimates().empty
    assert data.previous is None
    assert "The data audit has not been run for this quarter." in data.list_gaps()


def test_a_whole_quarter_has_no_gaps_and_all_estimates(data):
    assert data.list_gaps() == ()
    table = data.estimates()
    assert list(dict.fromkeys(table["persona"])) == ["leads", "newcomers", "veterans"]
    assert set(data.estimates("leads")["persona"]) == {"leads"}


def test_reading_gives_copies(data):
    table = data.stage("audit").table("quality")
    table["source"] = "changed"
    assert set(data.stage("audit").table("quality")["source"]) == {"hris", "lms"}


def test_unknown_persona_and_page_without_persona_are_refused(project):
    with pytest.raises(ParamError, match="There is no persona 'nobody'"):
        open_data(persona="nobody")
    with pytest.raises(ParamError, match="This page needs a persona"):
        open_data().require_persona()


@pytest.mark.parametrize("status", ["not_applicable", "blocked"])
def test_a_stage_that_is_not_done_gives_its_reason_and_no_numbers(project, status):
    path = folder(project, "psm", "leads") / "status.json"
    found = json.loads(path.read_text()) | {"status": status, "reason": "No one left."}
    path.write_text(json.dumps(found))
    data = open_data(persona="leads")
    assert data.own_stage("psm").status == status
    assert "No one left." in data.list_gaps()[0]
    assert "Team leads" in data.list_gaps()[0]
    assert set(data.estimates("leads")["stage"]) == {"did"}


def test_a_failed_stage_shows_only_the_first_line_of_its_error(project):
    path = folder(project, "psm", "leads") / "manifest.json"
    path.write_text(json.dumps({"status": "failed", "reason": "Boom.\n  where: x"}))
    text = open_data().list_gaps()[0]
    assert text == "The matched comparison of Team leads failed: Boom."


def test_a_stage_behind_a_blocked_one_names_the_cause(bare):
    base = bare / "outputs" / "alder" / QUARTER / "_all" / "audit"
    base.mkdir(parents=True)
    (base / "status.json").write_text('{"status": "blocked", "reason": "no people"}')
    text = open_data().stage("personas").explain()
    assert text == (
        "The personas stage has not been run for this quarter: the data audit was "
        "stopped by a check."
    )


def test_damaged_files_become_sentences(project):
    (folder(project, "audit") / "quality.parquet").write_bytes(b"PAR1 cut off")
    (folder(project, "personas") / "status.json").write_text("{")
    gaps = " ".join(open_data().list_gaps())
    assert "The table quality of stage audit cannot be read." in gaps
    assert "The file status.json of stage personas is damaged." in gaps


def test_numbers_on_too_few_people_are_blanked_on_reading(data):
    table = data.estimates("veterans")
    row = table[table["outcome"] == "skill_proficiency"].iloc[0]
    assert row["suppressed"]
    assert row[[*NUMBERS, "n_treated", "n_control"]].isna().all()
    assert "7.77" not in table.to_csv()


def test_masking_flags_blanks_and_keeps_reasons():
    rows = [
        make_row("leads", "retention_12m", 0.1, 0.1, suppressed=True),
        make_row("leads", "retention_12m", 0.1, 0.1, n_control=9),
        make_row("leads", "retention_12m", 0.1, 0.1),
    ]
    nothing = dict.fromkeys(
        ("estimate", "std_error", "ci_low", "ci_high", "p_value"), float("nan")
    )
    rows.append(
        make_row(
            "leads", "retention_12m", 0, 1, limitation="why", n_treated=3, **nothing
        )
    )
    table = tabulate_estimates(rows).drop(columns=["period"])
    before = table.copy()
    masked = mask_estimates(table, min_group=10)
    assert list(masked["suppressed"]) == [True, True, False, False]
    assert masked.loc[:1, NUMBERS].isna().all(axis=None)
    assert masked.loc[2, NUMBERS].notna().all()
    assert masked.loc[3, "limitation"] == "why"
    assert pd.isna(masked.loc[3, "n_treated"])
    assert "period" in masked.columns
    pd.testing.assert_frame_equal(table, before)


def test_the_nearest_earlier_quarter_with_estimates_is_the_previous_one(project):
    empty = project / "outputs" / "alder" / BEFORE
    empty.mkdir()
    assert open_data().previous is None
    write_results(project, "2026Q1")
    assert str(open_data().previous.quarter) == "2026Q1"
    write_results(project, BEFORE)
    write_results(project, "2026Q4")
    assert str(open_data().previous.quarter) == BEFORE
