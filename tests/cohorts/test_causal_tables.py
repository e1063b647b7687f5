"""Tables and checks of declared causes, as the personas stage leaves them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from workbench.cohorts.causal_tables import check_causes, tabulate_causes
from workbench.core.params import ImpactParams, OrgParams, load_org_params

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo() -> OrgParams:
    return load_org_params("demo", ROOT / "params")


def test_outcomes_with_one_graph_share_its_number(demo: OrgParams) -> None:
    tables = tabulate_causes(demo)
    adjustment = tables["adjustment"].set_index("outcome")
    assert adjustment["graph"].tolist() == [1, 1, 1, 1, 1, 2, 3]
    assert set(tables["graph_nodes"]["graph"]) == {1, 2, 3}
    assert set(tables["graph_arrows"]["graph"]) == {1, 2, 3}
    assert adjustment.loc["kpi_attainment", "unmeasured"] == "Motivation"
    assert adjustment.loc["parking_permit", "control_of"] == "performance_rating"
    assert adjustment["identified"].tolist() == [False] * 6 + [True]


def test_every_node_has_its_part(demo: OrgParams) -> None:
    nodes = tabulate_causes(demo)["graph_nodes"]
    kinds = nodes[nodes["graph"] == 1].set_index("node")["kind"]
    assert kinds["tenure"] == kinds["season"] == "adjusted"
    assert kinds["motivation"] == "unmeasured"
    assert kinds["ability"] == kinds["age"] == "spared"
    assert kinds["invitation"] == "learning_only"
    assert kinds["coaching"] == "after"
    assert (kinds["learning"], kinds["outcome"]) == ("treatment", "outcome")


def test_arrows_join_nodes_that_are_there(demo: OrgParams) -> None:
    tables = tabulate_causes(demo)
    for number, arrows in tables["graph_arrows"].groupby("graph"):
        nodes = tables["graph_nodes"]
        known = set(nodes.loc[nodes["graph"] == number, "node"])
        assert set(arrows["cause"]) | set(arrows["effect"]) <= known


def test_checks_warn_of_what_is_not_measured_or_left_out(demo: OrgParams) -> None:
    found = {(item.check, item.outcome): item for item in check_causes(demo)}
    measured = found["causes_measured", "retention_12m"]
    assert measured.status == "warn"
    assert measured.text == "learning <- motivation -> retention_12m"
    assert found["causes_measured", "parking_permit"].status == "pass"
    assert found["adjusted_as_declared", "retention_12m"].status == "pass"
    workbench = demo.workbench.model_copy(
        update={"impact": ImpactParams(covariates=("role", "level"))}
    )
    asked = dataclasses.replace(demo, workbench=workbench)
    found = {(item.check, item.outcome): item for item in check_causes(asked)}
    left = found["adjusted_as_declared", "retention_12m"]
    assert left.status == "warn"
    assert left.value == 13
    kinds = tabulate_causes(asked)["graph_nodes"].set_index(["graph", "node"])["kind"]
    assert kinds[1, "tenure"] == "left_out"


def test_without_a_graph_one_check_says_so_and_tables_are_empty(
    demo: OrgParams,
) -> None:
    bare = dataclasses.replace(demo, causes=None)
    (check,) = check_causes(bare)
    assert check.status == "warn"
    assert "No causes are declared" in check.text
    tables = tabulate_causes(bare)
    assert tables["graph_nodes"].empty
    assert tables["graph_arrows"].empty
    assert tables["adjustment"]["identified"].isna().all()
    assert len(tables["adjustment"]) == len(demo.outcomes)


def test_tables_are_the_same_on_repeat(demo: OrgParams) -> None:
    first, second = tabulate_causes(demo), tabulate_causes(demo)
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name])
