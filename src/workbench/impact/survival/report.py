"""What a follow-up says in words, and its rows for the results tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from workbench.cohorts.follow_frames import FollowUp
from workbench.core.results import Estimate
from workbench.impact.effects import DAYS, Effect, describe_unit, make_estimate
from workbench.impact.survival.cox import Cox, publish_hazard_ratio
from workbench.impact.survival.matched_follow import (
    HEADLINE,
    Followed,
    find_reach,
    stays,
)
from workbench.impact.survival.medians import Medians

__all__ = ["REGRETTED", "STAGE", "describe_follow_up", "publish_follow_up"]

STAGE = "survival"

REGRETTED = "km_regretted"
"""Method of the effect on exits that the organisation regretted."""

_OPPOSITE = {"up": "down", "down": "up"}

_LIMITATIONS: Mapping[str, str] = {
    "naive": "The raw difference: learners differed from others before they learnt.",
    "km_unadjusted": "As the headline, without regression on what matching left.",
    "rmst": "Mean days without the event up to the horizon; who left for other reasons "
    "counts as no longer followed, as if they would have gone on like the others.",
    REGRETTED: "Share that did not leave in a way that was regretted; exits that "
    "nobody judged count as others.",
    "km_delayed_entry": "Days since the start in the role; people enter on their "
    "landmark.",
}


def describe_follow_up(
    follow: FollowUp, followed: Followed, headline: Effect
) -> dict[str, Any]:
    """Put into words who was followed, from when and for how long.

    Returns
    -------
    dict
        ``for_whom``, ``follow_up``, ``matching``, ``error``; JSON only.
    """
    learners = followed.sample.count_units(followed.sample.treated)
    rows = followed.weight > 0
    trials = sorted(followed.sample.frame.loc[rows, "trial"].unique())
    median = int(np.median(followed.duration[rows]))
    over = find_reach(followed) if followed.in_days else followed.horizon
    return {
        "for_whom": f"The effect is that of {headline.n_treated} of {learners} "
        "learners, those with a colleague as likely to learn in the same quarter who "
        "was still there at its end.",
        "follow_up": f"People who learnt in {trials[0]} to {trials[-1]} and their "
        f"matches, followed from the end of the quarter of learning: half of them for "
        f"{median} days or more, compared over {over:.0f} days.",
        "matching": followed.compared.matches.text,
        "error": headline.error,
        "causes": list(follow.causes),
    }


def publish_follow_up(
    follow: FollowUp,
    effects: Sequence[Effect],
    cox: Cox | None,
    medians: Medians | None,
    *,
    grade: int,
    alpha: float,
) -> tuple[Estimate, ...]:
    """Turn effects, medians and the hazard ratio into rows.

    Parameters
    ----------
    follow : FollowUp
        What was compared.
    effects : sequence of Effect
        In the order to publish.
    cox : Cox or None
        With the term ``learning``.
    medians : Medians or None
        For outcomes in days.
    grade : int
        Evidence of the headline.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    tuple of Estimate
        The negative controls among the outcomes have no headline. ``direction`` is that
        in which the row's own number is better: a hazard ratio below 1 where staying
        is the outcome.
    """
    cohort = follow.cohort
    own = describe_unit(cohort.outcome)
    made = []
    for effect in effects:
        headline = effect.method == HEADLINE
        row = make_estimate(
            effect,
            cohort,
            stage=STAGE,
            alpha=alpha,
            headline=headline and not cohort.outcome.negative_control,
            limitation=_limit(follow, effect)
            if headline
            else _LIMITATIONS[effect.method],
            evidence=grade if headline else None,
            unit=DAYS if effect.estimand == "RMST_DIFF" else own,
        )
        if effect.method == "rmst" and not stays(follow):
            row = _turn(row)
        made.append(row)
    counts = (effects[1].n_treated, effects[1].n_control)
    if medians is not None:
        made.append(_publish_medians(follow, medians, counts, alpha))
    if cox is not None:
        ratio = publish_hazard_ratio(
            cox,
            "learning",
            cohort,
            stage=STAGE,
            alpha=alpha,
            counts=counts,
            limitation="A ratio of hazards is an average over time where the hazards "
            "are not proportional; see the check.",
        )
        made.append(_turn(ratio) if stays(follow) or own == DAYS else ratio)
    return tuple(made)


def _turn(row: Estimate) -> Estimate:
    """Turn the direction in which a row is better than its outcome's own."""
    return replace(row, direction=_OPPOSITE.get(row.direction, row.direction))


def _limit(follow: FollowUp, effect: Effect) -> str:
    what = (
        "had nobody left before"
        if effect.estimand == "RMST_DIFF"
        else f"over {follow.horizon} days"
    )
    return (
        f"Average over {effect.n_treated} matched learners, {what}; assumes that "
        "nothing unmeasured drives both learning and the outcome, and that recent "
        "learners go on as earlier ones did."
    )


def _publish_medians(
    follow: FollowUp, medians: Medians, counts: tuple[int, int], alpha: float
) -> Estimate:
    from scipy.stats import norm

    cohort = follow.cohort
    width = medians.high - medians.low
    known = math.isfinite(medians.difference) and math.isfinite(width)
    nothing = math.nan
    return Estimate(
        quarter=cohort.quarter,
        persona=cohort.persona,
        stage=STAGE,
        program=cohort.program.id,
        outcome=cohort.outcome.id,
        estimand="MEDIAN_DIFF",
        method="km_median",
        estimate=medians.difference if known else nothing,
        std_error=width / (2 * float(norm.ppf(1 - alpha / 2))) if known else nothing,
        ci_low=medians.low if known else nothing,
        ci_high=medians.high if known else nothing,
        ci_level=1 - alpha,
        p_value=nothing,
        unit=DAYS,
        baseline=medians.others if known else nothing,
        n_treated=counts[0],
        n_control=counts[1],
        direction=cohort.outcome.direction,
        limitation="Days after the landmark, without regression; no p-value."
        if known
        else "Half of an arm had not got there within the follow-up, or only just, so "
        "that its days have no interval.",
    )
