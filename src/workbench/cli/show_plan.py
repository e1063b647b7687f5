"""A planned experiment as tables and sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from workbench.cli.show import show_lines, show_table

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from workbench.core.params import Outcome
    from workbench.core.registration import Registration
    from workbench.impact.planning.plan_frames import ExperimentPlan

__all__ = ["show_plan", "show_written"]


def show_plan(console: Console, plan: ExperimentPlan, *, label: str) -> None:
    """Print what the data say, what the plan is, its power, and the verdict."""
    facts = plan.facts
    outcome = facts.outcome.label or facts.outcome.id
    show_lines(
        console,
        [
            f"{label}: {facts.program.label or facts.program.id}",
            f"{outcome}; data up to {facts.quarter}",
        ],
    )
    show_table(console, ["what the data say", ""], _list_facts(plan))
    show_table(console, ["the plan", ""], _list_plan(plan))
    show_table(console, *_list_curve(plan))
    show_lines(console, [*plan.notes, "", *_judge(plan)])


def show_written(
    console: Console, registration: Registration, path: Path, *, dry_run: bool
) -> None:
    """Print where the registration was written, or what would be written."""
    from workbench.impact.planning.draft import format_registration

    if dry_run:
        lines = format_registration(registration).splitlines()
        would = "exists; replaced, it would hold" if path.exists() else "would hold"
        show_lines(console, ["", f"Nothing is written. {path} {would}", *lines])
        return
    show_lines(console, ["", "Registered in", f"  {path}"])


def _list_facts(plan: ExperimentPlan) -> list[tuple[str, str]]:
    facts = plan.facts
    rows = [
        (
            "mean without the programme",
            f"{_write_mean(facts.mean, facts.outcome)} ({facts.people} values)",
        ),
        ("standard deviation", _write_spread(facts.sd, facts.outcome)),
    ]
    if facts.correlation:
        rows.append(("correlation with the value before", f"{facts.correlation:.2f}"))
    rows += [
        ("correlation within teams (ICC)", f"{facts.icc:.3f}"),
        ("outcome not seen", f"{facts.attrition:.0%}"),
        ("people who can be assigned now", f"{facts.eligible} in {facts.teams} teams"),
        ("people who become eligible", f"{facts.arrivals:.0f} a quarter"),
        ("people who complete it", f"{facts.learners:.0f} a quarter"),
    ]
    return rows


def _list_plan(plan: ExperimentPlan) -> list[tuple[str, str]]:
    request = plan.request
    outcome = plan.facts.outcome
    drawn = {
        "individual": f"{plan.people} people, one by one",
        "cluster": f"{plan.clusters} teams, about {plan.people} people",
        "stepped_wedge": f"{plan.clusters} teams, about {plan.people} people, in"
        f" {plan.quarters} waves",
    }[request.design]
    if request.design != "stepped_wedge":
        drawn += f"; {request.share:.0%} are offered the programme"
    quarters = "1 quarter" if plan.quarters == 1 else f"{plan.quarters} quarters"
    rows = [
        (
            "effect of completing it",
            _write_effect(plan.effect, outcome)
            + (" more" if outcome.direction == "up" else " less"),
        ),
        (
            "effect of the offer",
            f"{_write_effect(plan.offer_effect, outcome)} (not all complete it)",
        ),
        ("drawn", drawn),
        ("assignment", f"{quarters}, {plan.starts_on} to {plan.ends_on}"),
        ("last outcome known", str(plan.known_on)),
        ("power", f"{plan.power:.0%} at level {request.alpha:g}, two-sided"),
    ]
    if plan.facts.correlation:
        rows.append(("power, with the value before", f"{plan.adjusted_power:.0%}"))
    if not math.isnan(plan.watched_power):
        rows.append(("power, if read every week", f"{plan.watched_power:.0%}"))
    return rows


def _list_curve(plan: ExperimentPlan) -> tuple[list[str], list[list[str]]]:
    """List the columns and rows of the power curve."""
    curve = plan.curve
    found = {
        "people": curve["people"].map(str),
        "teams": curve["clusters"].map(str),
        "quarters": curve["quarters"].map(lambda value: str(value or "not to be had")),
        "power": curve["power"].map("{:.0%}".format),
        "with the value before": curve["power_adjusted"].map("{:.0%}".format),
        "effect that can be found": curve["detectable"].map(
            lambda value: _write_effect(value, plan.facts.outcome)
        ),
    }
    if plan.request.design == "individual":
        del found["teams"]
    if not plan.facts.correlation:
        del found["with the value before"]
    return list(found), [list(row) for row in zip(*found.values(), strict=True)]


def _judge(plan: ExperimentPlan) -> list[str]:
    """Say whether the aim is reached, and what could be found if not."""
    from workbench.impact.planning.plan_frames import LARGE_EFFECT, find_largest_effect

    request, outcome = plan.request, plan.facts.outcome
    units = "people" if request.design == "individual" else "teams"
    if plan.reachable:
        return [
            f"Within reach: {plan.clusters} {units} give {plan.power:.0%} power; the"
            f" last outcome is known on {plan.known_on}.",
            *_say_which_decides(plan),
        ]
    wanted = (
        "no number would be enough"
        if plan.needed is None
        else f"{plan.needed} {units} would be needed"
    )
    lines = [
        f"Out of reach: {wanted}, and {plan.clusters} can be assigned in"
        f" {plan.quarters} quarter{'s' if plan.quarters > 1 else ''}. With these the"
        f" power is {plan.power:.0%}. Nothing is registered.",
        *_say_which_decides(plan),
    ]
    largest = find_largest_effect(plan.facts)
    if math.isnan(plan.detectable):
        lines.append(
            "With these, any effect to be found is out of reach: not even the largest"
            f" that there can be, {_write_effect(largest, outcome)}, would be found"
            f" with {request.power:.0%} power."
        )
        return lines
    lines.append(
        f"What they could find with {request.power:.0%} power is an effect of"
        f" {_write_effect(plan.detectable, outcome)} of completing the programme"
        f" ({_write_effect(plan.offer_detectable, outcome)} of the offer)."
    )
    if outcome.kind == "continuous" and plan.detectable > LARGE_EFFECT * plan.facts.sd:
        lines.append(
            f"That is {plan.detectable / plan.facts.sd:.1f} standard deviations of the"
            " outcome: hardly any programme changes so much."
        )
    lines.append(
        "If an effect of that size is what you hope for: --effect"
        f" {_round_up(plan.detectable, largest):g}. Else offer it to more {units},"
        " raise uptake, or give it more time."
    )
    return lines


def _say_which_decides(plan: ExperimentPlan) -> list[str]:
    """Say which of two powers the verdict goes by, where two are shown."""
    if not plan.facts.correlation:
        return []
    return [
        f"What decides is the power of {plan.power:.0%} without the value before, as"
        " the report's headline is the plain difference; the"
        f" {plan.adjusted_power:.0%} with it is for the adjusted one shown beside."
    ]


def _round_up(effect: float, largest: float) -> float:
    """Round an effect up to what can be typed, but not above the largest."""
    for digits in (3, 4, 5, 6):
        rounded = math.ceil(effect * 10**digits) / 10**digits
        if rounded <= largest:
            return rounded
    return effect


def _find_unit(outcome: Outcome) -> tuple[str, str, float]:
    """Return the outcome's unit, the one it is shown in, and the factor between."""
    from workbench.brief.formatting import find_scale

    unit = outcome.unit
    if not unit and outcome.kind != "continuous":
        unit = "probability"
    return unit, *find_scale(unit)


def _write_effect(value: float, outcome: Outcome) -> str:
    """Write an effect in its unit, in the words of the brief where it has some."""
    from workbench.brief.formatting import format_effect

    if math.isnan(value):
        return "out of reach"
    unit, words, scale = _find_unit(outcome)
    if scale != 1 and value * scale >= 1:
        return _join(format_effect(value, unit, signed=False))
    return _join(f"{value * scale:.3g} {words}".rstrip())


def _write_mean(value: float, outcome: Outcome) -> str:
    from workbench.brief.formatting import format_level

    unit, _, scale = _find_unit(outcome)
    return f"{value:.3g}" if scale == 1 else _join(format_level(value, unit))


def _write_spread(value: float, outcome: Outcome) -> str:
    _, words, _ = _find_unit(outcome)
    points = words == "percentage points"
    return _write_effect(value, outcome) if points else f"{value:.3g}"


def _join(text: str) -> str:
    """Write a text with plain spaces, so that it can be searched and copied."""
    return text.replace("\N{NO-BREAK SPACE}", " ")
