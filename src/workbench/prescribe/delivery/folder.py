"""A folder of exported files: each format whole or as it was, all of it hashed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.core.errors import ParamError, SourceError
from workbench.core.store import read_json, write_atomic
from workbench.prescribe.delivery.safe_text import format_json

__all__ = ["INDEX", "MANIFEST", "ExportFolder", "open_export"]

MANIFEST = "manifest.json"
"""File that lists and hashes all others."""

INDEX = "index.csv"
"""File, in folders of many files, that says which file is whose."""

_KIND = "workbench export"
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}")
_NEW, _OLD = ".new-", ".old-"
_LOCK = ".export.lock"


class ExportFolder:
    """Files being exported; see `open_export`.

    Parameters
    ----------
    root : Path
        The folder; one sub-folder per format.
    private : bool
        Whether only the owner may read the files: they name people.
    """

    def __init__(self, root: Path, *, private: bool) -> None:
        self.root = root
        self._file_mode = 0o600 if private else 0o644
        self._folder_mode = 0o700 if private else 0o755
        self._format = ""
        self._made: set[str] = set()
        self._written: dict[str, str] = {}
        self._files = self._list_known()

    @contextlib.contextmanager
    def replace(self, name: str) -> Iterator[None]:
        """Let `add` fill a new folder of one format, which then replaces the old one.

        After an error the old one is still there.
        """
        new, old = self.root / f"{_NEW}{name}", self.root / f"{_OLD}{name}"
        self._format, self._written, self._made = name, {}, set()
        self._make("")
        try:
            yield
            if (self.root / name).exists():
                (self.root / name).rename(old)
            new.rename(self.root / name)
        finally:
            self._format = ""
            shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        kept = self._files.items()
        self._files = {k: v for k, v in kept if not k.startswith(f"{name}/")}
        self._files |= self._written

    def add(self, path: str, data: bytes) -> None:
        """Write one file of the format being replaced.

        Parameters
        ----------
        path : str
            Below the format's folder, with forward slashes; each part begins with a
            letter, digit or underscore, so that none leads out of the folder.
        data : bytes
            The whole content.

        Raises
        ------
        ParamError
            If the path is not of that form, or was written before.
        """
        parts = path.split("/")
        if not all(map(_PART.fullmatch, parts)) or f"{self._format}/{path}" in (
            self._written
        ):
            raise ParamError.build(
                "This cannot be the path of an exported file",
                rule="letters, digits, underscores, dots and hyphens; each path once",
                got=path,
            )
        self._make("/".join(parts[:-1]))
        place = f"{self.root}/{_NEW}{self._format}/{path}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        handle = os.open(place, flags, self._file_mode)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
        finally:
            os.close(handle)
        self._written[f"{self._format}/{path}"] = hashlib.sha256(data).hexdigest()

    def write_manifest(self, facts: Mapping[str, Any]) -> None:
        """Write what was exported and the hash of each file; the last thing done."""
        self._save({**facts, "complete": True})

    def mark_unfinished(self) -> None:
        """Say in the manifest that files are about to change."""
        self._save({"complete": False})

    def _save(self, facts: Mapping[str, Any]) -> None:
        files = dict(sorted(self._files.items()))
        content = format_json({"kind": _KIND, **facts, "files": files})
        path = self.root / MANIFEST
        write_atomic(path, lambda temporary: temporary.write_bytes(content))
        path.chmod(self._file_mode)

    def _make(self, folder: str) -> None:
        if folder not in self._made:
            place = self.root / f"{_NEW}{self._format}" / folder
            place.mkdir(self._folder_mode, parents=True, exist_ok=True)
            self._made.add(folder)

    def _list_known(self) -> dict[str, str]:
        """List the files of an earlier export that are still there."""
        path = self.root / MANIFEST
        files = read_json(path)["files"] if path.is_file() else {}
        return {k: v for k, v in files.items() if (self.root / k).is_file()}


@contextlib.contextmanager
def open_export(root: Path, *, private: bool) -> Iterator[ExportFolder]:
    """Open a folder for an export, alone, and clear up after one that was killed.

    Parameters
    ----------
    root : Path
        A folder of an earlier export, an empty one, or one yet to be made.
    private : bool
        Whether only the owner may read what is written.

    Yields
    ------
    ExportFolder
        Its manifest says that the export is unfinished until `write_manifest`.

    Raises
    ------
    ParamError
        If the folder holds anything else: nothing of it is touched.
    """
    _check_own(root)
    root.mkdir(0o700 if private else 0o755, parents=True, exist_ok=True)
    with (root / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if private:
            root.chmod(stat.S_IRWXU)
        _clear(root)
        folder = ExportFolder(root, private=private)
        folder.mark_unfinished()
        yield folder


def _check_own(root: Path) -> None:
    if not root.exists() and not root.is_symlink():
        return
    fault = ""
    if root.is_symlink() or not root.is_dir():
        fault = "it is a link or a file"
    elif not (root / MANIFEST).is_file():
        others = [item.name for item in root.iterdir() if item.name != _LOCK]
        fault = f"it holds {', '.join(sorted(others)[:3])}" if others else ""
    elif _read_kind(root / MANIFEST) != _KIND:
        fault = f"its {MANIFEST} is of something else"
    elif any(item.is_symlink() for item in root.iterdir()):
        fault = "a link lies in it"
    if fault:
        raise ParamError.build(
            "The export cannot be written here",
            where=str(root),
            rule="a new or empty folder, or one that an export has made",
            got=fault,
            hint="give another folder with --to",
        )


def _read_kind(path: Path) -> object:
    try:
        found = read_json(path)
    except SourceError:
        return None
    return found.get("kind") if isinstance(found, dict) else None


def _clear(root: Path) -> None:
    """Remove what a killed export was writing, and put back what it had taken away."""
    for left in root.glob(f"{_NEW}*"):
        shutil.rmtree(left)
    for old in root.glob(f"{_OLD}*"):
        place = root / old.name.removeprefix(_OLD)
        if place.exists():
            shutil.rmtree(old)
        else:
            old.rename(place)
