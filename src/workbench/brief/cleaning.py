"""Executed notebooks made fit to be published, whatever renders them.

What is cleaned: cell and notebook metadata (timings, tags), parameter cells, random
ids, error streams, tracebacks, HTML outputs, folders of this machine, pseudonyms,
shortcodes. What stays: the words, the code, and of each output the one form that a
page shows.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from workbench.brief.guard import (
    disarm_code,
    disarm_markdown,
    escape_title,
    scrub,
    split_fences,
)
from workbench.brief.html_tables import draw_table, read_tables, wrap_raw_html
from workbench.core.errors import PublishError

__all__ = ["CleanNotebook", "clean_notebook"]

_PARAMETER_TAGS = frozenset(("parameters", "injected-parameters"))
_HIDDEN_TAGS = frozenset(("remove-cell", "hide-cell"))
_FAILURE_TAG = "papermill-error-cell-tag"
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_KEYS = (
    "title",
    "subtitle",
    "description",
    "toc",
    "order",
    "search",
    "page-layout",
)
_HEADING = re.compile(r"^#[ \t]+(.+?)[ \t]*(?:\{[^}\n]*\})?[ \t]*$", re.MULTILINE)
_IMAGES = ("image/svg+xml", "image/png", "image/jpeg")
_REPRESENTATION = re.compile(r"<[\w.]+[^\n]*>|\[<[\w.]+[^\n]*>\]|Text\([^\n]*\)")
_SVG_NOISE = re.compile(
    r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|<!--.*?-->|<metadata>.*?</metadata>", re.DOTALL
)
_PROMOTED = "workbench"


@dataclass(slots=True)
class CleanNotebook:
    """A cleaned notebook: what its page is called, and its cells.

    ``front`` holds the front matter; titles in it are plain text. ``titled`` tells
    that an output gave the title, ``failed`` that a cell ended in an error.
    """

    front: dict[str, Any] = field(default_factory=dict)
    cells: list[dict[str, Any]] = field(default_factory=list)
    titled: bool = False
    failed: bool = False


def clean_notebook(
    notebook: Mapping[str, Any], *, where: str, roots: Sequence[str] = ()
) -> CleanNotebook:
    """Clean an executed notebook.

    Parameters
    ----------
    notebook : mapping
        As `workbench.brief.notebook_files.read_notebook` gives it; it is not changed.
    where : str
        Name for messages.
    roots : sequence of str
        Folders of this machine that texts may hold; written as ``.``.

    Returns
    -------
    CleanNotebook
        New cells. The title is, first found: one that an output promotes, one in the
        front matter, a ``#`` heading; all ``#`` headings leave the body.

    Raises
    ------
    PublishError
        If front matter or cell options are not YAML, or raw HTML is active.
    """
    cleaner = _Cleaner(where=where, roots=tuple(roots))
    for cell in notebook["cells"]:
        cleaner.take(cell)
    return cleaner.finish()


class _Cleaner:
    """Goes through the cells of one notebook in order."""

    def __init__(self, *, where: str, roots: tuple[str, ...]) -> None:
        self._where = where
        self._roots = roots
        self._result = CleanNotebook()
        self._promoted: dict[str, str] = {}
        self._heading = ""

    def take(self, cell: Mapping[str, Any]) -> None:
        """Add what is left of a cell."""
        tags = set(cell["metadata"].get("tags", ()))
        if _FAILURE_TAG in tags:
            self._result.failed = True
            return
        if tags & (_PARAMETER_TAGS | _HIDDEN_TAGS):
            return
        if cell["cell_type"] == "code":
            self._take_code(cell)
        elif not self._take_front(cell["source"]) and cell["cell_type"] == "markdown":
            self._take_markdown(cell["source"])

    def finish(self) -> CleanNotebook:
        """Settle the title and number the cells."""
        result = self._result
        if self._heading:
            result.front.setdefault("title", self._heading)
        result.titled = "title" in self._promoted
        result.front.update(self._promoted)
        for number, cell in enumerate(result.cells):
            cell["id"] = f"cell-{number:03d}"
        return result

    def _take_front(self, source: str) -> bool:
        """Read front matter; tell whether the cell held any."""
        match = _FRONT_MATTER.match(source)
        if match is None:
            return False
        given = self._parse_yaml(match[1], "front matter")
        self._result.front.update(
            {key: given[key] for key in _FRONT_KEYS if key in given}
        )
        rest = source[match.end() :]
        if rest.strip():
            self._take_markdown(rest)
        return True

    def _take_markdown(self, source: str) -> None:
        text = self._lift_heading(self._clean_markdown(source))
        if text.strip():
            self._result.cells.append(_make_cell("markdown", text.strip() + "\n"))

    def _take_code(self, cell: Mapping[str, Any]) -> None:
        options, code = self._split_options(cell["source"])
        outputs = []
        for output in cell.get("outputs", ()):
            clean = self._clean_output(output, options)
            if clean is not None:
                outputs.append(clean)
        if not outputs and not code.strip():
            return
        has_image = any(set(output["data"]) & set(_IMAGES) for output in outputs)
        if has_image and not options.get("fig-alt"):
            options["fig-alt"] = str(options.get("fig-cap") or "Figure")
        if outputs and not has_image:
            options = {
                key: value
                for key, value in options.items()
                if not key.startswith("fig-") and not str(value).startswith("fig-")
            }
        lines = [f"#| {line}" for line in _dump(options)]
        source = "\n".join([*lines, disarm_code(scrub(code, roots=self._roots))])
        made = _make_cell("code", source)
        made["execution_count"] = None
        made["outputs"] = outputs
        self._result.cells.append(made)

    def _split_options(self, source: str) -> tuple[dict[str, Any], str]:
        """Part the ``#|`` lines of a cell from its code."""
        lines = source.splitlines()
        count = 0
        while count < len(lines) and lines[count].startswith("#|"):
            count += 1
        text = "\n".join(line[2:].removeprefix(" ") for line in lines[:count])
        options = self._parse_yaml(text, "cell options")
        clean = {key: _disarm_option(key, value) for key, value in options.items()}
        return clean, "\n".join(lines[count:])

    def _parse_yaml(self, text: str, what: str) -> dict[str, Any]:
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise PublishError.build(
                f"The {what} of a notebook are not YAML",
                where=self._where,
                got=" ".join(str(error).split())[:200],
                hint="put captions in quotes",
            ) from error
        return dict(value) if isinstance(value, Mapping) else {}

    def _clean_output(
        self, output: Mapping[str, Any], options: dict[str, Any]
    ) -> dict[str, Any] | None:
        kind = output["output_type"]
        if kind == "stream":
            text = "" if output["name"] == "stderr" else str(output["text"])
            return _make_output("text/markdown", self._draw_text(text))
        if kind == "error":
            self._result.failed = True
            text = f"{output['ename']}: {output['evalue']}"
            return _make_output("text/markdown", self._draw_text(text))
        promoted = dict(output.get("metadata", {}).get(_PROMOTED, {}))
        if "title" in promoted:
            self._promoted.update(
                {key: scrub(str(promoted[key])) for key in promoted if key in _TITLES}
            )
            return None
        if "fig_cap" in promoted:
            options["fig-cap"] = escape_title(scrub(str(promoted["fig_cap"])))
        if "fig_alt" in promoted:
            text = scrub(str(promoted["fig_alt"]))
            options["fig-alt"] = _disarm_option("fig-alt", text)
        return self._choose_form(output["data"])

    def _choose_form(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """Keep the one form of an output that a page shows."""
        if "text/markdown" in data:
            text = self._lift_heading(self._clean_markdown(str(data["text/markdown"])))
            return _make_output("text/markdown", text.strip("\n"))
        for mime in _IMAGES:
            if mime in data:
                text = str(data[mime])
                clean = _SVG_NOISE.sub("", text).strip() if "svg" in mime else text
                return {**_EMPTY_OUTPUT, "data": {mime: clean}, "metadata": {}}
        if "text/html" in data:
            tables = read_tables(scrub(str(data["text/html"]), roots=self._roots))
            if tables:
                drawn = "\n".join(draw_table(table) for table in tables)
                return _make_output("text/markdown", wrap_raw_html(drawn))
        if "text/latex" in data:
            text = self._clean_markdown(str(data["text/latex"]))
            return _make_output("text/markdown", text)
        text = str(data.get("text/plain", ""))
        if _REPRESENTATION.fullmatch(text.strip()):
            return None
        return _make_output("text/markdown", self._draw_text(text))

    def _draw_text(self, text: str) -> str:
        """Write printed text as escaped HTML, alike for every renderer."""
        text = scrub(text, roots=self._roots).strip("\n")
        if not text.strip():
            return ""
        escaped = html.escape(text).replace("`", "&#96;")
        return wrap_raw_html(f'<pre class="printed" tabindex="0">{escaped}</pre>')

    def _clean_markdown(self, text: str) -> str:
        text = scrub(text.replace("\r\n", "\n"), roots=self._roots)
        return disarm_markdown(text, where=self._where)

    def _lift_heading(self, text: str) -> str:
        """Take top headings out of the body; the first one may become the title."""

        def lift(match: re.Match[str]) -> str:
            self._heading = self._heading or _write_plain(match[1])
            return ""

        return "".join(
            _HEADING.sub(lift, part) if kind == "prose" else part
            for kind, part in split_fences(text)
        )


_TITLES = frozenset(("title", "subtitle", "description"))
_EMPTY_OUTPUT: Mapping[str, Any] = {"output_type": "display_data"}


def _make_cell(kind: str, source: str) -> dict[str, Any]:
    return {"cell_type": kind, "id": "", "metadata": {}, "source": source}


def _make_output(mime: str, text: str) -> dict[str, Any] | None:
    """Make an output that ends in a blank line, as joined outputs need."""
    if not text.strip():
        return None
    data = {mime: text.rstrip("\n") + "\n\n"}
    return {**_EMPTY_OUTPUT, "data": data, "metadata": {}}


def _disarm_option(name: str, value: Any) -> Any:
    """Disarm a cell option; captions are Markdown, alternative texts are not."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    if name.endswith("-cap"):
        return disarm_markdown(line, where="a cell option")
    return disarm_code(line)


def _write_plain(text: str) -> str:
    """Reduce a heading in Markdown to its words."""
    return re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)[*`]", "", text))


def _dump(options: Mapping[str, Any]) -> list[str]:
    if not options:
        return []
    text = yaml.safe_dump(
        dict(options), sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return text.splitlines()
