"""The matching stage of one persona: every programme and outcome, answered or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import (
    ConvergenceError,
    DesignError,
    TooFewUnitsError,
    WorkbenchError,
)
from workbench.core.results import Check, Estimate, StageResult
from workbench.impact.effects import STAGE, make_empty_estimate
from workbench.impact.evidence import Findings, grade_evidence
from workbench.impact.multiplicity import adjust_family
from workbench.impact.propensity import Method
from workbench.impact.psm import PsmResult, estimate_psm
from workbench.impact.psm_report import HEADLINE

if TYPE_CHECKING:
    from workbench.cohorts.target_trial import Gap

__all__ = ["estimate_psm_stage"]

_TABLES: Mapping[str, tuple[str, ...]] = {
    "balance": ("term", "site", "stage", "smd"),
    "pairs": ("set", "unit", "trial", "treated", "distance", "weight"),
    "overlap": ("group", "low", "high", "n", "share"),
    "flow": ("step", "n_treated", "n_control"),
    "attrition": ("arm", "rows", "missing", "share", "reason"),
}


def estimate_psm_stage(
    cohorts: Sequence[Cohort],
    *,
    gaps: Sequence[Gap] = (),
    caliper: float = 0.2,
    ratio: int = 1,
    replace: bool = False,
    exact: Sequence[str] = (),
    propensity: Method = "logistic",
    alpha: float = 0.05,
    min_group: int = 10,
    seed: int,
) -> StageResult:
    """Estimate every comparison of a persona; one that cannot be made says why.

    Parameters
    ----------
    cohorts : sequence of Cohort
        Of one persona and quarter, one per programme and outcome.
    gaps : sequence of Gap
        Comparisons the quarter's data do not allow; each becomes a check.
    caliper, ratio, replace, exact, propensity, alpha, min_group, seed
        See `estimate_psm`.

    Returns
    -------
    StageResult
        ``estimates`` (``p_adjusted`` over the headline estimates; without number and
        with the reason where no comparison was possible), ``checks``, the tables
        ``balance``, ``pairs``, ``overlap``, ``flow`` and ``attrition`` with the columns
        ``program`` and ``outcome`` first, and ``facts``: ``family``, and ``answers``,
        one entry per comparison with its sentences. Negative controls are estimated
        but are neither headline nor part of the family; one whose interval leaves out
        0 lowers the evidence of its programme's outcomes. ``not_applicable`` without
        cohorts.
    """
    if not cohorts:
        why = "; ".join(gap.reason for gap in gaps) or "no programme names this persona"
        return StageResult(
            stage=STAGE, status="not_applicable", reason=why, checks=_list_gaps(gaps)
        )
    results: list[tuple[Cohort, PsmResult | WorkbenchError]] = []
    for cohort in cohorts:
        try:
            found: PsmResult | WorkbenchError = estimate_psm(
                cohort,
                caliper=caliper,
                ratio=ratio,
                replace=replace,
                exact=exact,
                propensity=propensity,
                alpha=alpha,
                min_group=min_group,
                seed=seed,
            )
        except (DesignError, ConvergenceError) as error:
            found = error
        results.append((cohort, found))
    moved = _find_moved_controls(results)
    estimates: list[Estimate] = []
    checks = list(_list_gaps(gaps))
    answers = []
    for cohort, found in results:
        if isinstance(found, PsmResult):
            made, grade = _regrade(cohort, found, moved)
            answers.append(_answer(cohort, {**found.facts, "evidence": grade}))
            checks += [_label(item, cohort) for item in found.checks]
            checks += _check_control(cohort, found)
        else:
            reason = _shorten(found)
            hidden = isinstance(found, TooFewUnitsError)
            made = (_refuse(cohort, reason, alpha, hidden=hidden),)
            answers.append(_answer(cohort, {"reason": reason}))
            checks.append(_label(_refusal(reason), cohort))
        estimates += made
    return StageResult(
        stage=STAGE,
        estimates=adjust_family(estimates),
        checks=tuple(checks),
        tables=_collect_tables(results),
        facts={
            "family": f"{sum(item.headline for item in estimates)} headline estimates "
            f"of {cohorts[0].persona} in this stage (Benjamini-Hochberg)",
            "level": 1 - alpha,
            "answers": answers,
        },
    )


def _find_moved_controls(
    results: Sequence[tuple[Cohort, PsmResult | WorkbenchError]],
) -> dict[str, list[str]]:
    """List, per programme, the negative controls whose interval leaves out 0."""
    moved: dict[str, list[str]] = {}
    for cohort, found in results:
        if cohort.outcome.negative_control and isinstance(found, PsmResult):
            item = found.headline
            if item.ci_low > 0 or item.ci_high < 0:
                moved.setdefault(found.program, []).append(found.outcome)
    return moved


def _regrade(
    cohort: Cohort, found: PsmResult, moved: Mapping[str, list[str]]
) -> tuple[tuple[Estimate, ...], str]:
    """Add what the programme's negative controls say to the evidence."""
    control = cohort.outcome.negative_control
    extra = [] if control else moved.get(found.program, [])
    threats = (*found.findings.threats, *(f"negative control {name}" for name in extra))
    findings: Findings = replace(found.findings, threats=threats)
    grade = grade_evidence(findings)
    made = tuple(
        replace(item, headline=not control, evidence=grade.value)
        if item.method == HEADLINE
        else item
        for item in found.estimates
    )
    return made, grade.text


def _check_control(cohort: Cohort, found: PsmResult) -> list[Check]:
    if not cohort.outcome.negative_control:
        return []
    item = found.headline
    still = item.ci_low <= 0 <= item.ci_high
    return [
        _label(
            Check(
                check="negative_control",
                passed=still,
                value=item.estimate,
                text=f"Learning should not change {found.outcome}: estimated "
                f"{item.estimate:.3g} ({item.ci_low:.3g} to {item.ci_high:.3g}).",
                advice="" if still else "Something unmeasured sets learners apart.",
            ),
            cohort,
        )
    ]


def _refuse(cohort: Cohort, reason: str, alpha: float, *, hidden: bool) -> Estimate:
    made = make_empty_estimate(
        cohort,
        limitation=f"Not answerable: {reason}",
        alpha=alpha,
        headline=not cohort.outcome.negative_control,
    )
    return replace(made, suppressed=hidden)


def _refusal(reason: str) -> Check:
    return Check(check="comparison", passed=False, required=True, text=reason)


def _shorten(error: WorkbenchError) -> str:
    """Write an error as one sentence; counts of too small groups stay out of it."""
    lines = [line.strip() for line in str(error).splitlines()]
    wanted = "rule:" if isinstance(error, TooFewUnitsError) else "got:"
    more = [line.removeprefix(wanted) for line in lines if line.startswith(wanted)]
    detail = more[0].strip().strip("'\"").rstrip(".") if more else ""
    return lines[0].rstrip(".") + (f" ({detail})." if detail else ".")


def _list_gaps(gaps: Sequence[Gap]) -> tuple[Check, ...]:
    return tuple(
        Check(
            check="comparison",
            passed=None,
            program=gap.program,
            outcome=gap.outcome,
            text=gap.reason,
        )
        for gap in gaps
    )


def _label(check: Check, cohort: Cohort) -> Check:
    return replace(check, program=cohort.program.id, outcome=cohort.outcome.id)


def _answer(cohort: Cohort, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"program": cohort.program.id, "outcome": cohort.outcome.id, **facts}


def _collect_tables(
    results: Sequence[tuple[Cohort, PsmResult | WorkbenchError]],
) -> dict[str, pd.DataFrame]:
    """Stack the tables of all comparisons; without any, tables of no rows."""
    stacked: dict[str, list[pd.DataFrame]] = {name: [] for name in _TABLES}
    for cohort, found in results:
        if not isinstance(found, PsmResult):
            continue
        for name in _TABLES:
            table = found.scores if name == "overlap" else getattr(found, name)
            labelled = table.copy()
            labelled.insert(0, "program", cohort.program.id)
            labelled.insert(1, "outcome", cohort.outcome.id)
            stacked[name].append(labelled)
    return {
        name: pd.concat(tables, ignore_index=True)
        if tables
        else pd.DataFrame(columns=["program", "outcome", *_TABLES[name]])
        for name, tables in stacked.items()
    }
