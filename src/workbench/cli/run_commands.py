"""Commands about a quarter: run it, see how it stands, publish it, look into it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.group import FAILED
from workbench.cli.options import (
    ExtractsOption,
    ForceOption,
    JobsOption,
    OrgOption,
    ProjectOption,
    QuarterArgument,
    TimeoutOption,
    make_console,
    open_org,
    open_workspace,
)

if TYPE_CHECKING:
    from workbench.core.params import OrgParams
    from workbench.core.store import Workspace

__all__ = ["brief", "lab", "run", "status"]

_TIMEOUT = 3600.0


def run(
    quarter: QuarterArgument,
    org: OrgOption,
    persona: Annotated[
        list[str] | None,
        typer.Option("--persona", "-p", metavar="P", help="Only this persona; again."),
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option("--stage", "-s", metavar="S", help="Only this stage; again."),
    ] = None,
    jobs: JobsOption = None,
    force: ForceOption = False,
    timeout: TimeoutOption = _TIMEOUT,
    extracts: ExtractsOption = None,
    project: ProjectOption = None,
) -> None:
    """Run the notebooks of a quarter, for every persona.

    Extracts that have changed are loaded first. Everything is checked before anything
    starts; notebooks whose data, parameters and code are unchanged are kept as they
    are; a notebook that fails stops only those that need it. The exit code is 1 if
    anything did not end well.
    """
    from workbench.cli.data_commands import load_changed
    from workbench.cli.show import show_report
    from workbench.runs.execute import run_quarter
    from workbench.runs.plan import plan_quarter

    params, workspace = open_org(project, org)
    parsed = params.parse_quarter(quarter)
    plan_quarter(params, workspace, parsed, personas=persona, stages=stage)
    console = make_console()
    load_changed(console, params, workspace, extracts=extracts)
    report = run_quarter(
        params,
        workspace,
        parsed,
        personas=persona,
        stages=stage,
        jobs=jobs,
        force=force,
        timeout=timeout,
        console=console,
    )
    show_report(console, report)
    if not report.ok:
        raise typer.Exit(FAILED)


def status(
    org: OrgOption,
    quarter: Annotated[
        str | None,
        typer.Argument(metavar="[QUARTER]", help="By default the last one run."),
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Show what a quarter has left and what is out of date.

    Nothing is run and nothing is changed.
    """
    from workbench.cli.show import show_lines, show_states
    from workbench.runs.status import read_status

    params, workspace = open_org(project, org)
    console = make_console()
    parsed = params.parse_quarter(quarter or _find_last(params, workspace))
    show_lines(console, [f"{parsed} of {params.workbench.name}"])
    show_states(console, read_status(params, workspace, parsed, pages=True))
    versions = sorted((workspace.briefs(org) / str(parsed)).glob("v*"))
    show_lines(console, [f"brief {item.name}: {item}" for item in versions])


def brief(
    quarter: QuarterArgument,
    org: OrgOption,
    renderer: Annotated[
        Literal["auto", "quarto", "builtin"],
        typer.Option(help="auto takes Quarto where it is installed."),
    ] = "auto",
    jobs: JobsOption = None,
    force: ForceOption = False,
    timeout: TimeoutOption = _TIMEOUT,
    project: ProjectOption = None,
) -> None:
    """Publish the brief of a quarter as a new version.

    The pages' notebooks are run on the results that `workbench run` has left, checked
    for what may not be shown, and rendered. A version once published is never changed.
    """
    from workbench.brief.site import publish
    from workbench.cli.show import show_lines, show_report
    from workbench.runs.execute import run_pages

    params, workspace = open_org(project, org)
    parsed = params.parse_quarter(quarter)
    console = make_console()
    report = run_pages(
        params,
        workspace,
        parsed,
        jobs=jobs,
        force=force,
        timeout=timeout,
        console=console,
    )
    if not report.ok:
        show_report(console, report)
        raise typer.Exit(FAILED)
    made = publish(params, workspace, parsed, renderer=renderer, console=console)
    show_lines(console, ["To read it, open", f"  {made.index}"])


def lab(
    notebook: Annotated[
        Path | None,
        typer.Argument(
            metavar="[NOTEBOOK]", help="Notebook or folder; by default notebooks/."
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option(help="Whether to open a browser window.")
    ] = True,
    project: ProjectOption = None,
) -> None:
    """Open JupyterLab at the notebooks, or at one of them."""
    from workbench.core.errors import ParamError

    workspace = open_workspace(project)
    named = notebook or workspace.notebooks
    wanted = (named if named.exists() else workspace.root / named).resolve()
    if not wanted.exists() or not wanted.is_relative_to(workspace.root):
        raise ParamError.build(
            "JupyterLab cannot open this",
            where=str(wanted),
            rule=f"a notebook or folder below {workspace.root}",
        )
    address = wanted.relative_to(workspace.root).as_posix()
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={workspace.root}",
        f"--LabApp.default_url=/lab/tree/{address}",
    ]
    if not browser:
        command.append("--no-browser")
    os.execv(sys.executable, command)


def _find_last(params: OrgParams, workspace: Workspace) -> str:
    """Name the last quarter that has a folder; without any, the organisation's last."""
    span = params.workbench.quarter
    folders = (workspace.outputs / params.org).glob("[0-9]*Q[1-4]")
    found = [item.name for item in folders if span.first <= item.name <= span.last]
    return max(found, default=span.last)
