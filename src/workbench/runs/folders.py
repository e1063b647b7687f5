"""Stage folders that are whole or not there, and one run of a quarter at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.core.errors import StageError

__all__ = ["clear_leftovers", "lock_quarter", "make_beside", "put_in_place"]

_LOCK = ".run.lock"


@contextmanager
def lock_quarter(folder: Path) -> Iterator[None]:
    """Keep a quarter's folder for one run; the system frees it when the run ends.

    Raises
    ------
    StageError
        If another run holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StageError.build(
                "Another run of this quarter is under way",
                where=str(folder),
                hint="wait until it has ended",
            ) from error
        yield


@contextmanager
def clear_leftovers(folder: Path) -> Iterator[None]:
    """Remove, before and after a run, what was begun below a quarter's folder.

    Before, it is what a run that was killed has left; after, what this one could not
    bring to an end.
    """
    _remove_begun(folder)
    try:
        yield
    finally:
        _remove_begun(folder)


def make_beside(target: Path) -> Path:
    """Make an empty folder beside `target`, to be filled and then put in its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))


def put_in_place(filled: Path, target: Path) -> None:
    """Put a filled folder in the place of `target`.

    Both moves are renames within one folder: whoever looks finds the old results,
    none, or the new ones, and never a part.
    """
    filled.chmod(0o755)
    old = None
    if target.exists():
        old = make_beside(target)
        os.replace(target, old)
    os.replace(filled, target)
    if old is not None:
        shutil.rmtree(old)


def _remove_begun(folder: Path) -> None:
    for path in folder.glob("*/.*"):
        if path.is_dir():
            shutil.rmtree(path)
