"""Sources of every kind as relations that DuckDB reads, each row with its origin.

A source is first *collected* (its files found, checked and hashed; a database query
run), which is enough to see whether anything has changed, and then *registered*: text
and workbooks are rewritten as Parquet, and a view gives the columns as the analyst
knows them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from workbench.core.errors import ParamError, SourceError
from workbench.core.store import hash_file, hash_text
from workbench.data.chunks import ROW_COLUMN
from workbench.data.convert import is_one_of
from workbench.data.files import FoundFile, check_parquet, find_files, name_file
from workbench.data.source_csv import BrokenRow, stage_csv
from workbench.data.source_database import fetch_database
from workbench.data.source_excel import stage_excel
from workbench.data.source_model import (
    CsvSource,
    DatabaseSource,
    ExcelSource,
    ParquetSource,
    Source,
    SqlSource,
)
from workbench.data.sql import list_paths, quote_name, quote_path, quote_text
from workbench.data.text_files import TextFile, inspect_text

__all__ = [
    "FILE_COLUMN",
    "Collected",
    "Relation",
    "collect_source",
    "describe_error",
    "register_derived",
    "register_source",
]

_ABOUT_NO_VALUE = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.IOException,
    duckdb.NotImplementedException,
    duckdb.OutOfMemoryException,
    duckdb.ParserException,
    duckdb.SyntaxException,
)
_QUOTED = re.compile("['\"]")
_DIGITS = re.compile(r"\d+")

FILE_COLUMN = "_wb_file"
"""Path of the Parquet file a row was read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A source whose files are found and hashed.

    Attributes
    ----------
    name, spec : str, Source
        As in `source.yml`.
    files : tuple of FoundFile
        What it consists of.
    texts : tuple of TextFile
        The inspection of each file, for delimited text.
    parts : tuple of Path
        Parquet files already written, for a database.
    """

    name: str
    spec: Source
    files: tuple[FoundFile, ...]
    texts: tuple[TextFile, ...] = ()
    parts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A source that DuckDB reads.

    Attributes
    ----------
    name, spec : str, Source
        As in `source.yml`.
    columns : dict
        Column to DuckDB type, in order.
    scan : str
        SELECT of the columns, of `FILE_COLUMN` and of the row number.
    origins : dict
        Value of `FILE_COLUMN` to the file it stands for.
    broken : dict
        File name to its rows that could not be split into cells.
    warnings : tuple of str
        What is odd about the files.
    """

    name: str
    spec: Source
    columns: dict[str, str]
    scan: str
    origins: dict[str, FoundFile]
    broken: dict[str, list[BrokenRow]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def collect_source(name: str, spec: Source, root: Path, work: Path) -> Collected:
    """Find, check and hash what a source consists of.

    Raises
    ------
    SourceError, ParamError
        If something is missing, empty, damaged or cannot be reached.
    """
    if isinstance(spec, SqlSource):
        return Collected(name=name, spec=spec, files=())
    if isinstance(spec, DatabaseSource):
        shown, parts = fetch_database(name, spec, root, work / "fetched" / name)
        file = FoundFile(
            name=shown,
            path=parts[0].parent,
            sha256=hash_text("".join(map(hash_file, parts))),
            size=sum(part.stat().st_size for part in parts),
        )
        return Collected(name=name, spec=spec, files=(file,), parts=tuple(parts))
    paths = find_files(name, spec, root)
    texts: list[TextFile] = []
    hashes: list[str] = []
    for path in paths:
        if isinstance(spec, CsvSource):
            texts.append(inspect_text(path, name_file(path, root), spec.encoding))
            hashes.append(texts[-1].sha256)
            continue
        if isinstance(spec, ParquetSource):
            check_parquet(path, name_file(path, root))
        hashes.append(hash_file(path))
    files = (
        FoundFile(
            name=name_file(path, root),
            path=path,
            sha256=sha256,
            size=path.stat().st_size,
        )
        for path, sha256 in zip(paths, hashes, strict=True)
    )
    return Collected(name=name, spec=spec, files=tuple(files), texts=tuple(texts))


def register_source(
    connection: duckdb.DuckDBPyConnection, collected: Collected, work: Path
) -> Relation:
    """Make a collected source readable, as a view of its name.

    Raises
    ------
    SourceError
        If one of its files cannot be read.
    """
    folder = work / "staged" / collected.name
    broken: dict[str, list[BrokenRow]] = {}
    warnings = [text for file in collected.texts for text in file.warnings]
    origins: dict[str, FoundFile] = {}
    spec = collected.spec
    if isinstance(spec, ParquetSource):
        origins = {str(file.path): file for file in collected.files}
    elif isinstance(spec, DatabaseSource):
        origins = {str(part): collected.files[0] for part in collected.parts}
    elif isinstance(spec, ExcelSource):
        for index, file in enumerate(collected.files):
            inner = folder / f"{index:06d}"
            parts = stage_excel(file.path, file.name, spec, inner)
            origins |= {str(part): file for part in parts}
    elif isinstance(spec, CsvSource):
        folder.mkdir(parents=True)
        for index, (file, text) in enumerate(
            zip(collected.files, collected.texts, strict=True)
        ):
            target = folder / f"{index:06d}.parquet"
            found = stage_csv(connection, text, file.name, spec, target)
            origins[str(target)] = file
            broken |= {file.name: found} if found else {}
    return _register(connection, collected, origins, broken, warnings)


def register_derived(
    connection: duckdb.DuckDBPyConnection, name: str, spec: SqlSource, work: Path
) -> Relation:
    """Compute a derived source once and make it readable, as a view of its name.

    It is computed on one thread, so that its order and its sums repeat.

    Raises
    ------
    ParamError
        If DuckDB refuses its SQL.
    """
    folder = work / "derived"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.parquet"
    try:
        connection.execute("SET threads = 1")
        connection.execute(
            f"COPY (\n{spec.sql}\n) TO {quote_text(str(target))} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    except duckdb.Error as error:
        raise ParamError.build(
            f"The derived source {name!r} cannot be computed",
            where=f"source.yml: sources.{name}.sql",
            got=describe_error(error),
        ) from None
    finally:
        connection.execute("RESET threads")
    file = FoundFile(
        name="", path=target, sha256=hash_text(spec.sql), size=target.stat().st_size
    )
    collected = Collected(name=name, spec=spec, files=(file,))
    return _register(connection, collected, {str(target): file}, {}, [])


def describe_error(error: duckdb.Error) -> str:
    """Repeat what DuckDB said, without the values of a row it may have quoted."""
    text = " ".join(str(error).split("\n\nLINE ")[0].split())
    if not isinstance(error, _ABOUT_NO_VALUE):
        text = _DIGITS.sub("…", _QUOTED.split(text)[0]).rstrip()
    return text[:400]


def _register(
    connection: duckdb.DuckDBPyConnection,
    collected: Collected,
    origins: dict[str, FoundFile],
    broken: dict[str, list[BrokenRow]],
    warnings: list[str],
) -> Relation:
    spec = collected.spec
    scan = (
        f"read_parquet({list_paths(map(Path, origins))}, {_write_hive(spec)}, "
        f"filename={quote_text(FILE_COLUMN)}, file_row_number=true, "
        f"union_by_name={str(len(origins) > 1).lower()})"
    )
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    except duckdb.Error as error:
        raise SourceError.build(
            f"The source {collected.name!r} cannot be read",
            where=", ".join(file.name for file in collected.files[:3]),
            got=describe_error(error),
        ) from None
    types = {str(row[0]): str(row[1]) for row in described}
    own = (FILE_COLUMN, "file_row_number", ROW_COLUMN)
    columns = {name: kind for name, kind in types.items() if name not in own}
    number = "file_row_number + 1"
    if ROW_COLUMN in types:
        number = f"coalesce({ROW_COLUMN}, {number})"
    shown = [_clear_nulls(name, kind, spec) for name, kind in columns.items()]
    # sorted as a number in the order of the files, and written as a path
    listed = ", ".join(quote_text(path) for path in origins)
    file_type = quote_name(f"_wb_files_of_{collected.name}")
    connection.execute(f"CREATE TYPE {file_type} AS ENUM ({listed})")
    shown += [
        f"CAST({FILE_COLUMN} AS {file_type}) AS {FILE_COLUMN}",
        f"{number} AS {ROW_COLUMN}",
    ]
    select = f"SELECT {', '.join(shown)} FROM {scan}"
    names = ", ".join(map(quote_name, columns))
    connection.execute(
        f"CREATE VIEW {quote_name(collected.name)} AS SELECT {names} FROM ({select})"
    )
    return Relation(
        name=collected.name,
        spec=spec,
        columns=columns,
        scan=select,
        origins=origins,
        broken=broken,
        warnings=(*warnings, *_compare_files(connection, collected, origins, columns)),
    )


def _write_hive(spec: Source) -> str:
    if isinstance(spec, ParquetSource) and spec.hive:
        return "hive_partitioning=true, hive_types_autocast=false"
    return "hive_partitioning=false"


def _clear_nulls(name: str, kind: str, spec: Source) -> str:
    """Write a column with the texts that mean nothing taken out."""
    quoted = quote_name(name)
    if kind != "VARCHAR" or isinstance(spec, CsvSource | SqlSource):
        return quoted
    if not spec.null_values:
        return quoted
    nothing = is_one_of(quoted, spec.null_values)
    return f"CASE WHEN NOT {nothing} THEN {quoted} END AS {quoted}"


def _compare_files(
    connection: duckdb.DuckDBPyConnection,
    collected: Collected,
    origins: dict[str, FoundFile],
    columns: dict[str, str],
) -> list[str]:
    """Say which files of a pattern lack columns that others have."""
    if len(origins) < 2 or isinstance(collected.spec, DatabaseSource):
        return []
    present: dict[str, set[str]] = {}
    for path, file in origins.items():
        described = connection.execute(
            f"DESCRIBE SELECT * FROM read_parquet({quote_path(Path(path))}, "
            f"{_write_hive(collected.spec)})"
        ).fetchall()
        present.setdefault(file.name, set()).update(str(row[0]) for row in described)
    return [
        f"{name}: lacks the columns " + ", ".join(lacking)
        for name, names in present.items()
        if (lacking := [column for column in columns if column not in names])
    ]
