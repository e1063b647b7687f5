"""The survival stage of one persona: every outcome that takes time, answered or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from workbench.cohorts.follow_frames import FollowUp, Histories
from workbench.cohorts.target_trial import Gap
from workbench.core.errors import (
    ConvergenceError,
    DesignError,
    TooFewUnitsError,
    WorkbenchError,
)
from workbench.core.results import Check, Estimate, StageResult
from workbench.impact.effects import DAYS, describe_unit
from workbench.impact.evidence import Findings, grade_evidence
from workbench.impact.findings_table import tabulate_findings
from workbench.impact.groups.subgroups import adjust_subgroups, publish_subgroups
from workbench.impact.multiplicity import adjust_family
from workbench.impact.stage_parts import (
    label_answer,
    label_check,
    list_gaps,
    refuse_comparison,
    shorten_error,
    stack_tables,
)
from workbench.impact.survival.analysis import SurvivalResult, estimate_survival_effect
from workbench.impact.survival.curve_tables import COLUMNS as CURVES
from workbench.impact.survival.extrapolate import COLUMNS as EXTRAPOLATED
from workbench.impact.survival.extrapolate import (
    describe_extrapolation,
    extrapolate_followed,
)
from workbench.impact.survival.hazards import COLUMNS as TESTS
from workbench.impact.survival.immortal import COLUMNS as DATINGS
from workbench.impact.survival.immortal import Datings, compare_datings
from workbench.impact.survival.matched_follow import HEADLINE, stays
from workbench.impact.survival.report import STAGE

__all__ = ["estimate_survival_stage"]

_LANDMARK_DAYS = 92
_HORIZON_DAYS = 365
_SUBGROUP = "km_subgroup"
_TABLES: Mapping[str, tuple[str, ...]] = {
    "curves": CURVES,
    "tests": TESTS,
    "balance": ("term", "site", "stage", "smd"),
    "flow": ("step", "n_treated", "n_control"),
    "datings": DATINGS,
    "extrapolated": EXTRAPOLATED,
    "subgroups": ("kind", "attribute", "group", "reference", "estimate", "suppressed"),
}
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """One comparison: made, or refused with the reason."""

    follow: FollowUp
    found: SurvivalResult | None = None
    refused: WorkbenchError | None = None
    expected: pd.DataFrame | None = None
    threats: tuple[str, ...] = ()

    @property
    def key(self) -> _Key:
        """Programme and outcome."""
        cohort = self.follow.cohort
        return cohort.program.id, cohort.outcome.id

    def find(self) -> Findings:
        """Return what the grade is computed from, the programme's controls included."""
        if self.found is None:
            return Findings(design="none")
        findings = self.found.findings
        return replace(findings, threats=(*findings.threats, *self.threats))


def estimate_survival_stage(
    follow_ups: Sequence[FollowUp],
    *,
    histories: Sequence[Histories] = (),
    levels: pd.DataFrame | None = None,
    gaps: Sequence[Gap] = (),
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
    **matching: Any,
) -> StageResult:
    """Estimate every outcome of a persona that takes time.

    Parameters
    ----------
    follow_ups : sequence of FollowUp
        Of one persona and quarter, one per programme and outcome.
    histories : sequence of Histories
        For the comparison of datings, where there are any.
    levels : DataFrame, optional
        From `measure_practice`; left as the table ``levels``.
    gaps : sequence of Gap
        Outcomes that cannot be followed; each becomes a check.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Fewest people in an arm, on a curve and at the horizon.
    seed : int
        Of the folds of boosting.
    **matching
        ``caliper``, ``ratio``, ``replace``, ``exact``, ``propensity`` of
        `estimate_survival_effect`.

    Returns
    -------
    StageResult
        ``estimates`` (``p_adjusted`` over the headline estimates; effects by protected
        group have the method ``km_subgroup``), ``checks``, the tables ``curves``,
        ``tests``, ``balance``, ``flow``, ``datings``, ``extrapolated``, ``subgroups``
        with the columns ``program`` and ``outcome`` first, ``levels`` and
        ``findings``, and ``facts``: ``family``, ``level``, ``answers``.
        ``not_applicable`` where there is nothing to follow and no level.
    """
    measured = pd.DataFrame() if levels is None else levels
    if not follow_ups and measured.empty:
        why = "; ".join(dict.fromkeys(gap.reason for gap in gaps))
        return StageResult(
            stage=STAGE,
            status="not_applicable",
            reason=why or "no programme names this persona",
            checks=list_gaps(gaps),
            tables=stack_tables([], _TABLES),
        )
    answers = [_answer(item, alpha, min_group, seed, matching) for item in follow_ups]
    answers = _blame_controls(_adjust_groups(answers))
    datings = {
        (item.program.id, item.outcome.id): _compare_datings(item, alpha, min_group)
        for item in histories
    }
    estimates: list[Estimate] = []
    checks = list(list_gaps(gaps))
    told = []
    for answer in answers:
        made, facts, own = _publish(answer, datings.get(answer.key), alpha)
        estimates += made
        told.append(label_answer(answer.follow.cohort, facts))
        checks += [label_check(item, answer.follow.cohort) for item in own]
    headlines = sum(item.headline for item in estimates)
    return StageResult(
        stage=STAGE,
        estimates=adjust_family(estimates),
        checks=tuple(checks),
        tables={**_tabulate(answers, datings), "levels": measured},
        facts={
            "family": f"{headlines} headline estimates of this persona in this stage"
            " (Benjamini-Hochberg)",
            "level": 1 - alpha,
            "answers": told,
        },
    )


def _answer(
    follow: FollowUp,
    alpha: float,
    min_group: int,
    seed: int,
    matching: Mapping[str, Any],
) -> _Answer:
    """Estimate one comparison, or keep the reason why it cannot be made."""
    try:
        found = estimate_survival_effect(
            follow, alpha=alpha, min_group=min_group, seed=seed, **matching
        )
    except (DesignError, ConvergenceError) as error:
        return _Answer(follow=follow, refused=error)
    expected = None
    if stays(follow):
        expected = extrapolate_followed(
            found.followed, alpha=alpha, min_group=min_group
        )
    return _Answer(follow=follow, found=found, expected=expected)


def _adjust_groups(answers: Sequence[_Answer]) -> list[_Answer]:
    """Adjust the differences between groups over all comparisons made."""
    told = [item.found.groups for item in answers if item.found is not None]
    adjusted = iter(adjust_subgroups(told))
    return [
        item
        if item.found is None
        else replace(item, found=replace(item.found, groups=next(adjusted)))
        for item in answers
    ]


def _blame_controls(answers: Sequence[_Answer]) -> list[_Answer]:
    """Add to each outcome the negative controls of its programme that moved."""
    moved: dict[str, list[str]] = {}
    for item in answers:
        if item.follow.cohort.outcome.negative_control and item.found is not None:
            headline = item.found.headline
            if headline.ci_low > 0 or headline.ci_high < 0:
                moved.setdefault(item.key[0], []).append(item.key[1])
    return [
        item
        if item.follow.cohort.outcome.negative_control
        else replace(
            item,
            threats=tuple(
                f"negative control {name}" for name in moved.get(item.key[0], [])
            ),
        )
        for item in answers
    ]


def _compare_datings(histories: Histories, alpha: float, min_group: int) -> Datings:
    return compare_datings(
        histories,
        landmark_days=_LANDMARK_DAYS,
        horizon=histories.outcome.horizon_days or _HORIZON_DAYS,
        alpha=alpha,
        min_group=min_group,
    )


def _publish(
    answer: _Answer, dating: Datings | None, alpha: float
) -> tuple[list[Estimate], dict[str, Any], list[Check]]:
    """Return the rows, the sentences and the checks of one comparison."""
    found, cohort = answer.found, answer.follow.cohort
    facts: dict[str, Any] = {}
    checks: list[Check] = []
    if found is None:
        reason = "" if answer.refused is None else shorten_error(answer.refused)
        facts["reason"] = reason
        days = describe_unit(cohort.outcome) == DAYS
        estimates = [
            refuse_comparison(
                cohort,
                reason,
                hidden=isinstance(answer.refused, TooFewUnitsError),
                stage=STAGE,
                method=HEADLINE,
                estimand="RMST_DIFF" if days else "RD",
                alpha=alpha,
            )
        ]
        checks.append(
            Check(check="comparison", passed=False, required=True, text=reason)
        )
    else:
        grade = grade_evidence(answer.find())
        facts |= {**found.facts, "evidence": grade.text}
        estimates = [
            replace(item, evidence=grade.value) if item.method == HEADLINE else item
            for item in found.estimates
        ]
        estimates += [
            replace(item, stage=STAGE, method=_SUBGROUP)
            for item in publish_subgroups(found.groups, cohort, alpha=alpha)
        ]
        checks += [*found.checks, *_check_control(answer), *found.groups.check()]
        if len(found.groups.joint):
            facts["subgroups"] = found.groups.describe()
    if answer.expected is not None:
        facts["extrapolated"] = describe_extrapolation(answer.expected)
    if dating is not None:
        facts["datings"] = dating.text
        checks += dating.checks
    return estimates, facts, checks


def _check_control(answer: _Answer) -> list[Check]:
    """Check that an outcome that learning cannot change did not move."""
    if answer.found is None or not answer.follow.cohort.outcome.negative_control:
        return []
    item = answer.found.headline
    still = item.ci_low <= 0 <= item.ci_high
    return [
        Check(
            check="negative_control",
            passed=still,
            value=item.estimate,
            text=f"Learning should not change {item.outcome}: estimated "
            f"{item.estimate:.3g} ({item.ci_low:.3g} to {item.ci_high:.3g}).",
            advice="" if still else "Something unmeasured sets learners apart.",
        )
    ]


def _tabulate(
    answers: Sequence[_Answer], datings: Mapping[_Key, Datings]
) -> dict[str, pd.DataFrame]:
    """Return all tables of the stage, those without rows among them."""
    found = []
    for item in answers:
        tables: dict[str, pd.DataFrame] = {}
        if item.key in datings:
            tables["datings"] = datings[item.key].table
        if item.found is not None:
            tables |= {
                "curves": item.found.curves,
                "tests": item.found.tests,
                "balance": item.found.balance,
                "flow": item.found.flow,
                "subgroups": item.found.groups.tabulate(),
            }
        if item.expected is not None:
            tables["extrapolated"] = item.expected
        found.append((item.follow.cohort, tables))
    return {
        **stack_tables(found, _TABLES),
        "findings": tabulate_findings(
            (*item.key, item.find()) for item in answers if item.found is not None
        ),
    }
