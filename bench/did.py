"""Group-time effects against other tools: ``python -m bench.did --help``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.contest import Contender, prepare
from bench.table import hold, parse_sizes

EXAMPLES = """Examples:

  python -m bench.did                               1,000, 10,000, 100,000 units

  python -m bench.did --sizes 1000 --only csdid,differences
"""
_SAME = (
    "ATT(g,t) doubly robust with one covariate, not-yet-treated, event study, overall"
)
CONTENDERS = (
    Contender(name="workbench", ours=True, does=f"{_SAME}, influence functions kept"),
    Contender(name="diff-diff", ours=False, does=f"{_SAME}, analytic errors"),
    Contender(name="csdid", ours=False, does=f"{_SAME}, analytic errors"),
    Contender(name="differences", ours=False, does=f"{_SAME}, analytic errors"),
)
app = typer.Typer(add_completion=False)


@app.command(epilog=EXAMPLES)
def contest(
    sizes: Annotated[str, typer.Option(help="Units, by comma.")] = "1000,10000,100000",
    only: Annotated[str, typer.Option(help="Names, by comma; default all.")] = "",
    limit: Annotated[float, typer.Option(help="Seconds each may take.")] = 300.0,
) -> None:
    """Estimate effects of three groups over ten periods, one tool at a time."""
    prepare()
    hold(
        "did",
        CONTENDERS,
        module="bench.entrants_did",
        sizes=parse_sizes(sizes),
        only=only,
        limit=limit,
    )


if __name__ == "__main__":
    app()
