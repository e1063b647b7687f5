"""Numbers of what is prescribed in ``brief.json``: all of them, withheld ones blank."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.brief.content.prescribed_stages import HIDDEN, PERSON
from tests.brief.content.project import QUARTER
from workbench.brief.numbers import collect_numbers, compare_numbers
from workbench.brief.table_numbers import list_table_numbers
from workbench.core.params import load_org_params
from workbench.core.store import Workspace


@pytest.fixture
def collect(project):
    params = load_org_params("alder", project / "params")
    quarter = params.parse_quarter(QUARTER)
    return lambda: collect_numbers(params, Workspace(project), quarter)


def test_every_number_has_a_key_of_its_own_and_a_source(collect):
    numbers = collect()
    keys = [row["key"] for row in numbers.rows]
    assert len(keys) == len(set(keys))
    assert {"_all/portfolio", "_all/prediction", "leads/prescription"} <= set(
        numbers.sources
    )
    stages = {row["stage"] for row in numbers.rows}
    assert {"psm", "portfolio", "prediction", "prescription"} <= stages


def test_numbers_stand_with_interval_unit_and_counts(collect):
    rows = {row["key"]: row for row in collect().rows}
    key = "leads | portfolio | leading | impact | module | shrunk | module | a | "
    row = rows[key]
    assert (row["estimate"], row["ci_low"], row["ci_high"]) == (1.2, 0.5, 1.9)
    assert (row["unit"], row["n_treated"], row["n_control"]) == ("thresholds", 150, 40)
    chosen = rows["leads | prescription |  | policy value | chosen | aipw |  |  | "]
    assert chosen["estimate"] == pytest.approx(0.7)
    assert chosen["std_error"] == 0.05


def test_withheld_numbers_and_people_are_not_in_it(collect):
    text = json.dumps([dict(row) for row in collect().rows])
    assert str(HIDDEN) not in text
    assert PERSON[:-6] not in text
    assert "0.987" not in text
    hidden = [
        row
        for row in collect().rows
        if row["persona"] == "veterans" and row["subgroup"] == "d"
    ]
    assert hidden
    assert all(row["suppressed"] and row["estimate"] is None for row in hidden)


def test_a_changed_impact_is_a_changed_number(collect, project):
    before = collect()
    folder = project / "outputs" / "alder" / QUARTER / "_all" / "portfolio"
    table = pd.read_parquet(folder / "path_summary.parquet")
    table.loc[table["persona"] == "leads", "impact"] = 1.5
    table.to_parquet(folder / "path_summary.parquet")
    old = {
        "numbers": [dict(row) for row in before.rows],
        "sources": before.sources,
    }
    (changed,) = compare_numbers(old, collect())
    assert changed.key == "leads | portfolio | leading | impact | path | milp |  |  | "
    assert (changed.old["estimate"], changed.new["estimate"]) == (1.3, 1.5)


def test_stages_that_prescribe_nothing_list_nothing(project):
    folder = project / "outputs" / "alder" / QUARTER / "_all" / "personas"
    given = {"stage": "personas", "persona": "_all", "min_group": 10}
    assert list(list_table_numbers(folder, **given)) == []
