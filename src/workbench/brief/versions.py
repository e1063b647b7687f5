"""Published versions: every number with its hash, and what changed since the last.

A version is a folder ``outputs/<org>/briefs/<quarter>/v<N>``; it is moved there whole
and never written again. Its ``brief.json`` lists the numbers, where each came from,
and the hash of every file of the site.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core.errors import PublishError, SourceError
from workbench.core.params import OrgParams
from workbench.core.quarters import Quarter
from workbench.core.stages import STAGES
from workbench.core.store import (
    ALL_PERSONAS,
    Workspace,
    hash_file,
    hash_text,
    read_json,
    read_parquet,
    write_atomic,
    write_json,
)

__all__ = [
    "BRIEF_FILE",
    "Change",
    "Numbers",
    "collect_numbers",
    "compare_numbers",
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
_KEYS = (
    "persona",
    "stage",
    "program",
    "outcome",
    "estimand",
    "method",
    "subgroup_by",
    "subgroup",
    "period",
)
_VALUES = (
    "estimate",
    "std_error",
    "ci_low",
    "ci_high",
    "ci_level",
    "p_value",
    "p_adjusted",
    "baseline",
    "relative_effect",
    "relative_ci_low",
    "relative_ci_high",
    "n_treated",
    "n_control",
    "n_clusters",
    "threshold",
    "meets_threshold",
    "evidence",
)
_FACTS = ("headline", "unit", "direction", "suppressed")
_CAUSES: Mapping[str, tuple[str, ...]] = {
    "parameters": ("parameters", "parameter_files", "seed"),
    "code": ("notebook", "code", "environment"),
}
_STORE = "store/"
_EARLIER = "earlier stages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """All numbers of a quarter and the results they were read from.

    ``rows`` has one entry per row of every ``estimates.parquet``; ``sources`` maps
    ``<persona>/<stage>`` to the hash of its manifest and to one hash each for its
    data, parameters and code.
    """

    rows: tuple[Mapping[str, Any], ...]
    sources: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One number that is new, gone or different in a version.

    ``old`` and ``new`` are entries of `Numbers.rows`, None where there is none.
    """

    key: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    cause: str


def collect_numbers(
    params: OrgParams, workspace: Workspace, quarter: Quarter
) -> Numbers:
    """Collect every estimate of a quarter, suppressed values left blank.

    Raises
    ------
    SourceError
        If a table is damaged.
    """
    rows: list[Mapping[str, Any]] = []
    sources: dict[str, Mapping[str, str]] = {}
    personas = [item.id for item in params.personas]
    for stage in STAGES:
        for persona in personas if stage.per_persona else [ALL_PERSONAS]:
            folder = workspace.stage(params.org, quarter, persona, stage.name)
            path = folder / "estimates.parquet"
            if not path.is_file():
                continue
            source = f"{persona}/{stage.name}"
            sources[source] = _describe_source(folder)
            table = read_parquet(path)
            records: list[dict[str, Any]] = table.to_dict("records")
            rows += [_make_row(record, source) for record in records]
    rows.sort(key=lambda row: str(row["key"]))
    return Numbers(rows=tuple(rows), sources=sources)


def compare_numbers(old: Mapping[str, Any], new: Numbers) -> tuple[Change, ...]:
    """Compare a published record with the numbers of now, number by number.

    Parameters
    ----------
    old : mapping
        Content of an earlier ``brief.json``.
    new : Numbers
        What is about to be published.

    Returns
    -------
    tuple of Change
        In order of their keys; ``cause`` names what differs among data, parameters
        and code of the stage, or says that nothing recorded does.
    """
    before = {row["key"]: row for row in old["numbers"]}
    after = {row["key"]: row for row in new.rows}
    changes = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was is not None and now is not None and was["hash"] == now["hash"]:
            continue
        row = now if now is not None else was
        source = str(row["source"]) if row is not None else ""
        cause = _find_cause(old["sources"].get(source), new.sources.get(source))
        changes.append(Change(key=key, old=was, new=now, cause=cause))
    return tuple(changes)


def list_versions(folder: Path) -> tuple[int, ...]:
    """List the versions that lie in a quarter's folder, oldest first."""
    if not folder.is_dir():
        return ()
    found = (_VERSION.fullmatch(item.name) for item in folder.iterdir())
    return tuple(sorted(int(match[1]) for match in found if match))


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
    quarters = [
        item
        for item in sorted(briefs.iterdir())
        if _QUARTER.fullmatch(item.name) and list_versions(item)
    ]
    newest = quarters[-1]
    target = Path(newest.name) / f"v{list_versions(newest)[-1]}"
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


def _make_row(record: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Make one published number, with its key and hash."""
    keys = {name: _plain(record.get(name)) for name in _KEYS}
    facts = {name: _plain(record.get(name)) for name in _FACTS}
    hidden = bool(facts["suppressed"])
    values = {name: None if hidden else _plain(record.get(name)) for name in _VALUES}
    row = {**keys, **facts, **values, "source": source}
    key = " | ".join("" if item is None else str(item) for item in keys.values())
    return {"key": key, **row, "hash": hash_text(_canonical(row))}


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold; a missing one is None."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _describe_source(folder: Path) -> dict[str, str]:
    """Hash a stage's manifest, and its data, parameters and code apart.

    Tables of the store are data; other inputs are results of earlier stages.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        return {}
    manifest = read_json(path)
    inputs = dict(manifest.get("inputs", {}))
    store = {name: inputs.pop(name) for name in list(inputs) if _is_stored(name)}
    parts: dict[str, Any] = {"data": store, _EARLIER: inputs}
    for cause, names in _CAUSES.items():
        parts[cause] = {name: manifest.get(name) for name in names}
    hashes = {cause: hash_text(_canonical(part)) for cause, part in parts.items()}
    return {"manifest": hash_file(path), **hashes}


def _is_stored(name: str) -> bool:
    return name.startswith(_STORE)


def _find_cause(old: Mapping[str, str] | None, new: Mapping[str, str] | None) -> str:
    """Say which of data, parameters and code differ between two sources."""
    if not old or not new:
        return "the stage was not part of both versions"
    names = ("data", *_CAUSES)
    differing = [name for name in names if old.get(name) != new.get(name)]
    if not differing and old.get(_EARLIER) != new.get(_EARLIER):
        differing = [_EARLIER]
    return " and ".join(differing) or "nothing recorded differs"


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
