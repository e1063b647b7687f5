"""DuckDB connections that stay within memory, offline and in UTC."""

from __future__ import annotations

from pathlib import Path

import duckdb

__all__ = ["MEMORY_LIMIT", "open_duckdb"]

MEMORY_LIMIT = "4GB"
"""What one connection may hold before it spills to disk."""


def open_duckdb(
    spill: Path, *, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """Open an empty database in memory.

    Parameters
    ----------
    spill : Path
        Folder for what does not fit into memory; made only when needed.
    threads : int, optional
        1 makes sums of floats repeat to the last bit; by default all cores.

    Returns
    -------
    duckdb.DuckDBPyConnection
        In UTC; it never fetches an extension.
    """
    connection = duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            **({} if threads is None else {"threads": threads}),
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection
