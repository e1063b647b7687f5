"""Matching against other tools: ``python -m bench.matching --help``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.contest import Contender, prepare
from bench.table import hold, parse_sizes

EXAMPLES = """Examples:

  python -m bench.matching                          10,000, 100,000, 1,000,000 rows

  python -m bench.matching --sizes 10000 --only dowhy,psmpy

  python -m bench.matching --limit 60
"""
CONTENDERS = (
    Contender(
        name="workbench",
        ours=True,
        does="ridge score, 1:1 without replacement, caliper 0.2, balance (differences, "
        "variance ratios, distributions), regression in the matched sample, error "
        "clustered by pair and person",
    ),
    Contender(
        name="workbench_replace",
        ours=True,
        does="the same with replacement, bias-corrected, Abadie-Imbens error",
    ),
    Contender(
        name="dowhy",
        ours=False,
        does="score, 1:1 with replacement, ATT; no caliper, balance or error",
    ),
    Contender(
        name="dowhy_error",
        ours=False,
        does="the same with its error, 100 draws of the bootstrap (which is not valid "
        "for matching)",
    ),
    Contender(
        name="psmpy",
        ours=False,
        does="score, 1:1 without replacement, caliper; no error",
    ),
    Contender(
        name="causalml",
        ours=False,
        does="score, 1:1 without replacement, caliper, balance of means; no error",
    ),
)
app = typer.Typer(add_completion=False)


@app.command(epilog=EXAMPLES)
def contest(
    sizes: Annotated[str, typer.Option(help="Rows, by comma.")] = (
        "10000,100000,1000000"
    ),
    only: Annotated[str, typer.Option(help="Names, by comma; default all.")] = "",
    limit: Annotated[float, typer.Option(help="Seconds each may take.")] = 300.0,
) -> None:
    """Match people of ten covariates, a fifth of them learners, one tool at a time."""
    prepare()
    hold(
        "matching",
        CONTENDERS,
        module="bench.entrants_matching",
        sizes=parse_sizes(sizes),
        only=only,
        limit=limit,
    )


if __name__ == "__main__":
    app()
