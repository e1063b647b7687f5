"""The matching stage of one persona: every programme and outcome, answered or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from workbench.core.run_params import RunParams
from workbench.impact.effects import STAGE
from workbench.impact.evidence import Findings, grade_evidence
from workbench.impact.findings_table import tabulate_findings
from workbench.impact.groups.subgroups import (
    Subgroups,
    adjust_subgroups,
    estimate_subgroups,
    publish_subgroups,
)
from workbench.impact.multiplicity import adjust_family
from workbench.impact.propensity import Method
from workbench.impact.psm.analysis import PsmResult, estimate_psm
from workbench.impact.psm.report import HEADLINE, tabulate_support
from workbench.impact.psm.tables import (
    TABLES,
    list_tables,
    tabulate_answer,
)
from workbench.impact.robustness.overturn import add_controls, describe_refusal
from workbench.impact.robustness.specification import (
    SpecificationCurve,
    run_specifications,
)
from workbench.impact.stage_parts import (
    label_answer,
    label_check,
    list_gaps,
    refuse_comparison,
    shorten_error,
    stack_tables,
)

if TYPE_CHECKING:
    from workbench.cohorts.target_trial import Gap

__all__ = ["estimate_psm_stage", "read_psm_options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """One comparison: made, or refused with the reason."""

    cohort: Cohort
    found: PsmResult | None = None
    refused: WorkbenchError | None = None
    curve: SpecificationCurve | None = None
    groups: Subgroups | None = None

    @property
    def reason(self) -> str:
        """Why it was refused; empty if it was made."""
        return "" if self.refused is None else shorten_error(self.refused)


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
    examine: bool = True,
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
    examine : bool
        Whether to examine every headline estimate: errors side by side, hidden
        causes, refutations, specification curve (without boosting, for time),
        subgroups. Negative controls are not examined.

    Returns
    -------
    StageResult
        ``estimates`` (``p_adjusted`` over the headline estimates; without number and
        with the reason where no comparison was possible), ``checks``, the tables
        of `TABLES` with the columns ``program`` and ``outcome`` first, and ``facts``:
        ``family``, and ``answers``, one entry per comparison with its sentences, among
        them ``overturn``: what would overturn it. Negative controls are estimated
        but are neither headline nor part of the family; one whose interval leaves out
        0 lowers the evidence of its programme's outcomes. ``not_applicable`` without
        cohorts.
    """
    if not cohorts:
        why = "; ".join(gap.reason for gap in gaps) or "no programme names this persona"
        return StageResult(
            stage=STAGE,
            status="not_applicable",
            reason=why,
            checks=list_gaps(gaps),
            tables=stack_tables([], TABLES),
        )
    answers = [
        _answer(
            cohort,
            options={
                "caliper": caliper,
                "ratio": ratio,
                "replace": replace,
                "exact": exact,
                "propensity": propensity,
                "alpha": alpha,
                "min_group": min_group,
                "seed": seed,
            },
            examine=examine and not cohort.outcome.negative_control,
        )
        for cohort in cohorts
    ]
    answers = _adjust_groups(answers)
    moved = _find_moved_controls(answers)
    estimates: list[Estimate] = []
    checks = list(list_gaps(gaps))
    facts = []
    for answer in answers:
        made, told, own = _publish(answer, moved, alpha)
        estimates += made
        checks += own
        facts.append(told)
    return StageResult(
        stage=STAGE,
        estimates=adjust_family(estimates),
        checks=tuple(checks),
        tables={
            **stack_tables(
                [
                    (answer.cohort, _list_tables(answer) | tabulate_answer(told))
                    for answer, told in zip(answers, facts, strict=True)
                ],
                TABLES,
            ),
            "findings": _tabulate_findings(answers, moved),
        },
        facts={
            "family": f"{sum(item.headline for item in estimates)} headline estimates "
            f"of {cohorts[0].persona} in this stage (Benjamini-Hochberg)",
            "level": 1 - alpha,
            "answers": facts,
        },
    )


def read_psm_options(run: RunParams) -> dict[str, Any]:
    """Read the options of the stage from a run's parameters.

    Parameters
    ----------
    run : RunParams
        Of the stage ``psm``.

    Returns
    -------
    dict
        Further arguments of `estimate_psm_stage`.
    """
    bench = run.params.workbench
    return {
        "exact": bench.impact.exact,
        "propensity": bench.impact.propensity,
        "alpha": bench.impact.alpha,
        "min_group": bench.privacy.min_group,
        "seed": run.seed,
        **run.own,
    }


def _answer(cohort: Cohort, *, options: Mapping[str, Any], examine: bool) -> _Answer:
    """Estimate one comparison, or keep the reason why it cannot be made."""
    try:
        found = estimate_psm(cohort, **options, examine=examine)
    except (DesignError, ConvergenceError) as error:
        return _Answer(cohort=cohort, refused=error)
    if not examine:
        return _Answer(cohort=cohort, found=found)
    alpha, min_group = options["alpha"], options["min_group"]
    return _Answer(
        cohort=cohort,
        found=found,
        curve=run_specifications(cohort, **options, boosting=False),
        groups=estimate_subgroups(
            cohort, found.compared, alpha=alpha, min_group=min_group
        ),
    )


def _adjust_groups(answers: Sequence[_Answer]) -> list[_Answer]:
    """Adjust the differences between groups over the comparisons examined."""
    told = [answer.groups for answer in answers if answer.groups is not None]
    adjusted = iter(adjust_subgroups(told))
    return [
        answer if answer.groups is None else replace(answer, groups=next(adjusted))
        for answer in answers
    ]


def _publish(
    answer: _Answer, moved: Mapping[str, list[str]], alpha: float
) -> tuple[list[Estimate], dict[str, Any], list[Check]]:
    """Return the rows, the sentences and the checks of one comparison."""
    cohort, found = answer.cohort, answer.found
    if found is None:
        reason = answer.reason
        told = {"reason": reason, "overturn": describe_refusal(reason)}
        return (
            [
                refuse_comparison(
                    cohort,
                    reason,
                    hidden=isinstance(answer.refused, TooFewUnitsError),
                    stage=STAGE,
                    method=HEADLINE,
                    alpha=alpha,
                )
            ],
            label_answer(cohort, told),
            [label_check(_refusal(reason), cohort)],
        )
    made, grade = _regrade(cohort, found, moved)
    facts: dict[str, Any] = {**found.facts, "evidence": grade}
    if "overturn" in facts:
        controls = _name_controls(cohort, found, moved)
        facts["overturn"] = add_controls(facts["overturn"], controls)
    checks = [*found.checks, *_check_control(cohort, found)]
    estimates = list(made)
    if answer.curve is not None:
        checks += answer.curve.checks
        facts["specifications"] = answer.curve.facts["text"]
    if answer.groups is not None:
        checks += answer.groups.check()
        estimates += publish_subgroups(answer.groups, cohort, alpha=alpha)
        facts["subgroups"] = answer.groups.describe()
    return (
        estimates,
        label_answer(cohort, facts),
        [label_check(item, cohort) for item in checks],
    )


def _list_tables(answer: _Answer) -> dict[str, pd.DataFrame]:
    """Return the tables of one comparison; a refused one leaves its region only."""
    if answer.found is None:
        return {"support": tabulate_support(None, reason=answer.reason)}
    tables = list_tables(answer.found)
    if answer.curve is not None:
        tables |= {"specification": answer.curve.table}
    if answer.groups is not None:
        tables |= {"subgroups": answer.groups.tabulate()}
    return tables


def _find_moved_controls(answers: Sequence[_Answer]) -> dict[str, list[str]]:
    """List, per programme, the negative controls whose interval leaves out 0."""
    moved: dict[str, list[str]] = {}
    for answer in answers:
        found = answer.found
        if answer.cohort.outcome.negative_control and found is not None:
            item = found.headline
            if item.ci_low > 0 or item.ci_high < 0:
                moved.setdefault(found.program, []).append(found.outcome)
    return moved


def _name_controls(
    cohort: Cohort, found: PsmResult, moved: Mapping[str, list[str]]
) -> list[str]:
    """Name the moved negative controls that speak against an outcome."""
    control = cohort.outcome.negative_control
    return [] if control else moved.get(found.program, [])


def _regrade(
    cohort: Cohort, found: PsmResult, moved: Mapping[str, list[str]]
) -> tuple[tuple[Estimate, ...], str]:
    """Add what the programme's negative controls say to the evidence."""
    control = cohort.outcome.negative_control
    grade = grade_evidence(_add_threats(cohort, found, moved))
    made = tuple(
        replace(item, headline=not control, evidence=grade.value)
        if item.method == HEADLINE
        else item
        for item in found.estimates
    )
    return made, grade.text


def _add_threats(
    cohort: Cohort, found: PsmResult, moved: Mapping[str, list[str]]
) -> Findings:
    """Add the negative controls that moved to the findings."""
    extra = [
        f"negative control {name}" for name in _name_controls(cohort, found, moved)
    ]
    return replace(found.findings, threats=(*found.findings.threats, *extra))


def _tabulate_findings(
    answers: Sequence[_Answer], moved: Mapping[str, list[str]]
) -> pd.DataFrame:
    """Return what the grades were computed from, for the stages after this one."""
    return tabulate_findings(
        (
            answer.found.program,
            answer.found.outcome,
            _add_threats(answer.cohort, answer.found, moved),
        )
        for answer in answers
        if answer.found is not None
    )


def _check_control(cohort: Cohort, found: PsmResult) -> list[Check]:
    if not cohort.outcome.negative_control:
        return []
    item = found.headline
    still = item.ci_low <= 0 <= item.ci_high
    return [
        Check(
            check="negative_control",
            passed=still,
            value=item.estimate,
            text=f"Learning should not change {found.outcome}: estimated "
            f"{item.estimate:.3g} ({item.ci_low:.3g} to {item.ci_high:.3g}).",
            advice="" if still else "Something unmeasured sets learners apart.",
        )
    ]


def _refusal(reason: str) -> Check:
    return Check(check="comparison", passed=False, required=True, text=reason)
