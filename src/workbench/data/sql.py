"""Writing names, values and paths into DuckDB's SQL so that they stay what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["list_paths", "quote_name", "quote_path", "quote_text"]

_GLOB_SIGN = re.compile(r"([*?\[])")


def quote_name(name: str) -> str:
    """Write an identifier, whatever signs it holds."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(value: str) -> str:
    """Write a text literal, whatever signs it holds."""
    return "'" + value.replace("'", "''") + "'"


def quote_path(path: Path) -> str:
    """Write a path as a text literal that DuckDB does not read as a pattern."""
    return quote_text(_GLOB_SIGN.sub(r"[\1]", str(path)))


def list_paths(paths: Iterable[Path]) -> str:
    """Write a list of paths as an SQL list of literal paths."""
    return "[" + ", ".join(quote_path(path) for path in paths) + "]"
