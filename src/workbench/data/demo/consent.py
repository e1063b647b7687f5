"""Who agreed that learning data may be analysed, and who changed their mind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.data.demo.arrays import Array, Draws
from workbench.data.demo.people import People
from workbench.data.demo.state import State
from workbench.data.demo.timeline import Timeline

__all__ = ["Consent", "draw_consent"]

_UNDECIDED, _REFUSED, _REVOKED = 0.05, 0.03, 0.015
_CAMPAIGN_DAYS = 60
_FIRST_DAYS = 10
_KEPT_DAYS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Decisions of everybody.

    ``decided`` is missing for people who never answered; ``granted`` is the first
    answer; ``revoked`` the day on which a consent was taken back, if it was.
    """

    decided: Array
    granted: Array
    revoked: Array

    def held_on(self, day: np.datetime64) -> Array:
        """Tell who has consented by the end of a day."""
        kept = np.isnat(self.revoked) | (self.revoked > day)
        return np.asarray(self.granted & (self.decided <= day) & kept)


def draw_consent(
    people: People, timeline: Timeline, state: State, draws: Draws
) -> Consent:
    """Draw decisions: in a campaign of the warm-up quarter, or on joining."""
    rng = draws.stream("consent")
    size = people.count
    luck = rng.random(size)
    asked = np.where(people.joins < 0, timeline.first[0], people.hire_date)
    room = np.where(people.joins < 0, _CAMPAIGN_DAYS, _FIRST_DAYS)
    wait = np.floor(rng.random(size) * room).astype(int)
    day = asked + wait.astype("timedelta64[D]")
    never = np.datetime64("NaT", "D")
    decided = np.where(luck < _UNDECIDED, never, day)
    granted = luck >= _UNDECIDED + _REFUSED
    takes_back = granted & (rng.random(size) < _REVOKED)
    left = state.exit_date
    until = np.where(np.isnat(left), timeline.end, left)
    span = (until - day).astype(int) - _KEPT_DAYS
    later = day + (_KEPT_DAYS + np.floor(rng.random(size) * span)).astype(
        "timedelta64[D]"
    )
    return Consent(
        decided=decided,
        granted=granted,
        revoked=np.where(takes_back & (span > 0), later, never),
    )
