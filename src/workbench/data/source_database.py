"""The result of a database query into Parquet, fetched in chunks, read only."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from workbench.core.errors import ParamError, SourceError
from workbench.data.chunks import name_columns, write_chunks
from workbench.data.source_model import DatabaseSource

__all__ = ["expand_variables", "fetch_database", "redact_url"]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)
_FETCH_ROWS = 10_000


def expand_variables(text: str, where: str) -> str:
    """Put environment variables in the place of ``${NAME}``.

    Raises
    ------
    ParamError
        If one is not set.
    """
    missing = [name for name in _VARIABLE.findall(text) if name not in os.environ]
    if missing:
        raise ParamError.build(
            "An environment variable of a database address is not set",
            where=where,
            got=missing,
            hint="set it before the load",
        )
    return _VARIABLE.sub(lambda match: os.environ[match[1]], text)


def redact_url(url: sa.URL) -> str:
    """Write an address without password and without secrets among its options."""
    options = {
        name: "***" if _SECRET.search(name) else value
        for name, value in url.query.items()
    }
    return unquote(url.set(query=options).render_as_string(hide_password=True))


def fetch_database(
    source: str, spec: DatabaseSource, root: Path, folder: Path
) -> tuple[str, list[Path]]:
    """Run a source's query and write its rows as Parquet files.

    Parameters
    ----------
    source : str
        Its name in `source.yml`.
    spec : DatabaseSource
        Address and query.
    root : Path
        Folder below which a relative SQLite path lies.
    folder : Path
        For the Parquet files; made by this call.

    Returns
    -------
    (str, list of Path)
        The address without its password, and the files in order.

    Raises
    ------
    ParamError
        If the address cannot be read or its variable is not set.
    SourceError
        If the database cannot be reached or refuses the query; the message holds no
        password.
    """
    url = _parse_url(source, spec)
    shown = redact_url(url)
    secrets = [str(url.password)] if url.password else []
    secrets += [str(value) for name, value in url.query.items() if _SECRET.search(name)]
    try:
        engine = _make_engine(url, root)
        with engine.connect() as connection:
            result = connection.execution_options(
                stream_results=True, max_row_buffer=_FETCH_ROWS
            ).execute(sa.text(spec.query.replace(":", r"\:")))
            names = name_columns(result.keys())
            return shown, write_chunks(_list_rows(result), names, folder)
    except (sa.exc.SQLAlchemyError, sqlite3.Error, ImportError) as error:
        # the cause is cut off: its text may hold the address
        raise SourceError.build(
            f"The database of the source {source!r} cannot be read",
            where=shown,
            got=_describe(error, secrets),
            hint="check address, user, driver and query in source.yml",
        ) from None


def _parse_url(source: str, spec: DatabaseSource) -> sa.URL:
    where = f"source.yml: sources.{source}.url"
    address = expand_variables(spec.url, where)
    try:
        return sa.make_url(address)
    except (sa.exc.ArgumentError, ValueError):
        raise ParamError.build(
            "A database address cannot be read",
            where=where,
            rule="such as postgresql+psycopg://user:${NAME}@host/base",
            hint="percent-encode special signs of user and password",
        ) from None


def _make_engine(url: sa.URL, root: Path) -> sa.Engine:
    """Make an engine that cannot write: read-only file or read-only transaction."""
    if url.get_backend_name() == "sqlite":
        path = root / (url.database or "")
        if not path.is_file():
            raise SourceError.build(
                "A database file does not exist",
                where=str(path),
                hint="correct url in source.yml; a relative path lies below the root",
            )
        address = f"file:{quote(str(path))}?mode=ro"
        return sa.create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(address, uri=True),
            poolclass=NullPool,
        )
    engine = sa.create_engine(url, poolclass=NullPool)
    if url.get_backend_name() == "postgresql":
        return engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    return engine


def _list_rows(result: sa.CursorResult[Any]) -> Iterator[tuple[int, Any]]:
    number = 0
    for part in result.partitions(_FETCH_ROWS):
        for row in part:
            number += 1
            yield number, row


def _describe(error: Exception, secrets: list[str]) -> str:
    """Say what the database said, without passwords and without values."""
    if isinstance(error, sa.exc.DataError):
        return "a value does not fit its type"
    cause = getattr(error, "orig", None) or error
    text = " ".join(str(cause).split())
    for secret in secrets:
        for form in (secret, quote(secret, safe="")):
            text = text.replace(form, "***")
    return text[:300]
