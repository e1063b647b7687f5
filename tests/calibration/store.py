"""Finished runs in chunks, so that an interrupted calibration continues."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd

from tests.calibration.cells import Cell
from tests.calibration.registry import list_cells

CHUNK = 25
"""Runs per file: the most that an interruption loses."""

ROOT = Path(__file__).parents[2]
RUNS_FOLDER = ROOT / "outputs" / "_calibration"

_PREFIXES = (
    "workbench.impact",
    "workbench.prescribe",
    "tests.calibration",
    "tests.impact",
    "tests.prescribe",
)
"""Modules whose code can change a run; what they stand on is held by its own tests."""

Chunk = tuple[str, int, int]


def name_code(cell: Cell) -> str:
    """Return a short digest of the code behind a cell; other code, other runs."""
    return _digest(getattr(cell.measure, "func", cell.measure).__module__)


@cache
def _digest(module: str) -> str:
    digest = hashlib.sha256()
    for path in sorted(find_sources(module)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def find_sources(module: str) -> set[Path]:
    """Find the files that a module imports, also within functions, and its own."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _locate(waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                waiting.append(node.module)
                waiting += [f"{node.module}.{item.name}" for item in node.names]
            elif isinstance(node, ast.Import):
                waiting += [item.name for item in node.names]
    return found


def _locate(module: str) -> Path | None:
    """Return the file of a module whose code counts."""
    if not module.startswith(_PREFIXES):
        return None
    room = ROOT / "src" if module.startswith("workbench") else ROOT
    path = room.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.is_file() else None


def list_missing(cells: Iterable[Cell], *, runs: int, folder: Path) -> list[Chunk]:
    """List the chunks that are not on disk, a chunk of every cell in turn."""
    starts = range(0, runs, CHUNK)
    wanted = [
        (cell, start, min(start + CHUNK, runs)) for start in starts for cell in cells
    ]
    return [
        (cell.name, start, end)
        for cell, start, end in wanted
        if not _place(cell, start, end, folder).exists()
    ]


def run_chunk(chunk: Chunk, folder: Path) -> Chunk:
    """Carry out the runs of a chunk and keep them."""
    name, start, end = chunk
    cell = list_cells()[name]
    rows = [cell.execute(run) for run in range(start, end)]
    place = _place(cell, start, end, folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_suffix(".part")
    pd.DataFrame(rows).to_parquet(beside, index=False)
    beside.replace(place)
    return chunk


def run_all(chunks: list[Chunk], *, folder: Path, workers: int) -> Any:
    """Yield each chunk as it is finished; processes start fresh, one task each."""
    if workers == 1:
        for chunk in chunks:
            yield run_chunk(chunk, folder)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(run_chunk, chunk, folder) for chunk in chunks]
        for done in as_completed(waiting):
            yield done.result()


def read_runs(cell: Cell, *, runs: int, folder: Path) -> pd.DataFrame:
    """Read the finished runs of a cell, at most the first `runs`."""
    found = [
        pd.read_parquet(path)
        for path in sorted((folder / name_code(cell) / cell.name).glob("*.parquet"))
    ]
    if not found:
        return pd.DataFrame()
    table = pd.concat(found, ignore_index=True).drop_duplicates("run")
    return table[table["run"] < runs].sort_values("run", ignore_index=True)


def _place(cell: Cell, start: int, end: int, folder: Path) -> Path:
    return folder / name_code(cell) / cell.name / f"{start:05d}-{end:05d}.parquet"
