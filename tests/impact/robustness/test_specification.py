"""The specification curve: its grid, its headline, and what it concludes."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tests.impact.simulate import make_cohort, simulate_frame
from workbench.cohorts.frames import Cohort
from workbench.core.errors import TooFewUnitsError
from workbench.impact.psm.analysis import estimate_psm
from workbench.impact.robustness.specification import (
    SpecificationCurve,
    run_specifications,
)
from workbench.impact.robustness.specification_grid import (
    CHOICES,
    DECLARED,
    Variant,
    count_steps,
    list_variants,
    name_covariate_sets,
)

COVARIATES = ("prior_rating", "team_size", "role")


def make(frame: pd.DataFrame, **more: object) -> Cohort:
    """Name the simulated covariates as the facts of an organisation are named."""
    named = frame.rename(columns={"x1": "prior_rating", "x2": "team_size"})
    return make_cohort(named, covariates=COVARIATES, **more)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return simulate_frame(5, people=500, trials=2)


@pytest.fixture(scope="module")
def curve(frame: pd.DataFrame) -> SpecificationCurve:
    return run_specifications(make(frame), seed=3)


def test_grid_holds_every_scheme_once() -> None:
    variants = list_variants(Variant(), sets=[DECLARED, "job only"], exact=["role"])
    texts = [tuple(item.describe().values()) for item in variants]
    assert len(set(texts)) == len(texts)
    assert variants[0] == Variant()
    alone = list_variants(Variant(), sets=[DECLARED], boosting=False, cardinality=False)
    assert len(alone) == 51
    crossed = {
        (item.caliper, item.ratio, item.replace, item.adjusted)
        for item in alone
        if item.method == "matching"
    }
    assert len(crossed) == 48


def test_grid_turns_around_the_headline() -> None:
    own = Variant(model="boosting", caliper=0.15, ratio=4, exact=("site",))
    variants = list_variants(own, sets=[DECLARED], exact=["site"])
    assert variants[0] == own
    assert sum(item == own for item in variants) == 1
    matched = [item for item in variants if item.method == "matching"]
    assert {item.exact for item in matched} == {("site",)}
    assert {item.ratio for item in matched} == {1, 2, 3, 4}


def test_sets_are_named_by_what_they_leave_out() -> None:
    sets = name_covariate_sets(
        ["role", "prior_kpi", "team_prior_rating", "manager_uptake", "fte"],
        ["gender", "role"],
    )
    assert sets["without past outcomes"] == ("role", "manager_uptake", "fte")
    assert sets["without team variables"] == ("role", "prior_kpi", "fte")
    assert sets["job only"] == ("role", "fte")
    assert sets["with protected attributes"][-1] == "gender"
    assert list(name_covariate_sets(["role"])) == [DECLARED]


def test_steps_count_only_what_both_variants_choose() -> None:
    own = Variant().describe()
    assert count_steps(own, Variant(caliper=None).describe()) == ["caliper"]
    weighted = Variant(method="ipw", caliper=None).describe()
    assert count_steps(own, Variant(ratio=2, adjusted=False).describe()) == [
        "ratio",
        "adjusted",
    ]
    assert count_steps(own, weighted) == ["method"]


def test_headline_is_that_of_the_stage(
    frame: pd.DataFrame, curve: SpecificationCurve
) -> None:
    own = curve.table[curve.table["headline"]]
    assert len(own) == 1
    published = estimate_psm(make(frame), seed=3).headline
    for name in ("estimate", "std_error", "ci_low", "ci_high", "p_value"):
        assert own[name].iloc[0] == pytest.approx(getattr(published, name), rel=1e-12)
    assert own["n_treated"].iloc[0] == published.n_treated
    others = {item.method: item for item in estimate_psm(make(frame), seed=3).estimates}
    rows = curve.table[curve.table["covariates"] == DECLARED]
    rows = rows[rows["model"] != "boosting"].set_index("method")
    for text, name in (("doubly robust", "aipw"), ("regression", "ols")):
        assert rows.loc[text, "estimate"] == pytest.approx(others[name].estimate)
        assert rows.loc[text, "std_error"] == pytest.approx(others[name].std_error)


def test_known_effect_survives_and_covariates_move_it(
    curve: SpecificationCurve,
) -> None:
    table = curve.table
    assert len(table) >= 48
    assert table["estimate"].notna().all()
    sound = table[table["sound"]]
    near = (sound["estimate"] - 0.5).abs() < 3.5 * sound["std_error"]
    adjusted = sound["adjusted"] != "unadjusted"
    assert near[adjusted].all()
    check = curve.checks[0]
    assert check.passed is True
    assert check.value == 1.0
    assert curve.moves["choice"].iloc[0] == "covariates"
    short = curve.moves.set_index("level").loc["without past outcomes"]
    assert short["change"] > 0.2
    assert "With other covariates it would be: job only" in check.text
    assert "no p-value over them is claimed" in check.text
    assert curve.facts["share_same_sign"] == 1.0
    assert curve.facts["sound_highest"] < curve.facts["highest"]


def test_cardinality_matching_is_one_of_the_variants(
    curve: SpecificationCurve,
) -> None:
    rows = curve.table[curve.table["method"] == "cardinality matching"]
    assert rows["adjusted"].tolist() == ["adjusted", "unadjusted"]
    assert rows["largest_smd"].max() <= 0.05 + 1e-9
    assert rows["sound"].all()
    near = curve.table[curve.table["headline"]]
    assert rows["n_treated"].iloc[0] >= near["n_treated"].iloc[0]


def test_leaving_out_confounders_is_seen_in_the_balance(
    curve: SpecificationCurve,
) -> None:
    short = curve.table[curve.table["covariates"] == "without past outcomes"]
    assert not short["complete"].any()
    assert not short["sound"].any()
    matched = short[short["method"] == "nearest neighbour"]
    assert matched["largest_smd"].min() > 0.4
    sound = curve.table[curve.table["sound"]]
    assert sound["largest_smd"].max() <= 0.25


def test_no_effect_is_said_to_be_none() -> None:
    frame = simulate_frame(8, people=500, trials=2, effect=0.0)
    found = run_specifications(make(frame), seed=1, boosting=False)
    assert found.facts["headline_reading"] == "no clear change"
    assert found.checks[0].passed is True
    assert "reads as no clear change; so do" in found.checks[0].text
    assert found.facts["highest"] > 3 * abs(found.facts["sound_median"])


def test_a_headline_that_other_choices_do_not_share_fails() -> None:
    """An effect of about two standard errors: clear in some variants, not in others."""
    frame = simulate_frame(3, people=250, trials=1, effect=0.16)
    found = run_specifications(make(frame), seed=1, boosting=False)
    check = found.checks[0]
    assert found.facts["headline_reading"] == "higher"
    assert check.passed is False
    assert check.value < check.limit == 0.75
    assert "depends on choices of method" in check.advice


def test_a_headline_out_of_balance_is_not_sound() -> None:
    """Without a caliper and with three others each, some are matched far away."""
    frame = simulate_frame(8, people=300, trials=1, effect=0.0, strength=1.2)
    found = run_specifications(
        make(frame),
        seed=1,
        caliper=None,
        ratio=3,
        boosting=False,
        cardinality=False,
        covariate_sets={},
        exact_on=(),
    )
    own = found.table[found.table["headline"]].iloc[0]
    assert own["largest_smd"] > 0.25
    assert not own["sound"]


def test_rows_in_any_order_give_the_same_table(
    frame: pd.DataFrame, curve: SpecificationCurve
) -> None:
    shuffled = frame.sample(frac=1.0, random_state=4).reset_index(drop=True)
    again = run_specifications(make(shuffled), seed=3)
    pd.testing.assert_frame_equal(again.table, curve.table, check_exact=True)
    pd.testing.assert_frame_equal(again.moves, curve.moves, check_exact=True)
    assert again.facts == curve.facts


def test_a_variant_without_number_gives_its_reason(frame: pd.DataFrame) -> None:
    constant = frame.assign(shift="day", seat=range(len(frame)))
    found = run_specifications(
        make(constant),
        seed=1,
        boosting=False,
        covariate_sets={"shift only": ("shift",)},
        exact_on=("seat", "nowhere", "shift"),
    )
    missing = found.table[found.table["estimate"].isna()]
    assert set(missing["covariates"]) == {"shift only", DECLARED}
    assert missing["reason"].str.len().min() > 10
    assert "No covariate of the set “shift only” varies." in set(missing["reason"])
    assert "Fewer than 10 learners found a match." in set(missing["reason"])
    assert missing[["n_treated", "n_control"]].isna().all(axis=None)
    assert found.facts["n_estimated"] == len(found.table) - len(missing)
    assert list(found.table["variant"]) == list(range(1, len(found.table) + 1))


def test_one_trial_takes_the_abadie_imbens_error() -> None:
    frame = simulate_frame(2, people=300)
    found = run_specifications(make(frame), seed=1, boosting=False, replace=True)
    published = estimate_psm(make(frame), seed=1, replace=True).headline
    own = found.table[found.table["headline"]].iloc[0]
    assert own["std_error"] == pytest.approx(published.std_error, rel=1e-12)


def test_few_teams_widen_every_regression() -> None:
    frame = simulate_frame(4, people=300, trials=2, teams=12, team_sd=0.4)
    clustered = make(frame, clusters=("unit", "team"))
    found = run_specifications(clustered, seed=1, boosting=False)
    published = estimate_psm(clustered, seed=1).headline
    own = found.table[found.table["headline"]].iloc[0]
    assert own["std_error"] == pytest.approx(published.std_error, rel=1e-12)
    assert own["p_value"] == pytest.approx(published.p_value, rel=1e-12)
    matched = found.table[found.table["adjusted"] != ""]
    assert matched["std_error"].min() > 0.5 * own["std_error"]


def test_too_few_people_are_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(TooFewUnitsError, match="Too few people to compare"):
        run_specifications(make(frame.head(40)), seed=1, min_group=30)


def test_columns_are_ready_for_a_file(curve: SpecificationCurve) -> None:
    kinds = curve.table.dtypes.astype("str").to_dict()
    assert all(kinds[name] == "str" for name in (*CHOICES, "reading", "reason"))
    assert kinds["n_treated"] == "Int64"
    assert kinds["sound"] == kinds["headline"] == "bool"
    assert not any(math.isinf(value) for value in curve.facts.values()
                   if isinstance(value, float))  # fmt: skip
