"""Notebooks as files: read as plain values, written the same every time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from workbench.core.errors import PublishError

__all__ = ["read_notebook", "write_notebook"]

_FORMAT = 4
_KERNEL: Mapping[str, Any] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read_notebook(path: Path) -> dict[str, Any]:
    """Read a notebook file, of format 4, as plain values; texts are joined.

    Raises
    ------
    PublishError
        If it is not a notebook.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if notebook["nbformat"] != _FORMAT:
            raise ValueError(f"format {notebook['nbformat']}, not {_FORMAT}")
        cells = [_read_cell(cell) for cell in notebook["cells"]]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise PublishError.build(
            "An executed notebook cannot be read",
            where=str(path),
            rule=f"a notebook of format {_FORMAT}",
            got=f"{type(error).__name__}: {error}"[:200],
            hint="run its stage again",
        ) from error
    return {"cells": cells}


def write_notebook(
    path: Path, front: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]
) -> None:
    """Write a notebook whose first cell is the front matter of its page."""
    text = yaml.safe_dump(
        dict(front), sort_keys=False, allow_unicode=True, width=1_000_000
    )
    first = {
        "cell_type": "raw",
        "id": "front-matter",
        "metadata": {},
        "source": f"---\n{text}---",
    }
    notebook = {
        "cells": [first, *cells],
        "metadata": dict(_KERNEL),
        "nbformat": _FORMAT,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    written = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(written + "\n", encoding="utf-8")


def _read_cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Read one cell; a text may be stored as a list of lines."""
    read = {
        "cell_type": str(cell["cell_type"]),
        "metadata": dict(cell.get("metadata", {})),
        "source": _join(cell["source"]),
    }
    if read["cell_type"] == "code":
        read["outputs"] = [_read_output(output) for output in cell["outputs"]]
    return read


def _read_output(output: Mapping[str, Any]) -> dict[str, Any]:
    data = {mime: _join(text) for mime, text in output.get("data", {}).items()}
    return {**output, "data": data, "text": _join(output.get("text", ""))}


def _join(text: Any) -> str:
    if isinstance(text, list):
        return "".join(str(line) for line in text)
    return str(text)
