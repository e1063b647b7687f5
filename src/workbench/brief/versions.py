"""Published versions: every number with its hash, and what changed since the last.

A version is a folder ``outputs/<org>/briefs/<quarter>/v<N>``; it is moved there whole
and never written again. Its ``brief.json`` lists the numbers, where each came from,
and the hash of every file of the site.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.brief.numbers import Change, Numbers
from workbench.core.errors import PublishError, SourceError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.store import hash_file, read_json, write_atomic, write_json

__all__ = [
    "BRIEF_FILE",
    "list_published",
    "list_versions",
    "next_version",
    "point_to_latest",
    "read_brief",
    "write_brief",
]

BRIEF_FILE = "brief.json"
"""Name of the record of a version, at the root of its site."""

_SCHEMA = 1
_VERSION = re.compile(r"v([1-9]\d*)")
_QUARTER = re.compile(r"\d{4}Q[1-4]")


def list_versions(folder: Path) -> tuple[int, ...]:
    """List the versions that lie in a quarter's folder, oldest first."""
    if not folder.is_dir():
        return ()
    found = (_VERSION.fullmatch(item.name) for item in folder.iterdir())
    return tuple(sorted(int(match[1]) for match in found if match))


def list_published(briefs: Path) -> tuple[str, ...]:
    """List the quarters that have a version, oldest first."""
    if not briefs.is_dir():
        return ()
    names = sorted(item.name for item in briefs.iterdir())
    return tuple(
        name
        for name in names
        if _QUARTER.fullmatch(name) and list_versions(briefs / name)
    )


def next_version(folder: Path) -> int:
    """Return the number that no version of a quarter bears yet."""
    return max(list_versions(folder), default=0) + 1


def read_brief(site: Path) -> dict[str, Any]:
    """Read the record of a published version.

    Raises
    ------
    PublishError
        If it is absent, damaged or of a schema this code does not know.
    """
    path = site / BRIEF_FILE
    try:
        record = read_json(path)
    except SourceError as error:
        raise PublishError.build(
            "A published version has no readable record",
            where=str(path),
            hint="restore it from a copy; versions are never written again",
        ) from error
    if not isinstance(record, dict) or record.get("schema") != _SCHEMA:
        raise PublishError.build(
            "A published version has a record of another schema",
            where=str(path),
            rule=f"schema {_SCHEMA}",
        )
    return record


def write_brief(
    site: Path,
    *,
    params: OrgParams,
    quarter: Quarter,
    version: int,
    renderer: str,
    numbers: Numbers,
    changes: Sequence[Change],
) -> None:
    """Write the record of a version into its finished site."""
    files = {
        path.relative_to(site).as_posix(): hash_file(path)
        for path in sorted(site.rglob("*"))
        if path.is_file() and path.name != BRIEF_FILE
    }
    write_json(
        site / BRIEF_FILE,
        {
            "schema": _SCHEMA,
            "org": params.org,
            "quarter": str(quarter),
            "version": version,
            "data_cut": quarter.last_day.isoformat(),
            "renderer": renderer,
            "numbers": [dict(row) for row in numbers.rows],
            "sources": {key: dict(value) for key, value in numbers.sources.items()},
            "changes": [_write_change(change) for change in changes],
            "files": files,
        },
    )


def point_to_latest(briefs: Path) -> Path:
    """Let ``latest`` point to the newest version of the newest quarter.

    A relative symbolic link, or a text file with the path where links are refused.

    Returns
    -------
    Path
        The folder pointed to.
    """
    newest = list_published(briefs)[-1]
    target = Path(newest) / f"v{list_versions(briefs / newest)[-1]}"
    pointer = briefs / "latest"
    fresh = briefs / "latest.partial"
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(target, target_is_directory=True)
        os.replace(fresh, pointer)
    except OSError:
        fresh.unlink(missing_ok=True)
        write_atomic(
            pointer,
            lambda path: path.write_text(f"{target.as_posix()}\n", encoding="utf-8"),
        )
    return briefs / target


def _write_change(change: Change) -> dict[str, Any]:
    return {
        "key": change.key,
        "old": _pick(change.old),
        "new": _pick(change.new),
        "cause": change.cause,
    }


def _pick(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    names: Iterable[str] = ("estimate", "ci_low", "ci_high", "unit", "hash")
    return None if row is None else {name: row[name] for name in names}
