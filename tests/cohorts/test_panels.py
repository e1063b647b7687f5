"""Panels on the hand-made organisation: every row is checked by eye."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.cohorts.conftest import CUT, fill
from workbench.cohorts.frames import Panel
from workbench.cohorts.panels import PanelSet, build_panels
from workbench.cohorts.target_trial import prepare_members
from workbench.core.params import OrgParams, Privacy
from workbench.core.quarters import Quarter
from workbench.data.cut import open_cut

Q3 = Quarter.parse("2026Q3")
TABLES = ["employees", "performance", "skill_assessments", "job_history"]


def build(con: duckdb.DuckDBPyConnection, params: OrgParams) -> PanelSet:
    prepare_members(con, params, Q3)
    return build_panels(con, params, Q3, persona="agents", tables=TABLES)


def find(found: PanelSet, outcome: str = "performance_rating") -> Panel:
    return next(item for item in found.panels if item.outcome.id == outcome)


def test_a_learner_has_one_exposure_and_all_quarters_with_an_outcome(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    panel = find(build(con, params))
    rows = panel.frame[panel.frame["unit"] == "p1"]
    labels = [panel.periods[period - 1] for period in rows["period"]]
    assert labels == ["2025Q4", "2026Q1", "2026Q2"]
    assert rows["outcome"].tolist() == [3.0, 3.9, 4.0]
    assert {panel.periods[start - 1] for start in rows["first_treat"]} == {"2026Q1"}


def test_exposures_and_lag_are_those_of_the_trials(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    panel = find(build(con, params))
    outcome = params.find_outcome("performance_rating")
    labels = [panel.periods[place - 1] for place in panel.exposures]
    assert labels[-1] == str(Q3.shift(-outcome.lag_quarters))
    assert panel.lag == outcome.lag_quarters


def test_who_did_not_finish_has_no_exposure(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    frame = find(build(con, params)).frame
    assert set(frame.loc[frame["unit"] == "p2", "first_treat"]) == {0}


def test_a_learner_without_an_earlier_outcome_is_no_control(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    panel = find(build(con, params))
    start = set(panel.frame.loc[panel.frame["unit"] == "p4", "first_treat"])
    assert start == {1}
    assert panel.periods[0] == "2025Q3"
    assert min(panel.exposures) == 1


def test_facts_are_those_of_the_first_quarter_and_do_not_change(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    panel = find(build(con, params))
    rows = panel.frame[panel.frame["unit"] == "p1"]
    assert len(rows[list(panel.covariates)].drop_duplicates()) == 1
    assert not {"prior_rating", "prior_kpi", "skill_gap"} & set(panel.covariates)


def test_an_outcome_read_once_is_a_gap_with_its_reason(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    found = build(con, params)
    once = {
        item.id
        for item in params.outcomes
        if item.source.split(".")[0] not in ("performance", "skill_assessments")
    }
    assert once
    assert once <= {gap.outcome for gap in found.gaps}
    assert all("no before" in gap.reason for gap in found.gaps if gap.outcome in once)


def test_a_table_that_is_not_loaded_is_named(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    prepare_members(con, params, Q3)
    found = build_panels(con, params, Q3, persona="agents", tables=["employees"])
    assert not found.panels
    assert any("performance is not loaded" in gap.reason for gap in found.gaps)


def test_nothing_after_the_cut_is_read(tmp_path: Path, params: OrgParams) -> None:
    later = [
        {
            "employee_id": "p1",
            "period": "2026Q4",
            "rating": 5.0,
            "kpi_attainment": 2.0,
        }
    ]
    con = open_cut(fill(tmp_path, {"performance": later}), CUT, _privacy(params))
    try:
        panel = find(build(con, params))
    finally:
        con.close()
    assert 5.0 not in set(panel.frame["outcome"])


def test_the_flow_counts_who_was_seen_before_and_after(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    flow = find(build(con, params)).flow.set_index("step")
    last = flow.loc["outcome seen in the quarter of the outcome"]
    assert last["n_treated"] == 1
    assert (flow["n_control"].diff().dropna() <= 0).all()
    assert (flow["n_treated"].diff().dropna() <= 0).all()


def test_the_table_of_panels_counts_people(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    table = build(con, params).tabulate()
    row = table[table["outcome"] == "performance_rating"].iloc[0]
    assert (row["learners"], row["later_learners"]) == (3, 0)
    assert row["others"] == 1


def test_who_learns_in_another_persona_keeps_only_earlier_outcomes(
    con: duckdb.DuckDBPyConnection, params: OrgParams
) -> None:
    prepare_members(con, params, Q3)
    con.execute("update members set persona = 'others' where trial = '2026Q1'")
    found = build_panels(con, params, Q3, persona="agents", tables=TABLES)
    panel = find(found)
    rows = panel.frame[panel.frame["unit"] == "p1"]
    assert [panel.periods[period - 1] for period in rows["period"]] == ["2025Q4"]
    assert set(rows["first_treat"]) == {0}
    assert any("another persona" in note for note in panel.notes)


def _privacy(params: OrgParams) -> Privacy:
    return params.workbench.privacy
