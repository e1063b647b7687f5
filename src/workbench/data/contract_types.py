"""What a canonical table is made of: columns, rules and keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["FIRST_YEAR", "LAST_YEAR", "SQL_TYPES", "Column", "Kind", "RowRule", "Table"]

Kind = Literal[
    "id", "date", "ts", "int", "float", "bool", "quarter", "list", "text", "cat"
]

SQL_TYPES: MappingProxyType[str, str] = MappingProxyType(
    {
        "id": "VARCHAR",
        "date": "DATE",
        "ts": "TIMESTAMP",
        "int": "BIGINT",
        "float": "DOUBLE",
        "bool": "BOOLEAN",
        "quarter": "VARCHAR",
        "list": "VARCHAR[]",
        "text": "VARCHAR",
        "cat": "VARCHAR",
    }
)
"""DuckDB type of each kind of column; a ``ts`` is in UTC."""

FIRST_YEAR, LAST_YEAR = 1900, 2100
"""Dates outside these years are faults of an export, not facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a canonical table.

    Attributes
    ----------
    name : str
        Its name in the store.
    kind : str
        See `SQL_TYPES`.
    nullable : bool
        Whether a value may be missing.
    values : tuple of str
        Closed list of a ``cat``.
    minimum, maximum : float or None
        Range of a number, both ends included.
    person : bool
        Holds a person id: pseudonymised on load.
    refers : str
        Table in whose key a value must stand, or empty.
    cut : str
        ``row``: a row dated after the data cut is not visible. ``mask``: such a value
        is hidden, and with it the columns named in `clears`. Empty: not a date of
        the cut.
    clears : tuple of str
        Columns that are known only once this date has come; they are hidden as well
        where the date is missing.
    """

    name: str
    kind: Kind
    nullable: bool = False
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    person: bool = False
    refers: str = ""
    cut: Literal["", "row", "mask"] = ""
    clears: tuple[str, ...] = ()

    @property
    def sql_type(self) -> str:
        """DuckDB type of the column."""
        return SQL_TYPES[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """A rule over the columns of one row; `broken` is SQL that is true if it is."""

    column: str
    reason: Literal["impossible_date", "out_of_range"]
    text: str
    broken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One canonical table.

    Attributes
    ----------
    name, meaning : str
        Its name in the store; what one row is.
    columns : tuple of Column
        In the order of the store.
    key : tuple of str
        Columns that together are unique; empty where rows may repeat.
    required : bool
        Whether an organisation cannot be loaded without it.
    open : bool
        Whether further columns may follow the canonical ones.
    orders : tuple of pairs
        (earlier, later): dates that must stand in this order.
    rules : tuple of RowRule
        Further rules over one row.
    recast : mapping
        Column to the SQL that gives its value at the data cut, ``{end}`` being the
        first moment after the cut.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    required: bool = False
    open: bool = False
    orders: tuple[tuple[str, str], ...] = ()
    rules: tuple[RowRule, ...] = ()
    recast: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the canonical columns."""
        return tuple(column.name for column in self.columns)

    @property
    def person_columns(self) -> tuple[str, ...]:
        """Columns that hold person ids; the first is whom a row is about."""
        return tuple(column.name for column in self.columns if column.person)

    @property
    def subject(self) -> str:
        """The column of the person a row is about, or empty."""
        return "employee_id" if "employee_id" in self.names else ""

    def column(self, name: str) -> Column:
        """Return a canonical column by name."""
        return next(column for column in self.columns if column.name == name)
