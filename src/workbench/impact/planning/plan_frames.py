"""What is wanted of an experiment, and how it is planned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import pandas as pd

from workbench.cohorts.experiment_frames import ExperimentDesign
from workbench.cohorts.planning import PlanFacts
from workbench.core.errors import DesignError, ParamError
from workbench.core.quarters import Quarter

__all__ = [
    "CURVE_COLUMNS",
    "FEWEST",
    "LARGE_EFFECT",
    "LOOKS",
    "MOST_QUARTERS",
    "ExperimentPlan",
    "PlanRequest",
    "check_effect",
    "find_largest_effect",
]

_BOUNDED = {"probability", "share of people"}
_ROUNDING = 1e-9

CURVE_COLUMNS = (
    "people",
    "clusters",
    "quarters",
    "power",
    "power_adjusted",
    "detectable",
)
"""Columns of the power curve."""

FEWEST = {"individual": 20, "cluster": 4, "stepped_wedge": 4}
"""People or teams from which on a design can be planned."""

LOOKS = 30
"""Looks for which the price of watching is reckoned."""

MOST_QUARTERS = 40
"""Quarters beyond which nothing is planned."""

LARGE_EFFECT = 2.0
"""Standard deviations above which an effect is hardly to be believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What is wanted of an experiment.

    Attributes
    ----------
    design : {"individual", "cluster", "stepped_wedge"}
        Whether people, teams or the order of teams are drawn.
    effect : float
        Smallest effect of completing the programme worth finding; above 0, in the
        outcome's unit, in the direction of the outcome.
    power, alpha : float
        Power wanted, level of the two-sided test.
    share : float
        Share of people or teams that are offered the programme at once.
    quarters : int
        Quarters in which people may be assigned, at most; in a stepped wedge the
        number of waves.
    clusters : int or None
        Teams that can take part; by default those of the persona.
    per_quarter : int or None
        People that can be assigned per quarter; by default as the data tell.
    taken : float or None
        Share of those offered the programme who complete it; by default as the data
        tell.
    start : Quarter or None
        Quarter on whose first day it begins; by default the one after the data cut.
    """

    design: ExperimentDesign
    effect: float
    power: float = 0.8
    alpha: float = 0.05
    share: float = 0.5
    quarters: int = 4
    clusters: int | None = None
    per_quarter: int | None = None
    taken: float | None = None
    start: Quarter | None = None

    def __post_init__(self) -> None:
        wedge = self.design == "stepped_wedge"
        _check(
            "effect",
            self.effect,
            sound=self.effect > 0 and math.isfinite(self.effect),
            rule="a number above 0, in the outcome's unit",
            hint="give its size alone; the outcome's direction is in outcomes.yml",
        )
        _check(
            "alpha",
            self.alpha,
            sound=0 < self.alpha < 0.5,
            rule="the level of the test, above 0 and below 0.5",
            hint=_suggest(self.alpha, below=0.5) or "0.05 is usual",
        )
        _check(
            "power",
            self.power,
            sound=self.alpha < self.power < 1,
            rule=f"a chance above the level of the test, {self.alpha:g}, and below 1",
            hint=_suggest(self.power) or "0.8 or 0.9 is usual",
        )
        _check(
            "allocation",
            self.share,
            sound=0 < self.share < 1,
            rule="a share above 0 and below 1, so that some are not offered it",
            hint=_suggest(self.share) or "0.5 offers it to one half at once",
        )
        least = 2 if wedge else 1
        _check(
            "quarters",
            self.quarters,
            sound=least <= self.quarters <= MOST_QUARTERS,
            rule=f"a whole number from {least} to {MOST_QUARTERS}"
            + (", as a stepped wedge needs at least 2 waves" if wedge else ""),
            hint="4 gives it a year",
        )
        _check(
            "clusters",
            self.clusters,
            sound=self.clusters is None or self.clusters >= FEWEST["cluster"],
            rule=f"at least {FEWEST['cluster']} teams",
            hint="where there are fewer teams, draw people: --design individual",
        )
        _check(
            "per-quarter",
            self.per_quarter,
            sound=self.per_quarter is None or self.per_quarter >= 1,
            rule="at least 1 person",
            hint="leave it out to plan with the past pace",
        )
        _check(
            "uptake",
            self.taken,
            sound=self.taken is None or 0 < self.taken <= 1,
            rule="a share above 0 and at most 1",
            hint=_suggest(self.taken) or "leave it out to plan with that of the data",
        )


def _check(
    option: str, value: float | None, *, sound: bool, rule: str, hint: str
) -> None:
    if not sound and value is not None:
        raise ParamError.build(
            "This experiment cannot be planned",
            where=f"--{option}",
            rule=rule,
            got=int(value) if float(value).is_integer() else value,
            hint=hint,
        )


def _suggest(value: float | None, *, below: float = 1.0) -> str:
    """Suggest the share that was meant where a percentage was given."""
    if value is None or not 1 < value < 100 * below:
        return ""
    return f"write {value:g}% as {value / 100:g}"


def find_largest_effect(facts: PlanFacts) -> float:
    """Find the largest effect of completing that the outcome's scale leaves room for.

    Parameters
    ----------
    facts : PlanFacts
        With the mean of those who have not learnt.

    Returns
    -------
    float
        In the outcome's unit and direction; infinite where the scale is not known.
    """
    scale = facts.scale if facts.outcome.kind == "continuous" else (0.0, 1.0)
    if facts.outcome.unit in _BOUNDED:
        scale = (0.0, 1.0)
    if scale is None:
        return math.inf
    lowest, highest = scale
    up = facts.outcome.direction == "up"
    return max(highest - facts.mean if up else facts.mean - lowest, 0.0)


def check_effect(facts: PlanFacts, effect: float) -> None:
    """Refuse an effect that would take the mean off the outcome's scale.

    Raises
    ------
    DesignError
        With the largest effect that there can be.
    """
    largest = find_largest_effect(facts)
    if effect <= largest + _ROUNDING:
        return
    up = facts.outcome.direction == "up"
    reached = facts.mean + (effect if up else -effect)
    end = facts.mean + (largest if up else -largest)
    digits = 3 if largest >= 0.01 else 6
    most = math.floor((largest + _ROUNDING) * 10**digits) / 10**digits
    raise DesignError.build(
        f"The mean of {facts.outcome.id} cannot change from {facts.mean:.3g} to"
        f" {reached:.3g}",
        where="--effect",
        rule=f"it can {'rise' if up else 'fall'} to {end:g} at most",
        got=round(effect, 6),
        hint=f"the largest effect possible is {most:g}: give --effect {most:g} or less",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPlan:
    """A planned experiment, whether it can reach its aim or not.

    Attributes
    ----------
    request, facts
        What was wanted, and what the data say.
    taken, taken_control : float
        Shares who complete the programme that the plan reckons with.
    effect, offer_effect : float
        Of completing the programme, and of being offered it; both above 0.
    reachable : bool
        Whether enough people or teams can be assigned in the time given.
    needed : int or None
        People (individual design) or teams to be assigned; None where no number
        would do.
    people, clusters : int
        To be assigned by this plan: as needed, or all that there are. ``clusters`` is
        the number of people in an individual design.
    quarters : int
        Quarters in which they are assigned (waves of a stepped wedge).
    starts_on, ends_on, known_on : date
        First day; last day of the last quarter of assignment; day on which the last
        outcome is known.
    power, adjusted_power : float
        Of this plan, without and with adjustment for the value before.
    detectable, offer_detectable : float
        Smallest effect that this plan finds with the power wanted; NaN if none.
    watched_power : float
        Power if the experiment is read at `LOOKS` evenly spaced looks with the
        always-valid interval; NaN where teams are drawn, as these begin together.
    curve : DataFrame
        Columns `CURVE_COLUMNS`: ``people`` and ``clusters`` assigned, ``quarters`` (0
        where they cannot be had within ten years), ``power``, ``power_adjusted`` (both
        for `effect`) and ``detectable`` (effect of completing).
    notes : tuple of str
        Assumptions in words.
    """

    request: PlanRequest
    facts: PlanFacts
    taken: float
    taken_control: float
    effect: float
    offer_effect: float
    reachable: bool
    needed: int | None
    people: int
    clusters: int
    quarters: int
    starts_on: date
    ends_on: date
    known_on: date
    power: float
    adjusted_power: float
    detectable: float
    offer_detectable: float
    watched_power: float
    curve: pd.DataFrame
    notes: tuple[str, ...]
