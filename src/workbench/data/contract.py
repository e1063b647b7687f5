"""The data contract: schemas, empty views and lists derived from its declarations.

The declarations themselves are in `contract_tables`; quarantine rules and the data
cut are derived from them in `quarantine` and `cut`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from workbench.core.errors import ParamError
from workbench.data.contract_tables import CANONICAL
from workbench.data.contract_types import (
    FIRST_YEAR,
    LAST_YEAR,
    SQL_TYPES,
    Column,
    Kind,
    RowRule,
    Table,
)
from workbench.data.sql import quote_name

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "SQL_TYPES",
    "TABLES",
    "Column",
    "Kind",
    "RowRule",
    "Table",
    "build_schema",
    "describe_values",
    "find_table",
    "list_required",
    "select_empty",
]

_FRAME_TYPES = {
    "date": "datetime64[us]",
    "ts": "datetime64[us]",
    "int": "Int64",
    "float": "float64",
    "bool": "boolean",
}
_IN_WORDS = {
    "date": f"a date from {FIRST_YEAR} to {LAST_YEAR}",
    "ts": f"a point in time from {FIRST_YEAR} to {LAST_YEAR}",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "quarter": "a quarter such as 2026Q3",
}
_QUARTER = r"^\d{4}Q[1-4]$"


TABLES: MappingProxyType[str, Table] = MappingProxyType(
    {table.name: table for table in CANONICAL}
)
"""All canonical tables by name; a table stands after those it refers to."""


def find_table(name: str) -> Table:
    """Return a canonical table by name.

    Raises
    ------
    ParamError
        If the contract has no such table.
    """
    if name not in TABLES:
        raise ParamError.build(
            f"The data contract has no table {name!r}",
            rule="one of " + ", ".join(TABLES),
        )
    return TABLES[name]


def list_required() -> tuple[str, ...]:
    """List the tables without which an organisation cannot be loaded."""
    return tuple(table.name for table in CANONICAL if table.required)


def select_empty(table: Table) -> str:
    """Write a SELECT that has the table's columns and no row."""
    columns = ", ".join(
        f"CAST(NULL AS {column.sql_type}) AS {quote_name(column.name)}"
        for column in table.columns
    )
    return f"SELECT {columns} WHERE false"


def build_schema(table: str) -> pa.DataFrameSchema:
    """Build the pandera schema of a canonical table.

    Parameters
    ----------
    table : str
        Name of the table.

    Returns
    -------
    pandera.DataFrameSchema
        For a frame as DuckDB's ``.df()`` gives it: dates as ``datetime64[us]``.
        Holds types, missing values, closed lists, ranges, quarters, the order of
        dates and the key; extra columns pass only where the table is open.

    Raises
    ------
    ParamError
        If the contract has no such table.
    """
    import pandera.pandas as pa

    spec = find_table(table)
    return pa.DataFrameSchema(
        {column.name: _schema_column(column) for column in spec.columns},
        name=table,
        strict=not spec.open,
        unique=list(spec.key) or None,
        checks=[_order_check(*pair) for pair in spec.orders],
    )


def _schema_column(column: Column) -> pa.Column:
    import pandera.pandas as pa

    checks = []
    if column.values:
        checks.append(pa.Check.isin(column.values))
    if column.kind == "quarter":
        checks.append(pa.Check.str_matches(_QUARTER))
    if column.minimum is not None:
        checks.append(pa.Check.ge(column.minimum))
    if column.maximum is not None:
        checks.append(pa.Check.le(column.maximum))
    dated = column.kind in ("date", "ts")
    # pandera coerces datetime64[us] to nanoseconds, and a list to text
    return pa.Column(
        None if column.kind == "list" else _FRAME_TYPES.get(column.kind, str),
        checks=checks,
        nullable=column.nullable,
        coerce=not dated and column.kind != "list",
    )


def _order_check(earlier: str, later: str) -> pa.Check:
    """Check the order of two dates; one without a time counts for its whole day."""
    import pandas as pd
    import pandera.pandas as pa

    def _holds(frame: pd.DataFrame) -> pd.Series[bool]:
        late, early = frame[later], frame[earlier]
        return (late + pd.Timedelta(days=1) > early) | late.isna() | early.isna()

    return pa.Check(_holds, name=f"{earlier} not after {later}")


def describe_values(column: Column) -> str:
    """Say in words which values a column may hold."""
    if column.values:
        return "one of " + ", ".join(column.values)
    if column.minimum is not None and column.maximum is not None:
        return f"{column.minimum:g} to {column.maximum:g}"
    if column.minimum is not None:
        return f"at least {column.minimum:g}"
    return _IN_WORDS.get(column.kind, "a value")
