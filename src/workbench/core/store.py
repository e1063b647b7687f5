"""Writing files that are whole or not there, and naming where they live."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core.errors import SourceError
from workbench.core.params import check_name
from workbench.core.quarters import Quarter

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ALL_PERSONAS",
    "Workspace",
    "find_project_root",
    "hash_file",
    "hash_text",
    "read_json",
    "read_parquet",
    "write_atomic",
    "write_json",
    "write_parquet",
]

ALL_PERSONAS = "_all"
"""Folder name of stages that do not vary by persona."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project folder: parameters, notebooks and outputs below one root."""

    root: Path

    @property
    def params(self) -> Path:
        """Folder that holds one parameter folder per organisation."""
        return self.root / "params"

    @property
    def notebooks(self) -> Path:
        """Folder of the stage notebooks; brief notebooks lie in ``brief/`` below."""
        return self.root / "notebooks"

    @property
    def outputs(self) -> Path:
        """Folder of everything computed; never under version control."""
        return self.root / "outputs"

    def store(self, org: str) -> Path:
        """Folder of the canonical tables of an organisation."""
        return self.outputs / check_name(org, what="organisation") / "store"

    def quarter(self, org: str, quarter: Quarter) -> Path:
        """Folder of everything that a quarter's stages leave."""
        return self.outputs / check_name(org, what="organisation") / str(quarter)

    def stage(self, org: str, quarter: Quarter, persona: str, stage: str) -> Path:
        """Folder of one stage's results; `persona` may be ``_all``."""
        if persona != ALL_PERSONAS:
            check_name(persona, what="persona")
        base = self.quarter(org, quarter)
        return base / persona / check_name(stage, what="stage")

    def briefs(self, org: str) -> Path:
        """Folder of the published briefs of an organisation."""
        return self.outputs / check_name(org, what="organisation") / "briefs"


def find_project_root(start: Path | None = None) -> Path:
    """Find the nearest folder, from `start` upwards, that holds a project.

    Raises
    ------
    SourceError
        If no folder on the way up holds both ``params`` and ``notebooks``.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "params").is_dir() and (folder / "notebooks").is_dir():
            return folder
    raise SourceError.build(
        "No workbench project found",
        where=f"{here} and the folders above it",
        rule="a project folder holds params/ and notebooks/",
        hint="change into the project folder, or give --project FOLDER",
    )


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then move it into place.

    The file is flushed to disk before the move, so that after a crash `path` holds
    either the old content or the whole new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Mapping[str, Any] | list[Any]) -> None:
    """Write JSON with sorted keys, two spaces and a final newline, atomically."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    SourceError
        If it is absent or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError.build(
            "A result file cannot be read",
            where=str(path),
            got=str(error),
            hint="run the stage that writes it again",
        ) from error


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet, atomically; the index is not written."""
    write_atomic(path, lambda temporary: table.to_parquet(temporary, index=False))


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet table.

    Raises
    ------
    SourceError
        If the file is absent or damaged.
    """
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise SourceError.build(
            "A result table cannot be read",
            where=str(path),
            got=str(error),
            hint="run the stage that writes it again",
        ) from error


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes as hexadecimal text."""
    return hashlib.sha256(text.encode()).hexdigest()
