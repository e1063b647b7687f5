"""The extracts through the loader: every fault is found, nobody sound is lost."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from workbench.cohorts.follow_up import build_follow_ups, prepare_follow_ups
from workbench.core.params import load_org_params
from workbench.core.quarters import Quarter
from workbench.data.contract import TABLES, build_schema
from workbench.data.cut import open_cut

from .conftest import LAST, PARAMS

NOT_LOADED = {"list"}


def count_quarantined(loaded):
    table = loaded.table("_quarantine")
    return Counter(zip(table["table"], table["reason"], strict=True))


def test_the_quarantine_holds_exactly_the_faults_of_the_truth(made, loaded):
    planned = Counter()
    for wart in made.truth["warts"]:
        if wart["reason"]:
            planned[wart["table"], wart["reason"]] += wart["rows"]
    assert count_quarantined(loaded) == planned
    assert min(planned.values()) > 0


def test_candidates_are_filtered_and_tags_missing_as_the_truth_says(made, loaded):
    warts = {
        (item["table"], item["name"]): item["rows"] for item in made.truth["warts"]
    }
    lineage = loaded.table("_lineage").set_index("table")
    filtered = lineage.loc["employees", "rows_filtered"]
    assert filtered == warts["employees", "candidate"]
    courses = set(loaded.table("courses")["course_id"])
    tagged = set(loaded.table("course_skills")["course_id"])
    assert len(courses - tagged) == warts["courses", "course without skill tags"]


def test_every_table_of_the_contract_is_loaded_and_fits_it(loaded):
    assert loaded.report.missing_tables == ()
    for name, table in TABLES.items():
        frame = loaded.table(name)
        assert len(frame) > 0, name
        if not any(column.kind in NOT_LOADED for column in table.columns):
            build_schema(name).validate(frame, lazy=True)


def test_control_totals_hold_and_identifiers_are_dropped(loaded):
    assert all(item.ok for item in loaded.report.control_totals)
    assert len(loaded.report.control_totals) >= 8
    dropped = loaded.report.dropped_identifiers
    assert set(dropped["hris_people"]) == {"NACHNAME", "VORNAME", "E_MAIL"}
    employees = loaded.table("employees")
    text = employees.astype(str).to_csv()
    assert "@" not in text
    assert "AG-0" not in text


def test_consent_covers_as_many_people_as_the_truth_says(made, loaded):
    consent = loaded.table("consent").sort_values("decided_at")
    last = consent.groupby("employee_id")["granted"].last()
    assert int(last.sum()) == made.truth["consenting"]
    share = 1 - made.truth["consenting"] / made.truth["employees"]
    assert share == pytest.approx(0.095, abs=0.03)


def find_learners(loaded, program):
    """Apply a completion rule person by person, in plain Python."""
    rows = loaded.table("enrollments")
    rows = rows[
        rows["course_id"].isin(program.courses)
        & (rows["status"] == "completed")
        & (rows["score"] >= program.complete.min_score)
    ]
    found = {}
    modules = rows.groupby("employee_id")["course_id"].transform("nunique")
    rows = rows[modules >= program.complete.at_least]
    for unit, mine in rows.groupby("employee_id"):
        days = mine["completed_at"].dt.normalize()
        for day in sorted(days):
            since = day - pd.Timedelta(days=program.complete.within_days)
            recent = mine[(days > since) & (days <= day)]
            if recent["course_id"].nunique() >= program.complete.at_least:
                found[unit] = str(Quarter.of_day(day.date()))
                break
    return found


def test_the_completion_rules_find_exactly_the_learners_of_the_truth(made, loaded):
    params = load_org_params("demo", PARAMS)
    truth = made.table("learners")
    for program in params.programs:
        mine = truth[truth["program"] == program.id]
        wanted = {
            loaded.pseudonyms[person]: quarter
            for person, quarter in zip(
                mine["employee_id"], mine["exposure_quarter"], strict=True
            )
        }
        assert find_learners(loaded, program) == wanted
        assert len(wanted) > 5


def test_who_stayed_to_the_landmark_is_as_the_truth_says(made, loaded):
    truth = made.table("learners")
    exits = loaded.table("employees").set_index("employee_id")["exit_date"]
    left = exits[truth["employee_id"].map(loaded.pseudonyms)].to_numpy()
    landmark = [Quarter.parse(text).last_day for text in truth["exposure_quarter"]]
    gone = left <= np.array(landmark, "datetime64[us]")
    assert (gone == ~truth["stayed"]).all()
    assert 0 < gone.sum() < 0.1 * len(truth)


def test_managers_yml_names_the_behaviours_of_the_log(loaded):
    params = load_org_params("demo", PARAMS)
    declared = {item.id for item in params.managers.behaviours}
    assert declared == set(loaded.table("manager_actions")["action"])


def test_learners_followed_to_proficiency_are_those_of_the_truth(made, loaded):
    params = load_org_params("demo", PARAMS)
    truth = made.table("people")
    truth = truth[
        (truth["outcome"] == "ramp_days") & ~truth["exposure_quarter"].eq(str(LAST))
    ]
    tables = [path.stem for path in loaded.store.glob("*.parquet")]
    followed = set()
    for persona in ("support_l1_new", "team_leads"):
        con = open_cut(loaded.store, LAST.last_day, params.workbench.privacy)
        prepare_follow_ups(con, params, LAST, persona=persona)
        found = build_follow_ups(con, params, LAST, persona=persona, tables=tables)
        con.close()
        ramp = next(x for x in found.follow_ups if x.origin == "role start")
        learners = ramp.cohort.frame[ramp.cohort.frame["treated"]]
        followed |= {
            (persona, *key)
            for key in zip(learners["unit"], learners["trial"], strict=True)
        }
    mine = truth[truth["persona"].isin(["support_l1_new", "team_leads"])]
    names = mine["employee_id"].map(loaded.pseudonyms)
    assert followed == set(
        zip(mine["persona"], names, mine["exposure_quarter"], strict=True)
    )
    assert len(followed) > 5


def test_jobs_are_in_order_and_name_real_managers(loaded):
    jobs = loaded.table("job_history").sort_values(["employee_id", "effective_date"])
    first = jobs.groupby("employee_id")["event"].first()
    assert (first == "hire").all()
    ended = jobs[jobs["event"] == "exit"]
    exits = loaded.table("employees").set_index("employee_id")["exit_date"].dropna()
    dates = ended.set_index("employee_id")["effective_date"]
    assert dates.sort_index().equals(exits.rename("effective_date").sort_index())
    managers = set(jobs["manager_id"].dropna())
    assert managers <= set(loaded.table("employees")["employee_id"])
    assert (jobs["manager_id"] != jobs["employee_id"]).all()
    assert {"promotion", "transfer", "change"} <= set(jobs["event"])
