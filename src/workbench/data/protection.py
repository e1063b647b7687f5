"""What was left behind: direct identifiers, and columns nobody asked for."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.data.mapping import find_words, list_used
from workbench.data.registry import list_sources_of
from workbench.data.source_model import SourceMap, SqlSource
from workbench.data.sources import Relation

__all__ = ["list_dropped", "list_unmapped"]


def list_dropped(
    source_map: SourceMap, relations: Mapping[str, Relation]
) -> dict[str, tuple[str, ...]]:
    """List the direct identifiers of each source that were dropped on load."""
    dropped: dict[str, set[str]] = {}
    for name, spec in source_map.tables.items():
        hidden = {item.casefold() for item in spec.identifiers}
        for source in list_sources_of(source_map, name):
            found = {c for c in relations[source].columns if c.casefold() in hidden}
            if found and not isinstance(relations[source].spec, SqlSource):
                dropped.setdefault(source, set()).update(found)
    return {source: tuple(sorted(columns)) for source, columns in dropped.items()}


def list_unmapped(
    source_map: SourceMap, relations: Mapping[str, Relation]
) -> dict[str, tuple[str, ...]]:
    """List the columns of each source that no table reads and nobody hides.

    A column counts as read if its name stands in the mapping of a table made of the
    source, or in the SQL of a derived source on the way.
    """
    read: dict[str, set[str]] = {name: set() for name in relations}
    for table, spec in source_map.tables.items():
        sources = list_sources_of(source_map, table)
        words = list_used(spec) | {item.casefold() for item in spec.identifiers}
        for source in sources:
            derived = relations[source].spec
            if isinstance(derived, SqlSource):
                words |= find_words(derived.sql)
        for source in sources:
            read[source] |= words
    unmapped = {
        name: tuple(c for c in relation.columns if c.casefold() not in read[name])
        for name, relation in relations.items()
        if not isinstance(relation.spec, SqlSource)
    }
    return {name: columns for name, columns in unmapped.items() if columns}
