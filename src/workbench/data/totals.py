"""Control totals: numbers the extracts are known to hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.core.errors import ParamError
from workbench.data.registry import list_inputs
from workbench.data.source_model import ControlTotal, SourceMap
from workbench.data.sources import describe_error

__all__ = ["ControlResult", "check_totals", "write_totals"]

_CLOSE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlResult:
    """A control total, the sources it reads, and whether it was found."""

    name: str
    source: str
    expected: float
    found: float
    ok: bool


def check_totals(
    connection: duckdb.DuckDBPyConnection, source_map: SourceMap
) -> tuple[ControlResult, ...]:
    """Compute every control total over the registered sources.

    Raises
    ------
    ParamError
        If its SQL is refused or does not give one number.
    """
    return tuple(
        _check(connection, source_map, item) for item in source_map.control_totals
    )


def write_totals(folder: Path, totals: Sequence[ControlResult]) -> None:
    """Write the results as ``_control_totals.parquet``."""
    table = pa.table(
        {
            "name": pa.array([item.name for item in totals], pa.string()),
            "source": pa.array([item.source for item in totals], pa.string()),
            "expected": pa.array([item.expected for item in totals], pa.float64()),
            "found": pa.array([item.found for item in totals], pa.float64()),
            "ok": pa.array([item.ok for item in totals], pa.bool_()),
        }
    )
    pq.write_table(table, folder / "_control_totals.parquet")


def _check(
    connection: duckdb.DuckDBPyConnection, source_map: SourceMap, total: ControlTotal
) -> ControlResult:
    where = f"source.yml: control_totals: {total.name}"
    try:
        rows = connection.execute(
            f"SELECT CAST(COLUMNS(*) AS DOUBLE) FROM (\n{total.sql}\n)"
        ).fetchall()
    except duckdb.Error as error:
        raise ParamError.build(
            "A control total cannot be computed", where=where, got=describe_error(error)
        ) from None
    if len(rows) != 1 or len(rows[0]) != 1 or rows[0][0] is None:
        raise ParamError.build(
            "A control total is not one number",
            where=where,
            got=f"{len(rows)} rows",
            hint="select a single count or sum",
        )
    found = float(rows[0][0])
    return ControlResult(
        name=total.name,
        source=", ".join(list_inputs(source_map, total.sql)),
        expected=total.expected,
        found=found,
        ok=math.isclose(found, total.expected, rel_tol=_CLOSE, abs_tol=_CLOSE),
    )
