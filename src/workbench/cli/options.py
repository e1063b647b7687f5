"""Arguments and options that several commands share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.core.params import OrgParams
    from workbench.core.store import Workspace

__all__ = [
    "ExtractsOption",
    "ForceOption",
    "JobsOption",
    "OrgOption",
    "ProjectOption",
    "QuarterArgument",
    "TimeoutOption",
    "make_console",
    "open_org",
    "open_workspace",
]

_WIDTH_OF_LOGS = 120

ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project",
        metavar="FOLDER",
        help="Project folder; by default the nearest one upwards from here.",
    ),
]
OrgOption = Annotated[
    str,
    typer.Option(
        "--org",
        metavar="ORG",
        envvar="WORKBENCH_ORG",
        help="Organisation: the name of its folder below params/.",
    ),
]
QuarterArgument = Annotated[
    str, typer.Argument(metavar="QUARTER", help="Fiscal quarter, such as 2026Q3.")
]
ExtractsOption = Annotated[
    Path | None,
    typer.Option(
        "--extracts",
        metavar="FOLDER",
        help="Where the extracts lie, instead of the root named in source.yml.",
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        help="Notebooks at once; by default one per core.",
    ),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Do it even if nothing has changed.")
]
TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout",
        min=1,
        metavar="SECONDS",
        help="End a notebook that takes longer.",
    ),
]


def open_workspace(project: Path | None) -> Workspace:
    """Find the project that a command works on."""
    from workbench.core.store import Workspace, find_project_root

    return Workspace(find_project_root(project))


def open_org(project: Path | None, org: str) -> tuple[OrgParams, Workspace]:
    """Find the project and read the parameters of an organisation in it."""
    from workbench.core.params import load_org_params

    workspace = open_workspace(project)
    return load_org_params(org, workspace.params), workspace


def make_console() -> Console:
    """Make the console for results: of a terminal's width, or wide enough for logs."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_OF_LOGS)
