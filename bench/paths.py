"""Joint learning paths at size: ``python -m bench.paths --help``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.contest import Contender
from bench.table import hold, parse_sizes

EXAMPLES = """Examples:

  python -m bench.paths                             3 and 12 personas

  python -m bench.paths --sizes 6
"""
CONTENDERS = (
    Contender(
        name="workbench",
        ours=True,
        does="paths of all personas together, 200 candidate modules each, proven best "
        "in impact and then in hours: budgets of hours and money that bind, costs per "
        "module, places, prerequisites, skill gaps. Seconds are those of the slowest "
        "of eight drawn portfolios; the estimate is the impact of its paths",
    ),
)
app = typer.Typer(add_completion=False)


@app.command(epilog=EXAMPLES)
def contest(
    sizes: Annotated[str, typer.Option(help="Personas, by comma.")] = "3,12",
    only: Annotated[str, typer.Option(help="Names, by comma; default all.")] = "",
    limit: Annotated[float, typer.Option(help="Seconds each may take.")] = 300.0,
) -> None:
    """Choose the paths of many personas at once; nobody else does the same."""
    hold(
        "paths",
        CONTENDERS,
        module="bench.entrants_paths",
        sizes=parse_sizes(sizes),
        only=only,
        limit=limit,
    )


if __name__ == "__main__":
    app()
