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
    terms : mapping
        What holds for every format in the folder.
    """

    def __init__(
        self, root: Path, *, private: bool, terms: Mapping[str, object]
    ) -> None:
        self.root = root
        self._terms = dict(terms)
        self._file_mode = 0o600 if private else 0o644
        self._folder_mode = 0o700 if private else 0o755
        self._format = ""
        self._made: set[str] = set()
        self._written: dict[str, str] = {}
        known = _read_manifest(root)
        self._facts: dict[str, dict[str, Any]] = dict(known.get("formats", {}))
        self._files: dict[str, str] = {
            path: digest
            for path, digest in known.get("files", {}).items()
            if _find_format(path) in self._facts and (root / path).is_file()
        }

    @contextlib.contextmanager
    def replace(self, name: str) -> Iterator[dict[str, Any]]:
        """Let `add` fill a new folder of one format, which then replaces the old one.

        After an error the old one is still there.

        Yields
        ------
        dict
            To be filled with the facts of this format for the manifest.
        """
        facts: dict[str, Any] = {}
        new, old = self.root / f"{_NEW}{name}", self.root / f"{_OLD}{name}"
        self._format, self._written, self._made = name, {}, set()
        self._make("")
        try:
            yield facts
            self._forget(name)
            self.mark_unfinished()
            if (self.root / name).exists():
                (self.root / name).rename(old)
            new.rename(self.root / name)
        finally:
            self._format = ""
            shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        self._files |= self._written
        self._facts[name] = facts

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
        if not _is_path(path) or f"{self._format}/{path}" in self._written:
            raise ParamError.build(
                "This cannot be the path of an exported file",
                rule="letters, digits, underscores, dots and hyphens; each path once",
                got=path,
            )
        self._make(path.rpartition("/")[0])
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

    def write_manifest(self) -> None:
        """Write the facts of each format and the hash of each file; done last.

        A format that a killed export has left unlisted keeps the whole unfinished.
        """
        folders = {item.name for item in self.root.iterdir() if item.is_dir()}
        self._save(complete=folders <= self._facts.keys())

    def mark_unfinished(self) -> None:
        """Say in the manifest that files are about to change."""
        self._save(complete=False)

    def _save(self, *, complete: bool) -> None:
        content = format_json(
            {
                "kind": _KIND,
                **self._terms,
                "formats": dict(sorted(self._facts.items())),
                "complete": complete,
                "files": dict(sorted(self._files.items())),
            }
        )
        path = self.root / MANIFEST
        write_atomic(path, lambda temporary: temporary.write_bytes(content))
        path.chmod(self._file_mode)

    def _forget(self, name: str) -> None:
        """Take a format off the manifest: a kill must leave no hash of old files."""
        self._facts.pop(name, None)
        kept = self._files.items()
        self._files = {k: v for k, v in kept if _find_format(k) != name}

    def _make(self, folder: str) -> None:
        if folder not in self._made:
            place = self.root / f"{_NEW}{self._format}" / folder
            place.mkdir(self._folder_mode, parents=True, exist_ok=True)
            self._made.add(folder)


@contextlib.contextmanager
def open_export(
    root: Path, *, private: bool, terms: Mapping[str, object]
) -> Iterator[ExportFolder]:
    """Open a folder for an export, alone, and clear up after one that was killed.

    Parameters
    ----------
    root : Path
        A folder of an earlier export, an empty one, or one yet to be made.
    private : bool
        Whether only the owner may read what is written.
    terms : mapping
        What holds for the folder as a whole, such as the quarter and whether people
        are identified. Formats that are not written again stay, so an export on other
        terms needs another folder.

    Yields
    ------
    ExportFolder
        Its manifest says that the export is unfinished until `write_manifest`.

    Raises
    ------
    ParamError
        If the folder holds anything else, or an export on other terms: nothing of it
        is touched.
    """
    _check_own(root)
    root.mkdir(0o700 if private else 0o755, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    lock = os.open(root / _LOCK, flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _check_terms(root, terms)
        if private:
            root.chmod(stat.S_IRWXU)
        _clear(root)
        folder = ExportFolder(root, private=private, terms=terms)
        folder.mark_unfinished()
        yield folder
    finally:
        os.close(lock)


def _check_own(root: Path) -> None:
    if not root.exists() and not root.is_symlink():
        return
    fault = ""
    if root.is_symlink() or not root.is_dir():
        fault = "it is a link or a file"
    elif any(item.is_symlink() for item in root.iterdir()):
        fault = "a link lies in it"
    elif not (root / MANIFEST).is_file():
        others = [item.name for item in root.iterdir() if item.name != _LOCK]
        fault = f"it holds {', '.join(sorted(others)[:3])}" if others else ""
    else:
        fault = _find_fault(root)
    if fault:
        raise ParamError.build(
            "The export cannot be written here",
            where=str(root),
            rule="a new or empty folder, or one that an export has made",
            got=fault,
            hint="give another folder with --to",
        )


def _check_terms(root: Path, terms: Mapping[str, object]) -> None:
    """Refuse a folder whose other formats would be called what they are not."""
    known = _read_manifest(root)
    differing = [name for name in terms if known and known.get(name) != terms[name]]
    if differing:
        raise ParamError.build(
            "The folder holds an export on other terms",
            where=str(root),
            rule=", ".join(f"{name}: {known.get(name)}" for name in differing),
            got=", ".join(f"{name}: {terms[name]}" for name in differing),
            hint="give another folder with --to",
        )


def _find_fault(root: Path) -> str:
    """Say what is wrong with a manifest, or nothing."""
    try:
        found = read_json(root / MANIFEST)
    except SourceError:
        return f"its {MANIFEST} cannot be read"
    if not isinstance(found, dict) or found.get("kind") != _KIND:
        return f"its {MANIFEST} is of something else"
    files, facts = found.get("files"), found.get("formats", {})
    if not (isinstance(files, dict) and isinstance(facts, dict)):
        return f"its {MANIFEST} lists no files"
    whole = all(map(_is_path, files)) and all(
        isinstance(item, dict) for item in facts.values()
    )
    return "" if whole else f"its {MANIFEST} lists what no export writes"


def _read_manifest(root: Path) -> dict[str, Any]:
    """Read a manifest without fault; where there is none, nothing."""
    path = root / MANIFEST
    return dict(read_json(path)) if path.is_file() and not _find_fault(root) else {}


def _is_path(path: str) -> bool:
    return all(map(_PART.fullmatch, path.split("/")))


def _find_format(path: str) -> str:
    return path.partition("/")[0]


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
