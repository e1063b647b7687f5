"""One page: its content in the frame of the site."""

from __future__ import annotations

import html
import posixpath
from collections.abc import Mapping, Sequence
from importlib import resources
from string import Template
from typing import Any

from workbench.brief.builtin.menus import (
    draw_contents,
    draw_navbar,
    draw_sidebar,
    link_to,
    read_title,
)
from workbench.brief.builtin.tree import Heading

__all__ = ["draw_page"]

_POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: "
    "'unsafe-inline'; img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
)


def draw_page(
    body: str,
    *,
    address: str,
    front: Mapping[str, Any],
    config: Mapping[str, Any],
    headings: Sequence[Heading],
) -> str:
    """Draw a page.

    Parameters
    ----------
    body : str
        HTML of the content, from pandoc.
    address : str
        Address of the page without ending.
    front : mapping
        Settings of the page: title, subtitle, description, toc, lang.
    config : mapping
        The site's configuration: titles, menus, footer.
    headings : sequence of Heading
        For the contents beside the page.

    Returns
    -------
    str
        A whole HTML document.
    """
    website = config.get("website", {})
    settings = {**front.get("format", {}).get("html", {}), **front}
    contents = draw_contents(headings) if settings.get("toc", True) else ""
    title = read_title(front.get("title", address))
    site = read_title(website.get("title", ""))
    folder = posixpath.dirname(address)
    footer = website.get("page-footer", {})
    return _read_template().substitute(
        lang=html.escape(str(front.get("lang", "en"))),
        policy=html.escape(_POLICY),
        root=posixpath.relpath(".", folder) + "/" if folder else "",
        page_title=html.escape(f"{title} – {site}" if site else title),
        description=_draw_description(front),
        site=html.escape(site),
        home=html.escape(link_to("index", address)),
        navbar=draw_navbar(config, address),
        sidebar=draw_sidebar(config, address),
        layout="with-toc" if contents else "without-toc",
        contents=_draw_margin(contents, str(settings.get("toc-title", "Contents"))),
        title_block=_draw_title_block(title, front),
        body=body,
        footer=html.escape(read_title(footer.get("left", ""))),
    )


def _read_template() -> Template:
    theme = resources.files("workbench.brief") / "theme"
    return Template((theme / "page.html").read_text(encoding="utf-8"))


def _draw_description(front: Mapping[str, Any]) -> str:
    text = html.escape(read_title(front.get("description", "")))
    return f'<meta name="description" content="{text}">' if text else ""


def _draw_title_block(title: str, front: Mapping[str, Any]) -> str:
    parts = [f'<h1 class="title">{html.escape(title)}</h1>']
    for key, kind in (("subtitle", "subtitle lead"), ("description", "description")):
        if front.get(key):
            text = html.escape(read_title(front[key]))
            parts.append(f'<p class="{kind}">{text}</p>')
    return "\n".join(parts)


def _draw_margin(contents: str, title: str) -> str:
    if not contents:
        return ""
    return (
        '<div id="quarto-margin-sidebar" class="sidebar margin-sidebar">\n'
        '<nav id="TOC" role="doc-toc" aria-labelledby="toc-title">\n'
        f'<h2 id="toc-title">{html.escape(title)}</h2>\n{contents}\n</nav>\n</div>'
    )
