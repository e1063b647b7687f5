"""Pseudonyms of people: a keyed hash whose key stays outside the outputs."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import duckdb

from workbench.core.errors import ParamError
from workbench.core.params import OrgParams
from workbench.core.store import Workspace

__all__ = ["PseudonymKey", "find_key", "key_variable", "pseudonymise"]

_BLOCK = 64
_DIGITS = 32
_SHORTEST = 16


@dataclass(frozen=True, slots=True, repr=False)
class PseudonymKey:
    """The key of one organisation, and whether it was made just now."""

    secret: bytes
    created: bool = False

    @property
    def fingerprint(self) -> str:
        """A hash that tells keys apart and gives none away."""
        return hmac.new(self.secret, b"fingerprint", hashlib.sha256).hexdigest()

    def pseudonymise(self, person: str) -> str:
        """Return the pseudonym of one person id: 16 bytes in hexadecimal."""
        return hmac.new(self.secret, person.encode(), hashlib.sha256).hexdigest()[
            :_DIGITS
        ]

    def install(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make `pseudonymise` usable in a connection; the key enters no SQL text."""
        secret = self.secret
        if len(secret) > _BLOCK:
            secret = hashlib.sha256(secret).digest()
        padded = secret.ljust(_BLOCK, b"\0")
        for name, mask in (("wb_inner", 0x36), ("wb_outer", 0x5C)):
            pad = bytes(byte ^ mask for byte in padded)
            connection.execute(f"SET VARIABLE {name} = ?::BLOB", [pad])


def pseudonymise(text: str) -> str:
    """Write the SQL that turns a person id into its pseudonym; null stays null."""
    inner = f"unhex(sha256(getvariable('wb_inner') || encode({text})))"
    return f"left(sha256(getvariable('wb_outer') || {inner}), {_DIGITS})"


def key_variable(org: str) -> str:
    """Name of the environment variable that may hold an organisation's key."""
    return f"WORKBENCH_KEY_{org.upper()}"


def find_key(params: OrgParams, workspace: Workspace) -> PseudonymKey:
    """Find the key of an organisation, or make one at the first load.

    Parameters
    ----------
    params : OrgParams
        With ``privacy.public_data`` the key follows from the organisation's name, so
        that results are the same everywhere.
    workspace : Workspace
        ``keys/<org>.key`` lies in it; the environment variable
        ``WORKBENCH_KEY_<ORG>`` goes before it.

    Returns
    -------
    PseudonymKey
        A new one is written readable by its owner only.

    Raises
    ------
    ParamError
        If the key is too short or cannot be read or written.
    """
    if params.workbench.privacy.public_data:
        return PseudonymKey(f"public data of {params.org}".encode())
    variable = key_variable(params.org)
    path = workspace.root / "keys" / f"{params.org}.key"
    if variable in os.environ:
        return _check(os.environ[variable], f"environment variable {variable}")
    try:
        if not path.exists():
            _write_new(path)
            return PseudonymKey(path.read_bytes().strip(), created=True)
        return _check(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ParamError.build(
            "The key of the pseudonyms cannot be read or written",
            where=str(path),
            got=type(error).__name__,
            hint=f"make the file readable, or set {variable}",
        ) from error


def _check(text: str, where: str) -> PseudonymKey:
    secret = text.strip().encode()
    if len(secret) < _SHORTEST:
        raise ParamError.build(
            "The key of the pseudonyms is too short",
            where=where,
            rule=f"at least {_SHORTEST} signs, drawn at random",
            hint="remove the file or variable to have a key made, or lengthen it",
        )
    return PseudonymKey(secret)


def _write_new(path: Path) -> None:
    """Write a random key; of two loads at once, both use the first one's."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(secrets.token_hex(32) + "\n")
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
