"""Every number of a quarter with its hash and source, and how two sets compare."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.brief.table_numbers import list_table_numbers
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
)

__all__ = ["Change", "Numbers", "collect_numbers", "compare_numbers"]

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
_ESTIMATES = "estimates.parquet"
_STORE = "store/"
_EARLIER = "earlier stages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """All numbers of a quarter and the results they were read from.

    ``rows`` has one entry per row of every ``estimates.parquet``, and those of
    `list_table_numbers`; ``sources`` maps ``<persona>/<stage>`` to the hash of its
    manifest and to one hash each for its data, parameters and code.
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
    """Collect every published number of a quarter, suppressed values left blank.

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
            floor = params.workbench.privacy.min_group
            records = [
                *_read_estimates(folder),
                *list_table_numbers(
                    folder, stage=stage.name, persona=persona, min_group=floor
                ),
            ]
            if not records and not (folder / _ESTIMATES).is_file():
                continue
            source = f"{persona}/{stage.name}"
            sources[source] = _describe_source(folder)
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


def _read_estimates(folder: Path) -> list[dict[str, Any]]:
    path = folder / _ESTIMATES
    records: list[dict[str, Any]] = []
    if path.is_file():
        records = read_parquet(path).to_dict("records")
    return records


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
