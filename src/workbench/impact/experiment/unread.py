"""Whether those of whom nothing may be read are alike in number between the arms."""

from __future__ import annotations

import numpy as np

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.results import Check
from workbench.impact.experiment.shares import compare_levels
from workbench.impact.wording import write_p

__all__ = ["check_unread"]

_UNREAD = 0.01


def check_unread(experiment: Experiment) -> Check:
    """Check that people who may not be read are as many in all arms.

    Consent refused before the draw is; consent taken back after it need not be.

    Parameters
    ----------
    experiment : Experiment
        Its ``unread`` counts assignments of which no row is in the frame.

    Returns
    -------
    Check
        ``people_unread``, advisory; fails if chance would hardly leave out so many
        more people of one arm than of another (p < 0.01). It does not apply to groups
        drawn as a whole.
    """
    read = experiment.frame["arm"].value_counts()
    arms = [arm for arm in experiment.arms if arm in experiment.unread]
    unread = [experiment.unread[arm] for arm in arms]
    if experiment.design != "individual" or not sum(unread):
        why = (
            "Everybody who was assigned may be read."
            if not sum(experiment.unread.values())
            else "People were drawn in groups, which may differ in who may be read."
        )
        return Check(check="people_unread", passed=None, text=why)
    counts = np.array([unread, [int(read.get(arm, 0)) for arm in arms]])
    p_value = compare_levels(counts)
    shares = counts[0] / counts.sum(axis=0)
    listed = " and ".join(
        f"{share:.0%} of {arm}" for arm, share in zip(arms, shares, strict=True)
    )
    fine = p_value >= _UNREAD
    return Check(
        check="people_unread",
        passed=fine,
        value=p_value,
        limit=_UNREAD,
        text=f"May not be read (no consent, or unknown): {listed}, p "
        f"{write_p(p_value)}.",
        advice=""
        if fine
        else "Consent may have been taken back because of the arm: who is left is no "
        "longer what was drawn.",
    )
