"""Delimited text into Parquet: all cells as text, broken rows set apart."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import duckdb

from workbench.core.errors import SourceError
from workbench.data.chunks import ROW_COLUMN, name_columns
from workbench.data.source_model import CsvSource
from workbench.data.sql import quote_name, quote_path, quote_text
from workbench.data.text_files import TextFile, open_binary, write_clean

__all__ = ["BrokenRow", "read_header", "stage_csv"]

_DELIMITERS = ";\t|,"
_UNREACHABLE = "\x01 no such value \x01"
_SHOWN_LINE = 200


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row whose cells do not fit the header: its number and what is wrong."""

    row: int
    rule: str


def stage_csv(
    connection: duckdb.DuckDBPyConnection,
    file: TextFile,
    name: str,
    spec: CsvSource,
    target: Path,
) -> list[BrokenRow]:
    """Write one delimited file as Parquet.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Does the reading.
    file : TextFile
        As `inspect_text` found it.
    name : str
        How to call it in messages.
    spec : CsvSource
        Delimiter, quote, lines to skip, texts that mean nothing.
    target : Path
        Parquet file to write, in the order of the rows; the row number is a column
        of it only where broken rows make it differ from the position.

    Returns
    -------
    list of BrokenRow
        Rows with too many or too few cells or a broken quote, by number.

    Raises
    ------
    SourceError
        If the header cannot be used, a quote swallows the lines after it, or the
        file cannot be read.
    """
    clean = file.path
    if not file.clean:
        clean = target.with_suffix(".csv")
        write_clean(file, clean)
    header = read_header(clean, name, spec)
    connection.execute("DROP TABLE IF EXISTS reject_errors")
    connection.execute("DROP TABLE IF EXISTS reject_scans")
    try:
        connection.execute(
            f"COPY (SELECT * FROM read_csv({quote_path(clean)}, "
            f"{_write_options(header, spec)})) "
            f"TO {quote_text(str(target))} (FORMAT parquet, COMPRESSION zstd)"
        )
        broken = _list_broken(connection, name, spec)
    except duckdb.Error as error:
        # the further lines of the message hold the text of the row
        raise SourceError.build(
            "A delimited file cannot be read",
            where=name,
            got=str(error).splitlines()[0],
            hint="check delimiter, quote and skip of this source in source.yml",
        ) from None
    finally:
        if clean != file.path:
            clean.unlink()
    if broken:
        _number_rows(connection, target, broken)
    return broken


def read_header(path: Path, name: str, spec: CsvSource) -> list[str]:
    """Read the column names of a clean delimited file.

    Raises
    ------
    SourceError
        If there is no header or its quotes do not close, or another delimiter
        separates its names.
    """
    with (
        open_binary(path) as source,
        io.TextIOWrapper(source, encoding="utf-8", newline="") as text,
    ):
        for _ in range(spec.skip):
            text.readline()
        reader = csv.reader(
            text, delimiter=spec.delimiter, quotechar=spec.quote, strict=True
        )
        try:
            header = next(reader, [])
        except csv.Error as error:
            raise SourceError.build(
                "The header of a delimited file cannot be read",
                where=name,
                got=str(error),
                hint="check delimiter, quote and skip of this source in source.yml",
            ) from error
    if not any(cell.strip() for cell in header):
        raise SourceError.build(
            "A delimited file has no header",
            where=name,
            rule=f"column names in line {spec.skip + 1}",
            hint="correct skip in source.yml, or export with column names",
        )
    other = [sign for sign in _DELIMITERS if len(header) == 1 and sign in header[0]]
    if other:
        raise SourceError.build(
            "The header of a delimited file is one single column",
            where=name,
            rule=f"names separated by {spec.delimiter!r}",
            got=header[0][:_SHOWN_LINE],
            hint=f"declare delimiter: {other[0]!r} for this source in source.yml",
        )
    return name_columns(header)


def _write_options(header: list[str], spec: CsvSource) -> str:
    columns = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in header)
    nulls = ", ".join(map(quote_text, spec.null_values or (_UNREACHABLE,)))
    quote = quote_text(spec.quote)
    return (
        f"delim={quote_text(spec.delimiter)}, quote={quote}, escape={quote}, "
        f"header=true, auto_detect=false, skip={spec.skip}, columns={{{columns}}}, "
        f"nullstr=[{nulls}], store_rejects=true, rejects_limit=0"
    )


def _list_broken(
    connection: duckdb.DuckDBPyConnection, name: str, spec: CsvSource
) -> list[BrokenRow]:
    """List the rows set apart; refuse an open quote that swallowed others."""
    rows = connection.execute(
        "SELECT line, min(error_type::VARCHAR), "
        "bool_or(error_type = 'UNQUOTED VALUE' AND contains(csv_line, chr(10))) "
        "FROM reject_errors GROUP BY line ORDER BY line"
    ).fetchall()
    first = 1 + spec.skip
    for line, _, swallowed in rows:
        if swallowed:
            raise SourceError.build(
                "A quote opens and never closes, and takes the rows after it in",
                where=f"{name}, data row {line - first}",
                rule=f"a {spec.quote} within a value is doubled and the value quoted",
                hint="correct the row, or declare quote: another sign",
            )
    return [BrokenRow(int(line) - first, str(kind).lower()) for line, kind, _ in rows]


def _number_rows(
    connection: duckdb.DuckDBPyConnection, target: Path, broken: list[BrokenRow]
) -> None:
    """Add the rows' numbers in the file, counting the rows set apart."""
    # before the k-th broken row stand `row - k` good ones
    gaps = [(item.row - k, k) for k, item in enumerate(broken, start=1)]
    connection.execute("CREATE OR REPLACE TEMP TABLE wb_gaps (gap BIGINT, k BIGINT)")
    connection.executemany("INSERT INTO wb_gaps VALUES (?, ?)", gaps)
    numbered = target.with_suffix(".numbered")
    connection.execute(
        f"COPY (SELECT s.* EXCLUDE (file_row_number), file_row_number + 1 + "
        f"coalesce(k, 0) AS {quote_name(ROW_COLUMN)} "
        f"FROM read_parquet({quote_path(target)}, file_row_number=true) s "
        "ASOF LEFT JOIN (SELECT gap, max(k) AS k FROM wb_gaps GROUP BY gap) g "
        "ON s.file_row_number >= g.gap ORDER BY s.file_row_number) "
        f"TO {quote_text(str(numbered))} (FORMAT parquet, COMPRESSION zstd)"
    )
    numbered.replace(target)
