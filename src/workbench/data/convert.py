"""SQL that turns what an extract holds into the kinds of the data contract.

A value that cannot be read becomes null here; that it was not null before is what
puts its row into quarantine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.data.contract import Kind
from workbench.data.source_model import ColumnMap
from workbench.data.sql import quote_text

__all__ = [
    "Reading",
    "convert",
    "is_mapped",
    "is_one_of",
    "read_mapped_text",
    "write_as_text",
]

_FLOATS = ("DOUBLE", "FLOAT")
_WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_ZONED = "TIMESTAMP WITH TIME ZONE"
_ISO = r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:.*)?"
_ISO_ZONED = r"\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:.*(Z|[+-]\d{2}(:?\d{2})?)"
_FIRST_FOUR_DIGIT_YEAR = 1000
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the texts of one source are to be read.

    Attributes
    ----------
    timezone : str
        Zone of times that state none.
    decimal, thousands : str
        Signs within numbers; ``thousands`` may be empty.
    iso_too : bool
        Whether ISO dates are read beside the declared formats, as for sources that
        have dates of their own.
    """

    timezone: str = "UTC"
    decimal: str = "."
    thousands: str = ""
    iso_too: bool = False


def convert(raw: str, raw_type: str, kind: Kind, spec: ColumnMap, how: Reading) -> str:
    """Write the SQL that reads one column.

    Parameters
    ----------
    raw : str
        SQL of the value in the extract.
    raw_type : str
        Its DuckDB type.
    kind : str
        Kind of the canonical column.
    spec : ColumnMap
        Value map, formats, scale, separator.
    how : Reading
        Conventions of the source.

    Returns
    -------
    str
        SQL of the canonical type, null where the value is missing or unreadable.
    """
    if spec.map is not None:
        raw, raw_type = read_mapped_text(raw, raw_type, spec), "VARCHAR"
    if kind in ("id", "cat"):
        return write_as_text(raw, raw_type)
    if kind == "text":
        return raw if raw_type == "VARCHAR" else write_as_text(raw, raw_type)
    if kind == "bool":
        return _read_bool(raw, raw_type)
    if kind == "quarter":
        text = f"upper({write_as_text(raw, raw_type)})"
        return f"CASE WHEN regexp_full_match({text}, '\\d{{4}}Q[1-4]') THEN {text} END"
    if kind == "list":
        return _read_list(raw, raw_type, spec)
    if kind in ("int", "float"):
        return _scale(_read_number(raw, raw_type, how), kind, spec)
    return _read_date(raw, raw_type, kind, spec, how)


def write_as_text(raw: str, raw_type: str) -> str:
    """Write the SQL of a value as trimmed text, null where nothing is left.

    A whole number has no decimals in it, whatever type the extract gave it.
    """
    if raw_type in _FLOATS or raw_type.startswith("DECIMAL"):
        whole = f"CAST(TRY_CAST({raw} AS HUGEINT) AS VARCHAR)"
        raw = (
            f"CASE WHEN isnan({raw}) THEN NULL WHEN {raw} = floor({raw}) "
            f"AND isfinite({raw}) THEN {whole} ELSE CAST({raw} AS VARCHAR) END"
            if raw_type in _FLOATS
            else f"CASE WHEN {raw} = floor({raw}) THEN {whole} "
            f"ELSE CAST({raw} AS VARCHAR) END"
        )
    elif raw_type != "VARCHAR":
        raw = f"CAST({raw} AS VARCHAR)"
    return f"nullif(trim({raw}), '')"


def is_mapped(raw: str, raw_type: str, spec: ColumnMap) -> str:
    """Write the condition that a value stands in its map, or need not."""
    if spec.map is None or spec.otherwise != "quarantine":
        return "true"
    return is_one_of(write_as_text(raw, raw_type), spec.map)


def is_one_of(text: str, values: Iterable[str]) -> str:
    """Write the condition that a text is in a list; null if it is null.

    Not as IN, nor with `list_contains`: DuckDB makes joins of them, which are slower
    here and lose the order of the rows.
    """
    tried = " ".join(f"WHEN {quote_text(value)} THEN true" for value in values)
    return f"CASE WHEN {text} IS NOT NULL THEN CASE {text} {tried} ELSE false END END"


def read_mapped_text(raw: str, raw_type: str, spec: ColumnMap) -> str:
    """Write the SQL of a value as text, after its value map where it has one."""
    text = write_as_text(raw, raw_type)
    if spec.map is None:
        return text
    pairs = " ".join(
        f"WHEN {quote_text(old)} THEN " + ("NULL" if new is None else quote_text(new))
        for old, new in spec.map.items()
    )
    rest = text if spec.otherwise == "keep" else "NULL"
    return f"CASE {text} {pairs} ELSE {rest} END"


def _read_bool(raw: str, raw_type: str) -> str:
    if raw_type == "BOOLEAN":
        return raw
    text = f"lower({write_as_text(raw, raw_type)})"
    return (
        f"CASE WHEN {is_one_of(text, _TRUE)} THEN true "
        f"WHEN {is_one_of(text, _FALSE)} THEN false END"
    )


def _read_list(raw: str, raw_type: str, spec: ColumnMap) -> str:
    if raw_type.endswith("[]"):
        parts = f"list_transform({raw}, lambda x: trim(CAST(x AS VARCHAR)))"
    else:
        text = write_as_text(raw, raw_type)
        sign = spec.separator
        parts = (
            f"[{text}]"
            if sign is None
            else f"list_transform(string_split({text}, {quote_text(sign)}), "
            "lambda x: trim(x))"
        )
        parts = f"CASE WHEN {text} IS NOT NULL THEN {parts} END"
    return f"nullif(list_filter({parts}, lambda x: x <> ''), [])"


def _read_number(raw: str, raw_type: str, how: Reading) -> str:
    if raw_type in _WHOLE or raw_type.startswith("DECIMAL"):
        return f"CAST({raw} AS DOUBLE)"
    if raw_type in _FLOATS:
        return f"CASE WHEN isfinite({raw}) THEN CAST({raw} AS DOUBLE) END"
    text = write_as_text(raw, raw_type)
    digits, odd = text, f"contains({text}, '_')"
    if how.thousands:
        digits = f"replace({digits}, {quote_text(how.thousands)}, '')"
        group, point = re.escape(how.thousands), re.escape(how.decimal)
        shape = rf"[+-]?(\d+|\d{{1,3}}({group}\d{{3}})+)({point}\d*)?"
        odd = f"NOT regexp_full_match({text}, {quote_text(shape)})"
    elif how.decimal != ".":
        odd += f" OR contains({text}, '.')"
    if how.decimal != ".":
        digits = f"replace({digits}, {quote_text(how.decimal)}, '.')"
    number = f"TRY_CAST({digits} AS DOUBLE)"
    return f"CASE WHEN {odd} OR NOT isfinite({number}) THEN NULL ELSE {number} END"


def _scale(number: str, kind: Kind, spec: ColumnMap) -> str:
    if spec.scale is not None:
        number = f"({number}) * CAST({spec.scale!r} AS DOUBLE)"
    if spec.offset is not None:
        number = f"({number}) + CAST({spec.offset!r} AS DOUBLE)"
    if kind == "int":
        return (
            f"CASE WHEN ({number}) = floor({number}) "
            f"THEN TRY_CAST({number} AS BIGINT) END"
        )
    return number


def _read_date(
    raw: str, raw_type: str, kind: Kind, spec: ColumnMap, how: Reading
) -> str:
    zone = spec.timezone or how.timezone
    if raw_type == "DATE" and kind == "date":
        return raw
    if raw_type == _ZONED:
        return _place(raw, kind, zone)
    if raw_type == "DATE" or raw_type.startswith("TIMESTAMP"):
        return _settle(f"CAST({raw} AS TIMESTAMP)", kind, zone)
    return _read_date_text(write_as_text(raw, raw_type), kind, zone, spec, how)


def _read_date_text(
    text: str, kind: Kind, zone: str, spec: ColumnMap, how: Reading
) -> str:
    """Try the declared formats in their order, or ISO where there are none."""
    tries = []
    for item in spec.formats:
        moment = f"try_strptime({text}, {quote_text(item)})"
        if "%z" in item:
            tries.append(_place(moment, kind, zone))
            continue
        # %Y reads "24" as the year 24, which would forestall a later %y
        plausible = (
            f"CASE WHEN year({moment}) >= {_FIRST_FOUR_DIGIT_YEAR} THEN {moment} END"
        )
        tries.append(_settle(plausible, kind, zone))
    if not spec.formats or how.iso_too:
        tries.append(_read_iso(text, kind, zone))
    return tries[0] if len(tries) == 1 else f"coalesce({', '.join(tries)})"


def _read_iso(text: str, kind: Kind, zone: str) -> str:
    zoned = _place(f"TRY_CAST({text} AS TIMESTAMPTZ)", kind, zone)
    local = _settle(f"TRY_CAST({text} AS TIMESTAMP)", kind, zone)
    return (
        f"CASE WHEN regexp_full_match({text}, '{_ISO_ZONED}') THEN {zoned} "
        f"WHEN regexp_full_match({text}, '{_ISO}') THEN {local} END"
    )


def _settle(moment: str, kind: Kind, zone: str) -> str:
    """Read a time without a zone as one of `zone`; a date keeps its day."""
    if kind == "date":
        return f"CAST({moment} AS DATE)"
    if zone == "UTC":
        return moment
    return f"timezone('UTC', timezone({quote_text(zone)}, {moment}))"


def _place(moment: str, kind: Kind, zone: str) -> str:
    """Read a time that states its zone; its day is the day in `zone`."""
    if kind == "date":
        return f"CAST(timezone({quote_text(zone)}, {moment}) AS DATE)"
    return f"timezone('UTC', {moment})"
