"""One outcome that takes time: matched, followed, estimated, graded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as change
from typing import Any

import numpy as np
import pandas as pd

from workbench.cohorts.follow_frames import FollowUp
from workbench.cohorts.frames import Cohort
from workbench.core.errors import NoVariationError
from workbench.core.results import Check, Estimate
from workbench.impact.balance import OVERALL
from workbench.impact.comparison import Comparison, compare_groups
from workbench.impact.comparison_checks import check_clusters, check_power
from workbench.impact.design_matrix import select_terms
from workbench.impact.effects import Effect
from workbench.impact.evidence import Findings, grade_evidence
from workbench.impact.groups.subgroups import Subgroups, estimate_subgroups
from workbench.impact.propensity import Method
from workbench.impact.survival.checks import (
    check_competing,
    check_direction,
    check_events,
    check_follow_up,
)
from workbench.impact.survival.curve_tables import tabulate_curves
from workbench.impact.survival.delayed_entry import estimate_delayed_entry
from workbench.impact.survival.hazards import Hazards, compare_hazards
from workbench.impact.survival.matched_follow import (
    HEADLINE,
    Followed,
    estimate_first_detail,
    estimate_followed,
    estimate_naive_follow,
    follow_matched,
    make_pseudo_outcomes,
)
from workbench.impact.survival.medians import Medians, compare_medians
from workbench.impact.survival.report import (
    REGRETTED,
    describe_follow_up,
    publish_follow_up,
)

__all__ = ["SurvivalResult", "estimate_survival_effect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalResult:
    """All that the stage says about one programme and outcome.

    Attributes
    ----------
    program, outcome : str
        What was compared.
    estimates : tuple of Estimate
        ``naive``, ``km`` (headline), ``km_unadjusted``, and where they can be had
        ``rmst``, ``km_regretted``, ``km_median``, ``km_delayed_entry``, ``cox``.
    checks : tuple of Check
        Of the comparison, of the follow-up and of the hazards.
    balance, flow : DataFrame
        As in stage 03.
    curves : DataFrame
        See `tabulate_curves`.
    tests : DataFrame
        ``test``, ``term``, ``statistic``, ``df``, ``p_value``, ``note``: log-rank, and
        proportional hazards term by term.
    groups : Subgroups
        Effects at the horizon by protected attribute.
    findings : Findings
        What the grade was computed from.
    followed : Followed
        The rows; for further analyses of the same comparison.
    facts : mapping
        Sentences: ``for_whom``, ``follow_up``, ``error``, ``evidence``.
    """

    program: str
    outcome: str
    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...]
    balance: pd.DataFrame
    flow: pd.DataFrame
    curves: pd.DataFrame
    tests: pd.DataFrame
    groups: Subgroups
    findings: Findings
    followed: Followed
    facts: Mapping[str, Any]

    @property
    def headline(self) -> Estimate:
        """The estimate the stage stands behind."""
        return next(item for item in self.estimates if item.method == HEADLINE)


def estimate_survival_effect(
    follow: FollowUp,
    *,
    caliper: float = 0.2,
    ratio: int = 1,
    replace: bool = False,
    exact: Sequence[str] = (),
    propensity: Method = "logistic",
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> SurvivalResult:
    """Estimate what learning changed about when something happens, or whether.

    Learners are matched with others of the same quarter as in stage 03, and both are
    followed from the landmark, so that no time counts for learners in which they could
    not yet have learnt. The estimand is the average effect on matched learners on the
    share at the horizon, or on mean days; see `estimate_followed` for what it assumes.

    Parameters
    ----------
    follow : FollowUp
        Stacked trials with their follow-up.
    caliper, ratio, replace, exact, propensity, min_group, seed
        See `workbench.impact.comparison.compare_groups`.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    SurvivalResult
        Effects are positive if learners have more of the outcome: a larger share that
        stays or moves, more days.

    Raises
    ------
    DesignError
        Or one of its kinds, where no comparison can be made.
    ConvergenceError
        If the propensity model fails.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        compared = compare_groups(
            _take_rows(follow, min_group),
            matching={"caliper": caliper, "ratio": ratio, "replace": replace},
            exact=exact,
            propensity=propensity,
            min_group=min_group,
            seed=seed,
        )
        followed = follow_matched(follow, compared, min_group=min_group)
        terms, used = _choose_terms(compared)
        effects = _estimate_all(followed, compared.design.matrix(terms), min_group)
        hazards = compare_hazards(followed, terms, alpha=alpha)
        medians = compare_medians(followed, alpha=alpha) if followed.in_days else None
        curves = tabulate_curves(
            followed, follow.causes, alpha=alpha, min_group=min_group
        )
        groups = _compare_groups(follow, followed, alpha, min_group)
    return _report(
        follow,
        followed,
        effects,
        hazards,
        medians,
        curves,
        groups,
        extra=(used,),
        alpha=alpha,
    )


def _take_rows(follow: FollowUp, min_group: int) -> Cohort:
    """Return the cohort with an outcome that is there for all who were followed.

    Raises
    ------
    NoVariationError
        If the event of interest happened to nobody; arms too small to say even that
        are left to `compare_groups`.
    """
    cohort = follow.cohort
    frame = cohort.frame
    happened = (frame["cause"] == 1) & (frame["duration"] <= follow.horizon)
    people = frame.groupby("treated")["unit"].nunique()
    told = len(people) > 1 and people.min() >= min_group
    if told and not happened.any():
        raise NoVariationError.build(
            f"It happened to nobody within {follow.horizon} days, so there is nothing "
            "to compare",
            where=f"{cohort.persona}, {cohort.program.id}, {cohort.outcome.id}",
            hint="wait for a later quarter, or take a longer horizon_days",
        )
    return change(cohort, frame=frame.assign(outcome=frame["duration"]))


def _choose_terms(compared: Comparison) -> tuple[Sequence[str], Check]:
    everybody = compared.balance[compared.balance["site"] == OVERALL].set_index("term")
    after = everybody.loc[everybody["stage"] == "after", "smd"]
    return select_terms(compared.design, after, n_rows=len(compared.matches.pairs))


def _estimate_all(
    followed: Followed, matrix: np.ndarray[Any, Any], min_group: int
) -> tuple[Effect, ...]:
    """Estimate by every method, in the published order; the headline comes second."""
    effects = [
        estimate_naive_follow(followed),
        estimate_followed(followed, covariates=matrix),
        estimate_followed(followed, covariates=None, method="km_unadjusted"),
    ]
    if not followed.in_days:
        effects.append(
            estimate_followed(
                followed, covariates=matrix, measure="days", method="rmst"
            )
        )
        fine = estimate_first_detail(followed, covariates=matrix, method=REGRETTED)
        effects += [] if fine is None else [fine]
    elif float(followed.elapsed.max()) > 0:
        late = estimate_delayed_entry(followed, min_group=min_group)
        effects += [] if late is None else [late]
    return tuple(effects)


def _compare_groups(
    follow: FollowUp, followed: Followed, alpha: float, min_group: int
) -> Subgroups:
    """Compare protected groups: what rows stand for is an ordinary outcome."""
    compared = followed.compared
    outcome = make_pseudo_outcomes(followed, days=followed.in_days)
    return estimate_subgroups(
        follow.cohort,
        change(compared, sample=change(compared.sample, outcome=outcome)),
        alpha=alpha,
        min_group=min_group,
    )


def _report(
    follow: FollowUp,
    followed: Followed,
    effects: Sequence[Effect],
    hazards: Hazards,
    medians: Medians | None,
    curves: pd.DataFrame,
    groups: Subgroups,
    *,
    extra: Sequence[Check],
    alpha: float,
) -> SurvivalResult:
    """Judge the effects and put everything into the result."""
    cohort, compared = follow.cohort, followed.compared
    headline = effects[1]
    power = check_power(headline, cohort, alpha=alpha)
    reach, events = check_follow_up(followed), check_events(followed)
    threats = [
        name
        for name, check in (
            ("few events", events),
            ("too little power", power),
            ("short follow-up", reach),
        )
        if check.passed is False
    ]
    if "few events" in threats:
        # an interval made of so few is wide for the same reason
        threats = [name for name in threats if name != "too little power"]
    findings = Findings(
        design="matched",
        failed_checks=compared.failed,
        largest_smd=compared.largest_smd,
        threats=(*cohort.threats, *threats),
    )
    grade = grade_evidence(findings)
    facts = describe_follow_up(follow, followed, headline) | {"evidence": grade.text}
    checks = (
        *compared.checks,
        *extra,
        reach,
        events,
        check_competing(followed, follow.causes),
        check_clusters(headline),
        *hazards.checks,
        check_direction(hazards.tested, headline.p_value()),
        power,
        *(Check(check="note", passed=None, text=text) for text in cohort.notes),
    )
    return SurvivalResult(
        program=cohort.program.id,
        outcome=cohort.outcome.id,
        estimates=publish_follow_up(
            follow,
            effects,
            hazards.cox,
            medians,
            grade=grade.value,
            alpha=alpha,
        ),
        checks=checks,
        balance=compared.balance,
        flow=_extend_flow(follow, followed),
        curves=curves,
        tests=hazards.tests,
        groups=groups,
        findings=findings,
        followed=followed,
        facts=facts,
    )


def _extend_flow(follow: FollowUp, followed: Followed) -> pd.DataFrame:
    matched = {
        "step": "matched",
        "n_treated": int(followed.arm(treated=True).sum()),
        "n_control": int(followed.arm(treated=False).sum()),
    }
    return pd.concat([follow.cohort.flow, pd.DataFrame([matched])], ignore_index=True)
