from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import make_cohort, make_outcome, simulate_frame
from workbench.core.declared import REDECLARED
from workbench.core.errors import (
    DesignError,
    NoOverlapError,
    NoVariationError,
    TooFewUnitsError,
)
from workbench.core.results import tabulate_checks, tabulate_estimates
from workbench.impact.psm.analysis import PsmResult, estimate_psm

EFFECT = 0.5


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return simulate_frame(21, people=500, trials=2, start=-1.5)


@pytest.fixture(scope="module")
def result(frame: pd.DataFrame) -> PsmResult:
    return estimate_psm(make_cohort(frame, notes=("One note.",)), seed=1)


def test_all_estimates_beside_the_headline(result: PsmResult) -> None:
    methods = [item.method for item in result.estimates]
    others = ["psm_nn_unadjusted", "aipw", "ols", "ipw", "g_computation"]
    assert methods == ["naive", "psm_nn", *others]
    assert [item.method for item in result.estimates if item.headline] == ["psm_nn"]
    assert all(item.limitation for item in result.estimates)
    for item in result.estimates[1:]:
        assert abs(item.estimate - EFFECT) < 3 * item.std_error
    naive = result.estimates[0]
    assert naive.estimate - EFFECT > 4 * naive.std_error
    assert result.headline.meets_threshold == "yes"
    assert result.headline.evidence == 2
    tabulate_estimates(result.estimates)


def test_pairs_hold_people_and_sum_to_one(result: PsmResult) -> None:
    pairs = result.pairs
    assert list(pairs) == ["set", "unit", "trial", "treated", "distance", "weight"]
    sums = pairs.groupby(["set", "treated"])["weight"].sum()
    assert sums.to_numpy() == pytest.approx(1.0)
    assert pairs.groupby("set")["trial"].nunique().eq(1).all()
    assert not pairs.duplicated(["unit", "trial"]).any()
    assert result.headline.n_treated == pairs.loc[pairs["treated"], "unit"].nunique()


def test_balance_improves_and_flow_falls(result: PsmResult) -> None:
    table = result.balance[result.balance["site"] == "_all"]
    worst = table.groupby("stage")["smd"].agg(lambda values: values.abs().max())
    assert worst["after"] < 0.15 < worst["before"]
    assert result.flow["step"].iloc[-1] == "matched"
    assert result.flow["n_treated"].is_monotonic_decreasing
    assert set(result.scores["group"]) == {"learners", "others", "matched others"}


def test_checks_and_facts_can_be_written(result: PsmResult) -> None:
    names = [item.check for item in result.checks]
    wanted = {
        "separation",
        "common_support",
        "positivity",
        "effective_sample_size",
        "matched_share",
        "balance",
        "balance_good",
        "regression_terms",
        "clusters",
        "aipw_agrees",
        "power",
        "attrition",
        "missing_outcomes",
        "note",
    }
    assert wanted <= set(names)
    assert not tabulate_checks(result.checks)["status"].isin(["fail"]).any()
    assert "overturn" not in result.facts
    assert result.sensitivity.empty
    text = json.dumps(result.facts, allow_nan=False)
    assert "pooled standard deviations" in text
    assert "ridge penalty 1" in text
    assert result.facts["for_whom"].startswith("The effect is that of ")
    assert result.facts["error"] == "CR1 by matched set and person"


def test_an_examination_adds_errors_causes_and_refutations(frame: pd.DataFrame) -> None:
    found = estimate_psm(make_cohort(frame), examine=True, seed=1)
    names = {item.check for item in found.checks}
    tried = {"placebo", "random_cause", "subset", "dummy_outcome"}
    assert {"hidden_cause", "hidden_bias"} | {f"refute_{x}" for x in tried} <= names
    assert set(found.refutation["refuter"]) == tried
    in_use = found.errors[found.errors["headline"]].iloc[0]
    assert in_use["std_error"] == pytest.approx(found.headline.std_error)
    moved = found.sensitivity.query("kind == 'benchmark' and strength == 1")
    assert set(moved["name"]) == {"x1", "x2", "role"}
    first = moved.iloc[0]
    assert found.facts["strongest"] == first["name"] == "x1"
    assert found.findings.robust == (first["ci_low"] > 0)
    assert "x1, the strongest one measured" in found.facts["overturn"]
    assert found.support.iloc[0]["answerable"]
    json.dumps(found.facts, allow_nan=False)


def test_the_order_of_rows_changes_nothing(
    frame: pd.DataFrame, result: PsmResult
) -> None:
    shuffled = frame.sample(frac=1, random_state=3)
    other = estimate_psm(make_cohort(shuffled, notes=("One note.",)), seed=1)
    assert tabulate_estimates(other.estimates).equals(
        tabulate_estimates(result.estimates)
    )
    pd.testing.assert_frame_equal(other.pairs, result.pairs)
    pd.testing.assert_frame_equal(other.balance, result.balance)


def test_units_of_covariates_and_names_of_levels_change_nothing(
    frame: pd.DataFrame, result: PsmResult
) -> None:
    renamed = frame.assign(
        x1=frame["x1"] * 365 - 4,
        role=frame["role"].cat.rename_categories({"a": "k", "b": "l", "c": "m"}),
    )
    other = estimate_psm(make_cohort(renamed), seed=1)
    assert other.headline.estimate == pytest.approx(result.headline.estimate)
    assert other.headline.std_error == pytest.approx(result.headline.std_error)
    assert other.pairs["unit"].tolist() == result.pairs["unit"].tolist()


def test_the_frame_is_left_alone(frame: pd.DataFrame) -> None:
    cohort = make_cohort(frame)
    before = cohort.frame.copy()
    estimate_psm(cohort, seed=1)
    pd.testing.assert_frame_equal(cohort.frame, before)


@pytest.mark.parametrize(
    "options",
    [
        {"replace": True},
        {"ratio": 3},
        {"ratio": 2, "replace": True},
        {"exact": ("site",)},
        {"propensity": "boosting", "caliper": 0.5},
    ],
    ids=str,
)
def test_variants_find_the_truth(
    frame: pd.DataFrame, options: dict[str, object]
) -> None:
    found = estimate_psm(make_cohort(frame), seed=1, **options)  # type: ignore[arg-type]
    headline = found.headline
    assert abs(headline.estimate - EFFECT) < 3 * headline.std_error
    if "exact" in options:
        site = frame.set_index(["unit", "trial"])["site"]
        keys = pd.MultiIndex.from_frame(found.pairs[["unit", "trial"]])
        sites = site.loc[keys].groupby(found.pairs["set"].to_numpy()).nunique()
        assert sites.eq(1).all()


def test_no_effect_is_not_found(frame: pd.DataFrame) -> None:
    none = frame.assign(outcome=frame["outcome"] - EFFECT * frame["treated"])
    found = estimate_psm(make_cohort(none), seed=1)
    assert found.headline.ci_low < 0 < found.headline.ci_high
    assert found.estimates[0].ci_low > 0
    assert found.headline.meets_threshold in ("no", "unclear")


def test_a_yes_or_no_outcome_is_a_risk_difference() -> None:
    frame = simulate_frame(22, people=1500)
    rng = np.random.default_rng(1)
    chance = 1 / (1 + np.exp(-(0.5 + 0.4 * frame["x1"])))
    kept = rng.random(len(frame)) < np.clip(chance + 0.15 * frame["treated"], 0, 1)
    outcome = make_outcome(
        id="retention_12m",
        source="exits.voluntary",
        kind="time_to_event",
        horizon_days=365,
        unit="",
    )
    cohort = make_cohort(frame.assign(outcome=kept.astype(float)), outcome=outcome)
    found = estimate_psm(cohort, seed=1)
    truth = (np.clip(chance + 0.15, 0, 1) - chance)[frame["treated"]].mean()
    assert found.headline.unit == "probability"
    assert abs(found.headline.estimate - truth) < 3 * found.headline.std_error
    assert found.headline.std_error < 0.06


def test_learners_out_of_reach_are_dropped_and_described() -> None:
    frame = simulate_frame(23, people=900)
    strong = frame["treated"] & (frame["x1"] > frame["x1"].quantile(0.8))
    far = frame.assign(x1=frame["x1"] + 8 * strong)
    found = estimate_psm(make_cohort(far), seed=1)
    whom = found.facts["for_whom"]
    assert found.facts["matched_learners"] < found.facts["learners"]
    assert "higher x1 (mean " in whom


def test_differential_loss_is_a_threat_with_bounds(frame: pd.DataFrame) -> None:
    """Others lose a seventh of their outcomes, learners none."""
    drop = ~frame["treated"] & (np.arange(len(frame)) % 7 == 0)
    holed = frame.assign(outcome=frame["outcome"].where(~drop))
    found = estimate_psm(make_cohort(holed), seed=1)
    low, high = found.facts["bounds"]
    assert low < found.headline.estimate < high
    assert "differential attrition" in found.findings.threats
    assert found.headline.evidence == 1


def test_an_outcome_declared_anew_is_trusted_less(frame: pd.DataFrame) -> None:
    before = estimate_psm(make_cohort(frame), seed=1)
    anew = estimate_psm(make_cohort(frame, threats=(REDECLARED,)), seed=1)
    assert anew.findings.threats == (REDECLARED, *before.findings.threats)
    assert anew.headline.evidence == before.headline.evidence - 1
    assert REDECLARED in anew.facts["evidence"]


def test_poor_balance_is_shown_with_the_lowest_grade() -> None:
    """A caliper so wide that learners are matched with quite different people."""
    frame = simulate_frame(24, people=260, strength=2.0, start=0.3)
    found = estimate_psm(make_cohort(frame), caliper=20.0, seed=1)
    checks = {item.check: item for item in found.checks}
    assert checks["balance"].status == "warn"
    assert found.headline.evidence is not None
    assert found.headline.evidence <= 1
    assert not math.isnan(found.headline.estimate)


def _bad(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    learns = frame["treated"].to_numpy()
    return {
        "three people": frame.head(3),
        "nobody learnt": frame.assign(treated=False),
        "everybody learnt": frame.assign(treated=True),
        "constant outcome": frame.assign(outcome=3.0),
        "no outcome": frame.assign(outcome=np.nan),
        "nothing varies": frame.assign(x1=1.0, x2=2.0, role="a"),
        "separated": frame.assign(x2=np.where(learns, 1.0, -1.0)),
        "no overlap": frame.assign(x1=frame["x1"] + 30.0 * learns),
        "no match": frame.assign(x1=np.where(learns, 5.0, 0.0) + frame["x1"] / 4),
    }


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("three people", TooFewUnitsError, "Too few people to compare"),
        ("nobody learnt", NoVariationError, "Nobody learnt"),
        ("everybody learnt", NoVariationError, "Everybody learnt"),
        ("constant outcome", NoVariationError, "one value only"),
        ("no outcome", DesignError, "No outcome was observed"),
        ("nothing varies", DesignError, "No covariate varies"),
        ("separated", NoOverlapError, "told apart without error by x2"),
        ("no overlap", NoOverlapError, "separates learners from others"),
        ("no match", NoOverlapError, "cannot be compared|separates learners"),
    ],
)
def test_designs_that_cannot_answer(
    frame: pd.DataFrame, name: str, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        estimate_psm(make_cohort(_bad(frame)[name]), seed=1)


def test_a_constant_covariate_is_only_noted(frame: pd.DataFrame) -> None:
    found = estimate_psm(make_cohort(frame.assign(role="a")), seed=1)
    checks = [item for item in found.checks if item.check == "covariate_constant"]
    assert len(checks) == 1
    assert "role" in checks[0].text


def test_few_matched_sets_are_handled_with_care() -> None:
    frame = simulate_frame(25, people=80, start=-1.8)
    found = estimate_psm(make_cohort(frame), seed=1)
    assert found.headline.n_treated < 40
    assert "CR2" in found.facts["error"]
    clusters = next(item for item in found.checks if item.check == "clusters")
    assert clusters.status == "warn"
