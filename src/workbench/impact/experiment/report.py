"""What an experiment says in words, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.cohorts.experiment_frames import Experiment
from workbench.core.results import Check
from workbench.impact.comparison_checks import check_power
from workbench.impact.effects import describe_unit
from workbench.impact.evidence import Findings, Grade, grade_evidence
from workbench.impact.experiment.analysis import Reading
from workbench.impact.experiment.deviations import is_registered
from workbench.impact.experiment.drawn import CONTROL
from workbench.impact.experiment.guardrails import describe_guardrail
from workbench.impact.wording import write_alike

__all__ = [
    "check_registration",
    "describe_answer",
    "describe_reading",
    "find_power",
    "grade_reading",
]


_BESIDE = ("adjusted", "row", "cr1")
_LOST = {
    "differential_attrition": "differential attrition",
    "people_unread": "people who may not be read differ between arms",
}
"""Of another estimate, or errors too small for the design, shown to be compared."""


def check_registration(experiment: Experiment, deviations: Sequence[str]) -> Check:
    """Check that the experiment is read as it was written down before it began."""
    plan = experiment.registration
    if plan is None:
        return Check(
            check="registration",
            passed=False,
            text="The experiment was not written down before it began, so nobody can "
            "tell which of its results were looked for.",
            advice="Write the next one down with workbench plan-experiment.",
        )
    if not is_registered(experiment):
        return Check(
            check="registration",
            passed=False,
            text=f"It was written down on {plan.written_on.isoformat()}, after it had "
            "begun.",
            advice="Write the next one down before the first person is assigned.",
        )
    told = " ".join(deviations)
    return Check(
        check="registration",
        passed=not deviations,
        value=float(len(deviations)),
        limit=0.0,
        text=told or f"Read as written down on {plan.written_on.isoformat()}.",
        advice="Read it as exploratory." if deviations else "",
    )


def find_power(reading: Reading, *, alpha: float = 0.05) -> Check:
    """Check that the effect worth having could have been seen.

    Of a primary outcome written down before the start that is the registered effect of
    the offer, with the registered power; of others the outcome's threshold. An interval
    that lies wholly on one side of it settles the question anyway.
    """
    if reading.itt is None:
        return Check(
            check="power", passed=None, text="No effect is read, so none has power."
        )
    plan, power = reading.experiment.registration, reading.tables.get("power")
    written = is_registered(reading.experiment) and reading.experiment.primary
    if plan is None or not written or power is None or power.empty:
        return check_power(reading.itt, reading.experiment, alpha=alpha)
    planned, reached = (
        float(power["planned_effect"].iloc[0]),
        float(power["achieved_mde"].iloc[0]),
    )
    better = -1.0 if reading.experiment.outcome.direction == "down" else 1.0
    ends = [better * end for end in reading.itt.interval(alpha)]
    fine = reached <= planned or min(ends) > planned or max(ends) < planned
    return Check(
        check="power",
        passed=fine,
        value=reached,
        limit=planned,
        text=f"An effect of {reached:.3g} would be found with {100 * plan.power:.0f} % "
        f"power; planned for was one of {planned:.3g}.",
        advice="" if fine else "Plan the next one larger.",
    )


def grade_reading(reading: Reading, power: Check) -> tuple[Findings, Grade]:
    """Grade what an experiment says.

    Parameters
    ----------
    reading : Reading
        What was found.
    power : Check
        From `find_power`.

    Returns
    -------
    tuple
        The findings, and the grade: 1 where the arms' sizes do not fit the draw, 0
        without an answer. Missing outcomes that differ between the sides, and an
        outcome or window other than the registered one, lower it.
    """
    if reading.status == "not_answerable":
        findings = Findings(design="none")
        return findings, grade_evidence(findings)
    if reading.status == "stopped" or reading.loss is None:
        findings = Findings(design="randomised", sample_ratio_fine=False)
        return findings, grade_evidence(findings)
    threats = [*reading.experiment.threats]
    threats += [
        _LOST[check.check]
        for check in reading.loss.checks
        if check.check in _LOST and check.passed is False
    ]
    if reading.ratio.doubtful:
        threats.append("sizes of the arms that chance hardly gives")
    if is_registered(reading.experiment) and _asks_otherwise(reading.experiment):
        threats.append("an outcome or window other than registered")
    findings = Findings(
        design="randomised",
        random_timing_only=reading.experiment.design == "stepped_wedge",
        attrition=reading.loss.largest,
        powered=power.passed is not False,
        threats=tuple(threats),
    )
    return findings, grade_evidence(findings)


def describe_reading(reading: Reading, grade: Grade, *, alpha: float = 0.05) -> str:
    """Say in one or two sentences what an experiment shows, or why it shows nothing."""
    if reading.status == "stopped":
        return f"Stopped: no effect is read. {reading.ratio.text}"
    if reading.itt is None:
        reason = reading.obstacle.text if reading.obstacle else "no comparison was made"
        return f"Not answerable: {reason}"
    experiment = reading.experiment
    low, high = reading.itt.interval(alpha)
    unit = describe_unit(experiment.outcome)
    scale = 100.0 if unit == "probability" else 1.0
    word = "percentage points" if unit == "probability" else unit
    name = experiment.outcome.label or experiment.outcome.id.replace("_", " ")
    level = f"{100 * (1 - alpha):.0f} %"
    value, first, last = write_alike(
        *(scale * item for item in (reading.itt.value, low, high)), signed=True
    )
    told = f"{value} {word} ({level} interval {first} to {last})"
    if low <= 0 <= high:
        return (
            f"Being offered the programme made no difference to {name} that can be "
            f"told from chance: {told}; evidence {grade.value} of 5."
        )
    return (
        f"Being offered the programme changed {name} by {told}; evidence "
        f"{grade.value} of 5."
    )


def describe_answer(
    reading: Reading,
    grade: Grade,
    power: Check,
    deviations: Sequence[str],
    *,
    alpha: float = 0.05,
) -> dict[str, Any]:
    """Collect the sentences on one experiment and outcome; JSON only.

    Parameters
    ----------
    reading : Reading
        What was found.
    grade : Grade
        Its evidence.
    power : Check
        From `find_power`.
    deviations : sequence of str
        Differences from the registration.
    alpha : float
        One less the level of the intervals.

    Returns
    -------
    dict
        ``experiment``, ``status``, ``design``, ``deviations`` (which belong before
        anything else), ``text``, ``evidence``, ``sample_ratio``, and where it was read
        ``power``, ``adjusted``, ``compliance``, ``bounds``, ``inference``,
        ``guardrail``, ``subgroups``, ``looks``, ``arms``, ``wedge``. ``notes`` of the
        data.
    """
    experiment = reading.experiment
    facts: dict[str, Any] = {
        "experiment": experiment.id,
        "status": reading.status,
        "design": experiment.design,
        "primary": experiment.primary,
        "registered": is_registered(experiment),
        "deviations": list(deviations),
        "text": describe_reading(reading, grade, alpha=alpha),
        "evidence": grade.text,
        "sample_ratio": reading.ratio.text,
        "notes": list(experiment.notes),
    }
    if reading.itt is None:
        return facts
    facts["power"] = power.text
    facts["inference"] = _describe_errors(reading, alpha)
    facts["looks"] = reading.no_looks
    facts["guardrail"] = describe_guardrail(reading.tables["guardrails"], experiment)
    if reading.adjusted is not None or reading.no_adjustment:
        facts["adjusted"] = (
            reading.adjusted.text if reading.adjusted else reading.no_adjustment
        )
    if reading.compliance is not None:
        facts["compliance"] = reading.compliance.text
    if reading.bounds is not None:
        facts["bounds"] = reading.bounds.text
    if reading.groups is not None:
        facts["subgroups"] = reading.groups.describe()
    if reading.by_arm:
        facts["arms"] = _describe_arms(reading, alpha)
    if reading.wedge is not None:
        facts["wedge"] = reading.wedge.text
        facts["compliance"] = (
            "In a stepped wedge who completed the programme follows its start, so only "
            "the effect of the offer is read."
        )
    return facts


def _asks_otherwise(experiment: Experiment) -> bool:
    """Tell whether outcome or window differ from those written down."""
    plan, outcome = experiment.registration, experiment.outcome
    if plan is None:
        return False
    guarded = [item.outcome for item in plan.guardrails]
    if not experiment.primary:
        named = (plan.primary_outcome, *plan.secondary_outcomes, *guarded)
        return outcome.id not in named
    lag, horizon = plan.lag_quarters, plan.horizon_days
    return (
        outcome.id != plan.primary_outcome
        or (lag is not None and lag != outcome.lag_quarters)
        or (horizon is not None and horizon != outcome.horizon_days)
    )


def _describe_errors(reading: Reading, alpha: float) -> str:
    """Say whether the errors and tests that fit the design agree."""
    table = reading.tables["inference"]
    fits = ~table["method"].isin(_BESIDE) | table["headline"].astype(bool)
    own = table[fits]
    told = ", ".join(
        f"{method} {p_value:.2g}"
        for method, p_value in zip(own["method"], own["p_value"], strict=True)
    )
    sides = own["p_value"] < alpha
    word = "agree" if sides.nunique() == 1 else "do not agree: take the result as open"
    return f"Errors and tests side by side {word} (p-values: {told})."


def _describe_arms(reading: Reading, alpha: float) -> str:
    parts = []
    for arm, (effect, p_value) in reading.by_arm.items():
        value, low, high = write_alike(
            effect.value, *effect.interval(alpha), signed=True
        )
        parts.append(f"{arm} {value} ({low} to {high}, adjusted p {p_value:.2g})")
    told = "Each arm against control: " + "; ".join(parts) + "."
    hidden = sum(
        arm not in (CONTROL, *reading.by_arm) for arm in reading.experiment.arms
    )
    return told + (" Arms with too few people are not shown." if hidden else "")
