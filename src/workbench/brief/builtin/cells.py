"""Notebooks into Markdown, by Quarto's rules for cells (those of the safe subset)."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from workbench.brief.notebook_files import read_notebook
from workbench.brief.site_config import merge, read_yaml
from workbench.core.errors import PublishError

__all__ = ["PageSource", "read_page"]

_ENDINGS = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpeg"}
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(slots=True, kw_only=True)
class PageSource:
    """A page before pandoc: its settings, its Markdown and its pictures.

    ``front`` are the settings of the site, its folders and the page, merged.
    ``images`` maps addresses from the site's root to bytes; ``labels`` maps the
    labels of figures and tables to their names, such as ``Figure 1``.
    """

    address: str
    front: Mapping[str, Any]
    markdown: str = ""
    images: dict[str, bytes] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


def read_page(stage: Path, address: str, config: Mapping[str, Any]) -> PageSource:
    """Read a staged notebook.

    Parameters
    ----------
    stage : Path
        The staging folder.
    address : str
        Address of the page without ending.
    config : mapping
        The site's configuration.

    Returns
    -------
    PageSource
        The page, its cells as Markdown in their order.

    Raises
    ------
    PublishError
        If the notebook is damaged, its front matter or cell options are not YAML, a
        label stands twice or a picture is damaged.
    """
    notebook = read_notebook(stage / f"{address}.ipynb")
    cells = list(notebook["cells"])
    settings: dict[str, Any] = {
        key: config[key] for key in ("execute", "format", "lang") if key in config
    }
    folder = stage
    for part in PurePosixPath(address).parent.parts:
        folder = folder / part
        settings = merge(settings, read_yaml(folder / "_metadata.yml"))
    front = _read_front(str(cells.pop(0)["source"]), address)
    page = PageSource(address=address, front=merge(settings, front))
    reader = _CellReader(page)
    page.markdown = "\n\n".join(
        reader.read(number, cell) for number, cell in enumerate(cells)
    )
    return page


def _read_front(source: str, address: str) -> dict[str, Any]:
    text = source.strip().removeprefix("---").removesuffix("---")
    return _read_mapping(text, f"{address}, front matter")


def _read_mapping(text: str, where: str) -> dict[str, Any]:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PublishError.build(
            "This is not YAML", where=where, got=" ".join(str(error).split())[:200]
        ) from error
    return dict(value) if isinstance(value, Mapping) else {}


class _CellReader:
    """Reads the cells of one page, counting figures and tables."""

    def __init__(self, page: PageSource) -> None:
        self._page = page
        self._counts = {"Figure": 0, "Table": 0}
        self._execute = page.front.get("execute", {})
        self._html = page.front.get("format", {}).get("html", {})

    def read(self, number: int, cell: Mapping[str, Any]) -> str:
        """Return a cell as Markdown."""
        source = str(cell["source"])
        if cell["cell_type"] == "markdown":
            return source
        if cell["cell_type"] != "code":
            return ""
        lines = source.splitlines()
        count = 0
        while count < len(lines) and lines[count].startswith("#|"):
            count += 1
        where = f"{self._page.address}, cell {number + 1}"
        options = _read_mapping(
            "\n".join(line[2:].removeprefix(" ") for line in lines[:count]), where
        )
        if options.get("include") is False:
            return ""
        parts = []
        code = "\n".join(lines[count:]).strip("\n")
        if code and options.get("echo", self._execute.get("echo", True)):
            parts.append(self._show_code(code, options))
        if options.get("output", True) is not False:
            parts += self._show_outputs(number, cell.get("outputs", ()), options, where)
        return "\n\n".join(part.rstrip("\n") for part in parts)

    def _show_code(self, code: str, options: Mapping[str, Any]) -> str:
        runs = re.findall(r"`+", code)
        fence = "`" * max(3, 1 + max((len(run) for run in runs), default=0))
        block = f"{fence}python\n{code}\n{fence}"
        if not options.get("code-fold", self._html.get("code-fold", False)):
            return block
        words = options.get("code-summary", self._html.get("code-summary", "Code"))
        summary = f"<summary>{html.escape(str(words))}</summary>"
        opening = _raw(f'<details class="code-fold">{summary}')
        return f"{opening}\n\n{block}\n\n{_raw('</details>')}"

    def _show_outputs(
        self,
        number: int,
        outputs: list[Mapping[str, Any]],
        options: Mapping[str, Any],
        where: str,
    ) -> list[str]:
        label = str(options.get("label", ""))
        shown = []
        for count, output in enumerate(outputs, start=1):
            data = output["data"]
            mime = next((name for name in _ENDINGS if name in data), "")
            if mime:
                stem = label or f"cell-{number + 2}"
                name = f"{stem}-output-{count}.{_ENDINGS[mime]}"
                image = self._store_image(name, mime, str(data[mime]), where)
                shown.append(self._show_figure(image, options, label, where))
            else:
                shown.append(str(data.get("text/markdown", "")))
            label = "" if mime else label
        if "tbl-cap" in options and shown:
            return [self._show_table("\n\n".join(shown), options, where)]
        return shown

    def _store_image(self, name: str, mime: str, text: str, where: str) -> str:
        """Keep a picture at the address Quarto gives it; return it from the page."""
        if _LABEL.match(name) is None or "/" in name:
            raise PublishError.build(
                "A label cannot be part of a file name", where=where, got=name
            )
        try:
            svg = mime == "image/svg+xml"
            content = text.encode() if svg else base64.b64decode(text, validate=False)
        except binascii.Error as error:
            raise PublishError.build("A picture is damaged", where=where) from error
        path = PurePosixPath(self._page.address)
        folder = f"{path.name}_files/figure-html"
        self._page.images[(path.parent / folder / name).as_posix()] = content
        return f"{folder}/{name}"

    def _show_figure(
        self, image: str, options: Mapping[str, Any], label: str, where: str
    ) -> str:
        alt = html.escape(str(options.get("fig-alt", "")))
        picture = (
            f'<img src="{html.escape(image)}" class="img-fluid figure-img" alt="{alt}">'
        )
        caption = options.get("fig-cap")
        if not caption:
            return _raw(f'<p class="figure-plain">{picture}</p>')
        name = self._number("Figure", label, where)
        opening = (
            f'<div{_mark(label)} class="quarto-float quarto-figure">'
            f'<figure class="quarto-float quarto-float-fig figure"><div>{picture}</div>'
            '<figcaption class="quarto-float-caption quarto-float-fig">'
        )
        closing = _raw("</figcaption></figure></div>")
        return f"{_raw(opening)}\n\n{name}: {caption}\n\n{closing}"

    def _show_table(self, body: str, options: Mapping[str, Any], where: str) -> str:
        label = str(options.get("label", ""))
        name = self._number("Table", label, where)
        opening = (
            f'<div{_mark(label)} class="quarto-float">'
            '<figure class="quarto-float quarto-float-tbl figure">'
            '<figcaption class="quarto-float-caption quarto-float-tbl">'
        )
        caption = f"{name}: {options['tbl-cap']}"
        middle, closing = _raw("</figcaption>"), _raw("</figure></div>")
        return "\n\n".join([_raw(opening), caption, middle, body, closing])

    def _number(self, kind: str, label: str, where: str) -> str:
        """Count a figure or table and remember the name of its label."""
        self._counts[kind] += 1
        name = f"{kind} {self._counts[kind]}"
        if label in self._page.labels:
            raise PublishError.build(
                "Two cells of a page have the same label", where=where, got=label
            )
        if label:
            self._page.labels[label] = name
        return name


def _raw(content: str) -> str:
    return f"```{{=html}}\n{content}\n```"


def _mark(label: str) -> str:
    return f' id="{html.escape(label)}"' if label else ""
