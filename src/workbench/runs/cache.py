"""What a task's results depend on, and whether those on disk still hold."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import workbench
from workbench.core.errors import SourceError
from workbench.core.params import OrgParams
from workbench.core.stages import STAGES
from workbench.core.store import (
    ALL_PERSONAS,
    Workspace,
    hash_file,
    hash_text,
)
from workbench.runs.jobs import NOTEBOOK
from workbench.runs.manifest import hash_outputs, make_key, read_manifest
from workbench.runs.plan import Task
from workbench.runs.provenance import find_rooms, hash_package

__all__ = ["FINISHED", "Ingredients", "describe_change", "find_fresh"]

FINISHED = ("done", "not_applicable", "blocked")
"""Statuses of a task that would end the same way if it were run again."""

_LOADED = "_load.json"


class Ingredients:
    """Reads, once per run, everything that results depend on.

    Parameters
    ----------
    params : OrgParams
        The organisation; every file of its folder counts.
    workspace : Workspace
        The project.

    Raises
    ------
    SourceError
        If the organisation's extracts have not been loaded.
    """

    def __init__(self, params: OrgParams, workspace: Workspace) -> None:
        self._params = params
        self._workspace = workspace
        store = workspace.store(params.org)
        if not (store / _LOADED).is_file():
            raise SourceError.build(
                f"The data of {params.org} have not been loaded",
                where=str(store),
                hint=f"workbench load --org {params.org}",
            )
        self._store = _hash_files(store, prefix="store/")
        self._files = _hash_files(params.folder)
        lock = workspace.root / "requirements.lock"
        self._environment = {
            "lock_sha256": hash_file(lock) if lock.is_file() else None,
            "python": platform.python_version(),
        }
        self._code: dict[tuple[str, ...], str] = {}

    def list_for(self, task: Task) -> dict[str, Any]:
        """List what one task depends on, as it stands in the task's manifest.

        Returns
        -------
        dict
            ``parameters``, ``parameter_files``, ``inputs`` (SHA-256 of every table of
            the store and of every result of the tasks needed), ``notebook``, ``code``
            (SHA-256 of the rooms the notebook can reach) and ``environment``.
        """
        source = task.notebook.read_text(encoding="utf-8")
        rooms = find_rooms(source)
        if rooms not in self._code:
            self._code[rooms] = hash_package(rooms)
        shown = task.notebook.relative_to(self._workspace.root).as_posix()
        return {
            "parameters": dict(task.parameters),
            "parameter_files": self._files,
            "inputs": {**self._store, **self._list_results(task)},
            "notebook": {"path": shown, "sha256": hash_text(source)},
            "code": {
                "version": workbench.__version__,
                "rooms": list(rooms),
                "sha256": self._code[rooms],
            },
            "environment": self._environment,
        }

    def _list_results(self, task: Task) -> dict[str, str]:
        """Hashes of the tables that the stages before have left, from manifests."""
        hashes = {}
        for stage, persona in self._list_before(task):
            folder = self._workspace.stage(task.org, task.quarter, persona, stage)
            manifest = read_manifest(folder) or {"outputs": {}}
            for name, digest in manifest["outputs"].items():
                if not name.endswith(".ipynb"):
                    hashes[f"{persona}/{stage}/{name}"] = str(digest)
        return hashes

    def _list_before(self, task: Task) -> Iterable[tuple[str, str]]:
        """Stages and personas before a task; for a page, all there are."""
        if task.stage.page is None:
            for label in task.needs:
                stage, _, persona = label.partition("/")
                yield stage, persona
            return
        for item in STAGES:
            personas = [persona.id for persona in self._params.personas]
            for persona in personas if item.per_persona else [ALL_PERSONAS]:
                yield item.name, persona


def find_fresh(
    folder: Path, ingredients: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return the manifest of results that still hold, or None.

    They hold if they were made from the same ingredients, the task came to its end,
    and every file listed is there unchanged.
    """
    manifest = read_manifest(folder)
    if (
        manifest is None
        or manifest["status"] not in FINISHED
        or manifest["key"] != make_key(ingredients)
        or manifest["outputs"] != hash_outputs(folder)
        or NOTEBOOK not in manifest["outputs"]
    ):
        return None
    return manifest


def describe_change(folder: Path, ingredients: Mapping[str, Any]) -> str:
    """Say in a few words why results on disk do not hold any more."""
    manifest = read_manifest(folder)
    if manifest is None:
        return "never run"
    if manifest["status"] not in FINISHED:
        return "it failed"
    changed = [name for name in ingredients if manifest.get(name) != ingredients[name]]
    if not changed:
        return "its files were changed"
    words = [name.replace("_", " ") for name in changed]
    return "changed: " + ", ".join(words)


def _hash_files(folder: Path, *, prefix: str = "") -> dict[str, str]:
    """Hash all files of a folder and of those within it, hidden ones left out."""
    named = ((path.relative_to(folder), path) for path in sorted(folder.rglob("*")))
    return {
        prefix + name.as_posix(): hash_file(path)
        for name, path in named
        if path.is_file() and not any(part.startswith(".") for part in name.parts)
    }
