"""Outcomes that take time: each row's part in its arm's share or mean days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from workbench.cohorts.follow_frames import FollowUp
from workbench.cohorts.frames import Cohort
from workbench.core.errors import DesignError
from workbench.impact.effects import DAYS, describe_unit
from workbench.impact.survival.influence import (
    influence_incidence,
    influence_restricted_mean,
)
from workbench.impact.survival.matched_follow import stays

__all__ = ["choose_cohorts", "make_followed_cohort"]

FloatArray = npt.NDArray[np.float64]


def choose_cohorts(
    cohorts: Sequence[Cohort], follow_ups: Sequence[FollowUp]
) -> tuple[tuple[Cohort, ...], dict[str, str]]:
    """Choose how each outcome is read: followed over time where that can be done.

    Following people up to the cut holds recent exposure quarters too, whose window has
    not closed yet.

    Parameters
    ----------
    cohorts : sequence of Cohort
        Outcomes read at one date.
    follow_ups : sequence of FollowUp
        Outcomes followed over time.

    Returns
    -------
    tuple
        One cohort per outcome, and the reasons by outcome why one has none.
    """
    chosen = {item.outcome.id: item for item in cohorts}
    reasons: dict[str, str] = {}
    for follow in follow_ups:
        outcome = follow.cohort.outcome.id
        try:
            chosen[outcome] = make_followed_cohort(follow)
        except DesignError as refusal:
            if outcome not in chosen:
                reasons[outcome] = str(refusal).splitlines()[0]
    return tuple(chosen.values()), reasons


def make_followed_cohort(follow: FollowUp) -> Cohort:
    r"""Give every row its pseudo-observation as an ordinary outcome.

    Parameters
    ----------
    follow : FollowUp
        People followed from the landmark.

    Returns
    -------
    Cohort
        Its outcome's mean over either arm is the arm's share at the horizon, or the
        mean days up to it; single values may lie outside 0 to 1.

    Raises
    ------
    DesignError
        If nobody of an arm was followed to the horizon.

    Notes
    -----
    :math:`\hat\theta + n \psi_i` with the influence of the row on its arm's
    estimate, made within learners and within the others. For outcomes in days the mean
    days that had passed for learners at the landmark are added in both arms.

    References
    ----------
    .. [1] Andersen, P. K. and Pohar Perme, M. (2010). Pseudo-observations in survival
       analysis. Statistical Methods in Medical Research 19, 71-99.
       doi:10.1177/0962280209105020
    """
    frame = follow.cohort.frame
    treated = frame["treated"].to_numpy(dtype=bool)
    outcome = np.zeros(len(frame))
    for arm in (treated, ~treated):
        if not arm.any():
            raise DesignError.build(
                "Nobody learnt, or everybody did, so arms cannot be followed",
                where=f"{follow.cohort.persona}, {follow.cohort.outcome.id}",
            )
        value, influence = _estimate_arm(follow, arm)
        outcome[arm] = value + influence * int(arm.sum())
    if describe_unit(follow.cohort.outcome) == DAYS:
        outcome += float(frame.loc[treated, "elapsed"].mean())
    return replace(follow.cohort, frame=frame.assign(outcome=outcome))


def _estimate_arm(
    follow: FollowUp, arm: npt.NDArray[np.bool_]
) -> tuple[float, FloatArray]:
    frame = follow.cohort.frame[arm]
    duration, cause = frame["duration"].to_numpy(), frame["cause"].to_numpy()
    if describe_unit(follow.cohort.outcome) == DAYS:
        return influence_restricted_mean(duration, cause == 1, follow.horizon)
    share, influence = influence_incidence(duration, cause, follow.horizon)
    return (1 - share, -influence) if stays(follow) else (share, influence)
