"""Designing a matched comparison: nothing here looks at the values of the outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.errors import DesignError, NoOverlapError
from workbench.core.results import Check
from workbench.impact.balance import check_balance, tabulate_balance
from workbench.impact.comparison_checks import check_matched_share
from workbench.impact.design_matrix import Design, build_design
from workbench.impact.matching import Matches, match_nearest
from workbench.impact.overlap import (
    Overlap,
    check_overlap,
    describe_region,
    require_overlap,
)
from workbench.impact.propensity import (
    Method,
    Propensity,
    check_separation,
    fit_propensity,
)
from workbench.impact.sample import Sample, prepare_sample

__all__ = ["Comparison", "Weighted", "compare_groups"]

_SUPPORT = ("positivity", "thin_support")


class Weighted(Protocol):
    """Rows with the weights by which they are compared, matched or drawn by lot."""

    @property
    def sample(self) -> Sample:
        """The rows."""

    @property
    def matches(self) -> Matches:
        """Who is compared with whom, and how much each counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Who is compared with whom, before any outcome is looked at.

    ``failed`` names the checks that a comparison must pass to count as evidence:
    balance, matched share, and support for the learners among the others.
    """

    sample: Sample
    design: Design
    scores: Propensity
    overlap: Overlap
    matches: Matches
    balance: pd.DataFrame
    checks: tuple[Check, ...]
    failed: tuple[str, ...]
    largest_smd: float


def compare_groups(
    cohort: Cohort,
    *,
    matching: Mapping[str, Any],
    exact: Sequence[str],
    propensity: Method,
    min_group: int,
    seed: int,
) -> Comparison:
    """Choose who is compared with whom, and judge the choice.

    Parameters
    ----------
    cohort : Cohort
        Stacked target trials; the outcome only decides which rows count.
    matching : mapping
        ``caliper``, ``ratio`` and ``replace`` of `match_nearest`.
    exact : sequence of str
        Columns equal within a matched set, besides the trial.
    propensity : {"logistic", "boosting"}
        Model of the score.
    min_group : int
        Fewest people in an arm.
    seed : int
        Draws the folds of boosting.

    Returns
    -------
    Comparison
        With the checks passed and failed.

    Raises
    ------
    DesignError
        Or one of its kinds, where no comparison can be made; see `estimate_psm`.
    """
    where = f"{cohort.persona}, {cohort.program.id}, {cohort.outcome.id}"
    sample = prepare_sample(cohort, min_group=min_group)
    frame, treated = sample.frame, sample.treated
    design = build_design(frame, covariates=cohort.covariates, min_level=min_group)
    _require_covariates(design, where)
    scores = fit_propensity(
        design.matrix(),
        treated,
        method=propensity,
        units=sample.clusters["unit"],
        seed=seed,
    )
    separation = check_separation(design, treated, scores)
    _require_mixed(separation, where)
    overlap = check_overlap(sample, design, scores, min_group=min_group)
    require_overlap(overlap, where=where)
    matches = match_nearest(
        frame.assign(score=scores.logit),
        exact=tuple(dict.fromkeys(("trial", *exact))),
        **matching,
    )
    _require_matches(sample, design, matches, where, min_group)
    share = check_matched_share(sample, matches)
    balance = tabulate_balance(
        design,
        treated,
        weights=matches.weights,
        site=frame.get("site"),
        min_group=min_group,
    )
    balanced = check_balance(balance)
    supported = [item for item in overlap.checks if item.check in _SUPPORT]
    return Comparison(
        sample=sample,
        design=design,
        scores=scores,
        overlap=overlap,
        matches=matches,
        balance=balance,
        checks=(*design.checks, *separation, *overlap.checks, share, *balanced),
        failed=tuple(
            item.check
            for item in (balanced[0], share, *supported)
            if item.passed is False
        ),
        largest_smd=balanced[0].value,
    )


def _require_covariates(design: Design, where: str) -> None:
    if design.terms.columns.empty:
        raise DesignError.build(
            "No covariate varies, so there is nothing to match on",
            where=where,
            hint="name covariates in impact.covariates of workbench.yml",
        )


def _require_mixed(checks: Sequence[Check], where: str) -> None:
    failed = [item for item in checks if item.required and not item.passed]
    if failed:
        raise NoOverlapError.build(
            "The propensity model separates learners from others",
            where=where,
            got=failed[0].text,
            hint=failed[0].advice,
        )


def _require_matches(
    sample: Sample, design: Design, matches: Matches, where: str, min_group: int
) -> None:
    rows = matches.pairs.loc[matches.pairs["treated"], "row"].to_numpy()
    if sample.count_units(rows) < min_group:
        region = describe_region(
            design, sample.treated, ~sample.treated, min_group=min_group
        )
        raise NoOverlapError.build(
            "Too few learners found a match",
            where=where,
            rule=f"at least {min_group} matched learners",
            got=f"nearly all learners differ from the others of their trial: {region}",
            hint="widen the caliper, or match with replacement",
        )
