"""Cells for people followed over time: retention, days, ramp, immortal time."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from tests.calibration.cells import Cell, Measured
from tests.calibration.follow_draws import (
    LANDMARK,
    YEAR,
    Course,
    draw_follow,
    draw_histories,
    draw_stacked,
    follow_histories,
)
from workbench.cohorts.follow_frames import FollowUp
from workbench.impact.survival.analysis import SurvivalResult, estimate_survival_effect
from workbench.impact.survival.immortal import NAIVE, TIME_VARYING, compare_datings
from workbench.impact.survival.matched_follow import HEADLINE

Draw = Callable[[int], FollowUp]

SHARE = "effect on the share of matched learners who stay twelve months"
DAYS = "effect on the mean days of matched learners up to the horizon"
RATIO = "logarithm of the hazard ratio of learning"
TAKEN = "the curve from the first day on"
DESIGN_CHECKS = ("balance", "common_support", "follow_up", "matched_share")


def measure(seed: int, *, draw: Draw, method: str = HEADLINE) -> Measured:
    """Follow a drawn cohort, and compare with the truth of the matched learners."""
    follow = draw(seed)
    found = estimate_survival_effect(follow, seed=seed % 1000)
    made = {item.method: item for item in found.estimates}
    effect = made[method]
    failed = sorted(
        item.check
        for item in found.checks
        if item.check in DESIGN_CHECKS and item.passed is False
    )
    days = effect.estimand == "RMST_DIFF"
    return Measured(
        estimate=effect.estimate,
        std_error=effect.std_error,
        ci_low=effect.ci_low,
        ci_high=effect.ci_high,
        truth=_find_truth(found, "days_truth" if days else "share_truth"),
        naive=made["naive"].estimate if method == HEADLINE else math.nan,
        warned=bool(failed),
        warnings=" ".join(failed),
    )


def _find_truth(found: SurvivalResult, column: str) -> float:
    followed = found.followed
    rows = followed.arm(treated=True)
    return float(followed.sample.frame.loc[rows, column].mean())


def measure_immortal(seed: int) -> Measured:
    """Estimate no effect on people who learn on some day, if they are still there.

    The headline follows them from the landmark; the usual way counts who ever learns
    as a learner from the first day.
    """
    histories = draw_histories(seed)
    naive = _read_dating(seed, NAIVE)
    found = estimate_survival_effect(follow_histories(histories), seed=seed % 1000)
    effect = found.headline
    return Measured(
        estimate=effect.estimate,
        std_error=effect.std_error,
        ci_low=effect.ci_low,
        ci_high=effect.ci_high,
        truth=0.0,
        naive=float(naive["difference"]),
        warned=False,
        usual_low=float(naive["low"]),
        usual_high=float(naive["high"]),
    )


def measure_time_varying(seed: int) -> Measured:
    """Estimate no effect on the hazard, learning dated by the day it happened."""
    ours, naive = _read_dating(seed, TIME_VARYING), _read_dating(seed, NAIVE)
    low, high = math.log(ours["ratio_low"]), math.log(ours["ratio_high"])
    return Measured(
        estimate=math.log(ours["hazard_ratio"]),
        std_error=(high - low) / (2 * 1.959964),
        ci_low=low,
        ci_high=high,
        truth=0.0,
        naive=math.log(naive["hazard_ratio"]),
        warned=False,
        usual_low=math.log(naive["ratio_low"]),
        usual_high=math.log(naive["ratio_high"]),
    )


def _read_dating(seed: int, dating: str) -> pd.Series:
    found = compare_datings(
        draw_histories(seed),
        landmark_days=LANDMARK,
        horizon=YEAR,
        alpha=0.05,
        min_group=10,
    )
    return found.table.set_index("dating").loc[dating]


def _cell(
    name: str, design: str, draw: Draw, method: str = HEADLINE, **more: Any
) -> Cell:
    return Cell(
        name=name,
        family="survival",
        design=design,
        estimand=more.pop("estimand", DAYS if method == "rmst" else SHARE),
        measure=partial(measure, draw=draw, method=method),
        **more,
    )


def list_follow_cells() -> list[Cell]:
    """List the cells in the order of the published table."""
    plain = partial(draw_follow)
    same = partial(draw_follow, course=Course(ratio=1.0))
    most = partial(draw_follow, course=Course(cut=(60.0, 480.0)))
    nearly = partial(
        draw_follow, people=1500, course=Course(ratio=0.6, cut=(20.0, 385.0))
    )
    rival = partial(draw_follow, course=Course(rival=0.0015))
    proficient = Course(base=math.log(2) / 90, ratio=1.35, rival=0.0005)
    ramp = partial(draw_follow, ramp=True, course=proficient)
    late = Course(base=math.log(2) / 90, ratio=1.35, rival=0.0005, cut=(20.0, 240.0))
    return [
        _cell(
            "stay_complete",
            "800 people followed for a year, fewer learners leave",
            plain,
        ),
        _cell("stay_no_effect", "the same, no effect", same, no_effect=True),
        _cell(
            "stay_censored", "the follow-up of six in ten ends before the year", most
        ),
        _cell("stay_nearly_all_censored", "that of eight in ten of 1,500 does", nearly),
        _cell("stay_rival", "four in ten leave for other reasons", rival),
        _cell(
            "stay_stacked",
            "500 people in three stacked quarters, no effect",
            draw_stacked,
            no_effect=True,
        ),
        _cell("days_complete", "days up to a year, all followed", plain, "rmst"),
        _cell(
            "days_censored",
            "days up to a year, the follow-up of six in ten ends",
            most,
            "rmst",
        ),
        _cell(
            "days_nearly_all_censored",
            "days up to a year, that of eight in ten does",
            nearly,
            "rmst",
        ),
        _cell(
            "ramp_complete", "days until proficient, all followed", ramp, estimand=DAYS
        ),
        _cell(
            "ramp_censored",
            "days until proficient, the follow-up of many ends",
            partial(draw_follow, ramp=True, course=late),
            estimand=DAYS,
        ),
        Cell(
            name="immortal_headline",
            family="survival",
            design="people learn on some day if they are still there, no effect",
            estimand=SHARE,
            measure=partial(measure_immortal),
            no_effect=True,
            usual=TAKEN,
        ),
        Cell(
            name="immortal_time_varying",
            family="survival",
            design="hazards before and after the day of learning, no effect",
            estimand=RATIO,
            measure=partial(measure_time_varying),
            no_effect=True,
            usual="the hazard ratio from the first day on",
        ),
    ]
