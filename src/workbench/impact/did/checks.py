"""What else can move a before-and-after estimate: losses, and an odd last quarter."""

from __future__ import annotations

import math

from workbench.cohorts.frames import Panel
from workbench.core.results import Check
from workbench.impact.did.two_by_two import TwoByTwo
from workbench.impact.wording import write_alike

__all__ = ["check_lost", "list_reasons", "measure_prior_gap"]

_MOST_APART = 0.05
_LEVEL = 1.959963984540054
_BEFORE = "outcome seen in the quarter before"
_AFTER = "outcome seen in the quarter of the outcome"


def check_lost(panel: Panel) -> Check:
    """Check that learners and others are lost alike between before and after.

    People who leave, or whose outcome is not recorded, are in no difference. If one
    group loses more of them, the difference can come from who stayed.
    """
    flow = panel.flow.set_index("step") if "step" in panel.flow.columns else panel.flow
    if _BEFORE not in flow.index or not flow.loc[_BEFORE].min():
        return Check(
            check="lost",
            passed=None,
            text="There is no count of who was seen before and after.",
        )
    shares = {
        arm: 1 - float(flow.loc[_AFTER, arm]) / float(flow.loc[_BEFORE, arm])
        for arm in ("n_treated", "n_control")
    }
    ours, theirs = shares["n_treated"], shares["n_control"]
    error = math.hypot(
        *(
            math.sqrt(share * (1 - share) / float(flow.loc[_BEFORE, arm]))
            for arm, share in shares.items()
        )
    )
    fine = abs(ours - theirs) <= max(_MOST_APART, _LEVEL * error)
    return Check(
        check="lost",
        passed=fine,
        value=ours - theirs,
        limit=max(_MOST_APART, _LEVEL * error),
        text=f"{ours:.1%} of learners and {theirs:.1%} of others seen before learning "
        "have no outcome afterwards (left, or not recorded).",
        advice="" if fine else "Read the bounds in the matched comparison.",
    )


def list_reasons(
    last_move: float, *, pretrend_failed: bool, jumped: bool
) -> tuple[str, ...]:
    """Say what failed checks of the trends would do to the estimate.

    Parameters
    ----------
    last_move : float
        Change of learners less others in the last quarter before learning.
    pretrend_failed, jumped : bool
        Whether the joint test, and that of the last quarter, rejected.

    Returns
    -------
    tuple of str
        Of one cause: an odd last quarter explains a failed joint test.
    """
    if jumped and math.isfinite(last_move):
        back, on = ("low", "high") if last_move > 0 else ("high", "low")
        return (
            f"Learners moved by {write_alike(last_move, signed=True)[0]} against"
            " others in the last quarter before they learnt. If that quarter was"
            " unusual and they fall back,"
            f" before-and-after is too {back}; if the move goes on, it is too {on}.",
        )
    if pretrend_failed:
        return (
            "Learners and others were already moving apart before learning, so that"
            " before-and-after mixes that with the effect.",
        )
    return ()


def measure_prior_gap(two_by_two: TwoByTwo | None) -> float:
    """Return the outcome of learners less that of others before learning, or NaN."""
    if two_by_two is None:
        return math.nan
    frame = two_by_two.changes.frame
    means = frame.groupby(["exposure", "treated"])["before"].mean().unstack()
    learners = frame[two_by_two.changes.treated].groupby("exposure").size()
    gaps = (means[True] - means[False]) * learners
    return float(gaps.sum() / learners.sum())
