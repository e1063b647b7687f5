"""The whole survival stage at size: ``python -m bench.survival --help``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.contest import Contender
from bench.table import hold, parse_sizes

EXAMPLES = """Examples:

  python -m bench.survival                          50,000 and 500,000 people

  python -m bench.survival --sizes 5000
"""
CONTENDERS = (
    Contender(
        name="workbench",
        ours=True,
        does="notebook 06 for a fifth of the people, from the stored tables of five "
        "years on: facts, trials, follow-ups, histories, answers; matching, curves, "
        "errors, tests, hazard ratios and the comparison of datings for each outcome. "
        "The estimate is the difference in 12-month retention; the data hold none",
    ),
)
app = typer.Typer(add_completion=False)


@app.command(epilog=EXAMPLES)
def contest(
    sizes: Annotated[str, typer.Option(help="People, by comma.")] = "50000,500000",
    only: Annotated[str, typer.Option(help="Names, by comma; default all.")] = "",
    limit: Annotated[float, typer.Option(help="Seconds each may take.")] = 300.0,
) -> None:
    """Follow the people of a large organisation; nobody else does the same."""
    hold(
        "survival",
        CONTENDERS,
        module="bench.entrants_survival",
        sizes=parse_sizes(sizes),
        only=only,
        limit=limit,
    )


if __name__ == "__main__":
    app()
