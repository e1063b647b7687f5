"""Text files as exports leave them: encodings, byte order marks, line endings."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from workbench.core.errors import SourceError

__all__ = ["TextFile", "inspect_text", "open_binary", "write_clean"]

_CHUNK = 1 << 22
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = frozenset(range(0x80, 0xA0))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """What one pass over a text file found.

    Attributes
    ----------
    path : Path
        The file.
    encoding : str
        How its bytes are read.
    sha256 : str
        Hash of its bytes as they lie on disk.
    clean : bool
        Whether it is UTF-8 with one kind of usual line ending, and so can be read
        in place.
    warnings : tuple of str
        What is odd about it.
    """

    path: Path
    encoding: str
    sha256: str
    clean: bool
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Findings:
    """Counts gathered while a file passes by."""

    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    size: int = 0
    pairs: int = 0
    returns: int = 0
    feeds: int = 0
    nulls: int = 0
    high: bool = False
    utf8: bool = True
    last: str = ""

    def count(self, text: str) -> None:
        """Count the line endings of a further piece of text."""
        if self.last == "\r" and text.startswith("\n"):
            self.pairs += 1
        self.pairs += text.count("\r\n")
        self.returns += text.count("\r")
        self.feeds += text.count("\n")
        self.nulls += text.count("\0")
        self.last = text[-1:] or self.last


def inspect_text(path: Path, name: str, encoding: str | None) -> TextFile:
    """Read a text file once: hash it, decode all of it, look at its line ends.

    Parameters
    ----------
    path : Path
        The file; ``.gz`` is unpacked on the way.
    name : str
        How to call it in messages.
    encoding : str or None
        As declared; by default UTF-8. A byte order mark goes before it.

    Returns
    -------
    TextFile
        With everything `write_clean` needs.

    Raises
    ------
    SourceError
        If it is empty, cannot be read, or holds bytes that its encoding does not.
    """
    with open_binary(path) as file:
        mark = _find_mark(_read(file, 4, name))
    chosen = mark or encoding or "utf-8"
    found = _Findings()
    decoder = codecs.getincrementaldecoder(chosen)(errors="strict")
    probe = decoder
    if not _is_utf8(chosen):
        probe = codecs.getincrementaldecoder("utf-8")(errors="strict")
    with open_binary(path) as file:
        for chunk in _read_chunks(file, name):
            _take(found, chunk, decoder, probe, name, chosen)
        _take(found, b"", decoder, probe, name, chosen)
    _refuse_useless(found, name, chosen)
    return TextFile(
        path=path,
        encoding=chosen,
        sha256=_hash_packed(path) if path.suffix == ".gz" else found.digest.hexdigest(),
        clean=_is_utf8(chosen) and _has_one_ending(found),
        warnings=tuple(_list_oddities(found, name, mark, encoding, chosen)),
    )


def write_clean(file: TextFile, target: Path) -> None:
    """Write a file again as UTF-8 with line feeds and without a byte order mark."""
    with (
        open_binary(file.path) as source,
        # newline=None turns every kind of line ending into one
        io.TextIOWrapper(source, encoding=file.encoding, newline=None) as reader,
        target.open("w", encoding="utf-8", newline="\n") as out,
    ):
        shutil.copyfileobj(reader, out, _CHUNK)


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading; a packed one as if it were plain."""
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def _read(file: BinaryIO, size: int, name: str) -> bytes:
    try:
        return file.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError.build(
            "A source file cannot be read", where=name, got=str(error)
        ) from error


def _read_chunks(file: BinaryIO, name: str) -> Iterator[bytes]:
    while chunk := _read(file, _CHUNK, name):
        yield chunk


def _find_mark(head: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    return None


def _take(
    found: _Findings,
    chunk: bytes,
    decoder: codecs.IncrementalDecoder,
    probe: codecs.IncrementalDecoder,
    name: str,
    encoding: str,
) -> None:
    """Take in one piece of the file; an empty one ends it."""
    final = not chunk
    if found.utf8 and probe is not decoder:
        try:
            probe.decode(chunk, final)
        except UnicodeDecodeError:
            found.utf8 = False
    try:
        found.count(decoder.decode(chunk, final))
    except UnicodeDecodeError as error:
        raise _build_encoding_error(error, found, name, encoding) from error
    found.high = found.high or not chunk.isascii()
    found.digest.update(chunk)
    found.size += len(chunk)


def _build_encoding_error(
    error: UnicodeDecodeError, found: _Findings, name: str, encoding: str
) -> SourceError:
    """Say where the first bad byte stands and which encoding to try."""
    bad = error.object[error.start]
    line = found.feeds + error.object[: error.start].count(b"\n") + 1
    likely = "cp1252" if _CONTROLS & set(error.object) else "latin-1"
    if found.utf8 and not _is_utf8(encoding):
        likely = "utf-8"
    return SourceError.build(
        f"A source file is not valid {encoding}",
        where=f"{name}, line {line}",
        rule=f"every byte belongs to {encoding}, or another encoding is declared",
        got=f"byte 0x{bad:02x}",
        hint=f"declare encoding: {likely} for this source in source.yml",
    )


def _refuse_useless(found: _Findings, name: str, encoding: str) -> None:
    if found.size == 0:
        raise SourceError.build(
            "A source file is empty",
            where=name,
            rule="at least a header row",
            got="0 bytes",
            hint="export it again, or take it out of the path",
        )
    if found.nulls:
        raise SourceError.build(
            "A source file holds NUL bytes: it is damaged or not text",
            where=name,
            got=f"{found.nulls} in {found.size} bytes read as {encoding}",
            hint="UTF-16 without a byte order mark? declare encoding: utf-16-le",
        )


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "ascii")


def _has_one_ending(found: _Findings) -> bool:
    """Whether all lines end in a line feed, or all in return and line feed."""
    return found.returns == 0 or found.pairs == found.returns == found.feeds


def _list_oddities(
    found: _Findings, name: str, mark: str | None, declared: str | None, chosen: str
) -> Iterator[str]:
    family = (mark or "").removesuffix("-sig")
    if mark and declared and not codecs.lookup(declared).name.startswith(family):
        yield f"{name}: read as {mark}, as its byte order mark says, not {declared}"
    if found.high and found.utf8 and not mark and not _is_utf8(chosen):
        yield f"{name}: declared {chosen}, but its bytes read well as utf-8"


def _hash_packed(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
