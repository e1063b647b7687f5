"""Workbooks into Parquet, row by row, so that a large sheet does not fill memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from workbench.core.errors import SourceError
from workbench.data.chunks import name_columns, write_chunks
from workbench.data.source_model import ExcelSource

__all__ = ["stage_excel"]


def stage_excel(path: Path, name: str, spec: ExcelSource, folder: Path) -> list[Path]:
    """Write one sheet of a workbook as Parquet files.

    Parameters
    ----------
    path, name : Path, str
        The workbook, and how to call it in messages.
    spec : ExcelSource
        Sheet, and lines above the header.
    folder : Path
        For the Parquet files; made by this call.

    Returns
    -------
    list of Path
        The files in order; a row without any value is left out, but counted.

    Raises
    ------
    SourceError
        If the workbook or the sheet cannot be read or has no header.
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    if path.stat().st_size == 0:
        raise SourceError.build("A source file is empty", where=name, got="0 bytes")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            sheet = _find_sheet(book, name, spec)
            rows = sheet.iter_rows(values_only=True)
            header = _read_header(rows, name, spec)
            return write_chunks(_list_rows(rows, len(header)), header, folder)
        finally:
            book.close()
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        KeyError,
        OSError,
        ParseError,
        ValueError,
    ) as error:
        raise SourceError.build(
            "A workbook cannot be read",
            where=name,
            rule="a whole .xlsx or .xlsm file without a password",
            got=type(error).__name__,
            hint="open it, save it as .xlsx, and load again",
        ) from error


def _find_sheet(book: Any, name: str, spec: ExcelSource) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if spec.sheet is not None and spec.sheet not in sheets:
        raise SourceError.build(
            f"The workbook has no sheet {spec.sheet!r}",
            where=name,
            rule="one of " + ", ".join(sheets),
            hint="correct sheet in source.yml",
        )
    sheet = sheets[spec.sheet] if spec.sheet else book.worksheets[0]
    # some programs write a wrong extent, and rows beyond it would be lost
    sheet.reset_dimensions()
    return sheet


def _read_header(
    rows: Iterator[tuple[Any, ...]], name: str, spec: ExcelSource
) -> list[str]:
    for _ in range(spec.skip):
        next(rows, ())
    header = list(next(rows, ()))
    while header and header[-1] is None:
        header.pop()
    if not header:
        raise SourceError.build(
            "A sheet has no header",
            where=name,
            rule=f"column names in line {spec.skip + 1}",
            hint="correct sheet or skip in source.yml",
        )
    return name_columns(header)


def _list_rows(
    rows: Iterator[tuple[Any, ...]], width: int
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    padding = (None,) * width
    for number, row in enumerate(rows, start=1):
        cells = (tuple(row) + padding)[:width]
        if any(cell is not None for cell in cells):
            yield number, cells
