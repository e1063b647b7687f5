"""Further contrasts of an experiment: each arm, and learners whatever was drawn."""

from __future__ import annotations

import numpy as np

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.results import Check
from workbench.impact.effects import Effect
from workbench.impact.experiment.drawn import CONTROL, Drawn, read_drawn
from workbench.impact.experiment.randomised import estimate_itt
from workbench.impact.experiment.stepping import adjust_holm
from workbench.impact.inference import compare_means

__all__ = ["check_spill_over", "compare_arms", "compare_learners"]


def compare_learners(drawn: Drawn, min_group: int) -> tuple[Effect, ...]:
    """Compare learners with others, whatever was drawn: what a survey would do.

    Parameters
    ----------
    drawn : Drawn
        People with a known outcome.
    min_group : int
        Fewest learners and others.

    Returns
    -------
    tuple of Effect
        One, method ``naive``; none where too few are on a side, or it is not known who
        learnt.
    """
    recorded = drawn.frame["learnt"]
    if recorded.isna().any():
        return ()
    learnt = recorded.to_numpy(dtype=bool)
    ours, theirs = int(learnt.sum()), int((~learnt).sum())
    if min(ours, theirs) < max(min_group, 2):
        return ()
    found = compare_means(drawn.outcome, learnt)
    others = drawn.outcome[~learnt]
    spread = float(np.var(others, ddof=1)) / theirs
    return (
        Effect(
            method="naive",
            estimand="ASSOCIATION",
            value=found.difference,
            std_error=found.std_error,
            df=found.df,
            baseline=float(others.mean()),
            baseline_variance=spread,
            covariance=-spread,
            n_treated=ours,
            n_control=theirs,
            n_clusters=ours + theirs,
            error="Welch's error of two independent means",
            plain_error=found.pooled_error,
        ),
    )


def compare_arms(
    experiment: Experiment, min_group: int
) -> dict[str, tuple[Effect, float]]:
    """Compare every arm with control where there are several.

    Parameters
    ----------
    experiment : Experiment
        Individual or cluster design.
    min_group : int
        Arms with fewer people are left out.

    Returns
    -------
    dict of str to (Effect, float)
        Effect and Holm's p-value by arm; empty with one arm besides control.
    """
    arms = [arm for arm in experiment.arms if arm != CONTROL]
    if len(arms) < 2:
        return {}
    found = {}
    for arm in arms:
        drawn = read_drawn(experiment, arm=arm)
        few = min(drawn.counts) < max(min_group, 2)
        if few or (drawn.whole and min(drawn.units) < 2):
            continue
        found[arm] = estimate_itt(drawn)
    p_values = np.array([effect.p_value() for effect in found.values()])
    adjusted = adjust_holm(p_values) if len(p_values) else p_values
    return {
        arm: (effect, float(p_value))
        for (arm, effect), p_value in zip(found.items(), adjusted, strict=True)
    }


def check_spill_over(drawn: Drawn) -> Check:
    """Say how many of those not offered work beside somebody who was.

    What is learnt may be passed on within a team, which makes the sides more alike. The
    draw cannot show it, so the check does not apply; its value is the share.

    Parameters
    ----------
    drawn : Drawn
        People with a known outcome; ``team`` may be missing.
    """
    team = drawn.frame["team"]
    beside = set(team[drawn.assigned].dropna())
    share = float(team[~drawn.assigned].isin(beside).mean())
    return Check(
        check="spill_over",
        passed=None,
        value=share,
        text=f"{share:.0%} of those not offered the programme work in a team with "
        "somebody who was. If what is learnt is passed on, the effect is larger than "
        "shown; people drawn one by one cannot tell.",
        advice="Draw whole teams next time if learning is shared." if share else "",
    )
