"""What must hold before a prediction is used, as checks."""

from __future__ import annotations

import math

import pandas as pd

from workbench.core.results import Check
from workbench.prescribe.predict.analysis import Predicted
from workbench.prescribe.predict.card_numbers import (
    SIGNIFICANT,
    describe_drift,
    describe_groups,
    describe_scores,
    write_measure,
)
from workbench.prescribe.predict.drift import PREDICTION
from workbench.prescribe.predict.measures import Measure

__all__ = ["list_checks", "refuse_target"]

_PER_VARIABLE = 10.0
_SLOPES = (0.8, 1.25)
_SHIFT = 0.2
_SHIFT_OF_SPREAD = 0.1


def list_checks(found: Predicted, *, alpha: float, min_group: int) -> tuple[Check, ...]:
    """List the checks of one prediction.

    Parameters
    ----------
    found : Predicted
        All that was measured.
    alpha : float
        One less the level that limits of values are meant to have.
    min_group : int
        Fewest people of a group that is shown.

    Returns
    -------
    tuple of Check
        ``time_order`` is required; the others warn. Each limit is compared with the
        nearer end of the interval, so that a warning is beyond chance.
    """
    name = found.target.target
    checks = [
        _check_order(found),
        _check_events(found),
        _check_skill(found),
        *_check_calibration(found),
        _check_drift(found),
        _check_groups(found, min_group),
    ]
    covered = found.find("coverage")
    if covered is not None:
        checks.append(_check_coverage(covered, 1 - alpha, name))
    return tuple(checks)


def refuse_target(target: str, reason: str) -> Check:
    """Return the check of an outcome that cannot be predicted, with the reason."""
    return Check(check="prediction", passed=None, outcome=target, text=reason)


def _check_order(found: Predicted) -> Check:
    """Check that all that taught was known before the first tested prediction."""
    split = found.split
    if found.target.kind == "time":
        days = pd.to_timedelta(split.train["time"], unit="D")
        last = (split.train["time_zero"] + days).max()
    else:
        last = split.train["known_on"].max()
    return Check(
        check="time_order",
        passed=bool(last < split.begins),
        value=float((split.begins - last).days),
        limit=1.0,
        required=True,
        outcome=found.target.target,
        text=split.text,
    )


def _check_events(found: Predicted) -> Check:
    per = found.events / max(found.held["simple"].terms, 1)
    enough = per >= _PER_VARIABLE
    return Check(
        check="events_per_variable",
        passed=enough,
        value=per,
        limit=_PER_VARIABLE,
        outcome=found.target.target,
        text=f"{found.events:,} events for {found.held['simple'].terms} columns of the "
        "linear model.",
        advice=""
        if enough
        else "The penalty holds the coefficients; read no one alone.",
    )


def _check_skill(found: Predicted) -> Check:
    skill = found.find("skill")
    low = math.nan if skill is None else skill.low
    return Check(
        check="skill",
        passed=low > 0,
        value=math.nan if skill is None else skill.value,
        limit=0.0,
        outcome=found.target.target,
        text=describe_scores(found),
        advice="" if low > 0 else "Plan with the average of all.",
    )


def _check_calibration(found: Predicted) -> list[Check]:
    limit = _SHIFT
    if found.target.kind == "continuous":
        limit = _SHIFT_OF_SPREAD * float(found.split.test["outcome"].std())
    checks = []
    for metric, low, high, advice in (
        ("calibration_slope", *_SLOPES, "Differences between people are misstated."),
        ("calibration_intercept", -limit, limit, "The level is misstated: fit again."),
    ):
        item = found.find(metric)
        if item is None or not math.isfinite(item.low):
            text = "All were predicted the same."
            passed = None
        else:
            text = f"{write_measure(item)}; wanted within {low:.3g} to {high:.3g}."
            passed = item.high >= low and item.low <= high
        checks.append(
            Check(
                check=metric,
                passed=passed,
                value=math.nan if item is None else item.value,
                limit=high,
                outcome=found.target.target,
                text=text[:1].upper() + text[1:],
                advice=advice if passed is False else "",
            )
        )
    return checks


def _check_drift(found: Predicted) -> Check:
    own = found.drift[found.drift["feature"] == PREDICTION].iloc[0]
    known = own["status"] != "too few"
    return Check(
        check="drift",
        passed=bool(own["status"] == "stable") if known else None,
        value=float(own["psi"]),
        limit=float(own["limit"]),
        outcome=found.target.target,
        text=describe_drift(found),
    )


def _check_groups(found: Predicted, min_group: int) -> Check:
    smallest = min((item.p_adjusted for item in found.groups.gaps), default=math.nan)
    return Check(
        check="subgroup_errors",
        passed=None if math.isnan(smallest) else smallest >= SIGNIFICANT,
        value=smallest,
        limit=SIGNIFICANT,
        outcome=found.target.target,
        text=describe_groups(found, min_group=min_group),
    )


def _check_coverage(covered: Measure, level: float, target: str) -> Check:
    return Check(
        check="coverage",
        passed=bool(covered.high >= level),
        value=covered.value,
        limit=level,
        outcome=target,
        text=f"{write_measure(covered)}; meant are {level:.0%}.".capitalize(),
    )
