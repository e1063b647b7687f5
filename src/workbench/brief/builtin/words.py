"""The words of a page without their markup, for contents and search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

__all__ = ["split_sections", "write_plain"]

_BLOCKS = frozenset(("Para", "Plain", "Header"))
_SPACES = frozenset(("Space", "SoftBreak", "LineBreak"))
_BREAKING_NAMES = (
    "address article aside blockquote br caption dd details div dl dt figcaption "
    "figure footer h2 h3 h4 h5 h6 header hr li ol p pre section span summary "
    "table td th tr ul"
)
_BREAKING = frozenset(_BREAKING_NAMES.split())
_SILENT = frozenset(("svg", "style", "script", "title"))


def write_plain(node: Any) -> str:
    """Return the words of a piece of pandoc's tree on one line."""
    parts: list[str] = []
    _collect(node, parts)
    return " ".join("".join(parts).split())


def split_sections(blocks: Sequence[Any], *, level: int = 2) -> list[tuple[str, str]]:
    """Part a page at its headings: the id of each section and its words.

    What stands before the first heading has an empty id; headings inside callouts
    and other divisions part it too.
    """
    sections: list[tuple[str, list[str]]] = [("", [])]
    for block in _flatten(blocks):
        if block["t"] == "Header" and block["c"][0] <= level:
            sections.append((block["c"][1][0], []))
        _collect(block, sections[-1][1])
        sections[-1][1].append(" ")
    return [(anchor, " ".join("".join(parts).split())) for anchor, parts in sections]


def _flatten(blocks: Sequence[Any]) -> list[Mapping[str, Any]]:
    """List blocks, those inside plain divisions one by one."""
    flat: list[Mapping[str, Any]] = []
    for block in blocks:
        flat += _flatten(block["c"][1]) if block["t"] == "Div" else [block]
    return flat


def _collect(node: Any, parts: list[str]) -> None:
    """Add the words of a node to `parts`."""
    if isinstance(node, list):
        for item in node:
            _collect(item, parts)
    elif isinstance(node, Mapping) and "t" in node:
        _collect_tagged(str(node["t"]), node.get("c", []), parts)
    elif isinstance(node, Mapping):
        _collect(list(node.values()), parts)


def _collect_tagged(kind: str, content: Any, parts: list[str]) -> None:
    """Add the words of a node of a known kind."""
    if kind == "Str":
        parts.append(content)
    elif kind in _SPACES:
        parts.append(" ")
    elif kind in ("Code", "CodeBlock", "Math"):
        parts.append(f"{content[1]} ")
    elif kind in ("RawBlock", "RawInline"):
        parts.append(_strip_tags(content[1]) if content[0] == "html" else "")
    elif kind == "Quoted":
        marks = "‘’" if content[0]["t"] == "SingleQuote" else "“”"
        parts.append(marks[0])
        _collect(content[1], parts)
        parts.append(marks[1])
    elif kind != "Note":
        _collect(content, parts)
        parts.append(" " if kind in _BLOCKS else "")


def _strip_tags(text: str) -> str:
    reader = _TextReader()
    reader.feed(text)
    reader.close()
    return "".join(reader.parts)


class _TextReader(HTMLParser):
    """Reads the text of HTML, drawings left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self._silent += tag in _SILENT
        if tag in _BREAKING:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        if tag in _BREAKING:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
