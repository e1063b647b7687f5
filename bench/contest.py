"""Each contender in a process of its own, with limits of time and memory."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
PEERS = ROOT / "bench" / ".venv" / "bin" / "python"
THREADS = {
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "DIFF_DIFF_BACKEND": "python",
    "PYTHONWARNINGS": "ignore",
}
"""Everybody may use both cores; the workbench limits itself to one."""

MEMORY_GIB = 10
"""No process may have more, so that one contender cannot take the machine down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Who runs, with whose interpreter, and what it does and does not do."""

    name: str
    ours: bool
    does: str


def prepare() -> None:
    """Make the peers' environment once; it never touches the project's own."""
    if PEERS.exists():
        return
    folder = PEERS.parents[1]
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    needs = ROOT / "bench" / "requirements.txt"
    subprocess.run(
        [str(PEERS), "-m", "pip", "install", "-q", "-r", str(needs)], check=True
    )


def run(
    contender: Contender, *, module: str, size: int, limit: float
) -> dict[str, Any]:
    """Run one contender once.

    Returns
    -------
    dict
        ``seconds`` of the work itself (imports and data apart), ``peak_gib`` of the
        whole process, ``estimate``, ``std_error`` where it has one; or ``fault``.
    """
    python = sys.executable if contender.ours else str(PEERS)
    command = [python, "-m", module, contender.name, str(size)]
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | THREADS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_limit_memory,
    )
    started = time.monotonic()
    row: dict[str, Any] = {"name": contender.name, "size": size}
    try:
        said, wrong = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return row | {"fault": f"did not finish in {limit:.0f} s"}
    row["wall_seconds"] = round(time.monotonic() - started, 2)
    if child.returncode:
        return row | {"fault": _name_fault(wrong, child.returncode)}
    return row | json.loads(said.strip().splitlines()[-1])


def _limit_memory() -> None:
    size = MEMORY_GIB * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _name_fault(wrong: str, code: int) -> str:
    if "MemoryError" in wrong or "Unable to allocate" in wrong or code < 0:
        return f"needs more than {MEMORY_GIB} GiB"
    lines = wrong.strip().splitlines() or [f"ended with {code}"]
    return lines[-1][:160]


def save(kind: str, rows: list[dict[str, Any]]) -> Path:
    """Write the results with date, machine and versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    RESULTS.mkdir(parents=True, exist_ok=True)
    place = RESULTS / f"{kind}.json"
    found = {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} shared cores, {memory:.0f} GiB",
        "python": platform.python_version(),
        "rows": rows,
    }
    place.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return place
