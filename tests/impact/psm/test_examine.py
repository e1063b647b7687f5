"""G-computation, errors side by side and the sensitivity of a headline."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from tests.impact.simulate import make_cohort, simulate_frame
from workbench.impact.comparison import Comparison, compare_groups
from workbench.impact.effects import Effect
from workbench.impact.g_computation import estimate_g_computation
from workbench.impact.matched import estimate_matched
from workbench.impact.matched_errors import tabulate_errors
from workbench.impact.robustness.sensitivity import Sensitivity, analyse_sensitivity


def _compare(frame: pd.DataFrame, *, clusters: tuple = ("unit",), **more: object):
    matching = {"caliper": 0.2, "ratio": 1, "replace": False} | more
    return compare_groups(
        make_cohort(frame, clusters=clusters),
        matching=matching,
        exact=(),
        propensity="logistic",
        min_group=10,
        seed=1,
    )


def _headline(compared: Comparison) -> Effect:
    return estimate_matched(
        compared.sample,
        compared.matches,
        covariates=compared.design.matrix(),
        score=compared.scores.logit,
    )


def _analyse(
    compared: Comparison, *, binary: bool = False, **more: object
) -> Sensitivity:
    names = compared.design.names
    return analyse_sensitivity(
        compared.sample,
        compared.design,
        compared.matches,
        _headline(compared),
        terms=names,
        wide=names,
        binary=binary,
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return simulate_frame(51, people=700)


@pytest.fixture(scope="module")
def compared(frame: pd.DataFrame) -> Comparison:
    return _compare(frame)


def test_g_computation_is_the_regression_with_interactions(
    compared: Comparison,
) -> None:
    """Against statsmodels: covariates centred among learners, every slope twice."""
    matrix = compared.design.matrix()
    found = estimate_g_computation(compared.sample, compared.matches, covariates=matrix)
    rows = compared.matches.pairs["row"].to_numpy()
    treated = compared.sample.treated[rows]
    centred = matrix[rows] - matrix[rows][treated].mean(axis=0)
    columns = np.column_stack([treated, centred, treated[:, None] * centred])
    outcome = compared.sample.outcome[rows]
    fitted = sm.OLS(outcome, sm.add_constant(columns.astype(float))).fit(
        cov_type="cluster",
        cov_kwds={"groups": compared.matches.pairs["set"].to_numpy()},
    )
    assert found.value == pytest.approx(fitted.params[1], rel=1e-8)
    # statsmodels holds the learners' covariates fixed
    assert found.std_error == pytest.approx(fitted.bse[1], rel=0.05)
    assert found.baseline == pytest.approx(
        outcome[treated].mean() - found.value, rel=1e-12
    )


def _leave_sets_out(compared: Comparison, *, binary: bool) -> float:
    """Jackknife over sets: an error without any algebra."""
    from dataclasses import replace

    matrix = compared.design.matrix()
    pairs = compared.matches.pairs
    values = []
    for code in range(int(pairs["set"].max()) + 1):
        left = replace(compared.matches, pairs=pairs[pairs["set"] != code])
        values.append(
            estimate_g_computation(
                compared.sample, left, covariates=matrix, binary=binary
            ).value
        )
    count = len(values)
    return float(np.sqrt((count - 1) / count * ((values - np.mean(values)) ** 2).sum()))


@pytest.mark.parametrize("binary", [False, True])
def test_its_error_is_that_of_the_jackknife(binary: bool) -> None:
    frame = simulate_frame(52, people=260)
    if binary:
        frame["outcome"] = (frame["outcome"] > 3).astype(float)
    compared = _compare(frame)
    found = estimate_g_computation(
        compared.sample,
        compared.matches,
        covariates=compared.design.matrix(),
        binary=binary,
    )
    jackknife = _leave_sets_out(compared, binary=binary)
    assert found.std_error == pytest.approx(jackknife, rel=0.12)
    if binary:
        assert -1 < found.value < 1
        assert 0 < found.baseline < 1


def _tabulate(compared: Comparison, headline: Effect) -> pd.DataFrame:
    return tabulate_errors(
        compared.sample,
        compared.matches,
        headline,
        covariates=compared.design.matrix(),
        score=compared.scores.logit,
        seed=1,
    )


def test_errors_side_by_side(compared: Comparison) -> None:
    headline = _headline(compared)
    table = _tabulate(compared, headline)
    assert table["headline"].sum() == 1
    own = table[table["headline"]].iloc[0]
    assert own["valid"]
    assert own["std_error"] == pytest.approx(headline.std_error)
    by = table.set_index("method")
    assert by.loc["block bootstrap", "valid"]
    assert by.loc["block bootstrap", "std_error"] == pytest.approx(
        headline.std_error, rel=0.2
    )
    assert not by.loc["plain", "valid"]
    assert not by.loc["Abadie-Imbens", "valid"]
    assert "each row serves once" in by.loc["Abadie-Imbens", "reason"]
    pd.testing.assert_frame_equal(table, _tabulate(compared, headline))


def test_with_replacement_the_bootstrap_is_refused(frame: pd.DataFrame) -> None:
    compared = _compare(frame, replace=True)
    by = _tabulate(compared, _headline(compared)).set_index("method")
    assert by.loc["Abadie-Imbens", "headline"]
    assert math.isnan(by.loc["block bootstrap", "std_error"])
    assert "no independent draw" in by.loc["block bootstrap", "reason"]


def test_few_clusters_put_the_careful_error_first() -> None:
    frame = simulate_frame(53, people=500, by_team=True, teams=20, team_sd=0.3)
    compared = _compare(frame, clusters=("unit", "team"), caliper=0.5)
    table = _tabulate(compared, _headline(compared))
    assert table["method"].iloc[0] == "in use"
    assert "CR2" in table["reason"].iloc[0]
    by = table.set_index("method")
    assert not by.loc["block bootstrap", "valid"]
    assert "fewer than 40" in by.loc["block bootstrap", "reason"]


def test_a_clear_effect_says_what_would_overturn_it(compared: Comparison) -> None:
    found = _analyse(compared, unmeasured=("drive",), unit="points")
    rows = found.table.groupby("kind").size()
    assert rows["benchmark"] == 9
    assert rows["hidden_bias"] == 5
    once = found.table.query("kind == 'benchmark' and strength == 1").iloc[0]
    assert once["name"] == "x1"
    assert found.robust is bool(once["ci_low"] > 0)
    assert "such as drive," in found.facts["overturn"]
    assert found.facts["sensitivity"].endswith("measured by nobody: drive.")
    breaking = found.table.query("kind == 'breaking' and name == 'x1'").iloc[0]
    assert breaking["strength"] == pytest.approx(found.facts["breaking_strength"])
    assert {item.check for item in found.checks} == {"hidden_cause", "hidden_bias"}
    ranges = found.table.query("kind == 'hidden_bias' and strength == 1.5").iloc[0]
    assert ranges["ci_low"] < _headline(compared).value < ranges["ci_high"]


def test_a_harmful_programme_is_the_mirror_image(frame: pd.DataFrame) -> None:
    up = _analyse(_compare(frame))
    down = _analyse(_compare(frame.assign(outcome=-frame["outcome"])))
    assert down.facts["gamma"] == pytest.approx(up.facts["gamma"], rel=1e-6)
    for name in ("breaking_strength", "robustness_value"):
        assert down.facts[name] == pytest.approx(up.facts[name], rel=1e-6)
    pick = "kind == 'benchmark' and strength == 2"
    left, right = (x.table.query(pick)["estimate"].to_numpy() for x in (up, down))
    assert right == pytest.approx(-left, rel=1e-6)


def test_no_effect_needs_no_hidden_cause(frame: pd.DataFrame) -> None:
    none = frame.assign(outcome=frame["outcome"] - 0.5 * frame["treated"])
    found = _analyse(_compare(none))
    assert found.robust is False
    assert found.facts["overturn"].startswith("The interval already holds 0")
    assert all(item.passed is None for item in found.checks)
    assert found.facts["gamma"] is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"replace": True}, "serves several learners"),
        ({"clusters": ("unit", "team")}, "given by team"),
    ],
)
def test_where_rosenbaum_bounds_do_not_apply(
    frame: pd.DataFrame, options: dict[str, object], words: str
) -> None:
    found = _analyse(_compare(frame, **options))  # type: ignore[arg-type]
    check = next(item for item in found.checks if item.check == "hidden_bias")
    assert check.passed is None
    assert words in check.text
    assert not (found.table["kind"] == "hidden_bias").any()


@pytest.mark.parametrize(
    ("ratio", "binary", "name"),
    [
        (1, True, "McNemar"),
        (2, True, "Mantel-Haenszel"),
        (2, False, "aligned-rank"),
    ],
)
def test_each_design_has_its_own_test(
    frame: pd.DataFrame, ratio: int, binary: bool, name: str
) -> None:
    rows = frame.assign(outcome=(frame["outcome"] > 3) * 1.0) if binary else frame
    found = _analyse(_compare(rows, ratio=ratio), binary=binary)
    assert name in found.facts["sensitivity"]
    table = found.table.query("kind == 'hidden_bias'")
    assert table["p_value"].is_monotonic_increasing
    if binary:
        e_value = found.table.query("kind == 'e_value'").iloc[0]
        assert e_value["estimate"] > 1
