"""What an organisation's data say about its next experiment, against what was drawn."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.cohorts.planning_store import (
    CORRELATION,
    ICC,
    JOINERS,
    LEARNERS,
    SD,
    TEAMS,
    make_planned,
)
from workbench.cohorts.planning import load_plan_facts
from workbench.core.errors import DesignError, NoVariationError, TooFewUnitsError
from workbench.core.params import load_org_params

THREE_ERRORS = 0.06
"""Three standard errors of SD, ICC and correlation, with 60 teams and 2,400 values."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make_planned(tmp_path_factory.mktemp("planned"))


@pytest.fixture(scope="module")
def facts(workspace):
    return load(workspace)


def load(workspace, *, outcome="rating", persona="agents", program="talking", **more):
    params = load_org_params("planned", workspace.params)
    return load_plan_facts(
        params,
        workspace,
        params.parse_quarter(more.pop("quarter", "2026Q3")),
        persona=persona,
        program=next(item for item in params.programs if item.id == program),
        outcome=params.find_outcome(outcome),
        design=more.pop("design", "individual"),
    )


def test_spread_teams_and_history_are_those_that_were_drawn(facts):
    assert facts.mean == pytest.approx(3.0, abs=3 * 0.3 / math.sqrt(TEAMS))
    assert facts.sd == pytest.approx(SD, abs=THREE_ERRORS)
    assert facts.icc == pytest.approx(ICC, abs=THREE_ERRORS)
    assert 0.01 < facts.icc_error < THREE_ERRORS
    assert facts.correlation == pytest.approx(CORRELATION, abs=THREE_ERRORS)
    left = SD * math.sqrt(1 - CORRELATION**2 * 3 / 4)
    assert facts.adjusted_sd == pytest.approx(left, abs=THREE_ERRORS)
    assert facts.adjusted_icc < facts.icc
    assert facts.attrition == pytest.approx(0.1, abs=0.03)


def test_a_scale_is_read_where_the_data_have_it(tmp_path):
    workspace = make_planned(tmp_path)
    assert load(workspace).scale is None
    path = workspace.store("planned") / "performance.parquet"
    frame = pd.read_parquet(path)
    frame.assign(rating_scale_max=5.0).to_parquet(path, index=False)
    assert load(workspace).scale == (0.0, 5.0)
    frame.assign(rating_scale_max=math.nan).to_parquet(path, index=False)
    assert load(workspace).scale is None


def test_people_who_can_be_assigned_and_the_pace_are_counted(facts):
    learnt = 5 * LEARNERS + 21
    assert facts.eligible == TEAMS * 10 + 5 * JOINERS - learnt
    assert facts.arrivals == pytest.approx(JOINERS * 4 / 5)
    assert facts.learners == pytest.approx(LEARNERS + 21 / 4)
    assert facts.teams == TEAMS - 7 + 5, "in seven teams all have learnt"
    assert facts.team_size == pytest.approx(facts.eligible / facts.teams)


def test_uptake_is_that_of_the_earlier_experiment(facts):
    uptake = facts.uptake
    assert uptake is not None
    assert (uptake.taken, uptake.taken_control) == (0.6, 0.1)
    assert uptake.text == "30 people offered it in earlier experiments"


def test_where_few_were_offered_it_nothing_is_said_of_uptake(workspace):
    assert load(workspace, program="fresh").uptake is None
    before = load(workspace, quarter="2025Q4")
    assert before.uptake is None, "12 people are too few to tell"


def test_nothing_after_the_cut_is_read(workspace, facts):
    early = load(workspace, quarter="2026Q1")
    assert early.people < facts.people
    assert early.eligible == TEAMS * 10 + 3 * JOINERS - 3 * LEARNERS - 21


def test_an_outcome_without_variation_is_refused(workspace):
    with pytest.raises(NoVariationError, match="Everybody has the same outcome"):
        load(workspace, outcome="stayed")


def test_what_cannot_be_planned_says_why(workspace):
    with pytest.raises(DesignError, match="followed over time"):
        load(workspace, outcome="days")
    with pytest.raises(DesignError, match="180 days to be known"):
        load(workspace, outcome="stayed", design="stepped_wedge")
    with pytest.raises(DesignError, match="No quarter's window of slow has closed"):
        load(workspace, outcome="slow")
    with pytest.raises(TooFewUnitsError, match="Too few people have a known outcome"):
        load(workspace, persona="clerks")
