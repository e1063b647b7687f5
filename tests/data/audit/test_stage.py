from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.data.audit.stores import (
    LAST,
    PEOPLE,
    Rows,
    build_params,
    build_rows,
    write_store,
)
from tests.data.audit.test_provenance import write_quarantine
from workbench.core.errors import SourceError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.results import Check, StageResult, tabulate_checks
from workbench.data.audit import audit_store
from workbench.data.audit.judge import judge_totals

TABLES = {
    *("quality", "quarantine", "lineage", "control_totals", "baseline", "drift"),
    *("missingness", "pairing", "coverage", "freshness", "volume", "faults"),
}


def _audit(
    folder: Path, rows: Rows, params: OrgParams | None = None, quarter: Quarter = LAST
) -> StageResult:
    store = write_store(folder / "store", rows)
    return audit_store(params or build_params(), store=store, quarter=quarter)


def _check(result: StageResult, name: str) -> Check:
    return next(item for item in result.checks if item.check == name)


def test_a_sound_store_passes(sound: StageResult) -> None:
    assert (sound.status, sound.reason) == ("done", "")
    assert set(sound.tables) == TABLES
    assert [
        item.check for item in sound.checks if item.status in ("warn", "fail")
    ] == []
    quality = sound.tables["quality"]
    assert quality["table_score"].min() > 99
    assert set(quality["status"]) <= {"pass", "not_applicable"}


def test_facts_for_the_pages(sound: StageResult) -> None:
    facts = sound.facts
    assert facts["consent"] == {
        "people": PEOPLE,
        "granted": PEOPLE,
        "refused": 0,
        "undecided": 0,
    }
    assert facts["rows"]["enrollments"] == 432
    assert facts["cut"] == "2026-09-30"
    assert "surveys" in facts["tables_missing"]
    assert facts["findings"][0].startswith("9 of 9 sources score 90 or more of 100")
    json.dumps(dict(facts))


def test_missing_tables_get_a_line_each(sound: StageResult) -> None:
    lines = [item for item in sound.checks if item.check.startswith("table_")]
    assert [item.check for item in lines] == [
        "table_role_skills",
        "table_proficiency_dates",
        "table_surveys",
        "table_manager_actions",
        "table_experiments",
        "table_assignments",
        "table_costs",
    ]
    assert {item.status for item in lines} == {"not_applicable"}
    assert _check(sound, "table_surveys").text == (
        "no table surveys: net promoter scores and engagement switched off"
    )


def test_result_is_saved_whole(sound: StageResult, tmp_path: Path) -> None:
    sound.save(tmp_path)
    for name in TABLES:
        saved = pd.read_parquet(tmp_path / f"{name}.parquet")
        assert list(saved.columns) == list(sound.tables[name].columns)
    diagnostics = pd.read_parquet(tmp_path / "diagnostics.parquet")
    assert len(diagnostics) == len(sound.checks)


def test_two_audits_are_the_same(sound: StageResult, tmp_path: Path) -> None:
    again = _audit(tmp_path, build_rows())
    for name in TABLES:
        pd.testing.assert_frame_equal(again.tables[name], sound.tables[name])
    pd.testing.assert_frame_equal(
        tabulate_checks(again.checks), tabulate_checks(sound.checks)
    )


def test_no_id_of_a_person_leaves(sound: StageResult) -> None:
    people = {row["employee_id"] for row in build_rows()["employees"]}
    text = json.dumps(dict(sound.facts)) + "".join(
        table.to_csv() for table in sound.tables.values()
    )
    assert not [person for person in people if person in text]


def _refuse(rows: Rows) -> None:
    for row in rows["consent"]:
        row["granted"] = False


def _drop(table: str) -> Callable[[Rows], None]:
    return lambda rows: rows.__setitem__(table, [])


def _enrol_later(rows: Rows) -> None:
    for row in rows["enrollments"]:
        row["enrolled_at"] = row["enrolled_at"].replace(year=2027)


def _lose_people(rows: Rows) -> None:
    keep = rows["employees"][:20]
    rows["employees"] = keep


BLOCKED = {
    "nobody": (_drop("employees"), "0 people up to the data cut"),
    "enrolments after the cut": (_enrol_later, "0 enrolments up to the data cut"),
    "nobody consents": (_refuse, "nobody has given consent"),
    "no consent table": (
        lambda rows: rows.pop("consent"),
        "consent is needed, but there is no table of consent",
    ),
    "people unknown": (_lose_people, "are about people the HRIS knows"),
    "column lost": (
        lambda rows: rows["performance"][0].update(period="Q3 2026"),
        "performance.period: not a quarter",
    ),
}


@pytest.mark.parametrize("name", list(BLOCKED))
def test_a_failed_critical_check_stops_the_later_stages(
    tmp_path: Path, name: str
) -> None:
    change, reason = BLOCKED[name]
    rows = build_rows()
    change(rows)
    result = _audit(tmp_path, rows)
    assert result.status == "blocked"
    assert reason in result.reason
    assert set(result.tables) == TABLES
    assert result.facts["findings"][0].startswith("The later stages are stopped: ")
    result.save(tmp_path / "out")


def test_control_totals_that_are_far_off_stop_the_later_stages(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", build_rows())
    totals = pd.DataFrame(
        [("registrations", "lms", 100.0, 94.0, False), ("people", "hris", 5, 5, True)],
        columns=["name", "source", "expected", "found", "ok"],
    )
    totals.to_parquet(store / "_control_totals.parquet", index=False)
    result = audit_store(build_params(), store=store, quarter=LAST)
    assert result.status == "blocked"
    assert result.reason == "control total registrations is off by 6.0%"
    # the data may be read all the same, so the audit is whole
    assert len(result.tables["baseline"]) == 4


@pytest.mark.parametrize(
    ("off", "status"), [(0.0, "pass"), (0.05, "pass"), (0.051, "fail")]
)
def test_control_totals_may_be_off_by_five_percent(off: float, status: str) -> None:
    totals = pd.DataFrame(
        [
            {
                "name": "registrations",
                "expected": 1000.0,
                "found": 1000 * (1 - off),
                "off": off,
            }
        ]
    )
    together, single = judge_totals(totals)
    assert together.status == status
    assert single.status == ("pass" if off == 0 else "warn")


def test_without_consent_needed_no_consent_is_asked(tmp_path: Path) -> None:
    rows = build_rows()
    del rows["consent"]
    params = build_params(privacy={"lawful_basis": "research_data"})
    del rows["course_skills"]
    result = _audit(tmp_path, rows, params)
    assert result.status == "done"
    assert not [item for item in result.checks if item.check.startswith("tags_")]
    assert (
        "Consent is not asked: lawful basis: research data." in result.facts["findings"]
    )
    assert _check(result, "consent_known").status == "not_applicable"
    assert _check(result, "consent_known").text == "lawful basis: research data"


def test_people_without_consent_are_counted_but_not_read(tmp_path: Path) -> None:
    rows = build_rows()
    for row in rows["consent"][30:]:
        row["granted"] = False
    rows["consent"].pop()
    for row in rows["performance"]:
        if row["employee_id"] >= rows["employees"][30]["employee_id"]:
            row["rating"] = 5.0
    result = _audit(tmp_path, rows)
    assert result.facts["consent"] == {
        "people": 60,
        "granted": 30,
        "refused": 29,
        "undecided": 1,
    }
    baseline = result.tables["baseline"].set_index("outcome")
    assert baseline.loc["performance_rating", "n"] == 24
    mean = sum(1.0 + i % 5 for i in range(6, 30)) / 24
    assert baseline.loc["performance_rating", "mean"] == pytest.approx(mean)
    missing = result.tables["missingness"].set_index(["kind", "table", "columns"])
    assert missing.loc[("column", "performance", "rating"), "rows"] == 24 * 8
    assert result.facts["rows"]["performance"] == 432
    assert _check(result, "consent_coverage").status == "warn"


def test_nothing_after_the_cut_is_read(tmp_path: Path) -> None:
    early = Quarter.parse("2025Q4")
    rows = build_rows()
    known = {
        **rows,
        "performance": [r for r in rows["performance"] if r["period"] <= "2025Q4"],
    }
    kept = _audit(tmp_path / "kept", rows, quarter=early)
    cut = _audit(tmp_path / "cut", known, quarter=early)
    for name in ("baseline", "drift", "missingness", "pairing", "volume"):
        pd.testing.assert_frame_equal(kept.tables[name], cut.tables[name])
    later = kept.tables["freshness"].set_index("table")["rows_after_cut"]
    assert later["performance"] == 54 * 3
    assert "were not read" in _check(kept, "rows_after_cut").text


def test_loader_notes_are_passed_on(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", build_rows())
    load = {
        "dropped_identifiers": {"hris": ["name", "email"], "lms": []},
        "warnings": ["one join has several rows"],
        "year_starts": 1,
    }
    (store / "_load.json").write_text(json.dumps(load))
    write_quarantine(
        store,
        *(("enrollments", "unknown_employee", row, "employee_id") for row in range(68)),
    )
    lineage = pd.DataFrame([{"table": "enrollments", "source": "lms", "file": "a.csv"}])
    lineage.to_parquet(store / "_lineage.parquet", index=False)
    result = audit_store(build_params(), store=store, quarter=LAST)
    assert _check(result, "identifiers_dropped").text == "hris: name, email"
    assert _check(result, "load_warning_1").status == "warn"
    assert _check(result, "quarantine_enrollments").value == pytest.approx(68 / 500)
    assert _check(result, "quarantine_enrollments").status == "warn"
    assert _check(result, "join_enrollments_employee_id").value == 432 / 500
    assert _check(result, "score_lms").status == "warn"
    quality = result.tables["quality"].set_index(["source", "dimension"])
    assert quality.loc[("lms", "consistency"), "value"] == pytest.approx(432 / 500)
    assert quality.loc[("lms", "consistency"), "status"] == "fail"
    assert result.facts["rows_quarantined"] == 68
    assert "SECRET" not in "".join(t.to_csv() for t in result.tables.values())


def test_small_floors_hide_numbers(tmp_path: Path) -> None:
    result = _audit(tmp_path, build_rows(), build_params(privacy={"min_group": 70}))
    baseline, pairing = result.tables["baseline"], result.tables["pairing"]
    assert baseline["suppressed"].all()
    assert baseline[["n", "missing", "mean", "sd"]].isna().all(axis=None)
    assert pairing["suppressed"].all()
    assert (result.tables["missingness"]["kind"] != "group").all()


def test_programmes_measured_by_completions_alone_are_flagged(tmp_path: Path) -> None:
    rows = build_rows()
    del rows["performance"], rows["skill_assessments"]
    for row in rows["employees"]:
        row["exit_date"] = row["exit_type"] = None
    rows["job_history"] = [row for row in rows["job_history"] if row["event"] == "hire"]
    result = _audit(tmp_path, rows)
    assert _check(result, "pairing_talking").text == "measured by completions alone"
    assert _check(result, "pairing_talking").status == "warn"
    findings: Any = result.facts["findings"]
    assert "Measured by completions alone: talking." in findings


def test_empty_optional_tables(tmp_path: Path) -> None:
    rows = build_rows()
    for table in ("performance", "lms_events", "skill_assessments", "surveys"):
        rows[table] = []
    result = _audit(tmp_path, rows)
    assert result.status == "done"
    quality = result.tables["quality"].set_index(["table", "dimension"])
    assert quality.loc[("surveys", "validity"), "status"] == "not_applicable"
    assert pd.isna(quality.loc[("surveys", "validity"), "table_score"])


def test_the_fiscal_year_dates_quarters(tmp_path: Path) -> None:
    rows = build_rows()
    for row in rows["consent"]:
        row["decided_at"] = datetime(2020, 1, 1)
    for row in rows["employees"]:
        row["hire_date"] = date(2020, 1, 1)
    fiscal = build_params()
    span = fiscal.workbench.quarter.model_copy(update={"fiscal_year_starts": 7})
    workbench = fiscal.workbench.model_copy(update={"quarter": span})
    params = build_params(workbench=workbench)
    quarter = params.parse_quarter("2026Q3")
    result = _audit(tmp_path, rows, params, quarter)
    assert result.facts["cut"] == "2026-03-31"
    fresh = result.tables["freshness"].set_index("table")
    # 2026Q3 of a year that starts in July ends on the cut
    assert fresh.loc["performance", ["last_day", "lag_days"]].tolist() == [
        "2026-03-31",
        0,
    ]


def test_damaged_store_is_refused(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", build_rows())
    (store / "courses.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match=r"courses\.parquet"):
        audit_store(build_params(), store=store, quarter=LAST)
