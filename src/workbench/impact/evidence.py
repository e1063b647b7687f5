"""How far a number can be trusted: a grade from 0 to 5, computed from the findings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from workbench.impact.balance import FAIR_BALANCE, GOOD_BALANCE

__all__ = ["Findings", "Grade", "grade_evidence"]

Design = Literal["none", "matched", "did", "matched_and_did", "randomised"]

_MAX_ATTRITION = 0.10
_MAX_THREATS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is known about one headline estimate.

    Attributes
    ----------
    design : str
        ``none`` where no comparison could be made; ``matched_and_did`` where both were
        made for the same outcome; ``randomised``.
    failed_checks : tuple of str
        Checks of the design that failed (required ones, and balance).
    largest_smd : float
        Largest absolute standardised mean difference after adjustment.
    designs_agree : bool or None
        Whether matching and DiD agree within their errors; None if not compared.
    pretrend_powered : bool or None
        Whether the pre-trend test could have seen a trend that matters.
    robust : bool or None
        Whether the effect survives confounding as strong as the strongest covariate.
    random_timing_only : bool
        True if only the timing was drawn at random (stepped wedge).
    sample_ratio_fine : bool
        False if the arms' sizes do not fit the draw.
    attrition : float
        Share of outcomes missing in a randomised comparison.
    powered : bool
        Whether the comparison could have seen the smallest effect worth having.
    threats : tuple of str
        Attrition, missing outcomes, spill-over, changed thresholds, too little power,
        a negative control that moved: each lowers the grade by one, two at most.
    """

    design: Design
    failed_checks: tuple[str, ...] = ()
    largest_smd: float = math.nan
    designs_agree: bool | None = None
    pretrend_powered: bool | None = None
    robust: bool | None = None
    random_timing_only: bool = False
    sample_ratio_fine: bool = True
    attrition: float = 0.0
    powered: bool = True
    threats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """A grade from 0 to 5 and the sentence that explains it."""

    value: int
    text: str


def grade_evidence(findings: Findings) -> Grade:
    """Grade an estimate by its design, its checks and the threats to it.

    Parameters
    ----------
    findings : Findings
        What the stages found.

    Returns
    -------
    Grade
        5 randomised, sample ratio fine, attrition below 10 %, powered; 4 randomised
        with one weakness, or with random timing; 3 matching and DiD agree, every
        standardised difference up to 0.05, pre-trend powered, robust; 2 one design
        passes with adjustment (up to 0.25); 1 a comparison that fails a check; 0 no
        comparison. Threats lower it by at most 2, not below 0.

    Examples
    --------
    >>> grade_evidence(Findings(design="matched", largest_smd=0.1)).value
    2
    """
    base, reason = _grade_design(findings)
    lost = min(len(findings.threats), _MAX_THREATS, base)
    text = f"{base}: {reason}"
    if findings.threats and base:
        named = ", ".join(findings.threats)
        text = f"{base - lost}: {reason}; lowered by {lost} for {named}"
    return Grade(value=base - lost, text=text)


def _grade_design(findings: Findings) -> tuple[int, str]:
    if findings.design == "none":
        return 0, "no comparison could be made"
    if findings.failed_checks:
        return 1, "a comparison that fails " + ", ".join(findings.failed_checks)
    if findings.design == "randomised":
        return _grade_randomised(findings)
    if not findings.largest_smd <= FAIR_BALANCE and findings.design != "did":
        return 1, "a comparison of groups that are not alike"
    agreed = findings.design == "matched_and_did" and findings.designs_agree is True
    strong = findings.pretrend_powered is True and findings.robust is True
    if agreed and strong and findings.largest_smd <= GOOD_BALANCE:
        return 3, "two designs agree on groups that are alike, and the effect is robust"
    return 2, "one design that passes its checks with adjustment"


def _grade_randomised(findings: Findings) -> tuple[int, str]:
    if not findings.sample_ratio_fine:
        return 1, "randomised, but the arms' sizes do not fit the draw"
    weak = [
        text
        for text, applies in (
            ("only the timing was random", findings.random_timing_only),
            ("attrition of 10 % or more", not findings.attrition < _MAX_ATTRITION),
            ("too little power", not findings.powered),
        )
        if applies
    ]
    if not weak:
        return 5, "randomised, complete and powered"
    if len(weak) == 1:
        return 4, f"randomised; {weak[0]}"
    return 2, "randomised, with several weaknesses: " + ", ".join(weak)
