"""Which columns a table map can reach, and the FROM clause that reaches them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from workbench.core.errors import MissingColumnError
from workbench.data.source_model import TableMap
from workbench.data.sources import Relation
from workbench.data.sql import quote_name, quote_text

__all__ = [
    "ITEM_COLUMN",
    "find_raws",
    "list_scopes",
    "write_base",
    "write_kept",
    "write_rows",
]

ITEM_COLUMN = "_wb_item"
"""Which of the unpivoted columns a row comes from, from 1."""

_HIT = "_wb_hit"


def list_scopes(
    name: str, spec: TableMap, relations: Mapping[str, Relation]
) -> dict[str, list[str]]:
    """List the columns in reach by alias, those of the base first.

    Raises
    ------
    MissingColumnError
        If a column to be unpivoted does not exist.
    """
    base = list(relations[spec.from_].columns)
    if spec.unpivot:
        lower = {column.casefold(): column for column in base}
        missing = [
            item for item in spec.unpivot.columns if item.casefold() not in lower
        ]
        if missing:
            raise _build_missing(
                f"tables.{name}.unpivot.columns", missing, spec.from_, base
            )
        gone = {item.casefold() for item in spec.unpivot.columns}
        base = [item for item in base if item.casefold() not in gone]
        base += [spec.unpivot.name, spec.unpivot.value]
    joined = {join.source: list(relations[join.source].columns) for join in spec.join}
    return {"base": base, **joined}


def find_raws(
    name: str, spec: TableMap, relation: Relation, scopes: dict[str, list[str]]
) -> dict[str, str]:
    """Write the SQL of each column's value before conversion.

    Raises
    ------
    MissingColumnError
        All names that are not in reach together, each with the nearest one.
    """
    raws: dict[str, str] = {}
    missing: list[str] = []
    for column, item in spec.columns.items():
        if item.sql:
            raws[column] = f"(\n{item.sql}\n)"
        elif item.constant is not None:
            raws[column] = quote_text(item.constant)
        else:
            wanted = item.column or ""
            found = _find_column(wanted, scopes)
            missing += [] if found else [wanted]
            raws[column] = found or "NULL"
    if missing:
        everything = [item for columns in scopes.values() for item in columns]
        where = f"tables.{name}.columns"
        raise _build_missing(where, missing, relation.name, everything)
    return raws


def _find_column(wanted: str, scopes: dict[str, list[str]]) -> str | None:
    """Find a column as written, else qualified by a source, else in any case."""
    for same in (str, str.casefold):
        for alias, columns in scopes.items():
            for column in columns:
                if same(wanted) in (same(column), same(f"{alias}.{column}")):
                    return f"{quote_name(alias)}.{quote_name(column)}"
    return None


def _build_missing(
    where: str, missing: list[str], source: str, present: list[str]
) -> MissingColumnError:
    near = [
        f"{item} → {match[0]}"
        for item in missing
        if (match := difflib.get_close_matches(item, present, n=1))
    ]
    return MissingColumnError.build(
        f"The source {source!r} lacks columns that the mapping names",
        where=f"source.yml: {where}",
        rule="columns that exist: " + ", ".join(present),
        got=missing,
        hint="did you mean " + ", ".join(near)
        if near
        else "correct the names in source.yml, or export the columns",
    )


def write_base(spec: TableMap, relation: Relation) -> str:
    """Write the base of a table as a FROM item: its source, unpivoted."""
    base = relation.scan
    if spec.unpivot:
        lower = {column.casefold(): column for column in relation.columns}
        columns = [lower[item.casefold()] for item in spec.unpivot.columns]
        mixed = len({relation.columns[column] for column in columns}) > 1
        cells = [
            f"CAST({quote_name(column)} AS VARCHAR)" if mixed else quote_name(column)
            for column in columns
        ]
        base = (
            f"SELECT * EXCLUDE ({', '.join(map(quote_name, columns))}), "
            f"unnest([{', '.join(map(quote_text, spec.unpivot.columns))}]) "
            f"AS {quote_name(spec.unpivot.name)}, "
            f"unnest([{', '.join(cells)}]) AS {quote_name(spec.unpivot.value)}, "
            f"unnest(range(1, {len(columns) + 1})) AS {ITEM_COLUMN} FROM ({base})"
        )
    return f"({base}) AS base"


def write_rows(spec: TableMap, base: str) -> str:
    """Write the FROM clause: the base with its joins."""
    joins = "".join(
        f" LEFT JOIN (SELECT *, true AS {_HIT} FROM {quote_name(join.source)}) "
        f"AS {quote_name(join.source)} ON (\n{join.on}\n)"
        for join in spec.join
    )
    return base + joins


def write_kept(spec: TableMap) -> str:
    """Write the condition of rows that are not filtered: partners found, and where."""
    conditions = [
        f"{quote_name(join.source)}.{_HIT}" for join in spec.join if join.how == "inner"
    ]
    if spec.where:
        conditions.append(f"(\n{spec.where}\n)")
    return " AND ".join(conditions) or "true"
