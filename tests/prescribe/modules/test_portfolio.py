"""From records to tables: shapes, truth, suppression, paths, dose."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.impact.simulate import make_program
from tests.prescribe.modules.draw_modules import (
    EFFECTS,
    MODULES,
    draw_frame,
    list_outcomes,
    make_module_cohort,
    make_records,
)
from workbench.cohorts.follow_frames import FollowUp
from workbench.cohorts.module_records import ModuleRecords
from workbench.core.errors import DesignError, ParamError
from workbench.core.params import Threshold
from workbench.core.path_params import PathParams
from workbench.prescribe.modules.co_taking import CO_TAKING
from workbench.prescribe.modules.dose import DOSE, estimate_dose
from workbench.prescribe.modules.effects_table import MODULE_EFFECTS
from workbench.prescribe.modules.followed import choose_cohorts, make_followed_cohort
from workbench.prescribe.modules.modules_table import MODULES as MODULE_COLUMNS
from workbench.prescribe.modules.portfolio import PortfolioValues, value_modules
from workbench.prescribe.modules.rows import prepare_rows

STRONG = (0.2, 0.3, 0.0, -0.5)
SECOND = (0.1, 0.2, 0.0, -0.4)
WITHIN = 3.0  # standard errors: truth recovery on seeded data
THRESHOLD = 0.2


def run(records: list[ModuleRecords], **more: object) -> PortfolioValues:
    known: dict[str, object] = {
        "paths": PathParams(),
        "alpha": 0.05,
        "min_group": 10,
        "seed": 3,
    }
    return value_modules(records, **(known | more))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def records() -> ModuleRecords:
    return make_records(draw_frame(4, people=1000, effects=(STRONG, SECOND), noise=0.4))


@pytest.fixture(scope="module")
def portfolio(records: ModuleRecords) -> PortfolioValues:
    return run([records])


def test_tables_have_the_published_columns(portfolio: PortfolioValues) -> None:
    columns = {name: tuple(table) for name, table in portfolio.tables.items()}
    assert columns == {
        "module_effects": MODULE_EFFECTS,
        "modules": MODULE_COLUMNS,
        "co_taking": CO_TAKING,
        "dose": DOSE,
    }


def test_the_harmful_is_retired_and_the_empty_is_not_boosted(
    portfolio: PortfolioValues,
) -> None:
    decisions = portfolio.tables["modules"].set_index("module")["decision"]
    assert decisions["m-4"] == "retire"
    assert decisions["m-3"] != "boost"
    assert decisions["m-2"] in ("boost", "keep")
    assert decisions["m-1"] == "keep"


def test_shrunk_effects_are_near_the_truth(portfolio: PortfolioValues) -> None:
    table = portfolio.tables["module_effects"]
    rows = table[table["headline"] & table["identified"]]
    assert len(rows) == 6
    for _, row in rows.iterrows():
        effects = STRONG if row["outcome"] == "y0" else SECOND
        truth = effects[MODULES.index(row["module"])]
        assert abs(row["estimate"] - truth) < WITHIN * row["std_error"]
        assert row["shrunk_low"] <= row["shrunk"] <= row["shrunk_high"]
        assert row["p_adjusted"] >= row["p_value"]


def test_what_everybody_passed_has_no_number_and_a_reason(
    portfolio: PortfolioValues,
) -> None:
    table = portfolio.tables["module_effects"]
    rows = table[(table["module"] == "m-1") & table["headline"]]
    assert rows["estimate"].isna().all()
    assert rows["limitation"].str.contains("Everybody who completed").all()
    modules = portfolio.tables["modules"].set_index("module")
    assert not modules.loc["m-1", "identified"]
    assert (modules["n_skipped"] == 0)["m-1"]


def test_the_impact_is_the_sum_in_thresholds(portfolio: PortfolioValues) -> None:
    values = portfolio.values[0]
    impact, joint = values.composite()
    assert np.allclose(impact, values.effects.sum(axis=0))
    draws = np.kron(np.ones(2), np.eye(4))
    assert np.allclose(joint, draws @ values.covariance @ draws.T)
    table = portfolio.tables["modules"].set_index("module")
    assert table.loc["m-2", "impact"] == pytest.approx(impact[1])
    truth = (STRONG[3] + SECOND[3]) / THRESHOLD
    assert abs(impact[3] - truth) < WITHIN * math.sqrt(joint[3, 3])


def test_outcomes_share_their_errors(records: ModuleRecords) -> None:
    # the same outcome twice: the impact's error is twice that of one
    cohort = records.cohorts[0]
    twin = replace(cohort, outcome=cohort.outcome.model_copy(update={"id": "twin"}))
    both = run([replace(records, cohorts=(cohort, twin))]).values[0]
    one = run([replace(records, cohorts=(cohort,))]).values[0]
    # each outcome's spread starts from what both say together
    assert np.allclose(both.composite()[0], 2 * one.composite()[0], atol=0.05)
    ratio = both.tabulate()["raw_std_error"] / one.tabulate()["raw_std_error"]
    assert ratio.dropna().tolist() == pytest.approx([2.0] * 3)


def test_every_path_is_near_its_truth(portfolio: PortfolioValues) -> None:
    values = portfolio.values[0]
    both = (np.array(STRONG) + np.array(SECOND)) / THRESHOLD
    for size in (3, 4):
        for chosen in itertools.combinations(range(4), size):
            path = [MODULES[at] for at in chosen]
            found = values.value_of_path(path)
            assert abs(found.value - both[list(chosen)].sum()) < 4 * found.std_error
            assert found.low < found.value < found.high
            raw = values.raw_value_of_path(path)
            assert (raw is None) == (0 not in chosen)
    every = values.value_of_path(MODULES)
    usual = float(values.weights @ values.programme)
    shares = values.shares @ values.composite()[0]
    assert shares == pytest.approx(usual, abs=0.3)
    assert every.value < values.value_of_path(MODULES[:3]).value


def test_a_path_must_complete_the_programme(portfolio: PortfolioValues) -> None:
    values = portfolio.values[0]
    assert values.value_of_path([]).value == 0.0
    with pytest.raises(ParamError, match="does not complete"):
        values.value_of_path(MODULES[:2])
    with pytest.raises(ParamError, match="not of its programme"):
        values.value_of_path([*MODULES, "x"])


def test_an_outcome_for_which_less_is_better_turns_its_sign(
    records: ModuleRecords,
) -> None:
    frame = records.cohorts[0].frame
    down = list_outcomes(1, direction="down")[0]
    turned = make_module_cohort(frame.assign(y0=-frame["outcome"]), down)
    one = run([replace(records, cohorts=records.cohorts[:1])]).values[0]
    two = run([replace(records, cohorts=(turned,))]).values[0]
    assert np.allclose(one.composite()[0], two.composite()[0])


def test_coarse_outcomes_are_left_out_unless_weighted(records: ModuleRecords) -> None:
    fine, other = list_outcomes(2)
    coarse = other.model_copy(update={"threshold": Threshold(absolute=0.001)})
    cohorts = tuple(
        replace(cohort, outcome=outcome)
        for cohort, outcome in zip(records.cohorts, (fine, coarse), strict=True)
    )
    mixed = replace(records, cohorts=cohorts)
    found = run([mixed])
    assert found.values[0].weights.tolist() == [1.0, 0.0]
    check = {item.check: item for item in found.checks}["coarse_outcomes"]
    assert check.passed is False
    assert "y1" in check.text
    weighted = run([mixed], paths=PathParams(weights={"y0": 0.0, "y1": 2.0})).values[0]
    assert weighted.weights.tolist() == [0.0, 2.0]
    assert np.allclose(weighted.composite()[0], 2 * weighted.effects[1])


def test_programmes_given_by_team_have_errors_by_team(records: ModuleRecords) -> None:
    cohort = replace(records.cohorts[0], clusters=("unit", "team"))
    found = run([replace(records, cohorts=(cohort,))]).values[0]
    assert "code:team" in found.rows
    teams = found.rows["code:team"].nunique()
    assert np.nanmax(found.raw_df) <= teams - 1
    raw = found.raw_value_of_path(MODULES[:3])
    assert raw is not None
    assert raw.low < raw.value < raw.high


def test_negative_controls_are_no_tests_and_count_nothing(
    records: ModuleRecords,
) -> None:
    cohort = records.cohorts[1]
    control = cohort.outcome.model_copy(update={"negative_control": True})
    harmless = replace(
        records, cohorts=(records.cohorts[0], replace(cohort, outcome=control))
    )
    found = run([harmless])
    table = found.tables["module_effects"]
    assert table.loc[table["outcome"] == "y1", "p_adjusted"].isna().all()
    assert found.values[0].weights.tolist() == [1.0, 0.0]
    # it is no control here: the modules do change it
    check = {item.check: item for item in found.checks}["negative_control"]
    assert check.passed is False


def test_modules_taken_together_are_told_as_one() -> None:
    frame = draw_frame(4, people=1000, effects=(STRONG,), noise=0.4)
    both = frame.assign(**{"m-3": frame["m-3"] & frame["m-4"]})
    both["m-4"] = both["m-3"]
    program = make_program(courses=MODULES, complete={"at_least": 2})
    records = make_records(both, program=program)
    found = run([records])
    modules = found.tables["modules"].set_index("module")
    assert not modules.loc[["m-3", "m-4"], "identified"].any()
    assert "only their joint effect" in modules.loc["m-3", "reason"]
    table = found.tables["module_effects"]
    rows = table[table["headline"]].set_index("module")
    assert math.isfinite(rows.loc["m-3", "estimate"])
    assert math.isnan(rows.loc["m-4", "estimate"])
    assert "Always taken together with m-4" in rows.loc["m-3", "limitation"]
    effects = found.values[0].effects[0]
    assert effects[2] == pytest.approx(effects[3], abs=0.2)


def test_small_counts_are_kept_back() -> None:
    frame = draw_frame(4, people=400, effects=(STRONG,), skips=0.08)
    found = run([make_records(frame)])
    modules = found.tables["modules"].set_index("module")
    hidden = modules.loc[["m-2", "m-3", "m-4"]]
    assert hidden["n_skipped"].isna().all()
    assert hidden["n_passed"].isna().all()
    assert found.tables["module_effects"]["n_skipped"].fillna(0).eq(0).all()
    assert hidden["explore"].dtype == bool


def test_nothing_to_compare_leaves_reasons_and_no_numbers(
    records: ModuleRecords,
) -> None:
    empty = tuple(
        replace(cohort, frame=cohort.frame.assign(outcome=np.nan))
        for cohort in records.cohorts
    )
    found = run([replace(records, cohorts=empty)])
    assert found.gaps["outcome"].tolist() == ["y0", "y1"]
    assert found.tables["modules"]["impact"].isna().all()
    assert set(found.tables["modules"]["decision"]) <= {"keep", "watch"}
    assert found.values[0].value_of_path(MODULES).value == 0.0
    assert run([]).values == ()


def test_the_same_twice_whatever_the_order_of_rows(
    records: ModuleRecords, portfolio: PortfolioValues
) -> None:
    before = records.passed.copy()
    shuffled = records.passed.sample(frac=1.0, random_state=1)
    other = run([replace(records, passed=shuffled)])
    for name, table in portfolio.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name])
    pd.testing.assert_frame_equal(records.passed, before)


def test_dose_levels_and_trend() -> None:
    frame = draw_frame(6, people=2500, effects=((0.3, 0.3, 0.3, 0.3),), noise=0.5)
    cohort = make_module_cohort(frame, list_outcomes(1)[0])
    passed = frame[["unit", "trial", *MODULES]]
    rows = prepare_rows(cohort, passed, min_group=10, seed=3)
    found = estimate_dose(rows, alpha=0.05)
    assert found.table["dose"].tolist() == [3, 4]
    for _, row in found.table.iterrows():
        half = (row["ci_high"] - row["ci_low"]) / 2
        assert abs(row["estimate"] - 0.3 * row["dose"]) < 1.6 * half
    assert found.check.value == pytest.approx(0.3, abs=0.25)


def test_too_few_of_a_dose_have_no_number() -> None:
    frame = draw_frame(6, people=400, skips=0.06)
    cohort = make_module_cohort(frame, list_outcomes(1)[0])
    passed = frame[["unit", "trial", *MODULES]]
    rows = prepare_rows(cohort, passed, min_group=10, seed=3)
    found = estimate_dose(rows, alpha=0.05)
    few = found.table.set_index("dose").loc[3]
    assert math.isnan(few["estimate"])
    assert "Fewer than 20" in few["limitation"]
    assert found.check.passed is None


def test_people_followed_become_ordinary_outcomes() -> None:
    rng = np.random.default_rng(2)
    frame = draw_frame(4, people=600, effects=(EFFECTS,), trials=1)
    days = rng.exponential(300, len(frame)).clip(1)
    frame = frame.assign(
        duration=np.minimum(days, 400.0),
        cause=(days < 400).astype(int),
        elapsed=0.0,
        y0=(days <= 365).astype(float),
    )
    outcome = list_outcomes(1, kind="time_to_event", horizon_days=365)[0]
    cohort = make_module_cohort(frame, outcome)
    follow = FollowUp(cohort=cohort, causes=("moved",), horizon=365)
    made = make_followed_cohort(follow)
    # without censoring before the horizon the pseudo-observation is the event itself
    assert made.frame["outcome"].to_numpy() == pytest.approx(
        frame["y0"].to_numpy(), abs=1e-9
    )
    chosen, reasons = choose_cohorts([cohort], [follow])
    assert (len(chosen), reasons) == (1, {})
    short = replace(
        follow,
        cohort=replace(cohort, frame=cohort.frame.assign(duration=10.0, cause=0)),
    )
    with pytest.raises(DesignError):
        make_followed_cohort(short)
    assert choose_cohorts([], [short])[1].keys() == {"y0"}
