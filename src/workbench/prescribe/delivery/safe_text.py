"""Text from extracts made harmless for spreadsheets, pages, documents and paths."""

from __future__ import annotations

import hashlib
import html
import json
import re
import unicodedata
from functools import lru_cache
from typing import Any

__all__ = [
    "LONGEST",
    "clean_text",
    "escape_calendar",
    "escape_chat",
    "escape_markdown",
    "escape_xml",
    "find_file_name",
    "format_json",
    "guard_cell",
    "is_plain_id",
]

LONGEST = 500
"""Characters of a title, name or reason that are passed on."""

_REMEMBERED = 16_384
_PLAIN = re.compile(r"[ -;=?-~]*")
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"
_TAG = re.compile(r"[<＜﹤](?=[A-Za-z/!?])")
_TRIGGERS = frozenset("=+-@\t\r\n|%\N{MINUS SIGN}")
_SIGNS = frozenset("=+-@\N{MINUS SIGN}")
_UNSEEN = r"\s\"\u200b\u200c\u200d\ufeff"
_BLANK = re.compile(r"(?:[^\S\t\r\n]|[\u200b\u200c\u200d\ufeff])*")
_SPLIT = re.compile(rf"([;,|\t\r\n][{_UNSEEN}]*)(?=([^{_UNSEEN}]))")
_INLINE = re.compile(r"([\\`*_\[\]{}|~$^@#!])")
_ADDRESS = re.compile(r"(:)(?=//)|(?<=\bwww)(\.)", re.IGNORECASE)
_LEADING = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=:])")
_ID = re.compile(r"[\w.@+:/ -]{1,120}", re.ASCII)
_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def clean_text(value: object) -> str:
    r"""Turn a value into one line of visible text, without the start of any tag.

    Control and direction signs go, white space becomes single spaces, and a ``<`` that
    could begin a tag becomes ``‹``; a missing value becomes an empty text. Every
    title, name and reason passes through here once, whatever format it goes to.

    Parameters
    ----------
    value : object
        Text of any origin; None and NaN are missing.

    Returns
    -------
    str
        In Unicode's form NFC, at most `LONGEST` characters.
    """
    if value is None or value != value:
        return ""
    text = str(value)
    if _PLAIN.fullmatch(text) is None:
        text = unicodedata.normalize("NFC", text)
        text = _TAG.sub("‹", "".join(map(_show_sign, text)))
    text = " ".join(text.split()).strip(f" {_JOINERS}")
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _show_sign(sign: str) -> str:
    """Return a sign, a space in place of a control sign, or nothing."""
    if sign.isspace() or unicodedata.category(sign) in ("Cc", "Zl", "Zp"):
        return " "
    hidden = unicodedata.category(sign) in _DROPPED and sign not in _JOINERS
    return "" if hidden else sign


@lru_cache(_REMEMBERED)
def guard_cell(text: str) -> str:
    """Put an apostrophe before whatever a spreadsheet would calculate.

    That is a cell whose first visible sign is ``= + - @``, a tab or a line break, in
    full width and other compatible forms too (OWASP, CSV Injection; CWE-1236), and
    such a sign after ``; , |`` or a tab, where a spreadsheet set to another delimiter
    begins a cell. Plain numbers stay as they are.
    """
    if _is_number(text):
        return text
    text = _SPLIT.sub(_guard_part, text)
    first = _BLANK.sub("", text, count=1)[:1]
    if not first or (first.isalnum() and first.isascii()):
        return text
    if unicodedata.normalize("NFKC", first)[:1] not in _TRIGGERS:
        return text
    return f"'{text}"


def _guard_part(match: re.Match[str]) -> str:
    """Put the apostrophe between a delimiter and a sign that begins a formula."""
    formula = unicodedata.normalize("NFKC", match[2])[:1] in _SIGNS
    return f"{match[1]}'" if formula else match[1]


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII) is not None


def is_plain_id(text: str) -> bool:
    """Whether an id can go to another system as it is: short, plain, no formula."""
    return _ID.fullmatch(text) is not None and guard_cell(text) == text


@lru_cache(_REMEMBERED)
def escape_markdown(text: str) -> str:
    """Write a text so that Markdown, and HTML within it, show it and nothing else."""
    escaped = _INLINE.sub(r"\\\1", html.escape(text, quote=False))
    escaped = _ADDRESS.sub(r"\\\g<0>", escaped)
    return _LEADING.sub(_escape_leading, escaped)


def _escape_leading(match: re.Match[str]) -> str:
    return f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}"


@lru_cache(_REMEMBERED)
def escape_xml(text: str) -> str:
    """Write a text as the content of an XML element."""
    return html.escape(text, quote=False)


def escape_chat(text: str) -> str:
    """Write a text so that Slack reads no mention or link in it.

    The three signs are those of Slack's page "Formatting text for app surfaces".
    """
    return html.escape(text, quote=False)


@lru_cache(_REMEMBERED)
def escape_calendar(text: str) -> str:
    """Write a text as a value of type TEXT (RFC 5545, 3.3.11)."""
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", "\\n")


def find_file_name(text: str) -> str:
    """Return a name that is safe as a file name: the text itself, or its hash."""
    if _SAFE_NAME.fullmatch(text):
        return text
    return "x" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:31]


def format_json(value: Any, *, compact: bool = False) -> bytes:
    r"""Write JSON that can stand within a page: ``<`` and ``>`` as ``\u003c``."""
    text = json.dumps(
        value,
        ensure_ascii=False,
        allow_nan=False,
        indent=None if compact else 2,
        separators=(",", ":") if compact else None,
    )
    for sign, code in (("<", r"\u003c"), (">", r"\u003e"), ("&", r"\u0026")):
        text = text.replace(sign, code)
    return f"{text}\n".encode()
