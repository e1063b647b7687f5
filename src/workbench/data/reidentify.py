"""Finding the people behind pseudonyms, with the key and on the record."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import duckdb

from workbench.core.errors import ParamError, SourceError
from workbench.core.params import OrgParams
from workbench.core.store import Workspace, hash_text
from workbench.data.connection import open_duckdb
from workbench.data.convert import convert
from workbench.data.files import find_root
from workbench.data.mapping import compile_table
from workbench.data.pseudonyms import (
    PseudonymKey,
    find_key,
    key_variable,
    pseudonymise,
)
from workbench.data.quarantine import raw_name
from workbench.data.registry import list_sources_of, register_all
from workbench.data.source_model import SourceMap, read_source_map
from workbench.data.sources import collect_source, describe_error

__all__ = ["ACCESS_LOG", "Access", "identify_people", "read_access_log"]

ACCESS_LOG = "access_log.jsonl"
"""File, below an organisation's outputs, of every re-identification."""

_PEOPLE = "employees"
_PERSON = "employee_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who asks for the people behind pseudonyms, when, for what, and to which end.

    Attributes
    ----------
    by : str
        The person who answers for it.
    purpose : str
        What the people's ids are needed for.
    what : str
        What they are written into, such as an export and its formats.
    at : datetime
        Aware; written in UTC.
    """

    by: str
    purpose: str
    what: str
    at: datetime

    def __post_init__(self) -> None:
        for name, text in (("--by", self.by), ("--purpose", self.purpose)):
            if not text.strip():
                raise ParamError.build(
                    "People are identified only for somebody and for a purpose",
                    where=name,
                    rule="a name with --by and a purpose with --purpose, in words",
                )


def identify_people(
    params: OrgParams,
    workspace: Workspace,
    pseudonyms: Collection[str],
    *,
    access: Access,
    extracts: Path | None = None,
) -> dict[str, str]:
    """Find the employee ids behind pseudonyms, and write down that this was done.

    A pseudonym is a keyed hash and cannot be turned back. The ids are read again from
    the source of the table `employees` and hashed with the key; those asked for are
    kept and go nowhere but to the caller.

    Parameters
    ----------
    params : OrgParams
        The organisation.
    workspace : Workspace
        Holds its key; ``outputs/<org>/access_log.jsonl`` gets one line, before any id
        is handed out.
    pseudonyms : collection of str
        Those to be found.
    access : Access
        Who asks, when, what for.
    extracts : Path, optional
        Folder of the extracts, as for `load_org`.

    Returns
    -------
    dict
        Employee id by pseudonym; pseudonyms of nobody in the extract are not in it.

    Raises
    ------
    ParamError
        If there is no key.
    SourceError
        If the extract cannot be read, not one pseudonym is found in it, or the log
        has been changed.
    """
    key = _find_old_key(params, workspace)
    wanted = frozenset(pseudonyms)
    found = _hash_people(params, workspace, key, wanted, extracts) if wanted else {}
    _log(workspace, params.org, access, key, asked=len(wanted), found=len(found))
    if wanted and not found:
        raise SourceError.build(
            "None of the pseudonyms belongs to a person of the extract",
            where="source.yml: tables.employees",
            rule="the same key and the same people as when the store was loaded",
            got=f"{len(wanted)} pseudonyms",
            hint="use the key of the load, or load and run again with this one",
        )
    return found


def read_access_log(workspace: Workspace, org: str) -> list[dict[str, object]]:
    """Read the log of re-identifications, and check that it hangs together.

    Each line holds the hash of the one before. That shows a line that was changed,
    put in or taken out, unless it is the last; a log whose end was taken away, or all
    of which was written anew, looks whole. Against that, keep copies elsewhere.

    Returns
    -------
    list of dict
        ``at``, ``by``, ``purpose``, ``what``, ``asked``, ``found``, ``key`` and
        ``previous``, the hash of the line before; the oldest first.

    Raises
    ------
    SourceError
        If a line is damaged, or does not follow from the one before.
    """
    path = workspace.outputs / org / ACCESS_LOG
    lines = _split_lines(path.read_bytes()) if path.is_file() else []
    return _check_chain(lines, path)


def _split_lines(data: bytes) -> list[bytes]:
    """Split at line feeds alone; what a crash cut off has given nobody any id."""
    return data.split(b"\n")[:-1]


def _check_chain(lines: list[bytes], path: Path) -> list[dict[str, object]]:
    """Return the rows of a log, or refuse it where one does not follow."""
    previous, rows = "", []
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode()
            row = json.loads(text)
            follows = row["previous"] == previous
        except (ValueError, KeyError, TypeError):
            follows = False
        if not follows:
            raise SourceError.build(
                "The log of re-identifications has been changed",
                where=f"{path}:{number}",
                rule="each line holds the hash of the line before",
                hint="bring back the file from a copy; lines are only ever added",
            )
        rows.append(row)
        previous = hash_text(text)
    return rows


def _find_old_key(params: OrgParams, workspace: Workspace) -> PseudonymKey:
    """Return the key that there is; one made now would fit no pseudonym."""
    variable = key_variable(params.org)
    path = workspace.root / "keys" / f"{params.org}.key"
    fixed = params.workbench.privacy.public_data
    if not (fixed or variable in os.environ or path.is_file()):
        raise ParamError.build(
            "There is no key, so nobody can be identified",
            where=str(path),
            rule=f"the key with which the store was loaded, there or in {variable}",
            hint="ask whoever keeps the key; without it, export pseudonyms",
        )
    return find_key(params, workspace)


def _hash_people(
    params: OrgParams,
    workspace: Workspace,
    key: PseudonymKey,
    wanted: frozenset[str],
    extracts: Path | None,
) -> dict[str, str]:
    """Read every employee id from its source and keep those that hash to a wanted."""
    source_map = read_source_map(params)
    root = find_root(params, source_map, workspace, extracts)
    with (
        tempfile.TemporaryDirectory(prefix="workbench-identify-") as name,
        open_duckdb(Path(name) / "spill") as connection,
    ):
        work = Path(name)
        names = list_sources_of(source_map, _PEOPLE)
        collected = [
            collect_source(item, source_map.sources[item], root, work) for item in names
        ]
        relations = register_all(connection, collected, work)
        key.install(connection)
        compiled = compile_table(connection, _PEOPLE, source_map, relations)
        mapped = next(c for c in compiled.columns if c.column.name == _PERSON)
        value = convert(
            raw_name(_PERSON),
            mapped.raw_type,
            mapped.column.kind,
            mapped.spec,
            compiled.reading,
        )
        rows = _fetch(
            connection,
            f"SELECT DISTINCT person, {pseudonymise('person')} FROM (SELECT {value}"
            f" AS person FROM (SELECT {mapped.raw} AS {raw_name(_PERSON)} FROM"
            f" {compiled.rows} WHERE {compiled.kept})) WHERE person IS NOT NULL",
            source_map,
        )
    return {hashed: person for person, hashed in sorted(rows) if hashed in wanted}


def _fetch(
    connection: duckdb.DuckDBPyConnection, query: str, source_map: SourceMap
) -> list[tuple[str, str]]:
    try:
        return [(str(a), str(b)) for a, b in connection.execute(query).fetchall()]
    except duckdb.Error as error:
        source = source_map.tables[_PEOPLE].from_
        raise SourceError.build(
            "The employee ids cannot be read from their source",
            where=f"source.yml: sources.{source}",
            got=describe_error(error),
        ) from None


def _log(
    workspace: Workspace,
    org: str,
    access: Access,
    key: PseudonymKey,
    *,
    asked: int,
    found: int,
) -> None:
    """Add a line to the log and flush it to disk; it holds the hash of the last.

    Raises
    ------
    SourceError
        If the log has been changed: nothing is added to it then.
    """
    path = workspace.outputs / org / ACCESS_LOG
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path) as file:
        lines = _split_lines(file.read())
        _check_chain(lines, path)
        row = {
            "at": access.at.astimezone(UTC).isoformat(timespec="seconds"),
            "by": access.by.strip(),
            "purpose": access.purpose.strip(),
            "what": access.what,
            "asked": asked,
            "found": found,
            "key": key.fingerprint[:12],
            "previous": hash_text(lines[-1].decode()) if lines else "",
        }
        file.truncate(sum(len(line) + 1 for line in lines))
        file.write(json.dumps(row, sort_keys=True).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read and add to, for its owner and one process at a time."""
    if path.is_symlink():
        raise SourceError.build(
            "The log of re-identifications is a link",
            where=str(path),
            rule="a file of its own",
            hint="move the file that it leads to in its place",
        )
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file
