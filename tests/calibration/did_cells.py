"""Cells for before-and-after: panels of known effect on the learners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.calibration.cells import PLAIN, Cell, Measured, take_plain_error
from tests.impact.simulate import make_outcome, make_program
from workbench.cohorts.frames import Panel
from workbench.impact.did.aggregate import aggregate_at_lag, aggregate_dynamic
from workbench.impact.did.designs import estimate_headline
from workbench.impact.did.group_time import GroupTime, estimate_group_time
from workbench.impact.did.pretrends import (
    check_last_quarter,
    check_pretrend,
    estimate_last_quarter,
    judge_pretrend,
)
from workbench.impact.did.sensitivity import (
    check_sensitivity,
    count_pre_steps,
    estimate_sensitivity,
)
from workbench.impact.did.two_by_two import estimate_two_by_two
from workbench.impact.inference import regress_on_treatment

FloatArray = npt.NDArray[np.float64]
Draw = Callable[[int], Panel]

TREND_CHECKS = ("last_quarter_before", "pretrend")
ATT = "effect on learners, lag quarters after the exposure"
EFFECT = 0.5
STARTS = (0, 0, 3, 4, 5)


def measure(seed: int, *, draw: Draw, anticipation: int = 0) -> Measured:
    """Draw a panel, estimate the headline, and compare with the learners' truth."""
    panel = draw(seed)
    if anticipation:
        found = estimate_group_time(panel, anticipation=anticipation, small_sample=True)
        headline = aggregate_at_lag(found, exposures=panel.exposures, lag=panel.lag)
    else:
        found, headline, _ = estimate_headline(panel)
    effect = headline.effect(method="did_cs")
    low, high = effect.interval(0.05)
    checks = [
        check_pretrend(judge_pretrend(found)),
        check_last_quarter(estimate_last_quarter(found)),
    ]
    dynamic = aggregate_dynamic(found)
    if count_pre_steps(dynamic, anticipation=anticipation):
        bounds = estimate_sensitivity(headline, dynamic, lag=panel.lag)
        checks.append(check_sensitivity(bounds))
    failed = sorted(item.check for item in checks if item.passed is False)
    truth, naive = _compare_levels(panel, found)
    return Measured(
        estimate=effect.value,
        std_error=effect.std_error,
        ci_low=low,
        ci_high=high,
        truth=truth,
        naive=naive,
        warned=any(name in TREND_CHECKS for name in failed),
        warnings=" ".join(failed),
        **_cluster_plainly(panel),
    )


def _cluster_plainly(panel: Panel) -> dict[str, float]:
    """Return the interval of the plain cluster error (CR1, 1.96), where teams learn."""
    if "team" not in panel.clusters:
        return {}
    changes = estimate_two_by_two(panel).changes
    fitted = regress_on_treatment(
        changes.frame["change"].to_numpy(dtype="float64"),
        changes.treated,
        changes.others(),
    )
    low, high = take_plain_error(fitted, changes.code("team"), value=fitted.effect)
    return {"usual_low": low, "usual_high": high}


def _compare_levels(panel: Panel, found: GroupTime) -> tuple[float, float]:
    """Return the learners' own mean effect, and their raw gap to those not learning."""
    truths = panel.frame.pivot_table(index="unit", columns="period", values="truth")
    truth = truths.reindex(found.units).to_numpy()
    ours, gaps, sizes = [], [], []
    for group in panel.exposures:
        after, before = group + panel.lag - 1, group - 2
        seen = np.isfinite(found.outcomes[:, [before, after]]).all(axis=1)
        learners = seen & (found.first_treat == group)
        others = (found.first_treat == 0) | (found.first_treat > group + panel.lag)
        level = found.outcomes[:, after]
        ours.append(float(truth[learners, after].mean()))
        gaps.append(float(level[learners].mean() - np.nanmean(level[others])))
        sizes.append(int(learners.sum()))
    return float(np.average(ours, weights=sizes)), float(
        np.average(gaps, weights=sizes)
    )


def draw_panel(
    seed: int,
    *,
    people: int = 400,
    periods: int = 6,
    starts: Sequence[int] = STARTS,
    effect: float = EFFECT,
    by_group: float = 0.0,
    growth: float = 0.0,
    lag: int = 0,
    slope: float = 0.0,
    dip: float = 0.0,
    curve: float = 0.0,
    teams: int = 0,
    leave: bool = False,
) -> Panel:
    """Draw people over quarters.

    Outcome: 3 + own level (0.8 higher for learners, SD 1) + 0.1 t + noise (SD 0.5);
    the effect of a group is ``effect + by_group (g - 4)``, growing by ``growth`` a
    quarter; ``slope`` sets learners' trend apart, ``dip`` lowers the quarter before
    learning, ``curve`` lets trends depend on a covariate that drives learning. With
    teams, whole teams learn and share shocks (SD 0.3). With ``leave``, one in twelve
    values is missing and people of low level leave early.
    """
    rng = np.random.default_rng(seed)
    size = 25 * teams or people
    team = np.arange(size) % (teams or 40)
    measured = rng.normal(size=size)
    pool = np.array(starts)
    if teams:
        first = rng.permutation(np.resize(pool, teams))[team]
    else:
        pull = curve * 1.5 * measured
        inside = rng.random(size) < 1 / (1 + np.exp(-0.4 - pull))
        first = np.where(inside, rng.choice(pool[pool > 0], size), 0)
    level = rng.normal(size=size) + 0.8 * (first > 0)
    shocks = rng.normal(size=(max(teams, 40), periods)) * (0.3 if teams else 0.0)
    tables = []
    for period in range(1, periods + 1):
        after = (first > 0) & (period >= first)
        own = after * (effect + by_group * (first - 4) + growth * (period - first))
        drift = 0.1 * period + slope * period * (first > 0) + curve * measured * period
        low = dip * ((first > 0) & (period == first - 1))
        noise = rng.normal(size=size) * 0.5
        outcome = 3 + level + drift - low + shocks[team, period - 1] + own + noise
        tables.append(
            pd.DataFrame(
                {
                    "unit": [f"p{number:05d}" for number in range(size)],
                    "period": period,
                    "outcome": outcome,
                    "truth": own,
                    "first_treat": first,
                    "team": [f"t{number:03d}" for number in team],
                    "site": "only",
                    "x": measured,
                }
            )
        )
    frame = pd.concat(tables, ignore_index=True)
    if leave:
        frame = _lose(frame, level, rng)
    return _make_panel(frame, lag=lag, curve=curve, teams=teams, periods=periods)


def _lose(
    frame: pd.DataFrame, level: FloatArray, rng: np.random.Generator
) -> pd.DataFrame:
    """Take away values at random, and the later quarters of people of low level."""
    last = np.where(
        rng.random(len(level)) < 0.35 / (1 + np.exp(level)),
        rng.integers(3, 6, len(level)),
        99,
    )
    people = frame["unit"].str[1:].astype("int64").to_numpy()
    kept = (frame["period"].to_numpy() <= last[people]) & (
        rng.random(len(frame)) > 1 / 12
    )
    return frame[kept]


def _make_panel(
    frame: pd.DataFrame, *, lag: int, curve: float, teams: int, periods: int
) -> Panel:
    frame = frame.sort_values(["unit", "period"]).reset_index(drop=True)
    groups = sorted(int(group) for group in frame["first_treat"].unique() if group)
    return Panel(
        quarter="2026Q3",
        persona="newcomers",
        program=make_program(),
        outcome=make_outcome(),
        frame=frame,
        periods=tuple(f"Q{number}" for number in range(1, periods + 1)),
        exposures=tuple(groups),
        lag=lag,
        covariates=("x",) if curve else (),
        clusters=("unit", "team") if teams else ("unit",),
        flow=pd.DataFrame(columns=["step", "n_treated", "n_control"]),
    )


def _cell(
    name: str, design: str, *, anticipation: int = 0, more: Any = None, **settings: Any
) -> Cell:
    draw = partial(draw_panel, **settings)
    return Cell(
        name=name,
        family="did",
        design=design,
        estimand=ATT,
        measure=partial(measure, draw=draw, anticipation=anticipation),
        **(more or {}),
    )


def list_did_cells() -> list[Cell]:
    """List the cells in the order of the published table."""
    nothing = {"no_effect": True}
    broken = {"expect": "fails", "must_warn": True}
    teams = [
        _cell(
            f"did_teams_{count}",
            f"half of {count} teams of 25 learn at once, no effect, teams share shocks",
            more={**nothing, "usual": PLAIN},
            teams=count,
            starts=(0, 4),
            effect=0.0,
        )
        for count in (8, 12, 20)
    ]
    return [
        _cell("did_homogeneous", "400 people learn in three quarters, one effect"),
        _cell("did_no_effect", "the same, no effect", more=nothing, effect=0.0),
        _cell(
            "did_heterogeneous",
            "effects differ by quarter of learning and grow",
            by_group=0.3,
            growth=0.15,
            lag=1,
        ),
        _cell(
            "did_measured_trend",
            "trends depend on a measured covariate that drives learning",
            curve=0.1,
        ),
        *teams,
        _cell(
            "did_leavers",
            "values missing at random, people of low level leave",
            leave=True,
        ),
        _cell(
            "did_unequal_trends",
            "learners were on another path: intervals must fail, the diagnostics warn",
            more=broken,
            slope=0.12,
        ),
        _cell(
            "did_dip",
            "a bad quarter before learning: intervals must fail, the diagnostics warn",
            more=broken,
            dip=0.4,
        ),
        _cell(
            "did_dip_earlier_base",
            "the same, measured from one quarter earlier",
            anticipation=1,
            dip=0.4,
        ),
    ]
