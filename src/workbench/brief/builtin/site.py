"""The whole site: every staged page rendered, with theme, pictures and search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from workbench.brief.builtin.cells import PageSource, read_page
from workbench.brief.builtin.menus import list_labels
from workbench.brief.builtin.page import draw_page
from workbench.brief.builtin.pandoc import read_markdown, write_html
from workbench.brief.builtin.search import list_entries, write_index
from workbench.brief.builtin.tree import PageTree, rewrite_tree
from workbench.brief.site_config import read_yaml
from workbench.core.errors import PublishError

__all__ = ["render_builtin"]

_FRAME_FILES = ("frame.css", "site.js")
_STAGED_THEME = ("brief.css", "favicon.svg")
_NOTEBOOK = ".ipynb"


def render_builtin(stage: Path, output: Path) -> None:
    """Render a staged folder without Quarto.

    Parameters
    ----------
    stage : Path
        Holds ``_quarto.yml``, ``theme/`` and the notebooks it lists.
    output : Path
        Folder of the site, existing and empty.

    Raises
    ------
    PublishError
        If a notebook cannot be read, a link or reference leads nowhere (all of them
        are named together), or pandoc fails.
    """
    config = read_yaml(stage / "_quarto.yml")
    addresses = [
        str(item).removesuffix(_NOTEBOOK) for item in config["project"]["render"]
    ]
    sources = [read_page(stage, address, config) for address in addresses]
    trees = read_markdown([source.markdown for source in sources])
    pages = [
        _rewrite(tree, source, frozenset(addresses))
        for tree, source in zip(trees, sources, strict=True)
    ]
    _refuse_faults(sources, pages)
    bodies = write_html([page.tree for page in pages])
    for source, page, body in zip(sources, pages, bodies, strict=True):
        drawn = draw_page(
            body,
            address=source.address,
            front=source.front,
            config=config,
            headings=page.headings,
        )
        _write(output / f"{source.address}.html", drawn.encode())
        for name, content in source.images.items():
            _write(output / name, content)
    _write_search(output, config, sources, pages)
    _write_theme(stage, output)


def _rewrite(
    tree: dict[str, Any], source: PageSource, pages: frozenset[str]
) -> PageTree:
    settings = {**source.front.get("format", {}).get("html", {}), **source.front}
    return rewrite_tree(
        tree,
        address=source.address,
        pages=pages,
        labels=source.labels,
        depth=int(settings.get("toc-depth", 3)),
    )


def _refuse_faults(sources: Sequence[PageSource], pages: Sequence[PageTree]) -> None:
    faults = [
        f"{source.address}: {fault}"
        for source, page in zip(sources, pages, strict=True)
        for fault in page.faults
    ]
    if faults:
        raise PublishError.build(
            "Pages hold links or references that lead nowhere",
            where="\n         ".join(faults),
            hint="link to pages of this site by their notebook, such as methods.ipynb",
        )


def _write_search(
    output: Path,
    config: Mapping[str, Any],
    sources: Sequence[PageSource],
    pages: Sequence[PageTree],
) -> None:
    labels = list_labels(config)
    entries: list[Mapping[str, str]] = []
    for source, page in zip(sources, pages, strict=True):
        if source.front.get("search", True) is False:
            continue
        title = labels.get(source.address, source.address)
        headings = {item.anchor: item.text for item in page.headings}
        entries += list_entries(source.address, title, page.tree, headings)
    index, script = write_index(entries)
    _write(output / "search.json", index.encode())
    _write(output / "search.js", script.encode())


def _write_theme(stage: Path, output: Path) -> None:
    for name in _STAGED_THEME:
        _write(output / "theme" / name, (stage / "theme" / name).read_bytes())
    theme = resources.files("workbench.brief") / "theme"
    for name in _FRAME_FILES:
        _write(output / "theme" / name, (theme / name).read_bytes())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
