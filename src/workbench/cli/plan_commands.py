"""The command that plans the next experiment and writes it down."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.group import FAILED
from workbench.cli.options import OrgOption, ProjectOption, make_console, open_org

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.cohorts.planning import PlanFacts
    from workbench.core.params import OrgParams, Outcome, Program
    from workbench.core.quarters import Quarter
    from workbench.impact.planning.plan_frames import PlanRequest

__all__ = ["plan_experiment"]

_Design = Literal["individual", "cluster", "stepped_wedge"]

_BELONGS: dict[str, tuple[_Design, ...]] = {
    "--allocation": ("individual", "cluster"),
    "--quarters": ("individual", "stepped_wedge"),
    "--clusters": ("cluster", "stepped_wedge"),
    "--per-quarter": ("individual",),
}
"""Designs that options belong to, where they do not belong to all."""


def plan_experiment(
    org: OrgOption,
    persona: Annotated[
        str, typer.Option("--persona", "-p", metavar="P", help="Whom it is for.")
    ],
    program: Annotated[
        str | None,
        typer.Option(metavar="ID", help="By default the persona's only programme."),
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(metavar="ID", help="By default the first of outcomes.yml."),
    ] = None,
    design: Annotated[
        _Design | None,
        typer.Option(
            help="What is drawn: people, teams, or the order of teams. By default "
            "teams where the programme is given by team, else people."
        ),
    ] = None,
    effect: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Smallest effect of completing the programme worth finding: in the "
            "outcome's unit, or as 5% of its mean. By default the threshold.",
        ),
    ] = None,
    power: Annotated[float, typer.Option(help="Chance to find it.")] = 0.8,
    alpha: Annotated[
        float | None,
        typer.Option(help="Level of the test; by default that of workbench.yml."),
    ] = None,
    allocation: Annotated[
        float | None,
        typer.Option(
            help="Share of people or teams that is offered the programme at once; by "
            "default 0.5. Not for a stepped wedge, where all are in the end."
        ),
    ] = None,
    quarters: Annotated[
        int | None,
        typer.Option(
            help="Quarters in which people are assigned, at most, or waves of a "
            "stepped wedge; by default 4."
        ),
    ] = None,
    clusters: Annotated[
        int | None,
        typer.Option(
            help="Teams that can take part, where teams are drawn; by default the "
            "persona's."
        ),
    ] = None,
    per_quarter: Annotated[
        int | None,
        typer.Option(
            help="People assigned per quarter, where people are drawn; by default the "
            "past pace."
        ),
    ] = None,
    uptake: Annotated[
        float | None,
        typer.Option(help="Share of those offered who complete; by default as so far."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Id of the experiment and name of its file."),
    ] = None,
    quarter: Annotated[
        str | None,
        typer.Option(
            metavar="QUARTER",
            help="Last quarter of data to read; by default the organisation's last.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="QUARTER",
            help="Quarter on whose first day it begins; by default the next one that "
            "begins both after the data and after today.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Plan, but write nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a registration that is there.")
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Plan the next experiment from your own data, and register it.

    Reads how much the outcome varies, how alike teams are, how many people there are
    and how many complete what they are offered; says how many people or teams and
    quarters the test takes, or what could be found instead. Writes
    params/ORG/experiments/NAME.yml, to which the later analysis is held. Nobody is
    drawn: lists of people stay with those who run the experiment. The exit code is 1
    if the aim is out of reach; nothing is written then.
    """
    from workbench.cli.show import show_lines
    from workbench.cli.show_plan import show_plan, show_written
    from workbench.cohorts.planning import load_plan_facts
    from workbench.impact.planning.draft import (
        check_free,
        draft_registration,
        find_registration_path,
        write_registration,
    )
    from workbench.impact.planning.plan import plan_experiment as make_plan
    from workbench.impact.planning.plan_frames import PlanRequest

    params, workspace = open_org(project, org)
    params.find_persona(persona)
    offered = _find_program(params, persona, program)
    read = params.find_outcome(outcome) if outcome else params.outcomes[0]
    cut = params.parse_quarter(quarter or params.workbench.quarter.last)
    today = _read_calendar()
    begins = _choose_start(start, cut, today)
    called = name or f"{offered.id}_{str(begins).lower()}"
    path = find_registration_path(params, called)
    chosen: _Design = design or (
        "cluster" if offered.assigned_by == "team" else "individual"
    )
    _check_fit(
        chosen,
        "" if design else f", the default for {offered.id}",
        {
            "--allocation": allocation,
            "--quarters": quarters,
            "--clusters": clusters,
            "--per-quarter": per_quarter,
        },
    )

    def ask(size: float) -> PlanRequest:
        return PlanRequest(
            design=chosen,
            effect=size,
            power=power,
            alpha=params.workbench.impact.alpha if alpha is None else alpha,
            share=0.5 if allocation is None else allocation,
            quarters=4 if quarters is None else quarters,
            clusters=clusters,
            per_quarter=per_quarter,
            taken=uptake,
            start=begins,
        )

    ask(_parse_effect(effect) or 1.0)
    if not dry_run:
        _check_ahead(begins, today)
        check_free(path, name=called, by=max(today, cut.last_day), force=force)
    facts = load_plan_facts(
        params,
        workspace,
        cut,
        persona=persona,
        program=offered,
        outcome=read,
        design=chosen,
    )
    plan = make_plan(facts, ask(_size_effect(effect, facts, read)))
    console = make_console()
    if dry_run:
        show_lines(
            console,
            [
                *_warn_of_start(begins, today),
                *_warn_of_file(path, called, by=max(today, cut.last_day)),
            ],
        )
    show_plan(console, plan, label=params.find_persona(persona).label)
    if not plan.reachable:
        raise typer.Exit(FAILED)
    registration = draft_registration(plan, name=called, written_on=today)
    if not dry_run:
        write_registration(registration, path, force=force, read_until=cut.last_day)
    show_written(console, registration, path, dry_run=dry_run)


def _read_calendar() -> date:
    """Return today; the only place of planning that looks at the calendar."""
    return date.today()


def _choose_start(text: str | None, cut: Quarter, today: date) -> Quarter:
    """Return the quarter asked for, or the next that is after the data and today."""
    from workbench.core.quarters import Quarter

    if text is not None:
        return Quarter.parse(text, year_starts=cut.year_starts)
    current = Quarter.of_day(today, year_starts=cut.year_starts)
    return max(cut, current).shift(1)


def _check_ahead(begins: Quarter, today: date) -> None:
    """Refuse to register what has begun already."""
    from workbench.core.errors import ParamError
    from workbench.core.quarters import Quarter

    if begins.first_day > today:
        return
    following = Quarter.of_day(today, year_starts=begins.year_starts).shift(1)
    raise ParamError.build(
        "The experiment would have begun already, so it cannot be registered before",
        where="--start",
        rule=f"a quarter whose first day is after today, {today}",
        got=f"{begins}, from {begins.first_day}",
        hint=f"--start {following} or later, or see the plan alone with --dry-run",
    )


def _warn_of_start(begins: Quarter, today: date) -> list[str]:
    """Say in a dry run that the first day has come."""
    if begins.first_day > today:
        return []
    return [
        f"Warning: the first day of {begins}, {begins.first_day}, is not after today,"
        f" {today}. Such a plan can be looked at but not registered."
    ]


def _warn_of_file(path: Path, name: str, *, by: date) -> list[str]:
    """Say in a dry run that the experiment is registered already."""
    from workbench.core.errors import ParamError
    from workbench.impact.planning.draft import check_free

    if not path.exists():
        return []
    try:
        check_free(path, name=name, by=by, force=True)
    except ParamError:
        advice = "It has begun or is another experiment, so not even --force replaces"
        return [f"{path} exists. {advice} it: choose another --name."]
    return [f"{path} exists. To replace it, --force would be needed."]


def _check_fit(chosen: _Design, why: str, given: dict[str, float | None]) -> None:
    """Refuse options that the design has no use for."""
    from workbench.core.errors import ParamError

    for option, value in given.items():
        fitting = _BELONGS[option]
        if value is None or chosen in fitting:
            continue
        designs = " or ".join(f"--design {item}" for item in fitting)
        raise ParamError.build(
            f"{option} does not belong to the design {chosen}",
            where=f"design {chosen}{why}",
            rule=f"{option} belongs to {designs}",
            got=value,
            hint=f"leave {option} out, or choose {designs}",
        )


def _find_program(params: OrgParams, persona: str, program: str | None) -> Program:
    """Return the programme asked for, or the persona's only one."""
    from workbench.core.errors import ParamError

    known = params.find_programs(persona)
    names = ", ".join(item.id for item in known)
    found = [item for item in known if program in (None, item.id)]
    if len(found) == 1:
        return found[0]
    raise ParamError.build(
        f"{persona} has no programme {program!r}"
        if program
        else f"{persona} has {len(known)} programmes",
        where=str(params.folder / "programs.yml"),
        rule=f"one of {names}" if known else "a programme for the persona",
        hint="name one with --program",
    )


def _parse_effect(text: str | None) -> float | None:
    """Read an effect given as a number or as a percentage; its size alone."""
    from workbench.core.errors import ParamError

    if text is None:
        return None
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError as error:
        raise ParamError.build(
            "This is not the size of an effect",
            where="--effect",
            rule="a number in the outcome's unit such as 0.2, or a share such as 5%",
            got=text,
            hint="leave it out to plan for the threshold of outcomes.yml",
        ) from error
    if not 0 < value < math.inf:
        raise ParamError.build(
            "An effect to be found is above 0",
            where="--effect",
            rule="a number above 0 in the outcome's unit, or a share such as 5%",
            got=text,
            hint="give its size alone; the outcome's direction is in outcomes.yml",
        )
    return value


def _size_effect(text: str | None, facts: PlanFacts, outcome: Outcome) -> float:
    """Return the effect in the outcome's unit: as given, else the threshold."""
    from workbench.core.errors import ParamError
    from workbench.impact.thresholds import find_smallest_effect

    value = _parse_effect(text)
    if value is not None:
        relative = text is not None and text.strip().endswith("%")
        return value / 100 * abs(facts.mean) if relative else value
    threshold = outcome.threshold_for(facts.persona)
    if threshold is None:
        raise ParamError.build(
            f"{outcome.id} has no threshold to plan for",
            hint="give the smallest effect worth finding with --effect",
        )
    return find_smallest_effect(threshold, baseline=facts.mean)
