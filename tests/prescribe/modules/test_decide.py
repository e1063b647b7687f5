"""Every decision with its reason."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from workbench.prescribe.modules.decide import Harm, ModuleFacts, decide

GOOD = ModuleFacts(
    identified=True,
    impact=1.5,
    low=0.5,
    high=2.5,
    raw_low=0.2,
    raw_high=3.0,
    overall=0.01,
    ratio=3.0,
    usual_ratio=2.0,
)
WORSE = Harm(label="KPI", estimate=-0.03, low=-0.05, high=-0.01, unit="share")
BETTER = Harm(label="Skill", estimate=2.0, low=1.0, high=3.0, unit="points")


@pytest.mark.parametrize(
    ("change", "choice", "reason"),
    [
        ({}, "boost", "per hour no less than the programme's median"),
        ({"ratio": 1.0}, "keep", "below the programme's median"),
        (
            {"raw_low": -1.0, "overall": 0.3},
            "keep",
            "leans on what the programme does as a whole",
        ),
        ({"raw_low": -1.0, "overall": 0.3, "helps": (BETTER,)}, "boost", "Skill +2"),
        (
            {"raw_low": -1.0, "overall": 0.3, "helps": (BETTER,), "harms": (WORSE,)},
            "keep",
            "its own comparison does not show it",
        ),
        ({"low": -0.5}, "watch", "cannot be told from none"),
        (
            {"impact": -1.0, "low": -2.0, "high": -0.1},
            "retire",
            "does harm: −1.0 thresholds",
        ),
        (
            {"impact": -0.5, "low": -1.5, "high": 0.5, "overall": -0.02},
            "retire",
            "all outcomes together are worse",
        ),
        (
            {"low": -0.5, "harms": (WORSE,)},
            "watch",
            "look into harm in KPI −0.030 share",
        ),
        ({"low": -0.5, "harms": (WORSE, WORSE)}, "retire", "in several outcomes: KPI"),
        (
            {"impact": 0.0, "low": -0.2, "high": 0.2, "raw_high": 0.8, "overall": 0.9},
            "retire",
            "worth less than 0.25 of a threshold",
        ),
        (
            {"impact": 0.0, "low": -0.2, "high": 0.2, "raw_high": 1.8, "overall": 0.9},
            "watch",
            "cannot be told from none",
        ),
        ({"identified": False, "always": True}, "keep", "every completion"),
        ({"identified": False, "bundle": ("b",)}, "watch", "taken together with b"),
        ({"identified": False}, "watch", "Too few learners"),
    ],
)
def test_decisions(change: dict[str, object], choice: str, reason: str) -> None:
    found = decide(replace(GOOD, **change), alpha=0.05)  # type: ignore[arg-type]
    assert found.choice == choice
    assert reason in found.reason
    assert found.reason.endswith(".")


def test_what_is_shown_by_nothing_of_its_own_is_never_boosted() -> None:
    for overall in (math.nan, 0.2, -0.2):
        facts = replace(GOOD, raw_low=-0.1, overall=overall)
        assert decide(facts, alpha=0.05).choice != "boost"
