"""Word and PDF documents from Markdown, the same bytes for the same text."""

from __future__ import annotations

import io
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from workbench.core.errors import ParamError
from workbench.prescribe.delivery.safe_text import escape_xml
from workbench.prescribe.delivery.templates import Template, parse_nodes, render_nodes

__all__ = ["WordTemplate", "make_pdf", "make_word"]

_FORMAT = "commonmark-raw_html+pipe_tables+task_lists"
_DOCUMENT = "word/document.xml"
_PROPERTIES = "docProps/core.xml"
_NO_TIME = b"1970-01-01T00:00:00Z"
"""What pandoc writes in its sandbox, where it does not see the clock."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PARAGRAPH = re.compile(r"\s*<w:p>(?:(?!</w:p>).)*?</w:p>", re.DOTALL)
_MARK = re.compile(r"\{\{[#/]\w+\}\}")
_LINE_MARK = re.compile(r"^[ \t]*(\{\{[#/]\w+\}\})[ \t]*$", re.MULTILINE)
_ROW_MARK = re.compile(r"^\|.*\n[ \t]*\{\{#", re.MULTILINE)
_FIELD = re.compile(r"\{\{\w+\}\}")
_LIMIT = 60.0


def make_word(markdown: str, *, stamp: date) -> bytes:
    """Turn Markdown into a Word document.

    Parameters
    ----------
    markdown : str
        CommonMark with tables and task lists; HTML in it is left out.
    stamp : date
        Day that the document gives as its own.

    Returns
    -------
    bytes
        The .docx file.

    Raises
    ------
    ParamError
        If pandoc cannot read the Markdown.
    """
    return _zip(_make_parts(markdown, stamp))


def make_pdf(markdown: str, *, stamp: date) -> bytes:
    """Turn Markdown into a PDF, through typst; see `make_word`."""
    import typst

    wanted = ["-t", "typst", "-s", "-V", "papersize=a4", "-V", "lang=en"]
    source = _run_pandoc(markdown, wanted)
    with tempfile.TemporaryDirectory(prefix="workbench-pdf-") as alone:
        path = Path(alone) / "document.typ"
        path.write_bytes(source)
        try:
            made = typst.compile(
                path, root=path.parent, timestamp=_count_seconds(stamp)
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ParamError.build(
                "A template cannot be set as a PDF",
                got=str(error).splitlines()[0],
                hint="take out of the template what was added last",
            ) from error
    if not isinstance(made, bytes):
        raise ParamError.build("typst made no single document", got=type(made).__name__)
    return made


class WordTemplate:
    """A template turned into Word once and then filled as often as needed.

    pandoc takes a third of a second per document. Here it sees the template alone;
    its placeholders stay in the document's XML, where they are filled.

    Parameters
    ----------
    template : Template
        Blocks stand between paragraphs, not within tables.
    stamp : date
        Day that the documents give as their own.

    Raises
    ------
    ParamError
        If a block stands in a table, or pandoc does not leave each placeholder whole.
    """

    def __init__(self, template: Template, *, stamp: date) -> None:
        if _ROW_MARK.search(template.text):
            raise ParamError.build(
                "A block stands within a table",
                where=template.where,
                rule=f"in {template.name}.md blocks stand between paragraphs",
            )
        apart = _LINE_MARK.sub(r"\n\n\1\n\n", template.text)
        parts = _make_parts(apart, stamp)
        text = parts.pop(_DOCUMENT).decode()
        if set(_FIELD.findall(text)) != set(_FIELD.findall(template.text)):
            raise ParamError.build(
                "A placeholder does not stand in plain text",
                where=template.where,
                rule="placeholders stand in text, not in code, links or options",
            )
        self._nodes = parse_nodes(_PARAGRAPH.sub(_keep_mark, text), template.where)
        self._base = _zip(parts)

    def render(self, values: Mapping[str, Any]) -> bytes:
        """Fill the template; return the .docx file."""
        document = render_nodes(self._nodes, values, escape_xml)
        made = io.BytesIO()
        made.write(self._base)
        with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            file.writestr(_describe(_DOCUMENT), document)
        return made.getvalue()


def _keep_mark(match: re.Match[str]) -> str:
    """Return a paragraph, or only the mark of a block if it holds one."""
    mark = _MARK.search(match[0])
    return f"\n{mark[0]}\n" if mark else match[0]


def _make_parts(markdown: str, stamp: date) -> dict[str, bytes]:
    """Let pandoc make a Word document; return its parts, dated as wanted."""
    made = _run_pandoc(markdown, ["-t", "docx", "-o", "-"])
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    moment = f"{stamp}T00:00:00Z".encode()
    parts[_PROPERTIES] = parts[_PROPERTIES].replace(_NO_TIME, moment)
    return parts


def _zip(parts: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(_describe(name), data)
    return made.getvalue()


def _describe(name: str) -> zipfile.ZipInfo:
    """Describe a part of a document, with no time of its own."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _run_pandoc(markdown: str, wanted: list[str]) -> bytes:
    """Let pandoc convert, without access to files, the network or the clock."""
    import pypandoc

    command = [pypandoc.get_pandoc_path(), "--sandbox", "-f", _FORMAT, *wanted]
    done = subprocess.run(
        command,
        input=markdown.encode(),
        capture_output=True,
        timeout=_LIMIT,
        check=False,
    )
    if done.returncode:
        raise ParamError.build(
            "A template cannot be converted",
            got=done.stderr.decode(errors="replace").strip()[:200],
        )
    return done.stdout


def _count_seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
