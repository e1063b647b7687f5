"""Run the calibration: ``python -m tests.calibration --help``."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from tests.calibration.registry import list_cells
from tests.calibration.store import (
    CHUNK,
    RUNS_FOLDER,
    list_missing,
    read_runs,
    run_all,
)
from tests.calibration.summary import PROOF, publish, summarise

EXAMPLES = """Examples:

  python -m tests.calibration                      all cells, 500 runs each

  python -m tests.calibration --runs 2000 --cells "psm_teams_*"

  python -m tests.calibration --runs 500 --workers 1 --no-publish

An interrupted calibration continues where it stopped.
"""
app = typer.Typer(add_completion=False)

_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "DIFF_DIFF_BACKEND": "python",
}
"""One thread each, and the same arithmetic everywhere; started processes inherit it."""


@app.command(epilog=EXAMPLES)
def calibrate(
    runs: Annotated[int, typer.Option(help="Runs per cell.")] = 500,
    cells: Annotated[str, typer.Option(help="Patterns of names, by comma.")] = "*",
    workers: Annotated[int, typer.Option(help="Processes.")] = 2,
    folder: Annotated[Path, typer.Option(help="Finished runs.")] = RUNS_FOLDER,
    publish_rows: Annotated[
        bool, typer.Option("--publish/--no-publish", help="Write the table.")
    ] = True,
) -> None:
    """Estimate on data of known truth, again and again, and publish what came out."""
    os.environ.update(_SETTINGS)
    console = Console(soft_wrap=True)
    patterns = cells.split(",")
    chosen = [
        cell
        for cell in list_cells().values()
        if any(fnmatch(cell.name, pattern.strip()) for pattern in patterns)
    ]
    if not chosen:
        console.print(f"No cell fits {cells}; there are {', '.join(list_cells())}")
        raise typer.Exit(2)
    missing = list_missing(chosen, runs=runs, folder=folder)
    columns = (
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"chunks of {CHUNK} runs", total=len(missing))
        for name, _, end in run_all(missing, folder=folder, workers=workers):
            progress.update(task, advance=1, description=f"{name} to {end}")
    rows = [
        summarise(cell, table)
        for cell in chosen
        if len(table := read_runs(cell, runs=runs, folder=folder))
    ]
    for row in rows:
        console.print(
            f"{row['cell']:24} runs {row['runs']:5} refused {row['failed']:4} "
            f"coverage {row['coverage']:.3f} ({row['coverage_error']:.3f}) "
            f"bias {row['bias']:+.4f} se/sd {row['se_ratio']:.2f} "
            f"warned {row['warned']:.2f}"
        )
    if publish_rows:
        publish(rows)
        console.print(f"written to {PROOF.relative_to(Path.cwd())}")


if __name__ == "__main__":
    app()
