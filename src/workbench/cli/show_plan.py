"""A planned experiment as tables and sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from workbench.cli.show import show_lines, show_table

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

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
        show_lines(console, ["", f"Nothing is written. {path} would hold", *lines])
        return
    show_lines(console, ["", "Registered in", f"  {path}"])
    if registration.written_on > registration.starts_on:
        show_lines(
            console,
            [
                f"Its first day, {registration.starts_on}, has passed: the analysis"
                " will say that it was written down later."
            ],
        )


def _list_facts(plan: ExperimentPlan) -> list[tuple[str, str]]:
    facts = plan.facts
    rows = [
        ("mean without the programme", f"{_show(facts.mean)} ({facts.people} values)"),
        ("standard deviation", _show(facts.sd)),
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
            f"{_show(plan.effect)} {outcome.unit} "
            + ("more" if outcome.direction == "up" else "less"),
        ),
        ("effect of the offer", f"{_show(plan.offer_effect)} (not all complete it)"),
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
        "effect that can be found": curve["detectable"].map(_show),
    }
    if plan.request.design == "individual":
        del found["teams"]
    if not plan.facts.correlation:
        del found["with the value before"]
    return list(found), [list(row) for row in zip(*found.values(), strict=True)]


def _judge(plan: ExperimentPlan) -> list[str]:
    """Say whether the aim is reached, and what could be found if not."""
    request = plan.request
    units = "people" if request.design == "individual" else "teams"
    if plan.reachable:
        return [
            f"Within reach: {plan.clusters} {units} give {plan.power:.0%} power; the"
            f" last outcome is known on {plan.known_on}."
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
    ]
    if plan.adjusted_power >= request.power:
        lines.append(
            f"Adjusted for the value before it is {plan.adjusted_power:.0%}, but the"
            " headline of the report is the plain difference."
        )
    if math.isnan(plan.detectable):
        lines.append("With these, no effect that there can be would be found.")
        return lines
    lines.append(
        f"What they could find with {request.power:.0%} power is an effect of"
        f" {_show(plan.detectable)} of completing the programme"
        f" ({_show(plan.offer_detectable)} of the offer)."
    )
    rounded = math.ceil(plan.detectable * 1000) / 1000
    lines.append(
        f"If an effect of that size is what you hope for: --effect {rounded:g}. Else"
        f" offer it to more {units}, raise uptake, or give it more time."
    )
    return lines


def _show(value: float) -> str:
    """Write a value of the outcome with three digits that count."""
    return "none" if math.isnan(value) else f"{value:.3g}"
