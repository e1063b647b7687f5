"""Values of a path by people who had no part in its choice."""

from __future__ import annotations

import numpy as np
import pytest

from tests.prescribe.drawn_stage import draw_records
from workbench.cohorts.module_records import ModuleRecords
from workbench.core.path_params import PathParams
from workbench.impact.inference import estimate_cluster_error
from workbench.impact.sample import code_clusters
from workbench.prescribe.modules.portfolio import value_modules
from workbench.prescribe.modules.values import ModuleValues
from workbench.prescribe.prescription.held_out import hold_out, value_held_out

GOOD = ("m-1", "m-2", "m-3")


def value(records: ModuleRecords) -> ModuleValues:
    found = value_modules(
        [records], paths=PathParams(), alpha=0.05, min_group=10, seed=3
    )
    return found.values[0]


@pytest.fixture(scope="module")
def records() -> ModuleRecords:
    return draw_records()


@pytest.fixture(scope="module")
def values(records: ModuleRecords) -> ModuleValues:
    return value(records)


def test_held_out_people_are_in_no_table(records: ModuleRecords) -> None:
    out = sorted(records.passed["unit"].unique())[:50]
    rest = hold_out(records, out)
    frames = [rest.passed, rest.hours, *(item.frame for item in rest.cohorts)]
    assert all(not frame["unit"].isin(out).any() for frame in frames)
    assert len(rest.passed) < len(records.passed)


def test_the_same_path_everywhere_has_the_value_and_error_of_everybody(
    records: ModuleRecords, values: ModuleValues
) -> None:
    found = value_held_out(records, values, lambda _: GOOD, seed=1)
    told = ~np.isnan(values.raw[0])
    step = np.isin(values.modules, GOOD) - values.shares
    assert found.shift.value == pytest.approx(
        float(step[told] @ values.raw[0, told]), rel=1e-3
    )
    whole = sum(
        step[at] * values.rows[f"y0:{values.modules[at]}"]
        for at in np.flatnonzero(told)
    )
    code = code_clusters(values.rows["unit"])
    ours = estimate_cluster_error(
        np.asarray(whole)[:, None], {"unit": code}
    ).covariance[0, 0]
    assert found.shift.influence is not None
    assert float((found.shift.influence**2).sum()) == pytest.approx(ours, rel=0.01)
    assert "the same path" in found.text


def test_leaving_out_the_harmful_module_is_worth_its_harm(
    records: ModuleRecords, values: ModuleValues
) -> None:
    found = value_held_out(records, values, lambda _: GOOD, seed=1)
    share = values.shares[3]
    # harm of 0.8 in thresholds of 0.2, for the share that took it
    truth = 4.0 * share + sum(
        (1 - values.shares[at]) * effect / 0.2 for at, effect in ((1, 0.5), (2, 0.3))
    )
    error = float(np.sqrt((found.shift.influence**2).sum()))
    assert abs(found.shift.value - truth) < 3 * error


def test_each_path_is_chosen_without_the_people_who_value_it(
    records: ModuleRecords, values: ModuleValues
) -> None:
    seen: list[set[str]] = []

    def choose(rest: ModuleRecords) -> tuple[str, ...]:
        seen.append(set(rest.passed["unit"]))
        return GOOD if len(seen) < 3 else ("m-1", "m-2", "m-4")

    found = value_held_out(records, values, choose, seed=1)
    everybody = set(records.passed["unit"])
    left = [everybody - item for item in seen]
    assert len(seen) == 3
    assert not left[0] & left[1]
    assert not left[1] & left[2]
    assert "2 different paths" in found.text


def test_a_change_that_cannot_be_told_has_no_number(
    records: ModuleRecords, values: ModuleValues
) -> None:
    found = value_held_out(records, values, lambda _: ("m-2", "m-3", "m-4"), seed=1)
    assert not found.known
    assert "no effect" in found.text
