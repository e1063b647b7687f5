"""The command that plans the next experiment and writes it down."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.group import FAILED
from workbench.cli.options import OrgOption, ProjectOption, make_console, open_org

if TYPE_CHECKING:
    from workbench.cohorts.planning import PlanFacts
    from workbench.core.params import OrgParams, Outcome, Program
    from workbench.impact.planning.plan_frames import PlanRequest

__all__ = ["plan_experiment"]

_Design = Literal["individual", "cluster", "stepped_wedge"]


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
        float, typer.Option(help="Share that is offered the programme at once.")
    ] = 0.5,
    quarters: Annotated[
        int,
        typer.Option(help="Quarters of assignment at most; waves of a stepped wedge."),
    ] = 4,
    clusters: Annotated[
        int | None,
        typer.Option(help="Teams that can take part; by default the persona's."),
    ] = None,
    per_quarter: Annotated[
        int | None,
        typer.Option(help="People assigned per quarter; by default the past pace."),
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
    from workbench.cli.show_plan import show_plan, show_written
    from workbench.cohorts.planning import load_plan_facts
    from workbench.impact.planning.draft import (
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
    called = name or f"{offered.id}_{str(cut.shift(1)).lower()}"
    path = find_registration_path(params, called)
    chosen: _Design = design or (
        "cluster" if offered.assigned_by == "team" else "individual"
    )

    def ask(size: float) -> PlanRequest:
        return PlanRequest(
            design=chosen,
            effect=size,
            power=power,
            alpha=params.workbench.impact.alpha if alpha is None else alpha,
            share=allocation,
            quarters=quarters,
            clusters=clusters,
            per_quarter=per_quarter,
            taken=uptake,
        )

    ask(_parse_effect(effect) or 1.0)
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
    show_plan(console, plan, label=params.find_persona(persona).label)
    if not plan.reachable:
        raise typer.Exit(FAILED)
    registration = draft_registration(plan, name=called, written_on=date.today())
    if not dry_run:
        write_registration(registration, path, force=force)
    show_written(console, registration, path, dry_run=dry_run)


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
            rule="a number in the outcome's unit such as 0.2, or a share such as 5%",
            got=text,
        ) from error
    if value <= 0:
        raise ParamError.build(
            "An effect to be found is above 0",
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
