"""The manifest of a stage: what went in, what came out, and under which code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench.core.errors import SourceError
from workbench.core.store import hash_file, hash_text, read_json, write_json
from workbench.runs.jobs import Failure
from workbench.runs.plan import Task
from workbench.runs.provenance import list_versions

__all__ = [
    "FAILED_NOTEBOOK",
    "MANIFEST",
    "Ending",
    "hash_outputs",
    "make_key",
    "read_manifest",
    "read_result",
    "write_manifest",
]

MANIFEST = "manifest.json"
"""Name of the manifest in a stage folder."""

FAILED_NOTEBOOK = "failed.ipynb"
"""Name of the executed notebook of a task that failed."""

_SCHEMA = 1
_READ_BACK = {"schema", "status", "reason", "key", "outputs", "seconds", "end"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How and when a task ended.

    ``status`` is ``done``, ``not_applicable``, ``blocked`` or ``failed``; the times
    are in UTC; ``cells`` holds the seconds of each code cell by its number.
    """

    status: str
    reason: str
    start: datetime
    end: datetime
    cells: Mapping[int, float]
    failure: Failure | None = None


def make_key(ingredients: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything a task's results depend on."""
    return hash_text(json.dumps(ingredients, sort_keys=True))


def write_manifest(
    folder: Path,
    *,
    task: Task,
    ingredients: Mapping[str, Any],
    package: Mapping[str, Any],
    ending: Ending,
) -> None:
    """Write ``manifest.json`` beside the results that lie in `folder`.

    Parameters
    ----------
    folder : Path
        Holds everything the task left; each file is listed with its SHA-256.
    task : Task
        What was run.
    ingredients : mapping
        What the results depend on; see `workbench.runs.cache.Ingredients`.
    package : mapping
        SHA-256 of the whole package, and the commit of the project.
    ending : Ending
        How the task ended.
    """
    failure = ending.failure
    write_json(
        folder / MANIFEST,
        {
            "schema": _SCHEMA,
            "org": task.org,
            "quarter": str(task.quarter),
            "persona": task.persona,
            "stage": task.stage.name,
            "data_cut": task.quarter.last_day.isoformat(),
            "seed": task.seed,
            **ingredients,
            "key": make_key(ingredients),
            "package": dict(package),
            "versions": list_versions(),
            "status": ending.status,
            "reason": ending.reason,
            "failure": None
            if failure is None
            else {"cell": failure.cell, "error": failure.error, "text": failure.text},
            "start": ending.start.isoformat(timespec="seconds"),
            "end": ending.end.isoformat(timespec="seconds"),
            "seconds": round((ending.end - ending.start).total_seconds(), 3),
            "cell_seconds": {
                str(number): round(took, 3) for number, took in ending.cells.items()
            },
            "outputs": hash_outputs(folder),
        },
    )


def read_manifest(folder: Path) -> Mapping[str, Any] | None:
    """Return the manifest of a stage folder; None if there is none to be read."""
    try:
        manifest = read_json(folder / MANIFEST)
    except SourceError:
        return None
    whole = isinstance(manifest, dict) and manifest.keys() >= _READ_BACK
    return manifest if whole and manifest["schema"] == _SCHEMA else None


def read_result(folder: Path) -> tuple[str, str] | None:
    """Return the status and reason that a stage's notebook left, or None."""
    try:
        result = read_json(folder / "status.json")
        return str(result["status"]), str(result["reason"])
    except (SourceError, KeyError, TypeError):
        return None


def hash_outputs(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a stage folder but the manifest."""
    return {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    }
