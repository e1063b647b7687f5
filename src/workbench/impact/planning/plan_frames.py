"""What is wanted of an experiment, and how it is planned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import pandas as pd

from workbench.cohorts.experiment_frames import ExperimentDesign
from workbench.cohorts.planning import PlanFacts
from workbench.core.errors import ParamError

__all__ = [
    "CURVE_COLUMNS",
    "FEWEST",
    "LOOKS",
    "MOST_QUARTERS",
    "ExperimentPlan",
    "PlanRequest",
]

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

    def __post_init__(self) -> None:
        faults = []
        if not (self.effect > 0 and math.isfinite(self.effect)):
            faults.append(f"effect {self.effect:g}: above 0")
        if not 0 < self.share < 1:
            faults.append(f"allocation {self.share:g}: between 0 and 1")
        if not 1 <= self.quarters <= MOST_QUARTERS:
            faults.append(f"quarters {self.quarters}: 1 to {MOST_QUARTERS}")
        if self.design == "stepped_wedge" and self.quarters < 2:
            faults.append("quarters 1: a stepped wedge needs at least 2 waves")
        if self.clusters is not None and self.clusters < FEWEST["cluster"]:
            faults.append(f"clusters {self.clusters}: at least {FEWEST['cluster']}")
        if self.per_quarter is not None and self.per_quarter < 1:
            faults.append(f"per quarter {self.per_quarter}: at least 1")
        if self.taken is not None and not 0 < self.taken <= 1:
            faults.append(f"uptake {self.taken:g}: above 0, at most 1")
        if faults:
            raise ParamError.build(
                "This experiment cannot be planned", where="; ".join(faults)
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
