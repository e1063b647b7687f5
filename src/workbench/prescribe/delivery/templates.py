"""Markdown templates that an analyst may edit, and what may stand in them.

``{{name}}`` stands for a text; what lies between a line ``{{#people}}`` and a line
``{{/people}}`` is repeated. Texts are escaped for the format they are written in.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from workbench.core.errors import ParamError

__all__ = [
    "FOLDER",
    "TEMPLATES",
    "Block",
    "Node",
    "Template",
    "load_template",
    "parse_nodes",
    "render_nodes",
]

FOLDER = "templates"
"""Folder, in the package and below an organisation's parameters."""

_MOST_BYTES = 200_000
_FIELD = re.compile(r"\{\{(\w+)\}\}")
_MARK = re.compile(r"^[ \t]*\{\{([#/])(\w+)\}\}[ \t]*(?:\n|\Z)", re.MULTILINE)
_SPACED = re.compile(r"\{\{\s*([#/]?)\s*(\w+)\s*\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
_REFUSED = (
    (re.compile(r"!\["), "an image"),
    (re.compile(r"\]\([^)\n]*\{\{"), "a placeholder in the address of a link"),
    (re.compile(r"`[^`\n]*\{\{"), "a placeholder within code"),
)


@dataclass(frozen=True, slots=True)
class Node:
    """A stretch of text with its placeholders, or a block if it has a name.

    ``text`` is a format in which ``%s`` stands for each of the placeholders `fields`.
    """

    text: str = ""
    fields: tuple[str, ...] = ()
    name: str = ""
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What a template, or a block of one, may hold."""

    fields: tuple[str, ...]
    blocks: Mapping[str, Block] = field(default_factory=dict)


_STEP = Block(
    fields=("title", "kind", "starts", "by", "hours", "reason", "practice", "prompt")
)
_MODULE = Block(
    fields=(
        *("number", "title", "modality", "hours", "reason", "practice", "prompt"),
        *("behaviour", "note"),
    )
)
_PACK = Block(
    fields=("organisation", "quarter", "persona", "need", "count", "hours"),
    blocks={"modules": _MODULE},
)

TEMPLATES: Mapping[str, Block] = {
    "agenda": Block(
        fields=("organisation", "quarter", "manager", "from"),
        blocks={"people": Block(fields=("person",), blocks={"steps": _STEP})},
    ),
    "manager_script": _PACK,
    "checklist": _PACK,
    "evidence_of_practice": _PACK,
}
"""Every template and the placeholders it knows; inner blocks know the outer ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A checked template.

    Attributes
    ----------
    name, where : str
        One of `TEMPLATES`, and where it was read from.
    text : str
        Markdown with placeholders written without spaces.
    nodes : tuple of Node
        The text taken apart; see `render`.
    """

    name: str
    where: str
    text: str
    nodes: tuple[Node, ...]

    def render(self, values: Mapping[str, Any], escape: Callable[[str], str]) -> str:
        """Fill the template: texts by name, lists of such mappings by block."""
        return render_nodes(self.nodes, values, escape)


def load_template(name: str, params_folder: Path) -> Template:
    """Read a template: the organisation's own, else that of the package.

    Parameters
    ----------
    name : str
        One of `TEMPLATES`.
    params_folder : Path
        ``params/<org>``; its ``templates/<name>.md`` goes first.

    Returns
    -------
    Template
        With every placeholder known.

    Raises
    ------
    ParamError
        If the file cannot be read, names an unknown placeholder, leaves a block open,
        or holds what could lead out of the document; with file and line.
    """
    own = params_folder / FOLDER
    unknown = [item.name for item in own.glob("*") if item.stem not in TEMPLATES]
    if unknown:
        raise ParamError.build(
            "There is no such template",
            where=str(own),
            rule="one of " + ", ".join(f"{item}.md" for item in TEMPLATES),
            got=sorted(unknown),
        )
    path = own / f"{name}.md"
    if path.is_file():
        where, data = str(path), path.read_bytes()
    else:
        source = files("workbench.prescribe.delivery") / FOLDER / f"{name}.md"
        where, data = f"the package's {name}.md", source.read_bytes()
    text = _SPACED.sub(r"{{\1\2}}", _decode(data, where))
    for pattern, what in _REFUSED:
        if found := pattern.search(text):
            raise _build_error(f"The template holds {what}", where, text, found.start())
    nodes = parse_nodes(text, where)
    _check_known(nodes, TEMPLATES[name], (), where, text)
    return Template(name=name, where=where, text=text, nodes=nodes)


def parse_nodes(text: str, where: str) -> tuple[Node, ...]:
    """Take a text apart into stretches and blocks.

    Raises
    ------
    ParamError
        If blocks do not close in order, or braces stand alone.
    """
    open_blocks: list[tuple[str, int, list[Node]]] = [("", 0, [])]
    at = 0
    for mark in _MARK.finditer(text):
        open_blocks[-1][2].append(_read_stretch(text, at, mark.start(), where))
        at = mark.end()
        if mark[1] == "#":
            open_blocks.append((mark[2], mark.start(), []))
            continue
        name, _, inner = open_blocks.pop()
        if name != mark[2]:
            what = f"The block {mark[2]} is closed but not open"
            raise _build_error(what, where, text, mark.start())
        open_blocks[-1][2].append(Node(name=name, nodes=tuple(inner)))
    name, start, nodes = open_blocks[-1]
    if len(open_blocks) > 1:
        raise _build_error(f"The block {name} is not closed", where, text, start)
    return (*nodes, _read_stretch(text, at, len(text), where))


def render_nodes(
    nodes: Sequence[Node], values: Mapping[str, Any], escape: Callable[[str], str]
) -> str:
    """Fill nodes; a value is put in once, so that braces in it stay as they are."""
    parts: list[str] = []
    for node in nodes:
        if node.name:
            parts += [
                render_nodes(node.nodes, {**values, **item}, escape)
                for item in values[node.name]
            ]
        else:
            parts.append(node.text % tuple([escape(values[f]) for f in node.fields]))
    return "".join(parts)


def _read_stretch(text: str, start: int, end: int, where: str) -> Node:
    """Read a stretch of text without blocks."""
    pieces = _FIELD.split(text[start:end])
    at = start
    for number, piece in enumerate(pieces):
        if number % 2:
            at += len(piece) + 4
            continue
        if found := _BRACES.search(piece):
            what = "These braces are no placeholder"
            raise _build_error(what, where, text, at + found.start())
        at += len(piece)
    texts = [piece.replace("%", "%%") for piece in pieces[::2]]
    return Node("%s".join(texts), tuple(pieces[1::2]))


def _check_known(
    nodes: Sequence[Node],
    block: Block,
    outer: tuple[str, ...],
    where: str,
    text: str,
) -> None:
    fields = (*block.fields, *outer)
    for node in nodes:
        for name in node.fields:
            _check_name(name, fields, f"{{{{{name}}}}}", where, text)
        if node.name:
            _check_name(
                node.name, tuple(block.blocks), f"{{{{#{node.name}}}}}", where, text
            )
            _check_known(node.nodes, block.blocks[node.name], fields, where, text)


def _check_name(
    name: str, known: tuple[str, ...], written: str, where: str, text: str
) -> None:
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    raise _build_error(
        f"There is nothing called {name} here",
        where,
        text,
        text.index(written),
        rule="one of " + (", ".join(known) or "(no block)"),
        hint=f"did you mean {near[0]}" if near else "",
    )


def _decode(data: bytes, where: str) -> str:
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ParamError.build(
            "A template is not UTF-8", where=where, got=str(error)
        ) from error
    if len(data) > _MOST_BYTES or "\0" in text:
        raise ParamError.build(
            "A template is too large, or no text",
            where=where,
            rule=f"at most {_MOST_BYTES:,} bytes of text",
        )
    return text


def _build_error(
    what: str, where: str, text: str, at: int, *, rule: str = "", hint: str = ""
) -> ParamError:
    line = text.count("\n", 0, at) + 1
    got = text.splitlines()[line - 1].strip()[:80]
    return ParamError.build(
        what,
        where=f"{where}:{line}",
        rule=rule
        or "{{name}} for a text; {{#block}} and {{/block}}, each on a line of its own",
        got=got,
        hint=hint,
    )
