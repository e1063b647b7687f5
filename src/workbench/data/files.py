"""Finding the files of a source below the root of the extracts."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path

from workbench.core.errors import SourceError
from workbench.core.params import OrgParams
from workbench.core.store import Workspace
from workbench.data.source_model import CsvSource, FileSource, ParquetSource, SourceMap

__all__ = [
    "FoundFile",
    "check_parquet",
    "extracts_variable",
    "find_files",
    "find_root",
    "name_file",
]

_PARQUET_MARK = b"PAR1"
_PARQUET_LEAST = 12
_LOCK_PREFIXES = (".", "~$", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """One file, or one database result, that a source consists of.

    Attributes
    ----------
    name : str
        Relative to the root of the extracts, or the address without its password.
    path : Path
        Where it is read from.
    sha256, size : str, int
        Hash and number of its bytes.
    """

    name: str
    path: Path
    sha256: str
    size: int


def extracts_variable(org: str) -> str:
    """Name of the environment variable that may say where the extracts lie."""
    return f"WORKBENCH_EXTRACTS_{org.upper()}"


def find_root(
    params: OrgParams,
    source_map: SourceMap,
    workspace: Workspace,
    extracts: Path | None,
) -> Path:
    """Find the folder of the extracts: argument, environment, or `source.yml`.

    Raises
    ------
    SourceError
        If it does not exist.
    """
    variable = extracts_variable(params.org)
    given = extracts or os.environ.get(variable) or source_map.root
    root = Path(os.path.abspath(workspace.root / given))
    if not root.is_dir():
        raise SourceError.build(
            f"The folder of {params.org}'s extracts does not exist",
            where=str(root),
            hint=f"correct root in source.yml, set {variable}, or give --extracts DIR",
        )
    return root


def name_file(path: Path, root: Path) -> str:
    """Name a file relative to the root, with forward slashes."""
    return Path(os.path.relpath(path, root)).as_posix()


def find_files(source: str, spec: FileSource, root: Path) -> list[Path]:
    """List the files of a source, ordered by name.

    Parameters
    ----------
    source : str
        Its name in `source.yml`, for messages.
    spec : FileSource
        ``path`` is one file, a folder (all files of the format below it) or a
        pattern; lock files and hidden files are left out of the last two.
    root : Path
        Folder of the extracts.

    Returns
    -------
    list of Path
        At least one.

    Raises
    ------
    SourceError
        If there is none.
    """
    literal = root / spec.path
    if literal.is_file():
        return [literal]
    if literal.is_dir():
        found = [path for ending in _endings(spec) for path in literal.rglob(ending)]
    else:
        matches = glob.glob(spec.path, root_dir=root, recursive=True)
        found = [root / match for match in matches]
    files = sorted(
        {
            path
            for path in found
            if path.is_file() and not path.name.startswith(_LOCK_PREFIXES)
        },
        key=lambda path: name_file(path, root),
    )
    if not files:
        raise _build_missing(source, spec.path, root)
    return files


def check_parquet(path: Path, name: str) -> None:
    """Refuse a Parquet file that is empty or was not written to its end.

    Raises
    ------
    SourceError
        Says which of the two.
    """
    size = path.stat().st_size
    if size == 0:
        raise SourceError.build("A source file is empty", where=name, got="0 bytes")
    with path.open("rb") as file:
        head = file.read(len(_PARQUET_MARK))
        file.seek(max(size - len(_PARQUET_MARK), 0))
        tail = file.read()
    if head == _PARQUET_MARK and tail == _PARQUET_MARK and size >= _PARQUET_LEAST:
        return
    half = head == _PARQUET_MARK
    raise SourceError.build(
        "A Parquet file was not written to its end" if half else "Not a Parquet file",
        where=name,
        rule="it begins and ends with PAR1",
        got=f"{size} bytes",
        hint="export it again, and load only after the export has finished"
        if half
        else "correct format or path in source.yml",
    )


def _endings(spec: FileSource) -> tuple[str, ...]:
    if isinstance(spec, CsvSource):
        return ("*.csv", "*.csv.gz", "*.tsv", "*.txt")
    if isinstance(spec, ParquetSource):
        return ("*.parquet",)
    return ("*.xlsx", "*.xlsm")


def _build_missing(source: str, path: str, root: Path) -> SourceError:
    """Name what lies in the nearest folder that exists."""
    parts = Path(path).parts
    depth = next((i for i, part in enumerate(parts) if glob.has_magic(part)), -1)
    folder = root.joinpath(*parts[: depth if depth >= 0 else len(parts)])
    while not folder.is_dir() and folder != root:
        folder = folder.parent
    present = sorted(item.name for item in folder.iterdir())
    return SourceError.build(
        f"No file matches the source {source!r}",
        where=str(root / path),
        rule="a file, a folder, or a pattern such as hris/*.csv, below the root",
        got=f"{name_file(folder, root)}/ holds "
        + (", ".join(present[:8]) or "nothing"),
        hint="correct path in source.yml, or bring the extract",
    )
