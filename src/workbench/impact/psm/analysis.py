"""Propensity score matching of one comparison, from cohort to graded estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.results import Check, Estimate
from workbench.impact.aipw import estimate_aipw
from workbench.impact.attrition import measure_attrition
from workbench.impact.balance import OVERALL
from workbench.impact.before_after import (
    COLUMNS,
    estimate_change,
    find_prior,
    tabulate_changes,
)
from workbench.impact.comparison import Comparison, compare_groups
from workbench.impact.comparison_checks import (
    check_agreement,
    check_clusters,
    check_power,
)
from workbench.impact.design_matrix import select_terms
from workbench.impact.effects import Effect, describe_unit
from workbench.impact.estimators import estimate_ipw, estimate_naive, estimate_ols
from workbench.impact.evidence import Findings
from workbench.impact.g_computation import estimate_g_computation
from workbench.impact.matched import estimate_matched
from workbench.impact.overlap import tabulate_scores
from workbench.impact.propensity import Method
from workbench.impact.psm.examine import (
    Examination,
    examine_effect,
    is_binary,
    skip_examination,
)
from workbench.impact.psm.report import (
    HEADLINE,
    describe_comparison,
    extend_flow,
    publish_effects,
    tabulate_support,
)
from workbench.impact.spill_over import check_spill_over

__all__ = ["PsmResult", "estimate_psm"]

_WEAK = {"power": "too little power", "spill_over": "possible spill-over"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PsmResult:
    """All that matching says about one programme and outcome.

    Attributes
    ----------
    program, outcome : str
        What was compared.
    estimates : tuple of Estimate
        ``naive``, ``psm_nn`` (headline), ``psm_nn_unadjusted``, ``aipw``, ``ols``,
        ``ipw``, ``g_computation``, in this order, and ``psm_change`` where the outcome
        was also measured before.
    checks : tuple of Check
        Of covariates, propensity, overlap, balance, errors, power, attrition, hidden
        causes and refutations.
    balance : DataFrame
        See `tabulate_balance`.
    pairs : DataFrame
        ``set``, ``unit``, ``trial``, ``treated``, ``distance`` (log-odds), ``weight``.
    scores : DataFrame
        See `tabulate_scores`: counts per bin, no people.
    flow : DataFrame
        ``step``, ``n_treated``, ``n_control``: rows left after each step.
    attrition : DataFrame
        Missing outcomes by arm and reason.
    changes : DataFrame
        See `tabulate_changes`; empty where nothing was measured before.
    support : DataFrame
        One row: ``answerable``, ``share_outside`` (of learners out of the others'
        range), ``region`` (who they are).
    errors, sensitivity, refutation : DataFrame
        See `Examination`.
    findings : Findings
        What the evidence grade was computed from.
    compared : Comparison
        Who was compared with whom; for further analyses of the same comparison.
    facts : mapping
        Definitions and sentences: ``for_whom``, ``matching``, ``propensity``,
        ``error``, ``plain_error``, ``bounds``, ``evidence``; where examined also
        ``sensitivity``, ``overturn``, ``refutation`` and the numbers in them.
    """

    program: str
    outcome: str
    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...]
    balance: pd.DataFrame
    pairs: pd.DataFrame
    scores: pd.DataFrame
    flow: pd.DataFrame
    attrition: pd.DataFrame
    changes: pd.DataFrame
    support: pd.DataFrame
    errors: pd.DataFrame
    sensitivity: pd.DataFrame
    refutation: pd.DataFrame
    findings: Findings
    compared: Comparison
    facts: Mapping[str, Any]

    @property
    def headline(self) -> Estimate:
        """The estimate the design stands behind."""
        return next(item for item in self.estimates if item.method == HEADLINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimated:
    """Effects in the published order, and the terms of the two regressions."""

    effects: tuple[Effect, ...]
    terms: tuple[str, ...]
    wide: tuple[str, ...]
    check: Check
    spill_over: Check
    changes: pd.DataFrame


def estimate_psm(
    cohort: Cohort,
    *,
    caliper: float = 0.2,
    ratio: int = 1,
    replace: bool = False,
    exact: Sequence[str] = (),
    propensity: Method = "logistic",
    alpha: float = 0.05,
    min_group: int = 10,
    examine: bool = False,
    seed: int,
) -> PsmResult:
    """Estimate what learning changed for learners, against others like them.

    Use it when people were not drawn at random. The estimand is the average effect on
    the learners who found a match; it is causal if the covariates hold everything that
    drives both learning and the outcome.

    Parameters
    ----------
    cohort : Cohort
        Stacked target trials; left unchanged, the order of its rows does not matter.
    caliper : float
        Largest difference of the log-odds of learning, in pooled standard deviations.
    ratio : int
        Others per learner.
    replace : bool
        Whether one row may serve several learners.
    exact : sequence of str
        Columns equal within a matched set, besides the trial.
    propensity : {"logistic", "boosting"}
        Model of the score.
    alpha : float
        One less the level of the intervals.
    min_group : int
        Fewest people in an arm.
    examine : bool
        Whether to put other errors beside the headline's, move it by hidden causes and
        try to refute it, which takes longer than the rest.
    seed : int
        Deals people into the folds of cross-fitting, and draws the refutations.

    Returns
    -------
    PsmResult
        Effects are positive if learners have more of the outcome.

    Raises
    ------
    TooFewUnitsError
        If an arm holds fewer than `min_group` people.
    NoVariationError
        If nobody or everybody learnt, or the outcome is constant.
    NoOverlapError
        If learners and others cannot be compared; the message says who.
    DesignError
        If no outcome was observed or no covariate varies.
    ConvergenceError
        If the propensity model fails.

    Notes
    -----
    Linear algebra runs on one thread, so that the last digits do not depend on the
    machine's load or number of cores. The headline is the coefficient of learning in a
    regression on the covariates in the matched sample; see `estimate_matched` for its
    error.
    """
    from threadpoolctl import threadpool_limits

    matching = {"caliper": caliper, "ratio": ratio, "replace": replace}
    with threadpool_limits(limits=1):
        compared = compare_groups(
            cohort,
            matching=matching,
            exact=exact,
            propensity=propensity,
            min_group=min_group,
            seed=seed,
        )
        made = _estimate_all(cohort, compared, propensity, seed, alpha, min_group)
        examined = skip_examination()
        if examine:
            examined = examine_effect(
                compared,
                made.effects[1],
                terms=made.terms,
                wide=made.wide,
                matching=matching,
                exact=exact,
                unit=describe_unit(cohort.outcome),
                unmeasured=cohort.unmeasured,
                alpha=alpha,
                seed=seed,
            )
    return _report(cohort, compared, made, examined, alpha=alpha, min_group=min_group)


def _report(
    cohort: Cohort,
    compared: Comparison,
    made: _Estimated,
    examined: Examination,
    *,
    alpha: float,
    min_group: int,
) -> PsmResult:
    """Judge the effects and put everything into the result."""
    sample, matches = compared.sample, compared.matches
    headline, doubly_robust = made.effects[1], made.effects[3]
    attrition = measure_attrition(cohort, alpha=alpha)
    power = check_power(headline, cohort, alpha=alpha)
    findings = _find(
        compared,
        (*cohort.threats, *attrition.threats),
        (power, made.spill_over),
        examined.robust,
    )
    facts = describe_comparison(
        sample,
        compared.design,
        compared.scores,
        matches,
        headline,
        attrition,
        findings,
        min_group=min_group,
    ) | dict(examined.facts)
    checks = (
        *compared.checks,
        made.check,
        check_clusters(headline),
        check_agreement(headline, doubly_robust),
        power,
        made.spill_over,
        *attrition.checks,
        *examined.checks,
        *(Check(check="note", passed=None, text=text) for text in cohort.notes),
    )
    return PsmResult(
        program=cohort.program.id,
        outcome=cohort.outcome.id,
        estimates=publish_effects(made.effects, cohort, facts, findings, alpha=alpha),
        checks=checks,
        balance=compared.balance,
        pairs=matches.pairs.drop(columns="row"),
        scores=tabulate_scores(sample, compared.scores, matches.weights),
        flow=extend_flow(cohort, sample, matches),
        attrition=attrition.table,
        changes=made.changes,
        support=tabulate_support(compared.overlap),
        errors=examined.errors,
        sensitivity=examined.sensitivity,
        refutation=examined.refutation,
        findings=findings,
        compared=compared,
        facts=facts,
    )


def _find(
    compared: Comparison,
    threats: Sequence[str],
    checks: Sequence[Check],
    robust: bool | None,
) -> Findings:
    weak = [_WEAK[item.check] for item in checks if item.passed is False]
    return Findings(
        design="matched",
        failed_checks=compared.failed,
        largest_smd=compared.largest_smd,
        robust=robust,
        threats=(*threats, *weak),
    )


def _estimate_all(
    cohort: Cohort,
    compared: Comparison,
    method: Method,
    seed: int,
    alpha: float,
    min_group: int,
) -> _Estimated:
    """Estimate by every method, in the published order."""
    sample, design, scores = compared.sample, compared.design, compared.scores
    everybody = compared.balance[compared.balance["site"] == OVERALL].set_index("term")
    after = everybody.loc[everybody["stage"] == "after", "smd"]
    before = everybody.loc[everybody["stage"] == "before", "smd"]
    terms, check = select_terms(design, after, n_rows=len(compared.matches.pairs))
    wide, _ = select_terms(design, before, n_rows=len(sample.treated))
    effects = (
        estimate_naive(sample),
        estimate_matched(
            sample,
            compared.matches,
            covariates=design.matrix(terms),
            score=scores.logit,
        ),
        estimate_matched(sample, compared.matches, score=scores.logit),
        estimate_aipw(
            sample,
            design.matrix(),
            propensity=scores if method == "boosting" else None,
            seed=seed,
        ),
        estimate_ols(sample, design.matrix(wide)),
        estimate_ipw(sample, scores),
        estimate_g_computation(
            sample,
            compared.matches,
            covariates=design.matrix(terms),
            binary=is_binary(sample),
        ),
    )
    change, table = _compare_changes(cohort, compared, alpha, min_group)
    return _Estimated(
        effects=effects if change is None else (*effects, change),
        terms=tuple(terms),
        wide=tuple(wide),
        check=check,
        spill_over=check_spill_over(sample, design.matrix(wide)),
        changes=table,
    )


def _compare_changes(
    cohort: Cohort, compared: Comparison, alpha: float, min_group: int
) -> tuple[Effect | None, pd.DataFrame]:
    """Compare changes since before, where the outcome was measured before."""
    sample, matches = compared.sample, compared.matches
    prior = find_prior(cohort.outcome, sample.frame)
    if prior is None:
        return None, pd.DataFrame(columns=COLUMNS)
    return (
        estimate_change(sample, matches, prior=prior, min_group=min_group),
        tabulate_changes(
            sample, matches, prior=prior, alpha=alpha, min_group=min_group
        ),
    )
