"""Commands about data: make the demo organisation, check a mapping, load extracts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.group import FAILED
from workbench.cli.options import (
    ExtractsOption,
    ForceOption,
    OrgOption,
    ProjectOption,
    make_console,
    open_org,
    open_workspace,
)

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.core.params import OrgParams
    from workbench.core.store import Workspace

__all__ = ["check", "demo", "load", "load_changed"]


def demo(
    employees: Annotated[
        int, typer.Option(metavar="N", help="People ever employed.")
    ] = 4000,
    quarters: Annotated[
        int, typer.Option(metavar="N", help="Quarters, ending with 2026Q3.")
    ] = 8,
    seed: Annotated[int, typer.Option(metavar="N", help="Same seed, same bytes.")] = 7,
    motivation: Annotated[
        float,
        typer.Option(
            metavar="X", help="Strength of motivation, which nobody measures; 0 to 1."
        ),
    ] = 0.1,
    events: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Events per person in the activity stream; 0 for none."
        ),
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Make a synthetic organisation whose true effects are known.

    Its extracts, as six systems would deliver them with all their faults, go to
    extracts/demo; the truth goes to extracts/demo_truth, which only tests read.
    """
    from workbench.data.demo import make_demo

    root = open_workspace(project).root
    made = make_demo(
        root / "extracts" / "demo",
        root / "extracts" / "demo_truth",
        employees=employees,
        quarters=quarters,
        seed=seed,
        motivation=motivation,
        events_per_person=events,
    )
    rows = sum(made.files.values())
    typer.echo(
        f"{made.employees:,} people, {made.first} to {made.last}: {rows:,} rows "
        f"in {made.folder}"
    )


def check(
    org: OrgOption,
    extracts: ExtractsOption = None,
    project: ProjectOption = None,
) -> None:
    """Show what of the extracts maps and what does not."""
    from workbench.cli.show_data import show_check
    from workbench.data.check import check_sources

    params, workspace = open_org(project, org)
    console = make_console()
    with console.status("trying the mapping on the extracts"):
        found = check_sources(params, workspace, extracts=extracts)
    show_check(console, found)
    if not found.ok:
        raise typer.Exit(FAILED)


def load(
    org: OrgOption,
    extracts: ExtractsOption = None,
    force: ForceOption = False,
    project: ProjectOption = None,
) -> None:
    """Load an organisation's extracts into its tables.

    Nothing is done if neither extracts nor source.yml have changed. Bad rows are set
    apart with reason, file and row; person ids become pseudonyms.
    """
    params, workspace = open_org(project, org)
    load_changed(make_console(), params, workspace, extracts=extracts, force=force)


def load_changed(
    console: Console,
    params: OrgParams,
    workspace: Workspace,
    *,
    extracts: Path | None,
    force: bool = False,
) -> None:
    """Load the extracts if they have changed, and print what was loaded."""
    from workbench.cli.show_data import show_load
    from workbench.data.load import load_org

    with console.status("loading") as told:
        report = load_org(
            params, workspace, extracts=extracts, force=force, progress=told.update
        )
    show_load(console, report)
