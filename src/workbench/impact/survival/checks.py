"""Checks on people followed over time: how many are left, and for how long."""

from __future__ import annotations

import math

import numpy as np

from workbench.core.results import Check
from workbench.impact.survival.influence import influence_incidence
from workbench.impact.survival.log_rank import LogRank
from workbench.impact.survival.matched_follow import Followed, find_reach
from workbench.impact.wording import write_p

__all__ = ["check_competing", "check_direction", "check_events", "check_follow_up"]

_COMPLETE = 0.5
_COMPETING = 0.2
_EVENTS = 10
_LEVEL = 0.05
_SWAPPED = np.array([0, 2, 1])


def check_follow_up(followed: Followed) -> Check:
    """Check that most people were followed to the horizon or to their event.

    Mean days that cannot be taken to the horizon are a short follow-up, too.
    """
    shares = []
    for treated in (True, False):
        rows = followed.arm(treated=treated)
        known = (followed.duration >= followed.horizon) | (followed.cause > 0)
        weight = followed.weight[rows]
        shares.append(float((known[rows] * weight).sum() / weight.sum()))
    lowest = min(shares)
    reach = find_reach(followed) if followed.in_days else float(followed.horizon)
    whole = reach >= followed.horizon
    advice = "Most of the answer comes from few people; read it again next quarter."
    more = ""
    if not whole:
        more = (
            f" Mean days are taken over {reach:.0f} days only: in one arm nobody was "
            "followed longer, and some were still waiting."
        )
        advice = "What happens later is not in the answer; read it again next quarter."
    return Check(
        check="follow_up",
        passed=lowest >= _COMPLETE and whole,
        value=lowest if whole else reach,
        limit=_COMPLETE if whole else float(followed.horizon),
        text=f"{shares[0]:.0%} of learners and {shares[1]:.0%} of their matches were "
        f"followed for {followed.horizon} days or until it was over; the others "
        f"entered too recently, and are taken to go on like those before them.{more}",
        advice="" if lowest >= _COMPLETE and whole else advice,
    )


def check_events(followed: Followed) -> Check:
    """Check that the event happened to enough people of either arm.

    Where shares are compared, also that it did not happen to enough. Smaller counts
    are not told.
    """
    counts: list[int] = []
    spared: list[int] = []
    for treated in (True, False):
        rows = followed.arm(treated=treated)
        happened = (followed.cause == 1) & (followed.duration <= followed.horizon)
        counts.append(followed.sample.count_units(rows & happened))
        spared.append(followed.sample.count_units(rows & ~happened))
    fewest = min(counts if followed.in_days else counts + spared)
    enough = fewest >= _EVENTS
    return Check(
        check="events",
        passed=enough,
        value=float(fewest) if enough else math.nan,
        limit=float(_EVENTS),
        text=f"Within {followed.horizon} days it happened to {counts[0]} learners and "
        f"{counts[1]} of their matches."
        if enough
        else f"Within {followed.horizon} days it happened to fewer than {_EVENTS} "
        "people of an arm, or to nearly all of them.",
        advice="" if enough else "Errors from so few events are themselves uncertain.",
    )


def check_competing(followed: Followed, causes: tuple[str, ...]) -> Check:
    """Say how often something else ended the follow-up."""
    if len(causes) < 2:
        return Check(
            check="competing_events",
            passed=None,
            text="Nothing competes with the event of interest.",
        )
    shares = []
    for treated in (True, False):
        rows = followed.arm(treated=treated)
        share, _ = influence_incidence(
            followed.duration[rows],
            _SWAPPED[np.minimum(followed.cause[rows], 2)],
            min(float(followed.horizon), float(followed.duration[rows].max())),
            weights=followed.weight[rows],
        )
        shares.append(share)
    how = (
        "counted as the end of the follow-up"
        if followed.in_days
        else "counted as what they are, not as censoring (Aalen-Johansen)"
    )
    largest = max(shares)
    return Check(
        check="competing_events",
        passed=largest <= _COMPETING or not followed.in_days,
        value=largest,
        limit=_COMPETING,
        text=f"{' and '.join(causes[1:]).capitalize()}: {shares[0]:.0%} of learners, "
        f"{shares[1]:.0%} of matches within {followed.horizon} days; {how}.",
        advice="The days are those of people who stay; many did not."
        if followed.in_days and largest > _COMPETING
        else "",
    )


def check_direction(tested: LogRank | None, p_value: float) -> Check:
    """Check that the difference at the horizon and the whole curves say the same."""
    whole = math.nan if tested is None else tested.p_value
    if not (math.isfinite(whole) and math.isfinite(p_value)):
        return Check(
            check="curves_agree",
            passed=None,
            text="There are too few events for a test over the whole time.",
        )
    agree = (p_value < _LEVEL) == (whole < _LEVEL)
    return Check(
        check="curves_agree",
        passed=agree,
        value=whole,
        limit=_LEVEL,
        text=f"Log-rank test over the whole time: p {write_p(whole)}; difference at "
        f"the horizon, adjusted: p {write_p(p_value)}.",
        advice=""
        if agree
        else "The curves differ in course, not in the end, or the other way round: "
        "look at the figure.",
    )
