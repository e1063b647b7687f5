"""Propensity score matching of one comparison, from cohort to graded estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.results import Check, Estimate
from workbench.impact.aipw import estimate_aipw
from workbench.impact.attrition import Attrition, measure_attrition
from workbench.impact.balance import OVERALL
from workbench.impact.design_matrix import select_terms
from workbench.impact.effects import Effect
from workbench.impact.estimators import estimate_ipw, estimate_naive, estimate_ols
from workbench.impact.evidence import Findings
from workbench.impact.matched import estimate_matched
from workbench.impact.overlap import tabulate_scores
from workbench.impact.propensity import Method
from workbench.impact.psm_checks import (
    check_agreement,
    check_clusters,
    check_power,
)
from workbench.impact.psm_design import Comparison, compare_groups
from workbench.impact.psm_report import (
    HEADLINE,
    describe_comparison,
    extend_flow,
    publish_effects,
)

__all__ = ["PsmResult", "estimate_psm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PsmResult:
    """All that matching says about one programme and outcome.

    Attributes
    ----------
    program, outcome : str
        What was compared.
    estimates : tuple of Estimate
        ``naive``, ``psm_nn`` (headline), ``psm_nn_unadjusted``, ``aipw``, ``ols``,
        ``ipw``, in this order.
    checks : tuple of Check
        Of covariates, propensity, overlap, balance, errors, power and attrition.
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
    findings : Findings
        What the evidence grade was computed from.
    facts : mapping
        Definitions and sentences: ``for_whom``, ``matching``, ``propensity``,
        ``error``, ``plain_error``, ``bounds``, ``evidence``.
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
    findings: Findings
    facts: Mapping[str, Any]

    @property
    def headline(self) -> Estimate:
        """The estimate the design stands behind."""
        return next(item for item in self.estimates if item.method == HEADLINE)


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
    seed : int
        Deals people into the folds of cross-fitting.

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

    with threadpool_limits(limits=1):
        compared = compare_groups(
            cohort,
            matching={"caliper": caliper, "ratio": ratio, "replace": replace},
            exact=exact,
            propensity=propensity,
            min_group=min_group,
            seed=seed,
        )
        effects, terms = _estimate_all(compared, propensity, seed)
    return _report(cohort, compared, effects, terms, alpha=alpha, min_group=min_group)


def _report(
    cohort: Cohort,
    compared: Comparison,
    effects: tuple[Effect, ...],
    terms: Check,
    *,
    alpha: float,
    min_group: int,
) -> PsmResult:
    """Judge the effects and put everything into the result."""
    sample, matches = compared.sample, compared.matches
    headline, doubly_robust = effects[1], effects[3]
    attrition = measure_attrition(cohort, alpha=alpha)
    power = check_power(headline, cohort, alpha=alpha)
    findings = _find(compared, attrition, power)
    facts = describe_comparison(
        sample,
        compared.design,
        compared.scores,
        matches,
        headline,
        attrition,
        findings,
        min_group=min_group,
    )
    checks = (
        *compared.checks,
        terms,
        check_clusters(headline),
        check_agreement(headline, doubly_robust),
        power,
        *attrition.checks,
        *(Check(check="note", passed=None, text=text) for text in cohort.notes),
    )
    return PsmResult(
        program=cohort.program.id,
        outcome=cohort.outcome.id,
        estimates=publish_effects(effects, cohort, facts, findings, alpha=alpha),
        checks=checks,
        balance=compared.balance,
        pairs=matches.pairs.drop(columns="row"),
        scores=tabulate_scores(sample, compared.scores, matches.weights),
        flow=extend_flow(cohort, sample, matches),
        attrition=attrition.table,
        findings=findings,
        facts=facts,
    )


def _find(compared: Comparison, attrition: Attrition, power: Check) -> Findings:
    weak = ("too little power",) if power.passed is False else ()
    return Findings(
        design="matched",
        failed_checks=compared.failed,
        largest_smd=compared.largest_smd,
        threats=(*attrition.threats, *weak),
    )


def _estimate_all(
    compared: Comparison, method: Method, seed: int
) -> tuple[tuple[Effect, ...], Check]:
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
    )
    return effects, check
