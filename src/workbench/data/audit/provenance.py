"""Where the rows came from, what was set aside, and whether the totals agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pandas as pd

from workbench.core.errors import SourceError
from workbench.core.store import read_parquet
from workbench.data.sql import quote_path

__all__ = [
    "count_quarantine",
    "map_sources",
    "read_control_totals",
    "read_lineage",
    "tabulate_quarantine",
]

_QUARANTINE = ["table", "source", "reason", "column", "rows"]
_LINEAGE = [
    "table",
    "source",
    "file",
    "sha256",
    "bytes",
    "rows_in",
    "rows_filtered",
    "rows_mapped",
    "rows_quarantined",
]
_TOTALS = ["name", "source", "expected", "found", "ok"]


def count_quarantine(store: Path) -> pd.DataFrame:
    """Count the rows the loader set aside.

    Parameters
    ----------
    store : Path
        Folder with ``_quarantine.parquet``; without it nothing was set aside.

    Returns
    -------
    DataFrame
        ``table``, ``source``, ``reason``, ``column``, ``rows``; no value and no id.

    Raises
    ------
    SourceError
        If the file is damaged.
    """
    path = store / "_quarantine.parquet"
    if not path.is_file():
        return pd.DataFrame(columns=_QUARANTINE).astype({"rows": int})
    sql = (
        "select \"table\", coalesce(source, '') as source, reason,"
        ' coalesce("column", \'\') as "column",'
        " count(distinct (coalesce(file, ''), row)) as rows"
        f" from read_parquet({quote_path(path)}) group by all"
        ' order by "table", source, rows desc, reason, "column"'
    )
    with duckdb.connect(config={"threads": 1}) as con:
        try:
            return con.execute(sql).df().astype({"rows": int})
        except duckdb.Error as error:
            raise SourceError.build(
                "The quarantine of the store cannot be read",
                where=path.name,
                got=str(error).splitlines()[0].replace(str(path), path.name),
                hint="load the organisation again with --force",
            ) from error


def tabulate_quarantine(
    counts: pd.DataFrame, stored: Mapping[str, int]
) -> pd.DataFrame:
    """Add to the counts of the quarantine what share of their table they are.

    Parameters
    ----------
    counts : DataFrame
        As `count_quarantine` returns it.
    stored : mapping of str to int
        Rows of each stored table.

    Returns
    -------
    DataFrame
        `counts` with ``share`` (0 to 1), most rows first.
    """
    table = counts.copy()
    aside = table.groupby("table")["rows"].transform("sum")
    total = table["table"].map(lambda name: stored.get(name, 0)) + aside
    table["share"] = (table["rows"] / total).astype(float)
    order = ["rows", "table", "source", "reason", "column"]
    ascending = [False, True, True, True, True]
    return table.sort_values(order, ascending=ascending).reset_index(drop=True)


def read_lineage(store: Path) -> pd.DataFrame:
    """Read which files the tables came from.

    Parameters
    ----------
    store : Path
        Folder with ``_lineage.parquet``.

    Returns
    -------
    DataFrame
        ``table``, ``source``, ``file``, ``sha256``, ``bytes``, ``rows_in``,
        ``rows_filtered``, ``rows_mapped``, ``rows_quarantined``; empty without it.
    """
    return _read(store / "_lineage.parquet", _LINEAGE)


def map_sources(lineage: pd.DataFrame) -> dict[str, str]:
    """Return the source each table is based on: the first that its lineage names."""
    named = lineage.dropna(subset=["table", "source"]).drop_duplicates("table")
    return dict(
        zip(named["table"].astype(str), named["source"].astype(str), strict=True)
    )


def read_control_totals(store: Path) -> pd.DataFrame:
    """Read the control totals and by how much each one is off.

    Parameters
    ----------
    store : Path
        Folder with ``_control_totals.parquet``.

    Returns
    -------
    DataFrame
        ``name``, ``source``, ``expected``, ``found``, ``ok`` and ``off``, the
        difference as a share of what was expected (infinite where nothing was); empty
        where none were declared.
    """
    totals = _read(store / "_control_totals.parquet", _TOTALS)
    pairs = zip(
        totals["expected"].astype(float), totals["found"].astype(float), strict=True
    )
    totals["off"] = [_measure_off(expected, found) for expected, found in pairs]
    return totals


def _measure_off(expected: float, found: float) -> float:
    if math.isnan(found) or math.isnan(expected):
        return math.inf
    if found == expected:
        return 0.0
    return abs(found - expected) / abs(expected) if expected else math.inf


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame(columns=columns)
    return read_parquet(path).reindex(columns=columns)
