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
    "tabulate_lineage",
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


def tabulate_lineage(lineage: pd.DataFrame) -> pd.DataFrame:
    """Return the files that rows were read from, with the start of their SHA-256.

    Parameters
    ----------
    lineage : DataFrame
        As `read_lineage` returns it; files that a derived source was made from, and
        that gave no row of their own, are left out.
    """
    table = lineage[lineage["rows_in"] > 0].drop(columns="bytes")
    return table.assign(sha256=table["sha256"].astype("str").str[:12])


def map_sources(lineage: pd.DataFrame) -> dict[str, str]:
    """Return the source each table is based on: the first that its lineage names."""
    named = lineage.dropna(subset=["table", "source"]).drop_duplicates("table")
    return dict(
        zip(named["table"].astype(str), named["source"].astype(str), strict=True)
    )


def read_control_totals(store: Path, lineage: pd.DataFrame) -> pd.DataFrame:
    """Read the control totals and by how much each one is off.

    Parameters
    ----------
    store : Path
        Folder with ``_control_totals.parquet``.
    lineage : DataFrame
        As `read_lineage` returns it.

    Returns
    -------
    DataFrame
        ``name``, ``source``, ``expected``, ``found``, ``ok`` and ``off``, the
        difference as a share of what was expected, or, where zero was, of the rows
        read from the total's sources; infinite where nothing was found, or where
        there is nothing to compare with. Empty where none were declared.
    """
    totals = _read(store / "_control_totals.parquet", _TOTALS)
    files = lineage.drop_duplicates(["source", "file"])
    rows = files.groupby("source")["rows_in"].sum()
    totals["off"] = [
        _measure_off(
            float(row["expected"]),
            float(row["found"]),
            scale=sum(float(rows.get(name, 0)) for name in _split(row["source"])),
        )
        for row in totals.to_dict("records")
    ]
    return totals


def _measure_off(expected: float, found: float, *, scale: float) -> float:
    if math.isnan(found) or math.isnan(expected):
        return math.inf
    if found == expected:
        return 0.0
    against = abs(expected) or scale
    return abs(found - expected) / against if against else math.inf


def _split(sources: object) -> list[str]:
    return [item.strip() for item in str(sources).split(",")]


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame(columns=columns)
    return read_parquet(path).reindex(columns=columns)
