"""The commands and what they are called."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench import __version__
from workbench.cli.action_commands import actions_app, rules_app
from workbench.cli.data_commands import check, demo, load
from workbench.cli.examples import format_examples
from workbench.cli.export_commands import export
from workbench.cli.group import WorkbenchGroup
from workbench.cli.plan_commands import plan_experiment
from workbench.cli.run_commands import brief, lab, run, status

__all__ = ["app"]

_WAY = """\b
From extracts to a published brief:
  workbench check --org ORG                  what of the extracts maps, what does not
  workbench run 2026Q3 --org ORG             load what changed, run every notebook
  workbench brief 2026Q3 --org ORG           publish a new version of the brief
  workbench plan-experiment --org ORG -p P   plan and register the next test
  workbench actions approve --org ORG ...    sign off what is proposed to people
  workbench export 2026Q3 --org ORG          approved next steps for other systems
"""

app = typer.Typer(
    cls=WorkbenchGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=_WAY,
)
for _command in (
    *(demo, check, load, run, status, brief, plan_experiment),
    *(export, lab),
):
    _name = _command.__name__.replace("_", "-")
    app.command(_name, epilog=format_examples(_name))(_command)

app.add_typer(rules_app, name="rules", epilog=format_examples("rules check"))
app.add_typer(actions_app, name="actions", epilog=format_examples("actions list"))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"workbench {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Say the version."
        ),
    ] = False,
) -> None:
    """Say what learning changed, for whom, how sure that is, and what to do next."""
