"""What a matched comparison says in words, and its rows for the results tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.cohorts.frames import Cohort
from workbench.core.results import Estimate
from workbench.impact.attrition import Attrition, bound_effect
from workbench.impact.design_matrix import Design
from workbench.impact.effects import Effect, make_estimate
from workbench.impact.evidence import Findings, grade_evidence
from workbench.impact.matching import Matches
from workbench.impact.overlap import Overlap, describe_region
from workbench.impact.propensity import Propensity
from workbench.impact.sample import Sample

__all__ = [
    "HEADLINE",
    "describe_comparison",
    "extend_flow",
    "publish_effects",
    "tabulate_support",
]

HEADLINE = "psm_nn"

_LIMITATIONS: Mapping[str, str] = {
    "naive": "The raw difference: learners differed from others before they learnt.",
    "psm_nn_unadjusted": "As the headline, without regression on what matching left.",
    "aipw": "All learners, also those without a match, where it leans on its models.",
    "ols": "One effect for all, weighted towards where learners and others are mixed.",
    "ipw": "All learners; a few heavily weighted others can dominate it.",
    "psm_change": "Change since before learning, without regression; where people were "
    "matched on the earlier value it says the same.",
    "g_computation": "As the headline, with effects free to differ by covariate.",
}


def describe_comparison(
    sample: Sample,
    design: Design,
    scores: Propensity,
    matches: Matches,
    headline: Effect,
    attrition: Attrition,
    findings: Findings,
    *,
    min_group: int,
) -> dict[str, Any]:
    """Put the definitions and findings of a comparison into words.

    Parameters
    ----------
    sample, design, scores, matches
        The comparison.
    headline : Effect
        Its effect.
    attrition : Attrition
        Missing outcomes.
    findings : Findings
        What the evidence is graded by.
    min_group : int
        Below this number of people no mean is given.

    Returns
    -------
    dict
        See `PsmResult.facts`; JSON only.
    """
    learners = sample.count_units(sample.treated)
    if len(matches.dropped):
        lost = pd.Series(False, index=sample.frame.index)
        lost.iloc[matches.dropped] = True
        kept = (matches.weights > 0) & sample.treated
        region = describe_region(design, lost.to_numpy(), kept, min_group=min_group)
        whom = (
            f"The effect is that of {headline.n_treated} of {learners} learners, those "
            "with a colleague as likely to learn in the same quarter"
        )
        few = sample.count_units(matches.dropped) < min_group
        for_whom = (
            f"{whom}; the others are too few to describe."
            if few
            else f"{whom}; compared with them, the learners left out: {region}."
        )
    else:
        for_whom = (
            f"The effect is that of all {learners} learners; each has a colleague as "
            "likely to learn in the same quarter."
        )
    low, high = bound_effect(headline, attrition, sample, matches)
    return {
        "for_whom": for_whom,
        "matched_learners": headline.n_treated,
        "learners": learners,
        "matching": matches.text,
        "propensity": scores.text,
        "error": headline.error,
        "std_error": headline.std_error,
        "plain_error": headline.plain_error,
        "bounds": [low, high],
        "evidence": grade_evidence(findings).text,
    }


def publish_effects(
    effects: Sequence[Effect],
    cohort: Cohort,
    facts: Mapping[str, Any],
    findings: Findings,
    *,
    alpha: float,
) -> tuple[Estimate, ...]:
    """Turn the effects into rows, the headline with its grade.

    Parameters
    ----------
    effects : sequence of Effect
        In the order to publish.
    cohort : Cohort
        Names what was compared.
    facts : mapping
        From `describe_comparison`.
    findings : Findings
        What the evidence is graded by.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    tuple of Estimate
        In the same order.
    """
    own = (
        f"Average over {facts['matched_learners']} of {facts['learners']} learners; "
        "assumes that nothing unmeasured drives both learning and the outcome."
    )
    made = []
    for effect in effects:
        headline = effect.method == HEADLINE
        made.append(
            make_estimate(
                effect,
                cohort,
                alpha=alpha,
                headline=headline,
                limitation=own if headline else _LIMITATIONS[effect.method],
                evidence=grade_evidence(findings).value if headline else None,
            )
        )
    return tuple(made)


def extend_flow(cohort: Cohort, sample: Sample, matches: Matches) -> pd.DataFrame:
    """Append the steps taken here to those of the cohort."""
    used = matches.weights > 0
    matched = {
        "step": "matched",
        "n_treated": int((used & sample.treated).sum()),
        "n_control": int((used & ~sample.treated).sum()),
    }
    known = set(cohort.flow["step"]) | {"in the trials"}
    own = sample.flow[~sample.flow["step"].isin(known)]
    return pd.concat([cohort.flow, own, pd.DataFrame([matched])], ignore_index=True)


def tabulate_support(overlap: Overlap | None, *, reason: str = "") -> pd.DataFrame:
    """Say in one row whether there was somebody to compare learners with.

    Parameters
    ----------
    overlap : Overlap or None
        None where no comparison could be made.
    reason : str
        Why not; it names the region.

    Returns
    -------
    DataFrame
        ``answerable``, ``share_outside``, ``region``.
    """
    row = {
        "answerable": overlap is not None,
        "share_outside": math.nan if overlap is None else overlap.share_outside,
        "region": reason if overlap is None else overlap.region,
    }
    return pd.DataFrame([row])
