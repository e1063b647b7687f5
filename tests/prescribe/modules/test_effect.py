"""One module's effect: truth, refusals, errors, and the second estimator."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from tests.prescribe.modules.draw_modules import (
    EFFECTS,
    draw_frame,
    list_outcomes,
    make_module_cohort,
)
from workbench.core.errors import (
    MissingColumnError,
    NoOverlapError,
    TooFewUnitsError,
)
from workbench.impact.aipw import estimate_aipw
from workbench.impact.design_matrix import build_design
from workbench.prescribe.modules.base_model import Base, fit_base, mark_skipped
from workbench.prescribe.modules.effect import average_deals, estimate_module
from workbench.prescribe.modules.joint import estimate_jointly
from workbench.prescribe.modules.parts import Part, find_parts
from workbench.prescribe.modules.programme import estimate_att
from workbench.prescribe.modules.rows import ModuleRows, prepare_rows

WITHIN = 3.0  # standard errors: truth recovery on seeded data


def prepare(frame: pd.DataFrame, **more: object) -> ModuleRows:
    cohort = make_module_cohort(frame, list_outcomes(1)[0], **more)
    courses = cohort.program.courses
    return prepare_rows(
        cohort, frame[["unit", "trial", *courses]], min_group=10, seed=3
    )


@pytest.fixture(scope="module")
def rows() -> ModuleRows:
    return prepare(draw_frame(5, people=1400, pull=0.6))


def test_modules_recover_their_truth_where_skipping_follows_the_outcome(
    rows: ModuleRows,
) -> None:
    parts = find_parts(rows.passed[rows.learners])
    base = fit_base(rows, parts)
    assert [part.columns for part in parts] == [(1,), (2,), (3,)]
    for place, part in enumerate(parts):
        found = estimate_module(rows, base, part, place=place)
        truth = EFFECTS[part.columns[0]]
        assert abs(found.value - truth) < WITHIN * found.std_error
        assert 0 < found.std_error < 0.2
        low, high = found.interval(0.05)
        assert low < found.value < high


def test_the_joint_regression_agrees(rows: ModuleRows) -> None:
    parts = find_parts(rows.passed[rows.learners])
    base = fit_base(rows, parts)
    for part, found in zip(parts, estimate_jointly(rows, base, parts), strict=True):
        assert found is not None
        truth = EFFECTS[part.columns[0]]
        assert abs(found.value - truth) < WITHIN * found.std_error
        assert found.method == "joint"


def test_with_nothing_to_adjust_for_it_is_welchs_comparison_of_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "workbench.prescribe.modules.effect.predict_propensity",
        lambda _matrix, _took, target, **_: np.full(len(target), 0.8),
    )
    drawn = draw_frame(8, people=900, trials=1)
    frame = drawn.assign(x1=0.0, x2=0.0)
    rows = prepare(frame)
    part = Part(columns=(1,))
    nothing = np.zeros((len(frame), 1))
    base = Base(
        expected=np.zeros(len(frame)),
        skipping=nothing,
        skipped=mark_skipped(rows, [part]),
    )
    found = estimate_module(rows, base, part, place=0)
    others = rows.passed[:, [0, 2, 3]].all(axis=1) & rows.learners
    took = rows.passed[:, 1]
    ours = rows.sample.outcome[others & took]
    theirs = rows.sample.outcome[others & ~took]
    welch = ttest_ind(ours, theirs, equal_var=False)
    assert found.value == pytest.approx(ours.mean() - theirs.mean(), abs=1e-10)
    assert found.std_error == pytest.approx(
        (ours.mean() - theirs.mean()) / welch.statistic, abs=1e-10
    )
    assert found.df == pytest.approx(welch.df, abs=1e-8)


def test_learners_without_a_choice_are_left_out(rows: ModuleRows) -> None:
    parts = find_parts(rows.passed[rows.learners])
    found = estimate_module(rows, fit_base(rows, parts), parts[0], place=0)
    elsewhere = rows.learners & ~rows.passed[:, [2, 3]].all(axis=1)
    assert found.n_without_choice == rows.sample.count_units(elsewhere)
    assert np.all(found.influence[elsewhere] == 0)


def test_below_fifteen_it_refuses() -> None:
    rows = prepare(draw_frame(5, people=350, trials=1, skips=0.25))
    part = Part(columns=(1,))
    skipped = rows.learners & ~rows.passed[:, 1]
    assert 0 < rows.sample.count_units(skipped) < 15
    with pytest.raises(TooFewUnitsError, match="at least 15 learners on either side"):
        estimate_module(rows, fit_base(rows, [part]), part, place=0)
    assert estimate_jointly(rows, fit_base(rows, [part]), [part]) == (None,)


def test_without_overlap_it_refuses() -> None:
    frame = draw_frame(5, people=1500, trials=1)
    rows = prepare(frame.assign(x2=np.where(frame["m-2"], 1.0, -1.0)))
    part = Part(columns=(1,))
    with pytest.raises(NoOverlapError, match="are not alike"):
        estimate_module(rows, fit_base(rows, [part]), part, place=0)


def test_errors_are_clustered_by_team_where_the_programme_was_given_by_team() -> None:
    frame = draw_frame(5, people=2000, teams=24)
    rows = prepare(frame, clusters=("unit", "team"))
    parts = find_parts(rows.passed[rows.learners])
    found = estimate_module(rows, fit_base(rows, parts), parts[0], place=0)
    assert found.df <= 23


def test_scaling_the_outcome_scales_effect_and_error() -> None:
    frame = draw_frame(7)
    parts = find_parts(prepare(frame).passed[prepare(frame).learners])
    one, ten = (
        prepare(frame.assign(y0=frame["y0"] * factor)) for factor in (1.0, 10.0)
    )
    ours = estimate_module(one, fit_base(one, parts), parts[1], place=1)
    theirs = estimate_module(ten, fit_base(ten, parts), parts[1], place=1)
    assert theirs.value == pytest.approx(10 * ours.value)
    assert theirs.std_error == pytest.approx(10 * ours.std_error)


def test_an_arm_without_events_is_not_known_exactly() -> None:
    frame = draw_frame(5, people=900, trials=1)
    skipped = ~frame["m-2"] & frame["treated"]
    happened = (np.arange(len(frame)) % 5 == 0) & ~skipped
    events = frame.assign(y0=happened.astype(float), x1=0.0, x2=0.0)
    part = Part(columns=(1,))
    errors = {}
    for kind in ("continuous", "binary"):
        outcome = list_outcomes(1, kind=kind)[0]
        cohort = make_module_cohort(events, outcome)
        passed = events[["unit", "trial", *cohort.program.courses]]
        rows = prepare_rows(cohort, passed, min_group=10, seed=3)
        found = estimate_module(rows, fit_base(rows, [part]), part, place=0)
        errors[kind] = found.std_error
        count = found.n_skipped
    # as if the share of both arms held in the small one
    share = 0.2
    assert errors["binary"] > (share * (1 - share) / count) ** 0.5 * 0.8
    assert errors["continuous"] < 0.7 * errors["binary"]


def test_averaging_deals_averages_values_and_influence(rows: ModuleRows) -> None:
    parts = find_parts(rows.passed[rows.learners])
    found = [
        estimate_module(item, fit_base(item, parts), parts[0], place=0)
        for item in (rows, rows.deal(11))
    ]
    both = average_deals(rows, found)
    assert both.value == pytest.approx((found[0].value + found[1].value) / 2)
    assert both.std_error <= max(item.std_error for item in found) + 1e-12
    assert average_deals(rows, [found[0]]).std_error == pytest.approx(
        found[0].std_error
    )


def test_an_effect_without_error_has_a_p_value(rows: ModuleRows) -> None:
    parts = find_parts(rows.passed[rows.learners])
    found = estimate_module(rows, fit_base(rows, parts), parts[0], place=0)
    assert replace(found, std_error=0.0, value=1.0).p_value() == 0.0
    assert replace(found, std_error=0.0, value=0.0).p_value() == 1.0


def test_rows_need_every_course() -> None:
    frame = draw_frame(5, people=300)
    cohort = make_module_cohort(frame, list_outcomes(1)[0])
    with pytest.raises(MissingColumnError, match="lack columns"):
        prepare_rows(cohort, frame[["unit", "trial", "m-1"]], min_group=10, seed=3)


def test_the_programme_effect_is_that_of_the_matching_stage(rows: ModuleRows) -> None:
    design = build_design(rows.sample.frame, covariates=("x1", "x2"), min_level=10)
    assert np.array_equal(design.matrix(), rows.matrix)
    theirs = estimate_aipw(rows.sample, rows.matrix, seed=3)
    ours = estimate_att(
        rows.matrix,
        rows.sample.treated,
        rows.sample.outcome,
        clusters=rows.sample.clusters,
        folds=rows.folds,
    )
    assert ours.value == pytest.approx(theirs.value, abs=1e-10)
    assert ours.std_error == pytest.approx(theirs.std_error, abs=1e-10)
    assert ours.baseline == pytest.approx(theirs.baseline, abs=1e-10)
    assert math.isclose(float(ours.influence.sum()), 0.0, abs_tol=1e-9)
