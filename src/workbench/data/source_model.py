"""`source.yml`: where the rows of each canonical table come from."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from workbench.core.errors import ParamError
from workbench.core.params import Name, OrgParams, Strict
from workbench.core.yaml_files import read_model
from workbench.data.contract import TABLES, Kind, list_required

__all__ = [
    "ColumnMap",
    "ControlTotal",
    "CsvSource",
    "DatabaseSource",
    "ExcelSource",
    "FileSource",
    "Join",
    "ParquetSource",
    "Source",
    "SourceMap",
    "SqlSource",
    "TableMap",
    "Unpivot",
    "read_source_map",
]

_INTERNAL = "_wb_"
_IDENTIFYING = frozenset(
    {
        "address",
        "e_mail",
        "email",
        "first_name",
        "full_name",
        "iban",
        "last_name",
        "mail",
        "mobile",
        "name",
        "passport",
        "phone",
        "ssn",
        "surname",
        "telephone",
        "user_name",
        "username",
    }
)


def _to_text(value: object) -> object:
    """Write a YAML scalar as the text that an extract would hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_to_text)]


class _WithNulls(Strict):
    """Options of every source whose rows are read, not derived."""

    null_values: tuple[Text, ...] = ("",)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""

    @model_validator(mode="after")
    def _distinct_signs(self) -> _WithNulls:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same sign")
        return self


class FileSource(_WithNulls):
    """A file, a folder, or a pattern of files below the root."""

    path: str = Field(min_length=1)


class CsvSource(FileSource):
    """Delimited text, one header row; ``skip`` lines stand above the header."""

    format: Literal["csv"]
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    encoding: str | None = None
    skip: int = Field(default=0, ge=0)

    # the base strips white space, which would lose a tabulator
    model_config = ConfigDict(str_strip_whitespace=False)

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                codecs.lookup(name)
            except LookupError as error:
                raise ValueError("no such encoding") from error
        return name


class ParquetSource(FileSource):
    """Parquet files; with ``hive``, ``key=value`` folders are columns."""

    format: Literal["parquet"]
    hive: bool = False


class ExcelSource(FileSource):
    """One sheet of each workbook, by default the first; one header row."""

    format: Literal["excel"]
    sheet: str | None = None
    skip: int = Field(default=0, ge=0)


class DatabaseSource(_WithNulls):
    """The result of one query; ``${NAME}`` in the address is taken from outside."""

    format: Literal["database"]
    url: str = Field(min_length=1)
    query: str = Field(min_length=1)


class SqlSource(Strict):
    """Rows derived by SQL from other sources."""

    format: Literal["sql"]
    sql: str = Field(min_length=1)


Source = Annotated[
    CsvSource | ParquetSource | ExcelSource | DatabaseSource | SqlSource,
    Field(discriminator="format"),
]


class ColumnMap(Strict):
    """How one canonical column is filled.

    Exactly one of ``column``, ``constant`` and ``sql`` says where the value is from;
    the rest says how it is read. ``kind`` is for columns beyond the contract.
    """

    column: str | None = None
    constant: Text | None = None
    sql: str | None = None
    formats: tuple[str, ...] = ()
    timezone: str | None = None
    map: dict[str, Text | None] | None = Field(default=None, min_length=1)
    otherwise: Literal["null", "keep", "quarantine"] = "quarantine"
    scale: float | None = None
    offset: float | None = None
    separator: str | None = Field(default=None, min_length=1)
    kind: Kind | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"column": value}
        if isinstance(value, dict) and value.get("otherwise", "") is None:
            return {**value, "otherwise": "null"}
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMap:
        given = [item for item in (self.column, self.constant, self.sql) if item]
        if len(given) != 1:
            raise ValueError("give exactly one of column, constant and sql")
        return self


class Unpivot(Strict):
    """Columns that become rows: their names in ``name``, their cells in ``value``."""

    columns: tuple[str, ...] = Field(min_length=1)
    name: str = Field(min_length=1)
    value: str = Field(min_length=1)


class Join(Strict):
    """Another source beside the base; ``inner`` filters rows without a partner."""

    source: Name
    on: str = Field(min_length=1)
    how: Literal["left", "inner"] = "left"


class TableMap(Strict):
    """How one canonical table is made of one source."""

    from_: Name = Field(alias="from")
    where: str | None = None
    unpivot: Unpivot | None = None
    join: tuple[Join, ...] = ()
    columns: dict[str, ColumnMap] = Field(min_length=1)
    identifiers: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _separate_identifiers(self) -> TableMap:
        hidden = {item.casefold() for item in self.identifiers}
        shown = [
            name
            for name, spec in self.columns.items()
            if spec.column and spec.column.casefold() in hidden
        ]
        if shown:
            raise ValueError(
                "a direct identifier is dropped on load, it cannot fill "
                + ", ".join(shown)
            )
        return self


class ControlTotal(Strict):
    """A number the extracts are known to hold."""

    name: str = Field(min_length=1)
    sql: str = Field(min_length=1)
    expected: float


class SourceMap(Strict):
    """The whole of `source.yml`."""

    root: str = Field(min_length=1)
    timezone: str = "UTC"
    sources: dict[Name, Source] = Field(min_length=1)
    tables: dict[str, TableMap] = Field(min_length=1)
    control_totals: tuple[ControlTotal, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> SourceMap:
        faults = [
            *self._find_table_faults(),
            *(
                fault
                for name, table in self.tables.items()
                for fault in self._find_faults(name, table)
            ),
        ]
        if "base" in self.sources:
            faults.append("sources.base: this name means the from-source in a join")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _find_table_faults(self) -> list[str]:
        unknown = [name for name in self.tables if name not in TABLES]
        absent = [name for name in list_required() if name not in self.tables]
        return [
            *(
                f"tables.{name}: the data contract has no such table, only "
                + ", ".join(TABLES)
                for name in unknown
            ),
            *(f"tables.{name}: required by the data contract" for name in absent),
        ]

    def _find_faults(self, name: str, table: TableMap) -> list[str]:
        """Find what one table names that its sources or the contract lack."""
        known = ", ".join(self.sources)
        named = [table.from_, *(join.source for join in table.join)]
        faults = [
            f"tables.{name}: there is no source {item!r}, only {known}"
            for item in named
            if item not in self.sources
        ]
        if name in TABLES:
            faults += [
                f"tables.{name}.columns.{fault}"
                for column, spec in table.columns.items()
                for fault in _find_column_faults(name, column, spec)
            ]
            faults += [
                f"tables.{name}.columns: {column.name} is required, but not mapped"
                for column in TABLES[name].columns
                if not column.nullable and column.name not in table.columns
            ]
        return faults


def _find_column_faults(table: str, name: str, spec: ColumnMap) -> list[str]:
    spec_table = TABLES[table]
    if name not in spec_table.names:
        return _find_further_faults(table, name)
    kind = spec_table.column(name).kind
    dated, number = kind in ("date", "ts"), kind in ("int", "float")
    scaled = spec.scale is not None or spec.offset is not None
    misplaced = [
        (bool(spec.formats) and not dated, "formats are for dates and times"),
        (spec.timezone is not None and not dated, "a timezone is for dates and times"),
        (scaled and not number, "scale and offset are for numbers"),
        (spec.separator is not None and kind != "list", "a separator is for lists"),
        (
            spec.kind not in (None, kind),
            f"the data contract says this is a column of kind {kind}",
        ),
    ]
    return [f"{name}: {text}" for wrong, text in misplaced if wrong]


def _find_further_faults(table: str, name: str) -> list[str]:
    """Judge a column beyond the contract: only for people, and never who they are."""
    if not TABLES[table].open:
        known = ", ".join(TABLES[table].names)
        return [f"{name}: the data contract has no such column, only {known}"]
    if name.casefold() in _IDENTIFYING:
        return [f"{name}: a direct identifier is not loaded; list it in identifiers"]
    if not name.isidentifier() or name.startswith(_INTERNAL):
        return [f"{name}: a column name has letters, digits and underscores only"]
    return []


def read_source_map(params: OrgParams) -> SourceMap:
    """Read the source mapping of an organisation.

    Parameters
    ----------
    params : OrgParams
        The organisation; `source.yml` lies in its parameter folder.

    Returns
    -------
    SourceMap
        Checked against itself and the data contract.

    Raises
    ------
    ParamError
        If the file is absent or does not fit, all faults together with their lines.
    """
    path = params.folder / "source.yml"
    if not path.is_file():
        raise ParamError.build(
            f"The organisation {params.org} has no source mapping",
            where=str(path),
            hint="copy source.yml from params/demo and adapt it",
        )
    return read_model(path, SourceMap)
