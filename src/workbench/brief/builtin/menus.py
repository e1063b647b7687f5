"""The site's menus, from the same configuration that Quarto reads."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.brief.builtin.tree import Heading

__all__ = [
    "draw_contents",
    "draw_navbar",
    "draw_sidebar",
    "link_to",
    "list_labels",
    "read_title",
]

_ESCAPED = re.compile(r"\\(.)")


def read_title(text: object) -> str:
    """Return a title of the configuration, written as Markdown, as plain text."""
    return _ESCAPED.sub(r"\1", str(text))


def link_to(target: str, address: str) -> str:
    """Return the link from one page to another, both addresses without ending."""
    return posixpath.relpath(f"{target}.html", posixpath.dirname(address) or ".")


def draw_navbar(config: Mapping[str, Any], address: str) -> str:
    """Draw the list of links of the bar on top."""
    items = config.get("website", {}).get("navbar", {}).get("left", [])
    drawn = "\n".join(_draw_navbar_item(item, address) for item in items)
    return f'<ul class="navbar-nav">\n{drawn}\n</ul>' if drawn else ""


def draw_sidebar(config: Mapping[str, Any], address: str) -> str:
    """Draw the tree of all pages; the sections around this page are open."""
    contents = config.get("website", {}).get("sidebar", {}).get("contents", [])
    return _draw_branch(contents, address, "list-unstyled")


def list_labels(config: Mapping[str, Any]) -> dict[str, str]:
    """List what the menu calls each page, by address; sections come before it."""
    labels: dict[str, str] = {}

    def take(contents: Sequence[Mapping[str, Any]], above: str) -> None:
        for item in contents:
            if "section" in item:
                take(item["contents"], f"{read_title(item['section'])} › ")
            else:
                address = str(item["href"]).removesuffix(".ipynb")
                labels[address] = f"{above}{read_title(item['text'])}"

    take(config.get("website", {}).get("sidebar", {}).get("contents", []), "")
    return labels


def draw_contents(headings: Sequence[Heading]) -> str:
    """Draw the contents of a page as nested lists; empty below two headings."""
    if len(headings) < 2:
        return ""
    parts = ["<ul>"]
    open_levels = [headings[0].level]
    for number, heading in enumerate(headings):
        if number and heading.level > open_levels[-1]:
            parts.append("<ul>")
            open_levels.append(heading.level)
        elif number:
            while len(open_levels) > 1 and heading.level < open_levels[-1]:
                parts.append("</li></ul>")
                open_levels.pop()
            parts.append("</li>")
        anchor, text = html.escape(heading.anchor), html.escape(heading.text)
        parts.append(f'<li><a href="#{anchor}" class="nav-link">{text}</a>')
    parts.append("</li></ul>" * len(open_levels))
    return "".join(parts)


def _draw_navbar_item(item: Mapping[str, Any], address: str) -> str:
    target = str(item["href"]).removesuffix(".ipynb")
    mark = _mark_current(target, address)
    text = html.escape(read_title(item["text"]))
    link = html.escape(link_to(target, address))
    return (
        f'<li class="nav-item"><a class="nav-link{mark[0]}" href="{link}"{mark[1]}>'
        f'<span class="menu-text">{text}</span></a></li>'
    )


def _draw_branch(contents: Sequence[Mapping[str, Any]], address: str, kind: str) -> str:
    drawn = "\n".join(
        _draw_section(item, address) if "section" in item else _draw_link(item, address)
        for item in contents
    )
    return f'<ul class="{kind}">\n{drawn}\n</ul>'


def _draw_link(item: Mapping[str, Any], address: str) -> str:
    target = str(item["href"]).removesuffix(".ipynb")
    mark = _mark_current(target, address)
    text = html.escape(read_title(item["text"]))
    link = html.escape(link_to(target, address))
    return (
        f'<li class="sidebar-item"><a class="sidebar-item-text sidebar-link{mark[0]}"'
        f' href="{link}"{mark[1]}><span class="menu-text">{text}</span></a></li>'
    )


def _draw_section(item: Mapping[str, Any], address: str) -> str:
    """Draw a section: folded when it holds sections, as an appendix does."""
    contents = item["contents"]
    title = html.escape(read_title(item["section"]))
    branch = _draw_branch(contents, address, "sidebar-section")
    opening = '<li class="sidebar-item sidebar-item-section">'
    if not any("section" in part for part in contents):
        return f'{opening}<p class="sidebar-heading">{title}</p>\n{branch}</li>'
    state = " open" if _holds(contents, address) else ""
    summary = f'<summary class="sidebar-heading">{title}</summary>'
    return f"{opening}<details{state}>{summary}\n{branch}</details></li>"


def _holds(contents: Sequence[Mapping[str, Any]], address: str) -> bool:
    """Tell whether a page stands somewhere in a branch."""
    return any(
        _holds(item["contents"], address)
        if "section" in item
        else item["href"] == f"{address}.ipynb"
        for item in contents
    )


def _mark_current(target: str, address: str) -> tuple[str, str]:
    return (" active", ' aria-current="page"') if target == address else ("", "")
