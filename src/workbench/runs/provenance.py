"""Which code and which libraries made a result."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import workbench
from workbench.core.store import hash_file, hash_text

__all__ = ["ROOMS", "find_rooms", "hash_package", "list_versions", "read_commit"]

ROOMS = ("data", "cohorts", "impact", "prescribe", "value", "privacy", "brief")
"""The rooms along the way of the data; each imports only those before it."""

_EVERYWHERE = ("core", "plots")
"""Rooms that any notebook or room may use."""

_MENTION = re.compile(r"\bworkbench(?:\.|\s+import\s+)(\w+)")
_REQUIRED_NAME = re.compile(r"[A-Za-z0-9._-]+")
_SECONDS_FOR_GIT = 10


def find_rooms(source: str) -> tuple[str, ...]:
    """Name the rooms whose code can have a part in what a notebook computes.

    Because a room imports only those before it, these are the rooms up to the last
    one that the notebook names, and those that may be used everywhere.
    """
    named = [ROOMS.index(room) for room in _MENTION.findall(source) if room in ROOMS]
    return (*_EVERYWHERE, *ROOMS[: max(named, default=-1) + 1])


def hash_package(rooms: Iterable[str] | None = None) -> str:
    """Return the SHA-256 of the package's files.

    Parameters
    ----------
    rooms : iterable of str, optional
        Only these rooms; the whole package by default.
    """
    root = Path(workbench.__file__).parent
    folders = [root] if rooms is None else [root / room for room in rooms]
    paths = {path for folder in folders for path in folder.rglob("*")}
    lines = [
        f"{path.relative_to(root).as_posix()} {hash_file(path)}"
        for path in sorted(paths)
        if path.is_file() and path.suffix != ".pyc"
    ]
    return hash_text("\n".join(lines))


def list_versions(requirements: Sequence[str] | None = None) -> dict[str, str]:
    """Return the installed versions of Python and of the package's dependencies.

    Parameters
    ----------
    requirements : sequence of str, optional
        Requirements as a package states them; the workbench's own by default.
    """
    stated = metadata.requires("workbench") if requirements is None else requirements
    versions = {"python": platform.python_version()}
    for line in stated or ():
        name = _REQUIRED_NAME.match(line)
        if name is None or "extra ==" in line:
            continue
        try:
            versions[name[0]] = metadata.version(name[0])
        except metadata.PackageNotFoundError:
            continue
    return dict(sorted(versions.items()))


def read_commit(root: Path) -> dict[str, Any]:
    """Return the commit of a project and whether tracked files differ from it.

    Both are None where the project is not under git, or git is not installed.
    """
    git = shutil.which("git")
    commit = git and _ask(git, root, "rev-parse", "HEAD")
    if not git or not commit:
        return {"commit": None, "dirty": None}
    changed = _ask(git, root, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit.strip(),
        "dirty": None if changed is None else bool(changed),
    }


def _ask(git: str, root: Path, *words: str) -> str | None:
    try:
        answer = subprocess.run(
            [git, "-C", str(root), *words],
            capture_output=True,
            text=True,
            timeout=_SECONDS_FOR_GIT,
        )
    except subprocess.TimeoutExpired:
        return None
    return answer.stdout if answer.returncode == 0 else None
