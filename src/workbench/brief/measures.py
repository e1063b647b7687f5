"""What every brief reports on, measured or not: the measures of the playbook."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["PLAYBOOK", "Measure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure of the playbook: what it is called, who measures it, its target.

    ``target`` is relative to the baseline, with sign, nearer end first; an infinite
    end is open. ``family`` is how ids of its outcomes begin.
    """

    id: str
    family: str
    label: str
    stages: tuple[str, ...]
    needs: str
    target: tuple[float, float] | None = None
    main: bool = False


PLAYBOOK: tuple[Measure, ...] = (
    Measure(
        id="ramp_days",
        family="ramp",
        label="Time to proficiency",
        stages=("survival", "ab"),
        needs="an outcome in outcomes.yml that reads proficiency_dates.days",
        target=(-0.10, -0.25),
        main=True,
    ),
    Measure(
        id="performance_rating",
        family="performance",
        label="Performance rating",
        stages=("psm", "did", "ab"),
        needs="a performance outcome in outcomes.yml",
        target=(0.05, 0.10),
        main=True,
    ),
    Measure(
        id="retention_12m",
        family="retention",
        label="12-month retention",
        stages=("psm", "survival", "ab"),
        needs="a retention outcome in outcomes.yml",
        target=(0.05, 0.12),
        main=True,
    ),
    Measure(
        id="internal_mobility_12m",
        family="internal_mobility",
        label="Internal moves in 12 months",
        stages=("psm", "survival", "ab"),
        needs="a mobility outcome in outcomes.yml",
        target=(0.0, math.inf),
        main=True,
    ),
    Measure(
        id="skill_proficiency",
        family="skill",
        label="Skill proficiency",
        stages=("psm", "did", "ab"),
        needs="a skill outcome in outcomes.yml",
    ),
    Measure(
        id="kpi_attainment",
        family="kpi",
        label="KPI attainment",
        stages=("psm", "did", "ab"),
        needs="a KPI outcome in outcomes.yml",
    ),
    Measure(
        id="manager_actions",
        family="manager_actions",
        label="Managers who follow up",
        stages=("survival",),
        needs="managers.yml and the table manager_actions",
    ),
    Measure(
        id="learner_nps",
        family="learner_nps",
        label="Learner NPS",
        stages=("survival",),
        needs="answers to learner surveys in the table surveys",
    ),
    Measure(
        id="roi",
        family="roi",
        label="Return on investment",
        stages=("roi",),
        needs="pricing effects and costs",
    ),
)
"""Measures every brief reports on, measured or not."""
