"""All sources of an organisation, each registered after those it reads from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from workbench.core.errors import ParamError
from workbench.data.source_model import SourceMap, SqlSource
from workbench.data.sources import (
    Collected,
    Relation,
    register_derived,
    register_source,
)

__all__ = ["list_inputs", "list_reached", "list_sources_of", "register_all"]

_AFTER_FROM = re.compile(r'(?:\bfrom\b|\bjoin\b|,|\()\s*"?(\w+)"?', re.IGNORECASE)
_ABSENT = re.compile(r"Table with name \"?(\w+)\"? does not exist", re.IGNORECASE)


def register_all(
    connection: duckdb.DuckDBPyConnection, collected: Sequence[Collected], work: Path
) -> dict[str, Relation]:
    """Register every source, derived ones after those they name.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        In which the views are made.
    collected : sequence of Collected
        All sources of `source.yml`.
    work : Path
        Folder for what is rewritten as Parquet.

    Returns
    -------
    dict
        Relation by name.

    Raises
    ------
    SourceError
        If a file cannot be read.
    ParamError
        If the SQL of a derived source is refused, or derived sources name each other
        in a circle.
    """
    relations: dict[str, Relation] = {}
    waiting: dict[str, SqlSource] = {}
    for item in collected:
        if isinstance(item.spec, SqlSource):
            waiting[item.name] = item.spec
        else:
            relations[item.name] = register_source(connection, item, work)
    while waiting:
        ready = [
            name
            for name, spec in waiting.items()
            if not _is_early(connection, spec, waiting)
        ]
        if not ready:
            raise ParamError.build(
                "Derived sources name each other in a circle",
                where="source.yml: sources",
                got=sorted(waiting),
            )
        for name in ready:
            spec = waiting.pop(name)
            relations[name] = register_derived(connection, name, spec, work)
    return relations


def list_inputs(source_map: SourceMap, sql: str) -> list[str]:
    """List the sources that an SQL text reads from."""
    named = {name.casefold() for name in _AFTER_FROM.findall(sql)}
    return [name for name in source_map.sources if name in named]


def list_sources_of(source_map: SourceMap, table: str) -> list[str]:
    """List the sources a table is made of, its base first, through derived ones."""
    spec = source_map.tables[table]
    return list_reached(source_map, [spec.from_, *(join.source for join in spec.join)])


def list_reached(source_map: SourceMap, names: Sequence[str]) -> list[str]:
    """List some sources and all those that the derived ones among them read."""
    ahead = list(names)
    found: list[str] = []
    while ahead:
        name = ahead.pop(0)
        if name not in found:
            found.append(name)
            source = source_map.sources[name]
            if isinstance(source, SqlSource):
                ahead += list_inputs(source_map, source.sql)
    return found


def _is_early(
    connection: duckdb.DuckDBPyConnection,
    spec: SqlSource,
    waiting: dict[str, SqlSource],
) -> bool:
    """Whether a derived source reads from one that is not registered yet."""
    try:
        connection.execute(f"DESCRIBE (\n{spec.sql}\n)")
    except duckdb.CatalogException as error:
        absent = _ABSENT.search(str(error))
        return absent is not None and absent[1].casefold() in waiting
    except duckdb.Error:
        return False
    return False
