"""Before and after of one comparison, from panel to graded estimate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.cohorts.frames import Panel
from workbench.core.errors import TooFewUnitsError
from workbench.core.results import Check, Estimate
from workbench.impact.comparison_checks import check_power
from workbench.impact.did.bacon import Decomposition, decompose_twfe
from workbench.impact.did.bands import make_bands
from workbench.impact.did.checks import (
    check_lost,
    list_reasons,
    measure_prior_gap,
)
from workbench.impact.did.designs import Designs, estimate_designs, refuse_gently
from workbench.impact.did.engine import check_against_engine
from workbench.impact.did.few_clusters import ErrorComparison, compare_errors
from workbench.impact.did.placebo import PlaceboDates, estimate_placebo_dates
from workbench.impact.did.pretrends import (
    check_last_quarter,
    check_pretrend,
    estimate_last_quarter,
    judge_pretrend,
)
from workbench.impact.did.report import (
    describe_design,
    publish_designs,
    tabulate_curves,
)
from workbench.impact.did.sensitivity import (
    Sensitivity,
    check_pre_periods,
    check_sensitivity,
    count_pre_steps,
    estimate_sensitivity,
)
from workbench.impact.did.trend_power import (
    TrendPower,
    check_pretrend_power,
    find_detectable_slope,
)
from workbench.impact.evidence import Findings
from workbench.impact.thresholds import find_smallest_effect

__all__ = ["DidResult", "estimate_did"]

_DRAWS = 1999


@dataclass(frozen=True, slots=True, kw_only=True)
class DidResult:
    """All that before-and-after says about one programme and outcome.

    Attributes
    ----------
    program, outcome : str
        What was compared.
    estimates : tuple of Estimate
        ``did_cs`` (headline) first, its variants and averages, the classic designs,
        then the effects by event time and by quarter (``period``).
    checks : tuple of Check
        Of trends before learning, the last quarter, errors, losses and power.
    tables : mapping of str to DataFrame
        ``group_time``, ``curves``, ``bacon``, ``placebo``, ``errors``,
        ``sensitivity``, ``flow``.
    findings : Findings
        What the evidence grade is computed from.
    reasons : tuple of str
        What failed checks would do to the estimate, in sentences.
    last_move : float
        Change of learners less others just before learning; NaN unless unusual.
    prior_gap : float
        Outcome of learners less that of others in the quarter before learning.
    worth : float
        Smallest effect worth having; NaN if none is declared.
    facts : mapping
        Sentences: ``for_whom``, ``error``, ``overturn``, ``evidence``.
    """

    program: str
    outcome: str
    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...]
    tables: Mapping[str, pd.DataFrame]
    findings: Findings
    reasons: tuple[str, ...]
    last_move: float
    prior_gap: float
    worth: float
    facts: Mapping[str, Any]

    @property
    def headline(self) -> Estimate:
        """The estimate the design stands behind."""
        return self.estimates[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trends:
    """What the quarters before learning say."""

    checks: tuple[Check, ...]
    failed: tuple[str, ...]
    power: TrendPower
    last_move: float
    sensitivity: Sensitivity | None


def estimate_did(
    panel: Panel,
    *,
    pairs: pd.DataFrame | None = None,
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> DidResult:
    """Estimate what learning changed, from before to after, against others.

    Use it beside matching: it allows for whatever sets learners apart for good, and
    assumes that without learning they would have changed as others did. The estimand
    of the headline is that of the matched comparison: the average effect on learners
    of the exposure quarters, in the quarter whose outcome is read.

    Parameters
    ----------
    panel : Panel
        People over quarters; left unchanged.
    pairs : DataFrame, optional
        Matched pairs of the same programme and outcome.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Fewest people in an arm of any comparison.
    seed : int
        Of bands, bootstrap and permutations.

    Returns
    -------
    DidResult
        Effects are positive if learners have more of the outcome than without.

    Raises
    ------
    TooFewUnitsError
        If fewer than `min_group` learners or others were seen before and after.
    DesignError
        If nothing can be compared.
    """
    from threadpoolctl import threadpool_limits

    _require_people(panel, min_group)
    with threadpool_limits(limits=1):
        designs = estimate_designs(panel, pairs=pairs, min_group=min_group, alpha=alpha)
        worth = _find_worth(panel, designs)
        trends = _judge_trends(panel, designs, worth, alpha)
        refused = list(designs.refused)
        bacon = refuse_gently("bacon", lambda: decompose_twfe(panel), refused)
        placebo = estimate_placebo_dates(panel, alpha=alpha)
        errors = _compare_errors(panel, designs, seed=seed, alpha=alpha)
        curves = _draw_curves(panel, designs, seed=seed, alpha=alpha)
        engine = refuse_gently(
            "second_program",
            lambda: check_against_engine(panel, designs.group_time),
            refused,
        )
    lost = check_lost(panel)
    power = check_power(designs.headline.effect(method="did_cs"), panel, alpha=alpha)
    weak = [
        name
        for name, check in (("too little power", power), ("attrition", lost))
        if check.passed is False
    ]
    findings = Findings(
        design="did",
        failed_checks=trends.failed,
        pretrend_powered=trends.power.pretrend_powered,
        threats=(*panel.threats, *weak),
    )
    facts = describe_design(panel, designs, trends.sensitivity, findings)
    own = designs.two_by_two.checks if designs.two_by_two else ()
    studies = [item.checks for item in designs.event_studies.values()]
    return DidResult(
        program=panel.program.id,
        outcome=panel.outcome.id,
        estimates=publish_designs(panel, designs, facts, findings, alpha=alpha),
        checks=(
            *trends.checks,
            placebo.check,
            power,
            lost,
            *own,
            *(errors.checks if errors else ()),
            *([engine] if engine else []),
            *(check for checks in studies for check in checks),
            *([bacon.check] if bacon else []),
            *designs.group_time.checks,
            *refused,
            *(
                Check(check="note", passed=None, text=text)
                for text in _notes(panel, designs)
            ),
        ),
        tables=_collect(panel, designs, curves, bacon, placebo, errors, trends),
        findings=findings,
        reasons=list_reasons(
            trends.last_move,
            pretrend_failed="pretrend" in trends.failed,
            jumped="last_quarter_before" in trends.failed,
        ),
        last_move=trends.last_move
        if "last_quarter_before" in trends.failed
        else math.nan,
        prior_gap=measure_prior_gap(designs.two_by_two),
        worth=worth,
        facts=facts,
    )


def _require_people(panel: Panel, min_group: int) -> None:
    """Refuse a panel in which too few people were seen before and after."""
    starts = panel.frame.drop_duplicates("unit")
    learners = int(starts["first_treat"].isin(panel.exposures).sum())
    others = int((~starts["first_treat"].isin(panel.exposures)).sum())
    last = panel.flow.iloc[-1] if len(panel.flow) else None
    seen = int(last["n_treated"]) if last is not None else learners
    if min(learners, others, seen) < min_group:
        raise TooFewUnitsError.build(
            "Too few people have an outcome both before and after learning",
            where=f"{panel.persona}, {panel.program.id}, {panel.outcome.id}",
            rule=f"at least {min_group} learners and others (privacy.min_group)",
            got=f"{seen} learners, {others} others",
            hint="the outcome must be known in the quarter before the exposure",
        )


def _find_worth(panel: Panel, designs: Designs) -> float:
    threshold = panel.outcome.threshold_for(panel.persona)
    return find_smallest_effect(threshold, baseline=designs.headline.baseline)


def _judge_trends(
    panel: Panel, designs: Designs, worth: float, alpha: float
) -> _Trends:
    """Look at everything before learning."""
    groups = [
        group for group in panel.exposures if group in designs.group_time.weights.index
    ]
    test = judge_pretrend(designs.group_time, groups=groups)
    power = find_detectable_slope(
        designs.group_time, lag=panel.lag, worth=worth, groups=groups, alpha=alpha
    )
    last = estimate_last_quarter(designs.group_time, groups=groups)
    tests = (check_pretrend(test, alpha=alpha), check_last_quarter(last, alpha=alpha))
    bounds = None
    periods: tuple[Check, ...] = ()
    if designs.dynamic is not None:
        periods = (check_pre_periods(designs.dynamic),)
        if count_pre_steps(designs.dynamic):
            bounds = estimate_sensitivity(
                designs.headline, designs.dynamic, lag=panel.lag, alpha=alpha
            )
    checks = (
        *periods,
        *tests,
        check_pretrend_power(power),
        check_sensitivity(bounds),
    )
    return _Trends(
        checks=checks,
        failed=tuple(item.check for item in tests if item.passed is False),
        power=power,
        last_move=math.nan if last is None else last.value,
        sensitivity=bounds,
    )


def _compare_errors(
    panel: Panel, designs: Designs, *, seed: int, alpha: float
) -> ErrorComparison | None:
    """Put errors side by side where the programme was given by team."""
    if designs.two_by_two is None or panel.clusters[-1] == "unit":
        return None
    return compare_errors(
        panel, designs.two_by_two, seed=seed, alpha=alpha, draws=_DRAWS
    )


def _draw_curves(
    panel: Panel, designs: Designs, *, seed: int, alpha: float
) -> pd.DataFrame:
    bands = (
        make_bands(designs.course, seed=seed, alpha=alpha) if designs.course else None
    )
    return tabulate_curves(panel, designs, bands)


def _notes(panel: Panel, designs: Designs) -> tuple[str, ...]:
    studies = [item.notes for item in designs.event_studies.values()]
    more = [
        f"{text[:1].upper()}{text[1:].rstrip('.')}."
        for item in studies
        for text in item
    ]
    return tuple(dict.fromkeys((*panel.notes, *designs.headline.notes, *more)))


def _collect(
    panel: Panel,
    designs: Designs,
    curves: pd.DataFrame,
    bacon: Decomposition | None,
    placebo: PlaceboDates,
    errors: ErrorComparison | None,
    trends: _Trends,
) -> dict[str, pd.DataFrame]:
    """Collect the tables that there are."""
    labels = dict(enumerate(panel.periods, start=1))
    cells = designs.group_time.table
    tables = {
        "group_time": cells.assign(
            group_label=cells["group"].map(labels),
            period_label=cells["period"].map(labels),
        ),
        "curves": curves,
        "placebo": placebo.table,
        "flow": panel.flow,
    }
    if bacon is not None:
        tables["bacon"] = bacon.kinds
    if errors is not None:
        tables["errors"] = errors.table
    if trends.sensitivity is not None:
        tables["sensitivity"] = trends.sensitivity.curve
    return tables
