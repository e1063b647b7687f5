"""Pandoc as a reader and writer of many pages in one process."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from workbench.core.errors import PublishError

__all__ = ["read_markdown", "write_html"]

_FORMAT = (
    "markdown-raw_html-raw_tex-native_divs-native_spans-markdown_in_html_blocks"
    "-yaml_metadata_block-pandoc_title_block-latex_macros"
)
_READ = f"""
local pages = pandoc.json.decode(io.read('a'), false)
local trees = {{}}
for index, text in ipairs(pages) do
  trees[index] = pandoc.write(pandoc.read(text, '{_FORMAT}'), 'json')
end
io.write(pandoc.json.encode(trees))
"""
_WRITE = """
local trees = pandoc.json.decode(io.read('a'), false)
local options = pandoc.WriterOptions{
  html_math_method = 'mathml', section_divs = true, wrap_text = 'none'
}
local pages = {}
for index, text in ipairs(trees) do
  pages[index] = pandoc.write(pandoc.read(text, 'json'), 'html5', options)
end
io.write(pandoc.json.encode(pages))
"""


def read_markdown(pages: Sequence[str]) -> list[dict[str, Any]]:
    """Read Markdown pages into pandoc's trees; HTML only from raw blocks.

    Raises
    ------
    PublishError
        If pandoc is missing or fails.
    """
    return [json.loads(tree) for tree in _run(_READ, list(pages))]


def write_html(trees: Sequence[dict[str, Any]]) -> list[str]:
    """Write pandoc's trees as HTML fragments, sections wrapped, math as MathML.

    Raises
    ------
    PublishError
        If pandoc is missing or fails.
    """
    return _run(_WRITE, [json.dumps(tree) for tree in trees])


def _run(script: str, texts: list[str]) -> list[str]:
    """Run a script over texts in pandoc's own Lua, without files or network."""
    if not texts:
        return []
    import pypandoc

    try:
        result = subprocess.run(
            [pypandoc.get_pandoc_path(), "lua", "-e", script],
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
    except OSError as error:
        raise PublishError.build(
            "Pandoc cannot be started",
            got=str(error),
            hint="install the package pypandoc-binary again",
        ) from error
    except subprocess.CalledProcessError as error:
        raise PublishError.build("Pandoc failed", got=error.stderr[-500:]) from error
    pages: list[str] = json.loads(result.stdout)
    return pages
